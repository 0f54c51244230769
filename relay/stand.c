#include "relay/stand_internal.h"

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/channel/over.h"
#include "lib/proto/session.h"
#include "lib/trust/stand.h"
#include "relay/accept.h"
#include "relay/orphan.h"
#include "relay/pair.h"
#include "relay/report.h"

#include <stdlib.h>

enum { DEMAND_MS = 10 * 1000, TICK_MS = 5 * 1000 };

static struct sp_id key_id(const struct key_public *k)
{
    struct hash h = hash_sha256(view_str(key_text(k).s));
    struct sp_id id;

    memcpy(id.bytes, h.bytes, sizeof id.bytes);
    return id;
}

/* ---- the channel -------------------------------------------------------------------------- */

/* Its spares go with it; sessions that run on earlier ones stay. */
static void stander_free(struct stander *st)
{
    struct stands *stands = st->stands;
    struct sp_id key = key_id(&st->key);

    accepts_proved(st->unproven);
    timer_cancel(st->refill);
    stander_drop_waits(st);
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
    accepts_proved(st->unproven);
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
    stander_send_tickets(st);
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
                    const char *address, struct arrival *unproven)
{
    struct relay *relay = stands->relay;
    struct stander *st = calloc(1, sizeof *st);

    if (st == NULL || relay->draining) {
        free(st);
        accepts_proved(unproven);
        orphan_refuse(relay, leg, 503, "relay_draining");
        return;
    }
    *st = (struct stander){.stands = stands, .next = stands->all, .at = &stands->all};
    if (st->next != NULL)
        st->next->at = &st->next;
    stands->all = st;
    accepts_keep(unproven, &st->unproven);
    const struct over_serve_spec spec = {.loop = relay->loop,
                                         .request = r,
                                         .server = &stands->server,
                                         .address = address,
                                         .events = &over_events,
                                         .arg = st};
    if (over_serve(&spec, leg, &st->over) != SP_OK)
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
    const struct call_ask ask = {"open", fields_write(relay_open_fields, &m), ENVELOPE_CALL_MS};
    e = channel_call(st->channel, &ask, on_open_answer, call, &running);
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
        stander_send_tickets(st);
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
