#include "lib/tunnel/core.h"

#include "lib/base/clock.h"
#include "lib/tunnel/bind.h"
#include "lib/tunnel/frame.h"
#include "lib/tunnel/thread_internal.h"

#include <stdlib.h>

struct core {
    bool agent;
    enum core_state state;
    struct tunnel_thread *thread;
    struct wire *wire;
    struct outer *outer;               /* owned */
    struct tls_context *inner_context; /* one share of it is ours */
    struct tls_conn *inner;            /* owned; NULL: not begun */
    struct streams *streams;           /* owned; NULL: not begun */
    const struct core_hooks *hooks;
    void *arg;

    struct buf grant; /* copies of the session, until bound */
    struct buf device_sig, identity;
    struct tunnel_session session;
    struct tunnel_limits limits;        /* connector: to be said */
    uint8_t expected[TLS_EXPORT_BYTES]; /* the peer's bind value */
    struct buf bind_in;                 /* of the peer's bind, until whole */

    size_t staged; /* bytes in thread->stage that are ours; 0 between calls */
    bool bare;     /* SWITCH is to be sent */
    bool output_told, draining, was_up;
    bool peer_done;      /* its close_notify was read */
    sp_error take_error; /* what the inner TLS's reader met below it */
    sp_error error;      /* the first failure */
    enum tunnel_why why;
    const char *code; /* of our own stop; static */
    sp_boot_ms heard, last_byte;
    uint64_t moved, sent, received; /* sent, received: once the streams are gone */
};

static sp_error fail(struct core *c, sp_error e)
{
    if (c->state != CORE_ENDED) {
        c->state = CORE_ENDED;
        c->error = e;
    }
    return e;
}

static void tell_output(struct core *c)
{
    if (c->output_told)
        return;
    c->output_told = true;
    c->hooks->output(c->arg);
}

/* ---- under the inner TLS ------------------------------------------------------------------ */

/* Sends what is staged as one frame. */
SP_MUST static sp_error unstage(struct core *c)
{
    size_t n = c->staged;

    c->staged = 0;
    if (n == 0)
        return SP_OK;
    return outer_frame(c->outer, FRAME_BIN, c->thread->stage, n);
}

static bool inner_give(void *arg, struct view record)
{
    struct core *c = arg;

    if (outer_tx_bare(c->outer))
        return wire_put(c->wire, record);
    if (c->staged + record.len > FRAME_SEND_MAX && unstage(c) != SP_OK)
        return false;
    if (record.len > STAGE_BYTES - c->staged)
        return false;
    memcpy(c->thread->stage + c->staged, record.at, record.len);
    c->staged += record.len;
    return true;
}

static size_t inner_take(void *arg, uint8_t *to, size_t n)
{
    struct core *c = arg;
    struct outer_bit bit;

    while (!outer_rx_bare(c->outer)) {
        sp_error e = outer_read(c->outer, false, to, n, &bit);
        if (e != SP_OK) {
            if (e != SP_ERR_AGAIN)
                c->take_error = e;
            return 0;
        }
        if (bit.kind == OUTER_DATA && bit.len > 0)
            return bit.len;
        outer_shed(c->outer);
    }
    return wire_take(c->wire, to, n);
}

/* ---- opening ------------------------------------------------------------------------------ */

static void on_stream(void *arg, struct stream *s, unsigned port)
{
    struct core *c = arg;

    c->hooks->stream(c->arg, s, port);
}

static void on_output(void *arg)
{
    tell_output(arg);
}

static void on_ponged(void *arg)
{
    struct core *c = arg;

    if (c->hooks->ponged != NULL)
        c->hooks->ponged(c->arg);
}

static const struct streams_hooks streams_hooks = {
    .opened = on_stream, .output = on_output, .ponged = on_ponged};

SP_MUST static sp_error copy_session(struct core *c, const struct tunnel_session *s)
{
    sp_error e;

    buf_reset(&c->grant);
    if (s->grant.len == 0 || id_is_zero(s->app) || s->device.kind == KEY_NONE ||
        s->connector.kind == KEY_NONE)
        return SP_ERR_INVALID;
    if ((e = buf_append(&c->grant, s->grant)) != SP_OK)
        return e;
    c->session = *s;
    c->session.grant = buf_view(&c->grant);
    return SP_OK;
}

SP_MUST static sp_error copy_says(struct core *c, const struct tunnel_agent_says *says)
{
    sp_error e;

    if ((e = buf_append(&c->device_sig, says->device_sig)) != SP_OK)
        return e;
    return buf_append(&c->identity, says->identity);
}

sp_error core_new(const struct core_config *cfg, struct core **out)
{
    struct core *c;
    sp_error e;

    if (cfg->agent != (cfg->ask == NULL)) /* a spare's ticket is known from the start */
        return SP_ERR_INVALID;
    if ((c = calloc(1, sizeof *c)) == NULL)
        return SP_ERR_NOMEM;
    c->agent = cfg->agent;
    c->state = CORE_OUTER;
    c->thread = cfg->thread;
    c->wire = cfg->wire;
    c->inner_context = tls_context_hold(cfg->inner);
    c->hooks = cfg->hooks;
    c->arg = cfg->arg;
    c->heard = clock_boot();
    buf_init(&c->grant, UPGRADE_HEAD_MAX);
    buf_init(&c->device_sig, 256);
    buf_init(&c->identity, BIND_MAX);
    buf_init(&c->bind_in, BIND_MAX + 4);
    if ((e = outer_client(cfg->wire, cfg->outer, cfg->expect, cfg->ask, &c->outer)) != SP_OK) {
        core_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

sp_error core_begin(struct core *c, const struct upgrade_request *ask,
                    const struct tunnel_session *session, const struct tunnel_agent_says *says)
{
    sp_error e;

    if (!c->agent || c->state != CORE_OUTER || c->streams != NULL)
        return SP_ERR_CLOSED;
    if ((e = copy_session(c, session)) != SP_OK || (e = copy_says(c, says)) != SP_OK ||
        (e = streams_new(STREAMS_AGENT, session->app, 0, &streams_hooks, c, &c->streams)) !=
            SP_OK ||
        (e = outer_ask(c->outer, ask)) != SP_OK)
        return fail(c, e);
    return SP_OK;
}

static void forget_session(struct core *c)
{
    buf_wipe(&c->grant);
    buf_wipe(&c->device_sig);
    buf_wipe(&c->identity);
    buf_deinit(&c->bind_in);
}

void core_free(struct core *c)
{
    if (c == NULL)
        return;
    streams_free(c->streams);
    tls_conn_free(c->inner);
    tls_context_free(c->inner_context);
    outer_free(c->outer);
    forget_session(c);
    free(c);
}

void core_abandon(struct core *c)
{
    c->sent = c->streams == NULL ? 0 : streams_sent(c->streams);
    c->received = c->streams == NULL ? 0 : streams_received(c->streams);
    streams_free(c->streams);
    c->streams = NULL;
}

SP_MUST static sp_error begin_inner(struct core *c)
{
    const struct tls_wire below = {inner_take, inner_give, c};
    const struct tls_expect expect = {.peer =
                                          c->agent ? &c->session.connector : &c->session.device};
    sp_error e = tls_conn_new(c->inner_context, &expect, &below, &c->inner);

    if (e == SP_OK)
        c->state = CORE_INNER;
    return e;
}

sp_error core_serve(struct core *c, const struct tunnel_session *session,
                    const struct tunnel_limits *limits, bool bare)
{
    sp_error e;

    if (c->state != CORE_WAITING || (bare && !outer_cut_through(c->outer)))
        return SP_ERR_INVALID;
    c->limits = *limits;
    if ((e = copy_session(c, session)) != SP_OK ||
        (e = streams_new(STREAMS_CONNECTOR, session->app, limits->streams, &streams_hooks, c,
                         &c->streams)) != SP_OK ||
        (e = begin_inner(c)) != SP_OK)
        return fail(c, e);
    streams_allow_data(c->streams);
    c->bare = bare;
    outer_mode(c->outer, bare);
    return SP_OK;
}

/* Both values are of this connection; ours goes out, the peer's is kept to compare. */
SP_MUST static sp_error send_bind(struct core *c)
{
    uint8_t ours[TLS_EXPORT_BYTES];
    struct buf message;
    sp_error e;

    buf_init(&message, BIND_MAX + 4);
    if ((e = bind_value(c->inner, c->agent ? BIND_FROM_AGENT : BIND_FROM_CONNECTOR, &c->session,
                        ours)) == SP_OK &&
        (e = bind_value(c->inner, c->agent ? BIND_FROM_CONNECTOR : BIND_FROM_AGENT, &c->session,
                        c->expected)) == SP_OK) {
        const struct tunnel_agent_says says = {buf_view(&c->device_sig), buf_view(&c->identity)};
        e = c->agent ? bind_write_agent(ours, &says, &message)
                     : bind_write_connector(ours, &c->limits, &message);
    }
    tls_conn_exports_done(c->inner);
    if (e == SP_OK)
        e = tls_conn_write(c->inner, buf_view(&message));
    buf_wipe(&message);
    return e;
}

/* The peer means the same grant, app, keys and version: from here on its direction may switch,
 * and ours does. */
SP_MUST static sp_error go_up(struct core *c, const struct bind *bind)
{
    sp_error e;

    c->state = CORE_UP;
    c->was_up = true;
    forget_session(c);
    outer_proved(c->outer);
    if ((e = unstage(c)) != SP_OK)
        return e;
    if (c->bare && (e = outer_switch(c->outer, true)) != SP_OK)
        return e;
    outer_shed(c->outer);
    streams_allow_data(c->streams);
    tell_output(c);
    c->hooks->up(c->arg, &bind->limits, bind->said);
    return SP_OK;
}

SP_MUST static sp_error take_bind(struct core *c, struct view plain)
{
    struct bind bind;
    size_t used;
    sp_error e;

    if ((e = buf_append(&c->bind_in, plain)) != SP_OK)
        return SP_ERR_PROTOCOL;
    e = bind_read(buf_view(&c->bind_in), c->agent ? BIND_FROM_CONNECTOR : BIND_FROM_AGENT,
                  c->expected, &bind, &used);
    if (e == SP_ERR_AGAIN)
        return SP_OK;
    if (e != SP_OK)
        return e;
    /* What came behind it in the same record is HTTP/2 already. */
    struct view rest = view_slice(plain, plain.len - (c->bind_in.len - used), plain.len);
    if ((e = go_up(c, &bind)) == SP_OK && c->state == CORE_UP && rest.len > 0)
        e = streams_take(c->streams, rest);
    bind_deinit(&bind);
    return e;
}

/* ---- running ------------------------------------------------------------------------------ */

SP_MUST static sp_error run_outer(struct core *c)
{
    sp_error e = outer_advance(c->outer);

    if (e != SP_OK)
        return e;
    if (c->agent) {
        /* The relay's answer is final for the pair: PROTOCOL section 7. */
        c->bare = outer_cut_through(c->outer);
        outer_mode(c->outer, c->bare);
        return begin_inner(c);
    }
    c->state = CORE_WAITING;
    c->hooks->waiting(c->arg);
    return SP_OK;
}

SP_MUST static sp_error run_waiting(struct core *c)
{
    struct outer_bit bit;
    uint8_t none[1];

    return outer_read(c->outer, true, none, sizeof none, &bit);
}

SP_MUST static sp_error run_inner(struct core *c)
{
    sp_error e = tls_conn_handshake(c->inner);

    if (e != SP_OK)
        return e;
    c->state = CORE_BIND;
    if ((e = send_bind(c)) == SP_OK)
        tell_output(c); /* an agent's first requests leave with its Finished */
    return e;
}

/* Reads a batch of whole records, so that a DATA frame becomes one write to its socket. */
SP_MUST static sp_error read_batch(struct core *c, size_t *len)
{
    size_t got, room = sizeof c->thread->plain;
    sp_error e = SP_OK;

    *len = 0;
    while (room - *len >= TLS_RECORD_PLAIN &&
           (e = tls_conn_read(c->inner, c->thread->plain + *len, room - *len, &got)) == SP_OK) {
        *len += got;
        if (c->state != CORE_UP)
            break; /* the bind decides about all that follows */
    }
    return *len > 0 ? SP_OK : e;
}

SP_MUST static sp_error run_plain(struct core *c)
{
    size_t len;
    sp_error e;

    if ((e = read_batch(c, &len)) != SP_OK) {
        c->peer_done = e == SP_ERR_CLOSED && c->take_error == SP_OK;
        return e;
    }
    struct view plain = {c->thread->plain, len};
    c->heard = clock_boot();
    return c->state == CORE_BIND ? take_bind(c, plain) : streams_take(c->streams, plain);
}

SP_MUST static sp_error run_step(struct core *c)
{
    switch (c->state) {
    case CORE_OUTER:
        return run_outer(c);
    case CORE_WAITING:
        return run_waiting(c);
    case CORE_INNER:
        return run_inner(c);
    case CORE_BIND:
    case CORE_UP:
        return run_plain(c);
    case CORE_ENDED:
        break;
    }
    return c->error == SP_OK ? SP_ERR_CLOSED : c->error;
}

static void note_bytes(struct core *c)
{
    uint64_t moved =
        c->streams == NULL ? 0 : streams_sent(c->streams) + streams_received(c->streams);

    if (moved != c->moved) {
        c->moved = moved;
        c->last_byte = clock_boot();
    }
}

/* An error of the layer below is the true one: the inner TLS only saw too few bytes. */
static sp_error settle(struct core *c, sp_error e)
{
    if (e == SP_ERR_AGAIN)
        e = SP_OK;
    if (c->take_error != SP_OK)
        e = c->take_error;
    sp_error unstaged = c->state == CORE_ENDED && e == SP_OK ? SP_OK : unstage(c);
    if (e == SP_OK)
        e = unstaged;
    note_bytes(c);
    return e == SP_OK ? SP_OK : fail(c, e);
}

sp_error core_run(struct core *c)
{
    sp_error e = SP_OK;

    if (c->state == CORE_ENDED)
        return c->error == SP_OK ? SP_ERR_CLOSED : c->error;
    while (e == SP_OK && c->take_error == SP_OK)
        e = run_step(c);
    if (c->peer_done && c->state != CORE_ENDED) {
        /* The peer's close_notify: the one clean end. */
        tls_conn_close_notify(c->inner);
        c->why = TUNNEL_DONE;
    }
    return settle(c, e);
}

sp_error core_flush(struct core *c)
{
    struct view out = {0};
    sp_error e = SP_OK;

    c->output_told = false;
    if (c->state == CORE_ENDED)
        return c->error == SP_OK ? SP_ERR_CLOSED : c->error;
    while (e == SP_OK && (c->state == CORE_BIND || c->state == CORE_UP) &&
           wire_unsent(c->wire) + c->staged < TUNNEL_BATCH_BYTES) {
        if ((e = streams_give(c->streams, &out)) != SP_OK || out.len == 0)
            break;
        e = tls_conn_write(c->inner, out);
        if (e == SP_OK && c->staged >= TUNNEL_BATCH_BYTES)
            e = unstage(c);
    }
    return settle(c, e);
}

/* ---- the end ------------------------------------------------------------------------------ */

void core_eof(struct core *c, sp_error e)
{
    if (c->state == CORE_ENDED)
        return;
    (void)fail(c, e == SP_OK ? SP_ERR_RESET : e); /* no close_notify came: cut off */
}

void core_stop(struct core *c, enum tunnel_why why, const char *code)
{
    if (c->state == CORE_ENDED)
        return;
    c->why = why;
    c->code = code;
    if (why == TUNNEL_DONE && (c->state == CORE_UP || c->state == CORE_BIND)) {
        tls_conn_close_notify(c->inner);
        sp_ignore(unstage(c)); /* last words; the end is decided */
    }
    outer_close(c->outer, why == TUNNEL_DONE ? CLOSE_NORMAL : CLOSE_CUT, code);
    (void)fail(c, SP_ERR_CLOSED);
}

/* By the peer's close code or HTTP status, else by what failed. */
static enum tunnel_why why_of(const struct core *c, const struct outer_end *o,
                              enum tls_refusal refusal)
{
    if (c->why != TUNNEL_FAULT)
        return c->why;
    if (o->error == SP_ERR_REFUSED)
        return TUNNEL_REFUSED;
    if (o->close == CLOSE_CUT)
        return TUNNEL_CUT;
    if (o->close != 0)
        return TUNNEL_CLOSED_CODE;
    if (refusal == TLS_REFUSAL_KEY || refusal == TLS_REFUSAL_NAME ||
        refusal == TLS_REFUSAL_ISSUER || refusal == TLS_REFUSAL_DATE ||
        refusal == TLS_REFUSAL_PEER || c->error == SP_ERR_SIGNATURE)
        return TUNNEL_UNTRUSTED;
    return TUNNEL_FAULT;
}

void core_report(const struct core *c, struct tunnel_report *out)
{
    const struct outer_end *o = outer_end(c->outer);
    enum tls_refusal inner = c->inner == NULL ? TLS_REFUSAL_NONE : tls_conn_refusal(c->inner);
    struct tunnel_figures f = core_figures(c);

    *out = (struct tunnel_report){.error = c->error,
                                  .refusal = o->refusal != TLS_REFUSAL_NONE ? o->refusal : inner,
                                  .status = o->status,
                                  .retry_after_s = o->retry_after_s,
                                  .close = o->close,
                                  .was_up = c->was_up,
                                  .up = f.bytes_up,
                                  .down = f.bytes_down};
    out->why = why_of(c, o, out->refusal);
    const char *code = c->code != NULL ? c->code : o->code;
    size_t n = strlen(code);
    if (n >= sizeof out->code)
        n = sizeof out->code - 1;
    memcpy(out->code, code, n);
    out->code[n] = '\0';
}

struct tunnel_figures core_figures(const struct core *c)
{
    uint64_t sent = c->streams == NULL ? c->sent : streams_sent(c->streams);
    uint64_t received = c->streams == NULL ? c->received : streams_received(c->streams);

    return (struct tunnel_figures){.up = c->state == CORE_UP,
                                   .bare_up = outer_tx_bare(c->outer),
                                   .bare_down = outer_rx_bare(c->outer),
                                   .streams = c->streams == NULL ? 0 : streams_live(c->streams),
                                   .bytes_up = sent,
                                   .bytes_down = received,
                                   .last_byte = c->last_byte,
                                   .piled = c->streams == NULL ? 0 : streams_piled(c->streams)};
}

enum core_state core_state(const struct core *c)
{
    return c->state;
}

sp_error core_stream(struct core *c, unsigned port, struct stream **out)
{
    if (c->state == CORE_ENDED || c->draining || c->streams == NULL)
        return SP_ERR_CLOSED;
    return streams_open(c->streams, port, out);
}

sp_error core_ping(struct core *c)
{
    if (c->state == CORE_UP)
        return streams_ping(c->streams);
    return c->state == CORE_WAITING ? outer_ping(c->outer) : SP_OK;
}

sp_boot_ms core_heard(const struct core *c)
{
    sp_boot_ms outer = outer_heard(c->outer);

    return outer > c->heard ? outer : c->heard;
}

void core_drain(struct core *c)
{
    c->draining = true;
    if (c->streams != NULL && c->state != CORE_ENDED)
        streams_drain(c->streams);
}

unsigned core_live(const struct core *c)
{
    return c->streams == NULL ? 0 : streams_live(c->streams);
}

struct tls_conn *core_inner(struct core *c)
{
    return c->inner;
}
