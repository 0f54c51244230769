#include "connector/gateway/token.h"

#include <stdlib.h>

#include "lib/base/banned.h"

static const double time_max = 9007199254740992.0; /* 2^53 */

struct token *token_share(struct token *t)
{
    if (t != NULL)
        t->users++;
    return t;
}

void token_free(struct token *t)
{
    if (t == NULL || --t->users > 0)
        return;
    json_free(t->claims);
    buf_deinit(&t->scopes);
    free(t);
}

/* NumericDate to ms; *out stays when it is absent. */
static sp_error read_time(const struct json *c, const char *name, struct sp_why *why,
                          sp_unix_ms *out)
{
    const struct json *j = json_get(c, name);
    double t;

    if (j == NULL)
        return SP_OK;
    if (!json_number(j, &t) || !(t > 0 && t <= time_max / 1000))
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim %s is not a time in seconds", name);
    *out = (sp_unix_ms)(t * 1000);
    return SP_OK;
}

static sp_error read_text(const struct json *c, const char *name, struct sp_why *why,
                          struct view *out)
{
    const struct json *j = json_get(c, name);

    if (j != NULL && json_kind(j) != JSON_STRING)
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim %s is %s; it must be a string", name,
                          json_kind_name(json_kind(j)));
    *out = json_str(j);
    return SP_OK;
}

static sp_error missing(const char *name, struct sp_why *why)
{
    return sp_why_say(why, SP_ERR_MALFORMED, "the claim %s is missing", name);
}

static bool is_ours(struct view audience, const struct config_strings *ours)
{
    for (size_t i = 0; i < ours->count; i++) {
        if (view_is(audience, ours->items[i]))
            return true;
    }
    return false;
}

/* One of its audiences is one of ours (RFC 9068 section 4); each of them must be a text. */
static sp_error check_audience(const struct json *c, const struct config_strings *ours,
                               struct sp_why *why)
{
    const struct json *aud = json_get(c, "aud");
    bool list = json_kind(aud) == JSON_ARRAY, found = false;
    size_t count = list ? json_len(aud) : 1;

    if (aud == NULL)
        return missing("aud", why);
    if (count > JWT_AUDIENCES_MAX)
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim aud has %zu members", count);
    for (size_t i = 0; i < count; i++) {
        const struct json *one = list ? json_at(aud, i) : aud;
        if (json_kind(one) != JSON_STRING)
            return sp_why_say(why, SP_ERR_MALFORMED,
                              "the claim aud holds something else than strings");
        found = found || is_ours(json_str(one), ours);
    }
    return found ? SP_OK
                 : sp_why_say(why, SP_ERR_AUDIENCE, "the token was made for another audience");
}

sp_error token_in_time(const struct token *t, sp_unix_ms now, struct sp_why *why)
{
    if (t->expires != 0 && t->expires <= now - GWCONF_TOKEN_SKEW_MS)
        return sp_why_say(why, SP_ERR_EXPIRED, "the token has expired");
    if (t->not_before > now + GWCONF_TOKEN_SKEW_MS)
        return sp_why_say(why, SP_ERR_EXPIRED, "the token is not valid yet (nbf)");
    return SP_OK;
}

static sp_error check_times(struct token *t, bool jwt, sp_unix_ms now, struct sp_why *why)
{
    sp_unix_ms issued = 0;
    sp_error e;

    if ((e = read_time(t->claims, "exp", why, &t->expires)) != SP_OK ||
        (e = read_time(t->claims, "nbf", why, &t->not_before)) != SP_OK ||
        (e = read_time(t->claims, "iat", why, &issued)) != SP_OK)
        return e;
    if (jwt && t->expires == 0)
        return missing("exp", why);
    if (jwt && issued == 0)
        return missing("iat", why);
    if (issued > now + GWCONF_TOKEN_SKEW_MS)
        return sp_why_say(why, SP_ERR_EXPIRED, "the token was issued in the future (iat)");
    return token_in_time(t, now, why);
}

static sp_error add_scope(struct token *t, struct view name, struct sp_why *why)
{
    if (name.len == 0 || memchr(name.at, ' ', name.len) != NULL)
        return sp_why_say(why, SP_ERR_MALFORMED, "a scope is empty or holds a blank");
    if (t->scopes.len > 0)
        buf_add_byte(&t->scopes, ' ');
    return buf_append(&t->scopes, name);
}

/* `scope`: "a b" (RFC 9068 section 2.2.3); `scp`: a list or the same text, as some providers
 * write it. A token that has both is not read two ways: `scope` counts. */
static sp_error read_scopes(struct token *t, struct sp_why *why)
{
    const struct json *j = json_get(t->claims, "scope");
    struct view text;
    sp_error e = SP_OK;

    if (j == NULL)
        j = json_get(t->claims, "scp");
    buf_init(&t->scopes, TOKEN_SCOPES_MAX);
    if (json_kind(j) == JSON_ARRAY) {
        for (size_t i = 0; e == SP_OK && i < json_len(j); i++)
            e = json_kind(json_at(j, i)) == JSON_STRING
                    ? add_scope(t, json_str(json_at(j, i)), why)
                    : sp_why_say(why, SP_ERR_MALFORMED, "a scope is not a string");
        return e;
    }
    if (j != NULL && json_kind(j) != JSON_STRING)
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim scope is not a string");
    text = json_str(j);
    for (size_t at = 0; e == SP_OK && at < text.len;) {
        const uint8_t *blank = memchr(text.at + at, ' ', text.len - at);
        size_t n = blank != NULL ? (size_t)(blank - text.at) - at : text.len - at;
        if (n > 0)
            e = add_scope(t, view_slice(text, at, n), why);
        at += n + 1;
    }
    return e;
}

static sp_error read_thumbprint(const struct json *cnf, const char *name, struct sp_why *why,
                                bool *has, struct hash *out)
{
    const struct json *j = json_get(cnf, name);

    if (j == NULL)
        return SP_OK;
    if (json_get_base64url(cnf, name, out->bytes, HASH_BYTES) != SP_OK)
        return sp_why_say(why, SP_ERR_MALFORMED, "the token's cnf.%s is no SHA-256 thumbprint",
                          name);
    *has = true;
    return SP_OK;
}

/* A confirmation that we do not know must not be passed over (RFC 7800 section 3.1). */
static sp_error read_confirmation(struct token *t, struct sp_why *why)
{
    const struct json *cnf = json_get(t->claims, "cnf");
    sp_error e;

    if (cnf == NULL)
        return SP_OK;
    if (json_kind(cnf) != JSON_OBJECT)
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim cnf is not an object");
    if ((e = read_thumbprint(cnf, "jkt", why, &t->has_jkt, &t->jkt)) != SP_OK ||
        (e = read_thumbprint(cnf, "x5t#S256", why, &t->has_x5t, &t->x5t)) != SP_OK)
        return e;
    return t->has_jkt || t->has_x5t
               ? SP_OK
               : sp_why_say(why, SP_ERR_MALFORMED,
                            "the token is bound to a proof of a kind that is not known here");
}

static sp_error read_people(struct token *t, bool jwt, struct sp_why *why)
{
    sp_error e;

    if ((e = read_text(t->claims, "iss", why, &t->issuer)) != SP_OK ||
        (e = read_text(t->claims, "sub", why, &t->subject)) != SP_OK ||
        (e = read_text(t->claims, "email", why, &t->email)) != SP_OK ||
        (e = read_text(t->claims, "client_id", why, &t->client)) != SP_OK)
        return e;
    if (t->client.len == 0 && (e = read_text(t->claims, "azp", why, &t->client)) != SP_OK)
        return e;
    if (jwt && json_get(t->claims, "iss") == NULL)
        return missing("iss", why);
    if (jwt && t->subject.len == 0)
        return missing("sub", why);
    if (t->subject.len > TOKEN_SUBJECT_MAX)
        return sp_why_say(why, SP_ERR_MALFORMED, "the claim sub is longer than %d bytes",
                          TOKEN_SUBJECT_MAX);
    return SP_OK;
}

/* Takes `claims`. */
static sp_error new_token(struct json *claims, struct token **out)
{
    struct token *t = calloc(1, sizeof *t);

    if (t == NULL) {
        json_free(claims);
        return SP_ERR_NOMEM;
    }
    *t = (struct token){.users = 1, .claims = claims};
    *out = t;
    return SP_OK;
}

sp_error token_verify(struct view text, const struct jwks *keys, const struct gwconf_issuer *issuer,
                      sp_unix_ms now, struct sp_why *why, struct token **out)
{
    struct json *claims = NULL;
    struct token *t = NULL;
    sp_error e = jwt_verify(text, JWT_KIND_ACCESS, keys, issuer->algs, why, &claims);

    if (e != SP_OK || (e = new_token(claims, &t)) != SP_OK)
        return e;
    if ((e = read_people(t, true, why)) == SP_OK && !view_is(t->issuer, issuer->iss))
        e = sp_why_say(why, SP_ERR_AUDIENCE, "the token is of another issuer");
    if (e != SP_OK || (e = check_audience(t->claims, &issuer->aud, why)) != SP_OK ||
        (e = check_times(t, true, now, why)) != SP_OK || (e = read_scopes(t, why)) != SP_OK ||
        (e = read_confirmation(t, why)) != SP_OK) {
        token_free(t);
        return e;
    }
    *out = t;
    return SP_OK;
}

sp_error token_from_answer(struct view body, const struct gwconf_introspection *conf,
                           sp_unix_ms now, struct sp_why *why, struct token **out)
{
    struct json *answer = NULL;
    struct token *t = NULL;
    sp_error e = json_parse(body, JWT_BYTES_MAX, NULL, &answer);

    if (e != SP_OK || json_kind(json_get(answer, "active")) != JSON_BOOL) {
        json_free(answer);
        return e == SP_ERR_NOMEM
                   ? e
                   : sp_why_say(why, SP_ERR_PROTOCOL, "the answer is no introspection of a token");
    }
    if (!json_is_true(json_get(answer, "active"))) {
        json_free(answer);
        return SP_OK;
    }
    if ((e = new_token(answer, &t)) != SP_OK)
        return e;
    if ((e = read_people(t, false, why)) == SP_OK && conf->iss != NULL &&
        json_get(t->claims, "iss") != NULL && !view_is(t->issuer, conf->iss))
        e = sp_why_say(why, SP_ERR_AUDIENCE, "the token is of another issuer");
    if (e == SP_OK && conf->aud.count > 0)
        e = check_audience(t->claims, &conf->aud, why);
    if (e != SP_OK || (e = check_times(t, false, now, why)) != SP_OK ||
        (e = read_scopes(t, why)) != SP_OK || (e = read_confirmation(t, why)) != SP_OK) {
        token_free(t);
        return e == SP_ERR_MALFORMED ? SP_ERR_PROTOCOL : e;
    }
    *out = t;
    return SP_OK;
}

static bool has_scope(struct view scopes, struct view one)
{
    for (size_t at = 0; at < scopes.len;) {
        const uint8_t *blank = memchr(scopes.at + at, ' ', scopes.len - at);
        size_t n = blank != NULL ? (size_t)(blank - scopes.at) - at : scopes.len - at;
        if (view_equal(view_slice(scopes, at, n), one))
            return true;
        at += n + 1;
    }
    return false;
}

bool token_has_scopes(const struct token *t, struct view wanted)
{
    for (size_t at = 0; at < wanted.len;) {
        const uint8_t *blank = memchr(wanted.at + at, ' ', wanted.len - at);
        size_t n = blank != NULL ? (size_t)(blank - wanted.at) - at : wanted.len - at;
        if (n > 0 && !has_scope(buf_view(&t->scopes), view_slice(wanted, at, n)))
            return false;
        at += n + 1;
    }
    return true;
}
