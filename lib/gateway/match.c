#include "lib/gateway/match.h"

#include "lib/base/banned.h"

static const char *const method_names[GW_METHODS] = {
    [GW_METHOD_NONE] = "", [GW_GET] = "GET",     [GW_HEAD] = "HEAD",     [GW_POST] = "POST",
    [GW_PUT] = "PUT",      [GW_PATCH] = "PATCH", [GW_DELETE] = "DELETE", [GW_OPTIONS] = "OPTIONS",
};

enum gw_method gw_method_parse(struct view text)
{
    for (int m = GW_GET; m < GW_METHODS; m++) {
        if (view_is(text, method_names[m]))
            return (enum gw_method)m;
    }
    return GW_METHOD_NONE;
}

const char *gw_method_name(enum gw_method m)
{
    return m > GW_METHOD_NONE && m < GW_METHODS ? method_names[m] : "";
}

/* A rule for GET can't be walked around with HEAD: the application does the same work for it. */
static unsigned with_head(unsigned methods)
{
    return (methods & 1u << GW_GET) != 0 ? methods | 1u << GW_HEAD : methods;
}

static sp_error parse_method(struct view text, struct sp_why *why, unsigned *methods)
{
    enum gw_method m = gw_method_parse(text);

    if (view_is(text, "*"))
        return SP_OK;
    if (m == GW_METHOD_NONE)
        return sp_why_say(why, SP_ERR_INVALID,
                          "\"%.*s\" is no method; expected GET, HEAD, POST, PUT, PATCH, DELETE, "
                          "OPTIONS or *",
                          (int)(text.len > 40 ? 40 : text.len), (const char *)text.at);
    *methods = with_head(1u << m);
    return SP_OK;
}

/* One name between braces and nothing else, or a star. */
static bool is_any(struct view v)
{
    if (view_is(v, "*"))
        return true;
    return v.len >= 3 && v.at[0] == '{' && memchr(v.at, '}', v.len) == v.at + v.len - 1 &&
           memchr(v.at + 1, '{', v.len - 1) == NULL;
}

static bool is_literal(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] <= ' ' || v.at[i] == 0x7f || strchr("{}*?#%\\", v.at[i]) != NULL)
            return false;
    }
    return v.len > 0 && !view_is(v, ".") && !view_is(v, "..");
}

static sp_error add_segment(struct gwmatch *m, struct view path, struct view segment,
                            struct sp_why *why)
{
    if (m->open)
        return sp_why_say(why, SP_ERR_INVALID, "`**` is only right at the end of a path");
    if (view_is(segment, "**")) {
        m->open = true;
        return SP_OK;
    }
    if (m->segment_count == GWMATCH_SEGMENTS_MAX)
        return sp_why_say(why, SP_ERR_INVALID, "a path of a rule has at most %d segments",
                          GWMATCH_SEGMENTS_MAX);
    bool any = is_any(segment);
    if (!any && !is_literal(segment))
        return sp_why_say(why, SP_ERR_INVALID,
                          "\"%.*s\" is no segment; expected a word, {name}, * or ** at the end",
                          VIEW_ARG(segment));
    m->segments[m->segment_count++] = (struct gwmatch_segment){
        .from = (uint16_t)(segment.at - path.at), .len = any ? 0 : (uint16_t)segment.len};
    return SP_OK;
}

static sp_error parse_path(struct view path, struct sp_why *why, struct gwmatch *m)
{
    sp_error e = SP_OK;

    if (path.len > GWMATCH_TEXT_MAX)
        return sp_why_say(why, SP_ERR_LIMIT, "a path of a rule has at most %d bytes",
                          GWMATCH_TEXT_MAX);
    if (path.len == 0 || path.at[0] != '/')
        return sp_why_say(why, SP_ERR_INVALID,
                          "\"%.*s\" is no path; expected one such as "
                          "/v1/accounts/{id}",
                          VIEW_ARG(path));
    view_copy(m->path, sizeof m->path, path);
    for (size_t at = 1; e == SP_OK && at < path.len;) {
        struct view rest = view_slice(path, at, path.len);
        const uint8_t *slash = memchr(rest.at, '/', rest.len);
        size_t n = slash != NULL ? (size_t)(slash - rest.at) : rest.len;
        e = add_segment(m, path, view_slice(rest, 0, n), why);
        at += n + 1;
    }
    return e;
}

sp_error gwmatch_parse(struct view text, struct sp_why *why, struct gwmatch *out)
{
    const uint8_t *blank = text.len > 0 ? memchr(text.at, ' ', text.len) : NULL;
    size_t n = blank != NULL ? (size_t)(blank - text.at) : 0;
    struct gwmatch m = {0};
    sp_error e;

    if (blank != NULL && (e = parse_method(view_slice(text, 0, n), why, &m.methods)) != SP_OK)
        return e;
    if ((e = parse_path(view_slice(text, blank != NULL ? n + 1 : 0, text.len), why, &m)) != SP_OK)
        return e;
    *out = m;
    return SP_OK;
}

static sp_error read_object(const struct json *j, struct gwmatch *m, struct sp_why *why)
{
    static const char *const names[] = {"operation", "path", "method", NULL};
    struct view operation = json_str(json_get(j, "operation"));
    struct view path = json_str(json_get(j, "path")), method = json_str(json_get(j, "method"));
    sp_error e;

    if (json_only(j, names, why) != SP_OK)
        return SP_ERR_INVALID; /* in why's words */
    for (void *i = json_iter(j); i != NULL; i = json_iter_next(j, i)) {
        if (json_kind(json_iter_value(i)) != JSON_STRING)
            return sp_why_say(why, SP_ERR_INVALID, "%s is %s; expected a text", json_iter_name(i),
                              json_kind_name(json_kind(json_iter_value(i))));
    }
    if (json_len(j) == 0 || (operation.len > 0 && json_len(j) > 1))
        return sp_why_say(why, SP_ERR_INVALID,
                          "expected either an operation or a path, with or without a method");
    if (operation.len > GWMATCH_TEXT_MAX)
        return sp_why_say(why, SP_ERR_INVALID, "an operation's name has at most %d bytes",
                          GWMATCH_TEXT_MAX);
    view_copy(m->operation, sizeof m->operation, operation);
    if (json_get(j, "method") != NULL && (e = parse_method(method, why, &m->methods)) != SP_OK)
        return e;
    if (json_get(j, "path") != NULL)
        return parse_path(path, why, m);
    if (operation.len == 0 && m->methods == 0)
        return sp_why_say(why, SP_ERR_INVALID, "it speaks of every request; leave it out instead");
    return SP_OK;
}

sp_error gwmatch_read(const struct json *j, void *at, struct sp_why *why)
{
    struct gwmatch m = {0};
    sp_error e;

    if (json_kind(j) == JSON_STRING)
        e = gwmatch_parse(json_str(j), why, &m);
    else if (json_kind(j) == JSON_OBJECT)
        e = read_object(j, &m, why);
    else
        e = sp_why_say(why, SP_ERR_INVALID,
                       "%s was found; expected one such as \"GET /v1/accounts/{id}\" or "
                       "{ operation: login }",
                       json_kind_name(json_kind(j)));
    if (e == SP_OK)
        *(struct gwmatch *)at = m;
    return e == SP_ERR_LIMIT ? SP_ERR_INVALID : e;
}

bool gwmatch_holds(const struct gwmatch *m, const struct gwmatch_subject *s)
{
    if (m->methods != 0 && (m->methods & 1u << s->method) == 0)
        return false;
    if (m->operation[0] != '\0' && !view_is(s->operation, m->operation))
        return false;
    if (m->path[0] == '\0')
        return true;
    if (s->segment_count < m->segment_count || (!m->open && s->segment_count > m->segment_count))
        return false;
    for (size_t i = 0; i < m->segment_count; i++) {
        const struct gwmatch_segment *want = &m->segments[i];
        if (want->len > 0 && (s->segments[i].len != want->len ||
                              memcmp(s->segments[i].at, m->path + want->from, want->len) != 0))
            return false;
    }
    return true;
}

struct view gwmatch_name(struct view path, size_t i)
{
    size_t from = 1, to = 0;

    for (size_t at = 0;; at++, from = to + 1) {
        for (to = from; to < path.len && path.at[to] != '/'; to++)
            ;
        if (at == i || to >= path.len)
            break;
    }
    struct view s = view_slice(path, from, to - from);
    return s.len > 2 && s.at[0] == '{' ? view_slice(s, 1, s.len - 2) : (struct view){0};
}
