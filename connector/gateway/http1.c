#include "connector/gateway/http1.h"

#include "connector/gateway/strict.h"

#include <llhttp.h>
#include <stdlib.h>

enum { HEAD_KEPT = 2048, SPANS_FIRST = 24 };

/* Where a field's name and value stand in `head`. */
struct spans {
    uint32_t name, name_len, value, value_len;
};

enum stage { IN_HEAD = 0, HEAD_WHOLE, IN_BODY, ENDED };

struct http1 {
    llhttp_t parser;
    enum http1_side side;
    const struct http1_limits *limits; /* borrowed */
    enum stage stage;
    enum gw_reason reason;
    struct strict_line line;
    struct strict_chunk chunk;
    struct buf head; /* the head so far, in one piece */
    size_t line_end; /* bytes of the first line with its end; 0: not whole */
    const char *fed; /* the bytes that llhttp reads just now, and where they lie in `head` */
    size_t fed_at;
    uint32_t target, target_len;
    struct spans *spans; /* owned */
    size_t span_count, span_cap;
    bool full;              /* more fields than may be */
    enum gw_body_kind kind; /* of the body, once the head was asked for */
    bool until_close;
    uint64_t left;    /* GW_BODY_LENGTH */
    struct view said; /* the data that llhttp saw in the bytes just fed */
    bool whole;       /* llhttp has seen the end of a chunked message */
};

/* ---- what llhttp tells --------------------------------------------------------------------- */

static struct http1 *owner(llhttp_t *parser)
{
    return parser->data;
}

static uint32_t place(const struct http1 *p, const char *at)
{
    return (uint32_t)(p->fed_at + (size_t)(at - p->fed));
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http1 *p = owner(parser);

    if (p->target_len == 0)
        p->target = place(p, at);
    p->target_len += (uint32_t)len;
    return 0;
}

/* Room for one more field, which begins at `at`. */
static struct spans *new_span(struct http1 *p, const char *at)
{
    if (p->span_count >= p->limits->fields) {
        p->full = true;
        return NULL;
    }
    if (p->span_count == p->span_cap) {
        size_t cap = p->span_cap == 0 ? SPANS_FIRST : p->span_cap * 2;
        struct spans *more = realloc(p->spans, cap * sizeof *more);
        if (more == NULL)
            return NULL;
        p->spans = more;
        p->span_cap = cap;
    }
    struct spans *s = &p->spans[p->span_count++];
    *s = (struct spans){.name = place(p, at)};
    return s;
}

/* A name may come in pieces; a new one begins when the last field has its value. */
static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http1 *p = owner(parser);
    struct spans *s = p->span_count == 0 ? NULL : &p->spans[p->span_count - 1];

    if (p->stage != IN_HEAD) /* a trailer: dropped */
        return 0;
    if ((s == NULL || s->value != 0) && (s = new_span(p, at)) == NULL)
        return -1;
    s->name_len += (uint32_t)len;
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http1 *p = owner(parser);

    if (p->stage != IN_HEAD)
        return 0;
    struct spans *s = &p->spans[p->span_count - 1];
    if (s->value == 0)
        s->value = place(p, at);
    s->value_len += (uint32_t)len;
    return 0;
}

/* Also for an empty value, of which llhttp may tell nothing. */
static int on_value_complete(llhttp_t *parser)
{
    struct http1 *p = owner(parser);

    if (p->stage == IN_HEAD && p->span_count > 0) {
        struct spans *s = &p->spans[p->span_count - 1];
        if (s->value == 0)
            s->value = s->name + s->name_len;
    }
    return 0;
}

static int on_headers(llhttp_t *parser)
{
    struct http1 *p = owner(parser);

    if (p->stage != IN_HEAD)
        return 0;
    p->stage = HEAD_WHOLE;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http1 *p = owner(parser);

    /* two pieces from one: strict.h sees one at a time */
    if (p->said.len > 0)
        return -1;
    p->said = (struct view){(const uint8_t *)at, len};
    return 0;
}

static int on_whole(llhttp_t *parser)
{
    owner(parser)->whole = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_url = on_url,
                                           .on_header_field = on_field,
                                           .on_header_value = on_value,
                                           .on_header_value_complete = on_value_complete,
                                           .on_headers_complete = on_headers,
                                           .on_body = on_body,
                                           .on_message_complete = on_whole};

/* ---- life ---------------------------------------------------------------------------------- */

sp_error http1_new(enum http1_side side, const struct http1_limits *limits, struct http1 **out)
{
    struct http1 *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    p->side = side;
    p->limits = limits;
    buf_init(&p->head, limits->line + limits->block);
    llhttp_init(&p->parser, side == HTTP1_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    p->parser.data = p;
    *out = p;
    return SP_OK;
}

void http1_free(struct http1 *p)
{
    if (p == NULL)
        return;
    buf_deinit(&p->head);
    free(p->spans);
    free(p);
}

void http1_next(struct http1 *p)
{
    llhttp_reset(&p->parser);
    p->parser.data = p;
    if (p->head.cap > HEAD_KEPT)
        buf_deinit(&p->head);
    else
        buf_reset(&p->head);
    p->stage = IN_HEAD;
    p->line = (struct strict_line){0};
    p->chunk = (struct strict_chunk){0};
    p->line_end = 0;
    p->target = p->target_len = 0;
    p->span_count = 0;
    p->kind = GW_BODY_NONE;
    p->until_close = false;
    p->left = 0;
    p->whole = false;
}

void http1_limit(struct http1 *p, const struct http1_limits *limits)
{
    p->limits = limits;
    p->head.max = limits->line + limits->block;
}

bool http1_idle(const struct http1 *p)
{
    return p->stage == IN_HEAD && p->head.len == 0;
}

size_t http1_held(const struct http1 *p)
{
    return sizeof *p + p->head.cap + p->span_cap * sizeof *p->spans;
}

enum gw_reason http1_reason(const struct http1 *p)
{
    return p->reason;
}

SP_MUST static sp_error refuse(struct http1 *p, enum gw_reason reason)
{
    p->reason = reason;
    return reason == GW_REASON_TARGET_SIZE || reason == GW_REASON_HEADER_SIZE ? SP_ERR_LIMIT
                                                                              : SP_ERR_MALFORMED;
}

/* ---- the head ------------------------------------------------------------------------------ */

/* How much of `in` the limits leave room for; the first byte beyond them is refused. */
SP_MUST static sp_error within_limits(struct http1 *p, struct view in)
{
    const uint8_t *end = p->line_end > 0 || in.len == 0 ? NULL : memchr(in.at, '\n', in.len);

    /* an empty line before the request does not end it */
    while (end != NULL && p->head.len + (size_t)(end - in.at) < 2) {
        size_t from = (size_t)(end - in.at) + 1;
        end = from < in.len ? memchr(in.at + from, '\n', in.len - from) : NULL;
    }
    if (end != NULL)
        p->line_end = p->head.len + (size_t)(end - in.at) + 1;
    if (p->line_end > p->limits->line ||
        (p->line_end == 0 && p->head.len + in.len > p->limits->line))
        return refuse(p, GW_REASON_TARGET_SIZE);
    return SP_OK;
}

static sp_error said_of(struct http1 *p, llhttp_errno_t e)
{
    if (p->full)
        return refuse(p, GW_REASON_HEADER_SIZE);
    if (e == HPE_INVALID_METHOD && p->line.state == 0)
        return refuse(p, GW_REASON_METHOD);
    return refuse(p, GW_REASON_FRAMING);
}

/* Feeds what lies in `head` from `from` on. */
SP_MUST static sp_error feed_head(struct http1 *p, size_t from)
{
    p->fed = (const char *)p->head.at + from;
    p->fed_at = from;

    llhttp_errno_t e = llhttp_execute(&p->parser, p->fed, p->head.len - from);
    if (p->stage == HEAD_WHOLE) {
        const char *end = llhttp_get_error_pos(&p->parser);
        if (e != HPE_PAUSED || end < p->fed || place(p, end) > p->head.len)
            return said_of(p, e);
        p->head.len = place(p, end);
        llhttp_resume(&p->parser);
        return SP_OK;
    }
    return e == HPE_OK ? SP_ERR_AGAIN : said_of(p, e);
}

sp_error http1_head(struct http1 *p, struct view in, size_t *used)
{
    size_t before = p->head.len, room = p->limits->line + p->limits->block - before;
    bool more = in.len > room;
    sp_error e;

    *used = 0;
    if (more)
        in.len = room;
    if ((e = within_limits(p, in)) != SP_OK)
        return e;
    if (p->side == HTTP1_REQUESTS && strict_line(&p->line, in) != SP_OK)
        return refuse(p, GW_REASON_FRAMING);
    if (before == 0 && (e = buf_reserve(&p->head, in.len < 1024 ? 1024 : in.len)) != SP_OK)
        return e;
    if ((e = buf_append(&p->head, in)) != SP_OK)
        return e;
    e = feed_head(p, before);
    if (e == SP_ERR_AGAIN && more)
        return refuse(p, GW_REASON_HEADER_SIZE);
    if (e == SP_OK && p->line_end > 0 && p->head.len - p->line_end > p->limits->block)
        return refuse(p, GW_REASON_HEADER_SIZE);
    *used = e == SP_OK ? p->head.len - before : in.len;
    return e;
}

/* ---- what it says -------------------------------------------------------------------------- */

static void lower_case(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] >= 'A' && at[i] <= 'Z')
            at[i] = (uint8_t)(at[i] + ('a' - 'A'));
}

static struct view outer_space_off(struct view v)
{
    while (v.len > 0 && (v.at[0] == ' ' || v.at[0] == '\t'))
        v = view_slice(v, 1, v.len);
    while (v.len > 0 && (v.at[v.len - 1] == ' ' || v.at[v.len - 1] == '\t'))
        v.len--;
    return v;
}

/* The head and its fields in the arena; names in lower case. */
SP_MUST static sp_error copy_fields(struct http1 *p, struct arena *a, uint8_t **head,
                                    struct gw_field **fields)
{
    uint8_t *text = arena_take(a, p->head.len + 1);
    struct gw_field *f = arena_array(a, p->span_count, sizeof *f);

    if (text == NULL || f == NULL)
        return arena_error(a);
    if (p->head.len > 0)
        memcpy(text, p->head.at, p->head.len);
    for (size_t i = 0; i < p->span_count; i++) {
        const struct spans *s = &p->spans[i];
        lower_case(text + s->name, s->name_len);
        f[i].name = (struct view){text + s->name, s->name_len};
        f[i].value = outer_space_off((struct view){text + s->value, s->value_len});
    }
    *head = text;
    *fields = f;
    return SP_OK;
}

/* What llhttp concluded from the same fields must be what strict.h concluded. */
static bool agree(const struct http1 *p, enum gw_body_kind kind, uint64_t length)
{
    bool chunked = (p->parser.flags & F_CHUNKED) != 0;

    if (chunked != (kind == GW_BODY_CHUNKED))
        return false;
    return chunked || (p->parser.flags & F_CONTENT_LENGTH) == 0 ||
           p->parser.content_length == length;
}

static void begin_body(struct http1 *p, enum gw_body_kind kind, uint64_t length, bool until_close)
{
    p->kind = kind;
    p->left = length;
    p->until_close = until_close;
    p->stage = kind == GW_BODY_NONE && !until_close ? ENDED : IN_BODY;
}

sp_error http1_request(struct http1 *p, struct arena *a, struct gw_request *out,
                       struct view *target)
{
    struct gw_request r = {.arena = a};
    struct gw_field *fields;
    uint8_t *head;
    sp_error e;

    if ((e = copy_fields(p, a, &head, &fields)) != SP_OK)
        return e;
    r.version_minor = p->parser.http_minor;
    r.method_text = view_str(llhttp_method_name((llhttp_method_t)p->parser.method));
    r.method = gw_method_parse(r.method_text);
    if (r.method == GW_METHOD_NONE)
        return refuse(p, GW_REASON_METHOD);
    const struct field_roles roles = field_roles_of(fields, p->span_count);
    if (p->parser.http_major != 1 || r.version_minor > 1 ||
        strict_framing(&roles, r.version_minor, &r.body.kind, &r.body.length) != SP_OK ||
        strict_host(&roles, &r.host) != SP_OK || !field_once_each(&roles) ||
        !agree(p, r.body.kind, r.body.length))
        return refuse(p, GW_REASON_FRAMING);

    struct field_wishes w = field_wishes_of(fields, p->span_count, &roles);
    r.keep_alive = !w.close && (r.version_minor == 1 || w.keep_alive);
    r.expect_continue = w.expect_continue && r.version_minor == 1;
    r.websocket =
        w.websocket && r.method == GW_GET && r.version_minor == 1 && r.body.kind == GW_BODY_NONE;
    field_body(&roles, a, &r.body);
    r.fields = fields;
    r.field_count = field_keep_end_to_end(fields, p->span_count);
    begin_body(p, r.body.kind, r.body.length, false);
    *target = (struct view){head + p->target, p->target_len};
    *out = r;
    return w.expects && !w.expect_continue ? refuse(p, GW_REASON_EXPECTATION) : SP_OK;
}

static bool has_no_body(enum gw_method method, int status)
{
    return method == GW_HEAD || status < 200 || status == 204 || status == 304;
}

sp_error http1_response(struct http1 *p, struct arena *a, enum gw_method method,
                        struct gw_response *out, bool *until_close)
{
    struct gw_response r = {.status = p->parser.status_code};
    struct gw_field *fields;
    uint8_t *head;
    sp_error e;

    if ((e = copy_fields(p, a, &head, &fields)) != SP_OK)
        return e;
    const struct field_roles roles = field_roles_of(fields, p->span_count);
    size_t lengths = roles.count[FIELD_CONTENT_LENGTH];
    int minor = p->parser.http_minor;
    if (p->parser.http_major != 1 || minor > 1 || r.status < 100 || r.status > 599 ||
        strict_framing(&roles, minor, &r.body.kind, &r.body.length) != SP_OK)
        return refuse(p, GW_REASON_UPSTREAM_FRAMING);

    struct field_wishes w = field_wishes_of(fields, p->span_count, &roles);
    r.keep_alive = !w.close && (minor == 1 || w.keep_alive);
    r.switched = r.status == 101 && w.websocket;
    field_body(&roles, a, &r.body);
    r.fields = fields;
    r.field_count = field_keep_end_to_end(fields, p->span_count);
    *until_close = false;
    if (has_no_body(method, r.status)) {
        /* 204 with a length is a body that somebody would read as the next answer */
        r.keep_alive = r.keep_alive && (method == GW_HEAD || r.status == 304 ||
                                        (lengths == 0 && r.body.kind == GW_BODY_NONE));
        begin_body(p, GW_BODY_NONE, 0, false);
    } else {
        *until_close = r.body.kind == GW_BODY_NONE && lengths == 0;
        r.keep_alive = r.keep_alive && !*until_close;
        begin_body(p, r.body.kind, r.body.length, *until_close);
    }
    *out = r;
    return SP_OK;
}

/* ---- the body ------------------------------------------------------------------------------ */

/* Both readers see the same bytes, and must see the same piece of data and the same end. */
SP_MUST static sp_error chunked(struct http1 *p, struct view in, size_t *used, struct view *data)
{
    sp_error e = strict_chunk(&p->chunk, in, used, data);

    if (e != SP_OK)
        return e;
    p->said = (struct view){0};
    llhttp_errno_t said = llhttp_execute(&p->parser, (const char *)in.at, *used);
    if (said != (p->whole ? HPE_PAUSED : HPE_OK) || p->whole != p->chunk.ended ||
        p->said.len != data->len || (data->len > 0 && p->said.at != data->at))
        return SP_ERR_MALFORMED;
    if (p->whole && llhttp_get_error_pos(&p->parser) != (const char *)in.at + *used)
        return SP_ERR_MALFORMED;
    if (p->chunk.ended)
        p->stage = ENDED;
    return SP_OK;
}

sp_error http1_body(struct http1 *p, struct view in, size_t *used, struct view *data)
{
    *used = 0;
    *data = (struct view){0};
    if (p->stage != IN_BODY || in.len == 0)
        return SP_OK;
    if (p->kind == GW_BODY_CHUNKED) {
        sp_error e = chunked(p, in, used, data);
        if (e != SP_OK)
            p->reason = p->side == HTTP1_REQUESTS ? GW_REASON_FRAMING : GW_REASON_UPSTREAM_FRAMING;
        return e;
    }
    *data = in;
    if (!p->until_close) {
        data->len = p->left < in.len ? (size_t)p->left : in.len;
        p->left -= data->len;
        if (p->left == 0)
            p->stage = ENDED;
    }
    *used = data->len;
    return SP_OK;
}

bool http1_ended(const struct http1 *p)
{
    return p->stage == ENDED;
}

sp_error http1_close(struct http1 *p)
{
    if (p->stage == IN_BODY && p->until_close)
        p->stage = ENDED;
    return p->stage == ENDED || http1_idle(p) ? SP_OK : SP_ERR_CLOSED;
}
