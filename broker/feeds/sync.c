/* One answer of a vendor, joined and made values of devices; and what is kept of how it went. */
#include "broker/feeds/feeds_internal.h"

#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- our devices -------------------------------------------------------------------------- */

struct page {
    struct join_devices *devices;
    struct device_row last;
    size_t count;
    sp_error e;
};

static bool on_device(void *arg, const struct device_row *row)
{
    struct page *p = arg;

    p->last = *row;
    p->count++;
    p->e = join_devices_add(p->devices, row->id, row->state == ROW_DEVICE_APPROVED, row->serials);
    return p->e == SP_OK;
}

static sp_error load_state(struct feeds *f, enum device_row_state state, struct join_devices *out)
{
    const struct device_filter filter = {.state = state};
    struct page p = {.devices = out};
    struct device_row edge = {0};
    sp_error e;

    do {
        p.count = 0;
        e = f->services->registry->device_list(f->store, &filter, &edge, STORE_PAGE_MAX, on_device,
                                               &p);
        edge = p.last;
    } while (e == SP_OK && (e = p.e) == SP_OK && p.count == STORE_PAGE_MAX);
    return e;
}

/* ---- values ------------------------------------------------------------------------------- */

/* What was given in `at` of a record, at most FEED_VALUES_MAX. */
static void make_values(const struct feed_record *r, enum feed_vendor v, sp_unix_ms now,
                        int64_t ttl, struct posture_said *out)
{
    static const char *const silent[FEED_VENDORS] = {[FEED_NONE] = "",
                                                     [FEED_CROWDSTRIKE] =
                                                         "CrowdStrike does not say",
                                                     [FEED_INTUNE] = "Intune does not say"};

    for (size_t i = 0; i < r->count; i++) {
        const struct feed_value *from = &r->at[i];
        bool told = from->kind != VALUE_NONE && r->seen_at != 0; /* of no age: never a pass */
        struct fact_value *to = &out[i].value;
        out[i].signal = from->signal;
        *to = (struct fact_value){.source = vendor_of(v)->source,
                                  .assurance = ASSURANCE_VENDOR,
                                  .observed_at = told ? num_min(r->seen_at, now) : now,
                                  .expires_at = num_add_sat(now, ttl)};
        if (told) {
            to->kind = from->kind;
            to->pass = from->pass;
            to->number = from->number;
            to->text = from->text;
        } else {
            to->detail = silent[v];
        }
    }
}

/* What came of one answer. */
struct taking {
    struct feed_unjoined *unjoined; /* owned */
    size_t unjoined_count, not_joined, joined, changed;
};

static void note_unjoined(struct taking *t, const struct feed_record *r, enum join_result why)
{
    t->not_joined++;
    if (t->unjoined_count == FEED_UNJOINED_MAX)
        return;
    struct feed_unjoined *u = &t->unjoined[t->unjoined_count++];
    memcpy(u->id, r->id, sizeof u->id);
    memcpy(u->serial, r->serial, sizeof u->serial);
    u->why = why;
}

static sp_error take_records(struct feeds *f, enum feed_vendor v,
                             const struct feed_records *records, const struct join *joins,
                             struct taking *t)
{
    sp_unix_ms now = clock_unix();
    int64_t ttl = f->slots[v].row.ttl_ms;
    sp_error e = SP_OK;

    for (size_t i = 0; e == SP_OK && i < records->count; i++) {
        struct posture_said said[FEED_VALUES_MAX];
        bool changed = false;
        if (joins[i].result != JOIN_DONE) {
            note_unjoined(t, &records->at[i], joins[i].result);
            continue;
        }
        make_values(&records->at[i], v, now, ttl, said);
        e = judge_take(f->judge, joins[i].device, said, records->at[i].count, &changed);
        t->joined++;
        t->changed += changed;
        if (e == SP_OK && feeds_ending(f))
            e = SP_ERR_CANCELLED;
    }
    return e;
}

static sp_error join_and_take(struct feeds *f, enum feed_vendor v,
                              const struct feed_records *records, struct taking *t)
{
    struct join_devices devices = {0};
    struct join *joins = NULL;
    sp_error e = SP_ERR_NOMEM;

    t->unjoined = calloc(FEED_UNJOINED_MAX, sizeof *t->unjoined);
    if (t->unjoined != NULL && (e = load_state(f, ROW_DEVICE_APPROVED, &devices)) == SP_OK &&
        (e = load_state(f, ROW_DEVICE_PENDING, &devices)) == SP_OK &&
        (e = join_all(&devices, records, &joins)) == SP_OK)
        e = take_records(f, v, records, joins, t);
    free(joins);
    join_devices_free(&devices);
    return e;
}

/* ---- how it went -------------------------------------------------------------------------- */

struct marking {
    const struct store_services *s;
    struct feed_row row;
    bool flipped;
    struct audit_record record;
};

static sp_error mark_row(struct store_tx *tx, void *arg)
{
    struct marking *m = arg;
    sp_error e = m->s->feeds->mark(tx, &m->row);

    return e == SP_OK && m->flipped ? audit_append(tx, m->s, &m->record) : e;
}

static void next_row(struct feed_row *row, const struct feed_outcome *o, const struct taking *t)
{
    sp_unix_ms now = clock_unix();
    bool good = o->error == SP_OK;

    row->tried_at = now;
    row->failures = good ? 0 : row->failures + 1;
    row->failing_since = good ? 0 : row->failing_since != 0 ? row->failing_since : now;
    if (good) {
        row->ok_at = now;
        row->records = (int64_t)o->records;
        row->joined = (int64_t)t->joined;
    }
    view_copy(row->result, sizeof row->result, view_str(o->text));
    const struct feed_pace pace = {.interval_ms = row->interval_ms,
                                   .failures = row->failures > 60 ? 60 : (unsigned)row->failures,
                                   .retry_after_s = o->retry_after_s};
    row->next_at = schedule_next(&pace, now, (unsigned)random_below(1000));
}

/* Keeps the new state, with an audit record where a feed begins or ceases to fail. */
static void keep_state(struct feeds *f, enum feed_vendor v, const struct feed_outcome *o,
                       struct taking *t)
{
    struct slot *s = &f->slots[v];
    struct marking m = {.s = f->services};

    pthread_mutex_lock(&f->lock); /* another thread may move when it is asked next */
    m.row = s->row;
    pthread_mutex_unlock(&f->lock);
    bool failed = m.row.failing_since != 0;
    next_row(&m.row, o, t);
    m.flipped = (m.row.failing_since != 0) != failed;
    m.record = (struct audit_record){.event = AUDIT_FEED_STATE,
                                     .result = o->error == SP_OK ? AUDIT_OK : AUDIT_ERROR,
                                     .actor_kind = AUDIT_ACTOR_SYSTEM,
                                     .actor_name = "broker",
                                     .object_kind = "feed",
                                     .object_name = m.row.name,
                                     .text = o->error == SP_OK ? "works again" : m.row.result};
    sp_error e = store_commit(f->store, mark_row, &m);
    if (e != SP_OK)
        log_event(LOG_ERROR, "feed.state", sp_error_text(e), "feed", m.row.name, NULL);
    log_event(o->error == SP_OK ? LOG_INFO : LOG_WARN, "feed.sync", m.row.result, "feed",
              m.row.name, NULL);
    pthread_mutex_lock(&f->lock);
    s->row = m.row;
    s->not_before = o->error != SP_OK && o->retry_after_s > 0 ? m.row.next_at : 0;
    if (s->again && s->not_before == 0)
        s->row.next_at = m.row.tried_at;
    s->again = false;
    if (o->error == SP_OK) {
        free(s->unjoined);
        s->unjoined = t->unjoined;
        s->unjoined_count = t->unjoined_count;
        s->not_joined = t->not_joined;
        t->unjoined = NULL;
    }
    pthread_mutex_unlock(&f->lock);
}

void sync_run(struct feeds *f, enum feed_vendor v)
{
    struct feed_account account;
    struct feed_records records = {0};
    struct feed_outcome o = {0};
    struct taking t = {0};
    const struct feed_pull p = {
        .client = f->client, .account = &account, .stop = feeds_ending, .arg = f};

    slot_account(&f->slots[v], v, &account);
    sp_error e = feed_pull(&p, &records, &o);
    if (e == SP_OK && (e = join_and_take(f, v, &records, &t)) != SP_OK) {
        o.error = e;
        snprintf(o.text, sizeof o.text, "Feed %s was read, but not all of it was kept: %s.",
                 vendor_of(v)->name, sp_error_text(e));
    } else if (e == SP_OK) {
        snprintf(o.text, sizeof o.text, "%zu device%s: %zu joined, %zu not", o.records,
                 o.records == 1 ? "" : "s", t.joined, t.not_joined);
    }
    if (e != SP_ERR_CANCELLED)
        keep_state(f, v, &o, &t);
    free(t.unjoined);
    feed_records_free(&records);
}
