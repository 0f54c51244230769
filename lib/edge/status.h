#ifndef SP_EDGE_STATUS_H
#define SP_EDGE_STATUS_H

/*
 * status: what a running relay or connector says of itself over a unix socket of mode 0600, so that
 * it listens on no TCP port for it (ZT-6). HTTP/1.0: `curl --unix-socket SOCKET http://x/readyz`
 * works too. Every answer is one JSON object.
 *
 *   GET /livez    200 while the process runs
 *   GET /readyz   200 when it serves, else 503; the same body as /status
 *   GET /status
 *   POST /ORDER   what the program takes, such as drain
 * Loop thread; status_ask blocks and is for commands.
 */

#include "lib/base/json.h"

struct status;
struct loop;

/* Fills the status; returns whether the program serves. */
typedef bool status_facts(void *arg, struct json *out);
/* Obeys "drain" and the like and says in `out` what follows. false: no such order. */
typedef bool status_order(void *arg, const char *order, struct json *out);

struct status_spec {
    status_facts *facts;
    status_order *order; /* NULL: none is taken */
    void *arg;           /* borrowed until status_free */
};

/* As sock_listen_unix. */
SP_MUST sp_error status_new(struct loop *loop, const char *path, const struct status_spec *spec,
                            struct status **out);
void status_free(struct status *h); /* removes the socket; NULL is allowed */

/*
 * Asks a running program: `what` is "GET /status" or "POST /drain". `*out` is the caller's; `*ok`
 * when the answer's code was 200.   SP_ERR_UNREACHABLE  none runs; SP_ERR_PERMISSION,
 * SP_ERR_TIMEOUT, SP_ERR_PROTOCOL
 */
SP_MUST sp_error status_ask(const char *path, const char *what, bool *ok, struct json **out);

#endif
