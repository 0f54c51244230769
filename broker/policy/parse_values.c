#include "broker/policy/parse_internal.h"

#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <stdarg.h>
#include <stdio.h>

const char *const parse_mfa_words[] = {"", "any", "otp", "phishing_resistant", NULL};
const char *const parse_assurance_words[] = {"", "self", "signed", "attested", "vendor", NULL};
const char *const parse_device_states[] = {"", "pending", "approved", "blocked", "lost", NULL};
const char *const parse_device_owners[] = {"", "user", "other", "organisation", NULL};
const char *const parse_device_keys[] = {"", "software", "hardware", NULL};
const char *const parse_risk_words[] = {"", "low", "medium", "high", NULL};

struct parser_mark parser_enter(struct parser *p, const char *name)
{
    struct parser_mark mark = {strlen(p->path)};

    (void)snprintf(p->path + mark.len, sizeof p->path - mark.len, "%s%s", mark.len == 0 ? "" : ".",
                   name); /* what does not fit is cut */
    return mark;
}

struct parser_mark parser_enter_index(struct parser *p, size_t index)
{
    struct parser_mark mark = {strlen(p->path)};

    (void)snprintf(p->path + mark.len, sizeof p->path - mark.len, "[%zu]", index);
    return mark;
}

void parser_leave(struct parser *p, struct parser_mark mark)
{
    p->path[mark.len] = '\0';
}

unsigned parser_line(const struct parser *p, const struct json *node)
{
    unsigned line = 0, column = 0;

    if (p->tree != NULL && node != NULL)
        tree_place(p->tree, node, &line, &column);
    return line;
}

void parser_refuse(struct parser *p, const struct json *node, sp_error e, const char *format, ...)
{
    char text[SP_WHY_TEXT_MAX];
    unsigned line = 0, column = 0;
    va_list args;

    if (p->err != SP_OK)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (p->tree != NULL && node != NULL)
        tree_place(p->tree, node, &line, &column);
    if (p->tree != NULL && line == 0 && p->here != NULL)
        tree_place(p->tree, p->here, &line, &column);
    p->err = sp_why_say(p->why, e, "%s", text);
    sp_why_field(p->why, "%s", p->path);
    sp_why_place(p->why, line, column);
}

bool parser_object(struct parser *p, const struct json *node, const char *const keys[])
{
    if (p->err != SP_OK)
        return false;
    if (json_kind(node) != JSON_OBJECT) {
        parser_refuse(p, node, SP_ERR_MALFORMED, "expected a mapping (key: value), found %s",
                      json_kind_name(json_kind(node)));
        return false;
    }
    for (void *i = json_iter(node); i != NULL; i = json_iter_next(node, i)) {
        size_t k = 0;
        while (keys[k] != NULL && strcmp(keys[k], json_iter_name(i)) != 0)
            k++;
        if (keys[k] == NULL) {
            parser_refuse(p, json_iter_value(i), SP_ERR_INVALID, "unknown key %s",
                          json_iter_name(i));
            return false;
        }
    }
    p->here = node;
    return true;
}

const char *parser_text(struct parser *p, const struct json *node, size_t max)
{
    struct view v = json_str(node);

    if (p->err != SP_OK)
        return "";
    if (json_kind(node) != JSON_STRING) {
        parser_refuse(p, node, SP_ERR_MALFORMED,
                      "expected text, found %s; numbers and true/false "
                      "need quotes to be text",
                      json_kind_name(json_kind(node)));
        return "";
    }
    if (v.len == 0 || v.len > max) {
        parser_refuse(p, node, SP_ERR_INVALID, "expected 1 to %zu bytes of text, found %zu", max,
                      v.len);
        return "";
    }
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] < 0x20 || v.at[i] == 0x7f) {
            parser_refuse(p, node, SP_ERR_INVALID, "control characters are not allowed");
            return "";
        }
    const char *text = arena_text(p->arena, v);
    return text == NULL ? "" : text;
}

int64_t parser_duration(struct parser *p, const struct json *node, int64_t least)
{
    int64_t ms = least;

    if (p->err == SP_OK &&
        (json_kind(node) != JSON_STRING || num_duration(json_str(node), &ms) != SP_OK ||
         ms < least || ms > (int64_t)366 * 24 * 3600 * 1000))
        parser_refuse(p, node, SP_ERR_INVALID,
                      "expected a duration such as 30s, 15m, 12h or 7d%s, at most 366d",
                      least > 0 ? ", above 0" : "");
    return ms;
}

bool parser_bool(struct parser *p, const struct json *node)
{
    if (p->err == SP_OK && json_kind(node) != JSON_BOOL)
        parser_refuse(p, node, SP_ERR_MALFORMED, "expected true or false, found %s",
                      json_kind_name(json_kind(node)));
    return json_is_true(node);
}

struct text_list parser_texts(struct parser *p, const struct json *node, size_t max)
{
    bool many = json_kind(node) == JSON_ARRAY;
    size_t count = many ? json_len(node) : 1;

    if (many && count == 0)
        parser_refuse(p, node, SP_ERR_INVALID, "an empty list matches nothing; name at least one");
    const char **at = arena_array(p->arena, count, sizeof *at);
    for (size_t i = 0; at != NULL && i < count && p->err == SP_OK; i++) {
        struct parser_mark mark = {strlen(p->path)};
        if (many)
            mark = parser_enter_index(p, i);
        at[i] = parser_text(p, many ? json_at(node, i) : node, max);
        parser_leave(p, mark);
    }
    return p->err != SP_OK || at == NULL ? (struct text_list){0} : (struct text_list){at, count};
}

static void join(const char *const words[], char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 1; words[i] != NULL && len < size; i++) {
        int n = snprintf(out + len, size - len, "%s%s", i > 1 ? ", " : "", words[i]);
        len += n > 0 ? (size_t)n : 0;
    }
}

unsigned parser_word(struct parser *p, const struct json *node, const char *const words[])
{
    struct view v = json_str(node);
    char all[160];

    for (unsigned i = 1; json_kind(node) == JSON_STRING && words[i] != NULL; i++)
        if (view_is(v, words[i]))
            return i;
    join(words, all, sizeof all);
    parser_refuse(p, node, SP_ERR_INVALID, "expected one of: %s", all);
    return 0;
}

unsigned parser_word_set(struct parser *p, const struct json *node, const char *const words[])
{
    unsigned set = 0;

    if (json_kind(node) != JSON_ARRAY)
        return 1u << parser_word(p, node, words);
    if (json_len(node) == 0)
        parser_refuse(p, node, SP_ERR_INVALID, "an empty list matches nothing; name at least one");
    for (size_t i = 0; i < json_len(node) && p->err == SP_OK; i++)
        set |= 1u << parser_word(p, json_at(node, i), words);
    return set;
}

const struct label *parser_labels(struct parser *p, const struct json *node, size_t *count)
{
    size_t n = 0;

    *count = 0;
    if (json_kind(node) != JSON_OBJECT || json_len(node) == 0) {
        parser_refuse(p, node, SP_ERR_INVALID, "expected at least one label, such as {env: prod}");
        return NULL;
    }
    struct label *labels = arena_array(p->arena, json_len(node), sizeof *labels);
    for (void *i = json_iter(node); i != NULL && labels != NULL; i = json_iter_next(node, i)) {
        struct parser_mark mark = parser_enter(p, json_iter_name(i));
        labels[n].key = arena_text(p->arena, view_str(json_iter_name(i)));
        labels[n].value = parser_text(p, json_iter_value(i), POLICY_NAME_MAX);
        parser_leave(p, mark);
        if (p->err != SP_OK || labels[n].key == NULL)
            return NULL;
        n++;
    }
    *count = n;
    return labels;
}
