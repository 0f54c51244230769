#include "tests/unit/relay/rig.h"

#include "lib/base/json.h"
#include "lib/crypto/random.h"
#include "lib/os/fdpass.h"
#include "lib/os/sock.h"
#include "lib/proto/session.h"
#include "lib/tls/hello.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The relay's own is in control.c, which needs a broker. */
sp_unix_ms relay_now(const struct relay *r)
{
    (void)r;
    return clock_unix();
}

static void set_clock(const struct rig *r)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    clock_set_for_test(-1, t.tv_sec * 1000 + t.tv_nsec / 1000000 + r->ahead);
}

/* The loop looks at its timers when one is due. */
static void on_kick(void *arg)
{
    struct rig *r = arg;

    r->kick = NULL; /* no longer pending */
}

void rig_later(struct rig *r, int64_t ms)
{
    timer_cancel(r->kick);
    r->kick = NULL;
    r->ahead += ms;
    set_clock(r);
    check_ok(timer_start(r->loop, 0, on_kick, r, &r->kick));
}

void rig_turn(struct rig *r)
{
    if (r->ahead > 0)
        set_clock(r);
    loop_turn(r->loop, usleep(100) != 0); /* not waiting: the test's own condition may hold now */
}

void rig_for(struct rig *r, int64_t ms)
{
    sp_boot_ms until = clock_boot() + ms;

    while (clock_boot() < until)
        rig_turn(r);
}

/* ---- sockets ------------------------------------------------------------------------------ */

static void tcp_pair(int fds[2])
{
    struct address a;
    int listener;

    check_ok(address_parse(view_str("127.0.0.1:0"), &a));
    check_ok(sock_listen(&a, NULL, &listener));
    check_ok(sock_local(listener, &a));
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&a.at, a.len), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    fds[1] = -1;
    while (sock_accept(listener, &fds[1], NULL) == SP_ERR_AGAIN)
        usleep(100);
    check(fds[1] >= 0);
    close(listener);
}

int rig_connect(struct rig *r)
{
    int fds[2];

    tcp_pair(fds);
    check_ok(fdpass_send(r->front_relay, view_str("socket 198.18.0.7:4711"), fds[1]));
    close(fds[1]);
    return fds[0];
}

/* ---- a connector -------------------------------------------------------------------------- */

static void serve(struct rig_spare *s)
{
    const struct tunnel_session session = {.grant = view_str(s->token),
                                           .app = s->grant.app,
                                           .device = s->grant.device,
                                           .connector = s->grant.connector};
    const struct tunnel_limits limits = {.deadline = s->grant.deadline};

    s->served = true;
    check_ok(tunnel_end_serve(s->end, &session, &limits, s->bare));
}

static void spare_waiting(void *arg)
{
    struct rig_spare *s = arg;

    s->waiting = true;
    if (s->ordered)
        serve(s);
}

static void spare_up(void *arg, const struct tunnel_limits *limits, const struct json *said)
{
    (void)limits;
    (void)said;
    ((struct rig_spare *)arg)->up = true;
}

static void spare_stream(void *arg, struct stream *stream, unsigned port)
{
    struct rig_spare *s = arg;

    (void)port;
    s->app = (struct app){.stream = stream,
                          .seed = 99,
                          .expect = 11,
                          .room = 1024 * 1024,
                          .to_send = s->of->to_send,
                          .stalled = s->of->stalled};
    stream_attach(stream, &app_io, &s->app);
    stream_accept(stream);
}

static void spare_ended(void *arg, const struct tunnel_report *report)
{
    struct rig_spare *s = arg;

    s->ended = true;
    s->waiting = false;
    s->up = false;
    s->report = *report;
    tunnel_end_free(s->end);
    s->end = NULL;
}

static const struct tunnel_end_events spare_events = {
    .waiting = spare_waiting, .up = spare_up, .stream = spare_stream, .ended = spare_ended};

static struct rig_spare *dial_spare(struct rig_connector *c, struct sp_id ticket)
{
    struct rig_spare *s = calloc(1, sizeof *s);

    assert_non_null(s);
    *s = (struct rig_spare){.of = c, .next = c->spares, .ticket = ticket};
    c->spares = s;
    const struct tunnel_end_config config = {.loop = c->rig->loop,
                                             .thread = c->rig->relay.thread,
                                             .outer = c->rig->outer,
                                             .inner = c->inner,
                                             .host = "relay.test",
                                             .pin = c->rig->pin,
                                             .cut_through = true,
                                             .events = &spare_events,
                                             .arg = s};
    check_ok(tunnel_end_spare(&config, rig_connect(c->rig), ticket.bytes, &s->end));
    return s;
}

static void take_open(struct rig_connector *c, const struct relay_open *o)
{
    const struct grant_reader me = {.kind = GRANT_CONNECTOR, .key = *key_secret_public(c->key)};
    struct rig_spare *s = c->spares;

    while (s != NULL && !id_equal(s->ticket, o->ticket))
        s = s->next;
    if (s == NULL)
        s = dial_spare(c, o->ticket);
    s->ordered = true;
    s->bare = o->mode == OPEN_CUT;
    check_ok(
        grant_verify(o->grant, key_secret_public(c->rig->grant_key), &me, clock_unix(), &s->grant));
    memcpy(s->token, o->grant.at, o->grant.len);
    if (s->waiting)
        serve(s);
}

static void on_open(struct rig_connector *c, struct channel *ch, const struct envelope *m)
{
    struct relay_open_answer a = {.verdict = OPEN_TAKE};
    struct relay_open o;

    c->opens++;
    check_ok(fields_read(m->members, relay_open_fields, NULL, &o));
    if (c->silent)
        return;
    if (c->refuse != NULL)
        a = (struct relay_open_answer){.verdict = OPEN_REFUSE, .code = view_str(c->refuse)};
    check_ok(channel_answer(ch, m->i, fields_write(relay_open_answer_fields, &a)));
    if (c->refuse == NULL)
        take_open(c, &o);
}

static void on_ticket(struct rig_connector *c, const struct envelope *m)
{
    struct ticket t;

    check_ok(fields_read(m->members, ticket_fields, NULL, &t));
    c->tickets += (unsigned)t.ticket_count;
    for (size_t i = 0; i < t.ticket_count && !c->dials_no_spares; i++)
        dial_spare(c, t.tickets[i]);
}

static void on_message(void *arg, struct channel *ch, const struct envelope *m)
{
    struct rig_connector *c = arg;
    struct session_cut cut;

    if (strcmp(m->type, "open") == 0)
        on_open(c, ch, m);
    else if (strcmp(m->type, "ticket") == 0)
        on_ticket(c, m);
    else if (strcmp(m->type, "drain") == 0)
        c->drains++;
    else if (strcmp(m->type, "cut") == 0) {
        check_ok(fields_read(m->members, session_cut_fields, NULL, &cut));
        snprintf(c->cut_why, sizeof c->cut_why, "%.*s", VIEW_ARG(cut.why));
        c->cuts++;
    }
}

static void on_opened(void *arg, struct over *o, struct channel *ch,
                      const struct opening_welcome *w)
{
    struct rig_connector *c = arg;

    (void)o;
    check(id_equal(w->id, c->id));
    c->channel = ch;
    c->opened++;
}

static void on_over_ended(void *arg, const struct over_report *report)
{
    struct rig_connector *c = arg;

    c->ended++;
    c->report = *report;
    c->channel = NULL;
    over_free(c->over);
    c->over = NULL;
}

static const struct over_events over_events = {
    .opened = on_opened, .message = on_message, .ended = on_over_ended};

static void dial_stand(struct rig_connector *c)
{
    const struct tls_expect expect = {.name = "relay.test", .pin = c->rig->pin};
    const struct over_dial_spec spec = {.loop = c->rig->loop,
                                        .thread = c->rig->relay.thread,
                                        .tls = c->rig->outer,
                                        .host = "relay.test",
                                        .expect = &expect,
                                        .edge = &c->edge,
                                        .events = &over_events,
                                        .arg = c};

    c->edge = (struct opening_edge_config){.kind = PROVE_CONNECTOR,
                                           .key = c->key,
                                           .id = c->id,
                                           .pin = key_secret_public(c->rig->state.key),
                                           .software = "rig",
                                           .stand = view_str(c->statement)};
    check_ok(over_dial(&spec, rig_connect(c->rig), &c->over));
}

struct rig_connector *rig_stand(struct rig *r, int n, unsigned waits)
{
    struct rig_connector *c = &r->connectors[n];
    unsigned before = c->opened, ended = c->ended;

    if (c->key == NULL) {
        const struct rig_connector asked = *c;
        *c = (struct rig_connector){.rig = r,
                                    .id = random_id(),
                                    .dials_no_spares = asked.dials_no_spares,
                                    .refuse = asked.refuse};
        check_ok(key_secret_new(KEY_ED25519, &c->key));
        check_ok(tls_mutual_server(c->key, &c->inner));
    }
    if (c->statement[0] == '\0') {
        const struct stand s = {.connector = c->id,
                                .site = random_id(),
                                .relay = r->state.id,
                                .key = *key_secret_public(c->key),
                                .generation = 1,
                                .issued = clock_unix(),
                                .until = clock_unix() + 60 * 1000};
        struct buf token;
        buf_init(&token, STAND_MAX);
        check_ok(stand_mint(&s, r->record_key, &token));
        memcpy(c->statement, token.at, token.len);
        c->statement[token.len] = '\0';
        buf_deinit(&token);
    }
    dial_stand(c);
    rig_until(r, c->opened > before || c->ended > ended);
    if (c->opened > before)
        rig_until(r, rig_waiting(c) >= waits && stands_spares(r->relay.stands) >= waits);
    return c;
}

unsigned rig_waiting(const struct rig_connector *c)
{
    unsigned n = 0;

    for (const struct rig_spare *s = c->spares; s != NULL; s = s->next)
        n += s->waiting && !s->ordered;
    return n;
}

struct rig_spare *rig_serving(const struct rig_connector *c)
{
    struct rig_spare *s = c->spares;

    while (s != NULL && !s->up)
        s = s->next;
    return s;
}

static void connector_free(struct rig_connector *c)
{
    over_free(c->over);
    while (c->spares != NULL) {
        struct rig_spare *s = c->spares;
        c->spares = s->next;
        tunnel_end_free(s->end);
        stream_free(s->app.stream);
        free(s);
    }
    tls_context_free(c->inner);
    key_secret_free(c->key);
}

/* ---- an agent ----------------------------------------------------------------------------- */

static void agent_up(void *arg, const struct tunnel_limits *limits, const struct json *said)
{
    (void)limits;
    (void)said;
    ((struct rig_agent *)arg)->up = true;
}

static void agent_ended(void *arg, const struct tunnel_report *report)
{
    struct rig_agent *a = arg;

    a->ended = true;
    a->report = *report;
    tunnel_end_free(a->end);
    a->end = NULL;
}

static const struct tunnel_end_events agent_events = {.up = agent_up, .ended = agent_ended};

struct grant rig_grant(struct rig *r, const struct rig_connector *c)
{
    sp_unix_ms now = clock_unix();

    return (struct grant){.id = random_id(),
                          .session = random_id(),
                          .app = random_id(),
                          .user = random_id(),
                          .device = *key_secret_public(r->device),
                          .connector = *key_secret_public(c->key),
                          .relay = r->state.id,
                          .relay_boot = r->state.boot,
                          .issued = now,
                          .open_until = now + 30 * 1000,
                          .deadline = now + 3600 * 1000};
}

void rig_mint(const struct rig *r, const struct grant *g, const struct key_secret *k, char *out)
{
    struct buf token;

    (void)r;
    buf_init(&token, GRANT_MAX);
    check_ok(grant_mint(g, k, &token));
    memcpy(out, token.at, token.len);
    out[token.len] = '\0';
    buf_deinit(&token);
}

struct rig_agent *rig_ask(struct rig *r, int n, const struct grant *g, const char *token)
{
    struct rig_agent *a = &r->agents[n];

    if (a->inner == NULL)
        check_ok(tls_mutual_client(r->device, &a->inner));
    tunnel_end_free(a->end);
    *a = (struct rig_agent){.rig = r, .inner = a->inner};
    const struct tunnel_end_config config = {.loop = r->loop,
                                             .thread = r->relay.thread,
                                             .outer = r->outer,
                                             .inner = a->inner,
                                             .host = "relay.test",
                                             .pin = r->pin,
                                             .events = &agent_events,
                                             .arg = a};
    const struct tunnel_session session = {
        .grant = view_str(token), .app = g->app, .device = g->device, .connector = g->connector};
    const struct tunnel_agent_says says = {.device_sig = view_str("signature")};
    check_ok(tunnel_end_agent(&config, rig_connect(r), &a->end));
    check_ok(tunnel_end_begin(a->end, config.host, true, &session, &says));
    return a;
}

struct rig_agent *rig_ask_fresh(struct rig *r, int n, const struct rig_connector *c,
                                struct grant *out)
{
    char token[GRANT_MAX + 1];

    *out = rig_grant(r, c);
    rig_mint(r, out, r->grant_key, token);
    return rig_ask(r, n, out, token);
}

void rig_stream(struct rig_agent *a, size_t bytes)
{
    a->app = (struct app){.seed = 11, .expect = 99, .room = 1024 * 1024, .to_send = bytes};
    check_ok(tunnel_end_stream(a->end, 0, &a->app.stream));
    stream_attach(a->app.stream, &app_io, &a->app);
}

/* ---- a broker ----------------------------------------------------------------------------- */

static sp_error broker_send(void *arg, struct view text)
{
    struct rig *r = arg;

    buf_add(&r->told, text);
    buf_add_byte(&r->told, '\n');
    return buf_error(&r->told);
}

static void broker_close(void *arg, enum channel_close code, const char *reason)
{
    (void)arg;
    (void)code;
    (void)reason;
}

static void broker_message(void *arg, struct channel *c, const struct envelope *m)
{
    (void)arg;
    (void)c;
    (void)m;
}

void rig_attach(struct rig *r)
{
    const struct channel_options o = {.loop = r->loop,
                                      .wire = {broker_send, broker_close, r},
                                      .sent = 1,
                                      .received = 1,
                                      .message = broker_message,
                                      .arg = r};

    channel_free(r->broker);
    buf_reset(&r->told);
    check_ok(channel_new(&o, &r->broker));
    report_attach(r->relay.report, r->broker);
}

/* A message of the type that holds the words. */
bool rig_told(const struct rig *r, const char *type, const char *words)
{
    char tag[64];
    const uint8_t *at = r->told.at, *end = at + r->told.len;

    snprintf(tag, sizeof tag, "\"t\":\"%s\"", type);
    while (at < end) {
        const uint8_t *line = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)(line - at);
        if (memmem(at, n, tag, strlen(tag)) != NULL && memmem(at, n, words, strlen(words)) != NULL)
            return true;
        at = line + 1;
    }
    return false;
}

/* ---- the relay ---------------------------------------------------------------------------- */

static void on_enrol(struct relay *relay, struct view line)
{
    struct rig *r = (struct rig *)(void *)((char *)relay - offsetof(struct rig, relay));

    check(line.len > 0);
    r->enrol_lines++;
}

static void make_keys(struct rig *r)
{
    struct keyset *s = &r->relay.keys;
    sp_unix_ms now = clock_unix();

    check_ok(key_secret_new(KEY_ED25519, &r->grant_key));
    check_ok(key_secret_new(KEY_ED25519, &r->record_key));
    check_ok(key_secret_new(KEY_ED25519, &r->device));
    check_ok(key_secret_new(KEY_ED25519, &r->stranger));
    check_ok(key_secret_new(KEY_P256, &r->state.key));
    *s = (struct keyset){.epoch = 1, .issued = now, .count = 2};
    s->keys[0] = (struct keyset_key){KEYSET_GRANT, *key_secret_public(r->grant_key), now - 1000,
                                     now + 3600 * 1000};
    s->keys[1] = (struct keyset_key){KEYSET_RECORD, *key_secret_public(r->record_key), now - 1000,
                                     now + 3600 * 1000};
    r->state.id = random_id();
    r->state.boot = random_id();
}

void rig_init(struct rig *r, int cut_through)
{
    struct sp_why why = {0};

    *r = (struct rig){.folder = "/tmp/sp-relay-XXXXXX"};
    signal(SIGPIPE, SIG_IGN); /* as service_start() of every program */
    assert_non_null(mkdtemp(r->folder));
    snprintf(r->front, sizeof r->front, "%s/front", r->folder);
    buf_init(&r->told, 4 * 1024 * 1024);
    make_keys(r);
    r->config = (struct relay_config){.front_socket = r->front, .cut_through = cut_through};
    r->relay.config = &r->config;
    r->relay.state = &r->state;
    check_ok(loop_new(&r->loop));
    r->relay.loop = r->loop;
    check_ok(tunnel_thread_new(&r->relay.thread));
    check_ok(tls_pinned_server(r->state.key, HELLO_TUNNEL_ALPN, &r->relay.tls));
    check_ok(tls_pinned_client(HELLO_TUNNEL_ALPN, &r->outer));
    check_ok(tls_pin(key_secret_public(r->state.key), r->pin));
    check_ok(sock_listen_unix(r->front, SOCK_SEQPACKET, &r->front_listener));
    check_ok(pairs_new(&r->relay, &r->relay.pairs));
    check_ok(stands_new(&r->relay, &r->relay.stands));
    check_ok(report_new(&r->relay, &r->relay.report));
    check_ok(accepts_new(&r->relay, on_enrol, &why, &r->relay.accepts));
    check_ok(sock_accept(r->front_listener, &r->front_relay, NULL));
}

void rig_deinit(struct rig *r)
{
    for (int i = 0; i < RIG_AGENTS; i++) {
        tunnel_end_free(r->agents[i].end);
        stream_free(r->agents[i].app.stream);
        tls_context_free(r->agents[i].inner);
    }
    for (int i = 0; i < RIG_CONNECTORS; i++)
        connector_free(&r->connectors[i]);
    accepts_free(r->relay.accepts);
    pairs_free(r->relay.pairs);
    stands_free(r->relay.stands);
    orphans_free(&r->relay);
    report_free(r->relay.report);
    channel_free(r->broker);
    buf_deinit(&r->told);
    tls_context_free(r->relay.tls);
    tls_context_free(r->outer);
    tunnel_thread_free(r->relay.thread);
    timer_cancel(r->kick);
    loop_free(r->loop);
    close(r->front_listener);
    close(r->front_relay);
    key_secret_free(r->grant_key);
    key_secret_free(r->record_key);
    key_secret_free(r->device);
    key_secret_free(r->stranger);
    key_secret_free(r->state.key);
    unlink(r->front);
    rmdir(r->folder);
    clock_set_for_test(-1, -1);
}
