#ifndef SP_TESTS_IDENTITY_PROVIDER_H
#define SP_TESTS_IDENTITY_PROVIDER_H

/*
 * provider: the relying party against a provider of our own making on real TLS, which does wrong
 * what `op` says. For test_oidc.c and test_oidc_keys.c.
 *
 *   test (as browser)  ── oidc_begin ──▶ address: state, nonce, challenge
 *   test               ── oidc_finish ─▶ relying party ══ TLS ══▶ provider on 127.0.0.1 (op below)
 */
#include "broker/identity/oidc.h"
#include "broker/identity/oidc_internal.h"
#include "lib/base/encode.h"
#include "lib/crypto/jwt.h"
#include "lib/http/url.h"
#include "tests/unit/lib/http/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- the provider -------------------------------------------------------------------------- */

static struct {
    struct harness h;
    struct key_secret *key, *other;
    char issuer[64];
    /* what it does wrong */
    const char *member, *value; /* ID-token claim to set (JSON text), or to remove (NULL) */
    const char *kid, *published_kid;
    bool foreign_signature, no_kid, two_keys, token_error, wrong_userinfo_sub, no_userinfo, page;
    bool says_issuer_wrong, http_endpoint, huge, empty_keys, gives_refresh_token;
    const char *userinfo_groups; /* JSON text */
    /* what it saw */
    char nonce[64], verifier[128], basic[256], bearer[128], grant_type[64];
    int discovery_calls, key_calls, token_calls, userinfo_calls;
} op;

static void metadata(struct response *res)
{
    struct json *j = json_object(), *methods = json_array(), *types = json_array();
    char url[128];

    op.discovery_calls++;
    (void)snprintf(url, sizeof url, "%s%s", op.issuer, op.says_issuer_wrong ? "/" : "");
    json_set_cstr(j, "issuer", url);
    (void)snprintf(url, sizeof url, "%s/authorize?tenant=1", op.issuer);
    json_set_cstr(j, "authorization_endpoint", url);
    (void)snprintf(url, sizeof url, "%s/token", op.http_endpoint ? "http://localhost" : op.issuer);
    json_set_cstr(j, "token_endpoint", url);
    (void)snprintf(url, sizeof url, "%s/jwks", op.issuer);
    json_set_cstr(j, "jwks_uri", url);
    (void)snprintf(url, sizeof url, "%s/userinfo", op.issuer);
    if (!op.no_userinfo)
        json_set_cstr(j, "userinfo_endpoint", url);
    json_push(methods, json_new_str(view_str("client_secret_basic")));
    json_set(j, "token_endpoint_auth_methods_supported", methods);
    json_push(types, json_new_str(view_str("code")));
    json_set(j, "response_types_supported", types);
    json_set_bool(j, "authorization_response_iss_parameter_supported", true);
    response_json(res, 200, j);
}

static void jwks(struct response *res)
{
    struct key_public keys[2] = {*key_secret_public(op.key), *key_secret_public(op.other)};
    const char *kids[2] = {op.published_kid, "other"};
    struct buf text;

    op.key_calls++;
    buf_init(&text, 8192);
    if (op.empty_keys)
        buf_add_str(&text, "{\"keys\":[]}");
    else
        assert_int_equal(jwks_write(keys, kids, op.two_keys ? 2 : 1, &text), SP_OK);
    response_text(res, 200, "application/json", buf_view(&text));
    buf_deinit(&text);
}

static struct json *id_claims(void)
{
    struct json *c = json_object(), *wrapped = NULL;
    char text[8192];

    json_set_cstr(c, "iss", op.issuer);
    json_set_cstr(c, "aud", "sallyport");
    json_set_cstr(c, "sub", "u-17");
    json_set_cstr(c, "nonce", op.nonce);
    json_set_cstr(c, "preferred_username", "kim");
    json_set_int(c, "iat", clock_unix() / 1000);
    json_set_int(c, "exp", clock_unix() / 1000 + 300);
    if (op.member != NULL && op.value == NULL) {
        json_remove(c, op.member);
    } else if (op.member != NULL) {
        (void)snprintf(text, sizeof text, "[%s]", op.value);
        assert_int_equal(json_parse(view_str(text), sizeof text, NULL, &wrapped), SP_OK);
        json_set(c, op.member, json_copy(json_at(wrapped, 0)));
        json_free(wrapped);
    }
    return c;
}

/* The signature's header without its kid: RP-06, RP-07. */
static void drop_kid(const struct key_secret *k, const struct json *claims, struct buf *token)
{
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct buf text;

    buf_init(&text, 8192);
    assert_int_equal(json_write(claims, &text), SP_OK);
    encode_base64url(view_str("{\"alg\":\"ES256\"}"), token);
    buf_add_byte(token, '.');
    encode_base64url(buf_view(&text), token);
    assert_int_equal(key_sign(k, buf_view(token), signature), SP_OK);
    buf_add_byte(token, '.');
    encode_base64url((struct view){signature, sizeof signature}, token);
    buf_deinit(&text);
}

static void token(const struct request *req, struct response *res)
{
    struct json *c = id_claims(), *j = json_object();
    const struct key_secret *k = op.foreign_signature ? op.other : op.key;
    struct view basic = request_header(req, "authorization");
    struct form form;
    struct buf id;

    op.token_calls++;
    assert_int_equal(form_parse(req->body, &form), SP_OK);
    (void)snprintf(op.verifier, sizeof op.verifier, "%.*s",
                   VIEW_ARG(form_get(&form, "code_verifier")));
    (void)snprintf(op.grant_type, sizeof op.grant_type, "%.*s",
                   VIEW_ARG(form_get(&form, "grant_type")));
    (void)snprintf(op.basic, sizeof op.basic, "%.*s", VIEW_ARG(basic));
    form_deinit(&form);
    if (op.token_error) {
        json_set_cstr(j, "error", "invalid_grant");
        response_json(res, 400, j);
        json_free(c);
        return;
    }
    buf_init(&id, 16384);
    if (op.no_kid)
        drop_kid(k, c, &id);
    else
        assert_int_equal(jwt_sign(k, op.kid, c, &id), SP_OK);
    json_set_cstr(j, "access_token", "at-1");
    json_set_cstr(j, "token_type", "Bearer");
    if (op.gives_refresh_token)
        json_set_cstr(j, "refresh_token", "rt-canary");
    json_set_str(j, "id_token", buf_view(&id));
    response_json(res, 200, j);
    buf_deinit(&id);
    json_free(c);
}

static void userinfo(const struct request *req, struct response *res)
{
    char text[512];

    op.userinfo_calls++;
    (void)snprintf(op.bearer, sizeof op.bearer, "%.*s",
                   VIEW_ARG(request_header(req, "authorization")));
    (void)snprintf(text, sizeof text,
                   "{\"sub\":\"%s\",\"email\":\"kim@example.test\",\"groups\":%s}",
                   op.wrong_userinfo_sub ? "someone-else" : "u-17",
                   op.userinfo_groups == NULL ? "[]" : op.userinfo_groups);
    response_text(res, 200, "application/json", view_str(text));
}

static void provide(void *arg, const struct request *req, struct response *res)
{
    (void)arg;
    if (op.page) {
        response_text(res, 200, "text/html", view_str("<html>down for maintenance</html>"));
    } else if (op.huge) {
        struct buf big;
        buf_init(&big, 1 << 20);
        while (big.len < DISCOVERY_DOCUMENT_MAX + 1000)
            buf_add_str(&big, "                                                                ");
        response_text(res, 200, "application/json", buf_view(&big));
        buf_deinit(&big);
    } else if (view_is(req->path, "/.well-known/openid-configuration")) {
        metadata(res);
    } else if (view_is(req->path, "/jwks")) {
        jwks(res);
    } else if (view_is(req->path, "/token")) {
        token(req, res);
    } else if (view_is(req->path, "/userinfo")) {
        userinfo(req, res);
    } else {
        response_empty(res, 404);
    }
}

/* ---- the relying party --------------------------------------------------------------------- */

static struct oidc *rp;

static struct provider *corp(void)
{
    return oidc_find(rp, view_str("corp"));
}

static void make_rp(const char *const *path, size_t path_count, bool from_userinfo)
{
    struct provider_options p = {.name = "corp",
                                 .issuer = op.issuer,
                                 .client_id = "sallyport",
                                 .client_secret = view_str("s3cr:t"),
                                 .groups_path = path,
                                 .groups_path_count = path_count,
                                 .groups_from_userinfo = from_userinfo,
                                 .ca_file = data_path("tls/ca.pem")};
    struct oidc_options o = {
        .providers = &p, .provider_count = 1, .origin = "https://access.example.test"};
    struct sp_why why = {0};

    if (oidc_new(&o, &why, &rp) != SP_OK)
        fail_msg("oidc_new: %s", why.text);
}

static int setup(void **state)
{
    (void)state;
    memset(&op, 0, sizeof op);
    op.kid = op.published_kid = "k1";
    assert_int_equal(key_secret_new(KEY_P256, &op.key), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &op.other), SP_OK);
    op.h = (struct harness){.handle = provide, .tls = "good"};
    harness_start(&op.h);
    (void)snprintf(op.issuer, sizeof op.issuer, "https://localhost:%u", op.h.port);
    make_rp(NULL, 0, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    oidc_free(rp);
    harness_stop(&op.h);
    key_secret_free(op.key);
    key_secret_free(op.other);
    clock_set_for_test(-1, -1);
    return 0;
}

static sp_error finish(struct oidc_attempt *a, const char *more, struct sp_why *why,
                       struct identity *out)
{
    struct form form;
    char query[512];
    sp_error e;

    (void)snprintf(query, sizeof query, "code=c-1&state=%s%s", a->state, more);
    assert_int_equal(form_parse(view_str(query), &form), SP_OK);
    e = oidc_finish(corp(), a, 0, &form, why, out);
    form_deinit(&form);
    return e;
}

/* One login from begin to end; `more`: further parameters of the answer, NULL: the right iss. */
static sp_error log_in(const char *more, struct sp_why *why, struct identity *out)
{
    struct oidc_attempt a;
    struct buf url, iss;
    sp_error e;

    buf_init(&url, 8192);
    buf_init(&iss, 256);
    buf_add_str(&iss, "&iss=");
    encode_percent(view_str(op.issuer), &iss);
    if ((e = oidc_begin(corp(), 0, &a, &url, why)) == SP_OK) {
        memcpy(op.nonce, a.nonce, sizeof a.nonce);
        e = finish(&a, more == NULL ? buf_cstr(&iss) : more, why, out);
        if (e == SP_OK)
            assert_string_equal(op.verifier, a.verifier);
    }
    buf_deinit(&url);
    buf_deinit(&iss);
    return e;
}

static void accepted(void)
{
    struct identity i = {0};
    struct sp_why why = {0};
    sp_error e = log_in(NULL, &why, &i);

    if (e != SP_OK)
        fail_msg("%s: %s", sp_error_code(e), why.text);
    assert_string_equal(i.sub, "u-17");
    identity_deinit(&i);
}

static void refused(sp_error want)
{
    struct identity i = {0};
    struct sp_why why = {0};
    sp_error e = log_in(NULL, &why, &i);

    if (e != want)
        fail_msg("%s, wanted %s: %s", sp_error_code(e), sp_error_code(want), why.text);
    assert_true(why.text[0] != '\0');
    assert_int_equal(op.userinfo_calls, 0); /* reject = no userinfo call */
}

#endif
