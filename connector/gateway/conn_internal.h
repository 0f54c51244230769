#ifndef SP_GATEWAY_CONN_INTERNAL_H
#define SP_GATEWAY_CONN_INTERNAL_H

/*
 * One stream of a client (conn.c) and the one request of it that is under way (exchange.c for what
 * comes in, answer.c for what goes back). A stream is asked for one request at a time: pipelined
 * ones wait in the window of the stream.
 */

#include "connector/gateway/app.h"
#include "connector/gateway/front.h"
#include "connector/gateway/gateway_internal.h"
#include "connector/gateway/upstream.h"
#include "lib/os/loop.h"

enum {
    CONN_OUT_MAX = 64 * 1024,          /* bytes for the client that it has not taken; then the
                                          application is not read */
    CONN_APP_MAX = 64 * 1024,          /* the same the other way */
    CONN_DISCARD_MAX = 64 * 1024,      /* of a refused body, so that the connection may live on */
    CONN_RATE_MS = 10 * 1000,          /* the least rate of a body is looked at over this time */
    EXCHANGE_HEAD_MEMORY = 512 * 1024, /* of the arena, beside an inspected body */
    EXCHANGE_INTERIM_MAX = 16          /* 1xx answers before the final one */
};

/* What the connection waits for; each has its time. */
enum conn_wait { CONN_WAIT_NONE, CONN_WAIT_NEXT, CONN_WAIT_HEAD, CONN_WAIT_BODY, CONN_WAIT_ANSWER };

struct exchange;

struct gw_conn {
    struct gateway *gateway;        /* borrowed */
    struct gw_app *app;             /* held */
    const struct gw_person *person; /* borrowed; NULL: nobody */
    struct address to;
    struct stream *stream; /* owned */
    gateway_ended *ended;
    void *arg;            /* borrowed */
    struct deferred news; /* what can't be told from inside of the stream's calls */
    struct timer *timer;  /* owned; NULL: not running */
    enum conn_wait wait;
    uint64_t rate_mark;     /* body bytes at the last look */
    struct http1 *requests; /* owned */
    struct front *front;    /* owned; NULL: the client speaks http */
    struct buf out;
    size_t out_at;
    struct exchange *exchange; /* owned; NULL: between two requests */
    unsigned inside;           /* calls of the stream that we are in */
    size_t discard;            /* bytes of a refused body that may still come */
    bool held;                 /* nothing moves: the session is paused */
    bool waiting;              /* bytes were left in the stream */
    bool discarding;           /* the rest of a refused body */
    bool ending;               /* no further request; the end follows the last byte of `out` */
    bool client_ended, over, told;
    sp_error why;
};

/* An inspected body as it grows. */
struct collected {
    uint8_t *at;
    size_t len, cap;
};

struct exchange {
    struct gw_exchange x;
    struct gw_conn *conn;         /* borrowed */
    struct arena *arena;          /* owned; x lives beside it, all it points to lives in it */
    struct upstream *up;          /* owned; NULL: none */
    bool fresh, connected, heard; /* heard: the application said something */
    bool retried;
    struct http1 *answer; /* owned */
    struct buf to_app;
    size_t to_app_at;
    bool collecting, answer_collecting;
    struct collected body, content;
    bool forwarding;    /* every step passed: bytes go to the application */
    bool request_ended; /* its last byte was read */
    bool raw;           /* a websocket: bytes both ways */
    bool raw_ended;     /* the client's side of it */
    bool head_out;      /* the head of an answer, ours or theirs, is on its way */
    bool app_deaf;      /* the application takes nothing more */
    bool until_close, dirty;
    enum gw_body_kind out_kind;
    unsigned interim;
    int64_t sent_us;
    struct gw_field own[GW_OWN_FIELDS_MAX];
};

/* ---- conn.c ---- */
/* Takes `stream`, also when it fails. */
SP_MUST sp_error conn_new(struct gateway *g, struct gw_app *app, const struct gw_person *person,
                          struct stream *stream, const struct gateway_serving *serving,
                          struct gw_conn **out);
size_t conn_out_room(const struct gw_conn *c);
void conn_flush(struct gw_conn *c); /* `out` has bytes, or the end */
void conn_wake(struct gw_conn *c);  /* the stream's bytes may be taken again */
void conn_abort(struct gw_conn *c, sp_error why);
void conn_wait_for(struct gw_conn *c, enum conn_wait what, int64_t ms);
/* The exchange is over and gone. `keep`: another request may follow. */
void conn_next(struct gw_conn *c, bool keep);

/* ---- exchange.c ---- */
/* The head is whole, or http1_head() failed with `e`. The exchange is c->exchange afterwards, or
 * is over again. */
void exchange_begin(struct gw_conn *c, sp_error e);
void exchange_free(struct exchange *x);         /* NULL is allowed */
size_t exchange_room(const struct exchange *x); /* for body bytes */
void exchange_take(struct exchange *x, struct view data);
void exchange_request_ended(struct exchange *x);
void exchange_client_took(struct exchange *x); /* `out` has room again */
void exchange_late(struct exchange *x, enum conn_wait what);
void exchange_refuse(struct exchange *x, struct gw_verdict v);
void exchange_over(struct exchange *x, bool keep);
void exchange_push(struct exchange *x); /* what is for the application */
/* A second try on a new connection, when the application can have seen nothing of the first. */
bool exchange_again(struct exchange *x);
bool exchange_collect(struct exchange *x, struct collected *to, struct view data, size_t max);

/* ---- answer.c ---- */
void answer_pump(struct exchange *x);

/* ---- person.c ---- */
const struct gw_caller *person_caller(const struct gw_person *p);

#endif
