#include "lib/schema/multipart.h"

#include "lib/base/ascii.h"
#include "lib/schema/parameters.h"

#include "lib/base/banned.h"

enum { BOUNDARY_MAX = 70 };

/* One part, as views into the body. */
struct part {
    struct view name, type, content;
    bool file;
};

/* `key="value"` or `key=value` of a field with parameters; .at NULL: absent or twice. Quoted texts
 * may hold anything but a quote and a backslash: readers disagree about escapes. */
static struct view parameter(struct view field, const char *key, bool *strict)
{
    struct view found = {0};

    shape_cut(&field, ";");
    while (field.at != NULL) {
        struct view name = ascii_trim(shape_cut(&field, "="));
        if (field.at == NULL) {
            *strict = *strict && name.len == 0;
            break;
        }
        struct view value;
        field = ascii_trim(field);
        if (field.len > 0 && field.at[0] == '"') {
            field = view_slice(field, 1, field.len);
            value = shape_cut(&field, "\"");
            *strict = *strict && field.at != NULL &&
                      (value.len == 0 || memchr(value.at, '\\', value.len) == NULL);
            if (field.at != NULL)
                *strict = ascii_trim(shape_cut(&field, ";")).len == 0 && *strict;
        } else {
            value = ascii_trim(shape_cut(&field, ";"));
        }
        if (!ascii_is(name, key))
            continue;
        *strict = *strict && found.at == NULL;
        found = value.at == NULL ? view_str("") : value;
    }
    return found;
}

static bool boundary_valid(struct view b)
{
    static const char bchars[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "'()+_,-./:=? ";

    if (b.len == 0 || b.len > BOUNDARY_MAX || b.at[b.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < b.len; i++) {
        if (b.at[i] == 0 || strchr(bchars, b.at[i]) == NULL)
            return false;
    }
    return true;
}

static bool read_field(struct part *p, struct view line, bool *disposition)
{
    struct view name = shape_cut(&line, ":");
    bool strict = line.at != NULL && name.len > 0;

    if (ascii_is(name, "content-disposition")) {
        struct view rest = line;
        strict =
            strict && !*disposition && ascii_is(ascii_trim(shape_cut(&rest, ";")), "form-data");
        *disposition = true;
        p->name = parameter(line, "name", &strict);
        p->file = parameter(line, "filename", &strict).at != NULL ||
                  parameter(line, "filename*", &strict).at != NULL;
        return strict && p->name.at != NULL;
    }
    if (ascii_is(name, "content-type")) {
        strict = strict && p->type.at == NULL;
        p->type = ascii_trim(line);
    }
    return strict && !ascii_is(name, "content-transfer-encoding");
}

/* The head and the content of what stands between two boundaries. */
static bool read_part(struct view bytes, struct part *p)
{
    bool disposition = false;
    size_t head = 0;

    *p = (struct part){0};
    for (;;) {
        struct view line = shape_cut(&bytes, "\r\n");
        head += line.len;
        if (bytes.at == NULL || head > MULTIPART_HEAD_MAX)
            return false;
        if (line.len == 0)
            break;
        if (!read_field(p, line, &disposition))
            return false;
    }
    p->content = bytes;
    return disposition;
}

static enum schema_verdict refuse(struct schema_report *report, enum schema_verdict v,
                                  struct view name, const char *keyword)
{
    report_fault(report, v, "body", name, keyword);
    return v;
}

/* "image/png, image/ *": whether the part's type is one of those of its encoding. */
static bool type_allowed(struct shape *s, const struct media *m, const struct part *p)
{
    struct content allowed = {0};
    struct view list = {0}, type;

    for (size_t i = 0; i < m->encoding_count; i++) {
        if (view_equal(m->encodings[i].name, p->name))
            list = m->encodings[i].content_type;
    }
    type = media_bare(p->type.len > 0 ? p->type : view_str("text/plain"), s->scratch);
    while (list.at != NULL && list.len > 0) {
        struct media one = {.type = media_bare(ascii_trim(shape_cut(&list, ",")), s->scratch)};
        allowed = (struct content){&one, 1};
        if (content_find(&allowed, type) != NULL)
            return true;
    }
    return allowed.count == 0; /* the document says nothing about it */
}

static enum schema_verdict add_part(struct shape *s, const struct media *m, struct twig *root,
                                    const struct part *p)
{
    bool json = media_kind(media_bare(p->type, s->scratch)) == MEDIA_JSON;
    struct value_fault fault = {0};
    const struct value *v = NULL;

    if (m->node == NONE)
        return SCHEMA_VALID;
    if (!json) /* a file's bytes are not read: that it is there is what counts */
        return form_collect(s, m, root, p->name, p->file ? view_str("") : p->content);
    sp_error e = value_read(p->content, VALUE_DEPTH_MAX, s->scratch, &fault, &v);
    if (e != SP_OK)
        return e == SP_ERR_NOMEM ? SCHEMA_NOMEM
               : fault.duplicate ? SCHEMA_DUPLICATE
                                 : SCHEMA_MALFORMED;
    if (twig_child(root, p->name) != NULL)
        return SCHEMA_DUPLICATE;
    struct twig *t = twig_new(s, TWIG_JSON);
    if (t == NULL)
        return shape_trouble(s);
    t->name = p->name;
    t->json = value_yy(v);
    twig_add(root, t);
    return SCHEMA_VALID;
}

enum schema_verdict multipart_read(struct shape *s, const struct media *m, struct view type,
                                   struct view body, struct twig *root,
                                   struct schema_report *report)
{
    bool strict = true;
    struct view boundary = parameter(type, "boundary", &strict);
    char delimiter[BOUNDARY_MAX + 8] = "\r\n--";

    if (!strict || !boundary_valid(boundary))
        return refuse(report, SCHEMA_MALFORMED, (struct view){0}, "boundary");
    view_copy(delimiter + 4, BOUNDARY_MAX + 1, boundary);
    struct view first = view_slice(body, 0, boundary.len + 2);
    if (!view_is(first, delimiter + 2))
        return refuse(report, SCHEMA_MALFORMED, (struct view){0}, "multipart");
    body = view_slice(body, first.len, body.len);
    for (size_t parts = 0;; parts++) {
        struct part p;
        struct view mark = view_slice(body, 0, 2);
        body = view_slice(body, 2, body.len);
        if (view_is(mark, "--"))
            break;
        if (parts == MULTIPART_PARTS_MAX)
            return refuse(report, SCHEMA_COST, (struct view){0}, "multipart");
        struct view bytes = shape_cut(&body, delimiter);
        if (!view_is(mark, "\r\n") || body.at == NULL || !read_part(bytes, &p))
            return refuse(report, SCHEMA_MALFORMED, (struct view){0}, "multipart");
        if (!type_allowed(s, m, &p))
            return refuse(report, SCHEMA_REFUSED, p.name, "content-type");
        enum schema_verdict v = add_part(s, m, root, &p);
        if (v != SCHEMA_VALID)
            return refuse(report, v, p.name, schema_verdict_word(v));
    }
    if (body.len != 0 && !view_is(body, "\r\n"))
        return refuse(report, SCHEMA_MALFORMED, (struct view){0}, "multipart");
    return SCHEMA_VALID;
}
