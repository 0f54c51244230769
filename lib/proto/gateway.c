#include "lib/proto/gateway.h"

#include "lib/base/buf.h"
#include "lib/base/encode.h"

#include <string.h>

#define NUMBER(T, name) F_INT(T, #name, name, 0, FIELD_OPTIONAL)

static const struct field row_fields[] = {
    F_STR(api_row, "method", method, API_METHOD_MAX, 0),
    F_STR(api_row, "path", path, API_PATH_MAX, 0),
    F_INT(api_row, "states", states, API_STATES_ALL, FIELD_OPTIONAL),
    NUMBER(api_row, first),
    NUMBER(api_row, last),
    NUMBER(api_row, calls),
    NUMBER(api_row, users),
    NUMBER(api_row, errors),
    NUMBER(api_row, p95_us),
    NUMBER(api_row, violations),
    NUMBER(api_row, refused),
    F_JSON(api_row, "detail", detail, FIELD_OPTIONAL),
    F_END,
};

static const struct field hit_fields[] = {
    F_ID(api_hit, "session", session, FIELD_OPTIONAL),
    F_STR(api_hit, "reason", reason, API_WORD_MAX, 0),
    F_STR(api_hit, "rule", rule, API_WORD_MAX, FIELD_OPTIONAL),
    F_STR(api_hit, "endpoint", endpoint, API_ENDPOINT_MAX, FIELD_OPTIONAL),
    NUMBER(api_hit, blocked),
    NUMBER(api_hit, monitor),
    NUMBER(api_hit, last),
    F_END,
};

static const struct field coverage_fields[] = {
    NUMBER(api_coverage, requests),
    NUMBER(api_coverage, documented),
    NUMBER(api_coverage, token),
    NUMBER(api_coverage, owner),
    NUMBER(api_coverage, read),
    NUMBER(api_coverage, unasked),
    NUMBER(api_coverage, oversize),
    NUMBER(api_coverage, streaming),
    NUMBER(api_coverage, coding),
    NUMBER(api_coverage, media_type),
    NUMBER(api_coverage, broken),
    NUMBER(api_coverage, lost),
    NUMBER(api_coverage, read_bytes),
    F_INTS(api_coverage, "classes", classes, class_count, 0, FIELD_OPTIONAL),
    NUMBER(api_coverage, own_us),
    NUMBER(api_coverage, upstream_us),
    F_INTS(api_coverage, "own", own, own_count, 0, FIELD_OPTIONAL),
    F_INTS(api_coverage, "upstream", upstream, upstream_count, 0, FIELD_OPTIONAL),
    F_END,
};

static const struct field gauge_fields[] = {
    NUMBER(api_gauges, inventory),
    NUMBER(api_gauges, detectors),
    NUMBER(api_gauges, owners),
    NUMBER(api_gauges, limits),
    NUMBER(api_gauges, tokens),
    NUMBER(api_gauges, document),
    F_INT(api_gauges, "limits_used", limits_used, 1000000, FIELD_OPTIONAL),
    NUMBER(api_gauges, load_us),
    F_END,
};

const int64_t api_bounds_us[API_BUCKETS - 1] = {
    10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 1000000, 3000000, 10000000};

const struct field api_report_fields[] = {
    F_ID(api_report, "app", app, 0),
    F_INT(api_report, "round", round, 0, 0),
    F_BOOL(api_report, "ended", ended, FIELD_OPTIONAL),
    F_LIST(api_report, "rows", rows, row_count, row_fields, FIELD_OPTIONAL),
    F_LIST(api_report, "hits", hits, hit_count, hit_fields, FIELD_OPTIONAL),
    F_LIST(api_report, "coverage", coverage, coverage_count, coverage_fields, FIELD_OPTIONAL),
    F_LIST(api_report, "gauges", gauges, gauge_count, gauge_fields, FIELD_OPTIONAL),
    F_BOOL(api_report, "documented", documented, FIELD_OPTIONAL),
    F_BOOL(api_report, "full", full, FIELD_OPTIONAL),
    F_END,
};

const struct field api_keys_fields[] = {
    F_JSON(api_keys, "jwks", jwks, 0),
    F_END,
};

static const struct field expected_fields[] = {
    F_STR(api_expected, "detector", detector, API_WORD_MAX, 0),
    F_STR(api_expected, "user", user, API_WORD_MAX, FIELD_OPTIONAL),
    F_STR(api_expected, "group", group, 128, FIELD_OPTIONAL),
    F_STR(api_expected, "endpoint", endpoint, API_ENDPOINT_MAX, FIELD_OPTIONAL),
    F_INT(api_expected, "until", until, 0, 0),
    F_END,
};

const struct field api_expect_fields[] = {
    F_ID(api_expect, "app", app, 0),
    F_LIST(api_expect, "items", items, count, expected_fields, FIELD_OPTIONAL),
    F_END,
};

static const struct field rule_fields[] = {
    F_STR(api_rule, "name", name, API_WORD_MAX, 0),
    F_INT(api_rule, "demand", demand, 1000000000, FIELD_OPTIONAL),
    F_INT(api_rule, "share", share, API_SHARE_WHOLE, 0),
    F_END,
};

const struct field api_rules_fields[] = {
    F_ID(api_rules, "app", app, 0),
    F_LIST(api_rules, "rules", rules, count, rule_fields, FIELD_OPTIONAL),
    F_END,
};

static const struct field objects_fields[] = {
    F_ID(api_sealed, "app", app, 0),
    F_BLOB(api_sealed, "objects", told, API_SEALED_TEXT_MAX, 0),
    F_BYTES(api_sealed, "seal", seal, 0),
    F_END,
};

static const struct field usual_fields[] = {
    F_ID(api_sealed, "app", app, 0),
    F_BLOB(api_sealed, "usual", told, API_SEALED_TEXT_MAX, 0),
    F_BYTES(api_sealed, "seal", seal, 0),
    F_END,
};

const struct api_sealed_type api_sealed_types[API_SEALED_KINDS] = {
    [API_OBJECTS] = {"api.objects", objects_fields},
    [API_USUAL] = {"api.usual", usual_fields},
};

bool api_is_plain(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] < ' ' || v.at[i] == 0x7f)
            return false;
    return true;
}

bool api_is_path(struct view v)
{
    return v.len > 0 && v.len <= API_PATH_MAX && v.at[0] == '/' && api_is_plain(v);
}

static bool is_method(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] < 'A' || v.at[i] > 'Z')
            return false;
    return v.len > 0;
}

static sp_error say(struct sp_why *why, const char *field, const char *text)
{
    sp_why_field(why, "%s", field);
    return sp_why_say(why, SP_ERR_MALFORMED, "%s", text);
}

static sp_error check_detail(const struct json *detail, size_t max, struct sp_why *why)
{
    struct buf text;
    sp_error e;

    if (json_kind(detail) != JSON_OBJECT)
        return say(why, "detail", "detail is an object");
    buf_init(&text, max);
    e = json_write(detail, &text);
    buf_deinit(&text);
    return e == SP_ERR_LIMIT ? sp_why_say(why, e, "detail is too long") : e;
}

static sp_error check_row(const struct api_row *r, struct sp_why *why)
{
    if (!is_method(r->method))
        return say(why, "method", "a method is upper case letters");
    if (!api_is_path(r->path))
        return say(why, "path", "a path begins with '/' and has no control characters");
    if (r->first > r->last)
        return say(why, "first", "first is not after last");
    return r->detail == NULL ? SP_OK : check_detail(r->detail, API_DETAIL_MAX, why);
}

static sp_error check_hit(const struct api_hit *h, struct sp_why *why)
{
    if (!api_is_plain(h->reason) || !api_is_plain(h->rule) || !api_is_plain(h->endpoint))
        return say(why, "hits", "words have no control characters");
    return SP_OK;
}

sp_error api_report_read(const struct json *members, struct sp_why *why, struct api_report *out)
{
    sp_error e = fields_read(members, api_report_fields, why, out);

    for (size_t i = 0; e == SP_OK && i < out->row_count; i++)
        e = check_row(&out->rows[i], why);
    for (size_t i = 0; e == SP_OK && i < out->hit_count; i++)
        e = check_hit(&out->hits[i], why);
    return e;
}

/* A key with a private member must never be shown, whoever sent it. */
static bool is_public_key(const struct json *key)
{
    static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

    if (json_kind(key) != JSON_OBJECT || json_kind(json_get(key, "kty")) != JSON_STRING ||
        json_kind(json_get(key, "kid")) != JSON_STRING)
        return false;
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (json_get(key, secret[i]) != NULL)
            return false;
    return true;
}

sp_error api_keys_read(const struct json *members, struct sp_why *why, struct api_keys *out)
{
    sp_error e = fields_read(members, api_keys_fields, why, out);
    const struct json *keys = e == SP_OK ? json_get(out->jwks, "keys") : NULL;

    if (e != SP_OK)
        return e;
    if (json_kind(keys) != JSON_ARRAY || json_len(keys) == 0)
        return say(why, "jwks", "jwks has a list of keys");
    for (size_t i = 0; i < json_len(keys); i++)
        if (!is_public_key(json_at(keys, i)))
            return say(why, "jwks", "a key has kty, kid and public members only");
    return check_detail(out->jwks, API_KEYS_MAX, why);
}
