#include "lib/channel/listener.h"

#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/channel/socket.h"
#include "lib/http/intake.h"
#include "lib/http/server.h"
#include "lib/os/loop.h"
#include "lib/os/sock.h"
#include "lib/tls/foreign.h"

#include <libwebsockets.h>
#include <stdlib.h>

enum edge_phase {
    EDGE_NEW = 0, /* hello is on its way */
    EDGE_PROVEN,  /* its owner looks the key up */
    EDGE_OPEN,
    EDGE_ENDING /* refused or closed; nothing more is read */
};

enum { SOURCE_BYTES = 16, SOURCE_V6_PREFIX = 8 };

struct edge {
    struct listener *listener; /* borrowed */
    struct edge *next;
    uint64_t number; /* never used again */
    enum edge_phase phase;
    struct socket socket;
    struct opening_server opening;
    uint8_t nonce[OPENING_NONCE_BYTES]; /* the edge's, from the upgrade */
    struct channel_peer peer;
    struct channel *channel; /* owned; NULL: not open */
    struct timer *deadline;  /* owned; NULL: not running. Until welcome */
    uint8_t source[SOURCE_BYTES];
    size_t source_len;
};

struct listener {
    struct engine *engine; /* borrowed */
    const struct opening_server_config *server;
    const struct listener_events *events;
    void *arg;
    bool l7;
    struct lws_protocols protocol;
    struct edge *edges; /* owned until their websocket is gone */
    uint64_t last_number;
    size_t unproven, open;
};

static int on_control(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t len);

static struct edge *find(struct listener *l, uint64_t number)
{
    for (struct edge *e = l->edges; e != NULL; e = e->next)
        if (e->number == number && e->phase != EDGE_ENDING)
            return e;
    return NULL;
}

/* It proved a key that nobody knows. */
static bool is_stranger(const struct edge *e)
{
    return e->phase == EDGE_OPEN && id_is_zero(e->peer.id);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void leave_phase(struct edge *e)
{
    struct listener *l = e->listener;

    if (e->phase == EDGE_NEW || e->phase == EDGE_PROVEN)
        l->unproven--;
    else if (e->phase == EDGE_OPEN)
        l->open--;
    timer_cancel(e->deadline);
    e->deadline = NULL;
}

static void end_edge(struct edge *e, enum channel_close code, const char *reason)
{
    bool was_open = e->phase == EDGE_OPEN;

    if (e->phase == EDGE_ENDING)
        return;
    leave_phase(e);
    e->phase = EDGE_ENDING;
    socket_close(&e->socket, code, reason);
    channel_free(e->channel);
    e->channel = NULL;
    if (was_open)
        e->listener->events->lost(e->listener->arg, e->number, &e->peer);
}

static void edge_free(struct edge *e)
{
    struct edge **at = &e->listener->edges;

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    end_edge(e, CHANNEL_CLOSE_GOING, NULL);
    socket_deinit(&e->socket);
    free(e);
}

static void on_deadline(void *arg)
{
    struct edge *e = arg;

    e->deadline = NULL;
    end_edge(e, CHANNEL_CLOSE_TIME, e->phase == EDGE_OPEN ? "nobody logged in" : "10 s are over");
}

/* ---- upgrade --------------------------------------------------------------------------------- */

/* Whom the limit of unproven connections counts as one: an IPv4 address, an IPv6 /64. */
static void read_source(struct edge *e)
{
    struct address a;

    if (address_from_host(view_str(e->peer.address), 0, &a) != SP_OK)
        return;
    struct view bytes = address_bytes(&a);
    e->source_len = bytes.len > 4 ? SOURCE_V6_PREFIX : bytes.len;
    memcpy(e->source, bytes.at, e->source_len);
}

static bool too_many(const struct listener *l, const struct edge *e)
{
    size_t same = 0, strangers = 0, strangers_all = 0;

    if (l->unproven >= LISTENER_UNPROVEN_MAX)
        return true;
    for (const struct edge *o = l->edges; o != NULL; o = o->next) {
        bool near =
            o->source_len == e->source_len && memcmp(o->source, e->source, e->source_len) == 0;
        same += near && (o->phase == EDGE_NEW || o->phase == EDGE_PROVEN);
        strangers += near && is_stranger(o);
        strangers_all += is_stranger(o);
    }
    return same >= LISTENER_UNPROVEN_A_SOURCE || strangers >= LISTENER_STRANGERS_A_SOURCE ||
           strangers_all >= LISTENER_STRANGERS_MAX;
}

static int check_upgrade(struct lws *wsi, struct edge *e)
{
    struct intake in;
    int refused = intake_upgrade(wsi, "/control", &in);

    if (refused == 0 && request_header(&in.request, "origin").len > 0) /* WS-14 */
        refused = 403;
    if (refused == 0 && decode_base64url_exact(request_header(&in.request, "sallyport-nonce"),
                                               e->nonce, sizeof e->nonce) != SP_OK)
        refused = 400;
    if (server_peer(wsi, &in.request) != SP_OK)
        refused = 400;
    memcpy(e->peer.address, in.request.peer, sizeof e->peer.address);
    intake_deinit(&in);
    read_source(e);
    return refused;
}

static int on_upgrade(struct lws *wsi, struct edge **slot)
{
    struct listener *l = lws_get_protocol(wsi)->user;
    struct edge *e = calloc(1, sizeof *e);

    if (e == NULL)
        return -1;
    e->listener = l;
    socket_init(&e->socket, wsi);
    if (check_upgrade(wsi, e) != 0 || too_many(l, e)) {
        socket_deinit(&e->socket);
        free(e);
        return -1;
    }
    e->socket.limit = ENVELOPE_OPENING_BYTES_MAX;
    e->number = ++l->last_number;
    e->next = l->edges;
    l->edges = e;
    l->unproven++;
    *slot = e;
    return 0;
}

static int on_established(struct lws *wsi, struct edge *e)
{
    struct opening_binding binding = {.l7 = e->listener->l7};
    struct buf text;
    sp_error err = SP_OK;

    if (!binding.l7)
        err = tls_foreign_binding(lws_get_ssl(wsi), binding.exporter);
    buf_init(&text, ENVELOPE_BYTES_MAX);
    if (err == SP_OK)
        err = opening_server_hello(&e->opening, e->listener->server, e->nonce, &binding,
                                   clock_unix(), &text);
    if (err == SP_OK)
        err = socket_send(&e->socket, buf_view(&text));
    buf_deinit(&text);
    if (err == SP_OK)
        err = timer_start(engine_loop(e->listener->engine), clock_boot() + ENVELOPE_OPENING_MS,
                          on_deadline, e, &e->deadline);
    if (err != SP_OK)
        log_event(LOG_WARN, "control.hello", sp_error_text(err), "peer", e->peer.address, NULL);
    return err == SP_OK ? 0 : -1;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct edge *e = arg;

    e->listener->events->message(e->listener->arg, e->number, &e->peer, c, m);
}

static void take_prove(struct edge *e, struct view text)
{
    char address[sizeof e->peer.address];
    struct envelope m;
    sp_error err = envelope_parse(text, &m);

    if (err != SP_OK) {
        end_edge(e, CHANNEL_CLOSE_PROTOCOL, "no message");
        return;
    }
    memcpy(address, e->peer.address, sizeof address);
    err = opening_server_prove(&e->opening, &m, &e->peer);
    memcpy(e->peer.address, address, sizeof address);
    envelope_deinit(&m);
    if (err != SP_OK) {
        log_event(LOG_WARN, "control.proof", sp_error_text(err), "peer", address, NULL);
        end_edge(e, opening_close(err), err == SP_ERR_VERSION ? "versions 1 to 1" : "proof");
        return;
    }
    e->phase = EDGE_PROVEN;
    e->listener->events->proven(e->listener->arg, e->number, &e->peer);
}

static void take_text(struct edge *e, struct view text)
{
    sp_error err;

    switch (e->phase) {
    case EDGE_NEW:
        take_prove(e, text);
        break;
    case EDGE_PROVEN: /* nothing may come before welcome */
        end_edge(e, CHANNEL_CLOSE_PROTOCOL, "before welcome");
        break;
    case EDGE_OPEN:
        if ((err = channel_receive(e->channel, text)) != SP_OK) {
            log_event(LOG_WARN, "control.protocol", sp_error_text(err), "peer", e->peer.address,
                      "key", key_text(&e->peer.key).s, NULL);
            end_edge(e, channel_close_of(err), sp_error_text(err));
        }
        break;
    case EDGE_ENDING:
        break;
    }
}

static void take_piece(struct edge *e, struct view piece)
{
    struct view whole;
    sp_error err;

    if (e->phase == EDGE_ENDING)
        return;
    err = socket_receive(&e->socket, piece, &whole);
    if (err == SP_OK)
        take_text(e, whole);
    else if (err != SP_ERR_AGAIN)
        end_edge(e, err == SP_ERR_LIMIT ? CHANNEL_CLOSE_TOO_MUCH : CHANNEL_CLOSE_PROTOCOL, "size");
}

static int on_control(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t len)
{
    struct edge **slot = user, *e = slot != NULL ? *slot : NULL;

    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return on_upgrade(wsi, slot);
    case LWS_CALLBACK_ESTABLISHED:
        return e != NULL ? on_established(wsi, e) : -1;
    case LWS_CALLBACK_RECEIVE:
        if (e == NULL)
            return -1;
        take_piece(e, (struct view){in, len});
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return e != NULL ? socket_writable(&e->socket) : -1;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (e != NULL) {
            *slot = NULL;
            e->socket.wsi = NULL;
            edge_free(e);
        }
        return 0;
    case LWS_CALLBACK_USER: /* server_free */
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return 0;
    case LWS_CALLBACK_HTTP:
        return -1;
    default:
        return 0;
    }
}

/* ---- admission ------------------------------------------------------------------------------- */

/* One channel a key; brokers tell relays apart by (id, boot), so a restarted one may overlap. */
static bool same_edge(const struct channel_peer *a, const struct channel_peer *b)
{
    return a->kind == b->kind && key_equal(&a->key, &b->key) &&
           (a->kind != PROVE_RELAY || id_equal(a->boot, b->boot));
}

static void replace_older(struct listener *l, struct edge *e)
{
    for (struct edge *o = l->edges, *next; o != NULL; o = next) {
        next = o->next;
        if (o != e && o->phase == EDGE_OPEN && same_edge(&o->peer, &e->peer))
            end_edge(o, CHANNEL_CLOSE_REPLACED, "a newer channel of this key");
    }
}

static sp_error open_edge(struct edge *e, const struct opening_welcome *given)
{
    struct opening_welcome w = *given;
    const struct channel_options o = {.loop = engine_loop(e->listener->engine),
                                      .wire = {socket_wire_send, socket_wire_close, &e->socket},
                                      .sent = 2,
                                      .received = 1,
                                      .message = on_message,
                                      .arg = e};
    struct buf text;
    sp_error err;

    w.v = e->peer.v;
    w.ping = LISTENER_PING_MS;
    buf_init(&text, ENVELOPE_BYTES_MAX);
    if ((err = channel_new(&o, &e->channel)) == SP_OK &&
        (err = envelope_write("welcome", 2, 0, fields_write(welcome_fields, &w), &text)) == SP_OK)
        err = socket_send(&e->socket, buf_view(&text));
    buf_deinit(&text);
    return err;
}

void listener_welcome(struct listener *l, uint64_t number, const struct opening_welcome *w)
{
    struct edge *e = find(l, number);

    if (e == NULL || e->phase != EDGE_PROVEN)
        return;
    replace_older(l, e);
    if (open_edge(e, w) != SP_OK) {
        end_edge(e, CHANNEL_CLOSE_GOING, "no room");
        return;
    }
    leave_phase(e);
    e->phase = EDGE_OPEN;
    l->open++;
    e->socket.limit = SIZE_MAX;
    e->peer.id = w->id;
    if (is_stranger(e) && timer_start(engine_loop(l->engine), clock_boot() + LISTENER_STRANGER_MS,
                                      on_deadline, e, &e->deadline) != SP_OK) {
        end_edge(e, CHANNEL_CLOSE_GOING, "no room");
        return;
    }
    l->events->opened(l->arg, e->number, &e->peer, e->channel);
}

void listener_refuse(struct listener *l, uint64_t number, enum channel_close code,
                     const char *reason)
{
    listener_close(l, number, code, reason);
}

void listener_close(struct listener *l, uint64_t number, enum channel_close code,
                    const char *reason)
{
    struct edge *e = find(l, number);

    if (e != NULL)
        end_edge(e, code, reason);
}

struct channel *listener_channel(struct listener *l, uint64_t number)
{
    struct edge *e = find(l, number);

    return e != NULL ? e->channel : NULL;
}

const struct channel_peer *listener_peer(struct listener *l, uint64_t number)
{
    struct edge *e = find(l, number);

    return e != NULL ? &e->peer : NULL;
}

void listener_peer_id(struct listener *l, uint64_t number, struct sp_id id)
{
    struct edge *e = find(l, number);

    if (e == NULL)
        return;
    e->peer.id = id;
    if (e->phase == EDGE_OPEN && !id_is_zero(id)) { /* no stranger any more */
        timer_cancel(e->deadline);
        e->deadline = NULL;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

sp_error listener_new(struct engine *engine, const struct listener_options *o,
                      struct listener **out)
{
    struct listener *l = calloc(1, sizeof *l);

    if (l == NULL)
        return SP_ERR_NOMEM;
    l->engine = engine;
    l->server = o->server;
    l->events = o->events;
    l->arg = o->arg;
    l->l7 = o->l7;
    l->protocol = (struct lws_protocols){.name = "sallyport-control.1",
                                         .callback = on_control,
                                         .per_session_data_size = sizeof(struct edge *),
                                         .rx_buffer_size = 4096,
                                         .user = l};
    *out = l;
    return SP_OK;
}

void listener_free(struct listener *l)
{
    if (l == NULL)
        return;
    while (l->edges != NULL)
        edge_free(l->edges);
    free(l);
}

struct engine *listener_engine(struct listener *l)
{
    return l->engine;
}

const struct lws_protocols *listener_protocol(struct listener *l)
{
    return &l->protocol;
}

struct listener_counts listener_counts(const struct listener *l)
{
    return (struct listener_counts){l->unproven, l->open};
}
