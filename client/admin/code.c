/* export, diff, apply, policy export, policy diff: configuration as code (declare.h). */
#include "client/admin/act.h"
#include "client/admin/declare.h"
#include "client/admin/verbs.h"
#include "lib/base/encode.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OBJECTS_MAX = 8192, PATH_BYTES_MAX = 4096 };

/* A folder holds two files, so that the policy is a file of its own. */
static const char objects_file[] = "sallyport.yaml", document_file[] = "policy.yaml";

static int usage(const struct command_call *call, const char *what, const char *why)
{
    return command_fail(call, &(struct command_failure){
                                  .exit = EXIT_USAGE, .code = "file", .what = what, .why = why});
}

/* ---- what the broker has ------------------------------------------------------------------ */

struct state {
    struct json *doc;          /* owned: as declare.h has it */
    struct json *sites, *apps; /* owned: as the API gave them, for ids and versions */
    int64_t policy_version;
};

static void state_deinit(struct state *s)
{
    json_free(s->doc);
    json_free(s->sites);
    json_free(s->apps);
}

static int read_list(struct broker *b, const char *list, struct json **out)
{
    struct buf path;
    int code;

    buf_init(&path, 256);
    buf_add_str(&path, list);
    code = act_pages(b, &path, OBJECTS_MAX, out);
    buf_deinit(&path);
    return code;
}

static int read_state(struct broker *b, struct state *s)
{
    struct json *document = NULL, *sites = json_array(), *apps = json_array();
    int code;

    s->doc = json_object();
    json_set(s->doc, "sites", sites);
    json_set(s->doc, "apps", apps);
    if ((code = read_list(b, "/api/v1/sites", &s->sites)) != EXIT_OK ||
        (code = read_list(b, "/api/v1/apps", &s->apps)) != EXIT_OK ||
        (code = broker_call(
             b, &(struct broker_request){.method = METHOD_GET, .path = "/api/v1/policy"}, &document,
             &s->policy_version)) != EXIT_OK)
        return code;
    for (size_t i = 0; i < json_len(json_get(s->sites, "items")); i++) {
        struct json *site = json_object();

        json_set_str(site, "name",
                     json_str(json_get(json_at(json_get(s->sites, "items"), i), "name")));
        json_push(sites, site);
    }
    for (size_t i = 0; i < json_len(json_get(s->apps, "items")); i++)
        json_push(apps, declare_app(json_at(json_get(s->apps, "items"), i)));
    json_set_str(s->doc, "policy", json_str(json_get(document, "text")));
    json_free(document);
    return EXIT_OK;
}

/* ---- files -------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static sp_error read_bytes(const char *path, struct buf *text, struct sp_why *why)
{
    return strcmp(path, "-") == 0 ? file_read_stdin(DECLARE_BYTES_MAX, text, why)
                                  : file_read(path, DECLARE_BYTES_MAX, text, why);
}

/* One file; the place of a fault stands before its words. */
static int read_file(const struct command_call *call, const char *path, struct json **out)
{
    struct sp_why why = {0};
    char text[SP_WHY_TEXT_MAX + PATH_BYTES_MAX];
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, DECLARE_BYTES_MAX);
    if ((e = read_bytes(path, &bytes, &why)) == SP_OK)
        e = declare_read(buf_view(&bytes), &why, out);
    buf_deinit(&bytes);
    if (e == SP_OK)
        return EXIT_OK;
    if (why.line > 0)
        snprintf(text, sizeof text, "%s:%u:%u: %s", path, why.line, why.column, why.text);
    else
        snprintf(text, sizeof text, "%s", why.text[0] != '\0' ? why.text : sp_error_text(e));
    return usage(call, "The file can't be used.", text);
}

/* A folder: its two files, either of which may be missing. */
static int read_folder(const struct command_call *call, const char *folder, struct json **out)
{
    char path[PATH_BYTES_MAX];
    struct sp_why why = {0};
    struct json *doc = NULL;
    struct buf text;
    sp_error e;
    int code = EXIT_OK;

    snprintf(path, sizeof path, "%s/%s", folder, objects_file);
    if (access(path, F_OK) == 0)
        code = read_file(call, path, &doc);
    else
        doc = json_object();
    if (code != EXIT_OK)
        return code;
    buf_init(&text, DECLARE_BYTES_MAX);
    snprintf(path, sizeof path, "%s/%s", folder, document_file);
    if ((e = file_read(path, DECLARE_BYTES_MAX, &text, &why)) == SP_OK)
        json_set_str(doc, "policy", buf_view(&text));
    buf_deinit(&text);
    if ((e != SP_OK && e != SP_ERR_NOT_FOUND) || json_len(doc) == 0) {
        json_free(doc);
        return usage(call, "The folder can't be used.",
                     e == SP_ERR_NOT_FOUND ? "it has neither sallyport.yaml nor policy.yaml"
                                           : why.text);
    }
    *out = doc;
    return EXIT_OK;
}

static int read_wanted(const struct command_call *call, struct json **out)
{
    const char *path = call->args[0];

    return is_folder(path) ? read_folder(call, path, out) : read_file(call, path, out);
}

/* ---- export ------------------------------------------------------------------------------- */

static int write_out(const struct command_call *call, const char *path, struct view text)
{
    struct sp_why why = {0};

    if (path == NULL)
        return fwrite(text.at, 1, text.len, stdout) == text.len ? EXIT_OK : EXIT_ERROR;
    if (file_write(path, text, 0644, &why) == SP_OK)
        return EXIT_OK;
    return command_fail(call, &(struct command_failure){.exit = EXIT_ERROR,
                                                        .code = "file",
                                                        .what = "The file can't be written.",
                                                        .why = why.text});
}

static int export_folder(const struct command_call *call, const char *folder, struct json *doc)
{
    char path[PATH_BYTES_MAX];
    struct json *policy = json_ref(json_get(doc, "policy"));
    struct buf text;
    int code;

    json_remove(doc, "policy");
    buf_init(&text, 4 * DECLARE_BYTES_MAX);
    declare_write(doc, &text);
    snprintf(path, sizeof path, "%s/%s", folder, objects_file);
    code = write_out(call, path, buf_view(&text));
    snprintf(path, sizeof path, "%s/%s", folder, document_file);
    if (code == EXIT_OK && json_str(policy).len > 0)
        code = write_out(call, path, json_str(policy));
    json_free(policy);
    buf_deinit(&text);
    return code;
}

int verb_export(const struct command_call *call)
{
    const char *path = command_value(call, "out");
    struct state s = {0};
    struct broker b;
    struct buf text;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    code = read_state(&b, &s);
    broker_close(&b);
    buf_init(&text, 4 * DECLARE_BYTES_MAX);
    if (code == EXIT_OK && json_str(json_get(s.doc, "policy")).len == 0)
        json_remove(s.doc, "policy"); /* none was saved yet */
    if (code == EXIT_OK && path != NULL && is_folder(path)) {
        code = export_folder(call, path, s.doc);
    } else if (code == EXIT_OK && (path != NULL || !call->json)) {
        declare_write(s.doc, &text);
        code = buf_error(&text) == SP_OK ? write_out(call, path, buf_view(&text)) : EXIT_ERROR;
    }
    if (code == EXIT_OK && call->json)
        code = act_json(call, json_ref(s.doc));
    buf_deinit(&text);
    state_deinit(&s);
    return code;
}

/* ---- diff --------------------------------------------------------------------------------- */

static int print_changes(const struct json *changes)
{
    static const struct column columns[] = {{"CHANGE", "change", SHOW_TEXT},
                                            {"OBJECT", "object", SHOW_TEXT},
                                            {"NAME", "name", SHOW_TEXT},
                                            {"WHAT", "fields", SHOW_TEXT},
                                            {NULL, NULL, SHOW_TEXT}};

    return json_len(changes) == 0 ? EXIT_OK : show_table(columns, changes);
}

/* Prints and frees. `applied`: they were made. */
static int finish(const struct command_call *call, struct json *changes, bool applied)
{
    size_t count = json_len(changes);
    struct json *j;
    int code;

    if (call->json) {
        j = json_object();
        json_set(j, "changes", changes);
        json_set_bool(j, "applied", applied);
        return act_json(call, j);
    }
    code = print_changes(changes);
    json_free(changes);
    if (count == 0)
        puts("Nothing to change.");
    else if (applied)
        printf("%zu change%s made.\n", count, count == 1 ? "" : "s");
    else
        printf("%zu change%s; nothing was changed.\n", count, count == 1 ? "" : "s");
    return code;
}

int verb_diff(const struct command_call *call)
{
    struct json *wanted = NULL, *changes = NULL;
    struct state s = {0};
    struct broker b;
    int code = read_wanted(call, &wanted);

    if (code == EXIT_OK && (code = broker_open(call, &b)) == EXIT_OK) {
        if ((code = read_state(&b, &s)) == EXIT_OK)
            changes = declare_changes(s.doc, wanted, command_given(call, "prune"));
        broker_close(&b);
    }
    json_free(wanted);
    state_deinit(&s);
    return code == EXIT_OK ? finish(call, changes, false) : code;
}

/* ---- apply -------------------------------------------------------------------------------- */

static const struct json *named(const struct json *page, const char *name)
{
    return declare_find(json_get(page, "items"), name);
}

static int add_site(struct broker *b, struct state *s, const char *name)
{
    struct json *body = json_object(), *made = NULL;
    int code;

    json_set_cstr(body, "name", name);
    code = broker_call(
        b, &(struct broker_request){.method = METHOD_POST, .path = "/api/v1/sites", .body = body},
        &made, NULL);
    if (code == EXIT_OK)
        json_push(json_get(s->sites, "items"), made); /* its id, for apps that follow */
    return code;
}

static int no_site(const struct command_call *call, const char *app, const char *site)
{
    char why[256];

    snprintf(why, sizeof why, "app %.80s is of site %.80s, and there is none", app, site);
    return usage(call, "There is no such site.", why);
}

static int put_app(struct broker *b, struct state *s, const struct json *wanted, const char *name)
{
    const struct json *app = declare_find(json_get(wanted, "apps"), name),
                      *now = named(s->apps, name);
    const char *site = json_cstr(json_get(app, "site"));
    const struct json *in = named(s->sites, site);
    struct broker_request q = {.method = METHOD_POST};
    struct json *answer = NULL;
    struct buf path;
    int code;

    if (in == NULL)
        return no_site(b->call, name, site);
    q.body = json_copy(app);
    json_set_str(q.body, "site", json_str(json_get(in, "id")));
    buf_init(&path, 256);
    buf_add_str(&path, "/api/v1/apps");
    if (now != NULL) {
        q.method = METHOD_PUT;
        json_integer(json_get(now, "version"), &q.if_match);
        buf_addf(&path, "/%s", json_cstr(json_get(now, "id")));
    }
    q.path = buf_cstr(&path);
    code = broker_call(b, &q, &answer, NULL);
    buf_deinit(&path);
    json_free(answer);
    return code;
}

static int put_policy(struct broker *b, const struct state *s, const struct json *wanted)
{
    const char *note = command_value(b->call, "note");
    struct json *body = json_object(), *answer = NULL;
    int code;

    json_set_str(body, "text", json_str(json_get(wanted, "policy")));
    json_set_cstr(body, "note", note == NULL ? "" : note);
    code = broker_call(b,
                       &(struct broker_request){.method = METHOD_PUT,
                                                .path = "/api/v1/policy",
                                                .body = body,
                                                .if_match = s->policy_version,
                                                .if_match_zero = true},
                       &answer, NULL);
    json_free(answer);
    return code;
}

static int drop(struct broker *b, const struct json *page, const char *list, const char *name)
{
    const struct json *now = named(page, name);
    struct broker_request q = {.method = METHOD_DELETE};
    struct json *answer = NULL;
    struct buf path;
    int code;

    buf_init(&path, 256);
    buf_addf(&path, "/api/v1/%s/%s", list, json_cstr(json_get(now, "id")));
    q.path = buf_cstr(&path);
    json_integer(json_get(now, "version"), &q.if_match); /* a site has none */
    code = broker_call(b, &q, &answer, NULL);
    json_free(answer);
    buf_deinit(&path);
    return code;
}

static int make(struct broker *b, struct state *s, const struct json *wanted,
                const struct json *change)
{
    const char *object = json_cstr(json_get(change, "object"));
    const char *name = json_cstr(json_get(change, "name"));
    bool removes = strcmp(json_cstr(json_get(change, "change")), "remove") == 0;

    if (strcmp(object, "policy") == 0)
        return put_policy(b, s, wanted);
    if (strcmp(object, "site") == 0)
        return removes ? drop(b, s->sites, "sites", name) : add_site(b, s, name);
    return removes ? drop(b, s->apps, "apps", name) : put_app(b, s, wanted, name);
}

/* The policy's tests run at the broker before anything is changed. EXIT_USAGE: it would refuse. */
static int check_policy(struct broker *b, const struct json *wanted)
{
    struct json *answer = NULL, *body = json_object();
    int code;

    json_set_str(body, "text", json_str(json_get(wanted, "policy")));
    code = broker_call(b,
                       &(struct broker_request){
                           .method = METHOD_POST, .path = "/api/v1/policy/check", .body = body},
                       &answer, NULL);
    if (code == EXIT_OK && !json_is_true(json_get(answer, "ok"))) {
        if (!b->call->json)
            print_policy_check(answer);
        code = usage(b->call, "The policy can't be put in force; nothing was changed.",
                     "sallyport-admin policy check says where");
    }
    json_free(answer);
    return code;
}

static bool changes_policy(const struct json *changes)
{
    for (size_t i = 0; i < json_len(changes); i++)
        if (strcmp(json_cstr(json_get(json_at(changes, i), "object")), "policy") == 0)
            return true;
    return false;
}

int verb_apply(const struct command_call *call)
{
    struct json *wanted = NULL, *changes = NULL;
    struct state s = {0};
    struct broker b;
    bool dry = command_given(call, "dry-run");
    size_t made = 0;
    int code = read_wanted(call, &wanted);

    if (code == EXIT_OK && (code = broker_open(call, &b)) == EXIT_OK) {
        if ((code = read_state(&b, &s)) == EXIT_OK)
            changes = declare_changes(s.doc, wanted, command_given(call, "prune"));
        if (code == EXIT_OK && changes_policy(changes))
            code = check_policy(&b, wanted);
        for (; code == EXIT_OK && !dry && made < json_len(changes); made++)
            code = make(&b, &s, wanted, json_at(changes, made));
        broker_close(&b);
    }
    if (code != EXIT_OK && made > 1)
        fprintf(stderr, "%zu changes were made before; apply again goes on from there.\n",
                made - 1);
    json_free(wanted);
    state_deinit(&s);
    if (code == EXIT_OK)
        return finish(call, changes, !dry);
    json_free(changes);
    return code;
}

/* ---- policy export, policy diff ----------------------------------------------------------- */

static int read_policy(struct broker *b, struct json **out)
{
    return broker_call(b, &(struct broker_request){.method = METHOD_GET, .path = "/api/v1/policy"},
                       out, NULL);
}

int verb_policy_export(const struct command_call *call)
{
    const char *path = command_value(call, "out");
    struct json *document = NULL;
    struct broker b;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    code = read_policy(&b, &document);
    broker_close(&b);
    if (code == EXIT_OK && (path != NULL || !call->json))
        code = write_out(call, path, json_str(json_get(document, "text")));
    if (code == EXIT_OK && call->json)
        return act_json(call, document);
    json_free(document);
    return code;
}

int verb_policy_diff(const struct command_call *call)
{
    struct json *document = NULL, *changes;
    struct sp_why why = {0};
    struct view now, wanted;
    struct broker b;
    struct buf text;
    int code;

    buf_init(&text, DECLARE_BYTES_MAX);
    if (read_bytes(call->args[0], &text, &why) != SP_OK) {
        buf_deinit(&text);
        return usage(call, "The policy can't be read.", why.text);
    }
    if ((code = broker_open(call, &b)) == EXIT_OK) {
        code = read_policy(&b, &document);
        broker_close(&b);
    }
    if (code == EXIT_OK) {
        now = json_str(json_get(document, "text"));
        wanted = buf_view(&text);
        changes = declare_policy_changes(now, wanted);
        if (json_len(changes) == 0 && !view_equal(now, wanted) && !call->json)
            fputs("Only comments and layout differ.\n", stderr);
        code = finish(call, changes, false);
    }
    json_free(document);
    buf_deinit(&text);
    return code;
}
