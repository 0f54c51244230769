#include "connector/gateway/target.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"

enum {
    IS_RAW = 1,  /* may stand in a target: what is seen, but '#' and '\\' */
    IS_PCHAR = 2 /* may stand raw in a segment (RFC 3986 pchar) but ';', which we refuse, and '%' */
};

static const uint8_t kinds[256] = {
    ['!'] = IS_RAW | IS_PCHAR,
    ['"'] = IS_RAW,
    ['$'] = IS_RAW | IS_PCHAR,
    ['%'] = IS_RAW,
    ['&' ... '.'] = IS_RAW | IS_PCHAR,
    ['/'] = IS_RAW,
    ['0' ... ':'] = IS_RAW | IS_PCHAR,
    [';' ... '<'] = IS_RAW,
    ['='] = IS_RAW | IS_PCHAR,
    ['>' ... '?'] = IS_RAW,
    ['@' ... 'Z'] = IS_RAW | IS_PCHAR,
    ['['] = IS_RAW,
    [']' ... '^'] = IS_RAW,
    ['_'] = IS_RAW | IS_PCHAR,
    ['`'] = IS_RAW,
    ['a' ... 'z'] = IS_RAW | IS_PCHAR,
    ['{' ... '}'] = IS_RAW,
    ['~'] = IS_RAW | IS_PCHAR,
};

/* One percent-decode of `in` into `to`, which has room for in.len; *len gets how much it was.
 * `plus`: '+' is a space. */
SP_MUST static sp_error decode(struct view in, bool plus, uint8_t *to, size_t *len)
{
    size_t n = 0;

    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.at[i];
        if (c == '%') {
            int high = i + 2 < in.len ? ascii_hex(in.at[i + 1]) : -1;
            int low = i + 2 < in.len ? ascii_hex(in.at[i + 2]) : -1;
            if (i + 2 >= in.len || high < 0 || low < 0)
                return SP_ERR_MALFORMED;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        to[n++] = c;
    }
    *len = n;
    return SP_OK;
}

/* ---- the path ------------------------------------------------------------------------------ */

static bool segment_sound(struct view s, const struct target_options *o)
{
    if (s.len == 0 || view_is(s, ".") || view_is(s, ".."))
        return false;
    bool ascii = true;
    for (size_t i = 0; i < s.len; i++) {
        if ((kinds[s.at[i]] & IS_PCHAR) != 0)
            continue;
        ascii = ascii && s.at[i] < 0x80;
        if (s.at[i] < ' ' || s.at[i] == 0x7f || s.at[i] == '\\' ||
            (s.at[i] == '/' && !o->allow_encoded_slash))
            return false;
    }
    return ascii || utf8_valid(s);
}

static size_t write_segment(struct view s, uint8_t *to)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;

    to[n++] = '/';
    for (size_t i = 0; i < s.len; i++) {
        if ((kinds[s.at[i]] & IS_PCHAR) != 0) {
            to[n++] = s.at[i];
        } else {
            to[n++] = '%';
            to[n++] = (uint8_t)digits[s.at[i] >> 4];
            to[n++] = (uint8_t)digits[s.at[i] & 15];
        }
    }
    return n;
}

/* `path` begins with '/'. */
SP_MUST static sp_error take_path(struct view path, const struct target_options *o, struct arena *a,
                                  struct gw_target *t)
{
    struct view *segments = arena_array(a, GW_SEGMENTS_MAX, sizeof *segments);
    uint8_t *decoded = arena_take(a, path.len), *written = arena_take(a, 3 * path.len);
    size_t at = 1, used = 0, out = 0, n = 0;

    if (segments == NULL || decoded == NULL || written == NULL)
        return arena_error(a);
    while (at < path.len) {
        const uint8_t *slash = memchr(path.at + at, '/', path.len - at);
        struct view raw =
            view_slice(path, at, slash == NULL ? path.len - at : (size_t)(slash - path.at) - at);
        size_t len;
        if (n == GW_SEGMENTS_MAX)
            return SP_ERR_LIMIT;
        if ((raw.len > 0 && memchr(raw.at, ';', raw.len) != NULL) ||
            decode(raw, false, decoded + used, &len) != SP_OK)
            return SP_ERR_MALFORMED;
        segments[n] = (struct view){decoded + used, len};
        if (!segment_sound(segments[n], o))
            return SP_ERR_MALFORMED;
        out += write_segment(segments[n++], written + out);
        used += len;
        at += raw.len + 1;
        t->slash_at_end = slash != NULL && at == path.len;
    }
    if (n == 0 || t->slash_at_end)
        written[out++] = '/';
    t->segments = segments;
    t->segment_count = n;
    t->path = (struct view){written, out};
    return SP_OK;
}

/* ---- the query ----------------------------------------------------------------------------- */

SP_MUST static sp_error take_pair(struct view item, uint8_t *to, size_t *used, struct gw_pair *out)
{
    const uint8_t *equals = memchr(item.at, '=', item.len);
    size_t name_len = equals == NULL ? item.len : (size_t)(equals - item.at), len;
    sp_error e;

    if ((e = decode(view_slice(item, 0, name_len), true, to, &len)) != SP_OK)
        return e;
    out->name = (struct view){to, len};
    *used = len;
    if ((e = decode(view_slice(item, name_len + 1, item.len), true, to + len, &len)) != SP_OK)
        return e;
    out->value = (struct view){to + *used, len};
    *used += len;
    return SP_OK;
}

sp_error target_pairs(struct view text, struct arena *a, size_t max, struct gw_pair **pairs,
                      size_t *count)
{
    size_t items = text.len == 0 ? 0 : 1, n = 0, used = 0, took;
    struct gw_pair *out;
    uint8_t *decoded;
    sp_error e;

    for (size_t i = 0; i < text.len; i++)
        items += text.at[i] == '&';
    if (items > max)
        return SP_ERR_LIMIT;
    out = arena_array(a, items, sizeof *out);
    decoded = arena_take(a, text.len);
    if (out == NULL || decoded == NULL)
        return arena_error(a);
    while (text.len > 0) {
        const uint8_t *amp = memchr(text.at, '&', text.len);
        struct view item = view_slice(text, 0, amp == NULL ? text.len : (size_t)(amp - text.at));
        if (item.len > 0) {
            if ((e = take_pair(item, decoded + used, &took, &out[n++])) != SP_OK)
                return e;
            used += took;
        }
        text = view_slice(text, item.len + 1, text.len);
    }
    *pairs = out;
    *count = n;
    return SP_OK;
}

/* NUL and line ends are refused even where they are data: an application that decodes before it
 * builds a header or a file name would take them for its own. */
static bool pair_sound(const struct gw_pair *p)
{
    for (size_t i = 0; i < p->name.len; i++)
        if (p->name.at[i] == '\0' || p->name.at[i] == '\r' || p->name.at[i] == '\n')
            return false;
    for (size_t i = 0; i < p->value.len; i++)
        if (p->value.at[i] == '\0' || p->value.at[i] == '\r' || p->value.at[i] == '\n')
            return false;
    return true;
}

SP_MUST static sp_error take_query(struct view query, struct arena *a, struct gw_target *t)
{
    sp_error e = target_pairs(query, a, GW_QUERY_MAX, &t->pairs, &t->query_count);

    if (e != SP_OK)
        return e;
    for (size_t i = 0; i < t->query_count; i++)
        if (!pair_sound(&t->pairs[i]))
            return SP_ERR_MALFORMED;
    t->query = query;
    return SP_OK;
}

/* ---- the forms ----------------------------------------------------------------------------- */

/* "http://HOST" off the front of the absolute form; HOST is the Host field's, without case. */
SP_MUST static sp_error origin_off(struct view *text, struct view host)
{
    size_t at = 0;
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t s = 0; s < 2 && at == 0; s++)
        at = ascii_begins(*text, schemes[s]) ? strlen(schemes[s]) : 0;
    if (at == 0 || !ascii_equal(view_slice(*text, at, host.len), host))
        return SP_ERR_MALFORMED;
    *text = view_slice(*text, at + host.len, text->len);
    return SP_OK;
}

static bool bytes_sound(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((kinds[text.at[i]] & IS_RAW) == 0)
            return false;
    return text.len > 0;
}

sp_error target_parse(struct view text, struct view host, enum gw_method method,
                      const struct target_options *options, struct arena *a, struct gw_target *out)
{
    struct gw_target t = {0};
    sp_error e;

    if (!bytes_sound(text))
        return SP_ERR_MALFORMED;
    if (view_is(text, "*")) {
        if (method != GW_OPTIONS)
            return SP_ERR_MALFORMED;
        t.path = text;
        *out = t;
        return SP_OK;
    }
    if (text.at[0] != '/' && (e = origin_off(&text, host)) != SP_OK)
        return e;

    const uint8_t *mark = text.len == 0 ? NULL : memchr(text.at, '?', text.len);
    struct view path = view_slice(text, 0, mark == NULL ? text.len : (size_t)(mark - text.at));
    struct view query = view_slice(text, mark == NULL ? text.len : path.len + 1, text.len);
    if (path.len == 0) /* "http://host" and "http://host?query" */
        path = view_str("/");
    if (path.at[0] != '/')
        return SP_ERR_MALFORMED;
    if ((e = take_path(path, options, a, &t)) != SP_OK || (e = take_query(query, a, &t)) != SP_OK)
        return e;
    *out = t;
    return SP_OK;
}
