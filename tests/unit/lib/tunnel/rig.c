#include "tests/unit/lib/tunnel/rig.h"

#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the ends ----------------------------------------------------------------------------- */

static void on_waiting(void *arg)
{
    ((struct rig *)arg)->spare_waits = true;
}

static void agent_up(void *arg, const struct tunnel_limits *limits, const struct json *said)
{
    struct rig *r = arg;

    (void)said;
    r->agent_up = true;
    r->said = *limits;
}

static void connector_up(void *arg, const struct tunnel_limits *limits, const struct json *said)
{
    (void)limits;
    (void)said;
    ((struct rig *)arg)->connector_up = true;
}

static void on_stream(void *arg, struct stream *s, unsigned port)
{
    struct rig *r = arg;

    check(port == 3);
    if (r->refuse_with != 0) {
        stream_refuse(s, r->refuse_with);
        stream_free(s);
        return;
    }
    r->at_connector.stream = s;
    stream_attach(s, &app_io, &r->at_connector);
    stream_accept(s);
    stream_writable(s);
}

static void nothing(void *arg)
{
    (void)arg;
}

static const struct core_hooks agent_hooks = {
    .waiting = nothing, .up = agent_up, .stream = on_stream, .output = nothing, .ponged = nothing};
static const struct core_hooks connector_hooks = {.waiting = on_waiting,
                                                  .up = connector_up,
                                                  .stream = on_stream,
                                                  .output = nothing,
                                                  .ponged = nothing};

void rig_init(struct rig *r, bool offer, bool accept_cut)
{
    static const char grant[] = "v4.public.a-grant-that-only-the-owners-read";

    *r = (struct rig){.offer = offer, .accept_cut = accept_cut};
    for (int i = 0; i < LINKS; i++)
        r->cut_at[i] = SIZE_MAX;
    check_ok(tunnel_thread_new(&r->thread));
    check_ok(key_secret_new(KEY_ED25519, &r->device));
    check_ok(key_secret_new(KEY_ED25519, &r->connector_key));
    check_ok(key_secret_new(KEY_ED25519, &r->stranger));
    check_ok(key_secret_new(KEY_P256, &r->relay_key));
    check_ok(tls_pin(key_secret_public(r->relay_key), r->pin));
    check_ok(tls_pinned_client("sallyport-tunnel/1", &r->outer_client));
    check_ok(tls_pinned_server(r->relay_key, "sallyport-tunnel/1", &r->outer_server));
    check_ok(tls_mutual_client(r->device, &r->agent_tls));
    check_ok(tls_mutual_server(r->connector_key, &r->connector_tls));
    r->session = (struct tunnel_session){.grant = view_str(grant),
                                         .app = {.bytes = {1, 2, 3}},
                                         .device = *key_secret_public(r->device),
                                         .connector = *key_secret_public(r->connector_key)};
    r->connector_session = r->session;
    r->at_agent = (struct app){.seed = 11, .expect = 99, .room = 1024 * 1024};
    r->at_connector = (struct app){.seed = 99, .expect = 11, .room = 1024 * 1024};
    wire_init(&r->agent_wire, r->thread);
    wire_init(&r->ra_wire, r->thread);
    wire_init(&r->rb_wire, r->thread);
    wire_init(&r->connector_wire, r->thread);
}

void rig_begin(struct rig *r)
{
    const struct upgrade_request by_grant = {.path = UPGRADE_TUNNEL,
                                             .host = view_str("relay.example"),
                                             .grant = r->session.grant,
                                             .cut_through = r->offer};
    const struct tunnel_agent_says says = {.device_sig = view_str("signature")};

    check_ok(core_begin(r->agent, &by_grant, &r->session, &says));
    sp_ignore(core_run(r->agent));
}

void rig_open(struct rig *r)
{
    rig_open_ahead(r);
    rig_begin(r);
}

void rig_open_ahead(struct rig *r)
{
    struct upgrade_request by_ticket = {.path = UPGRADE_TUNNEL,
                                        .host = view_str("relay.example"),
                                        .has_ticket = true,
                                        .ticket = {9},
                                        .cut_through = true};
    const struct tls_expect relay = {.name = "relay.example", .pin = r->pin};
    struct core_config c = {.agent = true,
                            .thread = r->thread,
                            .wire = &r->agent_wire,
                            .outer = r->outer_client,
                            .inner = r->agent_tls,
                            .expect = &relay,
                            .hooks = &agent_hooks,
                            .arg = r};

    check_ok(core_new(&c, &r->agent));
    c.agent = false;
    c.wire = &r->connector_wire;
    c.inner = r->connector_tls;
    c.ask = &by_ticket;
    c.hooks = &connector_hooks;
    check_ok(core_new(&c, &r->connector));
    check_ok(outer_server(&r->ra_wire, r->outer_server, &r->ra));
    check_ok(outer_server(&r->rb_wire, r->outer_server, &r->rb));
    sp_ignore(core_run(r->agent)); /* the hello */
    sp_ignore(core_run(r->connector));
}

void rig_stream(struct rig *r, size_t up, size_t down)
{
    r->at_agent.to_send = up;
    r->at_connector.to_send = down;
    check_ok(core_stream(r->agent, 3, &r->at_agent.stream));
    stream_attach(r->at_agent.stream, &app_io, &r->at_agent);
}

/* ---- the relay ---------------------------------------------------------------------------- */

static void relay_fail(struct rig *r)
{
    r->relay_broken = true;
    core_eof(r->agent, SP_OK);
    core_eof(r->connector, SP_OK);
}

static void relay_pair(struct rig *r)
{
    bool bare = r->accept_cut && outer_request(r->ra)->cut_through && outer_cut_through(r->rb);
    const struct tunnel_limits limits = {.deadline = 4711, .idle_ms = 60000};

    if (core_serve(r->connector, &r->connector_session, &limits, bare) != SP_OK ||
        outer_accept(r->ra, bare) != SP_OK) {
        relay_fail(r);
        return;
    }
    forward_init(&r->up, r->ra, &r->ra_wire, r->rb, &r->rb_wire, bare);
    forward_init(&r->down, r->rb, &r->rb_wire, r->ra, &r->ra_wire, bare);
    r->paired = true;
    sp_ignore(core_run(r->connector));
}

static void relay_run(struct rig *r)
{
    sp_error e;

    if (r->relay_broken)
        return;
    if (r->paired) {
        if (forward_run(&r->up) != SP_OK || forward_run(&r->down) != SP_OK)
            relay_fail(r);
        return;
    }
    if (outer_state(r->rb) != OUTER_OPEN && (e = outer_advance(r->rb)) != SP_ERR_AGAIN) {
        if (e != SP_OK || outer_accept(r->rb, r->accept_cut) != SP_OK)
            relay_fail(r);
    }
    if (outer_state(r->ra) != OUTER_ASKED && (e = outer_advance(r->ra)) != SP_OK &&
        e != SP_ERR_AGAIN)
        relay_fail(r);
    if (r->spare_waits && !r->relay_broken && outer_state(r->ra) == OUTER_ASKED)
        relay_pair(r);
}

/* ---- moving bytes ------------------------------------------------------------------------- */

static void run_owner(struct rig *r, int link)
{
    switch (link) {
    case LINK_A_DOWN:
        sp_ignore(core_run(r->agent));
        break;
    case LINK_B_DOWN:
        sp_ignore(core_run(r->connector));
        break;
    default:
        relay_run(r);
        break;
    }
}

static bool move(struct rig *r, int link, struct wire *from, struct wire *to)
{
    static uint8_t piece[TUNNEL_READ_BYTES + 4096];
    struct view out = wire_out(from);
    size_t n = r->piece != 0 && out.len > r->piece ? r->piece : out.len;

    /* A receiver that waits for its other side does not read: back-pressure as on a socket. */
    if (n == 0 || wire_waiting(to) > TLS_RECORD_MAX)
        return false;
    if (n > TUNNEL_READ_BYTES)
        n = TUNNEL_READ_BYTES;
    if (!r->cut_done[link] && r->moved[link] + n > r->cut_at[link]) {
        n = r->cut_at[link] - r->moved[link];
        r->cut_done[link] = true;
        if (n == 0)
            return true;
    }
    memcpy(piece, out.at, n);
    wire_sent(from, n);
    size_t len = n;
    if (r->spoil != NULL)
        r->spoil(r, link, piece, &len, r->moved[link]);
    r->moved[link] += n;
    wire_feed(to, (struct view){piece, len});
    run_owner(r, link);
    check_ok(wire_keep(to));
    return true;
}

bool rig_turn(struct rig *r)
{
    bool moved = false;

    sp_ignore(core_flush(r->agent));
    sp_ignore(core_flush(r->connector));
    moved |= move(r, LINK_A_UP, &r->agent_wire, &r->ra_wire);
    moved |= move(r, LINK_B_UP, &r->connector_wire, &r->rb_wire);
    relay_run(r);
    moved |= move(r, LINK_A_DOWN, &r->ra_wire, &r->agent_wire);
    moved |= move(r, LINK_B_DOWN, &r->rb_wire, &r->connector_wire);
    relay_run(r);
    return moved;
}

void rig_settle(struct rig *r)
{
    for (int idle = 0; idle < 2;)
        idle = rig_turn(r) ? 0 : idle + 1;
}

bool rig_bare(const struct rig *r)
{
    struct tunnel_figures a = core_figures(r->agent), c = core_figures(r->connector);

    return a.bare_up && a.bare_down && c.bare_up && c.bare_down;
}

void rig_deinit(struct rig *r)
{
    core_free(r->agent);
    core_free(r->connector);
    stream_free(r->at_agent.stream);
    stream_free(r->at_connector.stream);
    outer_free(r->ra);
    outer_free(r->rb);
    wire_deinit(&r->agent_wire);
    wire_deinit(&r->ra_wire);
    wire_deinit(&r->rb_wire);
    wire_deinit(&r->connector_wire);
    check(r->thread->live == 0); /* no block is lost */
    tls_context_free(r->outer_client);
    tls_context_free(r->outer_server);
    tls_context_free(r->agent_tls);
    tls_context_free(r->connector_tls);
    key_secret_free(r->device);
    key_secret_free(r->connector_key);
    key_secret_free(r->relay_key);
    key_secret_free(r->stranger);
    tunnel_thread_free(r->thread);
}
