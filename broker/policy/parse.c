#include "broker/policy/parse.h"

#include "broker/policy/parse_internal.h"
#include "broker/policy/tests.h"

#include <stdio.h>
#include <stdlib.h>

enum { POLICIES_MAX = 4096, RULES_MAX = 1024, TESTS_MAX = 4096 };

static void step_up(struct parser *p, const struct json *node, struct limits *out)
{
    static const char *const keys[] = {"kind", "every", NULL};

    if (!parser_object(p, node, keys))
        return;
    out->step_up = MFA_OTP;
    if (json_get(node, "kind") != NULL)
        out->step_up = (enum mfa_kind)parser_word(p, json_get(node, "kind"), parse_mfa_words);
    out->step_up_every_ms = parser_duration(p, json_get(node, "every"), 0);
}

struct limits parse_limits(struct parser *p, const struct json *node)
{
    static const char *const keys[] = {"session_max", "idle", "reverify", "step_up", NULL};
    struct limits l = {0};
    const struct json *member = NULL;

    if (node == NULL || !parser_object(p, node, keys))
        return l;
    struct parser_mark mark = parser_enter(p, "limits");
    if ((member = json_get(node, "session_max")) != NULL)
        l.session_max_ms = parser_duration(p, member, 1000);
    if ((member = json_get(node, "idle")) != NULL)
        l.idle_ms = parser_duration(p, member, 1000);
    if ((member = json_get(node, "reverify")) != NULL)
        l.reverify_ms = parser_duration(p, member, 1000);
    if ((member = json_get(node, "step_up")) != NULL)
        step_up(p, member, &l);
    parser_leave(p, mark);
    return l;
}

/* ---- rules ---- */

static void deny_or_allow(struct parser *p, const struct json *node, enum effect effect,
                          struct rule *out)
{
    static const char *const deny_keys[] = {"name", "when", "or_unknown", "message", NULL};
    static const char *const allow_keys[] = {"name", "when", "limits", NULL};
    static const char *const nothing_extra[] = {NULL};
    const struct json *member = NULL;

    if (!parser_object(p, node, effect == EFFECT_DENY ? deny_keys : allow_keys))
        return;
    out->name = parser_text(p, json_get(node, "name"), POLICY_NAME_MAX);
    struct parser_mark mark = parser_enter(p, "when");
    out->when = parse_when(p, json_get(node, "when"), false, nothing_extra);
    if (out->when.count == 0 && effect == EFFECT_DENY)
        parser_refuse(p, node, SP_ERR_INVALID,
                      "a deny without conditions closes its apps for "
                      "good; remove the allow rules instead");
    parser_leave(p, mark);
    if ((member = json_get(node, "or_unknown")) != NULL)
        out->or_unknown = parser_bool(p, member);
    if ((member = json_get(node, "message")) != NULL)
        out->message = parser_text(p, member, POLICY_TEXT_MAX / 2);
    out->limits = parse_limits(p, json_get(node, "limits"));
}

/* A requirement is its conditions; it has no name of its own. */
static void requirement(struct parser *p, const struct json *node, size_t index, struct rule *out)
{
    static const char *const nothing_extra[] = {NULL};
    char name[32];

    (void)snprintf(name, sizeof name, "require[%zu]", index);
    out->name = arena_text(p->arena, view_str(name));
    out->when = parse_when(p, node, false, nothing_extra);
    if (out->when.count == 0)
        parser_refuse(p, node, SP_ERR_INVALID, "an empty requirement asks for nothing");
}

static void unique_name(struct parser *p, const struct json *node, const struct rule *rules,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p->err == SP_OK && strcmp(rules[i].name, rules[n].name) == 0)
            parser_refuse(p, node, SP_ERR_INVALID, "there is another rule %s in this policy",
                          rules[n].name);
}

static const struct rule *rules_of(struct parser *p, const struct json *node, enum effect effect,
                                   size_t *count)
{
    size_t n = json_len(node);

    *count = 0;
    if (node == NULL)
        return NULL;
    if (json_kind(node) != JSON_ARRAY || n > RULES_MAX) {
        parser_refuse(p, node, SP_ERR_MALFORMED, "expected a list of at most %d rules", RULES_MAX);
        return NULL;
    }
    struct parser_mark mark = parser_enter(p, effect_word(effect));
    struct rule *rules = arena_array(p->arena, n, sizeof *rules);
    for (size_t i = 0; rules != NULL && i < n && p->err == SP_OK; i++) {
        struct parser_mark at = parser_enter_index(p, i);
        const struct json *item = json_at(node, i);
        rules[i].effect = effect;
        rules[i].line = parser_line(p, item);
        if (effect == EFFECT_REQUIRE)
            requirement(p, item, i, &rules[i]);
        else
            deny_or_allow(p, item, effect, &rules[i]);
        if (p->err == SP_OK)
            unique_name(p, item, rules, i);
        parser_leave(p, at);
    }
    parser_leave(p, mark);
    *count = rules == NULL ? 0 : n;
    return rules;
}

/* ---- policies ---- */

static void apps(struct parser *p, const struct json *node, struct policy *out)
{
    static const char *const keys[] = {"all", "names", "labels", NULL};
    struct parser_mark mark = parser_enter(p, "apps");
    const struct json *names = json_get(node, "names"), *labels = json_get(node, "labels");

    if (parser_object(p, node, keys)) {
        if (json_get(node, "all") != NULL)
            out->all_apps = parser_bool(p, json_get(node, "all"));
        if (out->all_apps && (names != NULL || labels != NULL))
            parser_refuse(p, node, SP_ERR_INVALID,
                          "all: true covers every app; names and labels "
                          "beside it say nothing");
        if (names != NULL)
            out->app_names = parser_texts(p, names, POLICY_NAME_MAX);
        if (labels != NULL)
            out->app_labels = parser_labels(p, labels, &out->app_label_count);
        if (!out->all_apps && names == NULL && labels == NULL)
            parser_refuse(p, node, SP_ERR_INVALID,
                          "no app is named; give names, labels or "
                          "all: true");
    }
    parser_leave(p, mark);
}

static bool list_mentions(const struct condition_list *l);

static bool condition_mentions(const struct condition *c)
{
    if (c->kind == COND_NOT)
        return list_mentions(&c->is.not );
    for (size_t i = 0; c->kind == COND_ANY && i < c->is.any.count; i++)
        if (list_mentions(&c->is.any.at[i]))
            return true;
    return c->kind == COND_GROUPS;
}

static bool list_mentions(const struct condition_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (condition_mentions(&l->at[i]))
            return true;
    return false;
}

static bool rules_mention(const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list_mentions(&rules[i].when))
            return true;
    return false;
}

static void policy(struct parser *p, const struct json *node, struct policy *out)
{
    static const char *const keys[] = {"name",    "apps",   "mode",        "allow", "deny",
                                       "require", "limits", "description", NULL};
    static const char *const modes[] = {"", "shadow", "enforce", NULL};

    out->line = parser_line(p, node);
    out->mode = POLICY_ENFORCE;
    if (!parser_object(p, node, keys))
        return;
    out->name = parser_text(p, json_get(node, "name"), POLICY_NAME_MAX);
    apps(p, json_get(node, "apps"), out);
    const struct json *mode = json_get(node, "mode");
    /* `off` is text in YAML 1.2 and a boolean in 1.1: both spellings mean it. */
    bool off = view_is(json_str(mode), "off");
    if (mode != NULL)
        out->mode = off ? POLICY_OFF : (enum policy_mode)parser_word(p, mode, modes);
    if (json_get(node, "description") != NULL)
        (void)parser_text(p, json_get(node, "description"), POLICY_TEXT_MAX);
    out->deny = rules_of(p, json_get(node, "deny"), EFFECT_DENY, &out->deny_count);
    out->require = rules_of(p, json_get(node, "require"), EFFECT_REQUIRE, &out->require_count);
    out->allow = rules_of(p, json_get(node, "allow"), EFFECT_ALLOW, &out->allow_count);
    out->limits = parse_limits(p, json_get(node, "limits"));
    if (p->err != SP_OK)
        return;
    for (size_t i = 0; i < out->deny_count; i++) /* "payroll/hr" must name one rule */
        for (size_t k = 0; k < out->allow_count; k++)
            if (strcmp(out->deny[i].name, out->allow[k].name) == 0)
                parser_refuse(p, node, SP_ERR_INVALID, "there are two rules %s in this policy",
                              out->deny[i].name);
    out->mentions_groups = rules_mention(out->deny, out->deny_count) ||
                           rules_mention(out->require, out->require_count) ||
                           rules_mention(out->allow, out->allow_count);
}

static void policies(struct parser *p, const struct json *node, struct policy_doc *doc)
{
    size_t n = json_len(node);

    if (node == NULL)
        return;
    if (json_kind(node) != JSON_ARRAY || n > POLICIES_MAX) {
        parser_refuse(p, node, SP_ERR_MALFORMED, "expected a list of at most %d policies",
                      POLICIES_MAX);
        return;
    }
    struct parser_mark mark = parser_enter(p, "policies");
    struct policy *at = arena_array(p->arena, n, sizeof *at);
    for (size_t i = 0; at != NULL && i < n && p->err == SP_OK; i++) {
        struct parser_mark here = parser_enter_index(p, i);
        policy(p, json_at(node, i), &at[i]);
        for (size_t k = 0; k < i && p->err == SP_OK; k++)
            if (strcmp(at[k].name, at[i].name) == 0)
                parser_refuse(p, json_at(node, i), SP_ERR_INVALID,
                              "there is another policy %s (line %u)", at[i].name, at[k].line);
        parser_leave(p, here);
    }
    parser_leave(p, mark);
    doc->policies = at;
    doc->count = at == NULL ? 0 : n;
}

static void tests(struct parser *p, const struct json *node, struct policy_doc *doc)
{
    size_t n = json_len(node);

    if (node == NULL)
        return;
    if (json_kind(node) != JSON_ARRAY || n > TESTS_MAX) {
        parser_refuse(p, node, SP_ERR_MALFORMED, "expected a list of at most %d tests", TESTS_MAX);
        return;
    }
    struct parser_mark mark = parser_enter(p, "tests");
    struct policy_test *at = arena_array(p->arena, n, sizeof *at);
    for (size_t i = 0; at != NULL && i < n && p->err == SP_OK; i++) {
        struct parser_mark here = parser_enter_index(p, i);
        parse_test(p, json_at(node, i), &at[i]);
        parser_leave(p, here);
    }
    parser_leave(p, mark);
    doc->tests = at;
    doc->test_count = at == NULL ? 0 : n;
}

static void document(struct parser *p, const struct json *root, struct policy_doc *doc)
{
    static const char *const keys[] = {"version", "limits", "policies", "tests", NULL};
    int64_t version = 0;

    if (json_kind(root) == JSON_NULL || json_kind(root) == JSON_MISSING)
        return; /* an empty text denies everything */
    if (!parser_object(p, root, keys))
        return;
    if (!json_integer(json_get(root, "version"), &version) || version != 1)
        parser_refuse(p, json_get(root, "version"), SP_ERR_INVALID,
                      "expected version: 1 at the top of the document");
    doc->limits = parse_limits(p, json_get(root, "limits"));
    policies(p, json_get(root, "policies"), doc);
    tests(p, json_get(root, "tests"), doc);
}

void policy_doc_free(struct policy_doc *doc)
{
    if (doc == NULL)
        return;
    arena_free(doc->arena);
    free(doc);
}

sp_error policy_parse(struct view text, const char *zones, struct sp_why *why,
                      struct policy_doc **out)
{
    struct tree *tree = NULL;
    struct policy_doc *doc = NULL;
    sp_error e = tree_parse(text, POLICY_DOC_BYTES_MAX, why, &tree);

    if (e != SP_OK)
        return e;
    struct parser p = {
        .tree = tree, .zones = zones != NULL ? zones : "/usr/share/zoneinfo", .why = why};
    doc = calloc(1, sizeof *doc);
    if (doc == NULL || (doc->arena = arena_new()) == NULL) {
        e = SP_ERR_NOMEM;
        goto out;
    }
    p.arena = doc->arena;
    document(&p, tree_root(tree), doc);
    e = p.err != SP_OK ? p.err : arena_error(p.arena);
    if (e == SP_OK) {
        *out = doc;
        doc = NULL;
    }
out:
    policy_doc_free(doc);
    tree_free(tree);
    return e;
}
