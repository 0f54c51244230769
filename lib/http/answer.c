#include "lib/http/answer.h"

#include "lib/http/phrase.h"

/* On every answer, whatever the handler did. */
static const char web_headers[] =
    "x-content-type-options: nosniff\r\n"
    "x-frame-options: DENY\r\n"
    "referrer-policy: no-referrer\r\n"
    "cross-origin-opener-policy: same-origin\r\n"
    "cross-origin-resource-policy: same-origin\r\n"
    "permissions-policy: camera=(), geolocation=(), microphone=()\r\n";

static const char hsts[] = "strict-transport-security: max-age=31536000\r\n";

static const char *const policies[] = {
    [RESPONSE_STRICT] = "default-src 'none'; base-uri 'none'; form-action 'none'; "
                        "frame-ancestors 'none'",
    [RESPONSE_PAGE] = "default-src 'none'; style-src 'self'; img-src 'self' data:; "
                      "script-src 'self'; connect-src 'self'; base-uri 'none'; "
                      "frame-ancestors 'none'; form-action 'self'",
    [RESPONSE_CONSOLE] = "default-src 'self'; img-src 'self' data:; object-src 'none'; "
                         "base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
};

bool answer_bodiless(int status)
{
    return status == 204 || status == 304;
}

struct view answer_body(const struct response *res)
{
    return res->fixed.at != NULL ? res->fixed : buf_view(&res->body);
}

static void add_policy(const struct response *res, struct buf *out)
{
    buf_add_str(out, "content-security-policy: ");
    buf_add_str(out, policies[res->policy]);
    if (res->policy == RESPONSE_PAGE && res->form_action != NULL) {
        buf_add_byte(out, ' ');
        buf_add_str(out, res->form_action);
    }
    buf_add_str(out, "\r\n");
}

sp_error answer_head(const struct response *res, bool tls, bool close, struct buf *out)
{
    buf_addf(out, "HTTP/1.1 %d %s\r\n", res->status, http_phrase(res->status));
    buf_add(out, buf_view(&res->head));
    buf_add_str(out, web_headers);
    add_policy(res, out);
    if (tls)
        buf_add_str(out, hsts);
    if (!res->cacheable)
        buf_add_str(out, "cache-control: no-store\r\n");
    if (!answer_bodiless(res->status))
        buf_addf(out, "content-length: %zu\r\n", answer_body(res).len);
    if (close)
        buf_add_str(out, "connection: close\r\n");
    buf_add_str(out, "\r\n");
    return buf_error(out);
}
