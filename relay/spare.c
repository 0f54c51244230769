#include "relay/stand_internal.h"

#include "lib/crypto/random.h"
#include "relay/orphan.h"

#include <stdlib.h>

enum { DEMAND_MS = 10 * 1000, REFILL_MS = 50, COMES_MS = 15 * 1000 };

/* ---- tickets ------------------------------------------------------------------------------ */

void slip_free(struct slip *t)
{
    map_remove(&t->stander->stands->tickets, t->id);
    *t->at = t->next;
    if (t->next != NULL)
        t->next->at = t->at;
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

/* Tickets whose spare is still to be expected. A connector whose dial failed says nothing. */
static unsigned on_their_way(const struct stander *st)
{
    sp_boot_ms now = clock_boot();
    unsigned n = 0;

    for (const struct slip *t = st->slips; t != NULL; t = t->next)
        n += t->until - now > TICKET_MS - COMES_MS;
    return n;
}

/* Never more than a connector holds unused: it would drop the rest without a word, and whoever
 * waits for them would wait in vain. A spare that opens makes room for the next ticket. */
void stander_send_tickets(struct stander *st)
{
    unsigned want = spares_wanted(st) + st->wait_count;
    unsigned have = st->waiting + st->coming + on_their_way(st);
    struct ticket m = {.until = relay_now(st->stands->relay) + TICKET_MS};

    if (st->channel == NULL || st->stands->relay->draining)
        return;
    for (; have < want && have < TICKETS_MAX; have++) {
        struct slip *t = slip_new(st);
        if (t == NULL)
            break;
        m.tickets[m.ticket_count++] = t->id;
    }
    if (m.ticket_count > 0)
        sp_ignore(channel_send(st->channel, "ticket", fields_write(ticket_fields, &m)));
}

/* ---- spares ------------------------------------------------------------------------------- */

/* The leg is someone else's from here on, or goes with it. */
void spare_free(struct spare *s, bool with_leg)
{
    *s->at = s->next;
    if (s->next != NULL)
        s->next->at = s->at;
    if (s->opened)
        s->stander->waiting--;
    else
        s->stander->coming--;
    s->stander->stands->spares--;
    if (with_leg)
        leg_free(s->leg);
    free(s);
}

static void wait_add(struct stander *st, struct spare_wait *w)
{
    if (st->last_wait == NULL)
        st->last_wait = &st->waits;
    w->stander = st;
    w->at = st->last_wait;
    *st->last_wait = w;
    st->last_wait = &w->next;
    st->wait_count++;
}

static void wait_take_out(struct spare_wait *w)
{
    struct stander *st = w->stander;

    if (st == NULL)
        return;
    *w->at = w->next;
    if (w->next != NULL)
        w->next->at = w->at;
    else
        st->last_wait = w->at;
    st->wait_count--;
    w->stander = NULL;
}

static void wait_done(struct spare_wait *w, struct leg *leg, struct sp_id ticket, bool cut_through)
{
    spare_got *got = w->got;
    void *arg = w->arg;

    wait_take_out(w);
    timer_cancel(w->timer);
    free(w);
    got(arg, leg, ticket, cut_through);
}

void stander_drop_waits(struct stander *st)
{
    while (st->waits != NULL) {
        struct spare_wait *w = st->waits;
        wait_take_out(w);
        timer_move(w->timer, clock_boot()); /* told from the loop */
    }
}

static void on_spare_opened(void *arg, bool cut_through)
{
    struct spare *s = arg;
    struct stander *st = s->stander;
    struct spare_wait *w = st->waits;

    if (w == NULL) {
        s->opened = true;
        s->cut_through = cut_through;
        st->coming--;
        st->waiting++;
        return;
    }
    struct leg *leg = s->leg;
    struct sp_id ticket = s->ticket;
    spare_free(s, false);
    wait_take_out(w);
    stander_send_tickets(st);
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
    stander_send_tickets(st);
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
    *s = (struct spare){
        .stander = st, .next = st->spares, .at = &st->spares, .leg = leg, .ticket = ticket};
    if (s->next != NULL)
        s->next->at = &s->next;
    st->spares = s;
    st->coming++;
    stands->spares++;
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
    wait_take_out(w);
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

static void on_refill(void *arg)
{
    struct stander *st = arg;

    st->refill = NULL;
    stander_send_tickets(st);
}

/* The handshake of the next spare would run on the threads that the session just opening waits
 * for, at relay and connector alike; while others wait there is no hurry. */
static void refill_later(struct stander *st)
{
    if (st->refill != NULL && st->waiting > 0)
        return;
    if (st->waiting == 0 || timer_start(st->stands->relay->loop, clock_boot() + REFILL_MS,
                                        on_refill, st, &st->refill) != SP_OK)
        stander_send_tickets(st);
}

sp_error stands_take(struct stands *stands, struct stander *st, spare_got *got, void *arg,
                     struct spare_wait **out)
{
    struct spare_wait *w;
    struct spare *s = st->spares;

    *out = NULL;
    note_demand(st);
    while (s != NULL && !s->opened)
        s = s->next;
    if (s != NULL) {
        struct leg *leg = s->leg;
        struct sp_id ticket = s->ticket;
        bool cut_through = s->cut_through;
        spare_free(s, false);
        refill_later(st);
        got(arg, leg, ticket, cut_through);
        return SP_OK;
    }
    if ((w = calloc(1, sizeof *w)) == NULL)
        return SP_ERR_NOMEM;
    *w = (struct spare_wait){.got = got, .arg = arg};
    if (timer_start(stands->relay->loop, clock_boot() + SPARE_WAIT_MS, on_wait_over, w,
                    &w->timer) != SP_OK) {
        free(w);
        return SP_ERR_NOMEM;
    }
    wait_add(st, w);
    stander_send_tickets(st);
    *out = w;
    return SP_OK;
}
