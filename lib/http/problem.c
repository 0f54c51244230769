#include "lib/http/problem.h"

#include <stdio.h>

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {400, "Bad request"},
    {401, "Sign-in needed"},
    {403, "Not allowed"},
    {404, "Not found"},
    {405, "Method not allowed"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Changed meanwhile"},
    {413, "Too large"},
    {414, "Address too long"},
    {415, "Unsupported content type"},
    {422, "Not acceptable"},
    {429, "Too many requests"},
    {431, "Headers too large"},
    {500, "Internal error"},
    {501, "Not implemented"},
    {503, "Try again later"},
    {507, "No space left"},
};

static const char *phrase(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return status < 500 ? "Request refused" : "Internal error";
}

/* One row an error; what is not here is ours, not the caller's: 500. */
static const struct {
    sp_error error;
    int status;
    const char *code;
} rows[] = {
    {SP_ERR_INVALID, 400, "invalid"},
    {SP_ERR_MALFORMED, 400, "malformed"},
    {SP_ERR_UNAUTHENTICATED, 401, "login"},
    {SP_ERR_STEP_UP, 401, "step_up"},
    {SP_ERR_DENIED, 403, "denied"},
    {SP_ERR_NOT_FOUND, 404, "not_found"},
    {SP_ERR_EXISTS, 409, "exists"},
    {SP_ERR_CONFLICT, 409, "conflict"},
    {SP_ERR_REPLAY, 409, "conflict"},
    {SP_ERR_EXPIRED, 410, "expired"},
    {SP_ERR_LIMIT, 413, "too_large"},
    {SP_ERR_UNSUPPORTED, 415, "media_type"},
    {SP_ERR_BUSY, 429, "busy"},
    {SP_ERR_UNREACHABLE, 503, "unreachable"},
    {SP_ERR_TIMEOUT, 503, "timeout"},
    {SP_ERR_FULL, 503, "unavailable"},
};

struct problem problem_of(sp_error e, const struct sp_why *why)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].error != e)
            continue;
        bool said = why != NULL && why->text[0] != '\0';
        return (struct problem){.status = rows[i].status,
                                .code = rows[i].code,
                                .detail = said ? why->text : NULL,
                                .why = said ? why : NULL};
    }
    return (struct problem){.status = 500, .code = "internal"};
}

static struct json *texts(const char *const *list, size_t count)
{
    struct json *out = json_array();

    for (size_t i = 0; i < count; i++)
        json_push(out, json_new_str(view_str(list[i])));
    return out;
}

static void set_text(struct json *body, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_set_cstr(body, name, text);
}

static void set_place(struct json *body, const struct sp_why *why)
{
    set_text(body, "field", why->field);
    if (why->line > 0) {
        json_set_int(body, "line", why->line);
        json_set_int(body, "column", why->column);
    }
}

static struct json *body_of(const struct problem *p, const struct request *req)
{
    struct json *body = json_object();
    char type[128];

    snprintf(type, sizeof type, "https://sallyport.invalid/problems/%s", p->code);
    json_set_cstr(body, "type", type);
    json_set_cstr(body, "title", p->title != NULL ? p->title : phrase(p->status));
    json_set_int(body, "status", p->status);
    set_text(body, "detail", p->detail);
    json_set_cstr(body, "code", p->code);
    json_set(body, "reasons", texts(p->reasons, p->reason_count));
    json_set(body, "remedies", texts(p->remedies, p->remedy_count));
    json_set_cstr(body, "request_id", req->ref);
    set_text(body, "resume", p->resume);
    set_text(body, "role", p->role);
    if (p->retry_after_ms > 0)
        json_set_int(body, "retry_after_ms", p->retry_after_ms);
    if (p->why != NULL)
        set_place(body, p->why);
    if (p->more != NULL)
        json_set(body, p->more_name, json_ref(p->more));
    return body;
}

void problem_write(const struct problem *p, const struct request *req, struct response *res)
{
    struct json *body = body_of(p, req);
    int64_t retry_s = (p->retry_after_ms + 999) / 1000;
    char number[24];

    response_reset(res);
    response_json(res, p->status, body);
    buf_reset(&res->head); /* the type is another one */
    response_header(res, "content-type", view_str("application/problem+json"));
    if (p->status == 401)
        response_header(res, "www-authenticate",
                        view_str(strcmp(p->code, "step_up") == 0
                                     ? "Bearer error=\"insufficient_user_authentication\""
                                     : "Bearer"));
    if (p->status == 429 || p->status == 503) {
        snprintf(number, sizeof number, "%lld", (long long)(retry_s > 0 ? retry_s : 1));
        response_header(res, "retry-after", view_str(number));
    }
}
