/* Parameters, bodies and responses of one operation; see openapi_internal.h. */
#include "lib/schema/openapi_internal.h"

#include "lib/base/ascii.h"
#include "lib/base/num.h"

#include "lib/base/banned.h"

static struct view member_text(const struct target *t, const char *name)
{
    return value_string(value_of(loader_get(t, name)));
}

static bool flag(const struct target *t, const char *name, bool preset)
{
    bool on = preset;

    return value_bool(value_of(loader_get(t, name)), &on) ? on : preset;
}

/* ---- media types ---- */

struct view media_bare(struct view field, struct scratch *scratch)
{
    uint8_t *out = scratch_take(scratch, field.len);
    size_t len = 0;

    if (out == NULL)
        return (struct view){0};
    for (size_t i = 0; i < field.len && field.at[i] != ';'; i++) {
        if (field.at[i] != ' ' && field.at[i] != '\t')
            out[len++] = ascii_lower(field.at[i]);
    }
    return (struct view){out, len};
}

static bool ends_with(struct view v, const char *end)
{
    size_t len = strlen(end);

    return v.len >= len && memcmp(v.at + v.len - len, end, len) == 0;
}

enum media_kind media_kind(struct view type)
{
    if (view_is(type, "application/json") || ends_with(type, "+json"))
        return MEDIA_JSON;
    if (view_is(type, "application/x-www-form-urlencoded"))
        return MEDIA_FORM;
    if (type.len > 10 && memcmp(type.at, "multipart/", 10) == 0)
        return MEDIA_MULTIPART;
    return MEDIA_OTHER;
}

const struct media *content_find(const struct content *c, struct view type)
{
    const struct media *found = NULL;
    size_t exact = 0;
    const uint8_t *slash = type.len == 0 ? NULL : memchr(type.at, '/', type.len);

    for (size_t i = 0; i < c->count; i++) {
        const struct media *m = &c->items[i];
        struct view stem = view_slice(m->type, 0, m->type.len - 1);
        size_t rank = 0;
        if (view_equal(m->type, type))
            rank = 3;
        else if (slash != NULL && ends_with(m->type, "/*") &&
                 view_equal(stem, view_slice(type, 0, (size_t)(slash - type.at) + 1)))
            rank = 2;
        else if (view_is(m->type, "*/*"))
            rank = 1;
        if (rank > exact) {
            exact = rank;
            found = m;
        }
    }
    return found;
}

/* ---- styles ---- */

static const struct {
    const char *name;
    unsigned where; /* bits of enum location */
} styles[STYLES] = {
    [STYLE_SIMPLE] = {"simple", 1u << IN_PATH | 1u << IN_HEADER},
    [STYLE_LABEL] = {"label", 1u << IN_PATH},
    [STYLE_MATRIX] = {"matrix", 1u << IN_PATH},
    [STYLE_FORM] = {"form", 1u << IN_QUERY | 1u << IN_COOKIE},
    [STYLE_SPACE] = {"spaceDelimited", 1u << IN_QUERY},
    [STYLE_PIPE] = {"pipeDelimited", 1u << IN_QUERY},
    [STYLE_DEEP] = {"deepObject", 1u << IN_QUERY},
};

static enum style style_of(struct loader *l, const struct target *t, enum location in,
                           const struct trail *at)
{
    struct view name = member_text(t, "style");
    enum style preset = in == IN_PATH || in == IN_HEADER ? STYLE_SIMPLE : STYLE_FORM;

    if (name.len == 0)
        return preset;
    for (enum style s = 0; s < STYLES; s++) {
        if (view_is(name, styles[s].name) && (styles[s].where >> in & 1) != 0)
            return s;
    }
    compiler_say(&l->c, true, at, "the style %s is not one for this place", name);
    return preset;
}

/* ---- content ---- */

static void read_encodings(struct loader *l, const struct target *media, struct media *out,
                           const struct trail *at)
{
    struct trail here = {.up = at, .name = view_str("encoding")};
    struct target all = {loader_get(media, "encoding"), media->resource};
    size_t count = all.at == NULL || value_kind(value_of(all.at)) != VALUE_OBJECT
                       ? 0
                       : unsafe_yyjson_get_len(all.at);

    if (count == 0 || (out->encodings = loader_take(l, count, sizeof *out->encodings)) == NULL)
        return;
    for (struct value_iter i = value_iter(value_of(all.at)); value_next(&i);) {
        struct target one = {value_yy(i.value), all.resource};
        struct encoding *e = &out->encodings[out->encoding_count++];
        e->name = loader_view(l, value_string(i.name));
        e->content_type = loader_view(l, member_text(&one, "contentType"));
        e->style = style_of(l, &one, IN_QUERY, &here);
        e->explode = flag(&one, "explode", e->style == STYLE_FORM);
    }
}

struct content parts_content(struct loader *l, const struct target *holder, const struct trail *at)
{
    struct trail here = {.up = at, .name = view_str("content")};
    yyjson_val *all = loader_get(holder, "content");
    size_t count =
        all == NULL || value_kind(value_of(all)) != VALUE_OBJECT ? 0 : unsafe_yyjson_get_len(all);
    struct content c = {0};

    if (count == 0 || (c.items = loader_take(l, count, sizeof *c.items)) == NULL)
        return c;
    for (struct value_iter i = value_iter(value_of(all)); value_next(&i);) {
        struct trail name = {.up = &here, .name = value_string(i.name)};
        struct target media = {value_yy(i.value), holder->resource};
        struct media *m = &c.items[c.count];
        if (!loader_follow(l, &media, &name))
            continue;
        m->type = media_bare(value_string(i.name), &l->d->memory);
        if (m->type.at == NULL) {
            l->nomem = true;
            return c;
        }
        c.count++;
        m->node = loader_schema(l, &media, "schema", &name);
        read_encodings(l, &media, m, &name);
        if (media_kind(m->type) == MEDIA_OTHER && m->node != NONE && !ends_with(m->type, "*"))
            loader_say(l, false, &name, "unchecked: bodies of this type are not read");
    }
    return c;
}

/* ---- parameters ---- */

static bool location_of(struct view name, enum location *out)
{
    static const char *const names[LOCATIONS] = {"path", "query", "header", "cookie"};

    for (enum location i = 0; i < LOCATIONS; i++) {
        if (view_is(name, names[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* These three belong to HTTP and are not described as parameters (OpenAPI, Parameter Object). */
static bool not_a_parameter(const struct parameter *p)
{
    return p->in == IN_HEADER && (view_is(p->name, "accept") || view_is(p->name, "content-type") ||
                                  view_is(p->name, "authorization"));
}

static void read_schema(struct loader *l, const struct target *t, struct parameter *p,
                        const struct trail *at)
{
    yyjson_val *content = loader_get(t, "content");

    p->node = NODE_TRUE;
    if (content == NULL) {
        uint32_t node = loader_schema(l, t, "schema", at);
        if (node != NONE)
            p->node = node;
        else
            loader_say(l, false, at, "unchecked: this parameter has no schema");
        return;
    }
    struct content c = parts_content(l, t, at);
    if (c.count != 1) {
        loader_say(l, true, at, "the content of a parameter is of one type");
        return;
    }
    p->json = media_kind(c.items[0].type) == MEDIA_JSON;
    p->unread = !p->json;
    if (p->json && c.items[0].node != NONE)
        p->node = c.items[0].node;
}

static void read_parameter(struct loader *l, const struct target *t, struct operation *op,
                           const struct trail *at)
{
    struct parameter p = {0};
    struct view name = member_text(t, "name");

    if (name.len == 0 || !location_of(member_text(t, "in"), &p.in)) {
        loader_say(l, true, at, "a parameter has a name, and is in path, query, header or cookie");
        return;
    }
    p.name = loader_view(l, name);
    for (size_t i = 0; p.in == IN_HEADER && i < p.name.len; i++)
        ((uint8_t *)(uintptr_t)p.name.at)[i] = ascii_lower(p.name.at[i]);
    if (not_a_parameter(&p))
        return;
    p.style = style_of(l, t, p.in, at);
    p.explode = flag(t, "explode", p.style == STYLE_FORM);
    p.required = p.in == IN_PATH || flag(t, "required", false);
    p.allow_empty = flag(t, "allowEmptyValue", false);
    read_schema(l, t, &p, at);
    for (size_t i = 0; i < op->parameter_count; i++) {
        struct parameter *old = &op->parameters[i];
        if (old->in == p.in && view_equal(old->name, p.name)) {
            *old = p; /* the operation's own overrides its path's */
            return;
        }
    }
    op->parameters[op->parameter_count++] = p;
}

void parts_parameters(struct loader *l, struct operation *op, const struct target lists[2],
                      const struct trail *at)
{
    struct trail here = {.up = at, .name = view_str("parameters")};
    size_t count = 0;

    for (int k = 0; k < 2; k++) {
        if (lists[k].at != NULL && value_kind(value_of(lists[k].at)) != VALUE_ARRAY)
            loader_say(l, true, &here, "this is a list of parameters");
        else if (lists[k].at != NULL)
            count += unsafe_yyjson_get_len(lists[k].at);
    }
    if (count == 0 || (op->parameters = loader_take(l, count, sizeof *op->parameters)) == NULL)
        return;
    for (int k = 0; k < 2; k++) {
        if (lists[k].at == NULL || value_kind(value_of(lists[k].at)) != VALUE_ARRAY)
            continue;
        for (struct value_iter i = value_iter(value_of(lists[k].at)); value_next(&i);) {
            struct trail item = {.up = &here, .index = i.index};
            struct target t = {value_yy(i.value), lists[k].resource};
            if (loader_follow(l, &t, &item))
                read_parameter(l, &t, op, &item);
        }
    }
}

/* ---- responses ---- */

/* "200", "2XX" or "default". */
static bool statuses_of(struct view name, struct answer *out)
{
    uint64_t status;

    if (view_is(name, "default")) {
        out->low = 0;
        out->high = 999;
        return true;
    }
    if (name.len == 3 && (name.at[1] | 0x20) == 'x' && (name.at[2] | 0x20) == 'x' &&
        name.at[0] >= '1' && name.at[0] <= '5') {
        out->low = (unsigned)(name.at[0] - '0') * 100;
        out->high = out->low + 99;
        return true;
    }
    if (name.len != 3 || num_uint(name, 999, &status) != SP_OK)
        return false;
    out->low = out->high = (unsigned)status;
    return true;
}

void parts_answers(struct loader *l, struct operation *op, const struct target *responses,
                   const struct trail *at)
{
    struct trail here = {.up = at, .name = view_str("responses")};
    size_t count = responses->at == NULL || value_kind(value_of(responses->at)) != VALUE_OBJECT
                       ? 0
                       : unsafe_yyjson_get_len(responses->at);

    if (count == 0 || (op->answers = loader_take(l, count, sizeof *op->answers)) == NULL)
        return;
    for (struct value_iter i = value_iter(value_of(responses->at)); value_next(&i);) {
        struct view name = value_string(i.name);
        struct trail one = {.up = &here, .name = name};
        struct target t = {value_yy(i.value), responses->resource};
        struct answer a = {0};
        if (name.len >= 2 && memcmp(name.at, "x-", 2) == 0)
            continue;
        if (!statuses_of(name, &a)) {
            loader_say(l, true, &one, "a response is named by a status, 2XX or default");
            continue;
        }
        if (!loader_follow(l, &t, &one))
            continue;
        a.content = parts_content(l, &t, &one);
        op->answers[op->answer_count++] = a;
    }
}
