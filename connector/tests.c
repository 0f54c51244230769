#include "connector/tests.h"

#include "lib/base/log.h"
#include "lib/proto/registry.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

struct test {
    struct probe *probe;     /* owned; NULL: the place is free */
    struct channel *channel; /* that asked; gone before the probe: tests_forget */
    int64_t re;
};

enum { ROUND_AT_ONCE = 4 };

/* One of a round's probes. */
struct lap {
    struct tests *tests;
    struct probe *probe; /* owned; NULL: none */
};

struct tests {
    struct probe_room room;
    struct test places[TESTS_MAX];
    struct lap laps[ROUND_AT_ONCE];
    size_t round_at; /* in the records */
    bool round_over; /* nothing more to begin */
    sp_unix_ms round_now;
};

sp_error tests_new(const struct probe_room *room, struct tests **out)
{
    struct tests *t = calloc(1, sizeof *t);

    if (t == NULL)
        return SP_ERR_NOMEM;
    t->room = *room;
    t->round_over = true;
    *out = t;
    return SP_OK;
}

void tests_forget(struct tests *t)
{
    for (size_t i = 0; i < TESTS_MAX; i++) {
        probe_cancel(t->places[i].probe);
        t->places[i] = (struct test){0};
    }
}

void tests_free(struct tests *t)
{
    if (t == NULL)
        return;
    tests_forget(t);
    for (size_t i = 0; i < ROUND_AT_ONCE; i++)
        probe_cancel(t->laps[i].probe);
    free(t);
}

static void on_tested(void *arg, const struct probe_result *r)
{
    struct test *t = arg;
    char floor[160] = "ok";
    struct address_text address = address_text(&r->address);
    struct app_test_answer answer = {.ms = r->ms};
    sp_error e;

    if (r->resolved)
        answer.address = view_str(address.s);
    if (r->resolved && r->verdict.why != FLOOR_ALLOWED)
        snprintf(floor, sizeof floor, r->verdict.line > 0 ? "%s (line %u)" : "%s",
                 floor_why_text(r->verdict.why), r->verdict.line);
    answer.floor = view_str(floor);
    if (r->error != NULL)
        answer.failed = view_str(r->error);
    e = channel_answer(t->channel, t->re, fields_write(app_test_answer_fields, &answer));
    *t = (struct test){0}; /* no longer pending */
    if (e != SP_OK)
        log_event(LOG_WARN, "app.test", sp_error_text(e), NULL);
}

sp_error tests_ask(struct tests *t, struct channel *channel, int64_t re, struct sp_id app,
                   sp_unix_ms now)
{
    struct test *at = t->places;
    sp_error e;

    while (at < t->places + TESTS_MAX && at->probe != NULL)
        at++;
    if (at == t->places + TESTS_MAX)
        return SP_ERR_BUSY;
    *at = (struct test){.channel = channel, .re = re};
    if ((e = probe_start(&t->room, app, now, on_tested, at, &at->probe)) != SP_OK)
        *at = (struct test){0};
    return e;
}

/* ---- a round ------------------------------------------------------------------------------ */

static void run_laps(struct tests *t);

static void on_lap(void *arg, const struct probe_result *r)
{
    struct lap *lap = arg;

    (void)r; /* the record has it */
    lap->probe = NULL;
    run_laps(lap->tests);
}

static void run_laps(struct tests *t)
{
    for (size_t i = 0; i < ROUND_AT_ONCE; i++) {
        struct lap *lap = &t->laps[i];

        while (lap->probe == NULL && !t->round_over) {
            const struct record *r = map_next(&t->room.records->by_app, &t->round_at, NULL);
            t->round_over = r == NULL;
            *lap = (struct lap){.tests = t};
            if (r != NULL && !r->dropped)
                sp_ignore(probe_start(&t->room, r->app.id, t->round_now, on_lap, lap,
                                      &lap->probe)); /* a full pool leaves this app untested */
        }
    }
}

void tests_round(struct tests *t, sp_unix_ms now)
{
    if (tests_round_runs(t))
        return;
    t->round_at = 0;
    t->round_over = false;
    t->round_now = now;
    run_laps(t);
}

bool tests_round_runs(const struct tests *t)
{
    for (size_t i = 0; i < ROUND_AT_ONCE; i++)
        if (t->laps[i].probe != NULL)
            return true;
    return !t->round_over;
}
