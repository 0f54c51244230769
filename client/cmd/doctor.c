/* doctor: the checks in rows, once or every so often. */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "client/cmd/visit.h"
#include "lib/base/num.h"
#include "lib/os/sock.h"
#include "lib/term/out.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_LEAST_MS = 1000 };

static int visit_once(const struct command_call *call)
{
    struct visit *v = calloc(1, sizeof *v);
    struct json *a = NULL;
    int code = v == NULL ? EXIT_ERROR : talk_ask(call, talk_request("status"), &a);

    if (code != EXIT_OK) {
        free(v);
        return EXIT_ERROR;
    }
    v->status = a;
    v->known = url_parse(view_str(talk_text(json_get(a, "broker"), "url")), &v->url) == SP_OK;
    visit_run(v);
    code = checks_print(&v->checks, call, "doctor");
    json_free(a);
    free(v);
    return code;
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
