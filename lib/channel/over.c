#include "lib/channel/over.h"

#include "lib/os/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum over_phase {
    OVER_CONNECTING = 0, /* edge: TLS and upgrade; server: the upgrade's answer */
    OVER_HELLO,          /* edge: hello is awaited */
    OVER_WELCOME,        /* edge: proved, welcome is awaited */
    OVER_PROVE,          /* server: prove is awaited */
    OVER_PROVEN,         /* server: the owner looks the key up */
    OVER_OPEN,
    OVER_ENDING
};

struct over {
    struct loop *loop; /* borrowed */
    const struct over_events *events;
    void *arg;
    struct leg *leg; /* owned */
    enum over_phase phase;
    bool is_edge;
    struct opening_edge edge;
    const struct opening_server_config *server_config;
    struct opening_server server;
    uint8_t nonce[OPENING_NONCE_BYTES]; /* server: the edge's */
    struct channel_peer peer;
    struct channel *channel;  /* owned; NULL: not open */
    struct timer *deadline;   /* owned; NULL: not running. Until welcome */
    sp_error error;           /* why we ended it */
    enum channel_close close; /* what the peer is told, at the end of the turn: the leg may be in
                                 the middle of its own reading now */
    char reason[64];
    struct deferred closing;
};

static void close_leg(void *arg)
{
    struct over *o = arg;

    leg_close(o->leg, o->close, o->reason);
}

static void end(struct over *o, sp_error e, enum channel_close code, const char *reason)
{
    if (o->phase == OVER_ENDING)
        return;
    o->phase = OVER_ENDING;
    o->error = e;
    timer_cancel(o->deadline);
    o->deadline = NULL;
    o->close = code;
    snprintf(o->reason, sizeof o->reason, "%s", reason != NULL ? reason : "");
    deferred_queue(o->loop, &o->closing);
}

static void on_deadline(void *arg)
{
    struct over *o = arg;

    o->deadline = NULL;
    end(o, SP_ERR_TIMEOUT, CHANNEL_CLOSE_TIME, "10 s are over");
}

/* ---- the channel's wire -----------------------------------------------------------------------
 */

static sp_error wire_send(void *arg, struct view text)
{
    struct over *o = arg;

    return o->phase == OVER_ENDING ? SP_ERR_CLOSED : leg_send(o->leg, text);
}

static void wire_close(void *arg, enum channel_close code, const char *reason)
{
    end(arg, SP_ERR_CLOSED, code, reason);
}

static void on_channel_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct over *o = arg;

    o->events->message(o->arg, c, m);
}

static sp_error make_channel(struct over *o, int64_t sent, int64_t received)
{
    const struct channel_options co = {.loop = o->loop,
                                       .wire = {wire_send, wire_close, o},
                                       .sent = sent,
                                       .received = received,
                                       .message = on_channel_message,
                                       .arg = o};

    return channel_new(&co, &o->channel);
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static void send_hello(struct over *o)
{
    struct opening_binding binding = {0};
    struct buf text;
    sp_error e;

    buf_init(&text, ENVELOPE_BYTES_MAX);
    if ((e = leg_binding(o->leg, binding.exporter)) == SP_OK &&
        (e = opening_server_hello(&o->server, o->server_config, o->nonce, &binding, clock_unix(),
                                  &text)) == SP_OK)
        e = leg_send(o->leg, buf_view(&text));
    buf_deinit(&text);
    if (e != SP_OK)
        end(o, e, CHANNEL_CLOSE_GOING, "hello");
}

static void take_hello(struct over *o, const struct envelope *m)
{
    struct buf prove;
    sp_error e;

    buf_init(&prove, ENVELOPE_OPENING_BYTES_MAX);
    if ((e = opening_edge_hello(&o->edge, m, &prove)) == SP_OK)
        e = leg_send(o->leg, buf_view(&prove));
    buf_deinit(&prove);
    if (e != SP_OK)
        end(o, e, opening_close(e), "hello");
    else
        o->phase = OVER_WELCOME;
}

static void opened(struct over *o, const struct opening_welcome *w)
{
    timer_cancel(o->deadline);
    o->deadline = NULL;
    o->phase = OVER_OPEN;
    leg_proven(o->leg);
    o->events->opened(o->arg, o, o->channel, w);
}

static void take_welcome(struct over *o, const struct envelope *m)
{
    struct opening_welcome w;

    if (strcmp(m->type, "welcome") != 0 || m->i != 2 ||
        fields_read(m->members, welcome_fields, NULL, &w) != SP_OK ||
        make_channel(o, 1, 2) != SP_OK)
        end(o, SP_ERR_PROTOCOL, CHANNEL_CLOSE_PROTOCOL, "welcome");
    else
        opened(o, &w);
}

static void take_prove(struct over *o, const struct envelope *m)
{
    char address[sizeof o->peer.address];
    sp_error e;

    memcpy(address, o->peer.address, sizeof address);
    e = opening_server_prove(&o->server, m, &o->peer);
    memcpy(o->peer.address, address, sizeof address);
    if (e != SP_OK) {
        end(o, e, opening_close(e), "proof");
        return;
    }
    o->phase = OVER_PROVEN;
    o->events->proven(o->arg, o, &o->peer);
}

static void take_opening(struct over *o, struct view bytes)
{
    struct envelope m;

    if (o->phase == OVER_PROVEN || o->phase == OVER_CONNECTING ||
        envelope_parse(bytes, &m) != SP_OK) {
        end(o, SP_ERR_PROTOCOL, CHANNEL_CLOSE_PROTOCOL, "no message");
        return;
    }
    if (o->phase == OVER_HELLO)
        take_hello(o, &m);
    else if (o->phase == OVER_WELCOME)
        take_welcome(o, &m);
    else
        take_prove(o, &m);
    envelope_deinit(&m);
}

/* ---- from the leg -----------------------------------------------------------------------------
 */

static void on_opened(void *arg, bool cut_through)
{
    struct over *o = arg;

    (void)cut_through;
    if (o->phase != OVER_CONNECTING)
        return;
    if (!o->is_edge) {
        o->phase = OVER_PROVE;
        send_hello(o);
    } else if (leg_binding(o->leg, o->edge.binding.exporter) != SP_OK) {
        end(o, SP_ERR_TLS, CHANNEL_CLOSE_GOING, "exporter");
    } else {
        o->phase = OVER_HELLO;
    }
}

static void on_bytes(void *arg, struct view bytes)
{
    struct over *o = arg;
    sp_error e;

    if (o->phase == OVER_ENDING)
        return;
    if (o->phase != OVER_OPEN)
        take_opening(o, bytes);
    else if ((e = channel_receive(o->channel, bytes)) != SP_OK)
        end(o, e, channel_close_of(e), sp_error_text(e));
}

static void on_ended(void *arg, const struct leg_report *r)
{
    struct over *o = arg;
    struct over_report report = {.error = o->error != SP_OK ? o->error : r->error,
                                 .close = (enum channel_close)r->close,
                                 .leg = *r};

    deferred_cancel(o->loop, &o->closing);
    timer_cancel(o->deadline);
    o->deadline = NULL;
    o->phase = OVER_ENDING;
    channel_free(o->channel);
    o->channel = NULL;
    o->events->ended(o->arg, &report); /* o may be gone from here on */
}

static const struct leg_events leg_events = {
    .opened = on_opened,
    .message = on_bytes,
    .ended = on_ended,
};

/* ---- life -------------------------------------------------------------------------------------
 */

static sp_error make(struct loop *loop, const struct over_events *events, void *arg,
                     struct over **out)
{
    struct over *o = calloc(1, sizeof *o);
    sp_error e = SP_ERR_NOMEM;

    if (o == NULL)
        return e;
    o->loop = loop;
    o->events = events;
    o->arg = arg;
    deferred_init(&o->closing, close_leg, o);
    /* TLS and upgrade have deadlines of their own; this one is for the whole. */
    if ((e = timer_start(loop, clock_boot() + OUTER_TLS_MS + ENVELOPE_OPENING_MS, on_deadline, o,
                         &o->deadline)) != SP_OK) {
        free(o);
        return e;
    }
    *out = o;
    return SP_OK;
}

sp_error over_dial(const struct over_dial_spec *spec, int fd, struct over **out)
{
    struct upgrade_request ask = {
        .path = UPGRADE_STAND, .host = view_str(spec->host), .has_nonce = true};
    struct leg_config config = {
        .loop = spec->loop, .thread = spec->thread, .tls = spec->tls, .events = &leg_events};
    struct over *o;
    sp_error e = make(spec->loop, spec->events, spec->arg, &o);

    if (e != SP_OK) {
        close(fd);
        return e;
    }
    o->is_edge = true;
    opening_edge_init(&o->edge, spec->edge);
    memcpy(ask.nonce, o->edge.nonce, sizeof ask.nonce);
    config.arg = o;
    if ((e = leg_client(&config, fd, spec->expect, &ask, &o->leg)) != SP_OK) {
        over_free(o);
        return e;
    }
    *out = o;
    return SP_OK;
}

sp_error over_serve(const struct over_serve_spec *spec, struct leg *leg, struct over **out)
{
    const struct upgrade_request *r = spec->request;
    struct over *o;
    sp_error e = r->has_nonce ? make(spec->loop, spec->events, spec->arg, &o) : SP_ERR_INVALID;

    if (e != SP_OK) {
        leg_free(leg);
        return e;
    }
    o->leg = leg;
    o->server_config = spec->server;
    memcpy(o->nonce, r->nonce, sizeof o->nonce);
    size_t n = strnlen(spec->address, sizeof o->peer.address - 1);
    memcpy(o->peer.address, spec->address, n);
    leg_events_set(leg, &leg_events, o);
    leg_accept(leg, false);
    *out = o;
    return SP_OK;
}

void over_welcome(struct over *o, const struct opening_welcome *given)
{
    struct opening_welcome w = *given;
    struct buf text;
    sp_error e;

    if (o->phase != OVER_PROVEN)
        return;
    w.v = o->peer.v;
    if (w.ping == 0)
        w.ping = PING_WAITING_MS;
    buf_init(&text, ENVELOPE_BYTES_MAX);
    if ((e = envelope_write("welcome", 2, 0, fields_write(welcome_fields, &w), &text)) == SP_OK &&
        (e = leg_send(o->leg, buf_view(&text))) == SP_OK)
        e = make_channel(o, 2, 1);
    buf_deinit(&text);
    if (e != SP_OK)
        end(o, e, CHANNEL_CLOSE_GOING, "welcome");
    else
        opened(o, NULL);
}

void over_refuse(struct over *o, enum channel_close code, const char *reason)
{
    end(o, SP_ERR_DENIED, code, reason);
}

struct channel *over_channel(struct over *o)
{
    return o->channel;
}

const struct opening_edge *over_edge(const struct over *o)
{
    return &o->edge;
}

void over_free(struct over *o)
{
    if (o == NULL)
        return;
    deferred_cancel(o->loop, &o->closing);
    timer_cancel(o->deadline);
    channel_free(o->channel);
    leg_free(o->leg);
    free(o);
}
