#include "connector/gateway/challenge.h"
#include "connector/gateway/token.h"
#include "tests/unit/connector/gateway/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1764038400000)

static const char conf_text[] =
    "oauth:\n  require: on\n  realm: payments\n  issuers:\n"
    "    - { iss: 'https://idp.example', jwks_file: keys.json, aud: [payments, other], algs: "
    "[ES256, EdDSA] }\n"
    "  introspection: { url: 'https://idp.example/i', client_id: gw, secret_file: s, iss: "
    "'https://idp.example', aud: [payments] }\n";

struct fixture {
    struct gwconf *conf;
    struct key_secret *ec, *ed, *stranger;
    struct jwks *keys;
};

static int set_up(void **state)
{
    static struct fixture x;
    const char *kids[] = {"ec", "ed"};
    struct key_public keys[2];
    struct buf text;

    buf_init(&text, 8192);
    assert_int_equal(gwconf_parse(view_str(conf_text), NULL, &x.conf), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &x.ec), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &x.ed), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &x.stranger), SP_OK);
    keys[0] = *key_secret_public(x.ec);
    keys[1] = *key_secret_public(x.ed);
    assert_int_equal(jwks_write(keys, kids, 2, &text), SP_OK);
    assert_int_equal(jwks_parse(buf_view(&text), NULL, &x.keys), SP_OK);
    buf_deinit(&text);
    *state = &x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    gwconf_free(x->conf);
    key_secret_free(x->ec);
    key_secret_free(x->ed);
    key_secret_free(x->stranger);
    jwks_free(x->keys);
    return 0;
}

#define GOOD_HEADER "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"at+jwt\"}"
#define WHO "\"iss\":\"https://idp.example\",\"sub\":\"ann\",\"client_id\":\"cli\""
#define TIMES "\"iat\":1764038390,\"exp\":1764038700"
#define GOOD "{" WHO ",\"aud\":\"payments\"," TIMES "}"

/* Each fault of a JWT has its own error and its own words, which the client reads. */
static const struct {
    const char *header, *claims;
    int by; /* 0: the issuer's ES256 key, 1: its Ed25519 key, 2: a stranger's */
    sp_error e;
    const char *says;
} faults[] = {
    {GOOD_HEADER, GOOD, 0, SP_OK, ""},
    {"{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"typ\":\"application/at+jwt\"}", GOOD, 1, SP_OK, ""},
    {"{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"JWT\"}", GOOD, 0, SP_OK, ""},
    {"{\"alg\":\"ES256\",\"kid\":\"ec\"}", GOOD, 0, SP_ERR_INVALID, "typ"},
    {"{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"dpop+jwt\"}", GOOD, 0, SP_ERR_INVALID, "typ"},
    {"{\"alg\":\"none\",\"typ\":\"at+jwt\"}", GOOD, 0, SP_ERR_UNSUPPORTED, "signed with none"},
    {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", GOOD, 0, SP_ERR_UNSUPPORTED, "signed with HS256"},
    {"{\"alg\":\"RS256\",\"kid\":\"ec\",\"typ\":\"at+jwt\"}", GOOD, 0, SP_ERR_UNSUPPORTED,
     "signed with RS256"},
    {"{\"alg\":\"EdDSA\",\"kid\":\"ec\",\"typ\":\"at+jwt\"}", GOOD, 1, SP_ERR_UNSUPPORTED,
     "algorithm does not fit"},
    {"{\"alg\":\"ES256\",\"kid\":\"new\",\"typ\":\"at+jwt\"}", GOOD, 0, SP_ERR_NOT_FOUND,
     "has no key"},
    {GOOD_HEADER, GOOD, 2, SP_ERR_SIGNATURE, "signature does not match"},
    {"{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"at+jwt\",\"crit\":[\"b64\"]}", GOOD, 0,
     SP_ERR_MALFORMED, "critical"},
    {"{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"at+jwt\",\"zip\":\"DEF\"}", GOOD, 0,
     SP_ERR_MALFORMED, "compressed"},
    {GOOD_HEADER, "[]", 0, SP_ERR_MALFORMED, "JSON object"},
    {GOOD_HEADER, "{\"a\":1,\"a\":2}", 0, SP_ERR_MALFORMED, "JSON object"},
    {GOOD_HEADER, "{\"sub\":\"ann\",\"aud\":\"payments\"," TIMES "}", 0, SP_ERR_MALFORMED,
     "iss is missing"},
    {GOOD_HEADER,
     "{\"iss\":\"https://idp.example/\",\"sub\":\"ann\",\"aud\":\"payments\"," TIMES "}", 0,
     SP_ERR_AUDIENCE, "another issuer"},
    {GOOD_HEADER, "{" WHO "," TIMES "}", 0, SP_ERR_MALFORMED, "aud is missing"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"wiki\"," TIMES "}", 0, SP_ERR_AUDIENCE, "another audience"},
    {GOOD_HEADER, "{" WHO ",\"aud\":[]," TIMES "}", 0, SP_ERR_AUDIENCE, "another audience"},
    {GOOD_HEADER, "{" WHO ",\"aud\":[\"wiki\",\"other\"]," TIMES "}", 0, SP_OK, ""},
    {GOOD_HEADER, "{" WHO ",\"aud\":[\"payments\",7]," TIMES "}", 0, SP_ERR_MALFORMED,
     "something else than strings"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\",\"iat\":1764038390}", 0, SP_ERR_MALFORMED,
     "exp is missing"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\",\"exp\":1764038700}", 0, SP_ERR_MALFORMED,
     "iat is missing"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\",\"iat\":1764038390,\"exp\":\"1764038700\"}", 0,
     SP_ERR_MALFORMED, "exp is not a time"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\",\"iat\":1764038000,\"exp\":1764038370}", 0,
     SP_ERR_EXPIRED, "has expired"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\",\"iat\":1764038000,\"exp\":1764038371}", 0, SP_OK,
     ""},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\"," TIMES ",\"nbf\":1764038431}", 0, SP_ERR_EXPIRED,
     "not valid yet"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\"," TIMES ",\"nbf\":1764038430}", 0, SP_OK, ""},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\",\"iat\":1764038431,\"exp\":1764038700}", 0,
     SP_ERR_EXPIRED, "in the future"},
    {GOOD_HEADER, "{\"iss\":\"https://idp.example\",\"aud\":\"payments\"," TIMES "}", 0,
     SP_ERR_MALFORMED, "sub is missing"},
    {GOOD_HEADER, "{\"iss\":\"https://idp.example\",\"sub\":7,\"aud\":\"payments\"," TIMES "}", 0,
     SP_ERR_MALFORMED, "sub is integer"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\"," TIMES ",\"scope\":7}", 0, SP_ERR_MALFORMED,
     "scope is not a string"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\"," TIMES ",\"cnf\":{\"kid\":\"x\"}}", 0,
     SP_ERR_MALFORMED, "not known here"},
    {GOOD_HEADER, "{" WHO ",\"aud\":\"payments\"," TIMES ",\"cnf\":{\"jkt\":\"abc\"}}", 0,
     SP_ERR_MALFORMED, "no SHA-256 thumbprint"},
};

static void GW_10_each_fault_of_a_jwt_has_its_own_answer(void **state)
{
    struct fixture *x = *state;
    const struct gwconf_issuer *issuer = gwconf_issuer_at(x->conf, 0);
    struct buf text;

    buf_init(&text, 16384);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const struct key_secret *by = faults[i].by == 0   ? x->ec
                                      : faults[i].by == 1 ? x->ed
                                                          : x->stranger;
        struct sp_why why = {{0}, {0}, 0, 0};
        struct token *t = NULL;

        mint_jws(by, faults[i].header, faults[i].claims, &text);
        sp_error e = token_verify(buf_view(&text), x->keys, issuer, NOW, &why, &t);
        if (e != faults[i].e || (t != NULL) != (e == SP_OK) ||
            strstr(why.text, faults[i].says) == NULL)
            fail_msg("row %zu: %s\n%s\n-> %s: %s", i, faults[i].header, faults[i].claims,
                     sp_error_code(e), why.text);
        if (e != SP_OK) {
            struct gw_words words;
            struct gw_verdict v =
                challenge(&x->conf->oauth, CHALLENGE_INVALID_TOKEN, why.text, "", &words);
            char want[SP_WHY_TEXT_MAX + 100];
            snprintf(want, sizeof want,
                     "Bearer realm=\"payments\", error=\"invalid_token\", error_description=\"%s\"",
                     why.text);
            assert_string_equal(words.challenge, want);
            assert_int_equal(v.reason, GW_REASON_INVALID_TOKEN);
            assert_int_equal(v.outcome, GW_REFUSE);
        }
        token_free(t);
    }
    buf_deinit(&text);
}

static void GW_10_every_changed_byte_of_a_token_is_refused(void **state)
{
    struct fixture *x = *state;
    struct buf text;
    struct token *t = NULL;

    buf_init(&text, 16384);
    mint_jws(x->ec, GOOD_HEADER, GOOD, &text);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t was = text.at[i];
        text.at[i] = was == 'A' ? 'B' : 'A';
        if (token_verify(buf_view(&text), x->keys, gwconf_issuer_at(x->conf, 0), NOW, NULL, &t) ==
            SP_OK)
            fail_msg("byte %zu changed and taken", i);
        text.at[i] = was;
    }
    for (size_t n = 0; n < text.len; n++)
        assert_int_not_equal(token_verify(view_slice(buf_view(&text), 0, n), x->keys,
                                          gwconf_issuer_at(x->conf, 0), NOW, NULL, &t),
                             SP_OK);
    buf_deinit(&text);
}

static void test_what_a_token_says(void **state)
{
    struct fixture *x = *state;
    struct token *t = NULL;
    struct buf text;

    buf_init(&text, 16384);
    mint_jws(x->ec, GOOD_HEADER,
             "{" WHO ",\"aud\":\"payments\"," TIMES
             ",\"email\":\"ann@x\",\"scope\":\"read  write:all \",\"cnf\":{\"jkt\":"
             "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}}",
             &text);
    assert_int_equal(
        token_verify(buf_view(&text), x->keys, gwconf_issuer_at(x->conf, 0), NOW, NULL, &t), SP_OK);
    assert_true(view_is(t->subject, "ann") && view_is(t->email, "ann@x") &&
                view_is(t->client, "cli") && view_is(buf_view(&t->scopes), "read write:all"));
    assert_true(t->has_jkt && !t->has_x5t);
    assert_int_equal(t->jkt.bytes[0], 0xd1);
    assert_int_equal(t->expires, INT64_C(1764038700000));
    assert_true(token_has_scopes(t, view_str("")));
    assert_true(token_has_scopes(t, view_str("write:all")));
    assert_true(token_has_scopes(t, view_str("write:all read")));
    assert_false(token_has_scopes(t, view_str("write")));
    assert_false(token_has_scopes(t, view_str("read write")));
    assert_int_equal(token_in_time(t, NOW, NULL), SP_OK);
    assert_int_equal(token_in_time(t, NOW + 330 * 1000, NULL), SP_ERR_EXPIRED);
    assert_ptr_equal(token_share(t), t);
    token_free(t);
    token_free(t);
    token_free(NULL);
    t = NULL;
    mint_jws(x->ec, GOOD_HEADER,
             "{\"iss\":\"https://"
             "idp.example\",\"sub\":\"ann\",\"azp\":\"spa\",\"aud\":\"payments\"," TIMES
             ",\"scp\":[\"a\",\"b\"]}",
             &text);
    assert_int_equal(
        token_verify(buf_view(&text), x->keys, gwconf_issuer_at(x->conf, 0), NOW, NULL, &t), SP_OK);
    assert_true(view_is(t->client, "spa") && view_is(buf_view(&t->scopes), "a b"));
    token_free(t);
    buf_deinit(&text);
}

static void GW_14_what_an_introspection_answer_says(void **state)
{
    static const struct {
        const char *body;
        sp_error e;
        bool active;
    } cases[] = {
        {"{\"active\":false}", SP_OK, false},
        {"{\"active\":false,\"exp\":\"never\"}", SP_OK, false},
        {"{\"active\":true,\"aud\":\"payments\",\"sub\":\"ann\"}", SP_OK, true},
        {"{\"active\":true,\"aud\":\"payments\",\"exp\":1764038700}", SP_OK, true},
        {"{\"active\":true,\"aud\":\"payments\",\"iss\":\"https://idp.example\"}", SP_OK, true},
        {"{\"active\":true,\"aud\":\"payments\",\"iss\":\"https://evil\"}", SP_ERR_AUDIENCE, false},
        {"{\"active\":true,\"aud\":\"wiki\"}", SP_ERR_AUDIENCE, false},
        {"{\"active\":true}", SP_ERR_PROTOCOL, false},
        {"{\"active\":true,\"aud\":\"payments\",\"exp\":1764038300}", SP_ERR_EXPIRED, false},
        {"{\"active\":true,\"aud\":\"payments\",\"exp\":\"x\"}", SP_ERR_PROTOCOL, false},
        {"{\"active\":\"true\",\"aud\":\"payments\"}", SP_ERR_PROTOCOL, false},
        {"{\"active\":1}", SP_ERR_PROTOCOL, false},
        {"{}", SP_ERR_PROTOCOL, false},
        {"[true]", SP_ERR_PROTOCOL, false},
        {"<html>active</html>", SP_ERR_PROTOCOL, false},
        {"", SP_ERR_PROTOCOL, false},
        {"{\"active\":true,\"active\":false}", SP_ERR_PROTOCOL, false},
    };
    struct fixture *x = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct token *t = NULL;
        sp_error e = token_from_answer(view_str(cases[i].body), &x->conf->oauth.introspection, NOW,
                                       NULL, &t);
        if (e != cases[i].e || (t != NULL) != cases[i].active)
            fail_msg("%s -> %s", cases[i].body, sp_error_code(e));
        token_free(t);
    }
}

static struct gw_request with(struct gw_field *fields, size_t n, struct gw_pair *pairs, size_t m)
{
    return (struct gw_request){
        .fields = fields, .field_count = n, .target = {.pairs = pairs, .query_count = m}};
}

static void GW_16_a_token_is_in_one_authorization_field_and_nowhere_else(void **state)
{
    static const struct {
        const char *value;
        sp_error e;
        enum bearer_scheme scheme;
        const char *token;
    } cases[] = {
        {"Bearer abc.def-_~+/==", SP_OK, BEARER_BEARER, "abc.def-_~+/=="},
        {"bEARER   x", SP_OK, BEARER_BEARER, "x"},
        {"DPoP x", SP_OK, BEARER_DPOP, "x"},
        {"Basic dTpw", SP_OK, BEARER_NONE, ""},
        {"BearerX y", SP_OK, BEARER_NONE, ""},
        {"Bearer", SP_ERR_MALFORMED, BEARER_NONE, ""},
        {"Bearer a b", SP_ERR_MALFORMED, BEARER_NONE, ""},
        {"Bearer a,b", SP_ERR_MALFORMED, BEARER_NONE, ""},
        {"Bearer =", SP_ERR_MALFORMED, BEARER_NONE, ""},
        {"Bearer a=b", SP_ERR_MALFORMED, BEARER_NONE, ""},
        {"Bearer \xc3\xa9", SP_ERR_MALFORMED, BEARER_NONE, ""},
    };
    struct gw_field fields[2] = {
        {.name = view_str("authorization")},
        {.name = view_str("authorization"), .value = view_str("Bearer x")}};
    struct gw_pair pair = {.name = view_str("access_token"), .value = view_str("secret-token")};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct bearer b;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fields[0].value = view_str(cases[i].value);
        struct gw_request r = with(fields, 1, NULL, 0);
        sp_error e = bearer_find(&r, NULL, &b);
        if (e != cases[i].e || b.scheme != cases[i].scheme || !view_is(b.token, cases[i].token))
            fail_msg("%s -> %s", cases[i].value, sp_error_code(e));
    }
    fields[0].value = view_str("Bearer y");
    struct gw_request r = with(fields, 2, NULL, 0);
    assert_int_equal(bearer_find(&r, &why, &b), SP_ERR_MALFORMED);
    r = with(fields, 1, &pair, 1);
    assert_int_equal(bearer_find(&r, &why, &b), SP_ERR_MALFORMED);
    assert_null(strstr(why.text, "secret-token"));
    pair.name = view_str("ACCESS_TOKEN");
    assert_int_equal(bearer_find(&r, &why, &b), SP_ERR_MALFORMED);
    r = with(NULL, 0, NULL, 0);
    assert_int_equal(bearer_find(&r, &why, &b), SP_OK);
    assert_int_equal(b.scheme, BEARER_NONE);
}

static void test_challenges_stay_within_their_quotes(void **state)
{
    struct fixture *x = *state;
    struct gwconf_oauth dpop = {.bind = GW_BIND_DPOP};
    struct gw_words words;
    struct gw_verdict v = challenge(&x->conf->oauth, CHALLENGE_NONE, NULL, NULL, &words);
    char longer[300];

    assert_string_equal(words.challenge, "Bearer realm=\"payments\"");
    assert_int_equal(gw_reasons[v.reason].status, 401);
    v = challenge(&x->conf->oauth, CHALLENGE_INSUFFICIENT_SCOPE, "", "a:read b", &words);
    assert_string_equal(
        words.challenge,
        "Bearer realm=\"payments\", error=\"insufficient_scope\", scope=\"a:read b\"");
    assert_int_equal(gw_reasons[v.reason].status, 403);
    v = challenge(&x->conf->oauth, CHALLENGE_INVALID_REQUEST, "a\"b\\c\r\nX: y\xff", NULL, &words);
    assert_non_null(strstr(words.challenge, "error_description=\"a?b?c??X: y?\""));
    assert_int_equal(gw_reasons[v.reason].status, 400);
    v = challenge(&dpop, CHALLENGE_USE_NONCE, "", NULL, &words);
    assert_string_equal(words.challenge,
                        "DPoP realm=\"\", error=\"use_dpop_nonce\", algs=\"ES256 EdDSA "
                        "RS256 PS256\"");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    v = challenge(&x->conf->oauth, CHALLENGE_INVALID_TOKEN, longer, longer, &words);
    size_t n = strlen(words.challenge), quotes = 0;
    for (size_t i = 0; i < n; i++)
        quotes += words.challenge[i] == '"';
    assert_true(quotes % 2 == 0 && words.challenge[n - 1] == '"');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_10_each_fault_of_a_jwt_has_its_own_answer),
        cmocka_unit_test(GW_10_every_changed_byte_of_a_token_is_refused),
        cmocka_unit_test(test_what_a_token_says),
        cmocka_unit_test(GW_14_what_an_introspection_answer_says),
        cmocka_unit_test(GW_16_a_token_is_in_one_authorization_field_and_nowhere_else),
        cmocka_unit_test(test_challenges_stay_within_their_quotes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
