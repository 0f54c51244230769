#include "lib/base/encode.h"
#include "lib/crypto/jwt.h"
#include "lib/crypto/secret.h"

/* The claims of an ID token (OpenID Connect Core 3.1.3.7), each check in its own function. */

static const double time_max = 9007199254740992.0; /* 2^53 */

static sp_error text_claim(const struct json *c, const char *name, struct sp_why *why,
                           struct view *out)
{
    const struct json *j = json_get(c, name);

    if (json_kind(j) != JSON_STRING)
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim %s is %s; it must be a string", name,
                          json_kind_name(json_kind(j)));
    *out = json_str(j);
    return SP_OK;
}

/* NumericDate, with or without a fraction (RFC 7519 section 2), to ms. SP_ERR_NOT_FOUND */
static sp_error time_claim(const struct json *c, const char *name, struct sp_why *why,
                           sp_unix_ms *out)
{
    const struct json *j = json_get(c, name);
    int64_t whole = 0;
    double t;

    if (j == NULL)
        return SP_ERR_NOT_FOUND;
    /* As an integer first: a double rounds 2^53 + 1 down. */
    if (!json_number(j, &t) || !(t >= 0 && t <= time_max) ||
        (json_integer(j, &whole) && whole > (int64_t)time_max))
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim %s is not a time in seconds", name);
    *out = t > time_max / 1000 ? (sp_unix_ms)time_max : (sp_unix_ms)(t * 1000);
    return SP_OK;
}

static sp_error need_time(const struct json *c, const char *name, struct sp_why *why,
                          sp_unix_ms *out)
{
    sp_error e = time_claim(c, name, why, out);

    return e == SP_ERR_NOT_FOUND
               ? sp_why_say(why, SP_ERR_MALFORMED, "the claim %s is missing", name)
               : e;
}

/* A time that lies ahead of the broker's clock by more than the leeway. */
static sp_error not_ahead(const char *name, sp_unix_ms t, sp_unix_ms now, struct sp_why *why)
{
    if (t <= now + JWT_LEEWAY_MS)
        return SP_OK;
    return sp_why_say(why, SP_ERR_EXPIRED,
                      "the token's %s is %lld s ahead of the broker's clock: the provider's clock "
                      "is fast, or the broker's is slow",
                      name, (long long)((t - now) / 1000));
}

static sp_error check_issuer(const struct json *c, const struct jwt_expect *x, struct sp_why *why)
{
    struct view iss;
    sp_error e = text_claim(c, "iss", why, &iss);

    if (e != SP_OK)
        return e;
    if (x->issuer.len == 0 || !view_equal(iss, x->issuer))
        return sp_why_say(why, SP_ERR_AUDIENCE,
                          "the token's issuer is another than the configured one:\n  %.*s\n  %.*s",
                          VIEW_ARG(view_slice(iss, 0, 200)),
                          VIEW_ARG(view_slice(x->issuer, 0, 200)));
    return SP_OK;
}

static bool is_trusted(struct view audience, const struct jwt_expect *x)
{
    for (size_t i = 0; i < x->trusted_count; i++)
        if (view_equal(audience, x->trusted[i]))
            return true;
    return false;
}

/* `aud`: a string or a list of strings with our client id; tells whether all others are trusted. */
static sp_error check_audience(const struct json *aud, const struct jwt_expect *x,
                               struct sp_why *why, bool *others_trusted)
{
    bool list = json_kind(aud) == JSON_ARRAY, ours = false, trusted = true;
    size_t count = list ? json_len(aud) : 1;

    if (count == 0 || count > JWT_AUDIENCES_MAX)
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim aud has %zu members", count);
    for (size_t i = 0; i < count; i++) {
        const struct json *one = list ? json_at(aud, i) : aud;
        if (json_kind(one) != JSON_STRING)
            return sp_why_say(why, SP_ERR_MALFORMED,
                              "the claim aud is missing or holds something else than strings");
        if (x->client_id.len > 0 && view_equal(json_str(one), x->client_id))
            ours = true;
        else
            trusted = trusted && is_trusted(json_str(one), x);
    }
    if (!ours)
        return sp_why_say(why, SP_ERR_AUDIENCE, "the token was made for another client");
    *others_trusted = trusted;
    return SP_OK;
}

static sp_error check_parties(const struct json *c, const struct jwt_expect *x, struct sp_why *why)
{
    const struct json *azp = json_get(c, "azp");
    bool others_trusted = false;
    sp_error e = check_audience(json_get(c, "aud"), x, why, &others_trusted);

    if (e != SP_OK)
        return e;
    if (azp != NULL && json_kind(azp) != JSON_STRING)
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim azp is not a string");
    if (azp != NULL && !view_equal(json_str(azp), x->client_id))
        return sp_why_say(why, SP_ERR_AUDIENCE, "the token was made for another party (azp)");
    if (azp == NULL && !others_trusted)
        return sp_why_say(why, SP_ERR_AUDIENCE,
                          "the token is for further clients that the configuration does not list, "
                          "and names no authorised party (azp)");
    return SP_OK;
}

static sp_error check_times(const struct json *c, const struct jwt_expect *x, struct sp_why *why,
                            struct jwt_id *out)
{
    sp_unix_ms not_before = 0;
    sp_error e;

    if ((e = need_time(c, "exp", why, &out->expires)) != SP_OK ||
        (e = need_time(c, "iat", why, &out->issued)) != SP_OK)
        return e;
    if ((e = time_claim(c, "nbf", why, &not_before)) != SP_OK && e != SP_ERR_NOT_FOUND)
        return e;
    if ((e = time_claim(c, "auth_time", why, &out->auth_time)) != SP_OK && e != SP_ERR_NOT_FOUND)
        return e;
    if (out->expires <= x->now - JWT_LEEWAY_MS)
        return sp_why_say(why, SP_ERR_EXPIRED,
                          "the token ended %lld s ago by the broker's clock: the provider's clock "
                          "is slow, or the broker's is fast",
                          (long long)((x->now - out->expires) / 1000));
    if ((e = not_ahead("iat", out->issued, x->now, why)) != SP_OK ||
        (e = not_ahead("nbf", not_before, x->now, why)) != SP_OK ||
        (e = not_ahead("auth_time", out->auth_time, x->now, why)) != SP_OK)
        return e;
    if (out->issued < x->now - JWT_IAT_AGE_MS_MAX)
        return sp_why_say(why, SP_ERR_EXPIRED,
                          "the token was issued %lld s ago by the broker's clock: the provider's "
                          "clock is slow, or the broker's is fast",
                          (long long)((x->now - out->issued) / 1000));
    return SP_OK;
}

static sp_error check_subject(const struct json *c, struct sp_why *why, struct jwt_id *out)
{
    sp_error e = text_claim(c, "sub", why, &out->subject);

    if (e != SP_OK)
        return e;
    bool fine = out->subject.len >= 1 && out->subject.len <= JWT_SUB_MAX;
    for (size_t i = 0; fine && i < out->subject.len; i++)
        fine = out->subject.at[i] >= 0x20 && out->subject.at[i] < 0x7f;
    return fine ? SP_OK
                : sp_why_say(why, SP_ERR_MALFORMED, "the claim sub is not 1 to %d ASCII characters",
                             JWT_SUB_MAX);
}

/* at_hash, c_hash: what came beside the token is what the provider gave with it. */
static sp_error check_half_hash(const struct json *c, const char *claim, struct view of,
                                const char *what, struct sp_why *why)
{
    const struct json *said = json_get(c, claim);
    struct buf want;
    bool same;

    if (said == NULL || of.len == 0)
        return SP_OK;
    buf_init(&want, 64);
    jwt_half_hash(of, &want);
    same = buf_error(&want) == SP_OK && secret_equal(json_str(said), buf_view(&want));
    buf_deinit(&want);
    return same ? SP_OK : sp_why_say(why, SP_ERR_INTEGRITY, "%s does not fit the %s", claim, what);
}

static sp_error check_freshness(const struct jwt_expect *x, struct sp_why *why,
                                const struct jwt_id *id)
{
    if (x->max_age_ms == 0)
        return SP_OK;
    if (id->auth_time == 0)
        return sp_why_say(why, SP_ERR_STEP_UP,
                          "the provider did not say when the person logged in (auth_time)");
    if (id->auth_time < x->now - x->max_age_ms - JWT_LEEWAY_MS)
        return sp_why_say(why, SP_ERR_STEP_UP, "the login at the provider is %lld s old",
                          (long long)((x->now - id->auth_time) / 1000));
    return SP_OK;
}

sp_error jwt_id_check(const struct json *claims, const struct jwt_expect *x, struct sp_why *why,
                      struct jwt_id *out)
{
    struct jwt_id id = {0};
    struct view nonce;
    sp_error e;

    if ((e = check_issuer(claims, x, why)) != SP_OK ||
        (e = check_parties(claims, x, why)) != SP_OK ||
        (e = check_times(claims, x, why, &id)) != SP_OK ||
        (e = check_subject(claims, why, &id)) != SP_OK)
        return e;
    nonce = json_str(json_get(claims, "nonce"));
    if (x->nonce.len == 0 || !secret_equal(nonce, x->nonce))
        return sp_why_say(why, SP_ERR_REPLAY, "the token is not the answer to this login (nonce)");
    if ((e = check_half_hash(claims, "at_hash", x->access_token, "access token", why)) != SP_OK ||
        (e = check_half_hash(claims, "c_hash", x->code, "code", why)) != SP_OK ||
        (e = check_freshness(x, why, &id)) != SP_OK)
        return e;
    id.acr = json_str(json_get(claims, "acr"));
    id.amr = json_get(claims, "amr");
    if (json_kind(id.amr) != JSON_ARRAY)
        id.amr = NULL;
    *out = id;
    return SP_OK;
}
