/*
 * The byte strings of SMG-01 … SMG-21, each whole, byte by byte and split in two at every offset:
 * the verdict never depends on how the bytes came (GW-02).
 */
#include "connector/gateway/http1.h"
#include "connector/gateway/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define A "GET / HTTP/1.1\r\nHost: a\r\n"
#define P "POST / HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n"
/* a request that would be smuggled, were the first one read otherwise */
#define NEXT "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

/* bytes of a literal, which may hold NUL */
#define BYTES(s)                            \
    {                                       \
        (const uint8_t *)(s), sizeof(s) - 1 \
    }

enum { OK1 = 1, OK2 = 2 }; /* how many requests are read; 0: none, refused */

struct vector {
    const char *name;
    struct view bytes;
    unsigned requests;
    enum gw_reason reason; /* of the refusal that follows, when `refused` */
    bool refused;
};

#define TAKEN(name, n, bytes)           \
    {                                   \
        name, BYTES(bytes), n, 0, false \
    }
#define REFUSED(name, bytes)                           \
    {                                                  \
        name, BYTES(bytes), 0, GW_REASON_FRAMING, true \
    }
#define REFUSED_AFTER(name, n, bytes)                  \
    {                                                  \
        name, BYTES(bytes), n, GW_REASON_FRAMING, true \
    }
#define REFUSED_AS(name, reason, bytes)     \
    {                                       \
        name, BYTES(bytes), 0, reason, true \
    }

static const struct vector vectors[] = {
    TAKEN("plain GET", OK1, A END),
    TAKEN("two pipelined", OK2, A END A END),
    TAKEN("one empty line before", OK1, "\r\n" A END),
    TAKEN("length", OK1, P "Content-Length: 5\r\n\r\nhello"),
    TAKEN("length of 0, then another", OK2, P "Content-Length: 0\r\n\r\n" A END),
    TAKEN("chunked", OK1, P "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    TAKEN("chunked in upper case, then another", OK2,
          P "TRANSFER-ENCODING: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n" A END),
    TAKEN("chunk extension", OK1,
          P "Transfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d e\"\r\nhello\r\n0\r\n\r\n"),
    TAKEN("HTTP/1.0 with Host", OK1, "GET / HTTP/1.0\r\nHost: a\r\n\r\n"),
    TAKEN("obs-text in a value", OK1, A "X: caf\xe9\r\n\r\n"),
    TAKEN("empty value", OK1, A "X:\r\n\r\n"),
    REFUSED("SMG-01 CL and TE",
            P "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX"),
    REFUSED("SMG-01 TE and CL",
            P "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX"),
    REFUSED("SMG-02 empty first coding", P "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-02 with CL",
            P "Transfer-Encoding: ,chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-03 two TE",
            P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-03 chunked, chunked", P "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-04 identity last", P "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-04 xchunked", P "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-04 blegh", P "Transfer-Encoding: blegh\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-04 0xa0 before", P "Transfer-Encoding: \xa0"
                                    "chunked\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-04 0xff around", P "Transfer-Encoding: \xff"
                                    "chunked\xff\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-04 vertical tab behind", P "Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-04 gzip, chunked", P "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-04 identity", P "Transfer-Encoding: identity\r\n\r\n"),
    REFUSED("SMG-04 empty", P "Transfer-Encoding:\r\n\r\n"),
    REFUSED("SMG-05 TE with HTTP/1.0",
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-06 two CL", P "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    REFUSED("SMG-06 two equal CL", P "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    REFUSED("SMG-06 list", P "Content-Length: 5, 5\r\n\r\nhello"),
    REFUSED("SMG-06 list without blank", P "Content-Length: 5,6\r\n\r\nhello!"),
    REFUSED("SMG-06 empty CL first", P "Content-Length:\r\nContent-Length: 5\r\n\r\nhello"),
    REFUSED("SMG-07 +5", P "Content-Length: +5\r\n\r\nhello"),
    REFUSED("SMG-07 -48", P "Content-Length: -48\r\n\r\n"),
    REFUSED("SMG-07 0x10", P "Content-Length: 0x10\r\n\r\n0123456789abcdef"),
    REFUSED("SMG-07 010", P "Content-Length: 010\r\n\r\n0123456789"),
    REFUSED("SMG-07 00", P "Content-Length: 00\r\n\r\n"),
    REFUSED("SMG-07 1_0", P "Content-Length: 1_0\r\n\r\n0123456789"),
    REFUSED("SMG-07 1Z", P "Content-Length: 1Z\r\n\r\n0"),
    REFUSED("SMG-07 1e1", P "Content-Length: 1e1\r\n\r\n0123456789"),
    REFUSED("SMG-07 quoted", P "Content-Length: \"\"\r\n\r\n"),
    REFUSED("SMG-07 empty", P "Content-Length:\r\n\r\n"),
    REFUSED("SMG-07 2^64", P "Content-Length: 18446744073709551616\r\n\r\n"),
    REFUSED("SMG-07 2^63", P "Content-Length: 9223372036854775808\r\n\r\n"),
    REFUSED("SMG-07 blank inside", P "Content-Length: 1 0\r\n\r\n0123456789"),
#define C P "Transfer-Encoding: chunked\r\n\r\n"
    REFUSED_AFTER("SMG-08 0x1", OK1 - 1, C "0x1\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-08 +1", C "+1\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-08 -0", C "-0\r\n\r\n"),
    REFUSED("SMG-08 0_2e", C "0_2e\r\n\r\n"),
    REFUSED("SMG-08 empty size", C "\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-08 blank before", C " 0\r\n\r\n"),
    REFUSED("SMG-08 blank behind", C "0 \r\n\r\n"),
    REFUSED("SMG-08 17 digits", C "ffffffffffffffff1\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-08 17 digits of zeros", C "00000000000000001\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-08 beyond 2^63", C "8000000000000000\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-08 junk", C "1junk\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-09 bare LF in an extension", C "1;a\nb\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-09 CR before the semicolon", C "1\r;a\r\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-09 bare LF behind the size", C "1\nZ\r\n0\r\n\r\n"),
    REFUSED("SMG-10 data ended by CR X", C "1\r\nZ\rX0\r\n\r\n"),
    REFUSED("SMG-10 data ended by LF", C "1\r\nZ\n0\r\n\r\n"),
    REFUSED("SMG-10 data ended by XX", C "1\r\nZXX0\r\n\r\n"),
    REFUSED("SMG-11 last chunk, then a broken trailer", C "0\r\nX:a\rb\r\n\r\n"),
    REFUSED("SMG-11 empty line before the last chunk", C "1\r\nZ\r\n\r\n0\r\n\r\n"),
    REFUSED_AFTER("SMG-11 bytes behind the body", 1, C "0\r\n\r\nX:Y\r\n\r\n"),
    TAKEN("SMG-12 trailers are read and dropped", OK2,
          C "0\r\nHost: b\r\nAuthorization: x\r\nCookie: c\r\nSallyport-User: root\r\n\r\n" A END),
    REFUSED("SMG-12 a length among the trailers", C "0\r\nContent-Length: 5\r\n\r\n"),
    REFUSED("SMG-12 a coding among the trailers", C "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    REFUSED("SMG-13 bare LF", "GET / HTTP/1.1\nHost: a\n\n"),
    REFUSED("SMG-13 bare CR", "GET / HTTP/1.1\rHost: a\r\r"),
    REFUSED("SMG-13 CR LF CR X", A "\rX"),
    REFUSED("SMG-13 bare LF behind a field", A "X: y\nZ: 1\r\n\r\n"),
    REFUSED("SMG-13 obs-fold", A "X: y\r\n z\r\n\r\n"),
    REFUSED("SMG-13 obs-fold of CL", P "Content-Length:\r\n 5\r\n\r\nhello"),
    REFUSED("SMG-13 obs-fold of TE", P "Transfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n"),
    REFUSED("SMG-13 name goes on", A "Content-\r\nLength: 5\r\n\r\n"),
    REFUSED("SMG-14 blank before the colon", P "Content-Length : 5\r\n\r\nhello"),
    REFUSED("SMG-14 no colon", P "Content-Length 10\r\n\r\n"),
    REFUSED("SMG-14 tab before the first field", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"),
    REFUSED("SMG-14 blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    REFUSED("SMG-14 empty name", A ": x\r\n\r\n"),
    REFUSED("SMG-14 only a colon", A ":\r\n\r\n"),
    REFUSED("SMG-15 NUL in a name", A "X\0Y: 1\r\n\r\n"),
    REFUSED("SMG-15 CR in a name", A "X\rY: 1\r\n\r\n"),
    REFUSED("SMG-15 0x85 in a name", A "X\x85: 1\r\n\r\n"),
    REFUSED("SMG-15 0xa0 in a name", A "X\xa0: 1\r\n\r\n"),
    REFUSED("SMG-15 0xff in a name", A "\xff: 1\r\n\r\n"),
    REFUSED("SMG-15 parentheses", A "X(): 1\r\n\r\n"),
    REFUSED("SMG-15 at", A "X@Y: 1\r\n\r\n"),
    REFUSED("SMG-15 brackets", A "X[1]: 1\r\n\r\n"),
    REFUSED("SMG-15 slash", A "X/Y: 1\r\n\r\n"),
    REFUSED("SMG-15 NUL in a value", A "X: a\0b\r\n\r\n"),
    REFUSED("SMG-15 CR in a value", A "X: a\rb\r\n\r\n"),
    REFUSED_AS("SMG-16 quote in the method", GW_REASON_FRAMING,
               "G\"ET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 equals in the method", "GET=/ / HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 less-than", "<GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 tab in the line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 LF in the line", "GET\n/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 two spaces before", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 two spaces behind", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 HTTP/1.32", "GET / HTTP/1.32\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 HTTP/4294967295.255", "GET / HTTP/4294967295.255\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 CR in the version", "GET / HTTP/\r1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 no version", "GET /\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 http in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-16 two empty lines before", "\r\n\r\n" A END),
    REFUSED("SMG-16 h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    REFUSED("SMG-17 no Host", "GET / HTTP/1.1\r\n\r\n"),
    REFUSED("SMG-17 no Host in 1.0", "GET / HTTP/1.0\r\n\r\n"),
    REFUSED("SMG-17 two Hosts", A "Host: b\r\n\r\n"),
    REFUSED("SMG-17 empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    REFUSED("SMG-17 a@b", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    REFUSED("SMG-17 a/b", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    REFUSED("SMG-17 a#b", "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n"),
    REFUSED("SMG-17 a, b", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    REFUSED("SMG-17 port of 0", "GET / HTTP/1.1\r\nHost: a:0\r\n\r\n"),
    REFUSED("SMG-17 absolute form of another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    TAKEN("SMG-17 absolute form of the same host", 1, "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-17 GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-17 OPTIONS */x", "OPTIONS */x HTTP/1.1\r\nHost: a\r\n\r\n"),
    TAKEN("SMG-17 OPTIONS *", 1, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED_AS("SMG-17 CONNECT", GW_REASON_METHOD, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED_AS("SMG-17 TRACE", GW_REASON_METHOD, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED_AS("SMG-17 PROPFIND", GW_REASON_METHOD, "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-18 fragment", "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-18 backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"),
    REFUSED("SMG-18 raw 0xe9", "GET /caf\xe9 HTTP/1.1\r\nHost: a\r\n\r\n"),
    TAKEN("SMG-19 100-continue", OK1, P "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"),
    REFUSED_AS("SMG-19 odd Expect", GW_REASON_EXPECTATION, A "Expect: 200-maybe\r\n\r\n"),
    REFUSED_AS("SMG-19 two in one", GW_REASON_EXPECTATION, A "Expect: 100-continue, x\r\n\r\n"),
    TAKEN("SMG-20 GET with a body, then another", OK2, A "Content-Length: 5\r\n\r\nhello" A END),
    TAKEN("SMG-20 GET with chunks, then another", OK2,
          A "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" A END),
    TAKEN(
        "SMG-21 h2c is a plain request", OK2,
        A
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n" A
            END),
    TAKEN("SMG-21 websocket, then bytes are not read as one", OK1,
          A "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    REFUSED("two Content-Type",
            P "Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n"),
};

static const struct http1_limits limits = {.line = 8192, .block = 65536, .fields = 100};

struct outcome {
    unsigned requests;
    bool refused;
    enum gw_reason reason;
};

/* One message's head as the gateway reads it. */
static sp_error read_head(struct http1 *p, struct arena *a)
{
    static const struct target_options strict = {0};
    struct gw_request r;
    struct view target;
    sp_error e = http1_request(p, a, &r, &target);

    return e != SP_OK ? e : target_parse(target, r.host, r.method, &strict, a, &r.target);
}

struct reader {
    struct http1 *parser;
    struct arena_pool pool;
    struct arena *arena; /* of the message under way; NULL: its head is not whole */
    struct outcome seen;
};

static void refused(struct reader *r, enum gw_reason reason)
{
    r->seen.refused = true;
    r->seen.reason = reason == 0 ? GW_REASON_FRAMING : reason;
}

static void end_of_message(struct reader *r)
{
    arena_free(r->arena);
    r->arena = NULL;
    r->seen.requests++;
    http1_next(r->parser);
}

static void feed(struct reader *r, struct view in)
{
    struct view data;
    size_t used;

    while (!r->seen.refused && in.len > 0) {
        if (r->arena == NULL) {
            sp_error e = http1_head(r->parser, in, &used);
            if (e == SP_ERR_AGAIN) {
                assert_int_equal(used, in.len);
                return;
            }
            assert_int_equal(arena_new(&r->pool, 1 << 20, &r->arena), SP_OK);
            if (e != SP_OK || read_head(r->parser, r->arena) != SP_OK) {
                refused(r, http1_reason(r->parser));
                return;
            }
        } else if (http1_body(r->parser, in, &used, &data) != SP_OK) {
            refused(r, http1_reason(r->parser));
            return;
        }
        in = view_slice(in, used, in.len);
        if (http1_ended(r->parser))
            end_of_message(r);
    }
}

static struct outcome read_pieces(struct view bytes, size_t first, size_t step)
{
    struct reader r = {.pool = {.max = 1 << 22}};

    assert_int_equal(http1_new(HTTP1_REQUESTS, &limits, &r.parser), SP_OK);
    feed(&r, view_slice(bytes, 0, first));
    for (size_t at = first; at < bytes.len; at += step) {
        /* a copy of exact size: a read beyond it is seen by the sanitizer */
        struct view piece = view_slice(bytes, at, step);
        uint8_t *copy = test_malloc(piece.len);
        memcpy(copy, piece.at, piece.len);
        feed(&r, (struct view){copy, piece.len});
        test_free(copy);
    }
    arena_free(r.arena);
    assert_int_equal(r.pool.in_use, 0);
    http1_free(r.parser);
    return r.seen;
}

static void check(const struct vector *v, struct outcome o, size_t split)
{
    if (o.requests != v->requests || o.refused != v->refused ||
        (v->refused && o.reason != v->reason))
        fail_msg("%s, split at %zu: %u requests, %s %s", v->name, split, o.requests,
                 o.refused ? "refused" : "not refused", o.refused ? gw_reasons[o.reason].name : "");
}

static void GW_02_SMG_01_to_21_give_one_verdict_however_they_are_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        check(v, read_pieces(v->bytes, v->bytes.len, 1), 0);
        check(v, read_pieces(v->bytes, 0, 1), 1);
        for (size_t at = 1; at < v->bytes.len; at++)
            check(v, read_pieces(v->bytes, at, v->bytes.len), at);
    }
}

/* What was refused above is never read as a second request behind it. */
static void SMG_26_nothing_follows_a_refusal(void **state)
{
    char bytes[1024];

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        if (!v->refused || v->requests > 0)
            continue;
        memcpy(bytes, v->bytes.at, v->bytes.len);
        memcpy(bytes + v->bytes.len, NEXT, sizeof NEXT - 1);
        struct view both = {(const uint8_t *)bytes, v->bytes.len + sizeof NEXT - 1};
        assert_int_equal(read_pieces(both, both.len, 1).requests, 0);
    }
}

static struct outcome read_text(const char *text, size_t len)
{
    return read_pieces((struct view){(const uint8_t *)text, len}, len, 1);
}

static size_t fill(char *to, const char *head, char c, size_t n, const char *tail)
{
    size_t at = (size_t)snprintf(to, 4096, "%s", head);

    memset(to + at, c, n);
    at += n;
    return at + (size_t)snprintf(to + at, 4096, "%s", tail);
}

static void SMG_25_line_block_and_number_of_fields_have_limits(void **state)
{
    static char text[1 << 18];
    struct outcome o;
    size_t at;

    (void)state;
    /* "GET /…x HTTP/1.1\r\n" of exactly the limit, and of one byte more */
    at = fill(text, "GET /", 'x', limits.line - 16, " HTTP/1.1\r\nHost: a\r\n\r\n");
    o = read_text(text, at);
    assert_int_equal(o.requests, 1);
    at = fill(text, "GET /", 'x', limits.line - 15, " HTTP/1.1\r\nHost: a\r\n\r\n");
    o = read_text(text, at);
    assert_true(o.refused && o.reason == GW_REASON_TARGET_SIZE);
    /* a line without an end */
    at = fill(text, "GET /", 'x', limits.line + 1, "");
    o = read_text(text, at);
    assert_true(o.refused && o.reason == GW_REASON_TARGET_SIZE);
    /* the block after it: "Host: a\r\nX: …\r\n\r\n" */
    at = fill(text, A "X: ", 'x', limits.block - 16, "\r\n\r\n");
    o = read_text(text, at);
    assert_int_equal(o.requests, 1);
    at = fill(text, A "X: ", 'x', limits.block - 15, "\r\n\r\n");
    o = read_text(text, at);
    assert_true(o.refused && o.reason == GW_REASON_HEADER_SIZE);
    for (size_t n = 99; n <= 100; n++) {
        at = (size_t)snprintf(text, 4096, "%s", A);
        for (size_t i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, 64, "X-%zu: 1\r\n", i);
        at += (size_t)snprintf(text + at, 64, "\r\n");
        o = read_text(text, at);
        if (n == 99)
            assert_int_equal(o.requests, 1);
        else
            assert_true(o.refused && o.reason == GW_REASON_HEADER_SIZE);
    }
}

static void SMG_09_a_long_chunk_extension_is_refused(void **state)
{
    static char text[1 << 16];
    size_t at = fill(text, C "1;", 'e', 255, "\r\nZ\r\n0\r\n\r\n");

    (void)state;
    assert_int_equal(read_text(text, at).requests, 1);
    at = fill(text, C "1;", 'e', 256, "\r\nZ\r\n0\r\n\r\n");
    assert_true(read_text(text, at).refused);
}

static void request_of(const char *text, struct arena *a, struct gw_request *r)
{
    struct http1 *p;
    struct view target;
    size_t used;

    assert_int_equal(http1_new(HTTP1_REQUESTS, &limits, &p), SP_OK);
    assert_int_equal(http1_head(p, view_str(text), &used), SP_OK);
    assert_int_equal(http1_request(p, a, r, &target), SP_OK);
    http1_free(p); /* what it gave lives in the arena */
}

static void GW_06_TM_16_reserved_names_are_gone_in_every_spelling(void **state)
{
    struct arena_pool pool = {.max = 1 << 20};
    struct gw_request r;
    struct arena *a;

    (void)state;
    assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
    request_of(A "sallyport-user: root\r\nSALLYPORT-USER: root\r\nSallyport_User: root\r\n"
                 "sallyport_email: x\r\nX-Sallyport-User: root\r\nx_sallyport_groups: admin\r\n"
                 "X-Forwarded-For: 1.2.3.4\r\nX_Forwarded_Host: b\r\nForwarded: for=1\r\n"
                 "X-Real-IP: 1.1.1.1\r\nx_real_ip: 1\r\nSallyport-Assertion: e\r\n"
                 "X-Honest: 1\r\nSallyportal: 2\r\n\r\n",
               a, &r);
    assert_int_equal(r.field_count, 2);
    assert_true(view_is(r.fields[0].name, "x-honest"));
    assert_true(view_is(r.fields[1].name, "sallyportal"));
    arena_free(a);
}

static void SMG_22_hop_by_hop_fields_go_with_those_that_connection_names(void **state)
{
    struct arena_pool pool = {.max = 1 << 20};
    struct gw_request r;
    struct arena *a;

    (void)state;
    assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
    request_of(A "Connection: close, X-Mine ,Sallyport-User\r\nConnection: X-Other\r\n"
                 "X-Mine: 1\r\nX-OTHER: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x\r\n"
                 "Upgrade: h2c\r\nHTTP2-Settings: AA\r\nProxy-Connection: x\r\n"
                 "Proxy-Authorization: x\r\nX-Stays: 3\r\n\r\n",
               a, &r);
    assert_int_equal(r.field_count, 1);
    assert_true(view_is(r.fields[0].name, "x-stays"));
    assert_true(view_is(r.fields[0].value, "3"));
    assert_false(r.keep_alive);
    assert_false(r.websocket);
    arena_free(a);
}

static void request_says_what_was_sent(void **state)
{
    struct arena_pool pool = {.max = 1 << 20};
    struct gw_request r;
    struct arena *a;

    (void)state;
    assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
    request_of(P "Content-Type: Application/JSON; charset=utf-8\r\nContent-Encoding: GZIP\r\n"
                 "Content-Length: 7\r\nX-Blank: \t a b \t\r\nExpect: 100-Continue\r\n\r\n",
               a, &r);
    assert_int_equal(r.method, GW_POST);
    assert_true(view_is(r.host, "a"));
    assert_true(view_is(r.body.content_type, "application/json"));
    assert_true(view_is(r.body.coding, "gzip"));
    assert_int_equal(r.body.kind, GW_BODY_LENGTH);
    assert_int_equal(r.body.length, 7);
    assert_true(r.expect_continue && r.keep_alive);
    assert_true(view_is(gw_field_find(r.fields, r.field_count, "x-blank", NULL), "a b"));
    assert_int_equal(gw_field_find(r.fields, r.field_count, "host", NULL).len, 0);
    request_of(A "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n", a, &r);
    assert_true(r.websocket);
    arena_free(a);
}

static const struct {
    const char *name, *text;
    enum gw_method method;
    sp_error head;
    bool until_close, ended, keep;
} answers[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", GW_GET, SP_OK, false, false, true},
    {"length of 0", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", GW_GET, SP_OK, false, true,
     true},
    {"no phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", GW_GET, SP_OK, false, true, true},
    {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", GW_GET, SP_OK, false,
     false, true},
    {"until the end", "HTTP/1.1 200 OK\r\n\r\n", GW_GET, SP_OK, true, false, false},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", GW_GET, SP_OK, true, false, false},
    {"HEAD with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", GW_HEAD, SP_OK, false,
     true, true},
    {"304 with a length", "HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", GW_GET, SP_OK, false, true,
     true},
    {"SMG-23 204 with a length", "HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n", GW_GET, SP_OK,
     false, true, false},
    {"100", "HTTP/1.1 100 Continue\r\n\r\n", GW_GET, SP_OK, false, true, true},
    {"SMG-23 CL and TE",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", GW_GET,
     SP_ERR_MALFORMED, false, false, false},
    {"SMG-23 two CL", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", GW_GET,
     SP_ERR_MALFORMED, false, false, false},
    {"TE gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", GW_GET, SP_ERR_MALFORMED,
     false, false, false},
    {"TE with 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", GW_GET,
     SP_ERR_MALFORMED, false, false, false},
    {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", GW_GET, SP_ERR_MALFORMED, false, false, false},
    {"status of 99", "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n", GW_GET, SP_ERR_MALFORMED, false,
     false, false},
    {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", GW_GET, SP_ERR_MALFORMED, false, false,
     false},
};

static void SMG_23_answers_are_read_as_strictly(void **state)
{
    struct arena_pool pool = {.max = 1 << 20};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct gw_response r = {0};
        struct http1 *p;
        struct arena *a;
        bool until_close = false;
        size_t used;

        assert_int_equal(http1_new(HTTP1_RESPONSES, &limits, &p), SP_OK);
        assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
        sp_error e = http1_head(p, view_str(answers[i].text), &used);
        if (e == SP_OK)
            e = http1_response(p, a, answers[i].method, &r, &until_close);
        if (e != answers[i].head ||
            (e == SP_OK && (until_close != answers[i].until_close ||
                            http1_ended(p) != answers[i].ended || r.keep_alive != answers[i].keep)))
            fail_msg("%s: %s until_close %d ended %d keep %d", answers[i].name, sp_error_code(e),
                     until_close, http1_ended(p), r.keep_alive);
        arena_free(a);
        http1_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_02_SMG_01_to_21_give_one_verdict_however_they_are_split),
        cmocka_unit_test(SMG_26_nothing_follows_a_refusal),
        cmocka_unit_test(SMG_25_line_block_and_number_of_fields_have_limits),
        cmocka_unit_test(SMG_09_a_long_chunk_extension_is_refused),
        cmocka_unit_test(GW_06_TM_16_reserved_names_are_gone_in_every_spelling),
        cmocka_unit_test(SMG_22_hop_by_hop_fields_go_with_those_that_connection_names),
        cmocka_unit_test(request_says_what_was_sent),
        cmocka_unit_test(SMG_23_answers_are_read_as_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
