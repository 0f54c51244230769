#ifndef SP_GATEWAY_LINK2_H
#define SP_GATEWAY_LINK2_H

/*
 * link2: connections to applications that speak HTTP/2, each shared by the requests of one user on
 * one app, at one address, with the same TLS identity (upstream.h): two users never share one.
 *
 * The requests are streams of link2_http2(); what is queued there leaves at the end of the loop's
 * turn after link2_flush(). A connection that fails ends its streams with `closed` of the events,
 * and link2_failed() says what it was. Loop thread.
 */

#include "connector/gateway/http2.h"
#include "connector/gateway/upstream.h"

struct link2_pool;
struct link2;

/* What http2_request() gets as user begins with this: the events of that stream, which have the
 * link as their arg. Nothing is pushed to us, so `begins` is not among them. */
struct link2_user {
    const struct http2_events *events;
};

/* Borrows everything.   SP_ERR_NOMEM */
SP_MUST sp_error link2_pool_new(struct loop *loop, struct upstream_pool *upstreams,
                                struct link2_pool **out);
void link2_pool_free(struct link2_pool *p); /* NULL is allowed */
void link2_pool_forget(struct link2_pool *p, struct sp_id app, struct sp_id user);

/* One that can take another request, else a new one that connects; *fresh says which.
 *   SP_ERR_NOMEM, SP_ERR_LIMIT, SP_ERR_IO, SP_ERR_TLS */
SP_MUST sp_error link2_get(struct link2_pool *p, const struct upstream_to *to, bool *fresh,
                           struct link2 **out);
struct http2 *link2_http2(struct link2 *l);
void link2_flush(struct link2 *l);
/* A stream of it is over: one without any waits for the next request, for a time. */
void link2_rest(struct link2 *l);
/* SP_OK: it lives. `*text` for people. */
sp_error link2_failed(const struct link2 *l, const char **text);

#endif
