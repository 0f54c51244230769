#include "connector/gateway/write.h"

#include "lib/http/phrase.h"

static void add_number(struct buf *out, uint64_t n)
{
    uint8_t digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_add(out, (struct view){digits + at, sizeof digits - at});
}

static void add_length(struct buf *out, uint64_t n)
{
    buf_add_str(out, "content-length: ");
    add_number(out, n);
    buf_add_str(out, "\r\n");
}

static void add_fields(struct buf *out, const struct gw_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_add(out, fields[i].name);
        buf_add_str(out, ": ");
        buf_add(out, fields[i].value);
        buf_add_str(out, "\r\n");
    }
}

static bool usually_has_body(enum gw_method m)
{
    return m == GW_POST || m == GW_PUT || m == GW_PATCH;
}

sp_error write_request(const struct gw_request *r, const struct write_to *to,
                       struct write_fields own, struct buf *out)
{
    buf_add_str(out, gw_method_name(r->method));
    buf_add_byte(out, ' ');
    if (!view_is(r->target.path, "*"))
        buf_add(out, to->prefix);
    buf_add(out, r->target.path);
    if (r->target.query.len > 0) {
        buf_add_byte(out, '?');
        buf_add(out, r->target.query);
    }
    buf_add_str(out, " HTTP/1.1\r\nhost: ");
    buf_add(out, to->host);
    buf_add_str(out, "\r\n");
    add_fields(out, r->fields, r->field_count);
    if (r->body.kind == GW_BODY_CHUNKED)
        buf_add_str(out, "transfer-encoding: chunked\r\n");
    else if (r->body.kind == GW_BODY_LENGTH || usually_has_body(r->method))
        add_length(out, r->body.kind == GW_BODY_LENGTH ? r->body.length : 0);
    if (r->websocket)
        buf_add_str(out, "connection: upgrade\r\nupgrade: websocket\r\n");
    add_fields(out, own.at, own.n);
    buf_add_str(out, "\r\n");
    return buf_error(out);
}

enum gw_body_kind write_body_kind(const struct gw_response *r, const struct write_answer *to,
                                  bool until_close)
{
    if (r->body.kind == GW_BODY_LENGTH)
        return GW_BODY_LENGTH;
    if (r->body.kind == GW_BODY_CHUNKED || until_close)
        return to->minor == 1 ? GW_BODY_CHUNKED : GW_BODY_NONE;
    return GW_BODY_NONE;
}

sp_error write_response(const struct gw_response *r, const struct write_answer *to,
                        enum gw_body_kind body, struct write_fields own, struct buf *out)
{
    bool length_of_none = r->status >= 200 && r->status != 204 && r->status != 304;

    buf_addf(out, "HTTP/1.1 %d %s\r\n", r->status, http_phrase(r->status));
    add_fields(out, r->fields, r->field_count);
    if (body == GW_BODY_LENGTH)
        add_length(out, r->body.length);
    else if (body == GW_BODY_CHUNKED && to->method != GW_HEAD)
        buf_add_str(out, "transfer-encoding: chunked\r\n");
    else if (body == GW_BODY_NONE && length_of_none && !to->close && to->method != GW_HEAD)
        add_length(out, 0);
    if (r->switched)
        buf_add_str(out, "connection: upgrade\r\nupgrade: websocket\r\n");
    else if (r->status >= 200 && to->close)
        buf_add_str(out, "connection: close\r\n");
    else if (r->status >= 200 && to->minor == 0)
        buf_add_str(out, "connection: keep-alive\r\n");
    add_fields(out, own.at, own.n);
    buf_add_str(out, "\r\n");
    return buf_error(out);
}

void write_chunk_head(size_t len, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t text[WRITE_CHUNK_HEAD_MAX];
    size_t at = sizeof text;

    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = (uint8_t)digits[len & 15];
        len >>= 4;
    } while (len > 0);
    buf_add(out, (struct view){text + at, sizeof text - at});
}

void write_chunk_tail(struct buf *out)
{
    buf_add_str(out, "\r\n");
}

void write_chunk_last(struct buf *out)
{
    buf_add_str(out, "0\r\n\r\n");
}
