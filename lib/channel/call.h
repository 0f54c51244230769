#ifndef SP_CHANNEL_CALL_H
#define SP_CHANNEL_CALL_H

/*
 * call: an open channel, whatever carries it: numbers messages, matches answers with calls, times
 * calls out, holds the limits of PROTOCOL §4 and §10.
 *
 * Made by   dialer.c, listener.c, over.c. One owner; loop thread only, but where it says "any".
 * The carrier feeds whole messages to channel_receive and gives a way to send and to close.
 */

#include "lib/base/map.h"
#include "lib/proto/envelope.h"

struct loop;
struct deferred;
struct channel;
struct call;

/* Below the channel: the websocket. Both may be called at any time until channel_free. */
struct channel_wire {
    /* Copies `text`. SP_ERR_BUSY: the peer does not read; SP_ERR_CLOSED. */
    sp_error (*send)(void *arg, struct view text);
    /* Ends it with a code and a short reason; the carrier reports the end later, from the loop. */
    void (*close)(void *arg, enum channel_close code, const char *reason);
    void *arg;
};

/*
 * A call or event of the peer, in order; `m` is borrowed for the call (json_ref its members to
 * keep them). A call must be answered once, with channel_answer or channel_refuse, now or later;
 * the types that are events stand in call.c, everything else is a call, `session.cut` and types
 * that nobody knows (refuse them with "unsupported") included.
 */
typedef void channel_message(void *arg, struct channel *c, const struct envelope *m);

/* What a channel runs on, and who hears of its messages. Copied. */
struct channel_options {
    struct loop *loop; /* borrowed until channel_free */
    struct channel_wire wire;
    int64_t sent, received; /* numbers that the opening used up: the last one of either side */
    channel_message *message;
    void *arg; /* of `message` */
};

/* SP_ERR_NOMEM */
SP_MUST sp_error channel_new(const struct channel_options *o, struct channel **out);
/* Ends every pending call with SP_ERR_CLOSED, from inside. NULL is allowed. */
void channel_free(struct channel *c);

/* A random number of this process: names the channel where a pointer might dangle. Never 0. */
uint64_t channel_number(const struct channel *c);

/*
 * A whole message from the carrier. On failure the carrier closes with channel_close_of(e).
 *   SP_ERR_PROTOCOL  no envelope, `i` is not the last one plus 1, an answer to no call
 *   SP_ERR_LIMIT     the peer has more than ENVELOPE_UNANSWERED_MAX calls open
 */
SP_MUST sp_error channel_receive(struct channel *c, struct view text);
enum channel_close channel_close_of(sp_error e);
/* What a broker's close code says to people, and as an error; every code has a text. */
const char *channel_close_text(enum channel_close code, sp_error *e);

/* An event. Takes `members` in every case.  SP_ERR_BUSY, SP_ERR_CLOSED, SP_ERR_LIMIT, _NOMEM */
SP_MUST sp_error channel_send(struct channel *c, const char *type, struct json *members);

/* The answer to the call numbered `re` (envelope.i). Takes `members`. Errors as above. */
SP_MUST sp_error channel_answer(struct channel *c, int64_t re, struct json *members);
SP_MUST sp_error channel_refuse(struct channel *c, int64_t re, const char *code, const char *text,
                                const char *request);

/*
 * The one end of a call, from the loop. SP_OK: `m` is the answer, borrowed. SP_ERR_REFUSED: `m` is
 * an error answer (code, text, request). Else `m` is NULL: SP_ERR_TIMEOUT, SP_ERR_CLOSED.
 *
 * A call whose time is over holds its place until the late answer comes, since the peer counts it
 * until then. Where all places are held so, the peer is deaf and the channel is closed.
 */
typedef void call_done(void *arg, sp_error e, const struct envelope *m);

/* What is called: never without a type. */
struct call_ask {
    const char *type;     /* borrowed for the call */
    struct json *members; /* taken, also on failure; NULL: none */
    int64_t timeout_ms;   /* from its sending on */
};

/*
 * `*out` is good for call_cancel until `done` ran; it frees itself then.
 *   SP_ERR_LIMIT  ENVELOPE_UNANSWERED_MAX calls are under way
 *   SP_ERR_BUSY, SP_ERR_CLOSED, SP_ERR_NOMEM: `done` does not run
 */
SP_MUST sp_error channel_call(struct channel *c, const struct call_ask *ask, call_done *done,
                              void *arg, struct call **out);
/* Fewer than ENVELOPE_UNANSWERED_MAX calls are under way: channel_call is not refused for them. */
bool channel_may_call(const struct channel *c);
/* `room` is queued each time an answer makes room for one more; borrowed until channel_free. */
void channel_on_room(struct channel *c, struct deferred *room);
/* `done` will not run. The answer is dropped, and holds a place until then. NULL is allowed. */
void call_cancel(struct call *call);

void channel_close_with(struct channel *c, enum channel_close code, const char *reason);

#endif
