#include "lib/schema/shape.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <math.h>

#include "lib/base/banned.h"

enum { SCALARS = TYPE_INTEGER | TYPE_NUMBER | TYPE_BOOL | TYPE_STRING };

struct twig *twig_new(struct shape *s, enum twig_kind kind)
{
    struct twig *t = NULL;

    if (s->twigs == TWIGS_MAX) {
        s->too_many = true;
        return NULL;
    }
    t = scratch_zeroed(s->scratch, 1, sizeof *t);
    if (t == NULL) {
        s->nomem = true;
        return NULL;
    }
    s->twigs++;
    t->kind = kind;
    return t;
}

void twig_add(struct twig *parent, struct twig *child)
{
    if (parent->last == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
    parent->count++;
}

struct twig *twig_child(const struct twig *parent, struct view name)
{
    struct twig *t = parent->first;

    while (t != NULL && !view_equal(t->name, name))
        t = t->next;
    return t;
}

struct twig *twig_text(struct shape *s, struct twig *parent, struct view name, struct view text)
{
    struct twig *t = twig_new(s, TWIG_TEXT);

    if (t == NULL)
        return NULL;
    s->unreadable = s->unreadable || !utf8_valid(text) || !utf8_valid(name);
    t->name = name;
    t->text = text;
    if (parent != NULL)
        twig_add(parent, t);
    return t;
}

struct view shape_decode(struct shape *s, struct view raw, bool plus)
{
    uint8_t *out;
    size_t len = 0;

    if (raw.len == 0 ||
        (memchr(raw.at, '%', raw.len) == NULL && (!plus || memchr(raw.at, '+', raw.len) == NULL)))
        return raw.len == 0 ? view_str("") : raw;
    if ((out = scratch_take(s->scratch, raw.len)) == NULL) {
        s->nomem = true;
        return (struct view){0};
    }
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t c = raw.at[i];
        if (c == '%' && i + 2 < raw.len && ascii_hex(raw.at[i + 1]) >= 0 &&
            ascii_hex(raw.at[i + 2]) >= 0) {
            c = (uint8_t)(ascii_hex(raw.at[i + 1]) * 16 + ascii_hex(raw.at[i + 2]));
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        out[len++] = c;
    }
    return (struct view){out, len};
}

struct view shape_cut(struct view *rest, const char *delimiter)
{
    size_t len = strlen(delimiter);
    const uint8_t *found = rest->len < len ? NULL : memmem(rest->at, rest->len, delimiter, len);
    struct view piece = *rest;

    if (found == NULL) {
        *rest = (struct view){0};
        return piece;
    }
    piece.len = (size_t)(found - rest->at);
    *rest = (struct view){found + len, rest->len - piece.len - len};
    return piece;
}

/* ---- trees of brackets ---- */

static bool is_index(struct view name)
{
    uint64_t n;

    return name.len == 0 || num_uint(name, TWIGS_MAX, &n) == SP_OK;
}

bool shape_put(struct shape *s, struct twig *root, struct view name, struct view text)
{
    const uint8_t *open = name.len == 0 ? NULL : memchr(name.at, '[', name.len);
    size_t base = open == NULL ? name.len : (size_t)(open - name.at);
    struct view part = view_slice(name, 0, base), rest = view_slice(name, base, name.len);
    struct twig *at = root;

    for (unsigned depth = 0; rest.len > 0; depth++) {
        struct twig *child = part.len == 0 ? NULL : twig_child(at, part);
        if (depth == TWIG_DEPTH_MAX || (child != NULL && child->kind != TWIG_TREE))
            return false;
        if (child == NULL) {
            if ((child = twig_new(s, TWIG_TREE)) == NULL)
                return false;
            child->name = part;
            twig_add(at, child);
        }
        at = child;
        const uint8_t *close = rest.at[0] == '[' ? memchr(rest.at, ']', rest.len) : NULL;
        if (close == NULL)
            return false;
        size_t len = (size_t)(close - rest.at);
        part = view_slice(rest, 1, len - 1);
        rest = view_slice(rest, len + 1, rest.len);
    }
    if (part.len > 0 && twig_child(at, part) != NULL)
        return false; /* twice */
    return twig_text(s, at, part, text) != NULL;
}

/* ---- writing ---- */

struct writer {
    struct shape *s;
    yyjson_val *at; /* the next free one */
};

static bool as_number(struct shape *s, struct view text, yyjson_val *out)
{
    const uint8_t first = text.len == 0 ? 0 : text.at[0];
    char *copy;

    if (first != '-' && (first < '0' || first > '9'))
        return false;
    if ((copy = scratch_take(s->scratch, text.len + 1)) == NULL) {
        s->nomem = true;
        return false;
    }
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    const char *end = yyjson_read_number(copy, out, YYJSON_READ_BIGNUM_AS_RAW, NULL, NULL);
    return end == copy + text.len && isfinite(value_double(out));
}

/* What the text is for a schema that allows `types`. */
static void write_scalar(struct shape *s, struct view text, uint32_t types, yyjson_val *out)
{
    bool string = (types & TYPE_STRING) != 0;

    memset(out, 0, sizeof *out);
    if (!s->strings && (types & (TYPE_INTEGER | TYPE_NUMBER)) != 0 && as_number(s, text, out)) {
        s->ambiguous = s->ambiguous || string;
        return;
    }
    memset(out, 0, sizeof *out);
    if (!s->strings && (types & TYPE_BOOL) != 0 &&
        (view_is(text, "true") || view_is(text, "false"))) {
        s->ambiguous = s->ambiguous || string;
        yyjson_set_bool(out, text.len == 4);
        return;
    }
    if (!string && (types & TYPE_NULL) != 0 && (text.len == 0 || view_is(text, "null"))) {
        yyjson_set_null(out);
        return;
    }
    yyjson_set_strn(out, text.at == NULL ? "" : (const char *)text.at, text.len);
}

static size_t values_of(const struct twig *t)
{
    size_t n = 2; /* one, and the list that a lone text may need around it */

    if (t->kind == TWIG_JSON)
        return (size_t)(unsafe_yyjson_get_next(t->json) - t->json);
    for (const struct twig *c = t->first; c != NULL; c = c->next)
        n += 1 + values_of(c);
    return n;
}

static void set_container(yyjson_val *v, const yyjson_val *end, bool list, size_t count)
{
    v->tag = (uint64_t)count << YYJSON_TAG_BIT | (list ? YYJSON_TYPE_ARR : YYJSON_TYPE_OBJ);
    v->uni.ofs = (size_t)(end - v) * sizeof *v;
}

static bool is_list(const struct twig *t, uint32_t types)
{
    bool indexes = true;

    if (t->kind != TWIG_TREE)
        return t->kind == TWIG_LIST;
    for (const struct twig *c = t->first; c != NULL; c = c->next)
        indexes = indexes && is_index(c->name);
    return indexes && (types & TYPE_ARRAY) != 0;
}

static void write_twig(struct writer *w, const struct twig *t, uint32_t node)
{
    uint32_t types = traits_types(w->s->p, node);
    yyjson_val *v = w->at++;
    size_t index = 0;

    if (t->kind == TWIG_JSON) {
        size_t count = values_of(t);
        memcpy(v, t->json, count * sizeof *v);
        w->at = v + count;
        return;
    }
    if (t->kind == TWIG_TEXT && ((types & TYPE_ARRAY) == 0 || (types & SCALARS) != 0)) {
        write_scalar(w->s, t->text, types, v);
        return;
    }
    if (t->kind == TWIG_TEXT) { /* a list of one, written as its item */
        write_scalar(w->s, t->text, traits_types(w->s->p, traits_item(w->s->p, node, 0)), w->at++);
        set_container(v, w->at, true, 1);
        return;
    }
    bool list = is_list(t, types);
    for (const struct twig *c = t->first; c != NULL; c = c->next) {
        uint32_t inner =
            list ? traits_item(w->s->p, node, index++) : traits_member(w->s->p, node, c->name);
        if (!list) {
            memset(w->at, 0, sizeof *w->at);
            yyjson_set_strn(w->at++, c->name.at == NULL ? "" : (const char *)c->name.at,
                            c->name.len);
        }
        write_twig(w, c, inner);
    }
    set_container(v, w->at, list, t->count);
}

yyjson_val *shape_value(struct shape *s, const struct twig *t, uint32_t node)
{
    struct writer w = {.s = s};

    w.at = scratch_take(s->scratch, values_of(t) * sizeof *w.at);
    if (w.at == NULL) {
        s->nomem = true;
        return NULL;
    }
    yyjson_val *v = w.at;
    write_twig(&w, t, node);
    return s->nomem ? NULL : v;
}
