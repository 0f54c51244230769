#include "connector/gateway/route.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { PARAMETERS_MAX = 64, TRIES_MAX = 4096 };

/* One segment of paths; its text is the document's. */
struct node {
    struct view text;
    struct node *literals, *templates; /* owned arrays; literals in the order of their bytes */
    size_t literal_count, template_count;
    const struct api_operation *operations[GW_METHODS];
};

struct routes {
    struct node root;
};

/* ---- making -------------------------------------------------------------------------------- */

static void free_below(struct node *n)
{
    for (size_t i = 0; i < n->literal_count; i++)
        free_below(&n->literals[i]);
    for (size_t i = 0; i < n->template_count; i++)
        free_below(&n->templates[i]);
    free(n->literals);
    free(n->templates);
}

void routes_free(struct routes *r)
{
    if (r == NULL)
        return;
    free_below(&r->root);
    free(r);
}

/* Where `text` is among the literals, or would be. */
static size_t place_of(const struct node *n, struct view text, bool *there)
{
    size_t low = 0, high = n->literal_count;

    *there = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = view_compare(n->literals[middle].text, text);
        *there = *there || c == 0;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct node *insert(struct node **list, size_t *count, size_t at, struct view text)
{
    struct node *grown = realloc(*list, (*count + 1) * sizeof *grown);

    if (grown == NULL)
        return NULL;
    *list = grown;
    memmove(&grown[at + 1], &grown[at], (*count - at) * sizeof *grown);
    grown[at] = (struct node){.text = text};
    ++*count;
    return &grown[at];
}

/* NULL: no memory. */
static struct node *child(struct node *n, struct view text)
{
    bool there;

    if (text.len > 0 && memchr(text.at, '{', text.len) != NULL) {
        for (size_t i = 0; i < n->template_count; i++) {
            if (view_equal(n->templates[i].text, text))
                return &n->templates[i];
        }
        return insert(&n->templates, &n->template_count, n->template_count, text);
    }
    size_t at = place_of(n, text, &there);
    return there ? &n->literals[at] : insert(&n->literals, &n->literal_count, at, text);
}

static struct view next_segment(struct view *path)
{
    while (path->len > 0 && path->at[0] == '/')
        *path = view_slice(*path, 1, path->len);
    const uint8_t *slash = path->len == 0 ? NULL : memchr(path->at, '/', path->len);
    struct view segment =
        view_slice(*path, 0, slash == NULL ? path->len : (size_t)(slash - path->at));
    *path = view_slice(*path, segment.len, path->len);
    return segment;
}

SP_MUST static sp_error add(struct routes *r, struct view base, const struct api_operation *op)
{
    struct view parts[2] = {base, view_str(op->path)};
    enum gw_method method = gw_method_parse(view_str(op->method));
    struct node *n = &r->root;
    size_t depth = 0;

    if (method == GW_METHOD_NONE)
        return SP_OK; /* TRACE: nobody gets there */
    for (size_t k = 0; k < 2; k++) {
        struct view segment;
        while ((segment = next_segment(&parts[k])).len > 0) {
            if (++depth > GW_SEGMENTS_MAX)
                return SP_ERR_LIMIT;
            if ((n = child(n, segment)) == NULL)
                return SP_ERR_NOMEM;
        }
    }
    if (n->operations[method] == NULL)
        n->operations[method] = op;
    return SP_OK;
}

struct view routes_base(struct view base, struct view prefix)
{
    if (prefix.len > 0 && base.len >= prefix.len && memcmp(base.at, prefix.at, prefix.len) == 0 &&
        (base.len == prefix.len || base.at[prefix.len] == '/'))
        return view_slice(base, prefix.len, base.len);
    return base;
}

sp_error routes_new(const struct api_document *d, struct view prefix, struct routes **out)
{
    struct routes *r = calloc(1, sizeof *r);
    struct api_strings bases = api_bases(d);
    sp_error e = r == NULL ? SP_ERR_NOMEM : SP_OK;

    for (size_t b = 0; b < bases.count; b++) {
        struct view base = routes_base(view_str(bases.items[b]), prefix);
        for (size_t i = 0; e == SP_OK && i < api_operation_count(d); i++)
            e = add(r, base, api_operation_at(d, i));
    }
    if (e != SP_OK) {
        routes_free(r);
        return e;
    }
    *out = r;
    return SP_OK;
}

/* ---- finding ------------------------------------------------------------------------------- */

struct finding {
    const struct gw_target *target;
    struct gw_pair parameters[PARAMETERS_MAX];
    size_t count;
    unsigned tries; /* a document that branches without end is not followed without end */
};

/* "{a}-{b}.json" against one decoded segment: each name takes as little as it can, the last all
 * that is left before its literal. A name takes at least one byte. */
static bool match_template(struct finding *f, struct view template, struct view segment)
{
    while (template.len > 0) {
        const uint8_t *close =
            template.at[0] == '{' ? memchr(template.at, '}', template.len) : NULL;
        if (close == NULL) { /* the literal before the first name */
            if (segment.len == 0 || segment.at[0] != template.at[0])
                return false;
            template = view_slice(template, 1, template.len);
            segment = view_slice(segment, 1, segment.len);
            continue;
        }
        struct view name = view_slice(template, 1, (size_t)(close - template.at) - 1);
        template = view_slice(template, name.len + 2, template.len);
        const uint8_t *open = template.len == 0 ? NULL : memchr(template.at, '{', template.len);
        size_t literal = open == NULL ? template.len : (size_t)(open - template.at);
        size_t len = segment.len;
        if (open != NULL) {
            const uint8_t *hit =
                segment.len < 2 || literal == 0
                    ? NULL
                    : memmem(segment.at + 1, segment.len - 1, template.at, literal);
            if (hit == NULL)
                return false;
            len = (size_t)(hit - segment.at);
        } else if (segment.len <= literal ||
                   memcmp(segment.at + segment.len - literal, template.at, literal) != 0) {
            return false;
        } else {
            len = segment.len - literal;
        }
        if (f->count == PARAMETERS_MAX)
            return false;
        f->parameters[f->count++] = (struct gw_pair){name, view_slice(segment, 0, len)};
        segment = view_slice(segment, len + literal, segment.len);
        template = view_slice(template, literal, template.len);
    }
    return segment.len == 0;
}

static bool has_operation(const struct node *n)
{
    for (size_t m = 0; m < GW_METHODS; m++) {
        if (n->operations[m] != NULL)
            return true;
    }
    return false;
}

/* The recursion is as deep as the target: GW_SEGMENTS_MAX. */
static const struct node *find(struct finding *f, const struct node *n, size_t at)
{
    const struct node *found;
    bool there;

    if (at == f->target->segment_count)
        return has_operation(n) ? n : NULL;
    if (++f->tries > TRIES_MAX)
        return NULL;
    struct view segment = f->target->segments[at];
    size_t place = place_of(n, segment, &there);
    if (there && (found = find(f, &n->literals[place], at + 1)) != NULL)
        return found;
    for (size_t i = 0; i < n->template_count; i++) {
        size_t before = f->count;
        if (match_template(f, n->templates[i].text, segment) &&
            (found = find(f, &n->templates[i], at + 1)) != NULL)
            return found;
        f->count = before;
    }
    return NULL;
}

sp_error routes_find(const struct routes *r, const struct gw_request *request, struct gw_route *out)
{
    struct finding f = {.target = &request->target};
    const struct node *n = find(&f, &r->root, 0);
    enum gw_method method = request->method;

    if (n == NULL)
        return SP_OK;
    for (size_t m = 0; m < GW_METHODS; m++) {
        if (n->operations[m] != NULL)
            out->allowed |= 1u << m;
    }
    if ((out->allowed & 1u << GW_GET) != 0)
        out->allowed |= 1u << GW_HEAD;
    if (method == GW_HEAD && n->operations[GW_HEAD] == NULL)
        method = GW_GET;
    const struct api_operation *op = n->operations[method];
    if (op == NULL)
        return SP_OK;
    out->parameters = arena_array(request->arena, f.count, sizeof *out->parameters);
    if (out->parameters == NULL)
        return arena_error(request->arena);
    if (f.count > 0)
        memcpy(out->parameters, f.parameters, f.count * sizeof *out->parameters);
    out->parameter_count = f.count;
    out->operation = op;
    out->operation_id = op->id == NULL ? (struct view){0} : view_str(op->id);
    out->template = view_str(op->path);
    return SP_OK;
}
