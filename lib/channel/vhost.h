#ifndef SP_CHANNEL_VHOST_H
#define SP_CHANNEL_VHOST_H

/*
 * vhost: what libwebsockets shares among the connections of one dialer: protocol, TLS context,
 * proxy. A part of dialer.c. Loop thread.
 */

#include "lib/http/engine.h"

#include <libwebsockets.h>

#define CONTROL_PROTOCOL "sallyport-control.1"
enum { CONTROL_CONNECT_S = 5 }; /* TCP to one address */

/*
 * `callback` gets every event, first the loading of the TLS context; `user` is the vhost's.
 * `proxy`: [user:password@]host:port, ":0" for none; read in the call. Ends with
 * lws_vhost_destroy, by the caller also on an error after which `*out` is not NULL.
 *   SP_ERR_NOMEM, SP_ERR_TLS
 */
SP_MUST sp_error control_vhost(struct engine *engine, lws_callback_function *callback, void *user,
                               const char *proxy, struct lws_vhost **out);

#endif
