#include "lib/http/form.h"

#include "lib/base/encode.h"
#include "lib/http/url.h"

static struct view name_of(const struct form *f, size_t i)
{
    return view_slice(buf_view(&f->text), f->fields[i].name_at, f->fields[i].name_len);
}

static sp_error add_field(struct form *f, struct view field)
{
    const uint8_t *equals = field.len > 0 ? memchr(field.at, '=', field.len) : NULL;
    size_t n = equals != NULL ? (size_t)(equals - field.at) : field.len, at = f->count;
    sp_error e;

    if (n == 0)
        return SP_ERR_MALFORMED;
    if (at == FORM_FIELDS_MAX)
        return SP_ERR_LIMIT;
    f->fields[at].name_at = f->text.len;
    if ((e = url_decode(view_slice(field, 0, n), true, &f->text)) != SP_OK)
        return e;
    f->fields[at].name_len = f->text.len - f->fields[at].name_at;
    f->fields[at].value_at = f->text.len;
    if ((e = url_decode(view_slice(field, n + 1, field.len), true, &f->text)) != SP_OK)
        return e;
    f->fields[at].value_len = f->text.len - f->fields[at].value_at;

    for (size_t i = 0; i < at; i++)
        if (view_equal(name_of(f, i), name_of(f, at)))
            return SP_ERR_MALFORMED;
    f->count++;
    return SP_OK;
}

sp_error form_parse(struct view body, struct form *out)
{
    struct view rest = body;
    bool more = body.len > 0;
    sp_error e = body.len > FORM_BYTES_MAX ? SP_ERR_LIMIT : SP_OK;

    out->count = 0;
    buf_init(&out->text, FORM_BYTES_MAX);
    while (e == SP_OK && more) {
        const uint8_t *amp = rest.len > 0 ? memchr(rest.at, '&', rest.len) : NULL;
        size_t n = amp != NULL ? (size_t)(amp - rest.at) : rest.len;

        more = amp != NULL; /* after "a=1&" comes one more, empty field, which is refused */
        e = add_field(out, view_slice(rest, 0, n));
        rest = view_slice(rest, n + 1, rest.len);
    }
    if (e != SP_OK)
        form_deinit(out);
    return e;
}

void form_deinit(struct form *f)
{
    buf_wipe(&f->text);
    f->count = 0;
}

static size_t find(const struct form *f, const char *name)
{
    size_t i = 0;

    while (i < f->count && !view_is(name_of(f, i), name))
        i++;
    return i;
}

struct view form_get(const struct form *f, const char *name)
{
    size_t i = find(f, name);

    if (i == f->count)
        return (struct view){0};
    return view_slice(buf_view(&f->text), f->fields[i].value_at, f->fields[i].value_len);
}

bool form_has(const struct form *f, const char *name)
{
    return find(f, name) < f->count;
}

void form_add(struct buf *out, const char *name, struct view value)
{
    if (out->len > 0)
        buf_add_byte(out, '&');
    encode_percent(view_str(name), out);
    buf_add_byte(out, '=');
    encode_percent(value, out);
}
