#include "lib/http/intake.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/os/sock.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <sys/random.h>

/* A second value of these could mean something else to someone else. */
static const char *const single[] = {"host",
                                     "content-length",
                                     "content-type",
                                     "cookie",
                                     "origin",
                                     "authorization",
                                     "if-match",
                                     "if-none-match",
                                     "referer",
                                     "expect",
                                     "idempotency-key",
                                     "sec-websocket-key",
                                     "sec-websocket-version",
                                     "sec-websocket-protocol"};

static const struct {
    enum lws_token_indexes token;
    enum http_method method;
} methods[] = {
    {WSI_TOKEN_GET_URI, METHOD_GET},         {WSI_TOKEN_HEAD_URI, METHOD_HEAD},
    {WSI_TOKEN_POST_URI, METHOD_POST},       {WSI_TOKEN_PUT_URI, METHOD_PUT},
    {WSI_TOKEN_PATCH_URI, METHOD_PATCH},     {WSI_TOKEN_DELETE_URI, METHOD_DELETE},
    {WSI_TOKEN_OPTIONS_URI, METHOD_OPTIONS}, {WSI_TOKEN_CONNECT, METHOD_NONE},
};

void intake_ref(char ref[REQUEST_REF_TEXT])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t random[8] = {0};

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        memset(random, 0, sizeof random); /* a name, not a secret */
    ref[0] = 'R';
    ref[1] = '-';
    for (size_t i = 0; i < sizeof random; i++)
        ref[2 + i] = digits[random[i] & 31];
    ref[2 + sizeof random] = '\0';
}

void intake_peer(struct lws *wsi, char peer[REQUEST_PEER_TEXT], uint16_t *port)
{
    struct address a;

    peer[0] = '\0';
    *port = 0;
    if (sock_peer(lws_get_socket_fd(lws_get_network_wsi(wsi)), &a) != SP_OK)
        return;
    snprintf(peer, REQUEST_PEER_TEXT, "%.*s", REQUEST_PEER_TEXT - 1, address_host_text(&a).s);
    *port = address_port(&a);
}

/* ---- values -------------------------------------------------------------------------------- */

static struct view keep(struct intake *in, struct view v)
{
    size_t at = in->text.len;

    buf_add(&in->text, v);
    return in->text.err == SP_OK ? (struct view){in->text.at + at, v.len} : (struct view){0};
}

static bool is_printable(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((v.at[i] < ' ' && v.at[i] != '\t') || v.at[i] == 0x7f)
            return false;
    return true;
}

static bool is_single(struct view name)
{
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (view_is(name, single[i]))
            return true;
    return false;
}

static int add_header(struct intake *in, struct view name, struct view value)
{
    size_t n = in->request.header_count;

    if (n == REQUEST_HEADERS_MAX)
        return 431;
    if (name.len == 0 || !is_printable(name) || !is_printable(value))
        return 400;
    in->headers[n] = (struct http_header){keep(in, name), keep(in, ascii_trim(value))};
    if (in->text.err != SP_OK)
        return in->text.err == SP_ERR_LIMIT ? 431 : 500;
    in->request.header_count = n + 1;
    return 0;
}

/* ---- what libwebsockets knows by name ------------------------------------------------------ */

static int add_known(struct lws *wsi, struct intake *in, enum lws_token_indexes token,
                     char *scratch)
{
    const unsigned char *text = lws_token_to_string(token);
    struct view name = view_str((const char *)text);
    int n = lws_hdr_total_length(wsi, token);

    /* "host:" but neither "get " nor HTTP/2's ":path" */
    if (n <= 0 || name.len < 2 || name.at[name.len - 1] != ':' || name.at[0] == ':')
        return 0;
    name.len--;
    if (is_single(name) && lws_hdr_fragment_length(wsi, token, 1) > 0)
        return 400;
    n = lws_hdr_copy(wsi, scratch, REQUEST_HEAD_BYTES_MAX, token);
    if (n < 0)
        return 431;
    return add_header(in, name, (struct view){(const uint8_t *)scratch, (size_t)n});
}

/* ---- and what it does not ------------------------------------------------------------------- */

struct unknown {
    struct lws *wsi;
    struct intake *in;
    char *scratch;
    int status;
};

static void add_unknown(const char *name, int name_len, void *arg)
{
    struct unknown *u = arg;
    struct view v = {(const uint8_t *)name, (size_t)name_len};
    int n;

    if (u->status != 0)
        return;
    if (name_len < 2 || name[name_len - 1] != ':') {
        u->status = 400;
        return;
    }
    v.len--;
    /* lws_hdr_custom_copy finds the first of its name only, so a second one is refused */
    for (size_t i = 0; i < u->in->request.header_count; i++)
        if (view_equal(u->in->request.headers[i].name, v)) {
            u->status = 400;
            return;
        }
    n = lws_hdr_custom_copy(u->wsi, u->scratch, REQUEST_HEAD_BYTES_MAX, name, name_len);
    u->status =
        n < 0 ? 431 : add_header(u->in, v, (struct view){(const uint8_t *)u->scratch, (size_t)n});
}

static int read_headers(struct lws *wsi, struct intake *in)
{
    char scratch[REQUEST_HEAD_BYTES_MAX];
    struct unknown u = {wsi, in, scratch, 0};
    int status = 0;

    for (int t = 0; status == 0 && t < WSI_TOKEN_COUNT; t++)
        status = add_known(wsi, in, (enum lws_token_indexes)t, scratch);
    if (status == 0) {
        lws_hdr_custom_name_foreach(wsi, add_unknown, &u);
        status = u.status;
    }
    explicit_bzero(scratch, sizeof scratch); /* cookies, bearer tokens */
    return status;
}

/* ---- request line --------------------------------------------------------------------------- */

static int read_query(struct lws *wsi, struct intake *in)
{
    char part[REQUEST_QUERY_BYTES_MAX];
    size_t raw = 0;
    int n;

    for (int i = 0;
         (n = lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
         i++) {
        const char *equals = memchr(part, '=', (size_t)n);
        size_t name = equals != NULL ? (size_t)(equals - part) : (size_t)n;
        struct view v = {(const uint8_t *)part, (size_t)n};

        raw += v.len + 1;
        if (raw > REQUEST_QUERY_BYTES_MAX)
            return 414;
        if (i > 0)
            buf_add_byte(&in->query, '&');
        encode_percent(view_slice(v, 0, name), &in->query);
        if (equals != NULL) {
            buf_add_byte(&in->query, '=');
            encode_percent(view_slice(v, name + 1, v.len), &in->query);
        }
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >= REQUEST_QUERY_BYTES_MAX)
        return 414;
    in->request.query = buf_view(&in->query);
    return in->query.err == SP_OK ? 0 : 500;
}

static bool is_path(struct view path)
{
    struct view rest = path;

    if (path.len == 0 || path.at[0] != '/' || !utf8_valid(path) || !is_printable(path))
        return false;
    while (rest.len > 0) { /* no "." and no ".." as a segment */
        const uint8_t *slash = memchr(rest.at + 1, '/', rest.len - 1);
        size_t n = slash != NULL ? (size_t)(slash - rest.at) : rest.len;
        struct view segment = view_slice(rest, 1, n - 1);

        if (view_is(segment, ".") || view_is(segment, ".."))
            return false;
        rest = view_slice(rest, n, rest.len);
    }
    return true;
}

static int read_line(struct lws *wsi, struct intake *in)
{
    char version[16], path[REQUEST_PATH_BYTES_MAX + 1];

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        int n = lws_hdr_total_length(wsi, methods[i].token);
        if (n <= 0)
            continue;
        if (methods[i].method == METHOD_NONE)
            return 501;
        if (n > REQUEST_PATH_BYTES_MAX)
            return 414;
        in->request.method = methods[i].method;
        if ((n = lws_hdr_copy(wsi, path, sizeof path, methods[i].token)) < 0)
            return 414;
        in->request.path = keep(in, (struct view){(const uint8_t *)path, (size_t)n});
        break;
    }
    if (in->request.method == METHOD_NONE)
        return 501;
    if (!is_path(in->request.path))
        return 400;
    if (lws_hdr_copy(wsi, version, sizeof version, WSI_TOKEN_HTTP) <= 0 ||
        (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0))
        return 400;
    in->close = in->close || version[7] == '0';
    return read_query(wsi, in);
}

/* ---- what the headers mean together --------------------------------------------------------- */

static int check(struct intake *in)
{
    const struct request *r = &in->request;
    struct view length = request_header(r, "content-length");
    uint64_t n = 0;

    if (request_header(r, "host").len == 0 || request_header(r, "transfer-encoding").len > 0)
        return 400;
    if (length.len > 0) {
        if (num_uint(length, INT64_MAX, &n) != SP_OK) /* negative, 2^63, "5,5", "+5": DEP-1T */
            return 400;
        in->has_content_length = true;
        in->content_length = (int64_t)n;
    }
    if (in->content_length > 0 && (r->method == METHOD_GET || r->method == METHOD_HEAD))
        return 400;
    if (!in->has_content_length &&
        (r->method == METHOD_POST || r->method == METHOD_PUT || r->method == METHOD_PATCH))
        return 411;
    in->expects_continue = view_is(request_header(r, "expect"), "100-continue");
    return 0;
}

int intake_head(struct lws *wsi, struct intake *in)
{
    int status;

    *in = (struct intake){0};
    in->request.headers = in->headers;
    in->request.tls = lws_is_ssl(wsi) != 0;
    intake_ref(in->request.ref);
    buf_init(&in->text, REQUEST_HEAD_BYTES_MAX);
    buf_init(&in->query, INTAKE_QUERY_ROOM);
    if (buf_reserve(&in->text, REQUEST_HEAD_BYTES_MAX) != SP_OK)
        return 500;
    if ((status = read_line(wsi, in)) == 0 && (status = read_headers(wsi, in)) == 0)
        status = check(in);
    return status;
}

int intake_upgrade(struct lws *wsi, const char *path, struct intake *in)
{
    int status = intake_head(wsi, in);
    const struct request *r = &in->request;

    if (status != 0)
        return status;
    if (r->method != METHOD_GET || !view_is(r->path, path) || r->query.len > 0)
        return 404;
    if (!view_is(request_header(r, "sec-websocket-version"), "13") ||
        request_header(r, "sec-websocket-key").len != 24)
        return 400;
    return 0;
}

void intake_deinit(struct intake *in)
{
    buf_wipe(&in->text);
    buf_wipe(&in->query);
}
