#include "lib/gateway/values.h"

#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/jwk.h"
#include "lib/http/url.h"

#include <string.h>
#include <time.h>

#include "lib/base/banned.h"

static sp_error refuse(const struct json *j, const char *expected, struct sp_why *why)
{
    struct view v = view_slice(json_str(j), 0, 60);

    if (json_kind(j) == JSON_STRING)
        return sp_why_say(why, SP_ERR_INVALID, "\"%.*s\" is not right; expected %s", VIEW_ARG(v),
                          expected);
    return sp_why_say(why, SP_ERR_INVALID, "%s was found; expected %s",
                      json_kind_name(json_kind(j)), expected);
}

sp_error values_switch(const struct json *j, void *at, struct sp_why *why)
{
    bool on = json_kind(j) == JSON_BOOL ? json_is_true(j) : view_is(json_str(j), "on");

    if (json_kind(j) != JSON_BOOL && !on && !view_is(json_str(j), "off"))
        return refuse(j, "on or off", why);
    *(bool *)at = on;
    return SP_OK;
}

/* A set of words, written as one of them or as a list. */
struct word {
    const char *text; /* NULL: the end */
    unsigned bits;
};

static sp_error add_word(const struct word *words, const char *expected, const struct json *j,
                         unsigned *bits, struct sp_why *why)
{
    for (const struct word *w = words; json_kind(j) == JSON_STRING && w->text != NULL; w++) {
        if (!view_is(json_str(j), w->text))
            continue;
        if ((*bits & w->bits) != 0)
            return sp_why_say(why, SP_ERR_INVALID, "\"%s\" stands here a second time", w->text);
        *bits |= w->bits;
        return SP_OK;
    }
    return refuse(j, expected, why);
}

static sp_error read_words(const struct word *words, const char *expected, const struct json *j,
                           void *at, struct sp_why *why)
{
    bool list = json_kind(j) == JSON_ARRAY;
    unsigned bits = 0;
    sp_error e = SP_OK;

    if (!list)
        e = add_word(words, expected, j, &bits, why);
    else if (json_len(j) == 0)
        e = refuse(j, expected, why);
    for (size_t i = 0; list && e == SP_OK && i < json_len(j); i++)
        e = add_word(words, expected, json_at(j, i), &bits, why);
    if (e == SP_OK)
        *(unsigned *)at = bits;
    return e;
}

sp_error values_methods(const struct json *j, void *at, struct sp_why *why)
{
    static const struct word words[] = {
        {"GET", 1u << GW_GET},         {"HEAD", 1u << GW_HEAD},         {"POST", 1u << GW_POST},
        {"PUT", 1u << GW_PUT},         {"PATCH", 1u << GW_PATCH},       {"DELETE", 1u << GW_DELETE},
        {"OPTIONS", 1u << GW_OPTIONS}, {"any", (1u << GW_METHODS) - 2}, {NULL, 0},
    };
    return read_words(words, "a list of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS; or any", j,
                      at, why);
}

sp_error values_algs(const struct json *j, void *at, struct sp_why *why)
{
    static const struct word words[] = {
        {"RS256", JWT_RS256},
        {"PS256", JWT_PS256},
        {"ES256", JWT_ES256},
        {"EdDSA", JWT_EDDSA},
        {NULL, 0},
    };
    return read_words(words, "a list of ES256, EdDSA, RS256, PS256", j, at, why);
}

sp_error values_bind(const struct json *j, void *at, struct sp_why *why)
{
    static const struct word words[] = {
        {"subject", GW_BIND_SUBJECT},
        {"mtls", GW_BIND_MTLS},
        {"dpop", GW_BIND_DPOP},
        {NULL, 0},
    };
    if (view_is(json_str(j), "none")) {
        *(unsigned *)at = 0;
        return SP_OK;
    }
    return read_words(words, "none, or a list of subject, mtls, dpop", j, at, why);
}

sp_error values_keys(const struct json *j, void *at, struct sp_why *why)
{
    static const struct word words[] = {
        {"user", GW_KEY_USER},
        {"device", GW_KEY_DEVICE},
        {"app", GW_KEY_APP},
        {"operation", GW_KEY_OPERATION},
        {"source", GW_KEY_SOURCE},
        {"group", GW_KEY_GROUP},
        {"token_client", GW_KEY_TOKEN_CLIENT},
        {NULL, 0},
    };
    return read_words(words, "a list of user, device, app, operation, source, group, token_client",
                      j, at, why);
}

static bool digits(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] < '0' || v.at[i] > '9')
            return false;
    }
    return v.len > 0;
}

static int number(struct view v, size_t from, size_t len)
{
    int n = 0;

    for (size_t i = from; i < from + len; i++)
        n = n * 10 + (v.at[i] - '0');
    return n;
}

sp_error values_date(const struct json *j, void *at, struct sp_why *why)
{
    struct view v = json_str(j);
    struct tm day = {0};

    if (v.len != 10 || v.at[4] != '-' || v.at[7] != '-' || !digits(view_slice(v, 0, 4)) ||
        !digits(view_slice(v, 5, 2)) || !digits(view_slice(v, 8, 2)))
        return refuse(j, "a date such as 2026-12-31", why);
    day.tm_year = number(v, 0, 4) - 1900;
    day.tm_mon = number(v, 5, 2) - 1;
    day.tm_mday = number(v, 8, 2);
    struct tm asked = day;
    time_t t = timegm(&day); /* makes 2026-02-30 a day of March: then it was none */
    if (day.tm_mon != asked.tm_mon || day.tm_mday != asked.tm_mday || t <= 0)
        return refuse(j, "a day that exists, from 1970 on", why);
    *(int64_t *)at = (int64_t)t;
    return SP_OK;
}

/* "/s", "/m", "/h", "/d", or a duration: "/10s", "/15m". */
static sp_error read_per(struct view v, int64_t *ms)
{
    char text[24];

    if (v.len == 0 || v.len > sizeof text - 2)
        return SP_ERR_MALFORMED;
    bool bare = v.at[0] < '0' || v.at[0] > '9';
    text[0] = '1';
    memcpy(text + bare, v.at, v.len);
    return num_duration((struct view){(const uint8_t *)text, v.len + bare}, ms);
}

sp_error values_pace(const struct json *j, void *at, struct sp_why *why)
{
    static const char expected[] = "a pace such as 50/s, 10/m, 3/h or 100/10s, at least one a day "
                                   "and at most a million a second";
    enum { DAY_MS = 24 * 3600 * 1000, FASTEST_NS = 1000 };
    struct view v = json_str(j);
    const uint8_t *slash = v.len > 0 ? memchr(v.at, '/', v.len) : NULL;
    struct gwconf_pace pace = {0};
    uint64_t count;

    if (slash == NULL)
        return refuse(j, expected, why);
    size_t n = (size_t)(slash - v.at);
    if (num_uint(view_slice(v, 0, n), 1000000000, &count) != SP_OK || count == 0 ||
        read_per(view_slice(v, n + 1, v.len), &pace.per_ms) != SP_OK || pace.per_ms <= 0 ||
        pace.per_ms > DAY_MS)
        return refuse(j, expected, why);
    pace.count = (int64_t)count;
    /* Rounded up: what is let through is never more than what was written. */
    pace.interval_ns = (pace.per_ms * 1000000 + pace.count - 1) / pace.count;
    if (pace.per_ms * 1000000 / pace.count < FASTEST_NS)
        return refuse(j, expected, why);
    *(struct gwconf_pace *)at = pace;
    return SP_OK;
}

static bool is_word(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        bool letter = (v.at[i] >= 'a' && v.at[i] <= 'z') || (v.at[i] >= 'A' && v.at[i] <= 'Z');
        if (!letter && !(v.at[i] >= '0' && v.at[i] <= '9') && v.at[i] != '-' && v.at[i] != '_')
            return false;
    }
    return v.len > 0 && v.len <= GWCONF_NAME_MAX;
}

static bool is_claim(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] <= ' ' || v.at[i] >= 0x7f || v.at[i] == '}')
            return false;
    }
    return v.len > 0 && v.len <= GWCONF_NAME_MAX;
}

/* "sha256:" and the hash in lower case, as GET /documents names it. */
sp_error values_document(const struct json *j, void *at, struct sp_why *why)
{
    static const char label[] = "sha256:";
    struct gwconf_document *out = at;
    struct view v = json_str(j), hex = view_slice(v, sizeof label - 1, v.len);

    bool lower = true; /* it is a file's name too: one spelling */

    for (size_t i = 0; i < hex.len; i++)
        lower = lower && (hex.at[i] < 'A' || hex.at[i] > 'Z');
    if (!lower || v.len != sizeof label - 1 + 64 ||
        !view_is(view_slice(v, 0, sizeof label - 1), label) ||
        decode_hex_exact(hex, out->sha256, sizeof out->sha256) != SP_OK)
        return refuse(j, "sha256: and 64 hex digits", why);
    view_copy(out->hex, sizeof out->hex, hex);
    out->named = true;
    return SP_OK;
}

sp_error values_equals(const struct json *j, void *at, struct sp_why *why)
{
    static const struct {
        const char *text;
        enum gw_value kind;
    } whole[] = {{"${user.email}", GW_VALUE_USER_EMAIL},
                 {"${user.name}", GW_VALUE_USER_NAME},
                 {"${user.id}", GW_VALUE_USER_ID},
                 {"${app.subject}", GW_VALUE_APP_SUBJECT}};
    struct view v = json_str(j);
    struct gwconf_equals out = {0};

    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (view_is(v, whole[i].text))
            out.kind = (int)whole[i].kind;
    }
    if (out.kind == GW_VALUE_NONE && v.len > 8 && v.at[v.len - 1] == '}') {
        bool user = view_is(view_slice(v, 0, 7), "${user."),
             token = view_is(view_slice(v, 0, 8), "${token.");
        size_t from = user ? 7 : 8;
        struct view name = view_slice(v, from, v.len - 1 - from);
        if ((user && is_word(name)) || (token && is_claim(name))) {
            out.kind = user ? GW_VALUE_USER_ATTRIBUTE : GW_VALUE_TOKEN_CLAIM;
            view_copy(out.name, sizeof out.name, name);
        }
    }
    if (out.kind == GW_VALUE_NONE)
        return refuse(j,
                      "${user.email}, ${user.name}, ${user.id}, ${user.ATTRIBUTE}, "
                      "${token.CLAIM} or ${app.subject}",
                      why);
    *(struct gwconf_equals *)at = out;
    return SP_OK;
}

static sp_error no(struct view v, const char *expected, struct sp_why *why)
{
    v = view_slice(v, 0, 60);
    return sp_why_say(why, SP_ERR_INVALID, "\"%.*s\" is not right; expected %s", VIEW_ARG(v),
                      expected);
}

sp_error values_file(struct view v, struct sp_why *why)
{
    bool fits = v.len > 0 && v.len <= GWCONF_FILE_MAX && v.at[0] != '.';

    for (size_t i = 0; fits && i < v.len; i++)
        fits = v.at[i] == '.' || is_word(view_slice(v, i, 1));
    return fits ? SP_OK
                : no(v,
                     "the name of a file in the connector's gateway folder: letters, digits, "
                     "'.', '-' and '_'",
                     why);
}

sp_error values_name(struct view v, struct sp_why *why)
{
    return is_word(v) ? SP_OK : no(v, "a name of letters, digits, '-' and '_'", why);
}

sp_error values_pointer(struct view v, struct sp_why *why)
{
    bool fits = v.len > 0 && v.at[0] == '/';

    for (size_t i = 0; fits && i < v.len; i++) {
        if (v.at[i] == '~')
            fits = i + 1 < v.len && (v.at[i + 1] == '0' || v.at[i + 1] == '1');
    }
    return fits ? SP_OK : no(v, "a JSON pointer such as /account/owner (RFC 6901)", why);
}

sp_error values_pin(struct view v, struct sp_why *why)
{
    struct buf bytes;
    bool fits = view_is(view_slice(v, 0, 7), "sha256/");

    buf_init(&bytes, HASH_BYTES);
    fits =
        fits && decode_base64(view_slice(v, 7, v.len), &bytes) == SP_OK && bytes.len == HASH_BYTES;
    buf_deinit(&bytes);
    return fits ? SP_OK : no(v, "sha256/ and the base64 of a public key's SHA-256", why);
}

sp_error values_https(struct view v, struct sp_why *why)
{
    struct url u;

    if (url_parse(v, &u) != SP_OK || u.has_fragment || (!u.https && !url_is_loopback(&u)))
        return no(v, "an https URL (http to a loopback address only)", why);
    return SP_OK;
}

sp_error values_upstream(struct view v, struct sp_why *why)
{
    struct url u;

    if (url_parse(v, &u) != SP_OK || u.has_query || u.has_fragment)
        return no(v, "a URL such as https://payments.internal:8443, without query", why);
    if (u.path.len > 1 && u.path.at[u.path.len - 1] == '/')
        return no(v, "a URL without '/' at its end", why);
    return SP_OK;
}

sp_error values_origin(struct view v, struct sp_why *why)
{
    struct url u;

    if (url_parse(v, &u) != SP_OK || u.path.len > 0 || u.has_query || u.has_fragment)
        return no(v, "an origin such as https://app.example", why);
    return SP_OK;
}

sp_error values_below(struct view v, struct sp_why *why)
{
    bool right = v.at[0] == '/' && (v.len == 1 || v.at[v.len - 1] != '/');

    for (size_t i = 1; right && i < v.len; i++)
        right = v.at[i] > ' ' && v.at[i] != 0x7f && !(v.at[i] == '/' && v.at[i - 1] == '/');
    return right ? SP_OK : no(v, "a path such as /reports", why);
}

sp_error values_domain(struct view v, struct sp_why *why)
{
    struct view rest = view_is(view_slice(v, 0, 2), "*.") ? view_slice(v, 2, v.len) : v;
    bool fits = rest.len > 0 && rest.len <= 253 && rest.at[0] != '.';

    for (size_t i = 0; fits && i < rest.len; i++)
        fits = rest.at[i] == '.' || is_word(view_slice(rest, i, 1));
    return fits ? SP_OK : no(v, "a name such as metadata.example or *.internal", why);
}

sp_error values_text(struct view v, struct sp_why *why)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] < ' ' || v.at[i] >= 0x7f || v.at[i] == '"' || v.at[i] == '\\')
            return no(v, "printable ASCII without quotes and backslashes", why);
    }
    return SP_OK;
}
