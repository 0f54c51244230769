#include "broker/api/figures.h"

#include "broker/api/call.h"
#include "broker/policy/decide.h"

#include <pthread.h>
#include <stdlib.h>

enum { HOUR_MS = 3600 * 1000, DAY_MS = FIGURES_HOURS * HOUR_MS };

struct hour {
    int64_t number; /* since 1970; which hour this slot counts */
    int64_t opened, denied;
    int64_t reasons[FIGURES_REASONS_MAX];
};

struct figures {
    pthread_mutex_t lock;
    struct store *st;
    struct audit_row edge; /* the last record read: at, shard, seq */
    struct hour hours[FIGURES_HOURS + 1];
};

/* The reasons of a denial, with the words of the overview. */
static const struct {
    enum reason reason;
    const char *text;
} reasons[] = {
    {REASON_REQUIREMENT, "a requirement is not met"},
    {REASON_NO_ALLOW, "no allow rule is true"},
    {REASON_DENY_RULE, "a deny rule is true"},
    {REASON_NOT_VISIBLE, "no such app for this user"},
    {REASON_GROUPS_UNKNOWN, "groups could not be read"},
    {REASON_ERROR, "the decision failed"},
};
enum { REASONS = sizeof reasons / sizeof *reasons };

sp_error figures_new(struct store *st, struct figures **out)
{
    struct figures *f = calloc(1, sizeof *f);

    if (f == NULL)
        return SP_ERR_NOMEM;
    pthread_mutex_init(&f->lock, NULL);
    f->st = st;
    *out = f;
    return SP_OK;
}

void figures_free(struct figures *f)
{
    if (f == NULL)
        return;
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* The slot of an hour, emptied when it held an older one; NULL for an hour that is gone. */
static struct hour *slot(struct figures *f, sp_unix_ms at)
{
    int64_t number = at / HOUR_MS;
    struct hour *h = &f->hours[number % (FIGURES_HOURS + 1)];

    if (h->number > number)
        return NULL;
    if (h->number < number)
        *h = (struct hour){.number = number};
    return h;
}

static void count_denial(struct hour *h, const struct json *record)
{
    struct view word = json_str(json_get(json_get(record, "detail"), "reason"));

    h->denied++;
    for (size_t i = 0; i < REASONS; i++)
        if (view_is(word, reason_word(reasons[i].reason)))
            h->reasons[i]++;
}

struct record_reader {
    struct figures *f;
    size_t batch;
};

static bool read_record(void *arg, const struct audit_row *row)
{
    struct record_reader *r = arg;
    struct json *record = NULL;
    struct hour *h = slot(r->f, row->at);

    r->batch++;
    r->f->edge = (struct audit_row){.shard = row->shard, .seq = row->seq, .at = row->at};
    if (h == NULL || json_parse(row->text, AUDIT_RECORD_MAX, NULL, &record) != SP_OK)
        return true;
    struct view action = json_str(json_get(record, "action"));
    if (view_is(action, "session.open"))
        h->opened++;
    else if (view_is(action, "session.deny"))
        count_denial(h, record);
    json_free(record);
    return true;
}

/* Under the lock. */
static sp_error read_new(struct figures *f, sp_unix_ms now)
{
    const struct store_audit *audit = store_services(f->st)->audit;
    struct record_reader r = {.f = f};
    sp_error e;

    do {
        struct audit_row edge = f->edge;
        r.batch = 0;
        e = audit->page(f->st, AUDIT_OLDEST_FIRST, &edge, now - DAY_MS, INT64_MAX, STORE_PAGE_MAX,
                        read_record, &r);
    } while (e == SP_OK && r.batch == STORE_PAGE_MAX);
    return e;
}

struct counted {
    size_t reason;
    int64_t count;
};

static int most_first(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;

    return (x->count < y->count) - (x->count > y->count);
}

static struct json *reasons_of(const struct counted *counts)
{
    struct json *list = json_array();

    for (size_t i = 0; i < REASONS && counts[i].count > 0; i++) {
        struct json *o = json_object();
        json_set_cstr(o, "code", reason_word(reasons[counts[i].reason].reason));
        json_set_cstr(o, "text", reasons[counts[i].reason].text);
        json_set_int(o, "count", counts[i].count);
        json_push(list, o);
    }
    return list;
}

sp_error figures_day(struct figures *f, sp_unix_ms now, struct json *out)
{
    struct counted counts[REASONS];
    int64_t opened = 0, denied = 0, newest = now / HOUR_MS;
    struct json *hours = json_array();

    for (size_t i = 0; i < REASONS; i++)
        counts[i] = (struct counted){.reason = i};
    pthread_mutex_lock(&f->lock);
    sp_error e = read_new(f, now);
    for (int64_t n = newest - FIGURES_HOURS + 1; e == SP_OK && n <= newest; n++) {
        const struct hour *h = &f->hours[n % (FIGURES_HOURS + 1)];
        static const struct hour quiet;
        if (h->number != n)
            h = &quiet;
        struct json *o = json_object();
        json_set_time(o, "from", n * HOUR_MS);
        json_set_int(o, "opened", h->opened);
        json_set_int(o, "denied", h->denied);
        json_push(hours, o);
        opened += h->opened;
        denied += h->denied;
        for (size_t i = 0; i < REASONS; i++)
            counts[i].count += h->reasons[i];
    }
    pthread_mutex_unlock(&f->lock);
    if (e != SP_OK) {
        json_free(hours);
        return e;
    }
    qsort(counts, REASONS, sizeof *counts, most_first);
    json_set_int(out, "opened_24h", opened);
    json_set_int(out, "denied_24h", denied);
    json_set(out, "hours", hours);
    json_set(out, "reasons", reasons_of(counts));
    return SP_OK;
}
