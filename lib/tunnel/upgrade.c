#include "lib/tunnel/upgrade.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/crypto/hash.h"

/* Headers that count. Each at most once; all others are a proxy's and ignored. */
enum header {
    HOST,
    UPGRADE,
    CONNECTION,
    WS_KEY,
    WS_VERSION,
    WS_EXTENSIONS,
    WS_PROTOCOL,
    WS_ACCEPT,
    ORIGIN,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    SP_GRANT,
    SP_TICKET,
    SP_NONCE,
    SP_CODE,
    RETRY_AFTER,
    HEADERS
};
static const char *const header_names[HEADERS] = {
    [HOST] = "host",
    [UPGRADE] = "upgrade",
    [CONNECTION] = "connection",
    [WS_KEY] = "sec-websocket-key",
    [WS_VERSION] = "sec-websocket-version",
    [WS_EXTENSIONS] = "sec-websocket-extensions",
    [WS_PROTOCOL] = "sec-websocket-protocol",
    [WS_ACCEPT] = "sec-websocket-accept",
    [ORIGIN] = "origin",
    [CONTENT_LENGTH] = "content-length",
    [TRANSFER_ENCODING] = "transfer-encoding",
    [SP_GRANT] = "sallyport-grant",
    [SP_TICKET] = "sallyport-ticket",
    [SP_NONCE] = "sallyport-nonce",
    [SP_CODE] = "sallyport-code",
    [RETRY_AFTER] = "retry-after",
};

struct head {
    struct view start; /* request or status line */
    bool has[HEADERS];
    struct view value[HEADERS]; /* without blanks around */
};

static bool list_has(struct view list, const char *word)
{
    struct view element;

    while (ascii_next(&list, &element))
        if (ascii_is(element, word))
            return true;
    return false;
}

/* RFC 9110 5.5, without the obs-text that nobody needs here. */
static bool value_byte(uint8_t b)
{
    return (b >= 0x20 && b < 0x7f) || b == '\t';
}

SP_MUST static sp_error read_header(struct view line, struct head *h)
{
    size_t colon = 0;

    while (colon < line.len && ascii_token(line.at[colon]))
        colon++;
    if (colon == 0 || colon == line.len || line.at[colon] != ':')
        return SP_ERR_MALFORMED; /* obs-fold begins with a blank and ends here too */

    struct view name = view_slice(line, 0, colon);
    struct view value = ascii_trim(view_slice(line, colon + 1, line.len));
    for (size_t i = 0; i < value.len; i++)
        if (!value_byte(value.at[i]))
            return SP_ERR_MALFORMED;
    for (size_t i = 0; i < HEADERS; i++) {
        if (!ascii_is(name, header_names[i]))
            continue;
        if (h->has[i])
            return SP_ERR_MALFORMED;
        h->has[i] = true;
        h->value[i] = value;
    }
    return SP_OK;
}

/* The length of the head with its empty line; 0: not there yet. */
static size_t head_length(struct view in)
{
    for (size_t i = 3; i < in.len; i++)
        if (in.at[i] == '\n' && memcmp(in.at + i - 3, "\r\n\r\n", 4) == 0)
            return i + 1;
    return 0;
}

SP_MUST static sp_error read_head(struct view in, struct head *out, size_t *used)
{
    struct view look = view_slice(in, 0, UPGRADE_HEAD_MAX);
    size_t len = head_length(look), from = 0;
    struct head h = {0};

    if (len == 0)
        return in.len >= UPGRADE_HEAD_MAX ? SP_ERR_LIMIT : SP_ERR_AGAIN;
    while (from < len - 2) {
        size_t end = from;
        while (in.at[end] != '\r' && in.at[end] != '\n')
            end++;
        if (in.at[end] != '\r' || in.at[end + 1] != '\n')
            return SP_ERR_MALFORMED;
        struct view line = view_slice(in, from, end - from);
        if (from == 0)
            h.start = line;
        else if (read_header(line, &h) != SP_OK)
            return SP_ERR_MALFORMED;
        from = end + 2;
    }
    *out = h;
    *used = len;
    return SP_OK;
}

/* What a websocket needs of a request, credentials aside (RFC 6455 4.2.1). */
SP_MUST static sp_error check_request(const struct head *h)
{
    if (h->has[ORIGIN] || h->has[CONTENT_LENGTH] || h->has[TRANSFER_ENCODING] ||
        h->has[WS_PROTOCOL] || h->has[WS_ACCEPT])
        return SP_ERR_MALFORMED;
    if (!h->has[HOST] || h->value[HOST].len == 0 || !ascii_is(h->value[UPGRADE], "websocket") ||
        !list_has(h->value[CONNECTION], "upgrade") || !h->has[WS_KEY] || !h->has[WS_VERSION])
        return SP_ERR_MALFORMED;
    return view_is(h->value[WS_VERSION], "13") ? SP_OK : SP_ERR_VERSION;
}

/* "AAAAAAAAAAAAAAAAAAAAAA==": 16 bytes in 24 characters. */
SP_MUST static sp_error read_key(struct view text, uint8_t key[UPGRADE_KEY_BYTES])
{
    struct buf raw;
    sp_error e;

    if (text.len != 24)
        return SP_ERR_MALFORMED;
    buf_init(&raw, 18);
    if ((e = decode_base64(text, &raw)) == SP_OK && raw.len != UPGRADE_KEY_BYTES)
        e = SP_ERR_MALFORMED;
    if (e == SP_OK)
        memcpy(key, raw.at, UPGRADE_KEY_BYTES);
    buf_deinit(&raw);
    return e;
}

SP_MUST static sp_error read_credentials(const struct head *h, struct upgrade_request *r)
{
    sp_error e = SP_OK;

    if (h->has[SP_GRANT] + h->has[SP_TICKET] + h->has[SP_NONCE] != 1)
        return SP_ERR_MALFORMED;
    if ((r->path == UPGRADE_STAND) != h->has[SP_NONCE])
        return SP_ERR_MALFORMED;
    if (h->has[SP_GRANT] && h->value[SP_GRANT].len == 0)
        return SP_ERR_MALFORMED;

    r->grant = h->value[SP_GRANT];
    r->has_ticket = h->has[SP_TICKET];
    r->has_nonce = h->has[SP_NONCE];
    if (r->has_ticket)
        e = decode_base64url_exact(h->value[SP_TICKET], r->ticket, sizeof r->ticket);
    if (e == SP_OK && r->has_nonce)
        e = decode_base64url_exact(h->value[SP_NONCE], r->nonce, sizeof r->nonce);
    return e == SP_OK ? SP_OK : SP_ERR_MALFORMED;
}

/* The path names no credential, and has no query (WS-15). */
SP_MUST static sp_error read_path(struct view line, enum upgrade_path *path)
{
    static const char before[] = "GET /", after[] = " HTTP/1.1";
    const size_t b = sizeof before - 1, a = sizeof after - 1;

    if (line.len < b + a || !view_is(view_slice(line, 0, b), before) ||
        !view_is(view_slice(line, line.len - a, a), after))
        return SP_ERR_MALFORMED;
    struct view p = view_slice(line, b, line.len - a - b);
    for (size_t i = 0; i < p.len; i++)
        if (p.at[i] <= ' ' || p.at[i] >= 0x7f || p.at[i] == '?' || p.at[i] == '#')
            return SP_ERR_MALFORMED;
    *path = view_is(p, "tunnel")  ? UPGRADE_TUNNEL
            : view_is(p, "stand") ? UPGRADE_STAND
                                  : UPGRADE_NOWHERE;
    return SP_OK;
}

sp_error upgrade_parse_request(struct view in, struct upgrade_request *out, size_t *used)
{
    struct upgrade_request r = {0};
    struct head h;
    size_t len;
    sp_error e;

    if ((e = read_head(in, &h, &len)) != SP_OK || (e = read_path(h.start, &r.path)) != SP_OK ||
        (e = check_request(&h)) != SP_OK || (e = read_key(h.value[WS_KEY], r.key)) != SP_OK)
        return e;
    if (r.path == UPGRADE_NOWHERE)
        return SP_ERR_NOT_FOUND;
    if ((e = read_credentials(&h, &r)) != SP_OK)
        return e;
    r.host = h.value[HOST];
    r.cut_through = list_has(h.value[WS_EXTENSIONS], UPGRADE_EXTENSION);
    *out = r;
    *used = len;
    return SP_OK;
}

void upgrade_write_request(const struct upgrade_request *r, struct buf *out)
{
    buf_addf(out,
             "GET /%s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
             r->path == UPGRADE_STAND ? "stand" : "tunnel", VIEW_ARG(r->host));
    encode_base64((struct view){r->key, sizeof r->key}, out);
    buf_add_str(out, "\r\n");
    if (r->cut_through)
        buf_add_str(out, "Sec-WebSocket-Extensions: " UPGRADE_EXTENSION "\r\n");
    if (r->grant.len > 0) {
        buf_add_str(out, "Sallyport-Grant: ");
        buf_add(out, r->grant);
        buf_add_str(out, "\r\n");
    }
    if (r->has_ticket) {
        buf_add_str(out, "Sallyport-Ticket: ");
        encode_base64url((struct view){r->ticket, sizeof r->ticket}, out);
        buf_add_str(out, "\r\n");
    }
    if (r->has_nonce) {
        buf_add_str(out, "Sallyport-Nonce: ");
        encode_base64url((struct view){r->nonce, sizeof r->nonce}, out);
        buf_add_str(out, "\r\n");
    }
    buf_add_str(out, "\r\n");
}

/* RFC 6455 4.2.2 (5.4): base64 of SHA-1 over the key's text and a constant. */
static void accept_text(const uint8_t key[UPGRADE_KEY_BYTES], struct buf *out)
{
    uint8_t digest[HASH_SHA1_BYTES];
    struct buf text;

    buf_init(&text, 128);
    encode_base64((struct view){key, UPGRADE_KEY_BYTES}, &text);
    buf_add_str(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    if (buf_error(&text) == SP_OK) {
        hash_sha1(buf_view(&text), digest);
        encode_base64((struct view){digest, sizeof digest}, out);
    }
    buf_deinit(&text);
}

static bool accept_matches(struct view value, const uint8_t key[UPGRADE_KEY_BYTES])
{
    struct buf expected;

    buf_init(&expected, 64);
    accept_text(key, &expected);
    bool same = expected.len > 0 && view_equal(buf_view(&expected), value);
    buf_deinit(&expected);
    return same;
}

SP_MUST static sp_error read_status(struct view line, unsigned *status)
{
    uint64_t n;

    if (line.len < 12 || !view_is(view_slice(line, 0, 9), "HTTP/1.1 ") ||
        (line.len > 12 && line.at[12] != ' ') ||
        num_uint(view_slice(line, 9, 3), 599, &n) != SP_OK || n < 100)
        return SP_ERR_MALFORMED;
    *status = (unsigned)n;
    return SP_OK;
}

SP_MUST static sp_error check_accept(const struct head *h, const uint8_t key[UPGRADE_KEY_BYTES],
                                     bool offered, struct upgrade_answer *a)
{
    if (!ascii_is(h->value[UPGRADE], "websocket") || !list_has(h->value[CONNECTION], "upgrade") ||
        h->has[WS_PROTOCOL] || h->has[CONTENT_LENGTH] || h->has[TRANSFER_ENCODING] ||
        !accept_matches(h->value[WS_ACCEPT], key))
        return SP_ERR_MALFORMED;
    a->cut_through = h->has[WS_EXTENSIONS];
    if (a->cut_through && (!offered || !ascii_is(h->value[WS_EXTENSIONS], UPGRADE_EXTENSION)))
        return SP_ERR_MALFORMED;
    return SP_OK;
}

sp_error upgrade_parse_answer(struct view in, const uint8_t key[UPGRADE_KEY_BYTES], bool offered,
                              struct upgrade_answer *out, size_t *used)
{
    struct upgrade_answer a = {0};
    struct head h;
    uint64_t seconds;
    size_t len;
    sp_error e;

    if ((e = read_head(in, &h, &len)) != SP_OK || (e = read_status(h.start, &a.status)) != SP_OK)
        return e;
    if (a.status == 101 && (e = check_accept(&h, key, offered, &a)) != SP_OK)
        return e;
    if (a.status < 200 && a.status != 101)
        return SP_ERR_MALFORMED;
    if (a.status != 101) {
        a.code = h.value[SP_CODE];
        if (num_uint(h.value[RETRY_AFTER], 3600, &seconds) == SP_OK)
            a.retry_after_s = (unsigned)seconds;
    }
    *out = a;
    *used = len;
    return SP_OK;
}

void upgrade_write_accept(const uint8_t key[UPGRADE_KEY_BYTES], bool cut_through, struct buf *out)
{
    buf_add_str(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    accept_text(key, out);
    buf_add_str(out, "\r\n");
    if (cut_through)
        buf_add_str(out, "Sec-WebSocket-Extensions: " UPGRADE_EXTENSION "\r\n");
    buf_add_str(out, "\r\n");
}

static const char *status_text(unsigned status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 426:
        return "Upgrade Required";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Service Unavailable";
    }
}

void upgrade_write_refusal(unsigned status, const char *code, unsigned retry_after_s,
                           struct buf *out)
{
    buf_addf(out, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: 0\r\n", status,
             status_text(status));
    if (status == 426)
        buf_add_str(out, "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n");
    if (code != NULL)
        buf_addf(out, "Sallyport-Code: %s\r\n", code);
    if (retry_after_s > 0)
        buf_addf(out, "Retry-After: %u\r\n", retry_after_s);
    buf_add_str(out, "\r\n");
}
