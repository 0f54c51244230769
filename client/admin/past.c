#include "client/admin/past.h"

#include "lib/http/url.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PAGES_MAX = 100 };

sp_error past_time(const char *text, sp_unix_ms now, sp_unix_ms *out)
{
    static const struct {
        const char *form;
        bool zone;
    } forms[] = {{"%Y-%m-%dT%H:%M:%S%z", true},
                 {"%Y-%m-%d %H:%M:%S", false},
                 {"%Y-%m-%d %H:%M", false},
                 {"%H:%M:%S", false},
                 {"%H:%M", false}};
    time_t today = (time_t)(now / 1000);

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm;
        const char *end;
        time_t t;

        if (localtime_r(&today, &tm) == NULL)
            return SP_ERR_MALFORMED;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        end = strptime(text, forms[i].form, &tm);
        if (end == NULL || *end != '\0')
            continue;
        if (forms[i].zone) {
            long offset = tm.tm_gmtoff; /* timegm sets it anew */
            t = timegm(&tm) - offset;
        } else {
            tm.tm_isdst = -1;
            t = mktime(&tm);
        }
        if (t < 0)
            return SP_ERR_MALFORMED;
        *out = (sp_unix_ms)t * 1000;
        return SP_OK;
    }
    return SP_ERR_MALFORMED;
}

/* The records are newest first: the first decision of a page is the one. */
static bool take_decision(const struct json *page, struct buf *request)
{
    static const char *const actions[] = {"session.open", "session.deny", "session.step_up"};

    for (size_t i = 0; i < json_len(json_get(page, "items")); i++) {
        const struct json *record = json_at(json_get(page, "items"), i);
        struct view action = json_str(json_get(record, "action"));
        struct view id = json_str(json_get(record, "request_id"));

        for (size_t a = 0; a < sizeof actions / sizeof *actions && id.len > 0; a++)
            if (view_is(action, actions[a])) {
                buf_add(request, id);
                return true;
            }
    }
    return false;
}

static int none(struct broker *b, sp_unix_ms at)
{
    char what[256];

    snprintf(what, sizeof what, "No decision of %.80s about %.80s was recorded until %s.",
             b->call->args[0], b->call->args[1], clock_text(at).s);
    return command_fail(b->call,
                        &(struct command_failure){.exit = EXIT_ERROR,
                                                  .code = "not_found",
                                                  .what = what,
                                                  .next = "sallyport-admin audit list --user USER "
                                                          "--app APP --action session."});
}

int past_request(struct broker *b, const char *user, const char *app, sp_unix_ms at,
                 struct buf *request)
{
    char after[640] = "";
    bool found = false;
    int code = EXIT_OK;

    for (int page = 0; page < PAGES_MAX && code == EXIT_OK && !found; page++) {
        struct json *answer = NULL;
        struct buf path;
        bool first = true;

        buf_init(&path, URL_BYTES_MAX);
        buf_add_str(&path, "/api/v1/audit");
        url_add_query(&path, &first, "user", view_str(user));
        url_add_query(&path, &first, "app", view_str(app));
        url_add_query(&path, &first, "action", view_str("session."));
        url_add_query(&path, &first, "to", view_str(clock_text(at + 1000).s));
        url_add_query(&path, &first, "limit", view_str("200"));
        if (after[0] != '\0')
            url_add_query(&path, &first, "after", view_str(after));
        code =
            broker_call(b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&path)},
                        &answer, NULL);
        buf_deinit(&path);
        found = code == EXIT_OK && take_decision(answer, request);
        const char *next = json_cstr(json_get(answer, "next"));
        view_copy(after, sizeof after, view_str(next == NULL ? "" : next));
        json_free(answer);
        if (after[0] == '\0')
            break;
    }
    return code == EXIT_OK && !found ? none(b, at) : code;
}
