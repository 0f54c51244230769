#ifndef SP_GATEWAY_EXCHANGE_H
#define SP_GATEWAY_EXCHANGE_H

/*
 * exchange: one request and its answer, whatever carries them.
 *
 *   asker     who asked: an HTTP/1 connection (ask1.c), or one stream of an HTTP/2 one (ask2.c)
 *   exchange  the steps, what rules read of the bodies, refusals (exchange.c), the application's
 *             answer on its way back (answer.c)
 *   leg       the way to the application: HTTP/1 (leg1.c), or one stream of HTTP/2 (leg2.c)
 *
 * The exchange alone knows both; an asker knows no leg. Each function of an exchange may end it:
 * asker.exchange is NULL then. Loop thread.
 */

#include "connector/gateway/app.h"
#include "connector/gateway/collected.h"
#include "connector/gateway/grpc.h"
#include "connector/gateway/places.h"
#include "connector/gateway/problem.h"
#include "connector/gateway/write.h"
#include "lib/os/loop.h"

enum {
    ASKER_OUT_MAX = 31 * 1024,         /* bytes of an answer that wait for a slow client; then the
                                          application is not read. A buffer of 32 KiB holds them
                                          with what frames them */
    LEG_OUT_MAX = 31 * 1024,           /* the same the other way */
    EXCHANGE_RATE_MS = 10 * 1000,      /* the least rate of a body is looked at over this time */
    EXCHANGE_HEAD_MEMORY = 512 * 1024, /* of the arena, beside inspected bodies */
    EXCHANGE_DEADLINE_GRACE_MS = 1000,
    EXCHANGE_INTERIM_MAX = 16 /* 1xx answers before the final one */
};

struct exchange;
struct asker;
struct gw_conn;

/* ---- who asked ----------------------------------------------------------------------------- */

/* What is waited for; each has its time. */
enum asker_wait {
    ASKER_WAIT_NONE,
    ASKER_WAIT_NEXT,
    ASKER_WAIT_HEAD,
    ASKER_WAIT_BODY,
    ASKER_WAIT_ANSWER,
    ASKER_WAIT_DEADLINE /* of a call of gRPC: nothing else is waited for beside it */
};

struct asker_io {
    /* The head of the request, as http1_request() gives it; `*reason` with an error. */
    sp_error (*read)(struct asker *a, struct exchange *x, struct view *target,
                     enum gw_reason *reason);
    bool (*whole)(const struct asker *a);  /* the request's last byte was read */
    void (*go_on)(struct asker *a);        /* "100 Continue" */
    size_t (*room)(const struct asker *a); /* for bytes of the answer */
    sp_error (*head)(struct asker *a, struct exchange *x, struct write_fields own);
    void (*body)(struct asker *a, struct view data);
    void (*end)(struct asker *a, struct write_fields trailers);
    /* An answer of ours, whole. `keep`: another request may follow. */
    sp_error (*refuse)(struct asker *a, const struct gw_problem *p, bool keep);
    void (*flush)(struct asker *a);               /* something was written */
    void (*wake)(struct asker *a);                /* bytes of the request may be taken again */
    void (*abort)(struct asker *a, sp_error why); /* no more of this answer */
    void (*over)(struct asker *a, bool keep);     /* the exchange is gone */
    void (*late)(struct asker *a, enum asker_wait what); /* time is up, without an exchange */
};

struct asker {
    const struct asker_io *io;
    struct gw_conn *conn;      /* borrowed */
    struct exchange *exchange; /* owned; NULL: none under way */
    struct timer *timer;       /* owned; NULL: not running */
    enum asker_wait wait;
};

void asker_init(struct asker *a, const struct asker_io *io, struct gw_conn *c);
void asker_deinit(struct asker *a); /* the exchange is cut off */
void asker_wait_for(struct asker *a, enum asker_wait what, int64_t ms);

/* ---- the way to the application ------------------------------------------------------------- */

struct leg_io {
    /* The request as x->x.request says it, with our own fields; connects. `body` is what of the
     * body was collected: whole when x->request_ended.
     *   SP_ERR_NOMEM, SP_ERR_LIMIT, SP_ERR_IO, SP_ERR_TLS */
    sp_error (*start)(struct exchange *x, struct view host, struct write_fields own,
                      struct view body);
    void (*body)(struct exchange *x, struct view data);
    void (*end)(struct exchange *x); /* the request's last byte; of a websocket, the client's FIN */
    size_t (*room)(const struct exchange *x);
    size_t (*socket_room)(const struct exchange *x); /* what the kernel would take at once */
    void (*resume)(struct exchange *x);              /* the asker has room again */
    void (*done)(struct exchange *x); /* the answer is whole: the connection may serve another */
    void (*drop)(struct exchange *x); /* it may not; frees. Also before start, and twice */
};
extern const struct leg_io leg1_io, leg2_io;

/* ---- the exchange -------------------------------------------------------------------------- */

struct exchange {
    struct gw_exchange x;
    struct asker *asker;      /* borrowed */
    struct gw_conn *conn;     /* borrowed: of the asker */
    struct arena *arena;      /* owned; x lives beside it, all it points to lives in it */
    const struct leg_io *leg; /* NULL: not forwarded */
    void *leg_state;          /* the leg's own; in the arena */
    struct place place;       /* among the person's requests under way */
    uint64_t rate_mark;       /* body bytes at the last look */
    sp_boot_ms rate_at;       /* when that was */
    bool collecting;
    bool copying; /* passed on at once, and read at its end */
    struct deferred
        impatient;          /* while it collects for rules that only monitor: to the turn's end */
    bool answer_collecting; /* held back until it was read */
    bool answer_copying;    /* passed on at once, and read at its end */
    struct collected body, content;
    struct grpc_messages asked, answered; /* of a call of gRPC */
    bool forwarding;                      /* every step passed: bytes go to the application */
    bool request_ended;                   /* its last byte was read */
    bool raw;                             /* a websocket: bytes both ways */
    bool head_out;                        /* the head of an answer, ours or theirs, is on its way */
    bool until_close; /* the answer's body ends with the connection to the application */
    int64_t sent_us;
    struct gw_own own;
};

/* The head is whole; or it can't be read, for `reason`, and e is not SP_OK. a->exchange is the
 * exchange afterwards, or it is over again. */
void exchange_begin(struct asker *a, sp_error e, enum gw_reason reason);
void exchange_free(struct exchange *x);         /* NULL is allowed */
size_t exchange_room(const struct exchange *x); /* for body bytes */
void exchange_take(struct exchange *x, struct view data);
void exchange_request_ended(struct exchange *x);
void exchange_raw_ended(struct exchange *x);   /* the client's side of a websocket */
void exchange_client_took(struct exchange *x); /* the asker has room again */
void exchange_late(struct exchange *x, enum asker_wait what);
/* How long the body may go on coming before it is asked for again; 0: it came too slowly. */
int64_t exchange_patience(struct exchange *x);
void exchange_refuse(struct exchange *x, struct gw_verdict v);
void exchange_over(struct exchange *x, bool keep);
bool exchange_streams(const struct gw_message_body *b); /* its media type is never held back */

/* Of legs. */
void exchange_sent(struct exchange *x); /* what it had has left for the application */
void exchange_unreachable(struct exchange *x, sp_error e, const char *text);

/* answer.c: what the application says, in this order. false: the exchange is over. */
bool answer_begins(struct exchange *x); /* x->x.response and x->until_close are set */
bool answer_piece(struct exchange *x, struct view data);
bool answer_ends(struct exchange *x, struct write_fields trailers);
bool answer_broken(struct exchange *x, enum gw_reason reason);

#endif
