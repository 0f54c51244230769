#include "lib/channel/dialer.h"

#include "lib/base/encode.h"
#include "lib/channel/backoff.h"
#include "lib/channel/inbox.h"
#include "lib/channel/lookup.h"
#include "lib/channel/socket.h"
#include "lib/channel/turns.h"
#include "lib/channel/vhost.h"
#include "lib/os/loop.h"
#include "lib/tls/foreign.h"

#include <stdio.h>
#include <stdlib.h>

enum dialer_phase {
    DIALER_WAITING = 0, /* for the next try */
    DIALER_RESOLVING,
    DIALER_CONNECTING, /* TCP, TLS, upgrade */
    DIALER_OPENING,    /* hello, prove, welcome */
    DIALER_OPEN,
    DIALER_LOST /* the end is told at the end of this turn */
};

enum { TRY_MS = 20 * 1000, HOST_MAX = 253, PROXY_MAX = 800 };

struct dialer {
    struct engine *engine; /* borrowed */
    struct pool *pool;     /* borrowed */
    const struct dialer_events *events;
    void *arg;
    const struct opening_edge_config *edge;
    const struct tls_named *tls;
    char host[HOST_MAX + 1], authority[HOST_MAX + 16];
    uint16_t port;
    bool l7, proxied, fixed_name; /* fixed_name: host is a literal or looked up by libwebsockets */
    struct lws_vhost *vhost;      /* owned */
    bool misnamed;                /* the peer's certificate is for another address */
    void *ssl_ctx;                /* borrowed from vhost; what tls_foreign_client prepared */
    sp_error tls_error;
    struct sp_why tls_why;

    enum dialer_phase phase;
    struct lookup *lookup; /* owned; NULL: not running */
    struct lws *wsi;       /* borrowed; NULL: no connection */
    struct socket socket;
    struct opening_edge opening;
    struct channel *channel; /* owned; NULL: not open */
    struct timer *timer;     /* owned: next try, or this try's deadline */
    struct inbox inbox;
    struct deferred later; /* hands over what arrived, then the end */
    struct dialer_lost end;
    struct backoff backoff;
    int64_t eager_ms;
    struct turns turns;
    bool next_address; /* the one in use failed; deliver() goes on with the next */
    bool again;        /* asked for while a try or a channel was under way */
};

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len);
static void start_try(void *arg);
static void connect_to_one(struct dialer *d);

/* Remembers the first reason; it is told from deliver(). */
static void lose(struct dialer *d, sp_error e, const char *text)
{
    if (d->phase == DIALER_LOST || d->phase == DIALER_WAITING)
        return;
    d->phase = DIALER_LOST;
    timer_cancel(d->timer);
    d->timer = NULL;
    if (d->end.error == SP_OK) {
        d->end.error = e;
        if (d->end.why.text[0] == '\0')
            sp_ignore(sp_why_say(&d->end.why, e, "%s: %s", d->authority, text));
    }
    deferred_queue(engine_loop(d->engine), &d->later);
}

static void drop_connection(struct dialer *d)
{
    if (d->wsi != NULL) {
        lws_set_opaque_user_data(d->wsi, NULL);
        lws_set_timeout(d->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        lws_cancel_service(engine_context(d->engine)); /* its timers run when it is called next */
        d->wsi = NULL;
    }
    inbox_clear(&d->inbox);
    socket_deinit(&d->socket);
    lookup_cancel(d->lookup);
    d->lookup = NULL;
    d->next_address = false;
}

/* How long to wait depends on why it ended. */
static void plan_next(struct dialer *d)
{
    struct dialer_lost *end = &d->end;

    end->again_ms = backoff_next(&d->backoff, clock_boot());
    if (end->close == CHANNEL_CLOSE_PROOF || end->close == CHANNEL_CLOSE_VERSION ||
        end->error == SP_ERR_AUDIENCE || end->error == SP_ERR_SIGNATURE ||
        end->error == SP_ERR_VERSION)
        end->again_ms = BACKOFF_MAX_MS;
    if (end->close == CHANNEL_CLOSE_REPLACED)
        end->again_ms = -1;
    if (d->again)
        end->again_ms = 0;
    d->again = false;
}

static void tell_end(struct dialer *d)
{
    if (d->channel != NULL) /* whoever needs it should not wait for long */
        backoff_hurry(&d->backoff, clock_boot() + d->eager_ms);
    channel_free(d->channel);
    d->channel = NULL;
    drop_connection(d);
    plan_next(d);
    struct dialer_lost end = d->end;
    d->end = (struct dialer_lost){0};
    d->phase = DIALER_WAITING;
    if (end.again_ms >= 0 && timer_start(engine_loop(d->engine), clock_boot() + end.again_ms,
                                         start_try, d, &d->timer) != SP_OK)
        end.again_ms = -1;
    d->events->lost(d->arg, &end); /* d may be gone from here on */
}

static void on_channel_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct dialer *d = arg;

    d->events->message(d->arg, c, m);
}

static void take_hello(struct dialer *d, const struct envelope *m)
{
    struct buf prove;
    sp_error e;

    buf_init(&prove, ENVELOPE_OPENING_BYTES_MAX);
    if ((e = opening_edge_hello(&d->opening, m, &prove)) == SP_OK)
        e = socket_send(&d->socket, buf_view(&prove));
    buf_deinit(&prove);
    switch (e) {
    case SP_OK:
        break;
    case SP_ERR_AUDIENCE:
        lose(d, e, "the broker shows another identity key than the one that is pinned here");
        break;
    case SP_ERR_SIGNATURE:
        lose(d, e,
             "the broker's proof does not belong to this connection: something between ends TLS");
        break;
    case SP_ERR_VERSION:
        lose(d, e, "the broker speaks no protocol version of this program (1 to 1)");
        break;
    default:
        lose(d, e, "the broker's first message is not understood");
    }
}

static void take_welcome(struct dialer *d, const struct envelope *m)
{
    const struct channel_options o = {.loop = engine_loop(d->engine),
                                      .wire = {socket_wire_send, socket_wire_close, &d->socket},
                                      .sent = 1,
                                      .received = 2,
                                      .message = on_channel_message,
                                      .arg = d};
    struct opening_welcome w;

    if (strcmp(m->type, "welcome") != 0 || m->i != 2 ||
        fields_read(m->members, welcome_fields, NULL, &w) != SP_OK) {
        lose(d, SP_ERR_PROTOCOL, "the broker's welcome is not understood");
        return;
    }
    if (channel_new(&o, &d->channel) != SP_OK) {
        lose(d, SP_ERR_NOMEM, "out of memory");
        return;
    }
    timer_cancel(d->timer);
    d->timer = NULL;
    d->phase = DIALER_OPEN;
    d->backoff = (struct backoff){0};
    d->events->opened(d->arg, d->channel, &w, &d->opening);
}

static void take_opening(struct dialer *d, struct view text)
{
    struct envelope m;

    if (envelope_parse(text, &m) != SP_OK) {
        lose(d, SP_ERR_PROTOCOL, "the broker's message is not understood");
        return;
    }
    if (d->opening.server_time == 0)
        take_hello(d, &m);
    else
        take_welcome(d, &m);
    envelope_deinit(&m);
}

/* End of the turn: messages in their order, then perhaps the end. One a round, since any of them
 * may free the dialer; the rest follows in the next round. */
static void deliver(void *arg)
{
    struct dialer *d = arg;
    struct inbox_message *m = inbox_take(&d->inbox);
    sp_error e = SP_OK;

    if (m == NULL) {
        if (d->phase == DIALER_LOST)
            tell_end(d);
        else if (d->next_address)
            connect_to_one(d);
        return;
    }
    deferred_queue(engine_loop(d->engine), &d->later);
    if (d->phase == DIALER_OPENING) {
        take_opening(d, m->text);
    } else if (d->channel != NULL) {
        /* The receiver may free the dialer; then channel_receive still returns, and only SP_OK. */
        if ((e = channel_receive(d->channel, m->text)) != SP_OK) {
            socket_close(&d->socket, channel_close_of(e), sp_error_text(e));
            lose(d, SP_ERR_PROTOCOL, sp_error_text(e));
        }
    }
    free(m);
}

/* ---- libwebsockets' side --------------------------------------------------------------------- */

static void on_piece(struct dialer *d, struct view piece)
{
    struct view whole;
    sp_error e = socket_receive(&d->socket, piece, &whole);

    if (e == SP_ERR_AGAIN)
        return;
    if (e != SP_OK || inbox_put(&d->inbox, whole) != SP_OK)
        lose(d, SP_ERR_PROTOCOL, "a message is too long or not text");
    else
        deferred_queue(engine_loop(d->engine), &d->later);
}

static void on_established(struct dialer *d, struct lws *wsi)
{
    d->opening.binding.l7 = d->l7;
    if (!d->l7 && tls_foreign_binding(lws_get_ssl(wsi), d->opening.binding.exporter) != SP_OK) {
        lose(d, SP_ERR_TLS, "the connection is not TLS 1.3: something between ends TLS");
        return;
    }
    d->phase = DIALER_OPENING;
}

static int add_nonce(struct dialer *d, unsigned char **at, size_t room)
{
    struct buf line;
    int state = -1;

    buf_init(&line, 100);
    buf_add_str(&line, "Sallyport-Nonce: ");
    encode_base64url((struct view){d->opening.nonce, sizeof d->opening.nonce}, &line);
    buf_add_str(&line, "\r\n");
    if (buf_error(&line) == SP_OK && line.len < room) {
        memcpy(*at, line.at, line.len);
        *at += line.len;
        state = 0;
    }
    buf_deinit(&line);
    return state;
}

static void unreachable(struct dialer *d)
{
    if (d->phase != DIALER_CONNECTING || d->next_address)
        return;
    if (turns_next(&d->turns)) {
        d->next_address = true;
        deferred_queue(engine_loop(d->engine), &d->later);
    } else {
        lose(d, SP_ERR_UNREACHABLE, "it can't be reached");
    }
}

static void on_failed(struct dialer *d, struct lws *wsi, const char *text)
{
    void *ssl = lws_get_ssl(wsi);
    enum tls_refusal refusal = ssl != NULL ? tls_foreign_refusal(ssl) : TLS_REFUSAL_NONE;

    d->wsi = NULL;
    if (d->phase != DIALER_CONNECTING)
        return;
    if (d->misnamed || refusal != TLS_REFUSAL_NONE)
        lose(d, SP_ERR_TLS, tls_refusal_text(d->misnamed ? TLS_REFUSAL_NAME : refusal));
    else if (text != NULL && strstr(text, "proxy") != NULL)
        lose(d, SP_ERR_REFUSED, "the HTTP proxy refused the connection");
    else if (text != NULL && strstr(text, "HS:") != NULL)
        lose(d, SP_ERR_REFUSED, "there is no Sallyport broker at this address");
    else
        unreachable(d);
}

static void on_closed(struct dialer *d)
{
    const char *text;
    sp_error e;

    d->wsi = NULL;
    d->end.close = d->socket.peer_close;
    text = channel_close_text(d->end.close, &e);
    lose(d, e, text);
}

static int prepare_tls(struct lws *wsi, void *ssl_ctx)
{
    struct dialer *d = lws_vhost_user(lws_get_vhost(wsi));

    d->tls_error = tls_foreign_client(ssl_ctx, d->host, d->tls, &d->tls_why);
    d->ssl_ctx = ssl_ctx;
    return d->tls_error == SP_OK ? 0 : -1;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct dialer *d;

    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS)
        return prepare_tls(wsi, user);
    if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR || reason == LWS_CALLBACK_CLIENT_CLOSED)
        tls_foreign_socket(lws_get_ssl(wsi), lws_get_socket_fd(wsi)); /* dropped ones too */
    if ((d = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL) == NULL)
        return reason == LWS_CALLBACK_CLIENT_WRITEABLE || reason == LWS_CALLBACK_CLIENT_RECEIVE ? -1
                                                                                                : 0;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        /* a literal address is compared now: the handshake is over, and nothing is said yet */
        d->misnamed = d->ssl_ctx != NULL && !tls_foreign_fits(lws_get_ssl(wsi), d->host);
        return d->misnamed ? -1 : add_nonce(d, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        on_established(d, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        on_piece(d, (struct view){in, len});
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return socket_writable(&d->socket);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        socket_peer_closed(&d->socket, (struct view){in, len});
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_failed(d, wsi, in);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        if (d->wsi == wsi)
            on_closed(d);
        return 0;
    default:
        return 0;
    }
}

static void on_try_deadline(void *arg)
{
    struct dialer *d = arg;

    d->timer = NULL;
    lose(d, SP_ERR_TIMEOUT, "no answer within 20 s");
}

static void connect_to(struct dialer *d, const char *address)
{
    static const lws_retry_bo_t pings = {.secs_since_valid_ping = DIALER_PING_MS / 1000,
                                         .secs_since_valid_hangup = DIALER_PING_MS / 1000 * 2 + 10};
    struct lws_client_connect_info i = {0};

    d->phase = DIALER_CONNECTING;
    opening_edge_init(&d->opening, d->edge);
    i.context = engine_context(d->engine);
    i.vhost = d->vhost;
    i.address = address;
    i.port = d->port;
    i.path = "/control";
    i.host = d->authority;
    i.protocol = CONTROL_PROTOCOL;
    i.local_protocol_name = CONTROL_PROTOCOL;
    i.ietf_version_or_minus_one = -1;
    i.opaque_user_data = d;
    i.retry_and_idle_policy = &pings;
    /* libwebsockets can't check names on wolfSSL and refuses every connection unless told to skip
     * it; tls_foreign_client does the check (DATAPATH fact 1). */
    i.ssl_connection = LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
    socket_init(&d->socket, NULL);
    i.pwsi = &d->wsi;
    if (lws_client_connect_via_info(&i) == NULL || d->wsi == NULL)
        unreachable(d);
    else
        d->socket.wsi = d->wsi;
}

static void connect_to_one(struct dialer *d)
{
    d->next_address = false;
    connect_to(d, address_host_text(turns_now(&d->turns)).s);
}

static void looked_up(void *arg, sp_error e, const struct address *found, size_t count)
{
    struct dialer *d = arg;

    d->lookup = NULL;
    if (e != SP_OK || count == 0) {
        lose(d, SP_ERR_UNREACHABLE, "the name was not found");
        return;
    }
    turns_begin(&d->turns, found, count);
    connect_to_one(d);
}

static void start_lookup(struct dialer *d)
{
    sp_error e;

    d->phase = DIALER_RESOLVING;
    if ((e = lookup_start(d->pool, d->host, d->port, looked_up, d, &d->lookup)) != SP_OK)
        lose(d, e, sp_error_text(e));
}

static void start_try(void *arg)
{
    struct dialer *d = arg;

    d->timer = NULL;
    d->phase = DIALER_CONNECTING;
    if (timer_start(engine_loop(d->engine), clock_boot() + TRY_MS, on_try_deadline, d, &d->timer) !=
        SP_OK) {
        lose(d, SP_ERR_NOMEM, "out of memory");
        return;
    }
    if (d->fixed_name || d->pool == NULL)
        connect_to(d, d->host);
    else
        start_lookup(d);
}

static sp_error choose_way(struct dialer *d, const struct proxy_env *env, struct sp_why *why,
                           char proxy[PROXY_MAX])
{
    struct proxy_choice c;
    sp_error e;

    /* Not NULL: libwebsockets would read http_proxy (C-027). Port 0 is its "none", without the
     * complaint that an empty text earns. */
    snprintf(proxy, PROXY_MAX, ":0");
    if ((e = proxy_choose(env, d->host, d->port, why, &c)) != SP_OK)
        return e;
    d->proxied = !c.direct;
    bool v6 = strchr(c.host, ':') != NULL, user = c.user[0] != '\0';
    if (d->proxied)
        snprintf(proxy, PROXY_MAX, "%s%s%s%s%s%s%s:%u", c.user, user ? ":" : "", c.password,
                 user ? "@" : "", v6 ? "[" : "", c.host, v6 ? "]" : "", c.port);
    proxy_choice_wipe(&c);
    return SP_OK;
}

static sp_error make_vhost(struct dialer *d, const char *proxy, struct sp_why *why)
{
    sp_error e = control_vhost(d->engine, on_lws, d, proxy, &d->vhost);

    if (e != SP_OK && d->tls_error != SP_OK && why != NULL)
        *why = d->tls_why;
    return d->tls_error != SP_OK ? d->tls_error : e;
}

sp_error dialer_new(struct engine *engine, const struct dialer_options *o, struct sp_why *why,
                    struct dialer **out)
{
    struct dialer *d = calloc(1, sizeof *d);
    char proxy[PROXY_MAX];
    struct address literal;
    sp_error e = SP_ERR_NOMEM;

    if (d == NULL)
        return e;
    d->engine = engine;
    d->pool = o->pool;
    d->events = o->events;
    d->arg = o->arg;
    d->edge = o->edge;
    d->tls = o->tls;
    d->port = o->port;
    d->l7 = o->l7;
    d->eager_ms = o->eager_ms;
    deferred_init(&d->later, deliver, d);
    socket_init(&d->socket, NULL);
    snprintf(d->host, sizeof d->host, "%s", o->host);
    snprintf(d->authority, sizeof d->authority, strchr(d->host, ':') ? "[%s]:%u" : "%s:%u", d->host,
             d->port);
    if ((e = choose_way(d, o->proxy, why, proxy)) == SP_OK &&
        (e = make_vhost(d, proxy, why)) == SP_OK)
        e = timer_start(engine_loop(engine), clock_boot(), start_try, d, &d->timer);
    explicit_bzero(proxy, sizeof proxy);
    d->fixed_name = d->proxied || address_from_host(view_str(d->host), d->port, &literal) == SP_OK;
    if (e != SP_OK) {
        dialer_free(d);
        return e;
    }
    *out = d;
    return SP_OK;
}

void dialer_free(struct dialer *d)
{
    if (d == NULL)
        return;
    deferred_cancel(engine_loop(d->engine), &d->later);
    timer_cancel(d->timer);
    channel_free(d->channel);
    drop_connection(d);
    tls_foreign_client_done(d->ssl_ctx);
    if (d->vhost != NULL)
        lws_vhost_destroy(d->vhost);
    free(d);
}

struct channel *dialer_channel(struct dialer *d)
{
    return d->channel;
}

/* Between two tries: the next one comes now. */
static void try_now(struct dialer *d)
{
    timer_cancel(d->timer);
    d->timer = NULL;
    if (timer_start(engine_loop(d->engine), clock_boot(), start_try, d, &d->timer) != SP_OK)
        d->timer = NULL; /* out of memory: the owner's next call tries again */
}

void dialer_again(struct dialer *d)
{
    d->backoff.failures = 0;
    if (d->phase == DIALER_WAITING) {
        try_now(d);
        return;
    }
    d->again = true;
    /* No closing handshake: where this helps, nobody may be there to answer it. */
    lose(d, SP_ERR_CANCELLED, "started again");
}

void dialer_hurry(struct dialer *d, sp_boot_ms until)
{
    backoff_hurry(&d->backoff, until);
    if (d->phase == DIALER_WAITING)
        try_now(d);
}

sp_unix_ms dialer_broker_time(const struct dialer *d)
{
    if (d->opening.server_time == 0)
        return 0;
    return d->opening.server_time + (clock_boot() - d->opening.server_time_at);
}
