#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/encode.h"
#include "lib/crypto/jwt.h"
#include "tests/unit/lib/crypto/vectors.h"

#define NOW INT64_C(1764038400000)

/* ---- form and signature, over tokens that another implementation signed -------------------- */

static const struct {
    const char *word;
    sp_error e;
} answers[] = {{"ok", SP_OK},
               {"malformed", SP_ERR_MALFORMED},
               {"invalid", SP_ERR_INVALID},
               {"unsupported", SP_ERR_UNSUPPORTED},
               {"not found", SP_ERR_NOT_FOUND},
               {"signature", SP_ERR_SIGNATURE}};

static sp_error answer_of(struct view word)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (view_is(word, answers[i].word))
            return answers[i].e;
    fail_msg("unknown answer %.*s", VIEW_ARG(word));
    return SP_ERR_INTERNAL;
}

static struct jwks *keys_of(const struct json *root)
{
    struct jwks *keys = NULL;
    struct buf text;

    buf_init(&text, JWKS_BYTES_MAX);
    assert_int_equal(json_write(json_get(root, "jwks"), &text), SP_OK);
    assert_int_equal(jwks_parse(buf_view(&text), NULL, &keys), SP_OK);
    buf_deinit(&text);
    return keys;
}

/* IDT-01 to IDT-08, IDT-16, JWT-1, JWT-6, JWT-7: each row of the file. */
static void IDT_01_to_08_IDT_16_JWT_06_JWT_07_RP_09_tokens_of_another_maker(void **state)
{
    (void)state;
    struct json *root = vectors_load("jwt.json");
    struct json *cases = json_get(root, "cases");
    struct jwks *keys = keys_of(root);

    assert_true(json_len(cases) > 50);
    for (size_t i = 0; i < json_len(cases); i++) {
        struct json *c = json_at(cases, i), *claims = NULL;
        struct sp_why why = {0};
        sp_error want = answer_of(json_str(json_get(c, "expect")));
        sp_error e = jwt_verify(json_str(json_get(c, "token")), JWT_KIND_ID, keys, JWT_ALG_ALL,
                                &why, &claims);

        if (e != want || (e == SP_OK) != (claims != NULL))
            fail_msg("%s: %s, wanted %s (%s)", json_cstr(json_get(c, "name")), sp_error_code(e),
                     sp_error_code(want), why.text);
        if (e != SP_OK)
            assert_true(why.text[0] != '\0'); /* refused in words */
        else
            assert_true(view_is(json_str(json_get(claims, "sub")), "u-1"));
        json_free(claims);
    }
    jwks_free(keys);
    json_free(root);
}

static struct view first_token(const struct json *root)
{
    return json_str(json_get(json_at(json_get(root, "cases"), 0), "token"));
}

static void IDT_03_only_algorithms_of_the_client_are_taken(void **state)
{
    (void)state;
    struct json *root = vectors_load("jwt.json"), *claims = NULL;
    struct jwks *keys = keys_of(root);

    assert_int_equal(
        jwt_verify(first_token(root), JWT_KIND_ID, keys, JWT_ES256 | JWT_EDDSA, NULL, &claims),
        SP_ERR_UNSUPPORTED);
    assert_int_equal(jwt_verify(first_token(root), JWT_KIND_ID, keys, 0, NULL, &claims),
                     SP_ERR_UNSUPPORTED);
    assert_int_equal(jwt_verify(first_token(root), JWT_KIND_NONE, keys, JWT_ALG_ALL, NULL, &claims),
                     SP_ERR_INVALID);
    jwks_free(keys);
    json_free(root);
}

static void C_007_a_token_over_the_limit_is_refused_with_both_numbers(void **state)
{
    (void)state;
    struct json *root = vectors_load("jwt.json"), *claims = NULL;
    struct jwks *keys = keys_of(root);
    struct sp_why why = {0};
    struct buf big;

    buf_init(&big, 2 * JWT_BYTES_MAX);
    buf_add(&big, first_token(root));
    while (big.len <= JWT_BYTES_MAX)
        buf_add_byte(&big, 'A');
    assert_int_equal(jwt_verify(buf_view(&big), JWT_KIND_ID, keys, JWT_ALG_ALL, &why, &claims),
                     SP_ERR_LIMIT);
    assert_non_null(strstr(why.text, "32769"));
    assert_non_null(strstr(why.text, "32768"));
    buf_deinit(&big);
    jwks_free(keys);
    json_free(root);
}

/* ---- key sets ------------------------------------------------------------------------------ */

static void C_004_unknown_keys_are_ignored_and_named(void **state)
{
    (void)state;
    struct json *root = vectors_load("jwt.json");
    struct jwks *keys = keys_of(root);
    struct buf warning;

    buf_init(&warning, 4096);
    assert_int_equal(keys->count, 12);
    assert_int_equal(keys->usable, 4);
    jwks_warning(keys, &warning);
    assert_non_null(strstr(buf_cstr(&warning), "pq-1 (AKP: type is not supported)"));
    assert_non_null(strstr(buf_cstr(&warning), "ed448 (OKP Ed448: curve is not supported)"));
    assert_non_null(strstr(buf_cstr(&warning), "k1 (EC secp256k1: curve is not supported)"));
    assert_non_null(strstr(buf_cstr(&warning), "(no kid) (not an object)"));
    assert_non_null(strstr(buf_cstr(&warning), "small (RSA: RSA key shorter than 2048 bits)"));
    assert_null(strstr(buf_cstr(&warning), "rsa-1"));
    buf_deinit(&warning);
    jwks_free(keys);
    json_free(root);
}

static void IDT_22_a_key_set_has_limits_and_a_shape(void **state)
{
    (void)state;
    struct jwks *keys = NULL;
    struct sp_why why = {0};
    struct buf many;

    assert_int_equal(jwks_parse(view_str("{\"keys\":[]}"), &why, &keys), SP_OK);
    assert_int_equal(keys->usable, 0);
    jwks_free(keys);
    keys = NULL;
    assert_int_equal(jwks_parse(view_str("[]"), &why, &keys), SP_ERR_MALFORMED);
    assert_int_equal(jwks_parse(view_str("{}"), &why, &keys), SP_ERR_MALFORMED);
    assert_int_equal(jwks_parse(view_str("<html>"), &why, &keys), SP_ERR_MALFORMED);
    assert_int_equal(jwks_parse(view_str("{\"keys\":{}}"), &why, &keys), SP_ERR_MALFORMED);
    buf_init(&many, JWKS_BYTES_MAX);
    buf_add_str(&many, "{\"keys\":[0");
    for (int i = 0; i < JWKS_KEYS_MAX; i++)
        buf_add_str(&many, ",0");
    buf_add_str(&many, "]}");
    assert_int_equal(jwks_parse(buf_view(&many), &why, &keys), SP_ERR_LIMIT);
    buf_deinit(&many);
    assert_null(keys);
}

static void what_we_sign_is_read_by_our_reader(void **state)
{
    (void)state;
    for (enum key_kind kind = KEY_ED25519; kind <= KEY_P256; kind++) {
        struct key_secret *k = NULL;
        const char *kid = "built-in";
        struct json *claims = json_object(), *read = NULL;
        struct jwks *keys = NULL;
        struct buf set, token;

        buf_init(&set, 4096);
        buf_init(&token, 4096);
        assert_int_equal(key_secret_new(kind, &k), SP_OK);
        assert_int_equal(jwks_write(key_secret_public(k), &kid, 1, &set), SP_OK);
        assert_int_equal(jwks_parse(buf_view(&set), NULL, &keys), SP_OK);
        assert_int_equal(keys->usable, 1);
        json_set_cstr(claims, "sub", "x");
        assert_int_equal(jwt_sign(k, kid, claims, &token), SP_OK);
        assert_int_equal(jwt_verify(buf_view(&token), JWT_KIND_ID, keys,
                                    kind == KEY_P256 ? JWT_ES256 : JWT_EDDSA, NULL, &read),
                         SP_OK);
        assert_true(json_equal(read, claims));
        json_free(read);
        json_free(claims);
        jwks_free(keys);
        buf_deinit(&set);
        buf_deinit(&token);
        key_secret_free(k);
    }
}

/* JWT-9: published RSA vectors through jwk_verify. "acceptable" is a matter of taste there
 * (a DigestInfo without NULL); ours is the strict one. */
static void run_rsa(const char *file, enum jwt_alg alg)
{
    struct json *root = vectors_load(file);
    struct json *groups = json_get(root, "groups");
    struct buf n, e, msg, sig;
    size_t ran = 0;

    buf_init(&n, 1024);
    buf_init(&e, 64);
    buf_init(&msg, 1 << 20);
    buf_init(&sig, 1 << 20);
    for (size_t g = 0; g < json_len(groups); g++) {
        struct json *group = json_at(groups, g), *tests = json_get(group, "tests");
        struct jwk key = {.kind = JWK_RSA, .algs = JWT_RS256 | JWT_PS256};
        struct view modulus = vectors_hex(group, "n", &n), exponent = vectors_hex(group, "e", &e);

        if (modulus.at[0] == 0) /* the file writes a sign byte */
            modulus = view_slice(modulus, 1, SIZE_MAX);
        key.n = n.at + (n.len - modulus.len);
        key.n_len = modulus.len;
        memcpy(key.e, exponent.at, exponent.len);
        key.e_len = exponent.len;
        for (size_t t = 0; t < json_len(tests); t++, ran++) {
            struct json *test = json_at(tests, t);
            struct view m = vectors_hex(test, "msg", &msg), s = vectors_hex(test, "sig", &sig);
            bool valid = view_is(json_str(json_get(test, "result")), "valid");
            int64_t id = 0;

            if ((jwk_verify(&key, alg, m, s) == SP_OK) != valid) {
                assert_true(json_integer(json_get(test, "id"), &id));
                fail_msg("%s, test %d", file, (int)id);
            }
        }
    }
    assert_true(ran > 100);
    buf_deinit(&n);
    buf_deinit(&e);
    buf_deinit(&msg);
    buf_deinit(&sig);
    json_free(root);
}

static void JWT_09_rs256_agrees_with_wycheproof(void **state)
{
    (void)state;
    run_rsa("wycheproof_rs256.json", JWT_RS256);
}

static void JWT_09_ps256_agrees_with_wycheproof(void **state)
{
    (void)state;
    run_rsa("wycheproof_ps256.json", JWT_PS256);
}

/* ---- claims -------------------------------------------------------------------------------- */

static const char good_claims[] =
    "{\"iss\":\"https://idp.example.test/\",\"aud\":\"sallyport\",\"sub\":\"u-1\","
    "\"exp\":1764038700,\"iat\":1764038400,\"nonce\":\"n-1\"}";

static struct jwt_expect expect(void)
{
    return (struct jwt_expect){.issuer = view_str("https://idp.example.test/"),
                               .client_id = view_str("sallyport"),
                               .nonce = view_str("n-1"),
                               .now = NOW};
}

/* The good claims with one member set to `value` (JSON text), or removed when NULL. */
static sp_error check_with(const char *name, const char *value, const struct jwt_expect *x,
                           struct sp_why *why, struct jwt_id *out)
{
    struct json *claims = NULL, *v = NULL;
    struct buf wrapped;
    struct jwt_id id;
    sp_error e;

    assert_int_equal(json_parse(view_str(good_claims), 4096, NULL, &claims), SP_OK);
    if (name != NULL && value == NULL) {
        json_remove(claims, name);
    } else if (name != NULL) {
        buf_init(&wrapped, 8192);
        buf_addf(&wrapped, "[%s]", value);
        e = json_parse(buf_view(&wrapped), 8192, NULL, &v);
        buf_deinit(&wrapped);
        if (e != SP_OK) { /* 1e400: jwt_verify refuses it as JSON already */
            json_free(claims);
            return sp_why_say(why, SP_ERR_MALFORMED, "no JSON");
        }
        json_set(claims, name, json_copy(json_at(v, 0)));
        json_free(v);
    }
    e = jwt_id_check(claims, x, why, out == NULL ? &id : out);
    json_free(claims);
    return e;
}

struct row {
    const char *name, *value;
    sp_error want;
};

static void run_rows(const struct row *rows, size_t count)
{
    struct jwt_expect x = expect();

    for (size_t i = 0; i < count; i++) {
        struct sp_why why = {0};
        sp_error e = check_with(rows[i].name, rows[i].value, &x, &why, NULL);

        if (e != rows[i].want)
            fail_msg("%s = %s: %s, wanted %s (%s)", rows[i].name,
                     rows[i].value == NULL ? "(absent)" : rows[i].value, sp_error_code(e),
                     sp_error_code(rows[i].want), why.text);
        if (e != SP_OK)
            assert_true(why.text[0] != '\0');
    }
}
#define RUN(rows) run_rows(rows, sizeof rows / sizeof rows[0])

static void IDT_08_iss_is_compared_byte_for_byte(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"iss", "\"https://idp.example.test/\"", SP_OK},
        {"iss", "\"https://idp.example.test\"", SP_ERR_AUDIENCE},
        {"iss", "\"https://idp.example.test//\"", SP_ERR_AUDIENCE},
        {"iss", "\"https://IDP.example.test/\"", SP_ERR_AUDIENCE},
        {"iss", "\"https://idp.example.test:443/\"", SP_ERR_AUDIENCE},
        {"iss", "\"http://idp.example.test/\"", SP_ERR_AUDIENCE},
        {"iss", "[\"https://idp.example.test/\"]", SP_ERR_MALFORMED},
        {"iss", NULL, SP_ERR_MALFORMED},
    };
    RUN(rows);
    struct jwt_expect nobody = expect();
    nobody.issuer = (struct view){0}; /* not configured: an empty one is none, too */
    assert_int_equal(check_with("iss", "\"\"", &nobody, NULL, NULL), SP_ERR_AUDIENCE);
}

/* C-005 and IDT-09. */
static void IDT_09_audiences_and_the_authorised_party(void **state)
{
    (void)state;
    static const struct {
        const char *aud, *azp;
        bool accept;
    } rows[] = {
        {"\"sallyport\"", NULL, true},
        {"[\"sallyport\"]", NULL, true},
        {"[\"proj-1\",\"sallyport\",\"proj-9\"]", "\"sallyport\"", true},
        {"[\"proj-1\",\"sallyport\"]", NULL, false},
        {"[\"sallyport\"]", "\"other\"", false},
        {"[\"proj-1\"]", "\"sallyport\"", false},
        {"[\"sallyport\",7]", "\"sallyport\"", false},
        {"[]", NULL, false},
        {"\"sallyport\"", "7", false},
        {"\"sallyport\"", "\"sallyport\"", true},
        {"7", NULL, false},
        {"[\"sallyport\",\"listed\"]", NULL, true},
        {"[\"sallyport\",\"listed\",\"unlisted\"]", NULL, false},
    };
    const struct view listed = view_str("listed");
    struct jwt_expect x = expect();
    struct jwt_id id;

    x.client_id = (struct view){0}; /* not configured: nobody is */
    assert_int_equal(check_with("aud", "\"\"", &x, NULL, NULL), SP_ERR_AUDIENCE);
    x = expect();
    x.trusted = &listed;
    x.trusted_count = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json *claims = NULL, *more = NULL;
        struct buf text;

        assert_int_equal(json_parse(view_str(good_claims), 4096, NULL, &claims), SP_OK);
        buf_init(&text, 1024);
        buf_addf(&text, "[%s,%s]", rows[i].aud, rows[i].azp == NULL ? "null" : rows[i].azp);
        assert_int_equal(json_parse(buf_view(&text), 1024, NULL, &more), SP_OK);
        json_set(claims, "aud", json_copy(json_at(more, 0)));
        if (rows[i].azp != NULL)
            json_set(claims, "azp", json_copy(json_at(more, 1)));
        if ((jwt_id_check(claims, &x, NULL, &id) == SP_OK) != rows[i].accept)
            fail_msg("row %zu: %s", i, rows[i].aud);
        buf_deinit(&text);
        json_free(more);
        json_free(claims);
    }
}

/* C-006 and IDT-10: seconds from NOW; the limits' last good and first bad value. */
static void IDT_10_times_within_a_minute(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"exp", "1764038341", SP_OK}, /* -59 */
        {"exp", "1764038340", SP_ERR_EXPIRED},
        {"exp", "1764038339", SP_ERR_EXPIRED}, /* -61 */
        {"iat", "1764038411", SP_OK},          /* +11 */
        {"iat", "1764038460", SP_OK},          /* +60 */
        {"iat", "1764038461", SP_ERR_EXPIRED},
        {"iat", "1764038700", SP_ERR_EXPIRED},
        {"iat", "1764037800", SP_OK}, /* 10 min old */
        {"iat", "1764037799", SP_ERR_EXPIRED},
        {"iat", "1764038399.5", SP_OK},
        {"nbf", "1764038401", SP_OK},
        {"nbf", "1764038459", SP_OK},
        {"nbf", "1764038461", SP_ERR_EXPIRED},
        {"auth_time", "1764030000", SP_OK},
        {"auth_time", "1764038500", SP_ERR_EXPIRED},
        {"exp", NULL, SP_ERR_MALFORMED},
        {"iat", NULL, SP_ERR_MALFORMED},
        {"exp", "\"1764038700\"", SP_ERR_MALFORMED},
        {"iat", "\"1764038400\"", SP_ERR_MALFORMED},
        {"nbf", "\"1764038400\"", SP_ERR_MALFORMED},
        {"exp", "-1", SP_ERR_MALFORMED},
        {"iat", "-1764038400", SP_ERR_MALFORMED},
        {"nbf", "-0.5", SP_ERR_MALFORMED},
        {"exp", "9007199254740993", SP_ERR_MALFORMED},
        {"exp", "9223372036854775807", SP_ERR_MALFORMED},
        {"exp", "9223372036854775808", SP_ERR_MALFORMED},
        {"exp", "1e300", SP_ERR_MALFORMED},
        {"exp", "1e400", SP_ERR_MALFORMED},
        {"exp", "true", SP_ERR_MALFORMED},
        {"exp", "null", SP_ERR_MALFORMED},
        {"exp", "[1764038700]", SP_ERR_MALFORMED},
        {"exp", "9007199254740992", SP_OK}, /* 2^53: as far away as a time may be */
        {"auth_time", "\"1764038400\"", SP_ERR_MALFORMED},
    };
    RUN(rows);
}

static void C_006_a_refusal_says_which_clock_and_how_far(void **state)
{
    (void)state;
    struct jwt_expect x = expect();
    struct sp_why why = {0};

    assert_int_equal(check_with("iat", "1764038700", &x, &why, NULL), SP_ERR_EXPIRED);
    assert_non_null(strstr(why.text, "iat is 300 s ahead of the broker's clock"));
    assert_int_equal(check_with("exp", "1764038100", &x, &why, NULL), SP_ERR_EXPIRED);
    assert_non_null(strstr(why.text, "ended 300 s ago"));
}

static void IDT_11_the_nonce_is_there_and_equal(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"nonce", NULL, SP_ERR_REPLAY},
        {"nonce", "\"n-2\"", SP_ERR_REPLAY},
        {"nonce", "\"\"", SP_ERR_REPLAY},
        {"nonce", "1", SP_ERR_REPLAY},
    };
    struct jwt_expect x = expect();

    RUN(rows);
    x.nonce = (struct view){0}; /* an attempt without one accepts nothing */
    assert_int_equal(check_with("nonce", "\"\"", &x, NULL, NULL), SP_ERR_REPLAY);
}

static void IDT_12_sub_is_1_to_255_ascii_characters(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"sub", NULL, SP_ERR_MALFORMED},        {"sub", "\"\"", SP_ERR_MALFORMED},
        {"sub", "7", SP_ERR_MALFORMED},         {"sub", "\"\\u00e9\"", SP_ERR_MALFORMED},
        {"sub", "\"a\\nb\"", SP_ERR_MALFORMED}, {"sub", "\"a b\"", SP_OK},
    };
    struct jwt_expect x = expect();
    char text[300];

    RUN(rows);
    memset(text, 'a', sizeof text);
    text[0] = text[256] = '"';
    text[257] = '\0';
    assert_int_equal(check_with("sub", text, &x, NULL, NULL), SP_OK); /* 255 */
    text[256] = 'a';
    text[257] = '"';
    text[258] = '\0';
    assert_int_equal(check_with("sub", text, &x, NULL, NULL), SP_ERR_MALFORMED);
}

static void IDT_09_audiences_are_few_and_azp_is_a_text(void **state)
{
    struct jwt_expect x = expect();
    const struct view listed = view_str("l");
    struct buf many;
    (void)state;

    x.trusted = &listed;
    x.trusted_count = 1;
    buf_init(&many, 4096);
    for (int count = JWT_AUDIENCES_MAX; count <= JWT_AUDIENCES_MAX + 1; count++) {
        buf_reset(&many);
        buf_add_str(&many, "[\"sallyport\"");
        for (int i = 1; i < count; i++)
            buf_add_str(&many, ",\"l\"");
        buf_add_str(&many, "]");
        assert_int_equal(check_with("aud", buf_cstr(&many), &x, NULL, NULL),
                         count <= JWT_AUDIENCES_MAX ? SP_OK : SP_ERR_MALFORMED);
    }
    buf_deinit(&many);
    assert_int_equal(check_with("azp", "[\"sallyport\"]", &x, NULL, NULL), SP_ERR_MALFORMED);
}

static void IDT_13_max_age_needs_a_fresh_auth_time(void **state)
{
    (void)state;
    struct jwt_expect x = expect();

    x.max_age_ms = 300 * 1000;
    assert_int_equal(check_with(NULL, NULL, &x, NULL, NULL), SP_ERR_STEP_UP);
    assert_int_equal(check_with("auth_time", "1764038100", &x, NULL, NULL), SP_OK);
    assert_int_equal(check_with("auth_time", "1764038039", &x, NULL, NULL), SP_ERR_STEP_UP);
}

static void IDT_14_acr_and_amr_are_read_and_absent_is_weakest(void **state)
{
    (void)state;
    struct jwt_expect x = expect();
    struct jwt_id id = {{0}, 0, 0, 0, {0}, NULL};

    assert_int_equal(check_with(NULL, NULL, &x, NULL, &id), SP_OK);
    assert_int_equal(id.acr.len, 0);
    assert_null(id.amr);
    assert_int_equal(check_with("amr", "\"otp\"", &x, NULL, &id), SP_OK);
    assert_null(id.amr); /* a text is no list */
    struct json *claims = NULL, *amr = NULL;
    assert_int_equal(json_parse(view_str(good_claims), 4096, NULL, &claims), SP_OK);
    assert_int_equal(json_parse(view_str("[\"otp\"]"), 16, NULL, &amr), SP_OK);
    json_set(claims, "amr", amr);
    assert_int_equal(jwt_id_check(claims, &x, NULL, &id), SP_OK);
    assert_ptr_equal(id.amr, json_get(claims, "amr")); /* borrowed */
    json_free(claims);
}

static void IDT_15_at_hash_is_compared_when_present(void **state)
{
    (void)state;
    struct jwt_expect x = expect();
    struct buf hash, quoted;

    buf_init(&hash, 64);
    buf_init(&quoted, 64);
    x.access_token = view_str("access");
    jwt_half_hash(x.access_token, &hash);
    buf_addf(&quoted, "\"%s\"", buf_cstr(&hash));
    assert_int_equal(check_with(NULL, NULL, &x, NULL, NULL), SP_OK);
    assert_int_equal(check_with("at_hash", buf_cstr(&quoted), &x, NULL, NULL), SP_OK);
    x.access_token = view_str("another");
    assert_int_equal(check_with("at_hash", buf_cstr(&quoted), &x, NULL, NULL), SP_ERR_INTEGRITY);
    assert_int_equal(check_with("at_hash", "7", &x, NULL, NULL), SP_ERR_INTEGRITY);
    x.access_token = (struct view){0}; /* nothing came that it could be the hash of */
    assert_int_equal(check_with("at_hash", "7", &x, NULL, NULL), SP_OK);
    buf_deinit(&hash);
    buf_deinit(&quoted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(IDT_01_to_08_IDT_16_JWT_06_JWT_07_RP_09_tokens_of_another_maker),
        cmocka_unit_test(IDT_03_only_algorithms_of_the_client_are_taken),
        cmocka_unit_test(C_007_a_token_over_the_limit_is_refused_with_both_numbers),
        cmocka_unit_test(C_004_unknown_keys_are_ignored_and_named),
        cmocka_unit_test(IDT_22_a_key_set_has_limits_and_a_shape),
        cmocka_unit_test(what_we_sign_is_read_by_our_reader),
        cmocka_unit_test(JWT_09_rs256_agrees_with_wycheproof),
        cmocka_unit_test(JWT_09_ps256_agrees_with_wycheproof),
        cmocka_unit_test(IDT_08_iss_is_compared_byte_for_byte),
        cmocka_unit_test(IDT_09_audiences_and_the_authorised_party),
        cmocka_unit_test(IDT_10_times_within_a_minute),
        cmocka_unit_test(C_006_a_refusal_says_which_clock_and_how_far),
        cmocka_unit_test(IDT_11_the_nonce_is_there_and_equal),
        cmocka_unit_test(IDT_12_sub_is_1_to_255_ascii_characters),
        cmocka_unit_test(IDT_09_audiences_are_few_and_azp_is_a_text),
        cmocka_unit_test(IDT_13_max_age_needs_a_fresh_auth_time),
        cmocka_unit_test(IDT_14_acr_and_amr_are_read_and_absent_is_weakest),
        cmocka_unit_test(IDT_15_at_hash_is_compared_when_present),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
