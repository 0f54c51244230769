/* gateway check: a gateway's configuration read, and recorded requests judged by it, offline. */
#include "client/admin/verbs.h"
#include "connector/gateway/rehearse.h"
#include "lib/os/file.h"
#include "lib/term/out.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>

enum { GROUPS_MAX = 64, NOTES_MAX = 256, FINDING_HEADS = 6 };

/* All that one check holds; zeroed, then freed in every case. */
struct check {
    const struct command_call *call;
    struct gwconf *conf;
    struct api_document *document;
    struct api_notes notes;
    struct rehearsal result;
    bool rehearsed;
    const char *unjudged[NOTES_MAX];
    size_t unjudged_count;
    struct view groups[GROUPS_MAX];
};

static int refuse(const struct command_call *call, const char *what, const struct sp_why *why)
{
    return command_fail(call,
                        &(struct command_failure){
                            .exit = EXIT_USAGE, .code = "file", .what = what, .why = why->text});
}

static int read_file(const struct command_call *call, const char *file, size_t max,
                     struct buf *text)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    sp_error e = strcmp(file, "-") == 0 ? file_read_stdin(max, text, &why)
                                        : file_read(file, max, text, &why);

    return e == SP_OK ? EXIT_OK : refuse(call, "The file can't be read.", &why);
}

static void on_unjudged(void *arg, const char *text)
{
    struct check *c = arg;

    if (c->unjudged_count < NOTES_MAX)
        c->unjudged[c->unjudged_count++] = text;
}

/* The document lies beside the file, or in --files; without either it is not loaded. */
static int load_document(struct check *c, const char *file)
{
    const char *files = command_value(c->call, "files");
    struct sp_why why = {{0}, {0}, 0, 0};
    const struct api_options o = {.ignore_formats = !c->conf->openapi.formats};
    struct buf copy, path;
    sp_error e;

    if (c->conf->openapi.file == NULL)
        return EXIT_OK;
    buf_init(&copy, 4096);
    buf_init(&path, 4096);
    buf_add_str(&copy, file);
    if (files == NULL && buf_cstr(&copy) != NULL)
        files = dirname((char *)copy.at); /* a copy: it may be changed */
    const char *at = file_path(&path, files != NULL ? files : ".", c->conf->openapi.file);
    e = at == NULL ? SP_ERR_LIMIT : api_load_file(at, &o, &c->notes, &c->document);
    if (e != SP_OK)
        sp_ignore(sp_why_say(&why, e, "%s: %s", c->conf->openapi.file,
                             c->notes.count > 0 ? c->notes.items[0].text : sp_error_text(e)));
    buf_deinit(&path);
    buf_deinit(&copy);
    return e == SP_OK ? EXIT_OK : refuse(c->call, "The document can't be in force.", &why);
}

/* Who made the requests of the record. */
static struct rehearsal_options options_of(struct check *c)
{
    struct rehearsal_options o = {.conf = c->conf, .document = c->document};
    struct view groups = view_str(command_value(c->call, "groups"));

    o.caller = (struct gw_caller){.name = view_str(command_value(c->call, "user")),
                                  .email = view_str(command_value(c->call, "email")),
                                  .groups = c->groups,
                                  .alive = true};
    while (groups.len > 0 && o.caller.group_count < GROUPS_MAX) {
        const uint8_t *comma = memchr(groups.at, ',', groups.len);
        size_t n = comma != NULL ? (size_t)(comma - groups.at) : groups.len;
        c->groups[o.caller.group_count++] = view_slice(groups, 0, n);
        groups = view_slice(groups, n + 1, groups.len);
    }
    return o;
}

static int rehearse(struct check *c, const char *har)
{
    const struct rehearsal_options o = options_of(c);
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf text;
    int code;

    buf_init(&text, REHEARSE_BYTES_MAX);
    if ((code = read_file(c->call, har, REHEARSE_BYTES_MAX, &text)) == EXIT_OK &&
        rehearse_har(buf_view(&text), &o, &why, &c->result) != SP_OK)
        code = refuse(c->call, "The record can't be replayed.", &why);
    buf_deinit(&text);
    c->rehearsed = code == EXIT_OK;
    return code;
}

static struct json *findings_json(const struct rehearsal *r)
{
    struct json *list = json_array();

    for (size_t i = 0; i < r->finding_count; i++) {
        const struct rehearsal_finding *f = &r->findings[i];
        struct json *row = json_object();
        json_set_cstr(row, "reason", f->reason);
        json_set_cstr(row, "rule", f->rule);
        json_set_int(row, "status", f->status);
        json_set_cstr(row, "mode", f->blocks ? "block" : "monitor");
        json_set_int(row, "count", (int64_t)f->count);
        json_set_cstr(row, "example", f->example);
        json_push(list, row);
    }
    return list;
}

static int print_json(const struct check *c)
{
    struct json *j = json_object(), *unjudged = json_array(), *notes = json_array();

    for (size_t i = 0; i < c->unjudged_count; i++)
        json_push(unjudged, json_new_str(view_str(c->unjudged[i])));
    for (size_t i = 0; i < c->notes.count; i++) {
        struct json *note = json_object();
        json_set_cstr(note, "pointer", c->notes.items[i].pointer);
        json_set_cstr(note, "text", c->notes.items[i].text);
        json_push(notes, note);
    }
    json_set_bool(j, "valid", true);
    json_set(j, "not_judged", unjudged);
    json_set(j, "document_notes", notes);
    if (c->rehearsed) {
        json_set_int(j, "requests", (int64_t)c->result.requests);
        json_set_int(j, "passed", (int64_t)c->result.passed);
        json_set_int(j, "refused", (int64_t)c->result.blocked);
        json_set_int(j, "unreadable", (int64_t)c->result.unreadable);
        json_set_int(j, "owners_unknown", (int64_t)c->result.owners_unknown);
        json_set(j, "findings", findings_json(&c->result));
    }
    return command_json("gateway_check", j);
}

static int print_findings(const struct rehearsal *r, const struct out *o)
{
    static const char *const heads[FINDING_HEADS] = {"MODE", "STATUS", "REASON",
                                                     "RULE", "COUNT",  "FIRST"};
    struct out_table *t = out_table_new(heads, FINDING_HEADS);
    sp_error e = SP_ERR_NOMEM;

    for (size_t i = 0; t != NULL && i < r->finding_count; i++) {
        const struct rehearsal_finding *f = &r->findings[i];
        char status[12], count[24];
        snprintf(status, sizeof status, "%d", f->status);
        snprintf(count, sizeof count, "%zu", f->count);
        out_table_row(t, (const struct out_cell[]){
                             {f->blocks ? "block" : "monitor", f->blocks ? OUT_BAD : OUT_WARN},
                             {status, OUT_PLAIN},
                             {f->reason, OUT_PLAIN},
                             {f->rule[0] != '\0' ? f->rule : NULL, OUT_PLAIN},
                             {count, OUT_PLAIN},
                             {f->example, OUT_PLAIN}});
    }
    if (t != NULL)
        e = out_table_print(t, o);
    out_table_free(t);
    return e == SP_OK ? EXIT_OK : EXIT_ERROR;
}

static int print(const struct check *c)
{
    struct out o = out_on(stdout);

    if (c->call->json)
        return print_json(c);
    out_line(&o, "The configuration is valid. Limits: %zu, operations: %zu, owner rules: %zu.",
             c->conf->rates.count, c->conf->operations.count, c->conf->owners.count);
    for (size_t i = 0; i < c->notes.count; i++)
        out_line(&o, "document %s: %s", c->notes.items[i].pointer, c->notes.items[i].text);
    for (size_t i = 0; i < c->unjudged_count; i++)
        out_line(&o, "not judged here: %s", c->unjudged[i]);
    if (!c->rehearsed)
        return EXIT_OK;
    out_line(&o, "%zu requests: %zu would pass, %zu would be refused.", c->result.requests,
             c->result.passed, c->result.blocked);
    if (c->result.unreadable > 0)
        out_line(&o, "%zu entries are no requests and were left out.", c->result.unreadable);
    if (c->result.owners_unknown > 0)
        out_line(&o, "%zu times an owner rule needed an answer that the record does not have.",
                 c->result.owners_unknown);
    return c->result.finding_count > 0 ? print_findings(&c->result, &o) : EXIT_OK;
}

int verb_gateway(const struct command_call *call)
{
    const char *har = command_value(call, "har");
    struct check c = {.call = call};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf text;
    int code;

    buf_init(&text, GWCONF_MAX + 1);
    if ((code = read_file(call, call->args[0], GWCONF_MAX + 1, &text)) == EXIT_OK &&
        gwconf_parse(buf_view(&text), &why, &c.conf) != SP_OK)
        code = refuse(call, "The configuration can't be in force.", &why);
    if (code == EXIT_OK) {
        const struct rehearsal_options o = options_of(&c);
        rehearse_unjudged(&o, on_unjudged, &c);
    }
    if (code == EXIT_OK && (code = load_document(&c, call->args[0])) == EXIT_OK && har != NULL)
        code = rehearse(&c, har);
    if (code == EXIT_OK)
        code = print(&c);
    api_notes_deinit(&c.notes);
    api_free(c.document);
    gwconf_free(c.conf);
    buf_deinit(&text);
    return code;
}
