#include "tests/unit/connector/fake_relay.h"

#include "lib/base/encode.h"
#include "lib/crypto/random.h"
#include "lib/os/sock.h"
#include "lib/proto/relay.h"
#include "lib/proto/session.h"
#include "lib/tls/hello.h"
#include "lib/tunnel/drive.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the standing channel ----------------------------------------------------------------- */

static void on_proven(void *arg, struct over *o, const struct channel_peer *peer)
{
    struct fake_relay *r = arg;
    const struct opening_welcome w = {.id = r->scene->id, .state = view_str("approved")};

    check(peer->kind == PROVE_CONNECTOR);
    check(key_equal(&peer->key, key_secret_public(r->scene->own)));
    check(peer->stand[0] != '\0');
    over_welcome(o, &w);
}

static void on_stand(void *arg, struct over *o, struct channel *c, const struct opening_welcome *w)
{
    struct fake_relay *r = arg;

    (void)o;
    (void)w;
    r->channel = c;
    r->stood++;
}

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct fake_relay *r = arg;
    struct session_cut cut;

    (void)c;
    if (strcmp(m->type, "cut") != 0)
        return;
    check_ok(fields_read(m->members, session_cut_fields, NULL, &cut));
    snprintf(r->cut_why, sizeof r->cut_why, "%.*s", VIEW_ARG(cut.why));
    r->cut_session = cut.session;
    r->cuts++;
}

static void on_over_ended(void *arg, const struct over_report *report)
{
    struct fake_relay *r = arg;

    (void)report;
    r->channel = NULL;
    over_free(r->over);
    r->over = NULL;
}

static const struct over_events over_events = {
    .proven = on_proven, .opened = on_stand, .message = on_message, .ended = on_over_ended};

void fake_relay_lose(struct fake_relay *r)
{
    over_free(r->over);
    r->over = NULL;
    r->channel = NULL;
}

void fake_relay_cut(struct fake_relay *r, struct sp_id session, const char *why)
{
    const struct session_cut m = {.session = session, .why = view_str(why)};

    check_ok(channel_send(r->channel, "cut", fields_write(session_cut_fields, &m)));
}

/* ---- pairs -------------------------------------------------------------------------------- */

static void end_pair(struct fake_pair *p, unsigned close, const char *code)
{
    struct leg *const legs[] = {p->agent, p->spare};

    if (!p->live)
        return;
    p->live = false;
    for (int i = 0; i < 2; i++) {
        leg_raw(legs[i], NULL, NULL);
        leg_close(legs[i], close, code);
    }
}

static void move(struct fake_pair *p, bool up)
{
    struct forward *f = up ? &p->up : &p->down;
    struct leg *from = up ? p->agent : p->spare, *to = up ? p->spare : p->agent;

    if (!p->live)
        return;
    if (forward_run(f) != SP_OK) {
        const struct outer_end *o = outer_end(leg_outer(from));
        end_pair(p, o->close == 0 ? CLOSE_PROTOCOL : o->close, o->code);
        return;
    }
    drive_output(leg_drive(to));
    drive_reading(leg_drive(from), !forward_blocked(f));
}

static void agent_fed(void *arg)
{
    move(arg, true);
}
static void spare_fed(void *arg)
{
    move(arg, false);
}
static const struct leg_raw agent_bytes = {.fed = agent_fed, .drained = spare_fed};
static const struct leg_raw spare_bytes = {.fed = spare_fed, .drained = agent_fed};

static void pair_leg_ended(void *arg, const struct leg_report *report)
{
    struct fake_pair *p = arg;

    end_pair(p, report->close != 0 ? report->close : CLOSE_GONE, report->code);
}

static void pair_opened(void *arg, bool cut_through)
{
    struct fake_pair *p = arg;

    check(!cut_through);
    forward_init(&p->up, leg_outer(p->agent), &leg_drive(p->agent)->wire, leg_outer(p->spare),
                 &leg_drive(p->spare)->wire, false);
    forward_init(&p->down, leg_outer(p->spare), &leg_drive(p->spare)->wire, leg_outer(p->agent),
                 &leg_drive(p->agent)->wire, false);
    p->live = true;
    leg_raw(p->agent, &agent_bytes, p);
    leg_raw(p->spare, &spare_bytes, p);
    move(p, false);
}

static const struct leg_events agent_leg_events = {.opened = pair_opened, .ended = pair_leg_ended};
static const struct leg_events spare_leg_events = {.ended = pair_leg_ended};

static void on_open_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct fake_agent *a = arg;
    struct relay_open_answer answer;

    a->answered = true;
    if (e != SP_OK) {
        snprintf(a->refused, sizeof a->refused, "%s", sp_error_code(e));
        return;
    }
    check_ok(fields_read(m->members, relay_open_answer_fields, NULL, &answer));
    if (answer.verdict == OPEN_TAKE)
        leg_accept(a->pair.agent, false);
    else
        snprintf(a->refused, sizeof a->refused, "%.*s", VIEW_ARG(answer.code));
}

static struct fake_leg *waiting_spare(struct fake_relay *r)
{
    for (int i = 0; i < FAKE_LEGS; i++)
        if (r->legs[i].leg != NULL && r->legs[i].spare && r->legs[i].opened)
            return &r->legs[i];
    return NULL;
}

/* The agent's grant goes down with a waiting spare. */
static void order(struct fake_relay *r, struct fake_agent *a, struct view grant)
{
    struct fake_leg *spare = waiting_spare(r);
    struct relay_open m = {.grant = grant, .mode = OPEN_FRAMES};
    struct call *call;

    check(spare != NULL);
    m.ticket = spare->ticket;
    a->pair.spare = spare->leg;
    leg_events_set(spare->leg, &spare_leg_events, &a->pair);
    *spare = (struct fake_leg){0};
    const struct call_ask ask = {"open", fields_write(relay_open_fields, &m), 5000};
    check_ok(channel_call(r->channel, &ask, on_open_answer, a, &call));
}

/* ---- arrivals ----------------------------------------------------------------------------- */

static void leg_asked(void *arg, const struct upgrade_request *request)
{
    struct fake_leg *f = arg;
    struct fake_relay *r = f->relay;
    struct leg *leg = f->leg;

    if (request->has_nonce) {
        const struct over_serve_spec spec = {.loop = r->scene->loop,
                                             .request = request,
                                             .server = &r->server,
                                             .address = "127.0.0.1",
                                             .events = &over_events,
                                             .arg = r};
        *f = (struct fake_leg){0};
        check(r->over == NULL);
        check_ok(over_serve(&spec, leg, &r->over));
    } else if (request->has_ticket) {
        f->spare = true;
        memcpy(f->ticket.bytes, request->ticket, sizeof f->ticket.bytes);
        leg_accept(leg, false);
    } else {
        struct fake_agent *a = r->arriving;
        *f = (struct fake_leg){0};
        r->arriving = NULL;
        a->pair = (struct fake_pair){.relay = r, .agent = leg};
        leg_events_set(leg, &agent_leg_events, &a->pair);
        order(r, a, request->grant);
    }
}

static void leg_opened(void *arg, bool cut_through)
{
    (void)cut_through;
    ((struct fake_leg *)arg)->opened = true;
}

static void leg_ended(void *arg, const struct leg_report *report)
{
    struct fake_leg *f = arg;

    (void)report;
    leg_free(f->leg);
    *f = (struct fake_leg){0};
}

static const struct leg_events leg_events = {
    .asked = leg_asked, .opened = leg_opened, .ended = leg_ended};

static void on_connection(void *arg, unsigned events)
{
    struct fake_relay *r = arg;
    struct fake_leg *f = r->legs;
    int fd;

    (void)events;
    if (sock_accept(r->listener, &fd, NULL) != SP_OK)
        return;
    while (f < r->legs + FAKE_LEGS && f->leg != NULL)
        f++;
    check(f < r->legs + FAKE_LEGS);
    *f = (struct fake_leg){.relay = r};
    const struct leg_config c = {.loop = r->scene->loop,
                                 .thread = r->thread,
                                 .tls = r->tls,
                                 .events = &leg_events,
                                 .arg = f};
    check_ok(leg_server(&c, fd, &f->leg));
}

/* ---- agents ------------------------------------------------------------------------------- */

static void agent_up(void *arg, const struct tunnel_limits *limits, const struct json *said)
{
    (void)limits;
    (void)said;
    ((struct fake_agent *)arg)->up = true;
}

static void agent_ended(void *arg, const struct tunnel_report *report)
{
    struct fake_agent *a = arg;

    a->ended = true;
    a->report = *report;
    tunnel_end_free(a->end);
    a->end = NULL;
}

static const struct tunnel_end_events agent_events = {.up = agent_up, .ended = agent_ended};

struct grant fake_relay_grant(const struct fake_relay *r, struct sp_id app)
{
    sp_unix_ms now = clock_unix();

    return (struct grant){.id = random_id(),
                          .session = random_id(),
                          .app = app,
                          .user = random_id(),
                          .device = *key_secret_public(r->scene->device),
                          .connector = *key_secret_public(r->scene->own),
                          .relay = r->id,
                          .relay_boot = r->boot,
                          .issued = now,
                          .open_until = now + 30 * 1000,
                          .deadline = now + 3600 * 1000,
                          .policy_version = 1};
}

static int connect_to(uint16_t port)
{
    struct address a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    check_ok(address_from_host(view_str("127.0.0.1"), port, &a));
    assert_int_equal(connect(fd, (const struct sockaddr *)&a.at, a.len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

struct fake_agent *fake_relay_ask(struct fake_relay *r, int n, const struct grant *g,
                                  const struct key_secret *signer)
{
    struct fake_agent *a = &r->agents[n];
    struct buf token;

    check(a->inner == NULL);
    check_ok(tls_mutual_client(r->scene->device, &a->inner));
    buf_init(&token, GRANT_MAX);
    check_ok(grant_mint(g, signer, &token));
    r->arriving = a;
    const struct tunnel_end_config c = {.loop = r->scene->loop,
                                        .thread = r->thread,
                                        .outer = r->outer,
                                        .inner = a->inner,
                                        .host = "relay.test",
                                        .pin = r->pin,
                                        .events = &agent_events,
                                        .arg = a};
    const struct tunnel_session session = {
        .grant = buf_view(&token), .app = g->app, .device = g->device, .connector = g->connector};
    const struct tunnel_agent_says says = {.device_sig = view_str("signature")};
    check_ok(tunnel_end_agent(&c, connect_to(r->port), &a->end));
    check_ok(tunnel_end_begin(a->end, c.host, false, &session, &says));
    buf_deinit(&token);
    scene_until(r->scene, a->answered);
    return a;
}

void fake_relay_stream(struct fake_agent *a, size_t bytes)
{
    a->app = (struct app){.seed = 11, .expect = 99, .room = 1024 * 1024, .to_send = bytes};
    check_ok(tunnel_end_stream(a->end, 0, &a->app.stream));
    stream_attach(a->app.stream, &app_io, &a->app);
}

/* ---- life --------------------------------------------------------------------------------- */

void fake_relay_stand(const struct fake_relay *r, struct fake_stand *out)
{
    const struct stand s = {.connector = r->scene->id,
                            .site = r->scene->site,
                            .relay = r->id,
                            .key = *key_secret_public(r->scene->own),
                            .generation = 1,
                            .issued = clock_unix(),
                            .until = clock_unix() + 60 * 1000};
    struct buf token, key;

    buf_init(&token, STAND_MAX);
    buf_init(&key, sizeof out->key - 1);
    check_ok(stand_mint(&s, r->scene->record_key, &token));
    encode_base64url((struct view){r->pin, sizeof r->pin}, &key);
    snprintf(out->statement, sizeof out->statement, "%.*s", VIEW_ARG(buf_view(&token)));
    snprintf(out->key, sizeof out->key, "%.*s", VIEW_ARG(buf_view(&key)));
    snprintf(out->address, sizeof out->address, "127.0.0.1:%u", r->port);
    out->put = (struct stand_put){.statement = view_str(out->statement),
                                  .relay = r->id,
                                  .name = view_str("fake"),
                                  .addresses = {view_str(out->address)},
                                  .address_count = 1,
                                  .key = view_str(out->key)};
    buf_deinit(&token);
    buf_deinit(&key);
}

unsigned fake_relay_waiting(const struct fake_relay *r)
{
    unsigned n = 0;

    for (int i = 0; i < FAKE_LEGS; i++)
        n += r->legs[i].leg != NULL && r->legs[i].spare && r->legs[i].opened;
    return n;
}

void fake_relay_spares(struct fake_relay *r, unsigned n)
{
    unsigned before = fake_relay_waiting(r);
    struct ticket t = {.ticket_count = n, .until = clock_unix() + 60 * 1000};

    for (unsigned i = 0; i < n; i++)
        t.tickets[i] = random_id();
    check_ok(channel_send(r->channel, "ticket", fields_write(ticket_fields, &t)));
    scene_until(r->scene, fake_relay_waiting(r) == before + n);
}

void fake_relay_init(struct fake_relay *r, struct scene *s)
{
    *r = (struct fake_relay){.scene = s, .id = random_id(), .boot = random_id()};
    check_ok(tunnel_thread_new(&r->thread));
    check_ok(key_secret_new(KEY_P256, &r->key));
    check_ok(tls_pinned_server(r->key, HELLO_TUNNEL_ALPN, &r->tls));
    check_ok(tls_pinned_client(HELLO_TUNNEL_ALPN, &r->outer));
    check_ok(tls_pin(key_secret_public(r->key), r->pin));
    r->server.key = r->key;
    r->port = scene_listen(&r->listener);
    check_ok(watch_start(s->loop, r->listener, WATCH_READ, on_connection, r, &r->watch));
}

void fake_relay_deinit(struct fake_relay *r)
{
    for (int i = 0; i < FAKE_AGENTS; i++) {
        struct fake_agent *a = &r->agents[i];
        tunnel_end_free(a->end);
        stream_free(a->app.stream);
        tls_context_free(a->inner);
        leg_free(a->pair.agent);
        leg_free(a->pair.spare);
    }
    for (int i = 0; i < FAKE_LEGS; i++)
        leg_free(r->legs[i].leg);
    over_free(r->over);
    watch_stop(r->watch);
    close(r->listener);
    tls_context_free(r->tls);
    tls_context_free(r->outer);
    key_secret_free(r->key);
    tunnel_thread_free(r->thread);
}
