#ifndef SP_CHANNEL_LISTENER_H
#define SP_CHANNEL_LISTENER_H

/*
 * listener: the broker's side of control channels: /control on the public port.
 *
 * A websocket endpoint for lib/http/server.h. Proves each peer (opening.h), asks its owner to
 * admit the proven key, then delivers its messages. Refuses any Origin (WS-14), a query (WS-15),
 * a missing nonce, another subprotocol. Limits: 10 s and 4 KiB until welcome, 64 unproven
 * connections a source address (/64 for IPv6), 4,096 in all. A key that is welcome but has no id
 * is a stranger's, who may log in or enrol and nothing else: LISTENER_STRANGERS_A_SOURCE open
 * channels a source, LISTENER_STRANGERS_MAX in all, LISTENER_STRANGER_MS each (4408).
 * Loop thread only, but listener_call_wait and listener_send (any worker).
 */

#include "lib/channel/opening.h"
#include "lib/http/engine.h"

struct listener;
struct edge;
struct lws_protocols;

enum { LISTENER_UNPROVEN_A_SOURCE = 64, LISTENER_UNPROVEN_MAX = 4096, LISTENER_PING_MS = 15000 };
enum {
    LISTENER_STRANGERS_A_SOURCE = 256, /* a company behind one address, on the day of its rollout */
    LISTENER_STRANGERS_MAX = 4096,
    LISTENER_STRANGER_MS = 15 * 60 * 1000 /* a login lives 10 minutes */
};

struct listener_events {
    /*
     * `peer` has proved its key; nobody has looked it up yet. Answer with listener_welcome or
     * listener_refuse by the edge's number, now or later (a worker looks it up, the loop
     * answers); unanswered, the 10 s end it. `peer` lives as long as the edge.
     */
    void (*proven)(void *arg, uint64_t edge, const struct channel_peer *peer);
    /* The welcome is sent; messages follow. */
    void (*opened)(void *arg, uint64_t edge, const struct channel_peer *peer, struct channel *c);
    /* A call or event. */
    void (*message)(void *arg, uint64_t edge, const struct channel_peer *peer, struct channel *c,
                    const struct envelope *m);
    /* It had been opened and is gone; its calls have ended. */
    void (*lost)(void *arg, uint64_t edge, const struct channel_peer *peer);
};

struct listener_options {
    const struct opening_server_config *server; /* borrowed until listener_free; the keys statement
                                                   in it may be replaced between two turns */
    bool l7;                                    /* front: l7 in the configuration */
    const struct listener_events *events;
    void *arg;
};

SP_MUST sp_error listener_new(struct engine *engine, const struct listener_options *o,
                              struct listener **out);
/* After server_free of the server that carries it. */
void listener_free(struct listener *l);
struct engine *listener_engine(struct listener *l);
/* For server_options.endpoints. */
const struct lws_protocols *listener_protocol(struct listener *l);

/*
 * Admits edge number `edge`. An earlier channel with the same key (relay: same id and boot) is
 * closed with 4409. Unknown numbers (it left meanwhile) are ignored. `w->v` and `w->ping` are
 * filled here.
 */
void listener_welcome(struct listener *l, uint64_t edge, const struct opening_welcome *w);
void listener_refuse(struct listener *l, uint64_t edge, enum channel_close code,
                     const char *reason);
/* Ends an open channel: revoked device, replaced key. */
void listener_close(struct listener *l, uint64_t edge, enum channel_close code, const char *reason);

/* NULL: not open (any more). */
struct channel *listener_channel(struct listener *l, uint64_t edge);
const struct channel_peer *listener_peer(struct listener *l, uint64_t edge);
/* The registry gave the edge this id after the opening (enrol, login). */
void listener_peer_id(struct listener *l, uint64_t edge, struct sp_id id);

/*
 * From a worker: sends a call and waits for its answer. Takes `members`. `answer` is owned by the
 * caller on SP_OK and SP_ERR_REFUSED (envelope_deinit). Never on the loop: it would wait for
 * itself. SP_ERR_NOT_FOUND  no such edge now SP_ERR_REFUSED    an error answer SP_ERR_TIMEOUT,
 * SP_ERR_CLOSED, SP_ERR_LIMIT, SP_ERR_BUSY, SP_ERR_NOMEM
 */
SP_MUST sp_error listener_call_wait(struct listener *l, uint64_t edge, const char *type,
                                    struct json *members, int64_t timeout_ms,
                                    struct envelope *answer);
/* From any thread: an event, sent from the loop; gone when the edge is. Takes `members`. */
void listener_send(struct listener *l, uint64_t edge, const char *type, struct json *members);

/* From any thread: answers a call that came as message (edge, envelope.i). Takes `members`;
 * NULL with a `code`: a refusal. */
void listener_answer(struct listener *l, uint64_t edge, int64_t re, struct json *members);
void listener_answer_error(struct listener *l, uint64_t edge, int64_t re, const char *code,
                           const char *text, const char *request);

struct listener_counts {
    size_t unproven, open;
};
struct listener_counts listener_counts(const struct listener *l);

#endif
