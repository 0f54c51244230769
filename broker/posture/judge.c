#include "broker/posture/judge_internal.h"

#include "lib/base/map.h"
#include "lib/crypto/random.h"
#include "lib/trust/report.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct judge {
    struct store *st; /* borrowed */
    pthread_mutex_t lock;
    struct map devices; /* id to struct device_values, owned */
    bool holds_all;
    uint64_t accepted, refused;
};

sp_error judge_new(struct store *st, struct judge **out)
{
    struct judge *j = calloc(1, sizeof *j);

    if (j == NULL)
        return SP_ERR_NOMEM;
    j->st = st;
    pthread_mutex_init(&j->lock, NULL); /* cannot fail with default attributes on Linux */
    *out = j;
    return SP_OK;
}

void judge_free(struct judge *j)
{
    struct device_values *d;
    size_t at = 0;

    if (j == NULL)
        return;
    while ((d = map_next(&j->devices, &at, NULL)) != NULL)
        values_free(d);
    map_deinit(&j->devices);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

/* The device's values, from the store at first sight; the lock is held. */
sp_error judge_find(struct judge *j, struct sp_id device, struct device_values **out)
{
    struct device_values *d = map_get(&j->devices, device);
    sp_error e;

    if (d != NULL) {
        *out = d;
        return SP_OK;
    }
    if ((d = calloc(1, sizeof *d)) == NULL)
        return SP_ERR_NOMEM;
    d->device = device;
    if ((e = values_load(j->st, d)) != SP_OK || (e = map_put(&j->devices, device, d)) != SP_OK) {
        values_free(d);
        return e;
    }
    *out = d;
    return SP_OK;
}

struct device_values *judge_held(struct judge *j, struct sp_id device)
{
    return map_get(&j->devices, device);
}

struct store *judge_lock(struct judge *j)
{
    pthread_mutex_lock(&j->lock);
    return j->st;
}

void judge_unlock(struct judge *j)
{
    pthread_mutex_unlock(&j->lock);
}

bool *judge_holds_all(struct judge *j)
{
    return &j->holds_all;
}

sp_error judge_nonce(struct judge *j, struct sp_id device, uint8_t nonce[POSTURE_NONCE_BYTES])
{
    struct device_values *d = NULL;

    pthread_mutex_lock(&j->lock);
    sp_error e = judge_find(j, device, &d);
    if (e == SP_OK) {
        random_bytes(d->nonce, sizeof d->nonce);
        d->nonce_at = clock_boot();
        d->nonce_open = true;
        memcpy(nonce, d->nonce, sizeof d->nonce);
    }
    pthread_mutex_unlock(&j->lock);
    return e;
}

/* TM-11: fresh nonce, used once; a sequence that rises within one boot of the machine. */
static sp_error check_fresh(struct device_values *d, const struct report *r)
{
    if (!d->nonce_open || memcmp(d->nonce, r->nonce, sizeof d->nonce) != 0)
        return SP_ERR_REPLAY;
    d->nonce_open = false;
    if (clock_boot() - d->nonce_at > POSTURE_NONCE_MS)
        return SP_ERR_EXPIRED;
    if (d->has_boot && id_equal(d->boot, r->boot) && r->sequence <= d->sequence)
        return SP_ERR_REPLAY;
    d->boot = r->boot;
    d->has_boot = true;
    d->sequence = r->sequence;
    return SP_OK;
}

/* The source's words, cut between characters. */
static void copy_words(char *out, size_t size, struct view words)
{
    size_t n = words.len < size ? words.len : size - 1;

    while (n > 0 && n < words.len && (words.at[n] & 0xc0) == 0x80)
        n--;
    view_copy(out, size, view_slice(words, 0, n));
}

/* A value as the policy sees it. Its clock is the device's: what lies ahead of ours is now. */
static struct held_value from_report(const struct report_signal *s, sp_unix_ms now)
{
    struct held_value v = {.kind = VALUE_NONE};
    struct view text = json_str(s->value);
    int64_t n = 0;

    (void)snprintf(v.name, sizeof v.name, "%s", s->name);
    (void)snprintf(v.source, sizeof v.source, "agent");
    v.assurance = s->assurance == REPORT_SIGNED ? ASSURANCE_SIGNED : ASSURANCE_SELF;
    v.observed_at = s->at > now ? now : s->at;
    v.expires_at = num_expiry(v.observed_at, POSTURE_TTL_MS);
    copy_words(v.detail, sizeof v.detail, s->why);
    if (!s->known)
        return v;
    if (view_is(text, "pass") || view_is(text, "fail")) {
        v.kind = VALUE_PASS_FAIL;
        v.pass = view_is(text, "pass");
    } else if (json_kind(s->value) == JSON_STRING) {
        v.kind = VALUE_TEXT;
        (void)snprintf(v.text, sizeof v.text, "%.*s", VIEW_ARG(text));
    } else if (json_integer(s->value, &n)) {
        v.kind = VALUE_NUMBER;
        v.number = (double)n;
    } else if (json_kind(s->value) == JSON_BOOL) {
        v.kind = VALUE_TEXT;
        (void)snprintf(v.text, sizeof v.text, "%s", json_is_true(s->value) ? "true" : "false");
    }
    return v;
}

/* A device that names others in each report fills its own share only, not what is a vendor's. */
static bool has_room(const struct device_values *d, const struct held_value *v)
{
    size_t n = 0;

    for (size_t i = 0; i < d->count; i++) {
        if (strcmp(d->at[i].source, v->source) != 0)
            continue;
        if (strcmp(d->at[i].name, v->name) == 0)
            return true;
        n++;
    }
    return n < HELD_A_SOURCE;
}

/* What the agent could not tell replaces what it knew: unknown ends a pass (ZT-5). */
static sp_error take_signals(struct device_values *d, const struct report *r, sp_unix_ms now,
                             bool *changed)
{
    sp_error e = SP_OK;

    for (size_t i = 0; i < r->count && e == SP_OK; i++) {
        struct held_value v = from_report(&r->signals[i], now);
        e = has_room(d, &v) ? values_set(d, &v, changed) : SP_ERR_LIMIT;
    }
    return e;
}

sp_error judge_report(struct judge *j, const struct posture_sent *sent, sp_unix_ms now,
                      struct posture_answer *out)
{
    struct device_values *d = NULL;
    struct report r = {0};
    bool changed = false;
    sp_unix_ms until = 0;
    sp_error e = report_verify(sent->report, &sent->key, sent->sig, &r);

    pthread_mutex_lock(&j->lock);
    if (e == SP_OK && (e = judge_find(j, sent->device, &d)) == SP_OK &&
        (e = check_fresh(d, &r)) == SP_OK && (e = take_signals(d, &r, now, &changed)) == SP_OK) {
        *out = (struct posture_answer){.sequence = (uint64_t)r.sequence, .changed = changed};
        values_verdicts(d, now, out);
    }
    j->accepted += e == SP_OK;
    j->refused += e != SP_OK;
    struct buf row;
    buf_init(&row, 64 * 1024);
    if (e == SP_OK && changed)
        until = values_write(d, &row);
    pthread_mutex_unlock(&j->lock);
    if (e == SP_OK && changed)
        e = values_store(j->st, sent->device, &row, now, until);
    buf_deinit(&row);
    report_deinit(&r);
    return e;
}

static struct held_value from_source(const struct posture_said *s)
{
    const struct fact_value *f = &s->value;
    struct held_value v = {.kind = f->kind,
                           .pass = f->pass,
                           .number = f->number,
                           .assurance = f->assurance,
                           .observed_at = f->observed_at,
                           .expires_at = f->expires_at};

    view_copy(v.name, sizeof v.name, view_str(s->signal));
    view_copy(v.source, sizeof v.source, view_str(f->source));
    copy_words(v.text, sizeof v.text, view_str(f->text == NULL ? "" : f->text));
    copy_words(v.detail, sizeof v.detail, view_str(f->detail == NULL ? "" : f->detail));
    return v;
}

/* The lock is held. Whether the row is to be written. */
static bool worth_keeping(struct device_values *d, bool changed)
{
    sp_boot_ms now = clock_boot();

    if (!changed && d->kept_at != 0 && now - d->kept_at < POSTURE_KEEP_MS)
        return false;
    d->kept_at = now;
    return true;
}

sp_error judge_take(struct judge *j, struct sp_id device, const struct posture_said *said,
                    size_t count, bool *changed)
{
    struct device_values *d = NULL;
    bool news = false, keep = false;
    sp_unix_ms until = 0;
    struct buf row;

    buf_init(&row, 64 * 1024);
    pthread_mutex_lock(&j->lock);
    sp_error e = judge_find(j, device, &d);
    if (e == SP_OK && d->count + count > HELD_MAX)
        e = SP_ERR_LIMIT;
    for (size_t i = 0; e == SP_OK && i < count; i++) {
        struct held_value v = from_source(&said[i]);
        e = values_set(d, &v, &news);
    }
    if (e == SP_OK && (keep = worth_keeping(d, news)))
        until = values_write(d, &row);
    pthread_mutex_unlock(&j->lock);
    if (e == SP_OK && keep)
        e = values_store(j->st, device, &row, clock_unix(), until);
    buf_deinit(&row);
    *changed = news;
    return e;
}

sp_error judge_signals(struct judge *j, struct sp_id device, struct judge_signals *out)
{
    struct device_values *d = NULL;

    pthread_mutex_lock(&j->lock);
    sp_error e = judge_find(j, device, &d);
    if (e == SP_OK)
        e = values_freeze(d, out);
    pthread_mutex_unlock(&j->lock);
    return e;
}

void judge_signals_free(struct judge_signals *s)
{
    free(s->memory);
    *s = (struct judge_signals){0};
}

void judge_drop(struct judge *j, struct sp_id device)
{
    pthread_mutex_lock(&j->lock);
    values_free(map_remove(&j->devices, device));
    pthread_mutex_unlock(&j->lock);
}

struct judge_health judge_health(const struct judge *j)
{
    struct judge *mine = (struct judge *)(uintptr_t)j; /* the lock is no part of its value */

    pthread_mutex_lock(&mine->lock);
    struct judge_health h = {j->accepted, j->refused, map_len(&j->devices)};
    pthread_mutex_unlock(&mine->lock);
    return h;
}
