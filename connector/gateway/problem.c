#include "connector/gateway/problem.h"

#include "connector/gateway/fields.h"
#include "connector/gateway/write.h"
#include "lib/base/encode.h"
#include "lib/http/phrase.h"

int problem_status(const struct gw_verdict *v)
{
    return v->status != 0 ? v->status : gw_reasons[v->reason].status;
}

static int64_t seconds_up(int64_t ms)
{
    return ms <= 0 ? 0 : (ms + 999) / 1000;
}

static void add_json(struct buf *out, const char *name, const char *text)
{
    buf_addf(out, ",\"%s\":", name);
    encode_json_string(view_str(text), out);
}

static void write_json(const struct gw_verdict *v, const char *decision, struct buf *out)
{
    const struct gw_reason_row *row = &gw_reasons[v->reason];

    buf_addf(out, "{\"type\":\"urn:sallyport:problem:%s\"", row->name);
    add_json(out, "title", row->title);
    buf_addf(out, ",\"status\":%d", problem_status(v));
    add_json(out, "decision", decision);
    if (v->retry_after_ms > 0)
        buf_addf(out, ",\"retry_after\":%lld", (long long)seconds_up(v->retry_after_ms));
    for (size_t i = 0; i < v->detail_count && i < GW_DETAILS_MAX; i++) {
        buf_add_str(out, i == 0 ? ",\"errors\":[{\"pointer\":" : ",{\"pointer\":");
        encode_json_string(view_str(v->details[i].pointer), out);
        add_json(out, "rule", v->details[i].rule);
        buf_add_str(out, "}");
    }
    if (v->detail_count > 0)
        buf_add_byte(out, ']');
    buf_add_str(out, "}\n");
}

/* No text of the request is in it, so nothing needs escaping. */
static void write_html(const struct gw_verdict *v, const char *decision, struct buf *out)
{
    const struct gw_reason_row *row = &gw_reasons[v->reason];

    buf_addf(out,
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>"
             "<meta name=\"viewport\" content=\"width=device-width\"></head>\n<body><h1>%s</h1>\n"
             "<p>Status %d, reason <code>%s</code>. Decision <code>%s</code>: your "
             "administrator finds it by this number.</p></body></html>\n",
             row->title, row->title, problem_status(v), row->name, decision);
}

static void add_allow(unsigned allowed, struct buf *out)
{
    const char *between = "allow: ";

    for (enum gw_method m = GW_GET; m < GW_METHODS; m++) {
        if ((allowed & 1u << m) == 0)
            continue;
        buf_add_str(out, between);
        buf_add_str(out, gw_method_name(m));
        between = ", ";
    }
    buf_add_str(out, allowed == 0 ? "" : "\r\n");
}

/* A script that may call the application may read why it was refused (GW-77). */
static void add_cors(struct view origin, struct buf *out)
{
    if (origin.len == 0)
        return;
    buf_add_str(out, "access-control-allow-origin: ");
    buf_add(out, origin);
    buf_add_str(out, "\r\naccess-control-allow-credentials: true\r\naccess-control-expose-headers: "
                     "Sallyport-Decision, Retry-After, WWW-Authenticate\r\nvary: Origin\r\n");
}

static void write_head(const struct gw_verdict *v, const char *decision,
                       const struct problem_options *o, size_t length, struct buf *out)
{
    static const char *const limit_names[] = {"ratelimit", "ratelimit-policy"};
    int status = problem_status(v);

    buf_addf(out, "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %zu\r\n", status,
             http_phrase(status), o->html ? "text/html; charset=utf-8" : "application/problem+json",
             length);
    buf_addf(out,
             "cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
             "sallyport-decision: %s\r\n",
             decision);
    if (o->html)
        buf_add_str(out, "content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n");
    if (v->retry_after_ms > 0)
        buf_addf(out, "retry-after: %lld\r\n", (long long)seconds_up(v->retry_after_ms));
    if (v->challenge[0] != '\0')
        buf_addf(out, "www-authenticate: %s\r\n", v->challenge);
    for (size_t i = 0; i < 2; i++)
        if (v->limit_fields[i][0] != '\0')
            buf_addf(out, "%s: %s\r\n", limit_names[i], v->limit_fields[i]);
    if (v->dpop_nonce[0] != '\0')
        buf_addf(out, "dpop-nonce: %s\r\n", v->dpop_nonce);
    if (status == 405)
        add_allow(o->allowed, out);
    add_cors(o->origin, out);
    if (o->close)
        buf_add_str(out, "connection: close\r\n");
    else if (o->minor == 0)
        buf_add_str(out, "connection: keep-alive\r\n");
    buf_add_str(out, "\r\n");
}

sp_error gw_problem_write(const struct gw_verdict *v, const char *decision,
                          const struct problem_options *o, struct buf *out)
{
    struct buf body;
    sp_error e;

    buf_init(&body, 8192);
    if (o->html)
        write_html(v, decision, &body);
    else
        write_json(v, decision, &body);
    if ((e = buf_error(&body)) == SP_OK) {
        write_head(v, decision, o, body.len, out);
        if (!o->head)
            buf_add(out, buf_view(&body));
        e = buf_error(out);
    }
    buf_deinit(&body);
    return e;
}

/* Where `what` begins in an Accept value, without case; SIZE_MAX: nowhere. */
static size_t place_of(struct view accept, const char *what)
{
    size_t n = strlen(what);

    for (size_t at = 0; at + n <= accept.len; at++)
        if (field_is(view_slice(accept, at, n), what))
            return at;
    return SIZE_MAX;
}

bool problem_prefers_html(struct view accept)
{
    size_t html = place_of(accept, "text/html");
    size_t json = place_of(accept, "json");

    return html != SIZE_MAX && html < json;
}
