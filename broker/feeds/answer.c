#include "broker/feeds/answer.h"

#include "broker/feeds/records.h"

#include <strings.h>

sp_error answer_read(struct view body, const char *member, struct sp_why *why, struct json **answer,
                     struct json **list)
{
    struct json *whole = NULL;
    sp_error e = json_parse(body, ANSWER_BYTES_MAX, NULL, &whole);

    if (e == SP_ERR_NOMEM)
        return e;
    if (e != SP_OK)
        return sp_why_say(why, e, "the answer is no JSON, or too long or too deep");
    if (json_kind(json_get(whole, member)) != JSON_ARRAY) {
        json_free(whole);
        return sp_why_say(why, SP_ERR_MALFORMED, "the answer holds no list \"%s\"", member);
    }
    *answer = whole;
    *list = json_get(whole, member);
    return SP_OK;
}

sp_error answer_too_many(struct sp_why *why, sp_error e)
{
    return e != SP_ERR_LIMIT ? e
                             : sp_why_say(why, e, "it has more than %d devices", FEED_RECORDS_MAX);
}

/* RFC 6750 2.1: what may stand behind "Bearer". */
static bool header_safe(struct view token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.at[i] <= ' ' || token.at[i] > '~')
            return false;
    return token.len > 0 && token.len <= ANSWER_TOKEN_MAX;
}

sp_error answer_token(struct view body, struct sp_why *why, struct secret **out)
{
    struct json *whole = NULL;
    sp_error e = json_parse(body, ANSWER_BYTES_MAX, NULL, &whole);

    if (e == SP_ERR_NOMEM)
        return e;
    struct view token = json_str(json_get(whole, "access_token"));
    const char *type = json_cstr(json_get(whole, "token_type"));
    if (e != SP_OK || !header_safe(token) || type == NULL || strcasecmp(type, "bearer") != 0)
        e = sp_why_say(why, SP_ERR_MALFORMED, "the token endpoint's answer holds no bearer token");
    else
        e = secret_new(token, out);
    json_free(whole);
    return e;
}
