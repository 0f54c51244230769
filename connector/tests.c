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

struct tests {
    struct probe_room room;
    struct test places[TESTS_MAX];
};

sp_error tests_new(const struct probe_room *room, struct tests **out)
{
    struct tests *t = calloc(1, sizeof *t);

    if (t == NULL)
        return SP_ERR_NOMEM;
    t->room = *room;
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
