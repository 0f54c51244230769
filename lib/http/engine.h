#ifndef SP_HTTP_ENGINE_H
#define SP_HTTP_ENGINE_H

/*
 * engine: libwebsockets on the program's loop; one a program.
 *
 * Shared by server.c (browsers, API), live.c, and lib/channel (control websockets), since one
 * context serves one loop. Filters libwebsockets' log: the two lines about missing ALPN are
 * dropped, the rest goes to lib/base/log as "lws".
 * Loop thread only.
 */

#include "lib/base/error.h"

struct engine;
struct loop;
struct lws_context;

enum {
    /* From accept to the end of TLS, then to the whole head, then from one part of a body to the
     * next: closed. */
    ENGINE_HEAD_MS = 10 * 1000
};

/* Borrows `loop` until engine_free. SP_ERR_NOMEM; SP_ERR_IO: there is no /dev/urandom. */
SP_MUST sp_error engine_new(struct loop *loop, struct engine **out);
/* All servers, dialers and listeners on it are freed before. Runs the loop until libwebsockets
 * has closed its handles. */
void engine_free(struct engine *e);

struct loop *engine_loop(struct engine *e);
/* For server.c and lib/channel only. */
struct lws_context *engine_context(struct engine *e);

#endif
