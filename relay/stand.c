#include "relay/stand.h"

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/channel/over.h"
#include "lib/crypto/random.h"
#include "lib/proto/session.h"
#include "lib/trust/stand.h"
#include "relay/orphan.h"
#include "relay/pair.h"
#include "relay/report.h"

#include <stdlib.h>

/* A ticket that was given and is not used yet. */
struct slip {
    struct stander *stander;
    struct slip *next, **at;
    struct sp_id id;
    sp_boot_ms until;
    struct spare_wait *wait; /* the session that waits for exactly this one; NULL: a spare */
};

/* A tunnel of a connector that waits for its session. */
struct spare {
    struct stander *stander;
    struct spare *next, **at;
    struct leg *leg; /* owned */
    struct sp_id ticket;
    struct spare_wait *wait; /* as in slip, from which it came */
    bool opened, cut_through;
};

struct spare_wait {
    struct stands *stands;
    spare_got *got;
    void *arg;
    struct timer *timer; /* owned; NULL: not running */
    struct slip *slip;   /* the ticket that was sent for it, until it is used */
    struct spare *spare; /* the tunnel that came with it, until it is open */
};

struct stander {
    struct stands *stands;
    struct stander *next, **at;
    struct over *over;       /* owned */
    struct channel *channel; /* of over; NULL: not open */
    struct sp_id id;         /* the connector's; zero until proven */
    struct key_public key;
    int64_t generation;
    struct slip *slips;           /* owned */
    struct spare *spares;         /* owned */
    unsigned waiting, slip_count; /* open spares that no session waits for; tickets out */
    unsigned opens;               /* in the demand window */
    sp_boot_ms opens_since;
};

struct stands {
    struct relay *relay;
    struct stander *all; /* owned */
    struct map by_key;   /* proven ones, by the first 16 bytes of the key's hash */
    struct map tickets;  /* slips by ticket */
    struct timer *tick;  /* owned: old tickets go, demand falls */
    struct opening_server_config server;
    size_t spares;
};

enum { DEMAND_MS = 10 * 1000, TICK_MS = 5 * 1000 };

static struct sp_id key_id(const struct key_public *k)
{
    struct hash h = hash_sha256(view_str(key_text(k).s));
    struct sp_id id;

    memcpy(id.bytes, h.bytes, sizeof id.bytes);
    return id;
}

/* ---- tickets ------------------------------------------------------------------------------ */

static void slip_free(struct slip *t)
{
    map_remove(&t->stander->stands->tickets, t->id);
    *t->at = t->next;
    if (t->next != NULL)
        t->next->at = t->at;
    t->stander->slip_count--;
    if (t->wait != NULL)
        t->wait->slip = NULL;
    free(t);
}

static struct slip *slip_new(struct stander *st)
{
    struct slip *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    *t = (struct slip){.stander = st,
                       .next = st->slips,
                       .at = &st->slips,
                       .id = random_id(),
                       .until = clock_boot() + TICKET_MS};
    if (map_put(&st->stands->tickets, t->id, t) != SP_OK) {
        free(t);
        return NULL;
    }
    if (t->next != NULL)
        t->next->at = &t->next;
    st->slips = t;
    st->slip_count++;
    return t;
}

/* By recent demand: who opened much in the last seconds gets more spares. */
static unsigned spares_wanted(struct stander *st)
{
    unsigned want = SPARES_WAITING + st->opens / 2;
    size_t standing = map_len(&st->stands->by_key);
    size_t share = standing == 0 ? SPARES_MAX : SPARES_MAX / standing;

    if (want > SPARES_WAITING_MAX)
        want = SPARES_WAITING_MAX;
    return want > share && share > 0 ? (unsigned)share : want;
}

/* Sends as many tickets as are missing, and one more for each wait that has none. */
static void send_tickets(struct stander *st, unsigned extra, struct spare_wait *wait)
{
    unsigned want = spares_wanted(st), have = st->waiting + st->slip_count;
    struct ticket m = {.until = relay_now(st->stands->relay) + TICKET_MS};

    if (st->channel == NULL || st->stands->relay->draining)
        return;
    unsigned count = (want > have ? want - have : 0) + extra;
    for (; count > 0 && m.ticket_count < TICKETS_MAX; count--) {
        struct slip *t = slip_new(st);
        if (t == NULL)
            break;
        m.tickets[m.ticket_count++] = t->id;
        if (extra > 0 && wait->slip == NULL) {
            t->wait = wait;
            wait->slip = t;
        }
    }
    if (m.ticket_count > 0)
        sp_ignore(channel_send(st->channel, "ticket", fields_write(ticket_fields, &m)));
}

/* ---- spares ------------------------------------------------------------------------------- */

/* The leg is someone else's from here on, or goes with it. */
static void spare_free(struct spare *s, bool with_leg)
{
    *s->at = s->next;
    if (s->next != NULL)
        s->next->at = s->at;
    if (s->opened && s->wait == NULL)
        s->stander->waiting--;
    if (s->wait != NULL)
        s->wait->spare = NULL;
    s->stander->stands->spares--;
    if (with_leg)
        leg_free(s->leg);
    free(s);
}

static void wait_done(struct spare_wait *w, struct leg *leg, struct sp_id ticket, bool cut_through)
{
    spare_got *got = w->got;
    void *arg = w->arg;

    if (w->slip != NULL)
        w->slip->wait = NULL;
    if (w->spare != NULL)
        w->spare->wait = NULL;
    timer_cancel(w->timer);
    free(w);
    got(arg, leg, ticket, cut_through);
}

static void on_spare_opened(void *arg, bool cut_through)
{
    struct spare *s = arg;
    struct spare_wait *w = s->wait;

    s->opened = true;
    s->cut_through = cut_through;
    if (w == NULL) {
        s->stander->waiting++;
        return;
    }
    struct leg *leg = s->leg;
    struct sp_id ticket = s->ticket;
    spare_free(s, false);
    wait_done(w, leg, ticket, cut_through);
}

/* Nobody sends anything on a spare before its session. */
static void on_spare_message(void *arg, struct view bytes)
{
    struct spare *s = arg;

    (void)bytes;
    leg_close(s->leg, CLOSE_PROTOCOL, NULL);
}

static void on_spare_ended(void *arg, const struct leg_report *r)
{
    struct spare *s = arg;
    struct stander *st = s->stander;

    (void)r;
    spare_free(s, true);
    send_tickets(st, 0, NULL);
}

static const struct leg_events spare_events = {
    .opened = on_spare_opened, .message = on_spare_message, .ended = on_spare_ended};

void stands_spare(struct stands *stands, struct leg *leg, const struct upgrade_request *r)
{
    struct sp_id ticket;
    struct spare *s;

    memcpy(ticket.bytes, r->ticket, sizeof ticket.bytes);
    struct slip *t = map_get(&stands->tickets, ticket);
    if (t == NULL || (s = calloc(1, sizeof *s)) == NULL) {
        orphan_refuse(stands->relay, leg, 401, NULL);
        return;
    }
    struct stander *st = t->stander;
    *s = (struct spare){.stander = st,
                        .next = st->spares,
                        .at = &st->spares,
                        .leg = leg,
                        .ticket = ticket,
                        .wait = t->wait};
    if (s->next != NULL)
        s->next->at = &s->next;
    st->spares = s;
    stands->spares++;
    if (s->wait != NULL) {
        s->wait->spare = s;
        s->wait->slip = NULL;
        t->wait = NULL;
    }
    slip_free(t); /* used once */
    leg_events_set(leg, &spare_events, s);
    leg_accept(leg, r->cut_through && stands->relay->config->cut_through == RELAY_CUT_AUTO);
}

/* ---- taking one --------------------------------------------------------------------------- */

static void on_wait_over(void *arg)
{
    struct spare_wait *w = arg;

    w->timer = NULL;
    wait_done(w, NULL, (struct sp_id){{0}}, false);
}

void spare_wait_cancel(struct spare_wait *w)
{
    if (w == NULL)
        return;
    if (w->slip != NULL)
        w->slip->wait = NULL;
    if (w->spare != NULL) {
        w->spare->wait = NULL;
        if (w->spare->opened)
            w->spare->stander->waiting++;
    }
    timer_cancel(w->timer);
    free(w);
}

static void note_demand(struct stander *st)
{
    sp_boot_ms now = clock_boot();

    if (now - st->opens_since > DEMAND_MS) {
        st->opens_since = now;
        st->opens = 0;
    }
    st->opens++;
}

sp_error stands_take(struct stands *stands, struct stander *st, spare_got *got, void *arg,
                     struct spare_wait **out)
{
    struct spare_wait *w;
    struct spare *s = st->spares;

    *out = NULL;
    note_demand(st);
    while (s != NULL && (!s->opened || s->wait != NULL))
        s = s->next;
    if (s != NULL) {
        struct leg *leg = s->leg;
        struct sp_id ticket = s->ticket;
        bool cut_through = s->cut_through;
        spare_free(s, false);
        send_tickets(st, 0, NULL);
        got(arg, leg, ticket, cut_through);
        return SP_OK;
    }
    if ((w = calloc(1, sizeof *w)) == NULL)
        return SP_ERR_NOMEM;
    *w = (struct spare_wait){.stands = stands, .got = got, .arg = arg};
    if (timer_start(stands->relay->loop, clock_boot() + SPARE_WAIT_MS, on_wait_over, w,
                    &w->timer) != SP_OK) {
        free(w);
        return SP_ERR_NOMEM;
    }
    send_tickets(st, 1, w);
    *out = w;
    return SP_OK;
}

/* ---- the channel -------------------------------------------------------------------------- */

static void drop_waits(struct stander *st)
{
    for (struct slip *t = st->slips; t != NULL; t = t->next) {
        if (t->wait != NULL)
            t->wait->slip = NULL;
        t->wait = NULL;
    }
    for (struct spare *s = st->spares; s != NULL; s = s->next) {
        if (s->wait != NULL)
            s->wait->spare = NULL;
        s->wait = NULL;
    }
}

/* Its spares go with it; sessions that run on earlier ones stay. */
static void stander_free(struct stander *st)
{
    struct stands *stands = st->stands;
    struct sp_id key = key_id(&st->key);

    drop_waits(st);
    while (st->slips != NULL)
        slip_free(st->slips);
    while (st->spares != NULL)
        spare_free(st->spares, true);
    if (st->key.kind != KEY_NONE && map_get(&stands->by_key, key) == st)
        map_remove(&stands->by_key, key);
    *st->at = st->next;
    if (st->next != NULL)
        st->next->at = st->at;
    over_free(st->over);
    free(st);
    report_stands_changed(stands->relay->report);
}

/* The stand statement says that the broker lets this key stand here. */
SP_MUST static sp_error check_stand(struct stands *stands, const struct channel_peer *peer,
                                    struct stand *out)
{
    struct relay *r = stands->relay;
    struct view token = view_str(peer->stand);
    const struct key_public *record;
    sp_unix_ms now = relay_now(r);
    sp_error e;

    if (peer->kind != PROVE_CONNECTOR || r->draining)
        return SP_ERR_DENIED;
    if ((e = keyset_signer(&r->keys, token, KEYSET_RECORD, now, &record)) != SP_OK ||
        (e = stand_verify(token, record, r->state->id, now, out)) != SP_OK)
        return e;
    return key_equal(&out->key, &peer->key) ? SP_OK : SP_ERR_AUDIENCE;
}

static void on_proven(void *arg, struct over *o, const struct channel_peer *peer)
{
    struct stander *st = arg;
    struct stand stand;
    sp_error e = check_stand(st->stands, peer, &stand);

    if (e != SP_OK) {
        log_event(LOG_WARN, "relay.stand_refused", sp_error_text(e), "address", peer->address,
                  "connector", key_text(&peer->key).s, NULL);
        over_refuse(o,
                    e == SP_ERR_DENIED && st->stands->relay->draining ? CHANNEL_CLOSE_DRAINING
                                                                      : CHANNEL_CLOSE_PROOF,
                    "stand");
        return;
    }
    st->id = stand.connector;
    st->key = peer->key;
    st->generation = stand.generation;
    const struct opening_welcome w = {.id = stand.connector, .state = view_str("approved")};
    over_welcome(o, &w);
}

static void on_opened(void *arg, struct over *o, struct channel *c, const struct opening_welcome *w)
{
    struct stander *st = arg;
    struct stands *stands = st->stands;
    struct sp_id key = key_id(&st->key);
    struct stander *old = map_remove(&stands->by_key, key);

    (void)o;
    (void)w;
    if (old != NULL && old != st && old->channel != NULL)
        channel_close_with(old->channel, CHANNEL_CLOSE_REPLACED, "replaced");
    if (map_put(&stands->by_key, key, st) != SP_OK) {
        channel_close_with(c, CHANNEL_CLOSE_TOO_MUCH, "memory");
        return;
    }
    st->channel = c;
    log_event(LOG_INFO, "relay.stand", "a connector stands here", "connector", LOG_ID(st->id),
              NULL);
    send_tickets(st, 0, NULL);
    report_stands_changed(stands->relay->report);
}

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct stander *st = arg;
    struct session_cut cut;
    int64_t ms;

    if (strcmp(m->type, "cut") == 0 &&
        fields_read(m->members, session_cut_fields, NULL, &cut) == SP_OK) {
        char why[32] = "policy";
        if (cut.why.len > 0 && cut.why.len < sizeof why) {
            memcpy(why, cut.why.at, cut.why.len);
            why[cut.why.len] = '\0';
        }
        /* Its own sessions only: the selector's connector is the one that has proved itself. */
        const struct pair_selector which = {.session = cut.session, .connector = st->id};
        if (!id_is_zero(cut.session))
            (void)pairs_cut(st->stands->relay->pairs, &which, why, &ms);
        return;
    }
    if (strcmp(m->type, "ping") == 0) {
        sp_ignore(channel_answer(c, m->i, NULL));
        return;
    }
    sp_ignore(
        channel_refuse(c, m->i, "unsupported", "this relay does not know that message", NULL));
}

static void on_over_ended(void *arg, const struct over_report *r)
{
    struct stander *st = arg;

    if (st->channel != NULL)
        log_event(LOG_INFO, "relay.stand_lost", sp_error_text(r->error), "connector",
                  LOG_ID(st->id), NULL);
    st->channel = NULL;
    stander_free(st);
}

static const struct over_events over_events = {
    .proven = on_proven, .opened = on_opened, .message = on_message, .ended = on_over_ended};

void stands_channel(struct stands *stands, struct leg *leg, const struct upgrade_request *r,
                    const char *address)
{
    struct relay *relay = stands->relay;
    struct stander *st = calloc(1, sizeof *st);

    if (st == NULL || relay->draining) {
        free(st);
        orphan_refuse(relay, leg, 503, "relay_draining");
        return;
    }
    *st = (struct stander){.stands = stands, .next = stands->all, .at = &stands->all};
    if (st->next != NULL)
        st->next->at = &st->next;
    stands->all = st;
    if (over_serve(relay->loop, leg, r, &stands->server, address, &over_events, st, &st->over) !=
        SP_OK)
        stander_free(st);
}

/* ---- what sessions need ------------------------------------------------------------------- */

struct stander *stands_find(struct stands *s, const struct key_public *connector)
{
    struct stander *st = map_get(&s->by_key, key_id(connector));

    return st != NULL && st->channel != NULL && key_equal(&st->key, connector) ? st : NULL;
}

struct sp_id stander_id(const struct stander *st)
{
    return st->id;
}

/* The answer to one `open`: it names the session, since both may be gone when it comes. */
struct opening_call {
    struct stands *stands;
    struct sp_id session;
};

static void on_open_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct opening_call *call = arg;
    struct relay_open_answer a;
    char code[32] = "connector_busy";

    if (e == SP_OK && fields_read(m->members, relay_open_answer_fields, NULL, &a) != SP_OK)
        e = SP_ERR_PROTOCOL;
    if (e == SP_OK && a.verdict == OPEN_REFUSE) {
        e = SP_ERR_REFUSED;
        if (a.code.len > 0 && a.code.len < sizeof code) {
            memcpy(code, a.code.at, a.code.len);
            code[a.code.len] = '\0';
        }
    }
    if (e != SP_OK)
        pairs_refused(call->stands->relay->pairs, call->session, code);
    free(call);
}

sp_error stander_open(struct stander *st, struct view grant, struct sp_id session,
                      struct sp_id ticket, bool cut)
{
    struct relay_open m = {.grant = grant, .ticket = ticket, .mode = cut ? OPEN_CUT : OPEN_FRAMES};
    struct opening_call *call;
    struct call *running;
    sp_error e;

    if (st->channel == NULL)
        return SP_ERR_CLOSED;
    if ((call = calloc(1, sizeof *call)) == NULL)
        return SP_ERR_NOMEM;
    *call = (struct opening_call){.stands = st->stands, .session = session};
    e = channel_call(st->channel, "open", fields_write(relay_open_fields, &m), ENVELOPE_CALL_MS,
                     on_open_answer, call, &running);
    if (e != SP_OK)
        free(call);
    return e;
}

void stands_cut(struct stands *s, const struct key_public *connector, struct sp_id session,
                const char *why)
{
    struct stander *st = stands_find(s, connector);
    const struct session_cut m = {.session = session, .why = view_str(why)};

    if (st != NULL)
        sp_ignore(channel_send(st->channel, "cut", fields_write(session_cut_fields, &m)));
}

void stands_drain(struct stands *s, sp_unix_ms until)
{
    const struct drain m = {.until = until};

    for (struct stander *st = s->all; st != NULL; st = st->next)
        if (st->channel != NULL)
            sp_ignore(channel_send(st->channel, "drain", fields_write(drain_fields, &m)));
}

size_t stands_count(const struct stands *s)
{
    return map_len(&s->by_key);
}

size_t stands_spares(const struct stands *s)
{
    return s->spares;
}

bool stands_page(const struct stands *s, size_t *from, struct stand_at *out)
{
    size_t at = 0, end = *from + STANDS_MAX;

    *out = (struct stand_at){0};
    for (const struct stander *st = s->all; st != NULL; st = st->next) {
        if (st->channel == NULL)
            continue;
        if (at >= *from && at < end)
            out->at[out->at_count++] = (struct stand_at_entry){
                .id = st->id, .generation = st->generation, .spares = st->waiting};
        at++;
    }
    bool had = *from == 0 || out->at_count > 0;
    out->last = at <= end;
    *from = end;
    return had;
}

/* ---- life --------------------------------------------------------------------------------- */

static void on_tick(void *arg);

static void set_tick(struct stands *s)
{
    if (timer_start(s->relay->loop, clock_boot() + TICK_MS, on_tick, s, &s->tick) != SP_OK)
        log_event(LOG_ERROR, "relay.tick", "no memory: old tickets stay", NULL);
}

static void on_tick(void *arg)
{
    struct stands *s = arg;
    sp_boot_ms now = clock_boot();

    s->tick = NULL;
    for (struct stander *st = s->all; st != NULL; st = st->next) {
        for (struct slip *t = st->slips, *next; t != NULL; t = next) {
            next = t->next;
            if (now >= t->until)
                slip_free(t);
        }
        if (now - st->opens_since > DEMAND_MS)
            st->opens = 0;
        send_tickets(st, 0, NULL);
    }
    set_tick(s);
}

sp_error stands_new(struct relay *relay, struct stands **out)
{
    struct stands *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->relay = relay;
    s->server.key = relay->state->key;
    set_tick(s);
    *out = s;
    return SP_OK;
}

void stands_free(struct stands *s)
{
    if (s == NULL)
        return;
    timer_cancel(s->tick);
    while (s->all != NULL)
        stander_free(s->all);
    map_deinit(&s->by_key);
    map_deinit(&s->tickets);
    free(s);
}
