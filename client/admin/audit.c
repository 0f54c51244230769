/* audit verify and export. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/http/url.h"

#include <stdio.h>
#include <string.h>

int verb_audit_verify(const struct command_call *call)
{
    static const struct column columns[] = {
        {"SHARD", "shard", SHOW_TEXT},    {"FROM", "from", SHOW_TEXT},
        {"TO", "to", SHOW_TEXT},          {"BROKEN AT", "broken_at", SHOW_TEXT},
        {"LAST HASH", "hash", SHOW_TEXT}, {"DETAIL", "text", SHOW_TEXT},
        {NULL, NULL, SHOW_TEXT}};
    struct json *answer = NULL;
    struct broker b;
    int code = broker_open(call, &b), shown;

    if (code != EXIT_OK)
        return code;
    code = broker_call(
        &b,
        &(struct broker_request){.method = command_given(call, "last") ? METHOD_GET : METHOD_POST,
                                 .path = "/api/v1/audit/verification"},
        &answer, NULL);
    broker_close(&b);
    if (code != EXIT_OK)
        return code;
    const char *state = json_cstr(json_get(answer, "state"));
    if (state == NULL || strcmp(state, "verified") != 0)
        code = state != NULL && strcmp(state, "never") == 0 ? EXIT_ERROR : EXIT_INTEGRITY;
    if (call->json) {
        shown = act_json(call, answer);
        return code == EXIT_OK ? shown : code;
    }
    puts(state == NULL ? "broken" : state);
    shown = show_table(columns, json_get(answer, "shards"));
    json_free(answer);
    return code == EXIT_OK ? shown : code;
}

static int export_path(struct broker *b, const char *format, struct buf *path)
{
    static const struct {
        const char *option;
        enum ref kind;
    } rows[] = {{"from", REF_TEXT},   {"to", REF_TEXT},   {"action", REF_TEXT},
                {"result", REF_TEXT}, {"user", REF_USER}, {"app", REF_APP}};
    bool first = true;
    int code = EXIT_OK;

    buf_add_str(path, "/api/v1/audit/export");
    url_add_query(path, &first, "format", view_str(format));
    for (size_t i = 0; i < sizeof rows / sizeof *rows && code == EXIT_OK; i++) {
        const char *said = command_value(b->call, rows[i].option);
        struct buf value;

        if (said == NULL)
            continue;
        buf_init(&value, 1024);
        code = name_resolve(b, rows[i].kind, said, &value);
        url_add_query(path, &first, rows[i].option, buf_view(&value));
        buf_deinit(&value);
    }
    return code;
}

/* Part after part. Each part of a CSV has its head line: it is printed once. */
static int write_parts(struct broker *b, const struct buf *path, bool csv, FILE *to)
{
    struct buf text, next, url;
    bool first_part = true;
    int code;

    buf_init(&text, BROKER_ANSWER_MAX);
    buf_init(&next, 1024);
    buf_init(&url, URL_BYTES_MAX);
    do {
        bool first = false;

        buf_reset(&url);
        buf_add(&url, buf_view(path));
        if (!first_part)
            url_add_query(&url, &first, "after", buf_view(&next));
        buf_reset(&text);
        code = broker_text(b, buf_cstr(&url), &text, &next);
        if (code != EXIT_OK)
            break;
        struct view v = buf_view(&text);
        const uint8_t *line = v.len == 0 ? NULL : memchr(v.at, '\n', v.len);
        if (csv && !first_part && line != NULL)
            v = view_slice(v, (size_t)(line + 1 - v.at), v.len);
        if (fwrite(v.at, 1, v.len, to) != v.len)
            code = command_fail(b->call, &(struct command_failure){.exit = EXIT_ERROR,
                                                                   .code = "file",
                                                                   .what = "The records can't be "
                                                                           "written."});
        first_part = false;
    } while (code == EXIT_OK && next.len > 0);
    buf_deinit(&url);
    buf_deinit(&next);
    buf_deinit(&text);
    return code;
}

int verb_audit_export(const struct command_call *call)
{
    const char *format = command_value(call, "format"), *file = command_value(call, "out");
    struct broker b;
    struct buf path;
    FILE *to = stdout;
    int code;

    if (format == NULL)
        format = "ndjson";
    if (strcmp(format, "ndjson") != 0 && strcmp(format, "csv") != 0 && strcmp(format, "ocsf") != 0)
        return command_fail(call,
                            &(struct command_failure){.exit = EXIT_USAGE,
                                                      .code = "usage",
                                                      .what = "--format is ndjson, csv or ocsf"});
    if (file != NULL && (to = fopen(file, "wxe")) == NULL)
        return command_fail(call,
                            &(struct command_failure){.exit = EXIT_USAGE,
                                                      .code = "file",
                                                      .what = "The file exists already, or can't "
                                                              "be made.",
                                                      .why = file});
    if ((code = broker_open(call, &b)) == EXIT_OK) {
        buf_init(&path, URL_BYTES_MAX);
        code = export_path(&b, format, &path);
        if (code == EXIT_OK)
            code = write_parts(&b, &path, strcmp(format, "csv") == 0, to);
        buf_deinit(&path);
        broker_close(&b);
    }
    if (file != NULL && fclose(to) != 0 && code == EXIT_OK)
        code = command_fail(call, &(struct command_failure){.exit = EXIT_ERROR,
                                                            .code = "file",
                                                            .what = "The file could not be "
                                                                    "written whole.",
                                                            .why = file});
    return code;
}
