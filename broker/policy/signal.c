/* Facts with several sources: ECOSYSTEM.md section 1.3. */
#include "broker/policy/decide.h"

#include <stdlib.h>

static int by_name(const void *key, const void *item)
{
    return strcmp(key, ((const struct fact_signal *)item)->name);
}

static const struct fact_signal *find(const struct facts *f, const char *name)
{
    if (f->signal_count == 0)
        return NULL;
    return bsearch(name, f->signals, f->signal_count, sizeof *f->signals, by_name);
}

static bool exists(const struct fact_value *v, const struct facts *f)
{
    return v->kind != VALUE_NONE && f->now < v->expires_at;
}

static bool qualifies(const struct signal_test *t, const struct fact_value *v,
                      const struct facts *f)
{
    return exists(v, f) && v->assurance >= t->assurance && v->observed_at <= f->now &&
           (t->max_age_ms == 0 || f->now - v->observed_at <= t->max_age_ms);
}

/* Higher assurance, then newer, then by name of the source: never by order. */
static bool better(const struct fact_value *a, const struct fact_value *b)
{
    if (b == NULL || a->assurance != b->assurance)
        return b == NULL || a->assurance > b->assurance;
    if (a->observed_at != b->observed_at)
        return a->observed_at > b->observed_at;
    return strcmp(a->source, b->source) < 0;
}

static bool is_valued(const struct fact_value *v)
{
    return v->kind == VALUE_NUMBER || v->kind == VALUE_TEXT;
}

static const struct fact_value *best(const struct signal_test *t, const struct fact_signal *s,
                                     const struct facts *f)
{
    const struct fact_value *found = NULL;

    for (size_t i = 0; i < s->count; i++)
        if (is_valued(&s->values[i]) && qualifies(t, &s->values[i], f) &&
            better(&s->values[i], found))
            found = &s->values[i];
    return found;
}

/* Any existing fail, however old or weak, before a qualifying pass (TM-11). */
static enum tri pass_or_fail(const struct signal_test *t, const struct fact_signal *s,
                             const struct facts *f, const struct fact_value **which)
{
    enum tri state = TRI_UNKNOWN;

    for (size_t i = 0; i < s->count; i++) {
        const struct fact_value *v = &s->values[i];
        if (v->kind != VALUE_PASS_FAIL)
            continue;
        bool fails = !v->pass && exists(v, f);
        bool passes = v->pass && qualifies(t, v, f);
        if (fails && (state != TRI_NO || better(v, *which))) {
            state = TRI_NO;
            *which = v;
        } else if (passes && state != TRI_NO && (state == TRI_UNKNOWN || better(v, *which))) {
            state = TRI_YES;
            *which = v;
        }
    }
    return state;
}

enum { VERSION_PARTS = 8 };

/* "6.1.0-18-amd64" is 6, 1, 0: numbers joined by dots, until something else comes. False: it does
 * not begin with a number. */
static bool version_parts(const char *text, uint64_t parts[VERSION_PARTS])
{
    memset(parts, 0, VERSION_PARTS * sizeof *parts);
    if (*text < '0' || *text > '9')
        return false;
    for (size_t n = 0; n < VERSION_PARTS && *text >= '0' && *text <= '9'; n++) {
        for (; *text >= '0' && *text <= '9'; text++)
            if (parts[n] < UINT64_MAX / 100)
                parts[n] = parts[n] * 10 + (uint64_t)(*text - '0');
        if (*text == '.')
            text++;
    }
    return true;
}

static enum tri version_at_least(const char *value, const char *bound)
{
    uint64_t a[VERSION_PARTS], b[VERSION_PARTS];

    if (!version_parts(value, a) || !version_parts(bound, b))
        return TRI_UNKNOWN;
    for (size_t i = 0; i < VERSION_PARTS; i++)
        if (a[i] != b[i])
            return a[i] > b[i] ? TRI_YES : TRI_NO;
    return TRI_YES;
}

static enum tri at_least(const struct fact_value *v, const struct test_value *bound, bool reversed)
{
    if (v->kind == VALUE_NUMBER && bound->kind == VALUE_NUMBER)
        return (reversed ? v->number <= bound->number : v->number >= bound->number) ? TRI_YES
                                                                                    : TRI_NO;
    if (v->kind != VALUE_TEXT)
        return TRI_UNKNOWN; /* a number is no version */
    return reversed ? version_at_least(bound->text, v->text)
                    : version_at_least(v->text, bound->text);
}

static enum tri equals(const struct fact_value *v, const struct test_value *want)
{
    if (v->kind == VALUE_NUMBER && want->kind == VALUE_NUMBER)
        return v->number == want->number ? TRI_YES : TRI_NO;
    if (v->kind == VALUE_TEXT)
        return strcmp(v->text, want->text) == 0 ? TRI_YES : TRI_NO;
    return TRI_UNKNOWN;
}

static enum tri compare(const struct signal_test *t, const struct fact_value *v)
{
    enum tri holds = TRI_NO;

    switch (t->op) {
    case TEST_AT_LEAST:
        return at_least(v, &t->values[0], false);
    case TEST_AT_MOST:
        return at_least(v, &t->values[0], true);
    case TEST_EQUALS:
    case TEST_ONE_OF:
        for (size_t i = 0; i < t->count; i++) {
            enum tri one = equals(v, &t->values[i]);
            holds = one > holds ? one : holds;
        }
        return holds;
    case TEST_IS:
        break;
    }
    return TRI_UNKNOWN;
}

enum tri signal_test_value(const struct signal_test *t, const struct facts *f)
{
    const struct fact_signal *s = find(f, t->signal);
    const struct fact_value *v = NULL;

    if (s == NULL)
        return TRI_UNKNOWN;
    if (t->op == TEST_IS) {
        enum tri passes = pass_or_fail(t, s, f, &v);
        return t->values[0].pass ? passes : (enum tri)(-passes);
    }
    v = best(t, s, f);
    return v == NULL ? TRI_UNKNOWN : compare(t, v);
}

static const struct fact_value *newest(const struct fact_signal *s, bool with_value)
{
    const struct fact_value *v = NULL;

    for (size_t i = 0; i < s->count; i++)
        if ((s->values[i].kind != VALUE_NONE) == with_value &&
            (v == NULL || s->values[i].observed_at > v->observed_at))
            v = &s->values[i];
    return v;
}

const struct fact_value *signal_test_evidence(const struct signal_test *t, const struct facts *f)
{
    const struct fact_signal *s = find(f, t->signal);
    const struct fact_value *v = NULL;

    if (s == NULL)
        return NULL;
    if (t->op != TEST_IS)
        v = best(t, s, f);
    else if (pass_or_fail(t, s, f, &v) == TRI_UNKNOWN)
        v = NULL;
    if (v == NULL && (v = newest(s, true)) == NULL)
        v = newest(s, false);
    return v; /* none decides: the newest, as it is; before a source that could not tell, one that
                 could */
}
