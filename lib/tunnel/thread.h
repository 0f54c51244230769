#ifndef SP_TUNNEL_THREAD_H
#define SP_TUNNEL_THREAD_H

/*
 * tunnel_thread: the buffers that all tunnels of one loop thread take turns with, so that an idle
 * tunnel holds none and a byte costs no allocation. Make one beside each loop; free it last.
 */

#include "lib/base/error.h"

struct tunnel_thread;

SP_MUST sp_error tunnel_thread_new(struct tunnel_thread **out);
void tunnel_thread_free(struct tunnel_thread *t); /* NULL is allowed */

#endif
