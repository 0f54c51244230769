#ifndef SP_CLIENT_AGENT_CONTROL_H
#define SP_CLIENT_AGENT_CONTROL_H

/*
 * control: the agent's channel to its broker: what it knows from there, and its calls.
 *
 * Owns the dialer, the broker's key set, who is signed in. Pins the broker's identity key: the
 * first valid channel sets the pin, compared with the fingerprint of the login address where
 * one was given (INTEGRITY when it differs). Events for sessions and posture go to their rooms
 * through struct control_events. Loop thread only.
 */

#include "client/agent/refusal.h"
#include "client/agent/state.h"
#include "lib/channel/dialer.h"
#include "lib/proto/login.h"
#include "lib/proto/session.h"
#include "lib/trust/keyset.h"

struct control;
struct question; /* a call under way */

/*
 * ASK_WAIT: how long a question waits for a channel. EAGER: after a loss, the time in which a
 * broker that restarts is looked for each second.
 */
enum { CONTROL_ASK_WAIT_MS = 6 * 1000, CONTROL_EAGER_MS = 20 * 1000 };

struct control_events {
    void (*opened)(void *arg);
    void (*lost)(void *arg);
    void (*login)(void *arg, const struct login_state *state);
    /* Fills what is answered: how many ended, ms since the last byte of the latest. */
    void (*cut)(void *arg, const struct session_cut *cut, struct session_cut_answer *answer);
    void (*pause)(void *arg, const struct session_limit *pause);
    void (*limit)(void *arg, const struct session_limit *limit);
    void (*resume)(void *arg, struct sp_id session);
    void (*posture)(void *arg); /* report now */
};

/* Who is signed in, as the broker last said. */
struct control_login {
    char user[PROTO_NAME_MAX + 1]; /* "" : nobody */
    char device[32];               /* unknown pending approved blocked lost */
    int64_t until, mfa_at;         /* broker time, Unix ms; 0: none */
    char mfa_kind[32];
    bool groups_known;
};

/* What the channel stands on. Copied; the pointers are borrowed until control_free(). */
struct control_options {
    struct engine *engine;
    struct pool *pool;   /* names are resolved there */
    struct state *state; /* which broker, and the keys of this device */
    const struct control_events *events;
    void *arg;
};

/*
 * Starts dialling when the state knows a broker.
 *   SP_ERR_NOMEM, SP_ERR_TLS (the CA file; `why`)
 */
SP_MUST sp_error control_new(const struct control_options *o, struct sp_why *why,
                             struct control **out);
void control_free(struct control *c); /* NULL is allowed */

/* The state has another broker, CA or front: drops the channel and dials anew. */
SP_MUST sp_error control_restart(struct control *c, struct sp_why *why);
/* Try now (network change, a person waits). An open channel is closed first. */
void control_again(struct control *c);
/* Something says that the path to the broker may be dead (a route changed, a tunnel was lost): an
 * open channel must answer within 1.5 s or is dialled anew; without one it is dialled now. */
void control_doubt(struct control *c);

bool control_is_open(const struct control *c);
const struct control_login *control_login(const struct control *c);
void control_signed_in(struct control *c, const struct login_finish_answer *a);
void control_signed_out(struct control *c);
void control_proved(struct control *c, const struct login_factor_answer *a);

/* Round trip of the last answered call; -1: none yet. */
int64_t control_rtt_ms(const struct control *c);
/* Broker time, Unix ms; the wall clock before the first channel. */
sp_unix_ms control_time(const struct control *c);
const struct keyset *control_keys(const struct control *c);
/* How the last try ended; all zero while open or before the first. */
const struct dialer_lost *control_lost(const struct control *c);
/* Why nothing can be asked of the broker now. */
struct refusal control_offline(const struct control *c);
/* The proxy of settings or environment, as read at the start. Borrowed. */
const struct proxy_env *control_proxy(const struct control *c);
/* The identity key that this broker has proved. KEY_NONE: none yet. */
const struct key_public *control_pin(const struct control *c);

/*
 * Both as channel_call, but that call->type is borrowed until the end. What is called while
 * ENVELOPE_UNANSWERED_MAX calls have no answer yet waits for its turn, up to CONTROL_ASK_WAIT_MS;
 * `done` runs with SP_ERR_TIMEOUT then.
 *
 * Nobody waits for the answer: over the open channel or not at all. The round trip is measured.
 *   SP_ERR_CLOSED  no channel: `done` does not run
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error control_tell(struct control *c, const struct call_ask *call, call_done *done,
                              void *arg, struct question **out);

/*
 * A person waits: without a channel the broker is dialled now, and the question waits for it up
 * to CONTROL_ASK_WAIT_MS; all that wait share one dial. `done` runs from the loop; with
 * SP_ERR_UNREACHABLE when no channel came, or at once when waiting can't help (another key, a
 * certificate that does not hold).
 *   SP_ERR_NOMEM   `done` does not run
 */
SP_MUST sp_error control_ask(struct control *c, const struct call_ask *call, call_done *done,
                             void *arg, struct question **out);

/* `done` will not run. NULL is allowed. */
void control_cancel(struct control *c, struct question *q);

/* What went wrong with a question, for people: `what`, then the broker's answer, or why there is
 * none. `e` and `m` as call_done has them. */
struct refusal control_refusal(const struct control *c, const char *what, sp_error e,
                               const struct envelope *m);

#endif
