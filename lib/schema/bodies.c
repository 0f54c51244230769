/* Bodies of requests and responses against those of their operation; see openapi.h. */
#include "lib/schema/multipart.h"
#include "lib/schema/openapi_internal.h"
#include "lib/schema/parameters.h"
#include "lib/schema/traits.h"

#include "lib/base/banned.h"

/* One body that is being checked. */
struct reading {
    const struct schema_program *p;
    const struct media *media;
    const struct api_strictness *strict;
    enum direction direction;
    struct scratch *scratch;
    struct schema_report *report;
};

static enum schema_verdict refuse(struct schema_report *report, enum schema_verdict v,
                                  const char *keyword)
{
    report_fault(report, v, "body", (struct view){0}, keyword);
    return report->verdict = v;
}

static struct walk walk_of(const struct reading *r, uint32_t node)
{
    return (struct walk){.program = r->p,
                         .node = node,
                         .direction = r->direction,
                         .closed = r->strict->unknown_properties,
                         .in = "body",
                         .text = r->direction == IN_REQUEST ? r->strict->text : NULL,
                         .text_arg = r->strict->text_arg};
}

/* ---- JSON ---- */

static enum schema_verdict check_json(const struct reading *r, struct view body,
                                      const struct value **json)
{
    struct value_fault fault = {0};
    const struct value *v = NULL;
    sp_error e = value_read(body, VALUE_DEPTH_MAX, r->scratch, &fault, &v);

    if (e == SP_ERR_NOMEM)
        return r->report->verdict = SCHEMA_NOMEM;
    if (e == SP_ERR_LIMIT)
        return refuse(r->report, SCHEMA_COST, "depth");
    if (e != SP_OK)
        return refuse(r->report, fault.duplicate ? SCHEMA_DUPLICATE : SCHEMA_MALFORMED, "json");
    if (json != NULL)
        *json = v;
    struct walk w = walk_of(r, r->media->node == NONE ? NODE_TRUE : r->media->node);
    w.value = value_yy(v);
    r->report->verdict = walk_run(&w, r->scratch, r->report);
    walk_tell(&w);
    return r->report->verdict;
}

/* ---- forms ---- */

static const struct encoding *encoding_of(const struct media *m, struct view name)
{
    for (size_t i = 0; i < m->encoding_count; i++) {
        if (view_equal(m->encodings[i].name, name))
            return &m->encodings[i];
    }
    return NULL;
}

/* A member whose text is JSON: what its encoding says, and what objects are by default. */
static bool is_json_text(const struct encoding *e, uint32_t types, struct view text)
{
    if (e != NULL && e->content_type.len > 0)
        return media_kind(e->content_type) == MEDIA_JSON;
    return types != TYPE_ANY && (types & TYPE_OBJECT) != 0 && (types & TYPE_STRING) == 0 &&
           text.len > 0 && text.at[0] == '{';
}

static enum schema_verdict add_json(struct shape *s, struct twig *root, struct view name,
                                    struct view text)
{
    struct value_fault fault = {0};
    const struct value *v = NULL;
    sp_error e = value_read(text, VALUE_DEPTH_MAX, s->scratch, &fault, &v);

    if (e != SP_OK)
        return e == SP_ERR_NOMEM ? SCHEMA_NOMEM
               : fault.duplicate ? SCHEMA_DUPLICATE
                                 : SCHEMA_MALFORMED;
    struct twig *t = twig_new(s, TWIG_JSON);
    if (t == NULL)
        return shape_trouble(s);
    t->name = name;
    t->json = value_yy(v);
    twig_add(root, t);
    return SCHEMA_VALID;
}

/* A name that stands there again: one more item of a list, and a fault for anything else. */
static enum schema_verdict add_again(struct shape *s, struct twig *old, uint32_t types,
                                     struct view text)
{
    if (types == TYPE_ANY || (types & TYPE_ARRAY) == 0 ||
        (old->kind != TWIG_TEXT && old->kind != TWIG_LIST))
        return SCHEMA_DUPLICATE;
    if (old->kind == TWIG_TEXT) {
        struct view first = old->text;
        old->kind = TWIG_LIST;
        if (twig_text(s, old, (struct view){0}, first) == NULL)
            return shape_trouble(s);
    }
    return twig_text(s, old, (struct view){0}, text) == NULL ? shape_trouble(s) : SCHEMA_VALID;
}

static const char *delimiter_of(const struct encoding *e)
{
    if (e == NULL || e->explode || e->style == STYLE_DEEP)
        return NULL;
    return e->style == STYLE_SPACE ? " " : e->style == STYLE_PIPE ? "|" : ",";
}

static enum schema_verdict add_list(struct shape *s, struct twig *root, struct view name,
                                    struct view text, const char *delimiter)
{
    struct twig *t = twig_new(s, TWIG_LIST);

    if (t == NULL)
        return shape_trouble(s);
    t->name = name;
    twig_add(root, t);
    while (text.at != NULL) {
        if (twig_text(s, t, (struct view){0}, shape_cut(&text, delimiter)) == NULL)
            return shape_trouble(s);
    }
    return SCHEMA_VALID;
}

static struct view base_name(struct view name)
{
    const uint8_t *open = name.len == 0 ? NULL : memchr(name.at, '[', name.len);

    return open == NULL ? name : view_slice(name, 0, (size_t)(open - name.at));
}

enum schema_verdict form_collect(struct shape *s, const struct media *m, struct twig *root,
                                 struct view name, struct view text)
{
    struct view base = base_name(name);
    bool brackets = base.len < name.len && base.len > 0 && !traits_declares(s->p, m->node, name);

    if (brackets)
        return shape_put(s, root, name, text) ? SCHEMA_VALID
               : s->nomem || s->too_many      ? shape_trouble(s)
                                              : SCHEMA_DUPLICATE;
    const struct encoding *e = encoding_of(m, name);
    uint32_t types = traits_types(s->p, traits_member(s->p, m->node, name));
    struct twig *old = twig_child(root, name);
    if (old != NULL)
        return add_again(s, old, types, text);
    if (is_json_text(e, types, text))
        return add_json(s, root, name, text);
    if (delimiter_of(e) != NULL && (types & TYPE_ARRAY) != 0)
        return add_list(s, root, name, text, delimiter_of(e));
    return twig_text(s, root, name, text) == NULL ? shape_trouble(s) : SCHEMA_VALID;
}

static enum schema_verdict check_form(const struct reading *r, struct view body)
{
    struct shape s = {.scratch = r->scratch, .p = r->p};
    struct raw_pairs pairs = {0};
    struct twig *root = twig_new(&s, TWIG_OBJECT);

    if (root == NULL || !pairs_split(&s, body, "&", &pairs))
        return r->report->verdict = shape_trouble(&s);
    for (size_t i = 0; i < pairs.count && r->media->node != NONE; i++) {
        struct view text = shape_decode(&s, pairs.items[i].value, true);
        enum schema_verdict v = form_collect(&s, r->media, root, pairs.items[i].name, text);
        if (v != SCHEMA_VALID) {
            report_fault(r->report, v, "body", pairs.items[i].name, schema_verdict_word(v));
            return r->report->verdict = v;
        }
    }
    if (r->media->node == NONE)
        return r->report->verdict = SCHEMA_VALID;
    struct walk w = walk_of(r, r->media->node);
    return r->report->verdict = shape_check(&s, root, &w, r->report);
}

static enum schema_verdict check_multipart(const struct reading *r, struct view type,
                                           struct view body)
{
    struct shape s = {.scratch = r->scratch, .p = r->p};
    struct twig *root = twig_new(&s, TWIG_OBJECT);

    if (root == NULL)
        return r->report->verdict = shape_trouble(&s);
    enum schema_verdict v = multipart_read(&s, r->media, type, body, root, r->report);
    if (v != SCHEMA_VALID || r->media->node == NONE)
        return r->report->verdict = v;
    struct walk w = walk_of(r, r->media->node);
    return r->report->verdict = shape_check(&s, root, &w, r->report);
}

/* ---- both directions ---- */

/* As most write it: nothing has to be taken off or made small. NULL: not so, or not declared. */
static const struct media *as_declared(const struct content *c, struct view type)
{
    for (size_t i = 0; i < c->count; i++) {
        if (view_equal(c->items[i].type, type))
            return &c->items[i];
    }
    return NULL;
}

/* Where a body and its description meet. */
static enum schema_verdict check_content(struct reading *r, const struct content *declared,
                                         struct view type, struct view body,
                                         const struct value **json)
{
    struct view bare = type;

    r->media = as_declared(declared, type);
    if (r->media == NULL) {
        bare = media_bare(type, r->scratch);
        if (bare.at == NULL)
            return r->report->verdict = SCHEMA_NOMEM;
        r->media = content_find(declared, bare);
    }
    if (r->media == NULL)
        return refuse(r->report, SCHEMA_MEDIA_TYPE, "content-type");
    switch (media_kind(bare)) {
    case MEDIA_JSON:
        return check_json(r, body, json);
    case MEDIA_FORM:
        return check_form(r, body);
    case MEDIA_MULTIPART:
        return check_multipart(r, type, body);
    default:
        return r->report->verdict = SCHEMA_UNCHECKED;
    }
}

static void begin(struct schema_report *report, const struct value **json)
{
    report->count = 0;
    report->verdict = SCHEMA_VALID;
    if (json != NULL)
        *json = NULL;
}

enum schema_verdict api_check_request(const struct api_operation *shown,
                                      const struct api_message *message,
                                      const struct api_strictness *strict, struct scratch *scratch,
                                      struct schema_report *report, const struct value **json)
{
    const struct operation *op = operation_of(shown);
    struct reading r = {.p = op->document->program,
                        .strict = strict,
                        .direction = IN_REQUEST,
                        .scratch = scratch,
                        .report = report};

    begin(report, json);
    if (message->body.len == 0 && message->type.len == 0)
        return op->shown.body_required ? refuse(report, SCHEMA_REFUSED, "required") : SCHEMA_VALID;
    if (!op->shown.has_body)
        return report->verdict = SCHEMA_UNCHECKED;
    if (message->body.len == 0 && !op->shown.body_required)
        return SCHEMA_VALID;
    return check_content(&r, &op->body, message->type, message->body, json);
}

/* Exact statuses stand before ranges, and those before the default. */
static const struct answer *answer_of(const struct operation *op, unsigned status)
{
    const struct answer *found = NULL;

    for (size_t i = 0; i < op->answer_count; i++) {
        const struct answer *a = &op->answers[i];
        if (status >= a->low && status <= a->high &&
            (found == NULL || a->high - a->low < found->high - found->low))
            found = a;
    }
    return found;
}

enum schema_verdict api_check_response(const struct api_operation *shown,
                                       const struct api_message *message,
                                       const struct api_strictness *strict, struct scratch *scratch,
                                       struct schema_report *report, const struct value **json)
{
    const struct operation *op = operation_of(shown);
    const struct answer *a = answer_of(op, message->status);
    struct reading r = {.p = op->document->program,
                        .strict = strict,
                        .direction = IN_RESPONSE,
                        .scratch = scratch,
                        .report = report};

    begin(report, json);
    if (a == NULL)
        return refuse(report, SCHEMA_UNDECLARED, "status");
    if (message->body.len == 0)
        return SCHEMA_VALID;
    if (a->content.count == 0)
        return report->verdict = SCHEMA_UNCHECKED;
    return check_content(&r, &a->content, message->type, message->body, json);
}

struct api_place api_answer_place(const struct api_operation *shown, unsigned status,
                                  struct view type, struct scratch *scratch)
{
    const struct operation *op = operation_of(shown);
    const struct answer *a = answer_of(op, status);
    struct view bare = media_bare(type, scratch);
    const struct media *m = a == NULL || bare.at == NULL ? NULL : content_find(&a->content, bare);

    return m == NULL || m->node == NONE ? (struct api_place){0}
                                        : (struct api_place){op->document->program, m->node};
}

size_t api_answer_names(const struct api_operation *op, struct scratch *scratch, struct view *out,
                        size_t max)
{
    struct api_place p = api_answer_place(op, 200, view_str("application/json"), scratch);

    return p.program == NULL ? 0 : traits_names(p.program, p.node, out, max);
}

struct api_place api_place_member(struct api_place p, struct view name)
{
    return p.program == NULL
               ? p
               : (struct api_place){p.program, traits_member(p.program, p.node, name)};
}

struct api_place api_place_item(struct api_place p, size_t index)
{
    return p.program == NULL ? p
                             : (struct api_place){p.program, traits_item(p.program, p.node, index)};
}

bool api_place_sensitive(struct api_place p)
{
    return p.program != NULL && traits_sensitive(p.program, p.node);
}

bool api_takes(const struct api_operation *shown, struct view type, struct scratch *scratch)
{
    const struct operation *op = operation_of(shown);
    struct view bare = media_bare(type, scratch);

    return !op->shown.has_body || (bare.at != NULL && content_find(&op->body, bare) != NULL);
}
