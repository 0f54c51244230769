#include "lib/http/server.h"

#include "lib/base/clock.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/http/answer.h"
#include "lib/http/forwarded.h"
#include "lib/http/intake.h"
#include "lib/http/problem.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/tls/foreign.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    KEEP_ALIVE_S = 30,
    WRITE_BYTES = 16 * 1024, /* one lws_write, one TLS record */
    DISCARD_BYTES_MAX = 16 * 1024 * 1024,
    ENDPOINTS_MAX = 8,
    CLOSE_MS = 3000
};

/* One request under way. Belongs to the loop but between pool_submit and its `done`. */
struct exchange {
    struct server *server; /* borrowed */
    struct lws *wsi;       /* borrowed; NULL: the peer has left */
    struct intake in;
    struct buf body;
    struct response res;
    struct buf wire;   /* the head, until it is written */
    size_t sent;       /* of the answer's body */
    uint64_t received; /* of the request's body */
    sp_boot_ms until;  /* the body is whole */
    bool discard;      /* too long, but short enough to hear it out: a client that still sends
                          would not read the answer of a closed connection */
    bool submitted, ran, ready, head_sent;
};

/* The peer of each socket, by descriptor: a front that read a PROXY header knows better. */
struct origin {
    char peer[REQUEST_PEER_TEXT];
    uint16_t port;
};

struct server {
    struct engine *engine; /* borrowed */
    struct pool *pool;     /* borrowed */
    http_handler *handle;
    http_outbound *outbound;
    void *arg;
    size_t body_max;
    const struct prefixes *proxies; /* borrowed; NULL: none */
    struct lws_protocols protocols[ENDPOINTS_MAX + 2];
    struct lws_vhost *vhost; /* owned */
    bool vhost_gone;         /* libwebsockets has let go of it and of `protocols` */
    struct origin *origins;  /* owned; SERVER_DESCRIPTORS_MAX of them */
    uint64_t requests, refused;
    size_t handlers;
    bool closing;
};

/* Websockets of this port: a ping after 15 s without a sign of life, lost after two (PROTOCOL 10).
 */
static const lws_retry_bo_t pings = {.secs_since_valid_ping = 15, .secs_since_valid_hangup = 40};

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len);

/* ---- one exchange --------------------------------------------------------------------------- */

static void exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    intake_deinit(&x->in);
    buf_wipe(&x->body);
    response_deinit(&x->res);
    buf_wipe(&x->wire);
    free(x);
}

static struct exchange *exchange_new(struct server *s, struct lws *wsi)
{
    struct exchange *x = calloc(1, sizeof *x);

    if (x == NULL)
        return NULL;
    x->server = s;
    x->wsi = wsi;
    buf_init(&x->body, s->body_max);
    buf_init(&x->wire, 2 * RESPONSE_HEAD_BYTES_MAX);
    response_init(&x->res);
    return x;
}

/* From here on the peer has so long to make room for the next write. */
static void allow_stall(struct exchange *x)
{
    lws_set_timeout(x->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SERVER_ANSWER_MS / 1000);
}

/* The answer is complete: what is wrong with it becomes a 500. */
static void make_ready(struct exchange *x)
{
    sp_error e = x->res.status == 0 ? SP_ERR_INTERNAL : response_error(&x->res);

    if (e == SP_OK)
        e = answer_head(&x->res, x->in.request.tls, x->in.close, &x->wire);
    if (e != SP_OK) {
        struct problem p = problem_of(SP_ERR_INTERNAL, NULL);
        log_event(LOG_ERROR, "http.answer", sp_error_text(e), "request", x->in.request.ref, NULL);
        buf_reset(&x->wire);
        problem_write(&p, &x->in.request, &x->res);
        if (answer_head(&x->res, x->in.request.tls, x->in.close, &x->wire) != SP_OK)
            x->in.close = true; /* out of memory: nothing is sent, the connection ends */
    }
    x->ready = true;
    allow_stall(x);
}

static void answer_later(struct exchange *x)
{
    make_ready(x);
    lws_callback_on_writable(x->wsi);
}

/* One write a call. 1: all is written. */
static int write_some(struct exchange *x)
{
    uint8_t room[LWS_PRE + WRITE_BYTES];
    bool bodiless = answer_bodiless(x->res.status) || x->in.request.method == METHOD_HEAD;
    struct view body = bodiless ? (struct view){0} : answer_body(&x->res);
    size_t n = 0;

    if (!x->head_sent) {
        n = x->wire.len;
        if (n == 0 || n > WRITE_BYTES)
            return -1;
        memcpy(room + LWS_PRE, x->wire.at, n);
        x->head_sent = true;
    }
    struct view part = view_slice(body, x->sent, WRITE_BYTES - n);
    if (part.len > 0)
        memcpy(room + LWS_PRE + n, part.at, part.len);
    x->sent += part.len;
    n += part.len;
    bool last = x->sent == body.len;
    FAILPOINT("http:answer");
    int wrote =
        n == 0 ? 0
               : lws_write(x->wsi, room + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    explicit_bzero(room, sizeof room);
    return wrote < 0 ? -1 : last;
}

/* Before or instead of a handler: the connection ends after it. */
static void fill_refusal(struct exchange *x, int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{400, "malformed"}, {411, "malformed"}, {413, "too_large"},   {414, "too_large"},
                 {431, "too_large"}, {501, "method"},    {503, "unavailable"}, {500, "internal"}};
    struct problem p = {.status = status, .code = "malformed"};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            p.code = codes[i].code;
    x->server->refused++;
    x->in.close = true;
    problem_write(&p, &x->in.request, &x->res);
    make_ready(x);
}

static void refuse_later(struct exchange *x, int status)
{
    fill_refusal(x, status);
    lws_callback_on_writable(x->wsi);
}

/* Written at once: what follows a doubtful head is not read, so nothing else would bring us back
 * to this connection. Returns -1, which closes it. */
static int refuse_now(struct exchange *x, int status)
{
    fill_refusal(x, status);
    sp_ignore(write_some(x) >= 0 ? SP_OK : SP_ERR_CLOSED); /* it ends either way */
    return -1;
}

static void work(void *arg)
{
    struct exchange *x = arg;

    x->ran = true;
    x->server->handle(x->server->arg, &x->in.request, &x->res);
}

static void done(void *arg)
{
    struct exchange *x = arg;

    x->server->handlers--;
    if (x->wsi == NULL) {
        exchange_free(x);
        return;
    }
    if (!x->ran)
        refuse_later(x, 503);
    else
        answer_later(x);
}

static void submit(struct exchange *x)
{
    struct server *s = x->server;
    enum pool_kind kind = POOL_PLAIN;

    x->in.request.body = buf_view(&x->body);
    lws_set_timeout(x->wsi, NO_PENDING_TIMEOUT, 0); /* handlers have deadlines of their own */
    if (s->outbound != NULL && s->outbound(s->arg, &x->in.request))
        kind = POOL_OUTBOUND;
    s->requests++;
    s->handlers++;
    x->submitted = true;
    if (pool_submit(s->pool, kind, work, done, x) != SP_OK) {
        s->handlers--;
        x->submitted = false;
        refuse_later(x, 503);
    }
}

/* ---- libwebsockets' side -------------------------------------------------------------------- */

static struct server *server_of(struct lws *wsi)
{
    const struct lws_protocols *p = lws_get_protocol(wsi);

    return p != NULL ? p->user : NULL;
}

/* The socket's peer is one of the proxies: who is behind it? */
static sp_error behind_proxy(const struct server *s, struct request *req)
{
    struct address from;
    sp_error e;

    if (s == NULL || s->proxies == NULL ||
        address_from_host(view_str(req->peer), 0, &from) != SP_OK ||
        !prefixes_hold(s->proxies, &from))
        return SP_OK;
    e = forwarded_parse(request_header(req, "x-forwarded-for"), s->proxies, &from);
    if (e == SP_ERR_NOT_FOUND) /* its own request, such as a health check */
        return SP_OK;
    if (e != SP_OK)
        return e;
    snprintf(req->peer, REQUEST_PEER_TEXT, "%.*s", REQUEST_PEER_TEXT - 1,
             address_host_text(&from).s);
    req->peer_port = 0;
    return SP_OK;
}

sp_error server_peer(struct lws *wsi, struct request *req)
{
    const struct server *s = lws_vhost_user(lws_get_vhost(wsi));
    int fd = lws_get_socket_fd(lws_get_network_wsi(wsi));

    if (s != NULL && fd >= 0 && fd < SERVER_DESCRIPTORS_MAX && s->origins[fd].peer[0] != '\0') {
        memcpy(req->peer, s->origins[fd].peer, REQUEST_PEER_TEXT);
        req->peer_port = s->origins[fd].port;
    } else {
        intake_peer(wsi, req->peer, &req->peer_port);
    }
    return behind_proxy(s, req);
}

static int send_continue(struct lws *wsi)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t room[LWS_PRE + sizeof text];

    memcpy(room + LWS_PRE, text, sizeof text - 1);
    return lws_write(wsi, room + LWS_PRE, sizeof text - 1, LWS_WRITE_HTTP_HEADERS) < 0 ? -1 : 0;
}

static int on_head(struct lws *wsi, struct exchange **slot)
{
    struct server *s = server_of(wsi);
    struct exchange *x;
    int status;

    if (s->closing || *slot != NULL || (x = exchange_new(s, wsi)) == NULL)
        return -1;
    *slot = x;
    status = intake_head(wsi, &x->in);
    if (server_peer(wsi, &x->in.request) != SP_OK && status == 0)
        status = 400;
    if (status == 0 && (uint64_t)x->in.content_length > s->body_max)
        x->discard = true;
    if (x->discard && x->in.content_length > DISCARD_BYTES_MAX)
        status = 413;
    if (status != 0)
        return refuse_now(x, status);
    if (x->in.content_length == 0) {
        submit(x);
        return 0;
    }
    x->until = clock_boot() + SERVER_BODY_MS;
    return x->in.expects_continue && !x->discard ? send_continue(wsi) : 0;
}

/*
 * libwebsockets 4.3.5 never sets content_length_given for a server's HTTP/1 connection, so it hands
 * over everything that it read as body, also what follows it. We count; more than was announced
 * ends the connection before a byte of it is used.
 */
static int on_body(struct exchange *x, struct view part)
{
    if (x == NULL)
        return -1;
    if (x->submitted || x->ready)
        return x->ready && x->in.close ? 0 : part.len > 0 ? -1 : 0;
    if (part.len > (uint64_t)x->in.content_length - x->received)
        return -1;
    if (clock_boot() > x->until)
        return -1;
    x->received += part.len;
    return x->discard || buf_append(&x->body, part) == SP_OK ? 0 : -1;
}

static int on_body_complete(struct exchange *x)
{
    if (x == NULL)
        return -1;
    if (x->submitted || x->ready)
        return 0;
    if (x->received != (uint64_t)x->in.content_length)
        return -1;
    if (x->discard)
        return refuse_now(x, 413);
    submit(x);
    return 0;
}

static int on_writable(struct lws *wsi, struct exchange **slot)
{
    struct exchange *x = *slot;
    int state;

    if (x == NULL || !x->ready)
        return 0;
    if ((state = write_some(x)) < 0)
        return -1;
    if (state == 0) {
        allow_stall(x);
        lws_callback_on_writable(wsi);
        return 0;
    }
    bool close = x->in.close;
    *slot = NULL;
    exchange_free(x);
    return close || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static void on_gone(struct exchange **slot)
{
    struct exchange *x;

    if (slot == NULL || (x = *slot) == NULL)
        return;
    *slot = NULL;
    x->wsi = NULL;
    if (!x->submitted || x->ready)
        exchange_free(x); /* else `done` frees it */
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct exchange **slot = user;

    switch ((int)reason) {
    case LWS_CALLBACK_USER: /* server_free */
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return 0;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return tls_foreign_server(user) == SP_OK ? 0 : -1; /* no vhost then */
    case LWS_CALLBACK_HTTP:
        return on_head(wsi, slot);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(*slot, (struct view){in, len});
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_complete(*slot);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable(wsi, slot);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        on_gone(slot);
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* a websocket without a subprotocol of ours */
    case LWS_CALLBACK_RAW_ADOPT:                  /* CONNECT, which would become a bare socket */
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_ESTABLISHED:
        return -1;
    default:
        return 0;
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

static sp_error check_file(const char *path, struct sp_why *why)
{
    if (access(path, R_OK) == 0)
        return SP_OK;
    return sp_why_say(why, access(path, F_OK) == 0 ? SP_ERR_PERMISSION : SP_ERR_NOT_FOUND,
                      "%s can't be read", path);
}

static void on_vhost_gone(struct lws_vhost *vhost, void *arg)
{
    struct server *s = arg;

    (void)vhost;
    s->vhost_gone = true;
}

static sp_error make_vhost(struct server *s, const struct server_options *o, struct sp_why *why)
{
    struct lws_context_creation_info info = {0};
    sp_error e;

    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.vhost_name = "public";
    info.protocols = s->protocols;
    info.user = s;
    info.finalize = on_vhost_gone;
    info.finalize_arg = s;
    info.keepalive_timeout = KEEP_ALIVE_S;
    info.retry_and_idle_policy = &pings;
    if (o->cert_file != NULL) {
        if ((e = check_file(o->cert_file, why)) != SP_OK ||
            (e = check_file(o->key_file, why)) != SP_OK)
            return e;
        info.ssl_cert_filepath = o->cert_file;
        info.ssl_private_key_filepath = o->key_file;
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    }
    s->vhost = lws_create_vhost(engine_context(s->engine), &info);
    if (s->vhost == NULL)
        return sp_why_say(
            why, SP_ERR_TLS, "the certificate %s and the key %s are no PEM files that fit together",
            o->cert_file != NULL ? o->cert_file : "-", o->key_file != NULL ? o->key_file : "-");
    return SP_OK;
}

sp_error server_new(struct engine *engine, const struct server_options *o, struct sp_why *why,
                    struct server **out)
{
    struct server *s = calloc(1, sizeof *s);
    sp_error e = SP_ERR_NOMEM;

    if (s == NULL || o->endpoint_count > ENDPOINTS_MAX)
        goto out;
    if (lws_get_vhost_by_name(engine_context(engine), "public") != NULL) {
        e = SP_ERR_EXISTS;
        goto out;
    }
    s->engine = engine;
    s->pool = o->pool;
    s->handle = o->handle;
    s->outbound = o->outbound;
    s->arg = o->arg;
    s->proxies = o->proxies;
    s->body_max = o->body_max != 0 ? o->body_max : REQUEST_BODY_BYTES_MAX;
    s->protocols[0] = (struct lws_protocols){.name = "http",
                                             .callback = on_http,
                                             .per_session_data_size = sizeof(struct exchange *),
                                             .user = s};
    for (size_t i = 0; i < o->endpoint_count; i++)
        s->protocols[1 + i] = *o->endpoints[i];
    if ((s->origins = calloc(SERVER_DESCRIPTORS_MAX, sizeof *s->origins)) == NULL)
        goto out;
    if ((e = make_vhost(s, o, why)) != SP_OK)
        goto out;
    *out = s;
    return SP_OK;
out:
    if (s != NULL)
        free(s->origins);
    free(s);
    return e;
}

void server_free(struct server *s)
{
    struct loop *loop;

    if (s == NULL)
        return;
    s->closing = true;
    loop = engine_loop(s->engine);
    while (s->handlers > 0)
        loop_turn(loop, true);
    /* A vhost lives as long as its connections, so those are ended first: each endpoint's callback
     * answers LWS_CALLBACK_USER with lws_set_timeout(…, LWS_TO_KILL_ASYNC). */
    lws_callback_all_protocol_vhost_args(s->vhost, NULL, LWS_CALLBACK_USER, NULL, 0);
    lws_cancel_service(engine_context(s->engine)); /* its timers run when it is called next */
    lws_vhost_destroy(s->vhost);
    for (sp_boot_ms until = clock_boot() + CLOSE_MS; !s->vhost_gone && clock_boot() < until;)
        loop_turn(loop, false);
    if (!s->vhost_gone) {
        log_event(LOG_ERROR, "http.stop", "connections did not end; their memory is left", NULL);
        return;
    }
    free(s->origins);
    free(s);
}

sp_error server_adopt(struct server *s, int fd, const char *peer, uint16_t port)
{
    if (s->closing || fd >= SERVER_DESCRIPTORS_MAX) {
        close(fd);
        return SP_ERR_LIMIT;
    }
    s->origins[fd] = (struct origin){.port = port};
    if (peer != NULL)
        memcpy(s->origins[fd].peer, peer, strnlen(peer, REQUEST_PEER_TEXT - 1));
    return lws_adopt_socket_vhost(s->vhost, fd) != NULL ? SP_OK : SP_ERR_IO;
}

struct server_counts server_counts(const struct server *s)
{
    return (struct server_counts){
        .requests = s->requests, .refused = s->refused, .handlers = s->handlers};
}
