#include "lib/proto/envelope.h"

static const struct {
    sp_error error;
    const char *code;
} codes[] = {
    {SP_ERR_NOT_FOUND, "not_found"},
    {SP_ERR_DENIED, "denied"},
    {SP_ERR_UNAUTHENTICATED, "login"},
    {SP_ERR_STEP_UP, "step_up"},
    {SP_ERR_EXPIRED, "expired"},
    {SP_ERR_SIGNATURE, "signature"},
    {SP_ERR_REPLAY, "used"},
    {SP_ERR_MALFORMED, "malformed"},
    {SP_ERR_INVALID, "invalid"},
    {SP_ERR_LIMIT, "limit"},
    {SP_ERR_EXISTS, "exists"},
    {SP_ERR_CONFLICT, "conflict"},
    {SP_ERR_UNSUPPORTED, "unsupported"},
    {SP_ERR_BUSY, "busy"},
    {SP_ERR_TIMEOUT, "timeout"},
    {SP_ERR_UNREACHABLE, "unreachable"},
    {SP_ERR_AUDIENCE, "audience"},
};

const char *envelope_code_of(sp_error e)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].error == e)
            return codes[i].code;
    return "internal";
}

sp_error envelope_error_of(struct view code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (view_is(code, codes[i].code))
            return codes[i].error;
    return SP_ERR_REFUSED;
}

/* "family.verb", or one word: lower case letters and '_' on both sides of at most one dot. */
static bool is_type(struct view v)
{
    size_t dots = 0;

    if (v.len == 0 || v.len > ENVELOPE_TYPE_MAX || v.at[0] == '.' || v.at[v.len - 1] == '.')
        return false;
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] == '.')
            dots++;
        else if ((v.at[i] < 'a' || v.at[i] > 'z') && v.at[i] != '_')
            return false;
    }
    return dots <= 1;
}

static bool depth_fits(const struct json *j, int left)
{
    if (json_kind(j) == JSON_ARRAY) {
        for (size_t i = 0; i < json_len(j); i++)
            if (left == 0 || !depth_fits(json_at(j, i), left - 1))
                return false;
    } else if (json_kind(j) == JSON_OBJECT) {
        for (void *i = json_iter(j); i != NULL; i = json_iter_next(j, i))
            if (left == 0 || !depth_fits(json_iter_value(i), left - 1))
                return false;
    }
    return true;
}

static sp_error read_error(struct json *error, struct envelope *m)
{
    static const char *const names[] = {"code", "text", "request", NULL};
    sp_error e;

    if ((e = json_only(error, names, NULL)) != SP_OK ||
        (e = json_get_str(error, "code", ENVELOPE_CODE_MAX, &m->code)) != SP_OK ||
        (e = json_get_str(error, "text", 1024, &m->text)) != SP_OK)
        return e;
    e = json_get_str(error, "request", 64, &m->request);
    m->is_error = true;
    return e == SP_ERR_NOT_FOUND ? SP_OK : e;
}

static sp_error read_outer(struct envelope *m)
{
    struct view type = {0};
    struct json *error = json_get(m->members, "error");
    bool is_answer = json_get(m->members, "re") != NULL;
    sp_error e;

    if (json_kind(m->members) != JSON_OBJECT || !depth_fits(m->members, ENVELOPE_DEPTH_MAX - 1))
        return SP_ERR_MALFORMED;
    if ((e = json_get_int(m->members, "i", 1, INT64_MAX, &m->i)) != SP_OK)
        return e;
    if (is_answer == (json_get(m->members, "t") != NULL) || (error != NULL && !is_answer))
        return SP_ERR_MALFORMED;
    if (!is_answer) {
        if ((e = json_get_str(m->members, "t", ENVELOPE_TYPE_MAX, &type)) != SP_OK)
            return e;
        if (!is_type(type))
            return SP_ERR_MALFORMED;
        memcpy(m->type, type.at, type.len);
        return SP_OK;
    }
    if ((e = json_get_int(m->members, "re", 1, INT64_MAX, &m->re)) != SP_OK)
        return e;
    if (error == NULL)
        return SP_OK;
    /* a refusal carries nothing else: re, i, error */
    return json_len(m->members) == 3 ? read_error(error, m) : SP_ERR_MALFORMED;
}

sp_error envelope_parse(struct view text, struct envelope *out)
{
    struct envelope m = {0};
    sp_error e = json_parse(text, ENVELOPE_BYTES_MAX, NULL, &m.members);

    if (e != SP_OK)
        return e;
    if ((e = read_outer(&m)) != SP_OK) {
        json_free(m.members);
        return e == SP_ERR_NOT_FOUND ? SP_ERR_MALFORMED : e;
    }
    *out = m;
    return SP_OK;
}

void envelope_deinit(struct envelope *m)
{
    json_free(m->members);
    *m = (struct envelope){0};
}

sp_error envelope_write(const char *type, int64_t i, int64_t re, struct json *members,
                        struct buf *out)
{
    struct json *object = members != NULL ? members : json_object();
    size_t before = out->len;
    sp_error e;

    if (type != NULL)
        json_set_cstr(object, "t", type);
    json_set_int(object, "i", i);
    if (re != 0)
        json_set_int(object, "re", re);
    e = json_write(object, out);
    json_free(object);
    if (e == SP_OK && out->len - before > ENVELOPE_BYTES_MAX) {
        out->len = before;
        e = SP_ERR_LIMIT;
    }
    return e;
}

sp_error envelope_write_error(int64_t i, int64_t re, const char *code, const char *text,
                              const char *request, struct buf *out)
{
    struct json *members = json_object(), *error = json_object();

    json_set_cstr(error, "code", code);
    json_set_cstr(error, "text", text);
    if (request != NULL)
        json_set_cstr(error, "request", request);
    json_set(members, "error", error);
    return envelope_write(NULL, i, re, members, out);
}
