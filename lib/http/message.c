#include "lib/http/message.h"

#include "lib/base/ascii.h"
#include "lib/http/form.h"
#include "lib/http/url.h"

static const char *const method_names[] = {
    [METHOD_NONE] = "",         [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD",
    [METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",         [METHOD_PATCH] = "PATCH",
    [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS",
};
enum { METHODS = sizeof method_names / sizeof *method_names };

const char *http_method_name(enum http_method m)
{
    return (size_t)m < METHODS ? method_names[m] : "";
}

enum http_method http_method_parse(struct view name)
{
    for (size_t i = METHOD_GET; i < METHODS; i++)
        if (view_is(name, method_names[i]))
            return (enum http_method)i;
    return METHOD_NONE;
}

struct view request_header(const struct request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++)
        if (view_is(req->headers[i].name, name))
            return req->headers[i].value;
    return (struct view){0};
}

/* Takes the part up to the next '/' and the '/' itself. */
static struct view next_segment(struct view *rest)
{
    const uint8_t *slash = rest->len > 0 ? memchr(rest->at, '/', rest->len) : NULL;
    size_t n = slash != NULL ? (size_t)(slash - rest->at) : rest->len;
    struct view segment = view_slice(*rest, 0, n);

    *rest = view_slice(*rest, n + 1, rest->len);
    return segment;
}

static size_t count_slashes(struct view v)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n += v.at[i] == '/';
    return n;
}

static bool is_param(struct view segment)
{
    return segment.len > 2 && segment.at[0] == '{' && segment.at[segment.len - 1] == '}';
}

bool request_match(struct request *req, const char *pattern)
{
    struct view want = view_str(pattern), have = req->path;
    struct http_param params[REQUEST_PARAMS_MAX];
    size_t count = 0;

    if (count_slashes(want) != count_slashes(have))
        return false;
    while (want.len > 0 || have.len > 0) {
        struct view w = next_segment(&want), h = next_segment(&have);

        if (!is_param(w)) {
            if (!view_equal(w, h))
                return false;
            continue;
        }
        if (h.len == 0 || count == REQUEST_PARAMS_MAX)
            return false;
        params[count++] = (struct http_param){view_slice(w, 1, w.len - 2), h};
    }
    for (size_t i = 0; i < count; i++)
        req->params[i] = params[i];
    req->param_count = count;
    return true;
}

struct view request_param(const struct request *req, const char *name)
{
    for (size_t i = 0; i < req->param_count; i++)
        if (view_is(req->params[i].name, name))
            return req->params[i].value;
    return (struct view){0};
}

sp_error request_id(const struct request *req, const char *name, struct sp_id *out)
{
    return id_parse(request_param(req, name), out) == SP_OK ? SP_OK : SP_ERR_NOT_FOUND;
}

sp_error request_query(const struct request *req, const char *name, struct buf *out)
{
    struct form form;
    sp_error e = form_parse(req->query, &form);

    if (e != SP_OK)
        return e;
    e = form_has(&form, name) ? buf_append(out, form_get(&form, name)) : SP_ERR_NOT_FOUND;
    form_deinit(&form);
    return e;
}

/* "application/json; charset=utf-8" into its type and what stands behind the first ';'. */
static struct view media_type(const struct request *req, struct view *parameters)
{
    struct view whole = request_header(req, "content-type");
    const uint8_t *semicolon = whole.len > 0 ? memchr(whole.at, ';', whole.len) : NULL;
    size_t n = semicolon != NULL ? (size_t)(semicolon - whole.at) : whole.len;

    *parameters = ascii_trim(view_slice(whole, n + 1, whole.len));
    return ascii_trim(view_slice(whole, 0, n));
}

bool request_is_type(const struct request *req, const char *type)
{
    struct view parameters;

    return ascii_is(media_type(req, &parameters), type);
}

sp_error request_json(const struct request *req, size_t max, struct sp_why *why, struct json **out)
{
    struct view parameters, type = media_type(req, &parameters);

    if (!ascii_is(type, "application/json") ||
        !(parameters.len == 0 || ascii_is(parameters, "charset=utf-8") ||
          ascii_is(parameters, "charset=\"utf-8\"")))
        return sp_why_say(why, SP_ERR_UNSUPPORTED,
                          "the body must be JSON: send Content-Type: application/json");
    return json_parse(req->body, max, why, out);
}

/* ---- response ---------------------------------------------------------------------------- */

void response_init(struct response *res)
{
    *res = (struct response){0};
    buf_init(&res->head, RESPONSE_HEAD_BYTES_MAX);
    buf_init(&res->body, RESPONSE_BODY_BYTES_MAX);
}

void response_deinit(struct response *res)
{
    buf_wipe(&res->head); /* cookies */
    buf_wipe(&res->body); /* TOTP secrets, recovery codes, tokens */
}

void response_reset(struct response *res)
{
    response_deinit(res);
    response_init(res);
}

/* RFC 9110 5.6.2 */
static bool is_token(struct view v)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i], low = (uint8_t)(c | 0x20);
        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
              (c != 0 && strchr(marks, c) != NULL)))
            return false;
    }
    return v.len > 0;
}

/* RFC 9110 5.5, without obs-text: what we send is ASCII. */
static bool is_field_value(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((v.at[i] < ' ' && v.at[i] != '\t') || v.at[i] >= 0x7f)
            return false;
    return true;
}

void response_header(struct response *res, const char *name, struct view value)
{
    if (!is_token(view_str(name)) || !is_field_value(value)) {
        if (res->head.err == SP_OK)
            res->head.err = SP_ERR_INVALID;
        return;
    }
    buf_add_str(&res->head, name);
    buf_add_str(&res->head, ": ");
    buf_add(&res->head, value);
    buf_add_str(&res->head, "\r\n");
}

sp_error response_error(const struct response *res)
{
    sp_error e = buf_error(&res->head);

    return e != SP_OK ? e : buf_error(&res->body);
}

/* Each builder replaces the body that another one left; headers (cookies) stay. */
static void start(struct response *res, int status, const char *type)
{
    buf_wipe(&res->body);
    buf_init(&res->body, RESPONSE_BODY_BYTES_MAX);
    res->fixed = (struct view){0};
    res->status = status;
    if (type != NULL)
        response_header(res, "content-type", view_str(type));
}

void response_empty(struct response *res, int status)
{
    start(res, status, NULL);
}

void response_json(struct response *res, int status, struct json *body)
{
    start(res, status, "application/json");
    if (body == NULL)
        res->body.err = SP_ERR_NOMEM;
    else
        sp_ignore(json_write(body, &res->body)); /* sticks in the buf */
    json_free(body);
}

void response_html(struct response *res, int status, struct buf *body)
{
    size_t max = body->max;

    start(res, status, "text/html; charset=utf-8");
    buf_deinit(&res->body);
    res->body = *body;
    *body = (struct buf){0};
    buf_init(body, max);
    if (res->policy == RESPONSE_STRICT)
        res->policy = RESPONSE_PAGE;
}

void response_text(struct response *res, int status, const char *type, struct view body)
{
    start(res, status, type);
    buf_add(&res->body, body);
}

void response_fixed(struct response *res, int status, const char *type, struct view body,
                    const char *etag, const char *encoding)
{
    start(res, status, type);
    res->fixed = body;
    if (etag != NULL)
        response_header(res, "etag", view_str(etag));
    if (encoding != NULL) {
        response_header(res, "content-encoding", view_str(encoding));
        response_header(res, "vary", view_str("accept-encoding"));
    }
}

void response_redirect(struct response *res, struct view location)
{
    start(res, 303, NULL);
    response_header(res, "location", location);
}
