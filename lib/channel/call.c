#include "lib/channel/call.h"

#include "lib/base/log.h"
#include "lib/crypto/random.h"
#include "lib/os/loop.h"

#include <stdlib.h>

struct call {
    struct channel *channel; /* borrowed */
    struct call *next;
    int64_t i;
    call_done *done; /* NULL: nobody waits for the answer any more */
    void *arg;
    struct timer *deadline; /* owned; NULL: it is over */
};

struct channel {
    struct loop *loop; /* borrowed */
    struct channel_wire wire;
    channel_message *message;
    void *arg;
    uint64_t number;
    int64_t sent, received; /* last `i` of each direction */
    struct call *calls;     /* ours, unanswered */
    size_t call_count;
    struct deferred *room; /* borrowed; NULL: nobody asked */
    int64_t
        asked[ENVELOPE_UNANSWERED_MAX]; /* the peer's calls that we have not answered; 0: free */
    bool closed;
};

/*
 * What nobody answers (PROTOCOL 5: the sort of arrow without an answer). Everything else is a call:
 * a verb that this version doesn't know is answered `unsupported`, which a newer peer understands
 * and which harms nothing where it had been an event.
 */
static const char *const event_types[] = {
    "login.state", "posture.ask", "session.pause", "session.limit", "session.resume",
    "keys",        "app.put",     "app.drop",      "stand.put",     "stand.drop",
    "at",          "live.list",   "live.delta",    "relay.rtt",     "stand.at",
    "usage",       "load",        "drain",         "boot",          "ticket",
    "cut",         "audit",       "lease",         "api.report",    "api.keys",
    "api.expect",  "api.objects", "api.usual",
};

static bool is_event(const char *type)
{
    for (size_t i = 0; i < sizeof event_types / sizeof *event_types; i++)
        if (strcmp(type, event_types[i]) == 0)
            return true;
    return false;
}

sp_error channel_new(const struct channel_options *o, struct channel **out)
{
    struct channel *c = calloc(1, sizeof *c);

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->loop = o->loop;
    c->wire = o->wire;
    c->message = o->message;
    c->arg = o->arg;
    c->sent = o->sent;
    c->received = o->received;
    while (c->number == 0)
        random_bytes((uint8_t *)&c->number, sizeof c->number);
    *out = c;
    return SP_OK;
}

static void call_end(struct call *call, sp_error e, const struct envelope *m)
{
    struct call **at = &call->channel->calls;

    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    call->channel->call_count--;
    timer_cancel(call->deadline);
    if (call->channel->room != NULL)
        deferred_queue(call->channel->loop, call->channel->room);
    if (call->done != NULL)
        call->done(call->arg, e, m);
    free(call);
}

void channel_free(struct channel *c)
{
    if (c == NULL)
        return;
    c->closed = true;
    while (c->calls != NULL)
        call_end(c->calls, SP_ERR_CLOSED, NULL);
    free(c);
}

uint64_t channel_number(const struct channel *c)
{
    return c->number;
}

/* ---- sending --------------------------------------------------------------------------------- */

static sp_error send_text(struct channel *c, sp_error made, struct buf *text)
{
    sp_error e = made;

    if (e == SP_OK)
        e = c->wire.send(c->wire.arg, buf_view(text));
    if (e == SP_OK)
        c->sent++;
    buf_wipe(text); /* grants, tickets, codes */
    return e;
}

static sp_error send_members(struct channel *c, const char *type, int64_t re, struct json *members)
{
    struct buf text;

    if (c->closed) {
        json_free(members);
        return SP_ERR_CLOSED;
    }
    buf_init(&text, 2 * ENVELOPE_BYTES_MAX);
    return send_text(c, envelope_write(type, c->sent + 1, re, members, &text), &text);
}

sp_error channel_send(struct channel *c, const char *type, struct json *members)
{
    return send_members(c, type, 0, members);
}

/* A call is answered once; what is not open (any more) is not answered. */
static bool answered(struct channel *c, int64_t re)
{
    for (size_t i = 0; i < ENVELOPE_UNANSWERED_MAX; i++)
        if (re != 0 && c->asked[i] == re) {
            c->asked[i] = 0;
            return true;
        }
    return false;
}

sp_error channel_answer(struct channel *c, int64_t re, struct json *members)
{
    if (!answered(c, re)) {
        json_free(members);
        return SP_ERR_INVALID;
    }
    return send_members(c, NULL, re, members);
}

sp_error channel_refuse(struct channel *c, int64_t re, const char *code, const char *text,
                        const char *request)
{
    struct buf out;

    log_event(LOG_DEBUG, "channel.refuse", text, "code", code, "message", LOG_INT(re), NULL);
    if (!answered(c, re))
        return SP_ERR_INVALID;
    if (c->closed)
        return SP_ERR_CLOSED;
    buf_init(&out, 4096);
    return send_text(c, envelope_write_error(c->sent + 1, re, code, text, request, &out), &out);
}

/* Every place is held by a call whose time is over: the peer answers nothing. */
static bool is_deaf(const struct channel *c)
{
    if (channel_may_call(c))
        return false;
    for (const struct call *call = c->calls; call != NULL; call = call->next)
        if (call->deadline != NULL)
            return false;
    return true;
}

/* The call keeps its place: the peer counts it until it has answered. */
static void on_deadline(void *arg)
{
    struct call *call = arg;
    call_done *done = call->done;

    call->deadline = NULL;
    call->done = NULL;
    if (is_deaf(call->channel))
        channel_close_with(call->channel, CHANNEL_CLOSE_TOO_MUCH, "no call is answered");
    if (done != NULL)
        done(call->arg, SP_ERR_TIMEOUT, NULL);
}

bool channel_may_call(const struct channel *c)
{
    return c->call_count < ENVELOPE_UNANSWERED_MAX;
}

void channel_on_room(struct channel *c, struct deferred *room)
{
    c->room = room;
}

sp_error channel_call(struct channel *c, const struct call_ask *ask, call_done *done, void *arg,
                      struct call **out)
{
    struct call *call;
    sp_error e = SP_ERR_LIMIT;

    if (!channel_may_call(c))
        goto refused;
    e = SP_ERR_NOMEM;
    if ((call = calloc(1, sizeof *call)) == NULL)
        goto refused;
    *call = (struct call){.channel = c, .i = c->sent + 1, .done = done, .arg = arg};
    if ((e = timer_start(c->loop, clock_boot() + ask->timeout_ms, on_deadline, call,
                         &call->deadline)) != SP_OK) {
        free(call);
        goto refused;
    }
    if ((e = send_members(c, ask->type, 0, ask->members)) != SP_OK) {
        timer_cancel(call->deadline);
        free(call);
        return e;
    }
    call->next = c->calls;
    c->calls = call;
    c->call_count++;
    *out = call;
    return SP_OK;
refused:
    json_free(ask->members);
    return e;
}

void call_cancel(struct call *call)
{
    if (call != NULL)
        call->done = NULL; /* it stays in the list, so that its late answer is known */
}

void channel_close_with(struct channel *c, enum channel_close code, const char *reason)
{
    if (c->closed)
        return;
    c->closed = true;
    c->wire.close(c->wire.arg, code, reason);
}

/* ---- receiving ------------------------------------------------------------------------------- */

enum channel_close channel_close_of(sp_error e)
{
    return e == SP_ERR_LIMIT ? CHANNEL_CLOSE_TOO_MUCH : CHANNEL_CLOSE_PROTOCOL;
}

const char *channel_close_text(enum channel_close code, sp_error *e)
{
    static const struct {
        enum channel_close code;
        sp_error error;
        const char *text;
    } rows[] = {
        {CHANNEL_CLOSE_PROTOCOL, SP_ERR_PROTOCOL, "the broker could not read a message of ours"},
        {CHANNEL_CLOSE_PROOF, SP_ERR_REFUSED, "the broker did not accept this key"},
        {CHANNEL_CLOSE_CUT, SP_ERR_REFUSED, "the broker ended the channel"},
        {CHANNEL_CLOSE_TIME, SP_ERR_TIMEOUT, "the opening took too long"},
        {CHANNEL_CLOSE_REPLACED, SP_ERR_CLOSED, "a newer channel of this key took its place"},
        {CHANNEL_CLOSE_VERSION, SP_ERR_VERSION, "no common protocol version"},
        {CHANNEL_CLOSE_TOO_MUCH, SP_ERR_LIMIT, "too much at once"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code) {
            *e = rows[i].error;
            return rows[i].text;
        }
    *e = SP_ERR_CLOSED;
    return "the connection ended";
}

static sp_error take_answer(struct channel *c, const struct envelope *m)
{
    for (struct call *call = c->calls; call != NULL; call = call->next)
        if (call->i == m->re) {
            call_end(call, m->is_error ? SP_ERR_REFUSED : SP_OK, m);
            return SP_OK;
        }
    /* To an event that an older peer took for a call; to what was never said is an error. */
    return m->re <= c->sent ? SP_OK : SP_ERR_PROTOCOL;
}

static sp_error take_call(struct channel *c, const struct envelope *m)
{
    for (size_t i = 0; i < ENVELOPE_UNANSWERED_MAX; i++)
        if (c->asked[i] == 0) {
            c->asked[i] = m->i;
            c->message(c->arg, c, m);
            return SP_OK;
        }
    return SP_ERR_LIMIT;
}

sp_error channel_receive(struct channel *c, struct view text)
{
    struct envelope m;
    sp_error e;

    if (c->closed)
        return SP_OK;
    if (envelope_parse(text, &m) != SP_OK)
        return SP_ERR_PROTOCOL;
    if (m.i != c->received + 1) {
        envelope_deinit(&m);
        return SP_ERR_PROTOCOL;
    }
    c->received = m.i;
    if (m.re != 0) {
        e = take_answer(c, &m);
    } else if (is_event(m.type)) {
        e = SP_OK;
        c->message(c->arg, c, &m);
    } else {
        e = take_call(c, &m);
    }
    envelope_deinit(&m);
    return e;
}
