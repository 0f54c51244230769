#include "connector/gateway/input.h"

#include "lib/base/ascii.h"
#include "lib/os/resolve.h"

#include <ctype.h>

#include "lib/base/banned.h"

/*
 * Which hosts a URL may mean. Parsers disagree about backslashes, user information and escapes
 * (that is how filters are passed), so all readings are judged and one that leads inside is
 * enough.
 */

static bool is_scheme(struct view v)
{
    if (v.len < 2 || !isalpha(v.at[0]))
        return false; /* one letter is a drive */
    for (size_t i = 0; i < v.len; i++) {
        if (!isalnum(v.at[i]) && v.at[i] != '+' && v.at[i] != '-' && v.at[i] != '.')
            return false;
    }
    return true;
}

/* Schemes that read from the machine itself, or carry a request inside of another. */
static bool is_inward_scheme(struct view v)
{
    static const char *const schemes[] = {
        "file", "gopher", "dict",   "jar",   "netdoc", "ldap", "ldaps",       "tftp",      "php",
        "phar", "data",   "expect", "local", "unix",   "sftp", "view-source", "javascript"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (ascii_is(v, schemes[i]))
            return true;
    }
    return false;
}

/* One part of inet_aton's: 0x hex, 0 octal, else decimal; within 32 bits. */
static bool read_number(struct view v, uint64_t *out)
{
    unsigned base = 10;
    uint64_t n = 0;

    if (v.len > 2 && v.at[0] == '0' && (v.at[1] | 0x20) == 'x') {
        base = 16;
        v = view_slice(v, 2, v.len);
    } else if (v.len > 1 && v.at[0] == '0') {
        base = 8;
        v = view_slice(v, 1, v.len);
    }
    for (size_t i = 0; i < v.len; i++) {
        int hex = ascii_hex(v.at[i]);
        unsigned digit = hex < 0 ? 99 : (unsigned)hex;
        if (digit >= base && !(base == 8 && digit < 10)) /* some read 08 as 8 */
            return false;
        n = n * base + digit;
        if (n > UINT32_MAX)
            n &= UINT32_MAX; /* some wrap around */
    }
    *out = n;
    return v.len > 0;
}

/* 127.1, 0x7f000001, 017700000001, 2130706433: RFC 3986 section 7.4. */
static bool read_ipv4(struct view v, struct address *out)
{
    uint64_t parts[4], whole = 0;
    size_t count = 0;
    uint8_t bytes[4];

    for (size_t at = 0; at <= v.len;) {
        const uint8_t *dot = at < v.len ? memchr(v.at + at, '.', v.len - at) : NULL;
        size_t n = dot != NULL ? (size_t)(dot - v.at) - at : v.len - at;
        if (count == 4 || !read_number(view_slice(v, at, n), &parts[count]))
            return false;
        count++;
        at += n + 1;
    }
    for (size_t i = 0; i + 1 < count; i++)
        whole |= (parts[i] & 0xff) << (24 - 8 * i);
    whole |= parts[count - 1] & (UINT32_MAX >> (8 * (count - 1)));
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(whole >> (24 - 8 * i));
    return address_from_bytes((struct view){bytes, 4}, 0, out) == SP_OK;
}

static bool is_inside(const struct address *a)
{
    struct address inner;
    enum address_class c = address_class(a);

    if (address_embedded(a, &inner))
        return is_inside(&inner);
    /* ::a.b.c.d, which nobody assigns and some still follow (RFC 4291 section 2.5.5.1) */
    struct view bytes = address_bytes(a);
    static const uint8_t zeros[12];
    if (bytes.len == 16 && memcmp(bytes.at, zeros, sizeof zeros) == 0)
        return true;
    return c != ADDRESS_PUBLIC;
}

static bool is_inside_name(struct view host, const struct config_strings *deny)
{
    static const char *const names[] = {"localhost",
                                        "localhost.localdomain",
                                        "ip6-localhost",
                                        "metadata",
                                        "instance-data",
                                        "metadata.google.internal",
                                        "metadata.azure.internal",
                                        "kubernetes.default.svc"};
    /* Names below these resolve to the address that stands in them. */
    static const char *const suffixes[] = {".localhost", ".nip.io",           ".sslip.io",
                                           ".xip.io",    ".localtest.me",     ".lvh.me",
                                           ".vcap.me",   ".svc.cluster.local"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (ascii_is(host, names[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (ascii_ends(host, suffixes[i]) || ascii_is(host, suffixes[i] + 1))
            return true;
    }
    for (size_t i = 0; deny != NULL && i < deny->count; i++) {
        const char *name = deny->items[i];
        bool below = name[0] == '*';
        if (below ? ascii_ends(host, name + 1) : ascii_is(host, name))
            return true;
    }
    return false;
}

/* As a lenient reader sees a host: escapes decoded, full-width forms and other dots as ASCII,
 * nothing invisible, no dot at the end. */
static size_t plain_host(struct view host, uint8_t *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < host.len && n < room; i++) {
        const uint8_t *c = host.at + i;
        size_t left = host.len - i;
        if (*c == '%' && left > 2 && ascii_hex(c[1]) >= 0 && ascii_hex(c[2]) >= 0) {
            out[n++] = (uint8_t)(ascii_hex(c[1]) * 16 + ascii_hex(c[2]));
            i += 2;
        } else if (left > 2 && c[0] == 0xef && c[1] == 0xbc && c[2] >= 0x81) { /* U+FF01-FF3F */
            out[n++] = (uint8_t)(c[2] - 0x60);
            i += 2;
        } else if (left > 2 && c[0] == 0xef && c[1] == 0xbd && c[2] >= 0x80 && c[2] <= 0x9e) {
            out[n++] = (uint8_t)(c[2] - 0x20); /* U+FF40-FF5E */
            i += 2;
        } else if (left > 2 && ((c[0] == 0xe3 && c[1] == 0x80 && c[2] == 0x82) ||
                                (c[0] == 0xef && c[1] == 0xbd && c[2] == 0xa1))) { /* U+3002 */
            out[n++] = '.';
            i += 2;
        } else if (*c > ' ' && *c != 0x7f) {
            out[n++] = *c;
        }
    }
    while (n > 0 && out[n - 1] == '.')
        n--;
    return n;
}

static bool host_leads_inside(struct view host, const struct config_strings *deny)
{
    uint8_t plain[512];
    struct address a;
    struct view v = {plain, plain_host(host, plain, sizeof plain)};

    if (v.len > 1 && v.at[0] == '[') {
        const uint8_t *close = memchr(v.at, ']', v.len);
        v = view_slice(v, 1, close != NULL ? (size_t)(close - v.at) - 1 : v.len);
    }
    const uint8_t *zone = v.len > 0 ? memchr(v.at, '%', v.len) : NULL;
    if (zone != NULL)
        v.len = (size_t)(zone - v.at); /* fe80::1%eth0 */
    if (v.len == 0)
        return false;
    if (memchr(v.at, ':', v.len) != NULL)
        return address_from_host(v, 0, &a) == SP_OK && is_inside(&a);
    return read_ipv4(v, &a) ? is_inside(&a) : is_inside_name(v, deny);
}

/* "host", "host:port", "[v6]:port": what stands before the port. */
static struct view without_port(struct view v)
{
    if (v.len > 0 && v.at[0] == '[') {
        const uint8_t *close = memchr(v.at, ']', v.len);
        return close != NULL ? view_slice(v, 0, (size_t)(close - v.at) + 1) : v;
    }
    const uint8_t *colon = v.len > 0 ? memchr(v.at, ':', v.len) : NULL;
    if (colon == NULL || memchr(colon + 1, ':', v.len - (size_t)(colon + 1 - v.at)) != NULL)
        return v; /* none, or IPv6 without brackets */
    return view_slice(v, 0, (size_t)(colon - v.at));
}

/* Every host that the authority may mean: it may end before or behind each '@'. */
static bool authority_leads_inside(struct view v, const struct config_strings *deny)
{
    size_t tried = 0;

    for (size_t at = 0; at <= v.len && tried < INPUT_HOSTS_MAX; tried++) {
        const uint8_t *sign = at < v.len ? memchr(v.at + at, '@', v.len - at) : NULL;
        size_t n = sign != NULL ? (size_t)(sign - v.at) - at : v.len - at;
        struct view part = view_slice(v, at, n);
        /* Before the last '@' only what is written as an address counts: "bob:pass@" is a name. */
        bool last = sign == NULL;
        struct view host = without_port(part);
        bool number = host.len > 0 && (isdigit(host.at[0]) || host.at[0] == '[');
        if ((last || number) && host_leads_inside(host, deny))
            return true;
        at += n + 1;
    }
    return false;
}

static size_t until(struct view v, const char *ends)
{
    size_t n = 0;

    while (n < v.len && strchr(ends, v.at[n]) == NULL)
        n++;
    return n;
}

bool input_leads_inside(struct view value, bool bare, const struct config_strings *deny)
{
    struct view v = view_slice(value, 0, INPUT_URL_MAX);
    const uint8_t *colon;

    while (v.len > 0 && v.at[0] <= ' ')
        v = view_slice(v, 1, v.len);
    while (v.len > 0 && v.at[v.len - 1] <= ' ')
        v.len--;
    colon = v.len > 0 ? memchr(v.at, ':', v.len) : NULL;
    size_t n = colon != NULL ? (size_t)(colon - v.at) : 0;
    struct view scheme = view_slice(v, 0, n);
    bool absolute = colon != NULL && is_scheme(scheme) && n + 1 < v.len &&
                    (v.at[n + 1] == '/' || v.at[n + 1] == '\\');
    if (bare && colon != NULL && is_inward_scheme(scheme))
        return true;
    if (!absolute && !bare)
        return false;
    if (absolute)
        v = view_slice(v, n + 1, v.len);
    /* "http:/x", "http:///x", "//x", "\\x": readers skip what slashes there are. */
    while (v.len > 0 && (v.at[0] == '/' || v.at[0] == '\\'))
        v = view_slice(v, 1, v.len);
    return authority_leads_inside(view_slice(v, 0, until(v, "/?#")), deny) ||
           authority_leads_inside(view_slice(v, 0, until(v, "/?#\\")), deny);
}
