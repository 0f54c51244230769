#include "broker/policy/tests.h"

#include <stdlib.h>

static void shift(sp_unix_ms *t, sp_unix_ms by)
{
    *t += by;
}

/* A row without `at` was read with ages that count back from 0: move all its times to `now`. The
 * copies of the values are the caller's. */
static void move_to(struct facts *f, sp_unix_ms now, struct fact_signal *signals,
                    struct fact_value *values)
{
    size_t n = 0;

    f->now = f->mfa_now = now;
    if (f->access_until != 0)
        shift(&f->access_until, now);
    for (size_t i = 0; i < f->proof_count; i++)
        shift(&f->proofs[i].at, now);
    for (size_t i = 0; i < f->signal_count; i++) {
        signals[i] = f->signals[i];
        signals[i].values = &values[n];
        for (size_t k = 0; k < signals[i].count; k++, n++) {
            values[n] = f->signals[i].values[k];
            shift(&values[n].observed_at, now);
            shift(&values[n].expires_at, now);
        }
    }
    f->signals = signals;
}

static void take_app(struct facts *f, const struct lint_app *apps, size_t count)
{
    f->app_exists = f->label_count > 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(apps[i].name, f->app) == 0) {
            f->app_exists = true;
            if (f->label_count == 0) {
                f->labels = apps[i].labels;
                f->label_count = apps[i].label_count;
            }
        }
}

static sp_error run(const struct policy_doc *doc, const struct policy_test *t,
                    const struct lint_app *apps, size_t app_count, sp_unix_ms now,
                    struct sp_why *why)
{
    struct facts f = *t->facts;
    size_t values = 1;

    for (size_t i = 0; i < f.signal_count; i++)
        values += f.signals[i].count;
    struct fact_signal *moved = calloc(f.signal_count + 1, sizeof *moved);
    struct fact_value *copies = calloc(values, sizeof *copies);
    if (moved == NULL || copies == NULL) {
        free(moved);
        free(copies);
        return SP_ERR_NOMEM;
    }
    if (f.now == 0)
        move_to(&f, now, moved, copies);
    take_app(&f, apps, app_count);
    struct decision d = decide(doc, NULL, &f);
    free(moved);
    free(copies);
    if (d.verdict == t->expect && (t->reason == REASON_ERROR || d.reason == t->reason))
        return SP_OK;
    sp_why_place(why, t->line, 0);
    return sp_why_say(why, SP_ERR_INVALID,
                      "the test of %s on %s expects %s%s%s, but the decision is %s (%s%s%s%s)",
                      f.user == NULL ? "nobody" : f.user, f.app, verdict_word(t->expect),
                      t->reason == REASON_ERROR ? "" : " ",
                      t->reason == REASON_ERROR ? "" : reason_word(t->reason),
                      verdict_word(d.verdict), reason_word(d.reason), d.rule == NULL ? "" : " ",
                      d.policy == NULL ? "" : d.policy->name, d.rule == NULL ? "" : "/…");
}

sp_error policy_tests_run(const struct policy_doc *doc, const struct lint_app *apps,
                          size_t app_count, sp_unix_ms now, struct sp_why *why)
{
    for (size_t i = 0; i < doc->test_count; i++) {
        sp_error e = run(doc, &doc->tests[i], apps, app_count, now, why);
        if (e != SP_OK) {
            sp_why_field(why, "tests[%zu]", i);
            return e;
        }
    }
    return SP_OK;
}
