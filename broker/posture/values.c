#include "broker/posture/judge_internal.h"

#include "broker/policy/decide.h"
#include "lib/base/encode.h"

#include <stdio.h>
#include <stdlib.h>

void values_free(struct device_values *d)
{
    if (d == NULL)
        return;
    free(d->at);
    free(d);
}

static int compare(const struct held_value *a, const struct held_value *b)
{
    int by_name = strcmp(a->name, b->name);
    return by_name != 0 ? by_name : strcmp(a->source, b->source);
}

/* Where (name, source) stands or would stand. */
static size_t place(const struct device_values *d, const struct held_value *v, bool *there)
{
    size_t i = 0;

    while (i < d->count && compare(&d->at[i], v) < 0)
        i++;
    *there = i < d->count && compare(&d->at[i], v) == 0;
    return i;
}

static sp_error make_room(struct device_values *d, size_t i)
{
    if (d->count == HELD_MAX)
        return SP_ERR_LIMIT;
    if (d->count == d->cap) {
        size_t cap = d->cap == 0 ? 16 : d->cap * 2;
        struct held_value *more = realloc(d->at, cap * sizeof *more);
        if (more == NULL)
            return SP_ERR_NOMEM;
        d->at = more;
        d->cap = cap;
    }
    memmove(&d->at[i + 1], &d->at[i], (d->count - i) * sizeof *d->at);
    d->count++;
    return SP_OK;
}

static bool says_the_same(const struct held_value *a, const struct held_value *b)
{
    return a->kind == b->kind && a->pass == b->pass && a->number == b->number &&
           a->assurance == b->assurance && strcmp(a->text, b->text) == 0;
}

sp_error values_set(struct device_values *d, const struct held_value *v, bool *changed)
{
    bool there = false;
    size_t i = place(d, v, &there);

    /* A value that had expired says something new when it comes again, however long ago its source
     * saw it. */
    bool same = there && says_the_same(&d->at[i], v) && d->at[i].expires_at > clock_unix();
    if (!there) {
        sp_error e = make_room(d, i);
        if (e != SP_OK)
            return e;
    }
    d->at[i] = *v;
    d->whole_until = 0;
    *changed = *changed || !same;
    return SP_OK;
}

/* ---- frozen for a decision ---- */

struct frozen {
    struct fact_signal signals[HELD_MAX];
    struct fact_value values[HELD_MAX];
    struct held_value held[]; /* names and texts stay here */
};

static struct fact_value as_fact(const struct held_value *v)
{
    return (struct fact_value){.kind = v->kind,
                               .pass = v->pass,
                               .number = v->number,
                               .text = v->text,
                               .source = v->source,
                               .detail = v->detail,
                               .assurance = v->assurance,
                               .observed_at = v->observed_at,
                               .expires_at = v->expires_at};
}

static size_t group(const struct held_value *held, size_t n, struct fact_value *values,
                    struct fact_signal *signals)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        values[i] = as_fact(&held[i]);
        if (count == 0 || strcmp(signals[count - 1].name, held[i].name) != 0)
            signals[count++] = (struct fact_signal){held[i].name, &values[i], 0};
        signals[count - 1].count++;
    }
    return count;
}

sp_error values_freeze(const struct device_values *d, struct judge_signals *out)
{
    struct frozen *f = calloc(1, sizeof *f + d->count * sizeof *f->held);

    if (f == NULL)
        return SP_ERR_NOMEM;
    if (d->count > 0)
        memcpy(f->held, d->at, d->count * sizeof *d->at);
    *out = (struct judge_signals){.signals = f->signals,
                                  .count = group(f->held, d->count, f->values, f->signals),
                                  .memory = f};
    return SP_OK;
}

/* ---- verdicts for people: as a test with no age and the default assurance would say ---- */

static void one_verdict(const struct fact_signal *s, sp_unix_ms now, struct posture_verdict *out)
{
    static const struct test_value pass = {.kind = VALUE_PASS_FAIL, .pass = true};
    const struct facts f = {.now = now, .signals = s, .signal_count = 1};
    struct signal_test t = {.signal = s->name,
                            .op = TEST_IS,
                            .values = &pass,
                            .count = 1,
                            .assurance = ASSURANCE_SIGNED};

    (void)snprintf(out->signal, sizeof out->signal, "%s", s->name);
    out->verdict = signal_test_value(&t, &f);
    for (size_t i = 0; i < s->count; i++) {
        const struct fact_value *v = &s->values[i];
        bool lives = now < v->expires_at;
        if (v->kind == VALUE_TEXT && lives) {
            out->verdict = TRI_YES;
            (void)snprintf(out->value, sizeof out->value, "%s", v->text);
        } else if (v->kind == VALUE_NUMBER && lives) {
            out->verdict = TRI_YES;
            (void)snprintf(out->value, sizeof out->value, "%.15g", v->number);
        }
    }
    if (out->value[0] == '\0')
        (void)snprintf(out->value, sizeof out->value, "%s",
                       out->verdict == TRI_YES  ? "pass"
                       : out->verdict == TRI_NO ? "fail"
                                                : "unknown");
}

void values_verdicts(const struct device_values *d, sp_unix_ms now, struct posture_answer *out)
{
    static _Thread_local struct fact_value values[HELD_MAX];
    static _Thread_local struct fact_signal signals[HELD_MAX];
    size_t n = group(d->at, d->count, values, signals);

    for (size_t i = 0; i < n && i < POSTURE_SIGNALS_MAX; i++) {
        out->at[i] = (struct posture_verdict){.verdict = TRI_UNKNOWN};
        one_verdict(&signals[i], now, &out->at[i]);
        out->count = i + 1;
    }
}

/* ---- the row ---- */

sp_unix_ms values_write(const struct device_values *d, struct buf *out)
{
    sp_unix_ms until = 0;

    buf_add_byte(out, '[');
    for (size_t i = 0; i < d->count; i++) {
        const struct held_value *v = &d->at[i];
        buf_addf(out, "%s{\"signal\":", i == 0 ? "" : ",");
        encode_json_string(view_str(v->name), out);
        buf_add_str(out, ",\"source\":");
        encode_json_string(view_str(v->source), out);
        buf_addf(out, ",\"kind\":%d,\"pass\":%s,\"number\":%.17g,\"text\":", (int)v->kind,
                 v->pass ? "true" : "false", v->number);
        encode_json_string(view_str(v->text), out);
        buf_add_str(out, ",\"detail\":");
        encode_json_string(view_str(v->detail), out);
        buf_addf(out, ",\"assurance\":%d,\"observed_at\":%lld,\"expires_at\":%lld}",
                 (int)v->assurance, (long long)v->observed_at, (long long)v->expires_at);
        until = v->expires_at > until ? v->expires_at : until;
    }
    buf_add_byte(out, ']');
    return until;
}

static sp_error read_text(const struct json *o, const char *name, char *out, size_t size)
{
    struct view v = {0};
    sp_error e = json_get_str(o, name, size - 1, &v);

    if (e == SP_OK)
        (void)snprintf(out, size, "%.*s", VIEW_ARG(v));
    return e;
}

static sp_error read_value(const struct json *o, struct held_value *v)
{
    int64_t kind = 0, assurance = 0;
    sp_error e;

    if ((e = read_text(o, "signal", v->name, sizeof v->name)) != SP_OK ||
        (e = read_text(o, "source", v->source, sizeof v->source)) != SP_OK ||
        (e = read_text(o, "text", v->text, sizeof v->text)) != SP_OK ||
        (json_get(o, "detail") != NULL && /* rows of before have none */
         (e = read_text(o, "detail", v->detail, sizeof v->detail)) != SP_OK) ||
        (e = json_get_int(o, "kind", VALUE_NONE, VALUE_TEXT, &kind)) != SP_OK ||
        (e = json_get_bool(o, "pass", &v->pass)) != SP_OK ||
        (e = json_get_int(o, "assurance", ASSURANCE_NONE, ASSURANCE_VENDOR, &assurance)) != SP_OK ||
        (e = json_get_int(o, "observed_at", INT64_MIN, INT64_MAX, &v->observed_at)) != SP_OK ||
        (e = json_get_int(o, "expires_at", INT64_MIN, INT64_MAX, &v->expires_at)) != SP_OK)
        return e;
    v->kind = (enum value_kind)kind;
    v->assurance = (enum assurance)assurance;
    return json_number(json_get(o, "number"), &v->number) ? SP_OK : SP_ERR_MALFORMED;
}

sp_error values_read(struct view row, struct device_values *d)
{
    struct json *list = NULL;
    bool changed = false;
    sp_error e = json_parse(row, 1 << 20, NULL, &list);

    for (size_t i = 0; e == SP_OK && i < json_len(list); i++) {
        struct held_value v = {.kind = VALUE_NONE};
        if ((e = read_value(json_at(list, i), &v)) == SP_OK)
            e = values_set(d, &v, &changed);
    }
    json_free(list);
    return e == SP_OK || e == SP_ERR_NOMEM ? e : SP_ERR_CORRUPT;
}

struct loading {
    struct device_values *d;
    sp_error e;
};

static bool on_row(void *arg, struct view text)
{
    struct loading *l = arg;

    l->e = values_read(text, l->d);
    return false;
}

sp_error values_load(struct store *st, struct device_values *d)
{
    struct loading l = {d, SP_OK};
    struct posture_row row;
    sp_error e = store_services(st)->registry->posture_text(st, d->device, &row, on_row, &l);

    if (e == SP_ERR_NOT_FOUND)
        return SP_OK;
    return e != SP_OK ? e : l.e;
}

struct writing {
    const struct store_services *s;
    struct posture_row row;
};

static sp_error write_row(struct store_tx *tx, void *arg)
{
    struct writing *w = arg;
    return w->s->registry->posture_put(tx, &w->row);
}

sp_error values_store(struct store *st, struct sp_id device, const struct buf *row, sp_unix_ms now,
                      sp_unix_ms until)
{
    struct writing w = {store_services(st),
                        {.device = device, .verdicts = buf_view(row), .at = now, .until = until}};
    sp_error e = buf_error(row);

    return e != SP_OK ? e : store_commit(st, write_row, &w);
}
