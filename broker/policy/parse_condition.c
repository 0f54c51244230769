#include "broker/policy/parse_internal.h"

#include <math.h>
#include <stdio.h>

typedef void parse_kind(struct parser *p, const struct json *node, struct condition *out);

static void texts(struct parser *p, const struct json *node, struct condition *out)
{
    out->is.texts = parser_texts(p, node, POLICY_NAME_MAX);
}

static void groups(struct parser *p, const struct json *node, struct condition *out)
{
    texts(p, node, out);
    for (size_t i = 0; i < out->is.texts.count && p->err == SP_OK; i++) {
        const char *slash = strchr(out->is.texts.at[i], '/');
        if (slash == NULL || slash == out->is.texts.at[i] || slash[1] == '\0')
            parser_refuse(p, node, SP_ERR_INVALID,
                          "a group is written idp/group, such as corp/staff");
    }
}

static void mfa(struct parser *p, const struct json *node, struct condition *out)
{
    static const char *const keys[] = {"max_age", "kind", "amr", "acr", NULL};
    const struct json *member = NULL;

    out->is.mfa.kind = MFA_ANY;
    if (!parser_object(p, node, keys))
        return;
    if ((member = json_get(node, "max_age")) != NULL)
        out->is.mfa.max_age_ms = parser_duration(p, member, 1);
    if ((member = json_get(node, "kind")) != NULL)
        out->is.mfa.kind = (enum mfa_kind)parser_word(p, member, parse_mfa_words);
    if ((member = json_get(node, "amr")) != NULL)
        out->is.mfa.amr = parser_texts(p, member, POLICY_NAME_MAX);
    if ((member = json_get(node, "acr")) != NULL)
        out->is.mfa.acr = parser_texts(p, member, POLICY_NAME_MAX);
}

static void device(struct parser *p, const struct json *node, struct condition *out)
{
    static const char *const keys[] = {"state", "owner", "key", NULL};
    const struct json *member = NULL;

    if (!parser_object(p, node, keys))
        return;
    if (json_len(node) == 0)
        parser_refuse(p, node, SP_ERR_INVALID, "an empty device asks for nothing");
    if ((member = json_get(node, "state")) != NULL)
        out->is.device.states = parser_word_set(p, member, parse_device_states);
    if ((member = json_get(node, "owner")) != NULL)
        out->is.device.owners = parser_word_set(p, member, parse_device_owners);
    if ((member = json_get(node, "key")) != NULL)
        out->is.device.keys = parser_word_set(p, member, parse_device_keys);
}

/* ---- posture and score ---- */

static bool is_version(struct view v)
{
    bool digit_before = false;

    for (size_t i = 0; i < v.len; i++) {
        bool digit = v.at[i] >= '0' && v.at[i] <= '9';
        if (!digit && !(v.at[i] == '.' && digit_before))
            return false;
        digit_before = digit;
    }
    return v.len > 0 && v.len <= 64 && digit_before;
}

static void test_value(struct parser *p, const struct json *node, bool ordered,
                       struct test_value *out)
{
    int64_t whole = 0;
    char text[32];

    if (json_kind(node) == JSON_STRING && (!ordered || is_version(json_str(node)))) {
        out->kind = VALUE_TEXT;
        out->text = parser_text(p, node, POLICY_NAME_MAX);
    } else if (json_integer(node, &whole)) {
        out->kind = VALUE_NUMBER;
        out->number = (double)whole;
        (void)snprintf(text, sizeof text, "%lld", (long long)whole);
        out->text = arena_text(p->arena, view_str(text));
    } else if (json_kind(node) == JSON_REAL) {
        parser_refuse(p, node, SP_ERR_INVALID,
                      "a number with a point could be a version, where 1.10 is not 1.1: "
                      "write it in quotes");
    } else {
        parser_refuse(p, node, SP_ERR_INVALID, "expected %s",
                      ordered ? "a whole number, or a version in quotes such as \"1.10\""
                              : "text or a whole number");
    }
}

static void test_values(struct parser *p, const struct json *node, struct signal_test *t)
{
    bool many = t->op == TEST_ONE_OF;

    t->count = many ? json_len(node) : 1;
    if (many && (json_kind(node) != JSON_ARRAY || t->count == 0)) {
        parser_refuse(p, node, SP_ERR_INVALID, "one_of takes a list of at least one value");
        return;
    }
    struct test_value *values = arena_array(p->arena, t->count, sizeof *values);
    for (size_t i = 0; values != NULL && i < t->count; i++)
        test_value(p, many ? json_at(node, i) : node, !many && t->op != TEST_EQUALS, &values[i]);
    t->values = values;
}

static const char *const pass_words[] = {"", "pass", "fail", NULL};

static void test_op(struct parser *p, const struct json *node, struct signal_test *t)
{
    static const struct {
        const char *key;
        enum test_op op;
    } ops[] = {{"equals", TEST_EQUALS},
               {"one_of", TEST_ONE_OF},
               {"at_least", TEST_AT_LEAST},
               {"at_most", TEST_AT_MOST}};
    const struct json *is = json_get(node, "is");
    size_t named = is != NULL;

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const struct json *member = json_get(node, ops[i].key);
        if (member == NULL)
            continue;
        named++;
        t->op = ops[i].op;
        struct parser_mark mark = parser_enter(p, ops[i].key);
        test_values(p, member, t);
        parser_leave(p, mark);
    }
    if (named > 1)
        parser_refuse(p, node, SP_ERR_INVALID,
                      "one test has one of is, equals, one_of, at_least, at_most");
    if (t->op != TEST_IS)
        return;
    struct test_value *value = arena_array(p->arena, 1, sizeof *value);
    if (value != NULL) {
        value->kind = VALUE_PASS_FAIL;
        value->pass = is == NULL || parser_word(p, is, pass_words) == 1;
    }
    t->values = value;
    t->count = 1;
}

static void signal_test(struct parser *p, const struct json *node, struct signal_test *t)
{
    static const char *const keys[] = {"signal",  "is",      "equals",    "one_of", "at_least",
                                       "at_most", "max_age", "assurance", NULL};
    const struct json *member = NULL;

    t->assurance = ASSURANCE_SIGNED;
    t->line = parser_line(p, node);
    if (!parser_object(p, node, keys))
        return;
    t->signal = parser_text(p, json_get(node, "signal"), 64);
    test_op(p, node, t);
    if ((member = json_get(node, "max_age")) != NULL)
        t->max_age_ms = parser_duration(p, member, 1);
    if ((member = json_get(node, "assurance")) != NULL)
        t->assurance = (enum assurance)parser_word(p, member, parse_assurance_words);
}

static void posture(struct parser *p, const struct json *node, struct condition *out)
{
    size_t count = json_len(node);

    if (json_kind(node) != JSON_ARRAY || count == 0) {
        parser_refuse(p, node, SP_ERR_INVALID,
                      "posture takes a list of tests, such as [{signal: disk_encryption}]");
        return;
    }
    struct signal_test *tests = arena_array(p->arena, count, sizeof *tests);
    for (size_t i = 0; tests != NULL && i < count && p->err == SP_OK; i++) {
        struct parser_mark mark = parser_enter_index(p, i);
        signal_test(p, json_at(node, i), &tests[i]);
        parser_leave(p, mark);
    }
    out->is.posture.at = tests;
    out->is.posture.count = count;
}

static void score(struct parser *p, const struct json *node, struct condition *out)
{
    static const char *const keys[] = {"feed", "field", "at_least", "at_most", "max_age", NULL};
    struct signal_test *t = &out->is.score;
    char name[2 * POLICY_NAME_MAX];

    if (!parser_object(p, node, keys))
        return;
    (void)snprintf(name, sizeof name, "%s:%s", parser_text(p, json_get(node, "feed"), 64),
                   parser_text(p, json_get(node, "field"), 64)); /* both fit */
    t->signal = arena_text(p->arena, view_str(name));
    t->assurance = ASSURANCE_SELF; /* a feed is a feed: no minimum is asked */
    t->line = out->line;
    test_op(p, node, t);
    if (t->op == TEST_IS)
        parser_refuse(p, node, SP_ERR_INVALID, "a score needs at_least or at_most");
    if (p->err == SP_OK && t->values[0].kind != VALUE_NUMBER)
        parser_refuse(p, node, SP_ERR_INVALID, "a score is a whole number, without quotes");
    if (json_get(node, "max_age") != NULL)
        t->max_age_ms = parser_duration(p, json_get(node, "max_age"), 1);
}

/* ---- places, apps, risk ---- */

static const struct cidr *cidrs(struct parser *p, const struct json *node, size_t *count)
{
    struct text_list list = parser_texts(p, node, 64);
    struct cidr *at = arena_array(p->arena, list.count, sizeof *at);

    for (size_t i = 0; at != NULL && i < list.count; i++)
        if (!parse_cidr(view_str(list.at[i]), &at[i])) {
            parser_refuse(p, node, SP_ERR_INVALID,
                          "\"%s\" is no network; expected one such as 198.18.66.0/24 or "
                          "2001:db8::/32, without bits behind the prefix",
                          list.at[i]);
            break;
        }
    *count = list.count;
    return at;
}

static bool in_and_not_in(struct parser *p, const struct json *node)
{
    static const char *const keys[] = {"in", "not_in", NULL};

    if (!parser_object(p, node, keys))
        return false;
    if (json_len(node) == 0)
        parser_refuse(p, node, SP_ERR_INVALID, "expected in or not_in");
    return p->err == SP_OK;
}

static void network(struct parser *p, const struct json *node, struct condition *out)
{
    if (!in_and_not_in(p, node))
        return;
    if (json_get(node, "in") != NULL)
        out->is.network.in = cidrs(p, json_get(node, "in"), &out->is.network.in_count);
    if (json_get(node, "not_in") != NULL)
        out->is.network.not_in = cidrs(p, json_get(node, "not_in"), &out->is.network.not_in_count);
}

static struct text_list countries(struct parser *p, const struct json *node)
{
    struct text_list list = parser_texts(p, node, 2);

    for (size_t i = 0; i < list.count; i++) {
        const char *c = list.at[i];
        if (c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z')
            parser_refuse(p, node, SP_ERR_INVALID,
                          "\"%s\" is no country code; expected two capitals, such as DE", c);
    }
    return list;
}

static void country(struct parser *p, const struct json *node, struct condition *out)
{
    if (!in_and_not_in(p, node))
        return;
    if (json_get(node, "in") != NULL)
        out->is.country.in = countries(p, json_get(node, "in"));
    if (json_get(node, "not_in") != NULL)
        out->is.country.not_in = countries(p, json_get(node, "not_in"));
}

static void time_of(struct parser *p, const struct json *node, struct condition *out)
{
    parse_time_condition(p, node, &out->is.time);
}

static void app(struct parser *p, const struct json *node, struct condition *out)
{
    static const char *const keys[] = {"labels", NULL};

    if (!parser_object(p, node, keys))
        return;
    out->is.app.labels = parser_labels(p, json_get(node, "labels"), &out->is.app.count);
}

static void risk(struct parser *p, const struct json *node, struct condition *out)
{
    static const char *const keys[] = {"at_least", "at_most", NULL};
    const struct json *member = NULL;

    if (!parser_object(p, node, keys))
        return;
    if (json_len(node) == 0)
        parser_refuse(p, node, SP_ERR_INVALID, "expected at_least or at_most");
    if ((member = json_get(node, "at_least")) != NULL)
        out->is.risk.at_least = (enum risk_level)parser_word(p, member, parse_risk_words);
    if ((member = json_get(node, "at_most")) != NULL)
        out->is.risk.at_most = (enum risk_level)parser_word(p, member, parse_risk_words);
}

/* ---- lists of conditions ---- */

static const char *const nothing_extra[] = {NULL};

static void any(struct parser *p, const struct json *node, struct condition *out, bool in_not)
{
    size_t count = json_len(node);

    if (json_kind(node) != JSON_ARRAY || count == 0) {
        parser_refuse(p, node, SP_ERR_INVALID,
                      "any takes a list of alternatives, such as [{users: [a]}, {users: [b]}]");
        return;
    }
    struct condition_list *at = arena_array(p->arena, count, sizeof *at);
    for (size_t i = 0; at != NULL && i < count && p->err == SP_OK; i++) {
        struct parser_mark mark = parser_enter_index(p, i);
        at[i] = parse_when(p, json_at(node, i), in_not, nothing_extra);
        if (at[i].count == 0)
            parser_refuse(p, json_at(node, i), SP_ERR_INVALID,
                          "an empty alternative is always true");
        parser_leave(p, mark);
    }
    out->is.any.at = at;
    out->is.any.count = count;
}

static void not_of(struct parser *p, const struct json *node, struct condition *out)
{
    out->is.not = parse_when(p, node, true, nothing_extra);
    if (out->is.not .count == 0)
        parser_refuse(p, node, SP_ERR_INVALID, "an empty not is never true");
}

/* `any` and `not` are read by one_condition(): they need to know where they stand. */
static const struct {
    const char *key;
    enum condition_kind kind;
    parse_kind *parse;
} kinds[] = {
    {"groups", COND_GROUPS, groups},
    {"users", COND_USERS, texts},
    {"mfa", COND_MFA, mfa},
    {"device", COND_DEVICE, device},
    {"posture", COND_POSTURE, posture},
    {"score", COND_SCORE, score},
    {"network", COND_NETWORK, network},
    {"country", COND_COUNTRY, country},
    {"time", COND_TIME, time_of},
    {"app", COND_APP, app},
    {"risk", COND_RISK, risk},
    {"any", COND_ANY, NULL},
    {"not", COND_NOT, NULL},
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static void one_condition(struct parser *p, const struct json *node, size_t k, bool in_not,
                          struct condition *out)
{
    struct parser_mark mark = parser_enter(p, kinds[k].key);

    out->kind = kinds[k].kind;
    out->line = parser_line(p, node);
    if (out->kind == COND_MFA && in_not)
        parser_refuse(p, node, SP_ERR_INVALID,
                      "mfa inside not is refused: a missing proof would let someone in");
    else if (out->kind == COND_ANY)
        any(p, node, out, in_not);
    else if (out->kind == COND_NOT)
        not_of(p, node, out);
    else
        kinds[k].parse(p, node, out);
    parser_leave(p, mark);
}

static bool is_extra(const char *name, const char *const extra[])
{
    for (size_t i = 0; extra[i] != NULL; i++)
        if (strcmp(extra[i], name) == 0)
            return true;
    return false;
}

struct condition_list parse_when(struct parser *p, const struct json *node, bool in_not,
                                 const char *const extra[])
{
    size_t n = 0;

    if (json_kind(node) != JSON_OBJECT) {
        parser_refuse(p, node, SP_ERR_MALFORMED, "expected conditions (key: value), found %s",
                      json_kind_name(json_kind(node)));
        return (struct condition_list){0};
    }
    struct condition *at = arena_array(p->arena, json_len(node), sizeof *at);
    for (void *i = json_iter(node); i != NULL && at != NULL && p->err == SP_OK;
         i = json_iter_next(node, i)) {
        size_t k = 0;
        if (is_extra(json_iter_name(i), extra))
            continue;
        while (k < KIND_COUNT && strcmp(kinds[k].key, json_iter_name(i)) != 0)
            k++;
        if (k == KIND_COUNT)
            parser_refuse(p, json_iter_value(i), SP_ERR_INVALID, "unknown condition %s",
                          json_iter_name(i));
        else
            one_condition(p, json_iter_value(i), k, in_not, &at[n++]);
    }
    return (struct condition_list){at, n};
}
