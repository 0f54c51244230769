#include "connector/gateway/problem.h"

#include "connector/gateway/fields.h"
#include "connector/gateway/grpc.h"
#include "connector/gateway/write.h"
#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/http/phrase.h"

#include <stdio.h>

#include "lib/base/banned.h"

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
    const struct gw_words *words = gw_words(v);

    buf_addf(out, "{\"type\":\"urn:sallyport:problem:%s\"", row->name);
    add_json(out, "title", row->title);
    buf_addf(out, ",\"status\":%d", problem_status(v));
    add_json(out, "decision", decision);
    if (v->retry_after_ms > 0)
        buf_addf(out, ",\"retry_after\":%lld", (long long)seconds_up(v->retry_after_ms));
    for (size_t i = 0; i < words->detail_count && i < GW_DETAILS_MAX; i++) {
        buf_add_str(out, i == 0 ? ",\"errors\":[{\"pointer\":" : ",{\"pointer\":");
        encode_json_string(view_str(words->details[i].pointer), out);
        add_json(out, "rule", words->details[i].rule);
        buf_add_str(out, "}");
    }
    if (words->detail_count > 0)
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

/* ---- the head ------------------------------------------------------------------------------ */

static void add(struct gw_problem *p, const char *name, struct view value)
{
    if (p->field_count < GW_PROBLEM_FIELDS)
        p->fields[p->field_count++] = (struct gw_field){view_str(name), value};
}

static void add_text(struct gw_problem *p, const char *name, const char *value)
{
    if (value[0] != '\0')
        add(p, name, view_str(value));
}

static void add_number(struct gw_problem *p, const char *name, char room[24], int64_t n)
{
    snprintf(room, 24, "%lld", (long long)n);
    add(p, name, view_str(room));
}

static void add_allow(struct gw_problem *p, unsigned allowed)
{
    size_t n = 0;

    for (enum gw_method m = GW_GET; m < GW_METHODS; m++) {
        int took = (allowed & 1u << m) == 0 ? 0
                                            : snprintf(p->allow + n, sizeof p->allow - n, "%s%s",
                                                       n == 0 ? "" : ", ", gw_method_name(m));
        if (took > 0 && (size_t)took < sizeof p->allow - n)
            n += (size_t)took;
    }
    add_text(p, "allow", p->allow);
}

/* A script that may call the application may read why it was refused (GW-77). */
static void add_cors(struct gw_problem *p, struct view origin)
{
    if (origin.len == 0)
        return;
    add(p, "access-control-allow-origin", origin);
    add_text(p, "access-control-allow-credentials", "true");
    add_text(p, "access-control-expose-headers",
             "Sallyport-Decision, Retry-After, WWW-Authenticate");
    add_text(p, "vary", "Origin");
}

static void add_fields(struct gw_problem *p, const struct gw_verdict *v, const char *decision,
                       const struct problem_options *o)
{
    static const char *const limit_names[] = {"ratelimit", "ratelimit-policy"};
    const struct gw_words *words = gw_words(v);

    add_text(p, "content-type", o->html ? "text/html; charset=utf-8" : "application/problem+json");
    add_number(p, "content-length", p->length, (int64_t)p->body.len);
    add_text(p, "cache-control", "no-store");
    add_text(p, "x-content-type-options", "nosniff");
    add_text(p, "sallyport-decision", decision);
    if (o->html)
        add_text(p, "content-security-policy", "default-src 'none'; frame-ancestors 'none'");
    if (v->retry_after_ms > 0)
        add_number(p, "retry-after", p->retry, seconds_up(v->retry_after_ms));
    add_text(p, "www-authenticate", words->challenge);
    for (size_t i = 0; i < 2; i++)
        add_text(p, limit_names[i], words->limit_fields[i]);
    add_text(p, "dpop-nonce", words->dpop_nonce);
    if (p->status == 405)
        add_allow(p, o->allowed);
    add_cors(p, o->origin);
}

struct view gw_problem_grpc_status(const struct gw_verdict *v, char room[8])
{
    snprintf(room, 8, "%u", (unsigned)grpc_status_of(problem_status(v)) % 100);
    return view_str(room);
}

/* Trailers-only (gRPC over HTTP/2). The titles are plain ASCII without '%'. */
static void add_call(struct gw_problem *p, const struct gw_verdict *v, const char *decision)
{
    p->status = 200;
    p->head = true;
    add_text(p, "content-type", "application/grpc");
    add(p, "grpc-status", gw_problem_grpc_status(v, p->grpc));
    add_text(p, "grpc-message", gw_reasons[v->reason].title);
    add_text(p, "sallyport-decision", decision);
}

sp_error gw_problem_make(const struct gw_verdict *v, const char *decision,
                         const struct problem_options *o, struct gw_problem *out)
{
    *out = (struct gw_problem){.status = problem_status(v), .head = o->head};
    buf_init(&out->body, 8192);
    if (o->grpc) {
        add_call(out, v, decision);
        return SP_OK;
    }
    if (o->html)
        write_html(v, decision, &out->body);
    else
        write_json(v, decision, &out->body);
    add_fields(out, v, decision, o);
    return buf_error(&out->body);
}

void gw_problem_deinit(struct gw_problem *p)
{
    buf_deinit(&p->body);
}

sp_error gw_problem_write(const struct gw_problem *p, bool close, int minor, struct buf *out)
{
    buf_addf(out, "HTTP/1.1 %d %s\r\n", p->status, http_phrase(p->status));
    for (size_t i = 0; i < p->field_count; i++) {
        buf_add(out, p->fields[i].name);
        buf_add_str(out, ": ");
        buf_add(out, p->fields[i].value);
        buf_add_str(out, "\r\n");
    }
    if (close)
        buf_add_str(out, "connection: close\r\n");
    else if (minor == 0)
        buf_add_str(out, "connection: keep-alive\r\n");
    buf_add_str(out, "\r\n");
    if (!p->head)
        buf_add(out, buf_view(&p->body));
    return buf_error(out);
}

/* Where `what` begins in an Accept value, without case; SIZE_MAX: nowhere. */
static size_t place_of(struct view accept, const char *what)
{
    size_t n = strlen(what);

    for (size_t at = 0; at + n <= accept.len; at++)
        if (ascii_is(view_slice(accept, at, n), what))
            return at;
    return SIZE_MAX;
}

bool problem_prefers_html(struct view accept)
{
    size_t html = place_of(accept, "text/html");
    size_t json = place_of(accept, "json");

    return html != SIZE_MAX && html < json;
}
