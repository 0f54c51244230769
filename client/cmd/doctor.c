/* doctor: the checks in rows, once or every so often. */
#include "client/cmd/checks.h"
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "lib/base/num.h"
#include "lib/os/sock.h"
#include "lib/term/out.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_LEAST_MS = 1000 };

static enum out_tone tone_of(enum row_state s)
{
    static const enum out_tone tones[] = {OUT_PLAIN, OUT_GOOD, OUT_WARN, OUT_BAD};

    return tones[s];
}

/* The action stands in a row of its own below the check that needs it. */
static void print_rows(const struct visit *v, size_t failed)
{
    struct out out = out_on(stdout);
    struct out_table *t = out_table_new(NULL, 4);

    for (size_t i = 0; t != NULL && i < v->count; i++) {
        const struct row *r = &v->rows[i];
        struct out_cell cells[4] = {{row_words[r->state], tone_of(r->state)},
                                    {r->component, OUT_PLAIN},
                                    {r->target, OUT_PLAIN},
                                    {r->details, OUT_PLAIN}};
        struct out_cell action[4] = {
            {"", OUT_PLAIN}, {"", OUT_PLAIN}, {"action", OUT_PLAIN}, {r->action, OUT_PLAIN}};

        out_table_row(t, cells);
        if (r->action[0] != '\0')
            out_table_row(t, action);
    }
    sp_ignore(t == NULL ? SP_ERR_NOMEM : out_table_print(t, &out)); /* the exit code tells it too */
    out_table_free(t);
    if (failed == 0)
        out_line(&out, "No check failed. Nothing was changed.");
    else
        out_line(&out, "%zu check%s failed. Nothing was changed.", failed, failed == 1 ? "" : "s");
    fflush(stdout);
}

static int visit_once(const struct command_call *call)
{
    struct visit *v = calloc(1, sizeof *v);
    struct json *a = NULL;
    size_t failed = 0;
    int code = v == NULL ? EXIT_ERROR : talk_ask(call, talk_request("status"), &a);

    if (code != EXIT_OK) {
        free(v);
        return EXIT_ERROR;
    }
    v->status = a;
    v->known = url_parse(view_str(talk_text(json_get(a, "broker"), "url")), &v->url) == SP_OK;
    failed = checks_run(v);
    if (call->json)
        code = command_json("doctor", checks_json(v, failed));
    else
        print_rows(v, failed);
    json_free(a);
    free(v);
    return failed > 0 ? EXIT_ERROR : code;
}

int cmd_doctor(const struct command_call *call)
{
    const char *every = command_value(call, "every");
    int64_t ms = 0;

    if (every != NULL && (num_duration(view_str(every), &ms) != SP_OK || ms < EVERY_LEAST_MS))
        return command_fail(call,
                            &(struct command_failure){.exit = EXIT_USAGE,
                                                      .code = "usage",
                                                      .what = "--every needs a time like 30s"});
    for (;;) {
        int code = visit_once(call);

        if (every == NULL)
            return code;
        if (!call->json)
            putchar('\n');
        poll(NULL, 0, (int)(ms > 3600 * 1000 ? 3600 * 1000 : ms));
    }
}
