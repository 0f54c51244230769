#include "broker/identity/oidc.h"

#include "broker/identity/oidc_internal.h"
#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/crypto/jwt.h"
#include "lib/crypto/random.h"
#include "lib/http/url.h"

#include <stdlib.h>

enum { CODE_MAX = 4096 };

static void random_text(char out[OIDC_VERIFIER_TEXT + 1])
{
    uint8_t bytes[32];
    struct buf b;

    random_bytes(bytes, sizeof bytes);
    buf_init(&b, OIDC_VERIFIER_TEXT);
    encode_base64url((struct view){bytes, sizeof bytes}, &b);
    memset(out, 0, OIDC_VERIFIER_TEXT + 1);
    if (buf_error(&b) == SP_OK)
        memcpy(out, b.at, b.len);
    buf_wipe(&b);
    secret_wipe(bytes, sizeof bytes);
}

sp_error oidc_begin(struct provider *p, int64_t max_age_s, struct oidc_attempt *out,
                    struct buf *url, struct sp_why *why)
{
    struct oidc_attempt a;
    struct metadata m;
    struct hash challenge;
    struct buf text;
    struct url parsed;
    bool first;
    sp_error e = discovery_metadata(p->discovery, why, &m);

    if (e != SP_OK)
        return e;
    random_text(a.state);
    random_text(a.nonce);
    random_text(a.verifier);
    if (a.state[0] == '\0' || a.nonce[0] == '\0' || a.verifier[0] == '\0')
        return SP_ERR_NOMEM;
    if (url_parse(view_str(m.authorization), &parsed) != SP_OK)
        return SP_ERR_INTERNAL; /* discovery has checked it */
    first = !parsed.has_query;
    buf_init(&text, 1024);
    buf_add_str(url, m.authorization);
    url_add_query(url, &first, "response_type", view_str("code"));
    url_add_query(url, &first, "client_id", view_str(p->client_id));
    url_add_query(url, &first, "redirect_uri", view_str(p->redirect_uri));
    for (size_t i = 0; i < p->scope_count; i++)
        buf_addf(&text, "%s%s", i == 0 ? "" : " ", p->scopes[i]);
    url_add_query(url, &first, "scope", buf_view(&text));
    url_add_query(url, &first, "state", view_str(a.state));
    url_add_query(url, &first, "nonce", view_str(a.nonce));
    buf_reset(&text);
    challenge = hash_sha256(view_str(a.verifier));
    encode_base64url(hash_view(&challenge), &text);
    url_add_query(url, &first, "code_challenge", buf_view(&text));
    url_add_query(url, &first, "code_challenge_method", view_str("S256"));
    if (max_age_s > 0) {
        buf_reset(&text);
        buf_addf(&text, "%lld", (long long)max_age_s);
        url_add_query(url, &first, "max_age", buf_view(&text));
    }
    if ((e = buf_error(url)) == SP_OK && (e = buf_error(&text)) == SP_OK)
        *out = a;
    secret_wipe(&a, sizeof a);
    buf_deinit(&text);
    return e;
}

/* ---- the answer in the browser's address -------------------------------------------------- */

static sp_error check_answer(const struct provider *p, const struct metadata *m,
                             const struct form *f, struct sp_why *why)
{
    struct view iss = form_get(f, "iss"), said = form_get(f, "error");
    struct buf safe;
    sp_error e;

    if ((m->sends_iss || form_has(f, "iss")) && !view_is(iss, p->issuer))
        return sp_why_say(why, SP_ERR_PROTOCOL,
                          "the answer does not come from the provider that was asked (iss)");
    if (form_has(f, "error") && form_has(f, "code"))
        return sp_why_say(why, SP_ERR_PROTOCOL,
                          "the provider answered with code and error at once");
    if (form_has(f, "error")) {
        buf_init(&safe, 512);
        encode_visible(view_slice(said, 0, 64), &safe);
        if (form_get(f, "error_description").len > 0) {
            buf_add_str(&safe, ": ");
            encode_visible(view_slice(form_get(f, "error_description"), 0, 150), &safe);
        }
        e = sp_why_say(why, SP_ERR_DENIED, "the provider said no: %s", buf_cstr(&safe));
        buf_deinit(&safe);
        return e;
    }
    if (form_get(f, "code").len == 0 || form_get(f, "code").len > CODE_MAX)
        return sp_why_say(why, SP_ERR_PROTOCOL, "the provider's answer has no code");
    return SP_OK;
}

/* ---- the token endpoint ------------------------------------------------------------------- */

/* RFC 6749 section 2.3.1: both halves form-encoded, then Basic. */
static void add_basic(const struct provider *p, struct view secret, struct buf *out)
{
    struct buf pair;

    buf_init(&pair, 4096);
    encode_percent(view_str(p->client_id), &pair);
    buf_add_byte(&pair, ':');
    encode_percent(secret, &pair);
    buf_add_str(out, "Basic ");
    encode_base64(buf_view(&pair), out);
    buf_wipe(&pair);
}

static void token_form(const struct provider *p, const struct oidc_attempt *a, struct view code,
                       struct buf *out)
{
    form_add(out, "grant_type", view_str("authorization_code"));
    form_add(out, "code", code);
    form_add(out, "redirect_uri", view_str(p->redirect_uri));
    form_add(out, "code_verifier", view_str(a->verifier));
}

/* What the token endpoint gave: a JSON object. */
static sp_error read_tokens(const struct client_response *r, struct sp_why *why, struct json **out)
{
    struct json *j = NULL;
    struct view error;
    struct buf safe;
    sp_error e = json_parse(buf_view(&r->body), OIDC_ANSWER_MAX, NULL, &j);

    if (e == SP_OK && r->status == 200 && json_kind(j) == JSON_OBJECT) {
        *out = j;
        return SP_OK;
    }
    error = json_str(json_get(j, "error"));
    buf_init(&safe, 256);
    encode_visible(view_slice(error, 0, 64), &safe);
    e = sp_why_say(why, SP_ERR_PROTOCOL,
                   "the provider gave no token: status %d%s%s (check client id and secret)",
                   r->status, safe.len > 0 ? ", " : "", buf_cstr(&safe));
    buf_deinit(&safe);
    json_free(j);
    return e;
}

static sp_error ask_tokens(struct provider *p, const struct metadata *m,
                           const struct oidc_attempt *a, struct view code, struct sp_why *why,
                           struct json **out)
{
    struct client_request q = {.method = METHOD_POST,
                               .url = m->token,
                               .deadline_ms = OIDC_DEADLINE_MS,
                               .body_max = OIDC_ANSWER_MAX};
    struct client_response r;
    struct buf body, basic;
    size_t header = 0;
    sp_error e;

    client_response_init(&r);
    buf_init(&body, 16 * 1024);
    buf_init(&basic, 8 * 1024);
    token_form(p, a, code, &body);
    if (p->secret != NULL) {
        struct view secret = secret_open(p->secret);
        if (m->basic) {
            add_basic(p, secret, &basic);
        } else {
            form_add(&body, "client_id", view_str(p->client_id));
            form_add(&body, "client_secret", secret);
        }
        secret_close(p->secret);
    } else {
        form_add(&body, "client_id", view_str(p->client_id));
    }
    q.headers[header].name = "Content-Type";
    q.headers[header++].value = view_str("application/x-www-form-urlencoded");
    q.headers[header].name = "Accept";
    q.headers[header++].value = view_str("application/json");
    if (basic.len > 0) {
        q.headers[header].name = "Authorization";
        q.headers[header++].value = buf_view(&basic);
    }
    q.body = buf_view(&body);
    if ((e = buf_error(&body)) == SP_OK && (e = buf_error(&basic)) == SP_OK &&
        (e = client_call(p->client, &q, why, &r)) == SP_OK)
        e = read_tokens(&r, why, out);
    buf_wipe(&basic);
    buf_wipe(&body);
    client_response_deinit(&r);
    return e;
}

/* ---- the ID token ------------------------------------------------------------------------- */

/* Signature, with one more fetch of the keys when the set lacks this one (IDT-06) or has another
 * one under its kid: some providers put a new key under the old name. */
static sp_error verify(struct provider *p, struct view token, struct sp_why *why,
                       struct json **claims)
{
    const struct jwks *keys = NULL;
    struct sp_why later = {0};
    sp_error e = discovery_keys(p->discovery, false, why, &keys);

    if (e != SP_OK)
        return e;
    e = jwt_verify(token, JWT_KIND_ID, keys, p->algs, why, claims);
    discovery_release(p->discovery, keys);
    if (e != SP_ERR_NOT_FOUND && e != SP_ERR_SIGNATURE)
        return e;
    sp_error again = discovery_keys(p->discovery, true, &later, &keys);
    if (again == SP_ERR_NOT_FOUND && e == SP_ERR_SIGNATURE)
        return e; /* the keys are new enough: the signature is simply wrong */
    if (again != SP_OK) {
        if (why != NULL)
            *why = later;
        return again;
    }
    e = jwt_verify(token, JWT_KIND_ID, keys, p->algs, why, claims);
    discovery_release(p->discovery, keys);
    return e;
}

/* `login`: what this login expects, nonce, code and max_age_ms. The rest is the provider's and the
 * other token's. */
static sp_error check_id_token(struct provider *p, const struct json *tokens,
                               const struct jwt_expect *login, struct sp_why *why,
                               struct json **out)
{
    struct view token = json_str(json_get(tokens, "id_token"));
    struct json *claims = NULL;
    const struct jwt_expect x = {.issuer = view_str(p->issuer),
                                 .client_id = view_str(p->client_id),
                                 .trusted = p->audiences,
                                 .trusted_count = p->audience_count,
                                 .nonce = login->nonce,
                                 .access_token = json_str(json_get(tokens, "access_token")),
                                 .code = login->code,
                                 .now = clock_unix(),
                                 .max_age_ms = login->max_age_ms};
    struct jwt_id id;
    sp_error e;

    if (token.len == 0)
        return sp_why_say(why, SP_ERR_PROTOCOL, "the provider gave no ID token");
    if ((e = verify(p, token, why, &claims)) != SP_OK)
        return e;
    if ((e = jwt_id_check(claims, &x, why, &id)) == SP_OK)
        *out = claims;
    else
        json_free(claims);
    return e;
}

/* ---- userinfo ----------------------------------------------------------------------------- */

/* Plain JSON, or a JWT signed with the provider's keys (Core 5.3.2). */
static struct json *read_userinfo(struct provider *p, const struct client_response *r)
{
    struct json *j = NULL;
    struct view type = buf_view(&r->type);
    bool jwt = ascii_begins(type, "application/jwt");
    sp_error e;

    if (r->status != 200)
        return NULL;
    e = jwt ? verify(p, buf_view(&r->body), NULL, &j)
            : json_parse(buf_view(&r->body), OIDC_ANSWER_MAX, NULL, &j);
    if (e == SP_OK && jwt && !view_is(json_str(json_get(j, "iss")), p->issuer))
        e = SP_ERR_AUDIENCE;
    if (e == SP_OK && json_kind(j) == JSON_OBJECT)
        return j;
    json_free(j);
    return NULL;
}

/* NULL: none, or not about the same person (IDT-17). The bearer never stands in the query. */
static struct json *ask_userinfo(struct provider *p, const struct metadata *m,
                                 const struct json *tokens, const struct json *claims)
{
    struct view access = json_str(json_get(tokens, "access_token"));
    struct client_request q = {.method = METHOD_GET,
                               .url = m->userinfo,
                               .deadline_ms = OIDC_DEADLINE_MS,
                               .body_max = OIDC_ANSWER_MAX};
    struct client_response r;
    struct json *info = NULL;
    struct buf bearer;

    if (m->userinfo[0] == '\0' || access.len == 0)
        return NULL;
    client_response_init(&r);
    buf_init(&bearer, OIDC_ANSWER_MAX);
    buf_add_str(&bearer, "Bearer ");
    buf_add(&bearer, access);
    q.headers[0].name = "Authorization";
    q.headers[0].value = buf_view(&bearer);
    if (buf_error(&bearer) == SP_OK && client_call(p->client, &q, NULL, &r) == SP_OK)
        info = read_userinfo(p, &r);
    if (info != NULL &&
        !view_equal(json_str(json_get(info, "sub")), json_str(json_get(claims, "sub")))) {
        json_free(info);
        info = NULL;
    }
    buf_wipe(&bearer);
    client_response_deinit(&r);
    return info;
}

sp_error oidc_finish(struct provider *p, const struct oidc_attempt *attempt, int64_t max_age_s,
                     const struct form *answer, struct sp_why *why, struct identity *out)
{
    struct json *tokens = NULL, *claims = NULL, *info = NULL;
    struct view code = form_get(answer, "code");
    const struct jwt_expect login = {
        .nonce = view_str(attempt->nonce), .code = code, .max_age_ms = max_age_s * 1000};
    struct metadata m;
    sp_error e;

    if ((e = discovery_metadata(p->discovery, why, &m)) != SP_OK ||
        (e = check_answer(p, &m, answer, why)) != SP_OK ||
        (e = ask_tokens(p, &m, attempt, code, why, &tokens)) != SP_OK ||
        (e = check_id_token(p, tokens, &login, why, &claims)) != SP_OK)
        goto out;
    info = ask_userinfo(p, &m, tokens, claims);
    e = oidc_identity(p, claims, info, out);
out:
    json_free(info);
    json_free(claims);
    json_free(tokens);
    return e;
}
