/* Tokens that are made here, part by part: forms that no honest provider signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/encode.h"
#include "lib/crypto/jwt.h"

static struct key_secret *maker;
static struct jwks *keys; /* the maker's, with the kid "k" */
static struct buf token;

static int set_up(void **state)
{
    static const char *const kids[] = {"k"};
    struct buf text;

    (void)state;
    buf_init(&text, 1024);
    buf_init(&token, 4 * JWT_BYTES_MAX);
    if (key_secret_new(KEY_ED25519, &maker) != SP_OK ||
        jwks_write(key_secret_public(maker), kids, 1, &text) != SP_OK ||
        jwks_parse(buf_view(&text), NULL, &keys) != SP_OK)
        return -1;
    buf_deinit(&text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_deinit(&token);
    jwks_free(keys);
    key_secret_free(maker);
    return 0;
}

/* Signs header and body as they stand; `tail` follows the signature. */
static void make(const char *header, const char *body, const char *tail)
{
    uint8_t signature[KEY_SIGNATURE_BYTES];

    buf_reset(&token);
    encode_base64url(view_str(header), &token);
    buf_add_byte(&token, '.');
    encode_base64url(view_str(body), &token);
    assert_int_equal(key_sign(maker, buf_view(&token), signature), SP_OK);
    buf_add_byte(&token, '.');
    encode_base64url((struct view){signature, sizeof signature}, &token);
    buf_add_str(&token, tail);
}

static sp_error verify(struct sp_why *why)
{
    struct json *claims = NULL;
    sp_error e = jwt_verify(buf_view(&token), JWT_KIND_ID, keys, JWT_ALG_ALL, why, &claims);

    assert_int_equal(claims != NULL, e == SP_OK);
    json_free(claims);
    return e;
}

static void IDT_16_JWT_06_headers_that_nobody_needs_are_refused(void **state)
{
    static const struct {
        const char *header, *body, *tail;
        sp_error e;
        const char *says;
    } rows[] = {
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\"}", "{}", "", SP_OK, ""},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"application/jwt\"}", "{}", "", SP_OK, ""},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"applications/jwt\"}", "{}", "", SP_ERR_INVALID,
         "typ is not that of an ID token"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"enc\":\"A128GCM\"}", "{}", "", SP_ERR_MALFORMED,
         "encrypted"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"cty\":\"JWT\"}", "{}", "", SP_ERR_MALFORMED, "nested"},
        {"{\"alg\":\"of no usual name at all\",\"kid\":\"k\"}", "{}", "", SP_ERR_UNSUPPORTED,
         "signed with of no usual name, which"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\"}", "[]", "", SP_ERR_MALFORMED, "body"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\"}", "{}", ".e30", SP_ERR_MALFORMED, "three parts"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"other\"}", "{}", "", SP_ERR_NOT_FOUND, ""},
        {"{\"alg\":\"ES256\"}", "{}", "", SP_ERR_NOT_FOUND, ""}, /* no kid, no key of that kind */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sp_why why = {0};

        make(rows[i].header, rows[i].body, rows[i].tail);
        sp_error e = verify(&why);
        if (e != rows[i].e || strstr(why.text, rows[i].says) == NULL)
            fail_msg("%s: %s, %s", rows[i].header, sp_error_code(e), why.text);
    }
}

static void a_kid_has_256_bytes_at_most(void **state)
{
    struct sp_why why = {0};
    struct buf header;

    (void)state;
    buf_init(&header, 1024);
    for (size_t len = JWK_KID_MAX; len <= JWK_KID_MAX + 1; len++) {
        buf_reset(&header);
        buf_add_str(&header, "{\"alg\":\"EdDSA\",\"kid\":\"");
        for (size_t i = 0; i < len; i++)
            buf_add_byte(&header, 'k');
        buf_add_str(&header, "\"}");
        make(buf_cstr(&header), "{}", "");
        assert_int_equal(verify(&why), len <= JWK_KID_MAX ? SP_ERR_NOT_FOUND : SP_ERR_MALFORMED);
    }
    assert_non_null(strstr(why.text, "kid is no text of a usual length"));
    buf_deinit(&header);
}

/* The algorithm is the key's, and a key that is none verifies nothing (JWT-1). */
static void JWT_01_a_key_verifies_its_own_algorithm_only(void **state)
{
    uint8_t n[256] = {0x80}, zero[256] = {0};
    struct jwk rsa = {.kind = JWK_RSA, .algs = JWT_RS256, .n = n, .n_len = sizeof n, .e_len = 0};
    struct view text = view_str("text"), signature = {zero, sizeof zero};

    (void)state;
    assert_int_equal(jwk_verify(&keys->keys[0], JWT_RS256, text, signature), SP_ERR_UNSUPPORTED);
    assert_int_equal(jwk_verify(&rsa, JWT_PS256, text, signature), SP_ERR_UNSUPPORTED);
    assert_int_equal(jwk_verify(&rsa, JWT_RS256, text, signature), SP_ERR_SIGNATURE);
    signature.len--;
    assert_int_equal(jwk_verify(&rsa, JWT_RS256, text, signature), SP_ERR_SIGNATURE);
}

static void a_token_with_its_own_key_needs_an_object_too(void **state)
{
    struct hash thumbprint;
    struct json *claims = NULL;
    struct buf header, set;

    (void)state;
    static const char *const kids[] = {"k"};
    buf_init(&header, 1024);
    buf_init(&set, 1024);
    assert_int_equal(jwks_write(key_secret_public(maker), kids, 1, &set), SP_OK);
    struct view key = view_slice(buf_view(&set), strlen("{\"keys\":["), SIZE_MAX);
    key.len -= strlen("]}");
    buf_addf(&header, "{\"alg\":\"EdDSA\",\"typ\":\"dpop+jwt\",\"jwk\":%.*s}", VIEW_ARG(key));
    make(buf_cstr(&header), "{}", "");
    assert_int_equal(
        jwt_verify_own(buf_view(&token), JWT_KIND_DPOP, JWT_ALG_ALL, NULL, &thumbprint, &claims),
        SP_OK);
    json_free(claims);
    claims = NULL;
    make(buf_cstr(&header), "7", "");
    assert_int_equal(
        jwt_verify_own(buf_view(&token), JWT_KIND_DPOP, JWT_ALG_ALL, NULL, &thumbprint, &claims),
        SP_ERR_MALFORMED);
    assert_null(claims);
    buf_deinit(&set);
    buf_deinit(&header);
}

static void the_issuer_is_read_to_choose_keys_by(void **state)
{
    struct sp_why why = {0};
    struct buf iss;

    (void)state;
    buf_init(&iss, 64);
    make("{}", "{\"iss\":\"https://idp.example\"}", "");
    assert_int_equal(jwt_unverified_issuer(buf_view(&token), &why, &iss), SP_OK);
    assert_string_equal(buf_cstr(&iss), "https://idp.example");
    make("{}", "{\"iss\":7}", "");
    assert_int_equal(jwt_unverified_issuer(buf_view(&token), &why, &iss), SP_ERR_NOT_FOUND);
    make("{}", "[]", "");
    assert_int_equal(jwt_unverified_issuer(buf_view(&token), &why, &iss), SP_ERR_MALFORMED);
    static const char *const no_tokens[] = {"a", "a.b", ".e30.eA", "e30..eA", "e30.e30."};
    for (size_t i = 0; i < sizeof no_tokens / sizeof no_tokens[0]; i++)
        assert_int_equal(jwt_unverified_issuer(view_str(no_tokens[i]), &why, &iss),
                         SP_ERR_MALFORMED);
    buf_deinit(&iss);
}

static void what_does_not_fit_is_not_signed(void **state)
{
    struct json *claims = json_object();
    struct buf out, text;

    (void)state;
    buf_init(&text, 2 * JWT_BYTES_MAX);
    while (text.len <= JWT_BYTES_MAX)
        buf_add_byte(&text, 'x');
    buf_init(&out, 100);
    buf_add_str(&out, "before");
    assert_int_equal(jwt_sign(maker, buf_cstr(&text), claims, &out), SP_ERR_LIMIT); /* header */
    assert_int_equal(jwt_sign(maker, "k", claims, &out), SP_ERR_LIMIT); /* room for the signature */
    buf_deinit(&out);
    buf_init(&out, 10);
    buf_add_str(&out, "before");
    assert_int_equal(jwt_sign(maker, "k", claims, &out), SP_ERR_LIMIT);
    json_set_cstr(claims, "long", buf_cstr(&text));
    assert_int_equal(jwt_sign(maker, "k", claims, &out), SP_ERR_LIMIT);
    assert_int_equal(out.len, strlen("before"));
    buf_deinit(&out);
    buf_deinit(&text);
    json_free(claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(IDT_16_JWT_06_headers_that_nobody_needs_are_refused),
        cmocka_unit_test(a_kid_has_256_bytes_at_most),
        cmocka_unit_test(JWT_01_a_key_verifies_its_own_algorithm_only),
        cmocka_unit_test(a_token_with_its_own_key_needs_an_object_too),
        cmocka_unit_test(the_issuer_is_read_to_choose_keys_by),
        cmocka_unit_test(what_does_not_fit_is_not_signed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
