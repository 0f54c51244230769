#ifndef SP_GATEWAY_PREFLIGHT_INTERNAL_H
#define SP_GATEWAY_PREFLIGHT_INTERNAL_H

/* preflight.c asks and judges, over HTTP/1; preflight2.c is the way to an application that speaks
 * HTTP/2: a stream of a connection that all requests of its user share. */

#include "connector/gateway/collected.h"
#include "connector/gateway/http1.h"
#include "connector/gateway/link2.h"
#include "connector/gateway/preflight.h"
#include "connector/gateway/write.h"

enum { PREFLIGHT_INTERIM = 16 };

struct preflight2 {
    struct link2_user user; /* first: of the stream's events */
    struct preflight *p;
    struct link2 *link;     /* borrowed; NULL: without a stream */
    struct http2_stream *s; /* NULL: none */
    struct write_fields fields;
    bool fresh, heard, retried, ended;
    unsigned interim;
};

struct preflight {
    struct gw_exchange *x; /* borrowed: on whose behalf; parked while this lives */
    preflight_said *said;
    struct gw_exchange asked; /* the GET and its answer; all of it in `arena` */
    struct arena *arena;      /* owned */
    struct upstream *up;      /* owned; NULL: none */
    struct http1 *answer;     /* owned */
    struct preflight2 two;
    struct timer *late; /* owned */
    struct buf request;
    size_t sent;
    struct collected body; /* in `arena` */
    bool fresh, connected, heard, retried, until_close, dirty, oversize;
    unsigned interim;
};

/* preflight.c. p is gone after the first two. */
void preflight_fail(struct preflight *p, enum gw_reason reason, const char *why);
void preflight_answered(struct preflight *p);
void preflight_keep(struct preflight *p, struct view data); /* of the answer's body */

/* preflight2.c */
SP_MUST sp_error preflight2_start(struct preflight *p); /* two.fields are the request */
void preflight2_drop(struct preflight *p);              /* also before start, and twice */

#endif
