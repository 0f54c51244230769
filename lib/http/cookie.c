#include "lib/http/cookie.h"

#include "lib/base/ascii.h"

#define HOST_PREFIX "__Host-"

/* RFC 6265 4.1.1 cookie-octet, without the double quotes around. */
static bool is_cookie_value(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return true;
}

/* A token of letters, digits, '-' and '_': names may hold an id (one cookie a login). */
static bool is_host_name(const char *name)
{
    if (strncmp(name, HOST_PREFIX, sizeof HOST_PREFIX - 1) != 0)
        return false;
    for (const char *c = name + sizeof HOST_PREFIX - 1; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '-' || *c == '_'))
            return false;
    return true;
}

sp_error cookie_find(struct view header, const char *name, struct view *out)
{
    struct view found = {0};
    bool seen = false;

    while (header.len > 0) {
        const uint8_t *end = memchr(header.at, ';', header.len);
        size_t n = end != NULL ? (size_t)(end - header.at) : header.len;
        struct view pair = ascii_trim(view_slice(header, 0, n));
        const uint8_t *equals = pair.len > 0 ? memchr(pair.at, '=', pair.len) : NULL;
        size_t name_len = equals != NULL ? (size_t)(equals - pair.at) : pair.len;

        header = view_slice(header, n + 1, header.len);
        if (equals == NULL || !view_is(view_slice(pair, 0, name_len), name))
            continue;
        if (seen)
            return SP_ERR_MALFORMED;
        seen = true;
        found = view_slice(pair, name_len + 1, pair.len);
    }
    if (!seen)
        return SP_ERR_NOT_FOUND;
    if (!is_cookie_value(found))
        return SP_ERR_MALFORMED;
    if (found.len > COOKIE_VALUE_MAX)
        return SP_ERR_LIMIT;
    *out = found;
    return SP_OK;
}

sp_error cookie_get(const struct request *req, const char *name, struct view *out)
{
    return cookie_find(request_header(req, "cookie"), name, out);
}

static void set(struct response *res, const char *name, struct view value, int64_t max_age_s,
                bool clear, enum cookie_site site)
{
    struct buf line;

    buf_init(&line, COOKIE_VALUE_MAX + 256);
    if (!is_host_name(name) || !is_cookie_value(value) || value.len > COOKIE_VALUE_MAX)
        line.err = SP_ERR_INVALID;
    buf_add_str(&line, name);
    buf_add_byte(&line, '=');
    buf_add(&line, value);
    buf_add_str(&line, "; Path=/; Secure; HttpOnly; SameSite=");
    buf_add_str(&line, site == COOKIE_STRICT ? "Strict" : "Lax");
    if (clear || max_age_s > 0)
        buf_addf(&line, "; Max-Age=%lld", clear ? 0LL : (long long)max_age_s);
    if (buf_error(&line) != SP_OK && res->head.err == SP_OK)
        res->head.err = buf_error(&line);
    else
        response_header(res, "set-cookie", buf_view(&line));
    buf_wipe(&line);
}

void cookie_set(struct response *res, const char *name, struct view value, int64_t max_age_s,
                enum cookie_site site)
{
    set(res, name, value, max_age_s, false, site);
}

void cookie_clear(struct response *res, const char *name)
{
    set(res, name, (struct view){0}, 0, true, COOKIE_STRICT);
}
