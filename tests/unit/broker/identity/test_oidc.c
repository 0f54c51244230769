/*
 * The relying party against a provider of our own making on real TLS: the OIDF basic plan's cases
 * (RP-nn) by name, discovery and its faults, groups (C-001, C-002, C-008).
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
    bool says_issuer_wrong, http_endpoint, huge, empty_keys;
    const char *userinfo_groups; /* JSON text */
    /* what it saw */
    char nonce[64], verifier[128], basic[256], bearer[128];
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

static void OA_01_OA_02_OA_03_RP_13_the_address_has_pkce_state_nonce_and_one_uri(void **state)
{
    (void)state;
    struct oidc_attempt a, b;
    struct sp_why why = {0};
    struct buf url, challenge;
    struct form q;
    struct url u;

    buf_init(&url, 8192);
    buf_init(&challenge, 64);
    assert_int_equal(oidc_begin(corp(), 300, &a, &url, &why), SP_OK);
    assert_int_equal(url_parse(buf_view(&url), &u), SP_OK);
    assert_int_equal(form_parse(u.query, &q), SP_OK);
    struct hash h = hash_sha256(view_str(a.verifier));
    encode_base64url(hash_view(&h), &challenge);
    assert_true(view_is(form_get(&q, "tenant"), "1")); /* the endpoint's own query stays */
    assert_true(view_is(form_get(&q, "response_type"), "code"));
    assert_true(view_is(form_get(&q, "client_id"), "sallyport"));
    assert_true(
        view_is(form_get(&q, "redirect_uri"), "https://access.example.test/login/callback/corp"));
    assert_true(view_is(form_get(&q, "scope"), "openid profile email groups"));
    assert_true(view_is(form_get(&q, "state"), a.state));
    assert_true(view_is(form_get(&q, "nonce"), a.nonce));
    assert_true(view_equal(form_get(&q, "code_challenge"), buf_view(&challenge)));
    assert_true(view_is(form_get(&q, "code_challenge_method"), "S256"));
    assert_true(view_is(form_get(&q, "max_age"), "300"));
    form_deinit(&q);
    buf_reset(&url);
    assert_int_equal(oidc_begin(corp(), 0, &b, &url, &why), SP_OK);
    assert_string_not_equal(a.state, b.state);
    assert_string_not_equal(a.nonce, b.nonce);
    assert_string_not_equal(a.verifier, b.verifier);
    buf_deinit(&challenge);
    buf_deinit(&url);
}

static void RP_01_RP_14_happy_path_with_token_and_userinfo(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};

    op.member = "groups";
    op.value = "[\"staff\",\"on call, night\"]";
    assert_int_equal(log_in(NULL, &why, &i), SP_OK);
    assert_string_equal(i.preferred, "kim");
    assert_string_equal(i.email, "kim@example.test"); /* from userinfo */
    assert_int_equal(i.groups_state, GROUPS_KNOWN);
    assert_int_equal(i.group_count, 2);
    assert_string_equal(i.groups[0], "corp/staff");
    assert_string_equal(i.groups[1], "corp/on call, night");
    identity_deinit(&i);
    /* RP-14: Basic with both halves encoded, Bearer in the header */
    assert_string_equal(op.basic, "Basic c2FsbHlwb3J0OnMzY3IlM0F0");
    assert_string_equal(op.bearer, "Bearer at-1");
    assert_int_equal(op.userinfo_calls, 1);
}

static void RP_02_invalid_iss(void **state)
{
    (void)state;
    op.member = "iss";
    op.value = "\"https://evil.example\"";
    refused(SP_ERR_AUDIENCE);
}

static void RP_03_missing_sub(void **state)
{
    (void)state;
    op.member = "sub";
    refused(SP_ERR_MALFORMED);
}

static void RP_04_invalid_aud(void **state)
{
    (void)state;
    op.member = "aud";
    op.value = "\"another-client\"";
    refused(SP_ERR_AUDIENCE);
}

static void RP_05_missing_iat(void **state)
{
    (void)state;
    op.member = "iat";
    refused(SP_ERR_MALFORMED);
}

static void RP_06_kid_absent_single_jwks(void **state)
{
    (void)state;
    op.no_kid = true;
    accepted();
}

static void RP_07_kid_absent_multiple_jwks(void **state)
{
    (void)state;
    op.no_kid = op.two_keys = true;
    accepted();
}

static void INC_10_RP_10_invalid_signature(void **state)
{
    (void)state;
    op.foreign_signature = true;
    refused(SP_ERR_SIGNATURE);
}

static void RP_11_IDT_17_userinfo_of_another_person_is_dropped(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};

    op.wrong_userinfo_sub = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_OK);
    assert_string_equal(i.email, "");
    identity_deinit(&i);
    oidc_free(rp);
    make_rp(NULL, 0, true); /* its groups were needed: unreadable, not none */
    op.userinfo_groups = "[\"admins\"]";
    assert_int_equal(log_in(NULL, &why, &i), SP_OK);
    assert_int_equal(i.groups_state, GROUPS_UNREADABLE);
    assert_int_equal(i.group_count, 0);
    identity_deinit(&i);
}

static void RP_12_nonce_invalid(void **state)
{
    (void)state;
    op.member = "nonce";
    op.value = "\"another\"";
    refused(SP_ERR_REPLAY);
}

static void RP_16_discovery_issuer_mismatch(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};

    op.says_issuer_wrong = true; /* C-003: one slash more */
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_non_null(strstr(why.text, "provider:   https://localhost"));
    assert_non_null(strstr(why.text, "configured: https://localhost"));
}

static void RP_17_key_rotation_just_before_signing(void **state)
{
    (void)state;
    struct key_secret *fresh = NULL;

    accepted();
    assert_int_equal(op.key_calls, 1);
    assert_int_equal(key_secret_new(KEY_P256, &fresh), SP_OK);
    key_secret_free(op.key);
    op.key = fresh;
    op.kid = op.published_kid = "k2";
    op.userinfo_calls = 0;
    accepted();
    assert_int_equal(op.key_calls, 2);
}

static void IDT_06_an_unknown_kid_causes_one_refetch_in_30_s(void **state)
{
    (void)state;

    accepted();
    op.userinfo_calls = 0;
    op.kid = "never-published";
    refused(SP_ERR_NOT_FOUND);
    assert_int_equal(op.key_calls, 2);
    for (int i = 0; i < 5; i++)
        refused(SP_ERR_NOT_FOUND);
    assert_int_equal(op.key_calls, 2);
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_REFETCH_MS);
    refused(SP_ERR_NOT_FOUND);
    assert_int_equal(op.key_calls, 3);
}

static void FLT_11_an_empty_set_does_not_replace_a_good_one(void **state)
{
    (void)state;

    accepted();
    op.empty_keys = true;
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_FRESH_MAX_MS);
    op.userinfo_calls = 0;
    accepted();
    assert_int_equal(op.key_calls, 2);
    assert_int_equal(provider_state(corp()).keys_error, SP_ERR_PROTOCOL);
    clock_set_for_test(clock_unix(),
                       clock_boot() + DISCOVERY_FRESH_MAX_MS + DISCOVERY_STALE_MS_MAX);
    op.userinfo_calls = 0;
    refused(SP_ERR_PROTOCOL);
}

static void IDT_20_the_iss_parameter_is_compared_before_the_token_call(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};

    assert_int_equal(log_in("&iss=https%3A%2F%2Fevil.example", &why, &i), SP_ERR_PROTOCOL);
    assert_int_equal(log_in("", &why, &i), SP_ERR_PROTOCOL); /* advertised, so it must be there */
    assert_int_equal(op.token_calls, 0);
}

static void IDT_21_code_and_error_together_are_refused(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};
    char more[160];
    struct buf iss;

    buf_init(&iss, 128);
    encode_percent(view_str(op.issuer), &iss);
    (void)snprintf(more, sizeof more, "&error=access_denied&iss=%s", buf_cstr(&iss));
    assert_int_equal(log_in(more, &why, &i), SP_ERR_PROTOCOL);
    assert_int_equal(op.token_calls, 0);
    buf_deinit(&iss);
}

static void RP_19_an_error_is_shown_made_visible(void **state)
{
    (void)state;
    struct oidc_attempt a = {{0}, {0}, {0}};
    struct identity i = {0};
    struct sp_why why = {0};
    struct form form;
    struct buf q;

    buf_init(&q, 512);
    buf_add_str(&q, "error=access_denied&error_description=no%1b%5b31m&iss=");
    encode_percent(view_str(op.issuer), &q);
    assert_int_equal(form_parse(buf_view(&q), &form), SP_OK);
    assert_int_equal(oidc_finish(corp(), &a, 0, &form, &why, &i), SP_ERR_DENIED);
    assert_non_null(strstr(why.text, "access_denied"));
    assert_null(strchr(why.text, 0x1b));
    form_deinit(&form);
    buf_deinit(&q);
}

static void a_token_endpoint_that_says_no_is_a_refusal(void **state)
{
    (void)state;
    struct sp_why why = {0};
    struct identity i = {0};

    op.token_error = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_non_null(strstr(why.text, "invalid_grant"));
}

static void IDT_22_endpoints_are_https_and_documents_bounded(void **state)
{
    (void)state;
    struct sp_why why = {0};
    struct identity i = {0};

    op.http_endpoint = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_non_null(strstr(why.text, "token_endpoint"));
    op.http_endpoint = false;
    op.huge = true;
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_RETRY_MS);
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_non_null(strstr(why.text, "longer than"));
}

static void FLT_10_a_provider_that_is_down_costs_one_call_in_5_s_and_recovers(void **state)
{
    (void)state;
    struct sp_why why = {0};
    struct identity i = {0};
    sp_boot_ms now = clock_boot();

    clock_set_for_test(clock_unix(), now);
    op.page = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    op.page = false; /* well again, but nobody asks yet */
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_int_equal(op.discovery_calls, 0);
    clock_set_for_test(clock_unix(), now + DISCOVERY_RETRY_MS);
    accepted();
    assert_int_equal(op.discovery_calls, 1);
    /* down again: the last good documents serve on for an hour beyond their time */
    op.page = true;
    clock_set_for_test(clock_unix(), now + DISCOVERY_FRESH_MAX_MS + DISCOVERY_RETRY_MS);
    struct metadata m;
    assert_int_equal(discovery_metadata(corp()->discovery, &why, &m), SP_OK);
    clock_set_for_test(clock_unix(), now + 2 * (DISCOVERY_FRESH_MAX_MS + DISCOVERY_STALE_MS_MAX));
    assert_int_equal(discovery_metadata(corp()->discovery, &why, &m), SP_ERR_PROTOCOL);
}

/* ---- groups: pure -------------------------------------------------------------------------- */

struct groups_row {
    const char *claims;
    enum groups_state state;
    const char *first, *detail; /* NULL: none; a part of the detail */
    size_t count;
};

static void run_groups(const struct groups_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct json *claims = NULL;
        struct identity who = {0};

        assert_int_equal(json_parse(view_str(rows[i].claims), 8192, NULL, &claims), SP_OK);
        assert_int_equal(oidc_identity(corp(), claims, NULL, &who), SP_OK);
        if (who.groups_state != rows[i].state || who.group_count != rows[i].count ||
            (rows[i].first != NULL && strcmp(who.groups[0], rows[i].first) != 0) ||
            (rows[i].detail != NULL && strstr(who.groups_detail, rows[i].detail) == NULL))
            fail_msg("%s: %zu groups, detail '%s'", rows[i].claims, who.group_count,
                     who.groups_detail);
        identity_deinit(&who);
        json_free(claims);
    }
}

static void C_001_only_a_json_string_names_a_group(void **state)
{
    (void)state;
    static const struct groups_row rows[] = {
        {"{\"sub\":\"x\",\"groups\":\"engineering\"}", GROUPS_KNOWN, "corp/engineering", NULL, 1},
        {"{\"sub\":\"x\",\"groups\":[\"engineering\"]}", GROUPS_KNOWN, "corp/engineering", NULL, 1},
        {"{\"sub\":\"x\",\"groups\":\"engineering,admins\"}", GROUPS_KNOWN,
         "corp/engineering,admins", NULL, 1},
        {"{\"sub\":\"x\",\"groups\":true}", GROUPS_UNREADABLE, NULL, "bool", 0},
        {"{\"sub\":\"x\",\"groups\":null}", GROUPS_UNREADABLE, NULL, "null", 0},
        {"{\"sub\":\"x\",\"groups\":{\"a\":1}}", GROUPS_UNREADABLE, NULL, "object", 0},
        {"{\"sub\":\"x\",\"groups\":7}", GROUPS_UNREADABLE, NULL, "claim groups of provider corp",
         0},
        {"{\"sub\":\"x\",\"groups\":\"\"}", GROUPS_KNOWN, NULL, NULL, 0},
        {"{\"sub\":\"x\",\"groups\":[]}", GROUPS_KNOWN, NULL, NULL, 0},
        {"{\"sub\":\"x\",\"groups\":[\"engineering\",7,null,{\"name\":\"admins\"}]}", GROUPS_KNOWN,
         "corp/engineering", NULL, 1},
        {"{\"sub\":\"x\"}", GROUPS_UNREADABLE, NULL, "missing", 0},
    };
    run_groups(rows, sizeof rows / sizeof rows[0]);
}

static void C_002_roles_of_this_client_two_levels_down(void **state)
{
    (void)state;
    static const char *const path[] = {"resource_access", "sallyport", "roles"};
    static const struct groups_row rows[] = {
        {"{\"sub\":\"x\",\"resource_access\":{\"sallyport\":{\"roles\":[\"db-reader\"]},"
         "\"other-app\":{\"roles\":[\"admin\"]}}}",
         GROUPS_KNOWN, "corp/db-reader", NULL, 1},
        {"{\"sub\":\"x\",\"resource_access\":{\"other-app\":{\"roles\":[\"admin\"]}}}",
         GROUPS_UNREADABLE, NULL, "resource_access.sallyport.roles", 0},
        {"{\"sub\":\"x\",\"resource_access\":\"sallyport\"}", GROUPS_UNREADABLE, NULL, NULL, 0},
        {"{\"sub\":\"x\",\"resource_access\":{\"sallyport\":[\"admin\"]}}", GROUPS_UNREADABLE, NULL,
         NULL, 0},
    };

    oidc_free(rp);
    make_rp(path, 3, false);
    run_groups(rows, sizeof rows / sizeof rows[0]);
}

static void C_008_overage_is_unknown_and_says_so(void **state)
{
    (void)state;
    static const struct groups_row rows[] = {
        {"{\"sub\":\"u-1\",\"_claim_names\":{\"groups\":\"src1\"},\"_claim_sources\":{\"src1\":"
         "{\"endpoint\":\"https://graph.example.test/x\"}}}",
         GROUPS_UNREADABLE, NULL, "(overage)", 0},
        {"{\"sub\":\"u-2\",\"hasgroups\":true}", GROUPS_UNREADABLE, NULL, "(overage)", 0},
    };
    run_groups(rows, sizeof rows / sizeof rows[0]);
}

static void a_group_name_too_long_makes_groups_unreadable(void **state)
{
    (void)state;
    char claims[512], name[200];
    struct json *j = NULL;
    struct identity who = {0};

    memset(name, 'g', sizeof name);
    name[sizeof name - 1] = '\0';
    (void)snprintf(claims, sizeof claims, "{\"sub\":\"x\",\"groups\":[\"a\",\"%s\"]}", name);
    assert_int_equal(json_parse(view_str(claims), sizeof claims, NULL, &j), SP_OK);
    assert_int_equal(oidc_identity(corp(), j, NULL, &who), SP_OK);
    assert_int_equal(who.groups_state, GROUPS_UNREADABLE);
    assert_int_equal(who.group_count, 0);
    identity_deinit(&who);
    json_free(j);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(OA_01_OA_02_OA_03_RP_13_the_address_has_pkce_state_nonce_and_one_uri),
        CASE(RP_01_RP_14_happy_path_with_token_and_userinfo),
        CASE(RP_02_invalid_iss),
        CASE(RP_03_missing_sub),
        CASE(RP_04_invalid_aud),
        CASE(RP_05_missing_iat),
        CASE(RP_06_kid_absent_single_jwks),
        CASE(RP_07_kid_absent_multiple_jwks),
        CASE(INC_10_RP_10_invalid_signature),
        CASE(RP_11_IDT_17_userinfo_of_another_person_is_dropped),
        CASE(RP_12_nonce_invalid),
        CASE(RP_16_discovery_issuer_mismatch),
        CASE(RP_17_key_rotation_just_before_signing),
        CASE(RP_19_an_error_is_shown_made_visible),
        CASE(IDT_06_an_unknown_kid_causes_one_refetch_in_30_s),
        CASE(FLT_11_an_empty_set_does_not_replace_a_good_one),
        CASE(IDT_20_the_iss_parameter_is_compared_before_the_token_call),
        CASE(IDT_21_code_and_error_together_are_refused),
        CASE(a_token_endpoint_that_says_no_is_a_refusal),
        CASE(IDT_22_endpoints_are_https_and_documents_bounded),
        CASE(FLT_10_a_provider_that_is_down_costs_one_call_in_5_s_and_recovers),
        CASE(C_001_only_a_json_string_names_a_group),
        CASE(C_002_roles_of_this_client_two_levels_down),
        CASE(C_008_overage_is_unknown_and_says_so),
        CASE(a_group_name_too_long_makes_groups_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
