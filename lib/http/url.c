#include "lib/http/url.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <arpa/inet.h>

/* RFC 3986: unreserved, sub-delims, ':' '@' '/' '?', whole percent escapes. */
static bool is_tail(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (c == '%') {
            if (v.len - i < 3 || ascii_hex(v.at[i + 1]) < 0 || ascii_hex(v.at[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!ascii_letter(c) && !ascii_digit(c) &&
                   (c == 0 || !strchr("-._~!$&'()*+,;=:@/?", c))) {
            return false;
        }
    }
    return true;
}

/* Up to the first byte of `stops`; that byte stays. */
static struct view take_until(struct view *rest, const char *stops)
{
    size_t n = 0;

    while (n < rest->len && (rest->at[n] == 0 || strchr(stops, rest->at[n]) == NULL))
        n++;
    struct view taken = view_slice(*rest, 0, n);
    *rest = view_slice(*rest, n, rest->len);
    return taken;
}

static bool take_str(struct view *rest, const char *s)
{
    size_t n = strlen(s);

    if (!view_is(view_slice(*rest, 0, n), s))
        return false;
    *rest = view_slice(*rest, n, rest->len);
    return true;
}

static bool lower_prefix(struct view *rest, const char *s)
{
    size_t n = strlen(s);

    if (rest->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = rest->at[i];
        if ((ascii_letter(c) ? (uint8_t)(c | 0x20) : c) != (uint8_t)s[i])
            return false;
    }
    *rest = view_slice(*rest, n, rest->len);
    return true;
}

static bool valid_ipv6(struct view host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (host.len == 0 || host.len >= sizeof text)
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    return strlen(text) == host.len && inet_pton(AF_INET6, text, &address) == 1;
}

static bool valid_name(struct view host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.at[i];
        if (!ascii_letter(c) && !ascii_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
        if (c == '.' && (i == 0 || host.at[i - 1] == '.'))
            return false;
    }
    return host.len > 0;
}

static sp_error parse_authority(struct view authority, struct url *u)
{
    uint64_t n = 0;

    if (take_str(&authority, "[")) {
        u->host = take_until(&authority, "]");
        u->host_is_ipv6 = true;
        if (!take_str(&authority, "]") || !valid_ipv6(u->host))
            return SP_ERR_MALFORMED;
    } else {
        u->host = take_until(&authority, ":");
        if (u->host.len > URL_HOST_MAX)
            return SP_ERR_LIMIT;
        if (!valid_name(u->host))
            return SP_ERR_MALFORMED;
    }
    u->port = u->https ? 443 : 80;
    if (authority.len == 0)
        return SP_OK;
    if (!take_str(&authority, ":"))
        return SP_ERR_MALFORMED;
    if (num_uint(authority, UINT16_MAX, &n) != SP_OK || n == 0)
        return SP_ERR_MALFORMED;
    u->port = (uint16_t)n;
    return SP_OK;
}

sp_error url_parse(struct view text, struct url *out)
{
    struct url u = {0};
    struct view rest = text;
    sp_error e;

    if (text.len > URL_BYTES_MAX)
        return SP_ERR_LIMIT;
    if (lower_prefix(&rest, "https://"))
        u.https = true;
    else if (!lower_prefix(&rest, "http://"))
        return SP_ERR_UNSUPPORTED;

    if ((e = parse_authority(take_until(&rest, "/?#"), &u)) != SP_OK)
        return e;
    u.path = take_until(&rest, "?#");
    if ((u.has_query = take_str(&rest, "?")))
        u.query = take_until(&rest, "#");
    if ((u.has_fragment = take_str(&rest, "#")))
        u.fragment = rest;
    if (!is_tail(u.path) || !is_tail(u.query) || !is_tail(u.fragment))
        return SP_ERR_MALFORMED;
    *out = u;
    return SP_OK;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->https == b->https && a->port == b->port && a->host_is_ipv6 == b->host_is_ipv6 &&
           ascii_equal(a->host, b->host);
}

bool url_is_loopback(const struct url *u)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (ascii_is(u->host, "localhost"))
        return true;
    if (u->host.len == 0 || u->host.len >= sizeof text)
        return false;
    memcpy(text, u->host.at, u->host.len);
    text[u->host.len] = '\0';
    if (u->host_is_ipv6)
        return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    return inet_pton(AF_INET, text, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

void url_write_origin(const struct url *u, struct buf *out)
{
    buf_add_str(out, u->https ? "https://" : "http://");
    if (u->host_is_ipv6)
        buf_add_byte(out, '[');
    for (size_t i = 0; i < u->host.len; i++)
        buf_add_byte(out,
                     ascii_letter(u->host.at[i]) ? (uint8_t)(u->host.at[i] | 0x20) : u->host.at[i]);
    if (u->host_is_ipv6)
        buf_add_byte(out, ']');
    if (u->port != (u->https ? 443 : 80))
        buf_addf(out, ":%u", (unsigned)u->port);
}

sp_error url_decode(struct view text, bool plus, struct buf *out)
{
    size_t before = out->len;
    sp_error e = SP_OK;

    for (size_t i = 0; e == SP_OK && i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '%') {
            int high = text.len - i < 3 ? -1 : ascii_hex(text.at[i + 1]);
            int low = text.len - i < 3 ? -1 : ascii_hex(text.at[i + 2]);
            if (high < 0 || low < 0) {
                e = SP_ERR_MALFORMED;
                break;
            }
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == 0)
            e = SP_ERR_MALFORMED;
        else
            e = buf_append(out, (struct view){&c, 1});
    }
    if (e == SP_OK && !utf8_valid(view_slice(buf_view(out), before, out->len)))
        e = SP_ERR_MALFORMED;
    if (e != SP_OK)
        out->len = before;
    return e;
}

void url_add_query(struct buf *url, bool *first, const char *name, struct view value)
{
    buf_add_byte(url, *first ? '?' : '&');
    *first = false;
    encode_percent(view_str(name), url);
    buf_add_byte(url, '=');
    encode_percent(value, url);
}
