#include "client/cmd/proxyhead.h"

#include "lib/base/num.h"

#include <string.h>

enum { SOCKS = 5, SOCKS_CONNECT = 1, SOCKS_NAME = 3, SOCKS_NO_PROOF = 0 };

static bool name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* A name, not an address: its last label does not begin with a digit. */
static sp_error take_host(struct view v, char out[PROXYHEAD_HOST_MAX + 1])
{
    size_t label = 0;

    if (v.len == 0 || v.len > PROXYHEAD_HOST_MAX)
        return SP_ERR_MALFORMED;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i] >= 'A' && v.at[i] <= 'Z' ? (uint8_t)(v.at[i] + 'a' - 'A') : v.at[i];

        if (c == ':' || c == '[')
            return SP_ERR_UNSUPPORTED; /* IPv6 */
        if (!name_byte(c))
            return SP_ERR_MALFORMED;
        out[i] = (char)c;
        if (c == '.')
            label = i + 1;
    }
    out[v.len] = '\0';
    if (label == v.len || out[0] == '.' || out[0] == '-')
        return SP_ERR_MALFORMED;
    return out[label] >= '0' && out[label] <= '9' ? SP_ERR_UNSUPPORTED : SP_OK;
}

static sp_error read_greeting(struct view in, struct proxyhead *out)
{
    struct cursor c = cur_over(in, SP_ERR_AGAIN);
    bool offered = false;

    cur_take(&c, 1);
    uint64_t count = cur_uint(&c, 1);
    struct view methods = cur_take(&c, (size_t)count);
    if (c.err != SP_OK)
        return c.err;
    for (size_t i = 0; i < methods.len; i++)
        offered = offered || methods.at[i] == SOCKS_NO_PROOF;
    if (!offered)
        return SP_ERR_UNSUPPORTED;
    *out = (struct proxyhead){.kind = PROXYHEAD_GREETING, .used = in.len - c.rest.len};
    return SP_OK;
}

static sp_error read_request(struct view in, struct proxyhead *out)
{
    struct cursor c = cur_over(in, SP_ERR_AGAIN);
    struct proxyhead h = {.kind = PROXYHEAD_SOCKS};

    uint64_t version = cur_uint(&c, 1), command = cur_uint(&c, 1), reserved = cur_uint(&c, 1);
    uint64_t kind = cur_uint(&c, 1);
    if (c.err != SP_OK)
        return c.err;
    if (version != SOCKS || reserved != 0)
        return SP_ERR_MALFORMED;
    if (command != SOCKS_CONNECT || kind != SOCKS_NAME)
        return SP_ERR_UNSUPPORTED;
    uint64_t len = cur_uint(&c, 1);
    struct view host = cur_take(&c, (size_t)len);
    h.port = (uint16_t)cur_uint(&c, 2);
    if (c.err != SP_OK)
        return c.err;
    sp_error e = take_host(host, h.host);
    if (e != SP_OK)
        return e;
    h.used = in.len - c.rest.len;
    *out = h;
    return SP_OK;
}

/* "CONNECT host:port HTTP/1.1", then fields that mean nothing here, then an empty line. */
static sp_error read_http(struct view in, struct proxyhead *out)
{
    static const char method[] = "CONNECT ";
    struct proxyhead h = {.kind = PROXYHEAD_HTTP};
    size_t start = sizeof method - 1, known = in.len < start ? in.len : start;
    uint64_t port;

    if (memcmp(in.at, method, known) != 0)
        return SP_ERR_UNSUPPORTED;
    const uint8_t *end = memmem(in.at, in.len, "\r\n\r\n", 4);
    if (end == NULL)
        return in.len >= PROXYHEAD_BYTES_MAX ? SP_ERR_LIMIT : SP_ERR_AGAIN;
    const uint8_t *line = memmem(in.at, in.len, "\r\n", 2);
    struct view target = {in.at + start, (size_t)(line - in.at) - start};
    static const char tail[] = " HTTP/1.1";
    size_t tail_len = sizeof tail - 1;
    if (target.len <= tail_len ||
        memcmp(target.at + target.len - tail_len, tail, tail_len - 1) != 0 ||
        (target.at[target.len - 1] != '1' && target.at[target.len - 1] != '0'))
        return SP_ERR_MALFORMED;
    target.len -= tail_len;
    const uint8_t *colon = memrchr(target.at, ':', target.len);
    if (colon == NULL)
        return SP_ERR_MALFORMED;
    size_t host = (size_t)(colon - target.at);
    if (num_uint(view_slice(target, host + 1, target.len), UINT16_MAX, &port) != SP_OK)
        return SP_ERR_MALFORMED;
    sp_error e = take_host(view_slice(target, 0, host), h.host);
    if (e != SP_OK)
        return e;
    h.port = (uint16_t)port;
    h.used = (size_t)(end + 4 - in.at);
    *out = h;
    return SP_OK;
}

sp_error proxyhead_read(struct view in, bool greeted, struct proxyhead *out)
{
    if (in.len == 0)
        return SP_ERR_AGAIN;
    if (greeted)
        return read_request(in, out);
    return in.at[0] == SOCKS ? read_greeting(in, out) : read_http(in, out);
}
