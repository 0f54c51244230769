#include "relay/pair.h"

#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/trust/grant.h"
#include "lib/trust/once.h"
#include "lib/tunnel/drive.h"
#include "lib/tunnel/forward.h"
#include "relay/orphan.h"
#include "relay/report.h"
#include "relay/splice.h"
#include "relay/stand.h"

#include <stdlib.h>

enum { REFUSED_MAX = 1024, REFUSED_MS = 60 * 1000 };

enum pair_state { PAIR_DYING = 0, PAIR_SPARE, PAIR_ACCEPTING, PAIR_LIVE };

struct pair {
    struct pairs *pairs;
    struct pair *next, **at;
    enum pair_state state;
    struct leg *agent, *spare; /* owned; NULL: not there, or handed on */
    struct spare_wait *wait;   /* owned; NULL: not running */
    struct timer *deadline;    /* owned; NULL: not running */
    struct deferred funeral;
    struct forward up, down; /* up: agent to connector */
    struct splice splice_up, splice_down;
    bool up_over, down_over, agent_offers;
    struct sp_id session, app, user, connector;
    struct key_public device, connector_key;
    int64_t policy;
    sp_unix_ms until, opened; /* broker time */
    sp_boot_ms last_byte;
    struct buf grant; /* until the connector has it */
};

struct refused {
    struct sp_id session;
    sp_boot_ms until;
};

struct pairs {
    struct relay *relay;
    struct pair *all; /* owned */
    size_t live;
    struct once *once;       /* owned: spent grants */
    struct splices *splices; /* owned */
    uint64_t bytes;          /* of ended pairs */
    struct refused refused[REFUSED_MAX];
    size_t refused_next;
};

static uint64_t bytes_up(const struct pair *p)
{
    return p->up.bytes + p->splice_up.bytes;
}

static uint64_t bytes_down(const struct pair *p)
{
    return p->down.bytes + p->splice_down.bytes;
}

static void entry_of(const struct pair *p, const struct key_text *device, struct live_entry *out)
{
    *out = (struct live_entry){.session = p->session,
                               .app = p->app,
                               .connector = p->connector,
                               .relay = p->pairs->relay->state->id,
                               .device = view_str(device->s),
                               .policy = p->policy,
                               .deadline = p->until,
                               .opened = p->opened,
                               .up = (int64_t)bytes_up(p),
                               .down = (int64_t)bytes_down(p)};
}

/* ---- the end ------------------------------------------------------------------------------ */

/* At the end of the turn: what called us is off the stack. */
static void bury(void *arg)
{
    struct pair *p = arg;

    *p->at = p->next;
    if (p->next != NULL)
        p->next->at = p->at;
    leg_free(p->agent);
    leg_free(p->spare);
    buf_wipe(&p->grant);
    free(p);
}

/* Frames say why with a close code; a direction that is bare can only be cut off. */
static void dismiss(struct pair *p, struct leg **leg, unsigned code, const char *reason)
{
    struct outer *o = *leg == NULL ? NULL : leg_outer(*leg);

    if (*leg == NULL)
        return;
    leg_raw(*leg, NULL, NULL);
    /* the leg outlives the pair; what still comes over a bare direction is for nobody */
    drive_raw(leg_drive(*leg), NULL, NULL, false, false);
    if (o == NULL || outer_tx_bare(o)) {
        leg_abort(*leg, code != CLOSE_NORMAL);
        return;
    }
    orphan_close(p->pairs->relay, *leg, code, reason);
    *leg = NULL;
}

static void end_pair(struct pair *p, unsigned code, const char *why)
{
    if (p->state == PAIR_DYING)
        return;
    bool was_live = p->state == PAIR_LIVE;
    p->state = PAIR_DYING;
    spare_wait_cancel(p->wait);
    p->wait = NULL;
    timer_cancel(p->deadline);
    p->deadline = NULL;
    splice_end(&p->splice_up);
    splice_end(&p->splice_down);
    if (was_live && code == CLOSE_CUT && forward_bare(&p->down))
        stands_cut(p->pairs->relay->stands, &p->connector_key, p->session, why);
    dismiss(p, &p->agent, code, why);
    dismiss(p, &p->spare, code, why);
    p->pairs->bytes += bytes_up(p) + bytes_down(p);
    if (was_live) {
        const struct live_closed closed = {.session = p->session,
                                           .why = view_str(why),
                                           .up = (int64_t)bytes_up(p),
                                           .down = (int64_t)bytes_down(p),
                                           .ms = clock_boot() - p->last_byte};
        p->pairs->live--;
        report_closed(p->pairs->relay->report, &closed);
        log_event(LOG_INFO, "relay.session_end", why, "session", LOG_ID(p->session), NULL);
    }
    deferred_queue(p->pairs->relay->loop, &p->funeral);
}

/* Before the 101: the agent gets an HTTP answer. */
static void refuse_agent(struct pair *p, unsigned status, const char *code)
{
    if (p->agent != NULL)
        orphan_refuse(p->pairs->relay, p->agent, status, code);
    p->agent = NULL;
    end_pair(p, CLOSE_NORMAL, "refused");
}

/* One leg is gone; the other hears the same word. */
static void leg_ended(struct pair *p, const struct leg_report *r)
{
    bool spoke = r->close != 0;

    end_pair(p, spoke ? (r->close == 1005 ? CLOSE_NORMAL : r->close) : CLOSE_GONE,
             r->code[0] != '\0' ? r->code
             : spoke            ? "end"
                                : "lost");
}

/* ---- bytes -------------------------------------------------------------------------------- */

static void spliced(struct pair *p, struct splice *s, bool *over)
{
    uint64_t before = s->bytes;
    sp_error e = splice_move(s);

    if (s->bytes != before)
        p->last_byte = clock_boot();
    if (e == SP_ERR_CLOSED)
        *over = true;
    if (p->up_over && p->down_over)
        end_pair(p, CLOSE_NORMAL, "end");
    else if (e != SP_OK && e != SP_ERR_CLOSED)
        end_pair(p, CLOSE_GONE, "lost");
}

static void agent_readable(void *arg)
{
    struct pair *p = arg;

    spliced(p, &p->splice_up, &p->up_over);
}

static void agent_writable(void *arg)
{
    struct pair *p = arg;

    spliced(p, &p->splice_down, &p->down_over);
}

static void spare_readable(void *arg)
{
    agent_writable(arg);
}

static void spare_writable(void *arg)
{
    agent_readable(arg);
}

static const struct drive_raw agent_raw = {agent_readable, agent_writable};
static const struct drive_raw spare_raw = {spare_readable, spare_writable};

/* Everything read ahead has left: the kernel moves the rest of this direction. */
static void begin_splice(struct pair *p, bool up)
{
    struct drive *a = leg_drive(p->agent), *c = leg_drive(p->spare);

    drive_raw(a, &agent_raw, p, a->raw_in || up, a->raw_out || !up);
    drive_raw(c, &spare_raw, p, c->raw_in || !up, c->raw_out || up);
    splice_begin(up ? &p->splice_up : &p->splice_down, p->pairs->splices, up ? a : c, up ? c : a);
    drive_reading(up ? a : c, true);
    if (forward_bare(&p->up) && forward_bare(&p->down)) {
        leg_shed(p->agent);
        leg_shed(p->spare);
    }
}

static void move(struct pair *p, bool up)
{
    struct forward *f = up ? &p->up : &p->down;
    struct leg *from = up ? p->agent : p->spare, *to = up ? p->spare : p->agent;
    uint64_t before = f->bytes;

    if (p->state != PAIR_LIVE || forward_bare(f))
        return;
    sp_error e = forward_run(f);
    if (f->bytes != before)
        p->last_byte = clock_boot();
    if (e != SP_OK) {
        const struct outer_end *o = outer_end(leg_outer(from));
        end_pair(p,
                 o->close == 0      ? CLOSE_PROTOCOL
                 : o->close == 1005 ? CLOSE_NORMAL
                                    : o->close,
                 o->code[0] != '\0' ? o->code
                 : o->close != 0    ? "end"
                                    : "protocol");
        return;
    }
    if (wire_unsent(&leg_drive(to)->wire) > 0)
        drive_output(leg_drive(to));
    if (forward_bare(f))
        begin_splice(p, up);
    else
        drive_reading(leg_drive(from), f->state == SWITCH_FRAMES && !forward_blocked(f));
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

/* ---- opening ------------------------------------------------------------------------------ */

static void on_deadline(void *arg)
{
    struct pair *p = arg;

    p->deadline = NULL;
    end_pair(p, CLOSE_CUT, "deadline");
}

static void set_deadline(struct pair *p, sp_unix_ms until)
{
    sp_boot_ms at = num_add_sat(clock_boot(), until - relay_now(p->pairs->relay));

    p->until = until;
    if (p->deadline != NULL)
        timer_move(p->deadline, at);
    else if (timer_start(p->pairs->relay->loop, at, on_deadline, p, &p->deadline) != SP_OK)
        end_pair(p, CLOSE_GONE, "memory"); /* no session without its deadline */
}

static void on_agent_opened(void *arg, bool cut_through)
{
    struct pair *p = arg;
    struct outer *a = leg_outer(p->agent), *c = leg_outer(p->spare);
    struct wire *aw = &leg_drive(p->agent)->wire, *cw = &leg_drive(p->spare)->wire;
    struct key_text device = key_text(&p->device);
    struct live_entry e;

    p->state = PAIR_LIVE;
    p->pairs->live++;
    p->opened = relay_now(p->pairs->relay);
    p->last_byte = clock_boot();
    forward_init(&p->up, a, aw, c, cw, cut_through);
    forward_init(&p->down, c, cw, a, aw, cut_through);
    leg_raw(p->agent, &agent_bytes, p);
    leg_raw(p->spare, &spare_bytes, p);
    entry_of(p, &device, &e);
    report_opened(p->pairs->relay->report, &e);
    log_event(LOG_INFO, "relay.session", cut_through ? "cut-through" : "frames", "session",
              LOG_ID(p->session), "connector", LOG_ID(p->connector), NULL);
    move(p, false); /* what the connector has sent already */
}

static void on_agent_message(void *arg, struct view bytes)
{
    struct pair *p = arg;

    (void)bytes; /* a frame before both are paired */
    end_pair(p, CLOSE_PROTOCOL, "protocol");
}

static void on_agent_ended(void *arg, const struct leg_report *r)
{
    leg_ended(arg, r);
}

static void on_spare_opened(void *arg, bool cut_through)
{
    (void)arg;
    (void)cut_through;
}

static const struct leg_events agent_events = {
    .opened = on_agent_opened, .message = on_agent_message, .ended = on_agent_ended};
static const struct leg_events spare_events = {
    .opened = on_spare_opened, .message = on_agent_message, .ended = on_agent_ended};

/* A spare is there: the grant goes down the connector's channel, the agent gets its 101. */
static void on_spare(void *arg, struct leg *leg, struct sp_id ticket, bool cut_through)
{
    struct pair *p = arg;
    struct relay *r = p->pairs->relay;
    struct stander *st = stands_find(r->stands, &p->connector_key);
    bool cut = cut_through && p->agent_offers && r->config->cut_through == RELAY_CUT_AUTO;

    p->wait = NULL;
    if (leg == NULL) {
        refuse_agent(p, 503, "connector_busy");
        return;
    }
    p->spare = leg;
    leg_events_set(leg, &spare_events, p);
    if (st == NULL || stander_open(st, buf_view(&p->grant), p->session, ticket, cut) != SP_OK) {
        refuse_agent(p, 503, st == NULL ? "connector_absent" : "connector_busy");
        return;
    }
    buf_wipe(&p->grant);
    p->state = PAIR_ACCEPTING;
    leg_accept(p->agent, cut);
}

/* ---- the grant ---------------------------------------------------------------------------- */

static bool session_refused(const struct pairs *p, struct sp_id session)
{
    sp_boot_ms now = clock_boot();

    for (size_t i = 0; i < REFUSED_MAX; i++)
        if (p->refused[i].until > now && id_equal(p->refused[i].session, session))
            return true;
    return false;
}

/* PROTOCOL section 3.3, in this order; the grant is spent when all of it holds. */
SP_MUST static sp_error check_grant(struct pairs *p, struct view token, struct grant *out)
{
    const struct relay_state *s = p->relay->state;
    const struct grant_reader me = {.kind = GRANT_RELAY, .relay = s->id, .relay_boot = s->boot};
    const struct key_public *signer;
    sp_unix_ms now = relay_now(p->relay);
    sp_error e;

    if ((e = keyset_signer(&p->relay->keys, token, KEYSET_GRANT, now, &signer)) != SP_OK ||
        (e = grant_verify(token, signer, &me, now, out)) != SP_OK)
        return e;
    if (session_refused(p, out->session))
        return SP_ERR_DENIED;
    return once_spend(p->once, out->id, out->open_until, now);
}

struct refusal {
    sp_error error;
    unsigned status;
    const char *code;
};
/* What is not named here is 401, whatever it was: two checks that fail give one answer. */
static const struct refusal refusals[] = {
    {SP_ERR_MALFORMED, 400, NULL},
    {SP_ERR_LIMIT, 400, NULL},
    {SP_ERR_CONFLICT, 503, "relay_restarted"},
    {SP_ERR_FULL, 503, "connector_busy"},
    {SP_ERR_NOMEM, 503, "connector_busy"},
};

static void refuse_grant(struct pairs *p, struct leg *leg, sp_error e)
{
    struct refusal r = {e, 401, NULL};

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].error == e)
            r = refusals[i];
    log_event(LOG_WARN, "relay.grant_refused", sp_error_text(e), "error_code", sp_error_code(e),
              NULL);
    orphan_refuse(p->relay, leg, r.status, r.code);
}

SP_MUST static struct pair *new_pair(struct pairs *pairs, const struct grant *g,
                                     const struct upgrade_request *r)
{
    struct pair *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    *p = (struct pair){.pairs = pairs,
                       .next = pairs->all,
                       .at = &pairs->all,
                       .state = PAIR_SPARE,
                       .agent_offers = r->cut_through,
                       .session = g->session,
                       .app = g->app,
                       .user = g->user,
                       .device = g->device,
                       .connector_key = g->connector,
                       .policy = g->policy_version};
    buf_init(&p->grant, GRANT_MAX);
    deferred_init(&p->funeral, bury, p);
    if (buf_append(&p->grant, r->grant) != SP_OK) {
        free(p);
        return NULL;
    }
    if (p->next != NULL)
        p->next->at = &p->next;
    pairs->all = p;
    return p;
}

void pairs_open(struct pairs *pairs, struct leg *leg, const struct upgrade_request *r)
{
    struct grant g;
    struct pair *p;
    sp_error e = check_grant(pairs, r->grant, &g);

    if (e != SP_OK) {
        refuse_grant(pairs, leg, e);
        return;
    }
    struct stander *st = stands_find(pairs->relay->stands, &g.connector);
    if (st == NULL || pairs->relay->draining) {
        orphan_refuse(pairs->relay, leg, 503,
                      pairs->relay->draining ? "relay_draining" : "connector_absent");
        return;
    }
    if ((p = new_pair(pairs, &g, r)) == NULL) {
        orphan_refuse(pairs->relay, leg, 503, "connector_busy");
        return;
    }
    p->agent = leg;
    p->connector = stander_id(st);
    leg_events_set(leg, &agent_events, p);
    set_deadline(p, g.deadline);
    if (p->state == PAIR_SPARE &&
        stands_take(pairs->relay->stands, st, on_spare, p, &p->wait) != SP_OK)
        refuse_agent(p, 503, "connector_busy");
}

/* ---- orders ------------------------------------------------------------------------------- */

static bool selected(const struct pair *p, const struct pair_selector *w)
{
    return (id_is_zero(w->session) || id_equal(w->session, p->session)) &&
           (id_is_zero(w->app) || id_equal(w->app, p->app)) &&
           (id_is_zero(w->user) || id_equal(w->user, p->user)) &&
           (id_is_zero(w->connector) || id_equal(w->connector, p->connector)) &&
           (w->device.kind == KEY_NONE || key_equal(&w->device, &p->device));
}

int64_t pairs_cut(struct pairs *pairs, const struct pair_selector *which, const char *why,
                  int64_t *ms)
{
    sp_boot_ms now = clock_boot(), latest = 0;
    int64_t count = 0;

    for (struct pair *p = pairs->all; p != NULL; p = p->next) {
        if (p->state == PAIR_DYING || !selected(p, which))
            continue;
        if (p->last_byte > latest)
            latest = p->last_byte;
        count++;
        if (p->state == PAIR_LIVE)
            end_pair(p, CLOSE_CUT, why);
        else
            refuse_agent(p, 401, NULL);
    }
    if (!id_is_zero(which->session)) {
        pairs->refused[pairs->refused_next] = (struct refused){which->session, now + REFUSED_MS};
        pairs->refused_next = (pairs->refused_next + 1) % REFUSED_MAX;
    }
    *ms = latest == 0 ? 0 : now - latest;
    return count;
}

void pairs_refused(struct pairs *pairs, struct sp_id session, const char *code)
{
    for (struct pair *p = pairs->all; p != NULL; p = p->next)
        if (p->state != PAIR_DYING && id_equal(p->session, session) && bytes_down(p) == 0)
            end_pair(p, CLOSE_CUT, code);
}

void pairs_limit(struct pairs *pairs, struct sp_id session, sp_unix_ms deadline)
{
    for (struct pair *p = pairs->all; p != NULL; p = p->next)
        if (p->state != PAIR_DYING && id_equal(p->session, session))
            set_deadline(p, deadline);
}

size_t pairs_count(const struct pairs *p)
{
    return p->live;
}

uint64_t pairs_bytes(const struct pairs *pairs)
{
    uint64_t n = pairs->bytes;

    for (const struct pair *p = pairs->all; p != NULL; p = p->next)
        if (p->state == PAIR_LIVE)
            n += bytes_up(p) + bytes_down(p);
    return n;
}

void pairs_each(const struct pairs *pairs, void (*fn)(void *arg, const struct live_entry *e),
                void *arg)
{
    for (const struct pair *p = pairs->all; p != NULL; p = p->next) {
        if (p->state != PAIR_LIVE)
            continue;
        struct key_text device = key_text(&p->device);
        struct live_entry e;
        entry_of(p, &device, &e);
        fn(arg, &e);
    }
}

/* ---- life --------------------------------------------------------------------------------- */

sp_error pairs_new(struct relay *relay, struct pairs **out)
{
    struct pairs *p = calloc(1, sizeof *p);
    sp_error e;

    if (p == NULL)
        return SP_ERR_NOMEM;
    p->relay = relay;
    if ((e = once_new(ONCE_MAX, &p->once)) != SP_OK || (e = splices_new(&p->splices)) != SP_OK) {
        pairs_free(p);
        return e;
    }
    *out = p;
    return SP_OK;
}

void pairs_free(struct pairs *p)
{
    if (p == NULL)
        return;
    for (struct pair *q = p->all; q != NULL; q = q->next)
        end_pair(q, CLOSE_GONE, "end");
    while (p->all != NULL) {
        deferred_cancel(p->relay->loop, &p->all->funeral);
        bury(p->all);
    }
    once_free(p->once);
    splices_free(p->splices);
    free(p);
}
