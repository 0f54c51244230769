/* authorize.c: the token of a request: whose it is, what binds it, its scopes, its keys. */
#include "tests/unit/connector/gateway/ward.h"

#include "lib/base/encode.h"
#include "lib/crypto/jwk.h"
#include "lib/tls/context.h"
#include "tests/unit/connector/gateway/mint.h"

#include <stdio.h>

static void bearer(struct ward *w, const char *scheme, const struct buf *token)
{
    buf_reset(&w->text);
    buf_addf(&w->text, "%s %.*s", scheme, (int)token->len, (const char *)token->at);
    w->fields[0] = (struct gw_field){view_str("authorization"), buf_view(&w->text)};
    w->x.request.field_count = 1;
}

static void oauth(struct ward *w, const char *more)
{
    char text[1024];
    struct buf jwk, set;

    buf_init(&jwk, 4096);
    buf_init(&set, 4096);
    mint_jwk(w->issuer, "k", &jwk);
    buf_addf(&set, "{\"keys\":[%s]}", buf_cstr(&jwk));
    idp_say(&w->idp, "200 OK", buf_cstr(&set), 0);
    buf_deinit(&jwk);
    buf_deinit(&set);
    snprintf(text, sizeof text,
             "oauth:\n  require: on\n  realm: r\n  issuers: [ { iss: 'https://idp', jwks_uri: "
             "'http://127.0.0.1:%u/k', aud: [api], algs: [ES256] } ]\n%s",
             w->idp.port, more);
    ward_configure(w, text);
    clock_set_for_test(NOW, 50000000);
}

static void mint(struct ward *w, const char *sub, const char *more)
{
    char claims[1024];

    snprintf(claims, sizeof claims,
             "{\"iss\":\"https://idp\",\"aud\":\"api\",\"sub\":\"%s\",\"client_id\":\"cli\","
             "\"iat\":1764038390,\"exp\":1764038700%s}",
             sub, more);
    mint_jws(w->issuer, "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"at+jwt\"}", claims, &w->token);
}

/* Asks, and once more when the keys have come. */
static struct gw_verdict ask(struct ward *w)
{
    struct gw_verdict v = guard_token(w->guard, &w->x, NOW);

    while (v.outcome == GW_PARK) {
        unsigned asked = idp_asked(&w->idp);
        pipeline_forget(&w->x); /* as if it had been resumed: the test asks itself */
        while (idp_asked(&w->idp) == asked && asked == 0)
            loop_turn(w->loop, false);
        loop_turn(w->loop, false); /* the answer may have come already: never wait for another */
        v = guard_token(w->guard, &w->x, NOW);
    }
    return v;
}

static void GW_11_a_token_of_somebody_else_is_403(void **state)
{
    struct ward *w = *state;

    oauth(w, "");
    ward_request(w, GW_GET, "/v1/x");
    refused(ask(w), GW_REASON_TOKEN_MISSING, 401, "Bearer realm=\"r\"");
    mint(w, "ann", "");
    bearer(w, "Bearer", &w->token);
    passed(ask(w));
    assert_true(w->x.token.present && view_is(w->x.token.client, "cli") &&
                view_is(w->x.token.subject, "ann"));
    assert_int_equal(idp_asked(&w->idp), 1);
    mint(w, "bob", "");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    struct gw_verdict v = ask(w);
    refused(v, GW_REASON_TOKEN_SUBJECT, 403, "");
    assert_string_equal(gw_words(&v)->challenge, ""); /* another of its kind would not help */
    static const char *const same[][2] = {{"x", ",\"email\":\"Ann@Example.com\""},
                                          {"ann@example.com", ""}};
    for (size_t i = 0; i < 2; i++) {
        mint(w, same[i][0], same[i][1]);
        ward_request(w, GW_GET, "/v1/x");
        bearer(w, "Bearer", &w->token);
        passed(ask(w));
    }
    mint(w, "", "");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "sub is missing");
    /* Nobody without a name or address is anybody's: two empty texts are not equal. */
    w->caller.name = w->caller.email = (struct view){0};
    mint(w, "ann", "");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_TOKEN_SUBJECT, 403, "");
    assert_int_equal(idp_asked(&w->idp), 1);
}

static void GW_12_the_device_certificate_of_an_mtls_token(void **state)
{
    struct ward *w = *state;
    struct buf der, text;
    char cnf[200];
    uint8_t other[32] = {1};

    oauth(w, "  bind: [mtls]\n");
    buf_init(&der, TLS_ENVELOPE_MAX);
    buf_init(&text, 64);
    assert_int_equal(tls_envelope(&w->caller.device, &der), SP_OK);
    struct hash h = hash_sha256(buf_view(&der));
    encode_base64url(hash_view(&h), &text);
    snprintf(cnf, sizeof cnf, ",\"cnf\":{\"x5t#S256\":\"%s\"}", buf_cstr(&text));
    mint(w, "bob", cnf); /* bound to the device: the subject is not asked for */
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    passed(ask(w));
    buf_reset(&text);
    encode_base64url((struct view){other, sizeof other}, &text);
    snprintf(cnf, sizeof cnf, ",\"cnf\":{\"x5t#S256\":\"%s\"}", buf_cstr(&text));
    mint(w, "ann", cnf);
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "not bound to this device");
    mint(w, "ann", "");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "not bound to this device");
    buf_deinit(&der);
    buf_deinit(&text);
}

static void prove(struct ward *w, const char *jti)
{
    struct hash ath = hash_sha256(buf_view(&w->token));
    struct buf jwk, header, claims;

    buf_init(&jwk, 4096);
    buf_init(&header, 4096);
    buf_init(&claims, 4096);
    mint_jwk(w->holder, "h", &jwk);
    buf_addf(&header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}", buf_cstr(&jwk));
    buf_addf(&claims,
             "{\"htm\":\"GET\",\"htu\":\"http://127.77.0.2:8080/v1/x\",\"iat\":1764038400,"
             "\"jti\":\"%s\",\"ath\":\"",
             jti);
    encode_base64url(hash_view(&ath), &claims);
    buf_add_str(&claims, "\"}");
    mint_jws(w->holder, buf_cstr(&header), buf_cstr(&claims), &w->proof);
    w->fields[1] = (struct gw_field){view_str("dpop"), buf_view(&w->proof)};
    w->x.request.field_count = 2;
    buf_deinit(&jwk);
    buf_deinit(&header);
    buf_deinit(&claims);
}

static void GW_13_a_bound_token_needs_its_proof_whatever_is_configured(void **state)
{
    struct ward *w = *state;
    struct buf jwk, text;
    struct json *j = NULL;
    struct jwks *keys = NULL;
    struct hash name;
    char cnf[200];

    oauth(w, "  dpop_nonce: off\n");
    buf_init(&jwk, 4096);
    buf_init(&text, 64);
    mint_jwk(w->holder, "h", &jwk);
    assert_int_equal(json_parse(buf_view(&jwk), 4096, NULL, &j), SP_OK);
    assert_int_equal(jwks_of_one(j, NULL, &keys), SP_OK);
    assert_int_equal(jwk_thumbprint(&keys->keys[0], &name), SP_OK);
    encode_base64url(hash_view(&name), &text);
    snprintf(cnf, sizeof cnf, ",\"cnf\":{\"jkt\":\"%s\"}", buf_cstr(&text));
    mint(w, "ann", cnf);
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "send it with DPoP");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "DPoP", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "invalid_dpop_proof");
    prove(w, "one");
    passed(ask(w));
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "used before");
    prove(w, "two");
    passed(ask(w));
    mint(w, "ann", "");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "DPoP", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "send it as Bearer");
    json_free(j);
    jwks_free(keys);
    buf_deinit(&jwk);
    buf_deinit(&text);
}

static void test_scopes_of_an_operation(void **state)
{
    struct ward *w = *state;

    oauth(w, "  scopes: explicit\n"
             "operations:\n - { match: 'GET /v1/x', scopes: ['x:read', common] }\n"
             " - { match: /open, token: optional }\n");
    mint(w, "ann", ",\"scope\":\"common\"");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INSUFFICIENT_SCOPE, 403,
            "error=\"insufficient_scope\", scope=\"x:read common\"");
    mint(w, "ann", ",\"scope\":\"common x:read more\"");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    passed(ask(w));
    ward_request(w, GW_GET, "/open");
    passed(ask(w));
    assert_false(w->x.token.present);
    buf_reset(&w->token);
    buf_add_str(&w->token, "nonsense");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "three parts"); /* optional, not unchecked */
    w->pair = (struct gw_pair){view_str("access_token"), view_str("x")};
    w->x.request.target.pairs = &w->pair;
    w->x.request.target.query_count = 1;
    refused(ask(w), GW_REASON_INVALID_REQUEST, 400, "invalid_request");
}

static void test_no_keys_is_503_and_a_forgotten_request_is_not_resumed(void **state)
{
    struct ward *w = *state;

    oauth(w, "");
    idp_say(&w->idp, "500 Oops", "", 20);
    mint(w, "ann", "");
    ward_request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    assert_int_equal(guard_token(w->guard, &w->x, NOW).outcome, GW_PARK);
    assert_non_null(w->x.parked);
    pipeline_forget(&w->x);
    assert_null(w->x.parked);
    while (idp_asked(&w->idp) == 0)
        loop_turn(w->loop, false);
    loop_turn(w->loop, true);
    assert_int_equal(w->resumed, 0);
    struct gw_verdict v = guard_token(w->guard, &w->x, NOW);
    refused(v, GW_REASON_TOKEN_SOURCE_DOWN, 503, "");
    assert_int_equal(v.retry_after_ms, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WARD_TEST(GW_11_a_token_of_somebody_else_is_403),
        WARD_TEST(GW_12_the_device_certificate_of_an_mtls_token),
        WARD_TEST(GW_13_a_bound_token_needs_its_proof_whatever_is_configured),
        WARD_TEST(test_scopes_of_an_operation),
        WARD_TEST(test_no_keys_is_503_and_a_forgotten_request_is_not_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
