#include "broker/api/figures.h"

#include "broker/api/call.h"
#include "broker/policy/decide.h"

#include "broker/audit/record.h"

#include <pthread.h>
#include <stdlib.h>

enum { HOUR_MS = 3600 * 1000, KEPT_FOR = 20 /* times what the count took */ };

struct figures {
    struct store *st;
    pthread_mutex_t lock;
    pthread_cond_t counted;
    bool counting;
    struct posture_tally tally;
    int64_t counted_us, good_for_us; /* of the boot clock; 0: never */
};

struct hour {
    int64_t opened, denied;
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
    pthread_mutex_init(&f->lock, NULL); /* cannot fail with default attributes on Linux */
    pthread_cond_init(&f->counted, NULL);
    f->st = st;
    *out = f;
    return SP_OK;
}

void figures_free(struct figures *f)
{
    if (f == NULL)
        return;
    pthread_cond_destroy(&f->counted);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* ---- devices ---- */

/* Nobody waits for a count that another request is making, but for the first one. */
sp_error figures_devices(struct figures *f, struct judge *judge, sp_unix_ms now,
                         struct posture_tally *out)
{
    struct posture_tally fresh;
    sp_error e = SP_OK;

    pthread_mutex_lock(&f->lock);
    int64_t began = clock_boot_us();
    bool mine = !f->counting && (f->counted_us == 0 || began - f->counted_us > f->good_for_us);
    f->counting = f->counting || mine;
    while (f->counting && !mine && f->counted_us == 0)
        pthread_cond_wait(&f->counted, &f->lock);
    *out = f->tally;
    bool some = f->counted_us != 0;
    pthread_mutex_unlock(&f->lock);
    if (!mine)
        return some ? SP_OK : SP_ERR_BUSY; /* the count that was waited for failed */
    e = judge_tally(judge, now, &fresh);
    pthread_mutex_lock(&f->lock);
    f->counting = false;
    if (e == SP_OK) {
        *out = f->tally = fresh;
        f->counted_us = clock_boot_us();
        f->good_for_us = (f->counted_us - began) * KEPT_FOR;
    }
    pthread_cond_broadcast(&f->counted);
    pthread_mutex_unlock(&f->lock);
    return e;
}

/* ---- the last day ---- */

struct counted {
    size_t reason;
    int64_t count;
};

/* The last hours, from the counters that the lane keeps. */
struct day {
    sp_unix_ms from; /* of the first hour */
    struct hour hours[FIGURES_HOURS];
    struct counted reasons[REASONS];
    int64_t opened, denied;
};

static bool count_hour(void *arg, const struct hour_row *row)
{
    struct day *d = arg;
    int64_t i = (row->from - d->from) / HOUR_MS;

    if (i < 0 || i >= FIGURES_HOURS)
        return true;
    if (row->code == audit_code_number(AUDIT_SESSION_OPEN, AUDIT_OK)) {
        d->hours[i].opened += row->count;
        d->opened += row->count;
    }
    if (row->code != audit_code_number(AUDIT_SESSION_DENY, AUDIT_DENIED))
        return true;
    d->hours[i].denied += row->count;
    d->denied += row->count;
    for (size_t k = 0; k < REASONS; k++)
        if (strcmp(row->reason, reason_word(reasons[k].reason)) == 0)
            d->reasons[k].count += row->count;
    return true;
}

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
    struct day d = {.from = now - now % HOUR_MS - (FIGURES_HOURS - 1) * (int64_t)HOUR_MS};
    struct json *hours;

    for (size_t i = 0; i < REASONS; i++)
        d.reasons[i].reason = i;
    sp_error e = store_services(f->st)->audit->hours(f->st, d.from, count_hour, &d);
    if (e != SP_OK)
        return e;
    hours = json_array();
    for (int64_t i = 0; i < FIGURES_HOURS; i++) {
        struct json *o = json_object();
        json_set_time(o, "from", d.from + i * HOUR_MS);
        json_set_int(o, "opened", d.hours[i].opened);
        json_set_int(o, "denied", d.hours[i].denied);
        json_push(hours, o);
    }
    qsort(d.reasons, REASONS, sizeof *d.reasons, most_first);
    json_set_int(out, "opened_24h", d.opened);
    json_set_int(out, "denied_24h", d.denied);
    json_set(out, "hours", hours);
    json_set(out, "reasons", reasons_of(d.reasons));
    return SP_OK;
}
