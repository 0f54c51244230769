/* The parameters of a request against those of its operation; see openapi.h. */
#include "lib/schema/parameters.h"
#include "lib/base/ascii.h"
#include "lib/schema/openapi_internal.h"

#include "lib/base/banned.h"

enum { PAIRS_MAX = 1024, SCALARS = TYPE_INTEGER | TYPE_NUMBER | TYPE_BOOL | TYPE_STRING };

static const char *const place_names[LOCATIONS] = {"path", "query", "header", "cookie"};

/* ---- pairs ---- */

bool pairs_split(struct shape *s, struct view raw, const char *between, struct raw_pairs *out)
{
    size_t room = 1;

    for (size_t i = 0; i < raw.len; i++)
        room += raw.at[i] == (uint8_t)between[0];
    if (room > PAIRS_MAX) {
        s->too_many = true;
        return false;
    }
    *out = (struct raw_pairs){.items = scratch_zeroed(s->scratch, room, sizeof *out->items)};
    if (out->items == NULL) {
        s->nomem = true;
        return false;
    }
    while (raw.at != NULL && raw.len > 0) {
        struct view value = shape_cut(&raw, between), name = shape_cut(&value, "=");
        while (name.len > 0 && name.at[0] == ' ') /* cookies */
            name = view_slice(name, 1, name.len);
        if (name.len == 0 && value.len == 0)
            continue;
        out->items[out->count++] =
            (struct raw_pair){.name = shape_decode(s, name, between[0] == '&'), .value = value};
    }
    return !s->nomem;
}

/* ---- one parameter's text ---- */

/* What is written between the pieces, and between a name and its value. */
struct marks_of_style {
    const char *prefix, *item, *pair;
};

static struct marks_of_style marks_for(const struct parameter *p, struct view text)
{
    struct marks_of_style m = {"", ",", p->explode ? "=" : ","};

    switch (p->style) {
    case STYLE_LABEL:
        m.prefix = ".";
        /* 3.0 shows dots, RFC 6570 commas, when it is not exploded: both are understood. */
        if (p->explode || text.len == 0 || memchr(text.at, ',', text.len) == NULL) {
            m.item = ".";
            m.pair = p->explode ? "=" : ".";
        }
        break;
    case STYLE_MATRIX:
        m.prefix = ";";
        if (p->explode)
            m.item = ";";
        break;
    case STYLE_SPACE:
        m.item = m.pair = " ";
        break;
    case STYLE_PIPE:
        m.item = m.pair = "|";
        break;
    default:
        break;
    }
    return m;
}

/* One request that is being checked. */
struct checking {
    struct shape shape;
    const struct operation *op;
    struct schema_report *report;
    struct raw_pairs query, cookie;
    const struct api_parameters *given;
    const struct api_strictness *strict;
};

static enum schema_verdict refuse(struct checking *c, const struct parameter *p,
                                  enum schema_verdict v, const char *keyword)
{
    report_fault(c->report, v, place_names[p->in], p->name, keyword);
    return v;
}

/* Percent-decoding happens after splitting, and only where it was not done yet. */
static struct view decoded(struct checking *c, const struct parameter *p, struct view raw)
{
    if (p->in == IN_PATH || p->in == IN_HEADER)
        return raw;
    return shape_decode(&c->shape, raw, p->in == IN_QUERY);
}

static struct view trimmed(const struct parameter *p, struct view v)
{
    while (p->in == IN_HEADER && v.len > 0 && v.at[0] == ' ')
        v = view_slice(v, 1, v.len);
    while (p->in == IN_HEADER && v.len > 0 && v.at[v.len - 1] == ' ')
        v.len--;
    return v;
}

static bool is_list(uint32_t types, struct view text, const char *item)
{
    if ((types & TYPE_ARRAY) == 0 || types == TYPE_ANY)
        return false;
    return (types & SCALARS) == 0 ||
           (text.len > 0 && memmem(text.at, text.len, item, strlen(item)) != NULL);
}

static bool is_object(uint32_t types)
{
    return types != TYPE_ANY && (types & TYPE_OBJECT) != 0 && (types & (SCALARS | TYPE_ARRAY)) == 0;
}

static bool starts_with(struct view v, const char *prefix)
{
    size_t len = strlen(prefix);

    return v.len >= len && memcmp(v.at, prefix, len) == 0;
}

/* ";name=" of a matrix parameter; exploded lists have it before each item. */
static bool skip_matrix_name(const struct parameter *p, struct view *text)
{
    if (!starts_with(*text, ";") || text->len < p->name.len + 1 ||
        memcmp(text->at + 1, p->name.at, p->name.len) != 0)
        return false;
    *text = view_slice(*text, 1 + p->name.len, text->len);
    if (text->len > 0 && text->at[0] == '=')
        *text = view_slice(*text, 1, text->len);
    else if (text->len > 0 && text->at[0] != ';')
        return false;
    return true;
}

/* Blanks and bars may be percent-encoded: they are undone before splitting, nothing else is. */
static struct view plain_delimiters(struct checking *c, const struct parameter *p, struct view raw)
{
    const char *coded = p->style == STYLE_SPACE ? "%20" : "%7C";
    uint8_t *out = scratch_take(c->shape.scratch, raw.len + 1);
    size_t len = 0;

    if (out == NULL) {
        c->shape.nomem = true;
        return (struct view){0};
    }
    for (size_t i = 0; i < raw.len; i++) {
        struct view rest = view_slice(raw, i, 3);
        bool hit = ascii_is(rest, coded);
        uint8_t byte = raw.at[i];
        if (hit || (p->style == STYLE_SPACE && byte == '+'))
            byte = p->style == STYLE_SPACE ? ' ' : '|';
        out[len++] = byte;
        i += hit ? 2 : 0;
    }
    return (struct view){out, len};
}

static struct twig *list_of(struct checking *c, const struct parameter *p, struct view text,
                            const char *item, bool *fits)
{
    struct twig *t = twig_new(&c->shape, TWIG_LIST);

    if (text.len == 0)
        text.at = NULL; /* nothing written: nothing in it */
    while (t != NULL && text.at != NULL) {
        struct view piece = shape_cut(&text, item);
        if (p->style == STYLE_MATRIX && p->explode && t->count > 0) {
            *fits = view_equal(shape_cut(&piece, "="), p->name) && *fits;
        }
        if (twig_text(&c->shape, t, (struct view){0}, decoded(c, p, trimmed(p, piece))) == NULL)
            return NULL;
    }
    return t;
}

/* False in `*fits`: names and values do not come in pairs. */
static struct twig *object_of(struct checking *c, const struct parameter *p, struct view text,
                              const struct marks_of_style *m, bool *fits)
{
    struct twig *t = twig_new(&c->shape, TWIG_OBJECT);
    bool apart = strcmp(m->item, m->pair) != 0;

    while (t != NULL && text.at != NULL && text.len > 0) {
        struct view value = apart ? shape_cut(&text, m->item) : (struct view){0};
        struct view name = apart ? shape_cut(&value, m->pair) : shape_cut(&text, m->item);
        if (!apart && text.at == NULL) {
            *fits = false;
            return t;
        }
        if (!apart)
            value = shape_cut(&text, m->item);
        struct view known = decoded(c, p, trimmed(p, name));
        if (twig_child(t, known) != NULL)
            *fits = false;
        if (twig_text(&c->shape, t, known, decoded(c, p, trimmed(p, value))) == NULL)
            return NULL;
    }
    return t;
}

/* The twig of one text in its style. NULL: `*fits` is false, or the shape says why. */
static struct twig *twig_of(struct checking *c, const struct parameter *p, struct view text,
                            bool *fits)
{
    uint32_t types = traits_types(c->shape.p, p->node);

    if (p->style == STYLE_SPACE || p->style == STYLE_PIPE)
        text = plain_delimiters(c, p, text);
    struct marks_of_style m = marks_for(p, text);
    bool object = is_object(types);
    if (p->style == STYLE_MATRIX && !(object && p->explode)) {
        if (!(*fits = skip_matrix_name(p, &text)))
            return NULL;
    } else if (m.prefix[0] != '\0') {
        if (!(*fits = starts_with(text, m.prefix)))
            return NULL;
        text = view_slice(text, 1, text.len);
    }
    if (object)
        return object_of(c, p, text, &m, fits);
    if (is_list(types, text, m.item))
        return list_of(c, p, text, m.item, fits);
    return twig_text(&c->shape, NULL, (struct view){0}, decoded(c, p, trimmed(p, text)));
}

/* ---- checking ---- */

enum schema_verdict shape_trouble(const struct shape *s)
{
    return s->nomem ? SCHEMA_NOMEM : s->too_many ? SCHEMA_COST : SCHEMA_MALFORMED;
}

static enum schema_verdict shape_walk(struct shape *s, const struct twig *t, struct walk *w,
                                      struct schema_report *report)
{
    struct schema_report before = *report;

    s->strings = s->ambiguous = false;
    if (s->unreadable) {
        report_fault(report, SCHEMA_MALFORMED, w->in, w->name, "encoding");
        return SCHEMA_MALFORMED;
    }
    if ((w->value = shape_value(s, t, w->node)) == NULL)
        return SCHEMA_NOMEM;
    enum schema_verdict v = walk_run(w, s->scratch, report);
    if (v != SCHEMA_REFUSED || !s->ambiguous)
        return v;
    struct schema_report first = *report;
    *report = before;
    s->strings = true;
    if ((w->value = shape_value(s, t, w->node)) == NULL)
        return SCHEMA_NOMEM;
    v = walk_run(w, s->scratch, report);
    if (v == SCHEMA_REFUSED)
        *report = first;
    return v;
}

enum schema_verdict shape_check(struct shape *s, const struct twig *t, struct walk *w,
                                struct schema_report *report)
{
    enum schema_verdict v = shape_walk(s, t, w, report);

    if (v == SCHEMA_VALID || v == SCHEMA_REFUSED)
        walk_tell(w);
    return v;
}

static struct walk walk_of(const struct checking *c, const struct parameter *p)
{
    return (struct walk){.program = c->shape.p,
                         .node = p->node,
                         .direction = IN_REQUEST,
                         .in = place_names[p->in],
                         .name = p->name,
                         .text = c->strict->text,
                         .text_arg = c->strict->text_arg};
}

static enum schema_verdict check_twig(struct checking *c, const struct parameter *p,
                                      const struct twig *t, bool fits)
{
    struct walk w = walk_of(c, p);

    if (!fits)
        return refuse(c, p, SCHEMA_REFUSED, "style");
    if (t == NULL)
        return shape_trouble(&c->shape);
    return shape_check(&c->shape, t, &w, c->report);
}

/* `content`: the text is JSON, or something that is not looked into. */
static enum schema_verdict check_json(struct checking *c, const struct parameter *p,
                                      struct view raw)
{
    struct value_fault fault = {0};
    const struct value *v = NULL;
    struct walk w = walk_of(c, p);

    if (p->unread)
        return SCHEMA_VALID;
    sp_error e = value_read(decoded(c, p, raw), VALUE_DEPTH_MAX, c->shape.scratch, &fault, &v);
    if (e == SP_ERR_NOMEM)
        return SCHEMA_NOMEM;
    if (e != SP_OK)
        return refuse(c, p, fault.duplicate ? SCHEMA_DUPLICATE : SCHEMA_MALFORMED, "json");
    w.value = value_yy(v);
    enum schema_verdict verdict = walk_run(&w, c->shape.scratch, c->report);
    walk_tell(&w);
    return verdict;
}

static enum schema_verdict check_text(struct checking *c, const struct parameter *p,
                                      struct view raw)
{
    bool fits = true;

    if (raw.at == NULL)
        raw = view_str("");
    if (p->allow_empty && raw.len == 0)
        return SCHEMA_VALID;
    if (p->json || p->unread)
        return check_json(c, p, raw);
    struct twig *t = twig_of(c, p, raw, &fits);
    return check_twig(c, p, t, fits);
}

/* ---- where parameters stand ---- */

static enum schema_verdict missing(struct checking *c, const struct parameter *p)
{
    return p->required ? refuse(c, p, SCHEMA_REFUSED, "required") : SCHEMA_VALID;
}

static enum schema_verdict check_in_path(struct checking *c, const struct parameter *p)
{
    for (size_t i = 0; i < c->given->path.count; i++) {
        if (view_equal(c->given->path.items[i].name, p->name))
            return check_text(c, p, c->given->path.items[i].value);
    }
    return missing(c, p);
}

/* Several fields of one name are one list (RFC 9110 section 5.3), and no list is one field. */
static enum schema_verdict check_in_header(struct checking *c, const struct parameter *p)
{
    uint32_t types = traits_types(c->shape.p, p->node);
    struct view value = {0};
    struct buf joined;
    size_t found = 0;
    enum schema_verdict v;

    buf_init(&joined, 64 * 1024);
    for (size_t i = 0; i < c->given->header.count; i++) {
        const struct api_pair *h = &c->given->header.items[i];
        if (!view_equal(h->name, p->name))
            continue;
        if (found++ > 0)
            buf_add_byte(&joined, ',');
        buf_add(&joined, h->value);
        value = h->value;
    }
    if (found == 0)
        v = missing(c, p);
    else if (found == 1)
        v = check_text(c, p, value);
    else if (buf_error(&joined) != SP_OK)
        v = SCHEMA_COST;
    else if ((types & (TYPE_ARRAY | TYPE_OBJECT)) == 0)
        v = refuse(c, p, SCHEMA_DUPLICATE, "duplicate");
    else
        v = check_text(c, p, buf_view(&joined));
    buf_deinit(&joined);
    return v;
}

/* name[member]=value */
static enum schema_verdict check_deep(struct checking *c, const struct parameter *p)
{
    struct twig *root = twig_new(&c->shape, TWIG_OBJECT);
    bool fits = true;

    for (size_t i = 0; root != NULL && i < c->query.count; i++) {
        struct raw_pair *q = &c->query.items[i];
        if (q->name.len <= p->name.len || q->name.at[p->name.len] != '[' ||
            memcmp(q->name.at, p->name.at, p->name.len) != 0)
            continue;
        q->used = true;
        fits = shape_put(&c->shape, root, q->name, decoded(c, p, q->value)) && fits;
    }
    if (root == NULL || c->shape.nomem || c->shape.too_many)
        return shape_trouble(&c->shape);
    if (fits && root->first == NULL)
        return missing(c, p);
    return check_twig(c, p, root->first, fits);
}

static bool declared(const struct operation *op, struct view name)
{
    for (size_t i = 0; i < op->parameter_count; i++) {
        if (op->parameters[i].in == IN_QUERY && view_equal(op->parameters[i].name, name))
            return true;
    }
    return false;
}

bool api_takes_query(const struct api_operation *shown, struct view name)
{
    const struct operation *op = operation_of(shown);

    for (size_t i = 0; i < op->parameter_count; i++) {
        const struct parameter *p = &op->parameters[i];
        bool deep = p->style == STYLE_DEEP && name.len > p->name.len &&
                    name.at[p->name.len] == '[' && memcmp(name.at, p->name.at, p->name.len) == 0;
        bool spread = p->style == STYLE_FORM && p->explode && !p->json &&
                      traits_declares(op->document->program, p->node, name);
        if (p->in == IN_QUERY && (view_equal(p->name, name) || deep || spread))
            return true;
    }
    return false;
}

/* form, exploded: the members of the object stand among the other names. Those that the schema
 * lists are its own; others too when it takes them. */
static enum schema_verdict check_spread(struct checking *c, const struct parameter *p)
{
    struct twig *t = twig_new(&c->shape, TWIG_OBJECT);

    for (size_t i = 0; t != NULL && i < c->query.count; i++) {
        struct raw_pair *q = &c->query.items[i];
        if (!traits_declares(c->shape.p, p->node, q->name) || declared(c->op, q->name))
            continue;
        q->used = true;
        if (twig_child(t, q->name) != NULL)
            return refuse(c, p, SCHEMA_DUPLICATE, "duplicate");
        if (twig_text(&c->shape, t, q->name, decoded(c, p, q->value)) == NULL)
            break;
    }
    if (t == NULL || c->shape.nomem || c->shape.too_many)
        return shape_trouble(&c->shape);
    return t->first == NULL ? missing(c, p) : check_twig(c, p, t, true);
}

static enum schema_verdict check_repeated(struct checking *c, const struct parameter *p,
                                          const struct raw_pairs *pairs)
{
    struct twig *t = twig_new(&c->shape, TWIG_LIST);

    for (size_t i = 0; t != NULL && i < pairs->count; i++) {
        if (view_equal(pairs->items[i].name, p->name) &&
            twig_text(&c->shape, t, (struct view){0}, decoded(c, p, pairs->items[i].value)) == NULL)
            t = NULL;
    }
    return check_twig(c, p, t, true);
}

static enum schema_verdict check_in_pairs(struct checking *c, const struct parameter *p,
                                          struct raw_pairs *pairs)
{
    uint32_t types = traits_types(c->shape.p, p->node);
    struct raw_pair *one = NULL;
    size_t found = 0;

    if (p->style == STYLE_DEEP)
        return check_deep(c, p);
    if (p->style == STYLE_FORM && p->explode && is_object(types) && !p->json)
        return check_spread(c, p);
    for (size_t i = 0; i < pairs->count; i++) {
        if (!view_equal(pairs->items[i].name, p->name))
            continue;
        one = &pairs->items[i];
        one->used = true;
        found++;
    }
    if (found == 0)
        return missing(c, p);
    bool list = p->explode && !p->json && types != TYPE_ANY && (types & TYPE_ARRAY) != 0;
    if (list && (found > 1 || (types & SCALARS) == 0))
        return check_repeated(c, p, pairs);
    if (found > 1)
        return refuse(c, p, SCHEMA_DUPLICATE, "duplicate");
    return check_text(c, p, one->value);
}

static enum schema_verdict check_one(struct checking *c, const struct parameter *p)
{
    switch (p->in) {
    case IN_PATH:
        return check_in_path(c, p);
    case IN_HEADER:
        return check_in_header(c, p);
    case IN_QUERY:
        return check_in_pairs(c, p, &c->query);
    default:
        return check_in_pairs(c, p, &c->cookie);
    }
}

/* The worse of two: what ends the check, then what is refused. */
static enum schema_verdict worse(enum schema_verdict a, enum schema_verdict b)
{
    static const unsigned char rank[] = {
        [SCHEMA_VALID] = 0,      [SCHEMA_UNCHECKED] = 1, [SCHEMA_REFUSED] = 2,
        [SCHEMA_MALFORMED] = 3,  [SCHEMA_DUPLICATE] = 4, [SCHEMA_MEDIA_TYPE] = 2,
        [SCHEMA_UNDECLARED] = 2, [SCHEMA_COST] = 5,      [SCHEMA_NOMEM] = 6,
    };
    return rank[a] >= rank[b] ? a : b;
}

static bool split_cookies(struct checking *c)
{
    for (size_t i = 0; i < c->given->header.count; i++) {
        if (view_is(c->given->header.items[i].name, "cookie"))
            return pairs_split(&c->shape, c->given->header.items[i].value, ";", &c->cookie);
    }
    return true;
}

/* A query parameter that the operation does not declare. */
static enum schema_verdict check_unknown(struct checking *c, const struct raw_pair *q)
{
    struct view text = shape_decode(&c->shape, q->value, true);
    yyjson_val v = {0};
    struct walk w = {.value = &v,
                     .in = place_names[IN_QUERY],
                     .name = q->name,
                     .text = c->strict->text,
                     .text_arg = c->strict->text_arg};

    if (text.at == NULL)
        return SCHEMA_NOMEM;
    yyjson_set_strn(&v, (const char *)text.at, text.len);
    walk_tell(&w);
    if (!c->strict->unknown_query)
        return SCHEMA_VALID;
    report_fault(c->report, SCHEMA_REFUSED, w.in, q->name, "unknownParameter");
    return SCHEMA_REFUSED;
}

enum schema_verdict api_check_parameters(const struct api_operation *shown,
                                         const struct api_parameters *given,
                                         const struct api_strictness *strict,
                                         struct scratch *scratch, struct schema_report *report)
{
    const struct operation *op = operation_of(shown);
    struct checking c = {.shape = {.scratch = scratch, .p = op->document->program},
                         .op = op,
                         .report = report,
                         .given = given,
                         .strict = strict};
    enum schema_verdict verdict = SCHEMA_VALID;

    report->count = 0;
    report->verdict = SCHEMA_VALID;
    if (!pairs_split(&c.shape, given->query, "&", &c.query) || !split_cookies(&c))
        return report->verdict = shape_trouble(&c.shape);
    for (size_t i = 0; i < op->parameter_count; i++) {
        verdict = worse(verdict, check_one(&c, &op->parameters[i]));
        if (verdict == SCHEMA_COST || verdict == SCHEMA_NOMEM)
            return report->verdict = verdict;
    }
    for (size_t i = 0; i < c.query.count; i++) {
        if (!c.query.items[i].used)
            verdict = worse(verdict, check_unknown(&c, &c.query.items[i]));
    }
    return report->verdict = verdict;
}
