/* The policy document: its text is the one truth; a single policy is a slice of its lines. */
#include "broker/api/policies.h"
#include "broker/registry/policies.h"

#include "broker/api/names.h"
#include "broker/api/slice.h"
#include "broker/session/rules.h"

#include <stdio.h>

/* ---- reading ------------------------------------------------------------------------------ */

static void add_covered(struct buf *out, const char *what)
{
    if (out->len > 0)
        buf_add_str(out, ", ");
    buf_add_str(out, what);
}

/* "all apps", "wiki, payroll", "tier=internal". */
static void set_covers(struct json *o, const struct policy *p)
{
    struct buf text;

    buf_init(&text, 4096);
    if (p->all_apps)
        buf_add_str(&text, "all apps");
    for (size_t i = 0; i < p->app_names.count; i++)
        add_covered(&text, p->app_names.at[i]);
    for (size_t i = 0; i < p->app_label_count; i++) {
        add_covered(&text, p->app_labels[i].key);
        buf_addf(&text, "=%s", p->app_labels[i].value);
    }
    json_set_str(o, "covers", buf_view(&text));
    buf_deinit(&text);
}

static const char *mode_word(enum policy_mode m)
{
    return m == POLICY_ENFORCE ? "enforce" : m == POLICY_SHADOW ? "shadow" : "off";
}

static struct json *names_of(const struct rule *rules, size_t count)
{
    struct json *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_str(view_str(rules[i].name)));
    return list;
}

static struct json *finding(const char *severity, const char *text, const char *field,
                            unsigned line, unsigned column, const char *policy)
{
    struct json *o = json_object();

    json_set_cstr(o, "severity", severity);
    json_set_cstr(o, "text", text);
    json_set_cstr(o, "field", field);
    json_set_int(o, "line", line);
    json_set_int(o, "column", column);
    set_text_or_null(o, "policy", policy);
    return o;
}

static size_t findings_kept(const struct rules_check *check)
{
    size_t room = sizeof check->findings / sizeof *check->findings;

    return check->finding_count < room ? check->finding_count : room;
}

/* Lines are given relative to `first`, the line where the text that was asked about begins in the
 * whole; findings of other policies than `only` (NULL: none is) are left out. */
static struct json *findings_of(const struct rules_check *check, const char *only, unsigned first)
{
    struct json *list = json_array();

    for (size_t i = 0; i < findings_kept(check); i++) {
        const struct lint_finding *f = &check->findings[i];
        if (only != NULL && strcmp(only, f->policy) != 0)
            continue;
        json_push(list, finding("warn", f->text, f->rule,
                                f->line >= first ? f->line - first + 1 : 0, 0, f->policy));
    }
    return list;
}

static struct json *policy_row_object(const struct policy *p, const struct rules_check *check)
{
    struct json *o = json_object();
    int64_t findings = 0;

    for (size_t i = 0; i < findings_kept(check); i++)
        findings += strcmp(check->findings[i].policy, p->name) == 0;
    json_set_cstr(o, "name", p->name);
    json_set_cstr(o, "mode", mode_word(p->mode));
    json_set_int(o, "line", p->line);
    set_covers(o, p);
    json_set(o, "allow", names_of(p->allow, p->allow_count));
    json_set(o, "deny", names_of(p->deny, p->deny_count));
    json_set_int(o, "require", (int64_t)p->require_count);
    json_set_bool(o, "guardrail", p->allow_count == 0);
    json_set_int(o, "findings", findings);
    return o;
}

/* The document in force, checked anew, since apps may have come and gone. */
static sp_error check_in_force(struct api *api, struct rules_check *check, uint64_t *version)
{
    const struct snapshot *s = registry_hold(api->registry);
    sp_error e = rules_check(api->rules, s->policy.text, check);

    *version = s->policy.ver;
    registry_release(api->registry, s);
    return e;
}

sp_error api_policy_list(struct api *api, struct api_call *c)
{
    struct rules_check check = {0};
    uint64_t version;
    sp_error e = check_in_force(api, &check, &version);

    if (e != SP_OK)
        return e;
    struct json *o = json_object(), *items = json_array();
    for (size_t i = 0; check.doc != NULL && i < check.doc->count; i++)
        json_push(items, policy_row_object(&check.doc->policies[i], &check));
    json_set_int(o, "version", (int64_t)version);
    json_set(o, "items", items);
    json_set(o, "findings", findings_of(&check, NULL, 1));
    rules_check_free(&check);
    response_json(c->res, 200, o);
    return SP_OK;
}

/* SP_ERR_NOT_FOUND: the document in force has no such policy. `text` is appended to. */
static sp_error find_policy(struct api *api, struct view name, struct buf *text, unsigned *line,
                            uint64_t *version)
{
    const struct snapshot *s = registry_hold(api->registry);
    sp_error e = slice_read(s->policy.text, name, text, line);

    *version = s->policy.ver;
    registry_release(api->registry, s);
    return e;
}

static struct json *policy_object(struct api *api, struct view name, sp_error *e)
{
    const struct rules_version *v = rules_hold(api->rules);
    struct json *o = NULL;
    uint64_t version;
    struct buf text;
    unsigned line;

    buf_init(&text, POLICY_DOC_BYTES_MAX);
    *e = find_policy(api, name, &text, &line, &version);
    for (size_t i = 0; *e == SP_OK && i < v->doc->count; i++) {
        const struct policy *p = &v->doc->policies[i];
        if (!view_is(name, p->name))
            continue;
        o = json_object();
        json_set_cstr(o, "name", p->name);
        json_set_int(o, "version", (int64_t)version);
        json_set_cstr(o, "mode", mode_word(p->mode));
        json_set_int(o, "line", line);
        set_covers(o, p);
        json_set_str(o, "text", buf_view(&text));
    }
    if (o == NULL && *e == SP_OK)
        *e = SP_ERR_NOT_FOUND;
    buf_deinit(&text);
    rules_release(api->rules, v);
    return o;
}

static sp_error answer_policy(struct api *api, struct api_call *c)
{
    sp_error e;
    struct json *o = policy_object(api, request_param(c->req, "name"), &e);
    int64_t version = 0;

    if (e != SP_OK)
        return e;
    sp_ignore(json_get_int(o, "version", 0, INT64_MAX, &version)); /* set just above */
    response_json(c->res, 200, o);
    answer_etag(c, (uint64_t)version);
    return SP_OK;
}

sp_error api_policy_get(struct api *api, struct api_call *c)
{
    return answer_policy(api, c);
}

/* ---- checking ----------------------------------------------------------------------------- */

/* What openapi.yaml calls PolicyCheck. */
static struct json *check_object(const struct rules_check *check, const char *only, unsigned first)
{
    struct json *o = json_object(), *tests = json_object();
    struct json *list = findings_of(check, only, first);
    const struct sp_why *why = &check->why;

    if (check->error != SP_OK) {
        unsigned line = why->line >= first ? why->line - first + 1 : 0;
        json_push(list, finding("error", why->text, why->field, line, why->column, ""));
    }
    json_set_bool(o, "ok", check->error == SP_OK);
    json_set(o, "findings", list);
    json_set(o, "rules", rules_in_words(check->doc, only, first));
    json_set_int(tests, "passed", (int64_t)(check->tests - check->tests_failed));
    json_set_int(tests, "failed", (int64_t)check->tests_failed);
    json_set(o, "tests", tests);
    return o;
}

/* Puts `text` in the place of policy `name` in the document in force; `first` is its line there. */
static sp_error whole_with(struct api *api, struct view name, struct view text, struct buf *whole,
                           unsigned *first)
{
    const struct snapshot *s = registry_hold(api->registry);
    sp_error e = slice_replace(s->policy.text, name, text, whole, first);

    registry_release(api->registry, s);
    return e;
}

sp_error api_policy_check(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"text", "policy", NULL};
    struct view text, name = {0};
    struct rules_check check = {0};
    struct buf whole;
    unsigned first = 1;
    struct json *body;
    char only[POLICY_NAME_MAX + 1] = "";
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    buf_init(&whole, POLICY_DOC_BYTES_MAX);
    e = member_text(c, body, "text", 0, POLICY_DOC_BYTES_MAX, &text);
    if (e == SP_OK && json_kind(json_get(body, "policy")) == JSON_STRING)
        e = member_text(c, body, "policy", 1, POLICY_NAME_MAX, &name);
    if (e == SP_OK && name.len > 0) {
        memcpy(only, name.at, name.len);
        e = whole_with(api, name, text, &whole, &first);
        text = buf_view(&whole);
    }
    if (e == SP_OK && (e = rules_check(api->rules, text, &check)) == SP_OK) {
        response_json(c->res, 200, check_object(&check, name.len ? only : NULL, first));
        rules_check_free(&check);
    }
    buf_deinit(&whole);
    json_free(body);
    return e;
}

/* ---- putting in force --------------------------------------------------------------------- */

sp_error policy_direct(struct api *api, struct api_call *c)
{
    if (!api->about.second_approval)
        return SP_OK;
    c->problem = (struct problem){.status = 403,
                                  .code = "second_approval",
                                  .title = "A second admin approves every change",
                                  .detail = "Save it as a draft; another admin puts it in force."};
    return SP_ERR_DENIED;
}

sp_error policy_put_whole(struct api *api, struct api_call *c, struct view text, uint64_t expected,
                          struct sp_id author, const char *note)
{
    const struct policy_change change = {
        .text = text, .expect_ver = expected, .author = author, .note = note};
    uint64_t version;
    sp_error e = rules_put(api->rules, &change, &c->by, &c->why, &version);

    if (e == SP_OK) {
        settle(api);
    } else if (e == SP_ERR_INVALID || e == SP_ERR_MALFORMED) {
        c->problem = (struct problem){.status = 422,
                                      .code = "invalid",
                                      .title = "Not put in force",
                                      .detail = c->why.text,
                                      .why = &c->why};
    }
    return e;
}

static sp_error put_in_force(struct api *api, struct api_call *c, struct view text,
                             uint64_t expected, const char *note)
{
    sp_error e = policy_direct(api, c);

    return e == SP_OK ? policy_put_whole(api, c, text, expected, c->caller.user.id, note) : e;
}

static sp_error read_input(struct api_call *c, struct json **body, struct view *text, char *note)
{
    static const char *const names[] = {"text", "note", NULL};
    struct view said;
    sp_error e = call_body(c, names, body);

    if (e != SP_OK)
        return e;
    if ((e = member_text(c, *body, "text", 0, POLICY_DOC_BYTES_MAX, text)) == SP_OK &&
        (e = member_text(c, *body, "note", 0, 500, &said)) == SP_OK) {
        memcpy(note, said.at, said.len);
        note[said.len] = '\0';
        return SP_OK;
    }
    json_free(*body);
    return e;
}

/* The whole document with this policy's text in it; its name must be the one of the address. */
static sp_error put_one(struct api *api, struct api_call *c, struct view text, uint64_t expected,
                        bool adding, const char *note)
{
    struct view name = request_param(c->req, "name");
    struct buf whole, old;
    uint64_t version;
    unsigned first;

    buf_init(&whole, POLICY_DOC_BYTES_MAX);
    buf_init(&old, POLICY_DOC_BYTES_MAX);
    sp_error e = find_policy(api, name, &old, &first, &version);
    if (e == SP_OK && adding)
        e = SP_ERR_EXISTS;
    else if (e == SP_ERR_NOT_FOUND && adding)
        e = SP_OK;
    else if (e == SP_OK && version != expected)
        e = SP_ERR_CONFLICT;
    if (e == SP_OK)
        e = slice_names(text, name) ? whole_with(api, name, text, &whole, &first) : SP_ERR_INVALID;
    if (e == SP_ERR_INVALID) {
        sp_why_field(&c->why, "name");
        e = sp_why_say(&c->why, e, "the text must be one mapping whose name is %.*s", (int)name.len,
                       (const char *)name.at);
    }
    if (e == SP_OK)
        e = put_in_force(api, c, buf_view(&whole), version, note);
    buf_deinit(&old);
    buf_deinit(&whole);
    return e;
}

sp_error api_policy_put(struct api *api, struct api_call *c)
{
    bool adding = view_is(request_header(c->req, "if-none-match"), "*");
    uint64_t expected = 0;
    char note[CALL_TEXT_MAX + 1];
    struct json *body;
    struct view text;
    sp_error e;

    if ((!adding && (e = call_if_match(c, &expected)) != SP_OK) ||
        (e = read_input(c, &body, &text, note)) != SP_OK)
        return e;
    e = put_one(api, c, text, expected, adding, note);
    json_free(body);
    return e == SP_OK ? answer_policy(api, c) : e;
}

sp_error api_policy_remove(struct api *api, struct api_call *c)
{
    struct view name = request_param(c->req, "name");
    uint64_t expected, version = 0;
    struct buf whole;
    char note[POLICY_NAME_MAX + 32];
    sp_error e = call_if_match(c, &expected);

    if (e != SP_OK)
        return e;
    buf_init(&whole, POLICY_DOC_BYTES_MAX);
    const struct snapshot *s = registry_hold(api->registry);
    version = s->policy.ver;
    e = slice_remove(s->policy.text, name, &whole);
    registry_release(api->registry, s);
    snprintf(note, sizeof note, "removed %.*s", (int)name.len, (const char *)name.at);
    if (e == SP_OK && version != expected)
        e = SP_ERR_CONFLICT;
    if (e == SP_OK)
        e = put_in_force(api, c, buf_view(&whole), expected, note);
    if (e == SP_OK)
        response_empty(c->res, 204);
    buf_deinit(&whole);
    return e;
}

sp_error api_policy_document_put(struct api *api, struct api_call *c)
{
    char note[CALL_TEXT_MAX + 1];
    uint64_t expected;
    struct json *body;
    struct view text;
    sp_error e;

    if ((e = call_if_match(c, &expected)) != SP_OK ||
        (e = read_input(c, &body, &text, note)) != SP_OK)
        return e;
    e = put_in_force(api, c, text, expected, note);
    json_free(body);
    return e == SP_OK ? api_policy_document(api, c) : e;
}
