#ifndef SP_GATEWAY_CONN_INTERNAL_H
#define SP_GATEWAY_CONN_INTERNAL_H

/*
 * One stream of a client, with its TLS where there is one (conn.c), and what is spoken in it:
 * HTTP/1 (ask1.c) or HTTP/2 (ask2.c); choose.c finds out.
 */

#include "connector/gateway/exchange.h"
#include "connector/gateway/front.h"
#include "connector/gateway/gateway_internal.h"
#include "connector/gateway/slot.h"

/* What is spoken. Loop thread; `c->inside` says that a call of the stream is on the stack. */
struct conn_protocol {
    sp_error (*open)(struct gw_conn *c); /* makes c->speaker */
    /* The next piece of what the client sends; 0: it has to wait. */
    size_t (*take)(struct gw_conn *c, struct view in);
    void (*fill)(struct gw_conn *c); /* `out` is empty: puts what there is; NULL: it is always in */
    void (*took)(struct gw_conn *c); /* some of `out` has gone */
    void (*turn)(struct gw_conn *c); /* after conn_turn(); NULL: nothing to do */
    void (*finished)(struct gw_conn *c);     /* the client's FIN */
    size_t (*room)(const struct gw_conn *c); /* what would leave this process at once */
    bool (*idle)(const struct gw_conn *c);   /* nothing is under way */
    void (*close)(struct gw_conn *c);        /* frees c->speaker */
};
extern const struct conn_protocol ask1_protocol, ask2_protocol;
extern const struct conn_protocol choose_protocol; /* until the first bytes say which */

struct gw_conn {
    struct gateway *gateway; /* borrowed */
    struct gw_app *app;      /* held: of the next request; NULL: parked */
    struct slot *slot;       /* borrowed: of the app that it is parked for */
    struct waiter parked;
    const struct gw_person *person; /* borrowed; NULL: nobody */
    struct address to;
    struct stream *stream; /* owned */
    gateway_ended *ended;
    void *arg;            /* borrowed */
    struct deferred news; /* what can't be told from inside of the stream's calls */
    struct front *front;  /* owned; NULL: the client speaks in the clear */
    const struct conn_protocol *protocol;
    void *speaker;  /* owned: the protocol's */
    struct buf out; /* for the client */
    size_t out_at;
    unsigned inside;   /* calls of the stream that we are in */
    bool held;         /* nothing moves: the session is paused */
    bool waiting;      /* bytes were left in the stream */
    bool ending;       /* no further request; the end follows the last byte of `out` */
    bool client_ended; /* its FIN came */
    bool over, told;   /* the stream is over; the owner was told */
    sp_error why;
};

/* Takes `stream`, also when it fails. */
SP_MUST sp_error conn_new(struct gateway *g, struct gw_app *app, const struct gw_person *person,
                          struct stream *stream, const struct gateway_serving *serving,
                          struct gw_conn **out);
/* Waits until the slot's app is in force. Does not take `stream` when it fails.
 *   SP_ERR_INVALID  nothing will be
 *   SP_ERR_NOMEM */
SP_MUST sp_error conn_park(struct gateway *g, struct slot *s, const struct gw_person *person,
                           struct stream *stream, const struct gateway_serving *serving,
                           struct gw_conn **out);
void conn_flush(struct gw_conn *c); /* `out` has bytes, or the end */
void conn_wake(struct gw_conn *c);  /* the stream's bytes may be taken again */
void conn_turn(struct gw_conn *c);  /* the protocol's turn(), from the loop */
void conn_end(struct gw_conn *c);   /* nothing more is read; the end follows what is written */
void conn_abort(struct gw_conn *c, sp_error why);
/* Each request is judged by the configuration that is in force when it begins. false: none is. */
bool conn_up_to_date(struct gw_conn *c);

/* ---- person.c ---- */
const struct gw_caller *person_caller(const struct gw_person *p);

#endif
