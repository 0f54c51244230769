#include "lib/schema/uri.h"

#include "lib/base/ascii.h"
#include "lib/schema/format.h"

#include "lib/base/banned.h"

static bool one_of(uint8_t c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

/* Cuts `*rest` before the first of `stops`; what comes before it is returned. */
static struct view until(struct view *rest, const char *stops)
{
    size_t i = 0;

    while (i < rest->len && !one_of(rest->at[i], stops))
        i++;
    struct view cut = view_slice(*rest, 0, i);
    *rest = view_slice(*rest, i, rest->len);
    return cut;
}

static bool begins(struct view v, const char *text)
{
    size_t len = strlen(text);

    return v.len >= len && memcmp(v.at, text, len) == 0;
}

struct uri uri_split(struct view text)
{
    struct uri u = {0};
    struct view rest = text, scheme = until(&rest, ":/?#");

    if (scheme.len > 0 && begins(rest, ":")) {
        u.scheme = scheme;
        rest = view_slice(rest, 1, rest.len);
    } else {
        rest = text;
    }
    if (begins(rest, "//")) {
        rest = view_slice(rest, 2, rest.len);
        u.has_authority = true;
        u.authority = until(&rest, "/?#");
    }
    u.path = until(&rest, "?#");
    if (begins(rest, "?")) {
        rest = view_slice(rest, 1, rest.len);
        u.has_query = true;
        u.query = until(&rest, "#");
    }
    if (begins(rest, "#")) {
        u.has_fragment = true;
        u.fragment = view_slice(rest, 1, rest.len);
    }
    return u;
}

/* Text that is put together in a piece of known size. */
struct writer {
    uint8_t *at;
    size_t len;
};

static void put(struct writer *w, struct view v)
{
    if (v.len > 0)
        memcpy(w->at + w->len, v.at, v.len);
    w->len += v.len;
}

/* RFC 3986 section 5.2.4, on the path that begins at `from` of what was written. */
static void remove_dots(struct writer *w, size_t from)
{
    struct view in = {w->at + from, w->len - from};
    size_t out = from;

    while (in.len > 0) {
        if (begins(in, "../")) {
            in = view_slice(in, 3, in.len);
        } else if (begins(in, "./") || begins(in, "/./")) {
            in = view_slice(in, 2, in.len);
        } else if (view_is(in, "/.")) {
            in = view_str("/");
        } else if (begins(in, "/../") || view_is(in, "/..")) {
            in = in.len == 3 ? view_str("/") : view_slice(in, 3, in.len);
            while (out > from && w->at[--out] != '/')
                ;
        } else if (view_is(in, ".") || view_is(in, "..")) {
            in.len = 0;
        } else {
            size_t n = 1;
            while (n < in.len && in.at[n] != '/')
                n++;
            memmove(w->at + out, in.at, n);
            out += n;
            in = view_slice(in, n, in.len);
        }
    }
    w->len = out;
}

/* RFC 3986 section 5.2.3: the base's path up to its last slash, then the reference's. */
static void put_merged(struct writer *w, const struct uri *base, struct view path)
{
    struct view folder = base->path;

    while (folder.len > 0 && folder.at[folder.len - 1] != '/')
        folder.len--;
    if (folder.len == 0 && base->has_authority)
        put(w, view_str("/"));
    put(w, folder);
    put(w, path);
}

struct view uri_resolve(struct view base, struct view ref, struct scratch *scratch)
{
    struct uri b = uri_split(base), r = uri_split(ref);
    struct writer w = {scratch_take(scratch, base.len + ref.len + 8), 0};
    bool own_scheme = r.scheme.len > 0, own_authority = own_scheme || r.has_authority;
    bool same_path = !own_authority && r.path.len == 0;
    struct uri to = own_authority ? r : b;

    if (w.at == NULL)
        return (struct view){0};
    struct view scheme = own_scheme ? r.scheme : b.scheme;
    if (scheme.len > 0) {
        put(&w, scheme);
        put(&w, view_str(":"));
    }
    if (to.has_authority) {
        put(&w, view_str("//"));
        put(&w, to.authority);
    }
    size_t path = w.len;
    if (same_path)
        put(&w, b.path);
    else if (own_authority || begins(r.path, "/"))
        put(&w, r.path);
    else
        put_merged(&w, &b, r.path);
    if (!same_path)
        remove_dots(&w, path);
    if (r.has_query || (same_path && b.has_query)) {
        put(&w, view_str("?"));
        put(&w, r.has_query ? r.query : b.query);
    }
    return (struct view){w.at, w.len};
}

struct view uri_decode(struct view text, struct scratch *scratch)
{
    uint8_t *out = scratch_take(scratch, text.len);
    size_t len = 0;

    if (out == NULL)
        return (struct view){0};
    for (size_t i = 0; i < text.len; i++) {
        int hi = -1, lo = -1;
        if (text.at[i] == '%' && i + 2 < text.len) {
            hi = ascii_hex(text.at[i + 1]);
            lo = ascii_hex(text.at[i + 2]);
        }
        if (hi >= 0 && lo >= 0) {
            out[len++] = (uint8_t)(hi * 16 + lo);
            i += 2;
        } else {
            out[len++] = text.at[i];
        }
    }
    return (struct view){out, len};
}

/* Unreserved, sub-delims, escapes, and what `more` allows besides (RFC 3986 appendix A). */
static bool all_of(struct view v, const char *more)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (c == '%') {
            if (i + 2 >= v.len || ascii_hex(v.at[i + 1]) < 0 || ascii_hex(v.at[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!ascii_letter(c) && !ascii_digit(c) && !one_of(c, "-._~!$&'()*+,;=") &&
                   !one_of(c, more)) {
            return false;
        }
    }
    return true;
}

static bool port_valid(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (!ascii_digit(v.at[i]))
            return false;
    }
    return true;
}

static bool ip_literal_valid(struct view v)
{
    if (v.len > 1 && (v.at[0] | 0x20) == 'v') {
        size_t i = 1;
        while (i < v.len && ascii_hex(v.at[i]) >= 0)
            i++;
        return i > 1 && i + 1 < v.len && v.at[i] == '.' && memchr(v.at, '%', v.len) == NULL &&
               all_of(view_slice(v, i + 1, v.len), ":");
    }
    return format_ipv6(v);
}

static bool authority_valid(struct view v)
{
    const uint8_t *at = v.len == 0 ? NULL : memchr(v.at, '@', v.len);

    if (at != NULL) {
        size_t user = (size_t)(at - v.at);
        if (!all_of(view_slice(v, 0, user), ":"))
            return false;
        v = view_slice(v, user + 1, v.len);
    }
    if (begins(v, "[")) {
        const uint8_t *end = memchr(v.at, ']', v.len);
        if (end == NULL)
            return false;
        size_t host = (size_t)(end - v.at);
        struct view port = view_slice(v, host + 1, v.len);
        return ip_literal_valid(view_slice(v, 1, host - 1)) &&
               (port.len == 0 || (port.at[0] == ':' && port_valid(view_slice(port, 1, port.len))));
    }
    const uint8_t *colon = v.len == 0 ? NULL : memchr(v.at, ':', v.len);
    size_t host = colon == NULL ? v.len : (size_t)(colon - v.at);
    return all_of(view_slice(v, 0, host), "") &&
           (colon == NULL || port_valid(view_slice(v, host + 1, v.len)));
}

static bool scheme_valid(struct view v)
{
    if (v.len == 0 || !ascii_letter(v.at[0]))
        return false;
    for (size_t i = 1; i < v.len; i++) {
        if (!ascii_letter(v.at[i]) && !ascii_digit(v.at[i]) && !one_of(v.at[i], "+-."))
            return false;
    }
    return true;
}

bool uri_valid(struct view text, bool relative)
{
    struct uri u = uri_split(text);

    if (u.scheme.len > 0 ? !scheme_valid(u.scheme) : !relative)
        return false;
    if (text.len > 0 && text.at[0] == ':')
        return false; /* an empty scheme */
    if (u.has_authority && !authority_valid(u.authority))
        return false;
    if (!u.has_authority && begins(u.path, "//"))
        return false;
    return all_of(u.path, ":@/") && all_of(u.query, ":@/?") && all_of(u.fragment, ":@/?");
}
