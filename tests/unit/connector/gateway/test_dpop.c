#include "connector/gateway/dpop.h"
#include "lib/base/encode.h"
#include "tests/unit/connector/gateway/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1764038400000)
#define HTU "\"htu\":\"http://127.77.0.2:8080/v1/x\""

struct fixture {
    struct key_secret *key, *other;
    struct hash name, other_name;
    struct dpop *d;
    struct buf header, other_header, proof;
    char ath[44];
};

static struct hash thumbprint(const char *jwk)
{
    struct json *j = NULL;
    struct jwks *s = NULL;
    struct hash h;

    assert_int_equal(json_parse(view_str(jwk), 4096, NULL, &j), SP_OK);
    assert_int_equal(jwks_of_one(j, NULL, &s), SP_OK);
    assert_int_equal(jwk_thumbprint(&s->keys[0], &h), SP_OK);
    jwks_free(s);
    json_free(j);
    return h;
}

static void header_of(const struct key_secret *k, struct buf *out, struct hash *name)
{
    struct buf jwk;

    buf_init(&jwk, 4096);
    buf_init(out, 4096);
    mint_jwk(k, "k", &jwk);
    *name = thumbprint(buf_cstr(&jwk));
    buf_addf(out, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}", buf_cstr(&jwk));
    buf_deinit(&jwk);
}

static int set_up(void **state)
{
    static struct fixture x;
    struct hash token = hash_sha256(view_str("the-token"));
    struct buf ath;

    x = (struct fixture){0};
    assert_int_equal(key_secret_new(KEY_P256, &x.key), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &x.other), SP_OK);
    header_of(x.key, &x.header, &x.name);
    header_of(x.other, &x.other_header, &x.other_name);
    buf_init(&x.proof, 16384);
    buf_init(&ath, 64);
    encode_base64url(hash_view(&token), &ath);
    view_copy(x.ath, sizeof x.ath, buf_view(&ath));
    buf_deinit(&ath);
    assert_int_equal(dpop_new(0, &x.d), SP_OK);
    *state = &x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    dpop_free(x->d);
    dpop_free(NULL);
    key_secret_free(x->key);
    key_secret_free(x->other);
    buf_deinit(&x->header);
    buf_deinit(&x->other_header);
    buf_deinit(&x->proof);
    return 0;
}

static struct dpop_expect expect(const struct fixture *x)
{
    return (struct dpop_expect){.method = view_str("GET"),
                                .scheme = view_str("http"),
                                .host = view_str("127.77.0.2:8080"),
                                .path = view_str("/v1/x"),
                                .token = view_str("the-token"),
                                .key = x->name,
                                .now = NOW,
                                .boot = 1000000};
}

static struct view make(struct fixture *x, const char *claims)
{
    mint_jws(x->key, buf_cstr(&x->header), claims, &x->proof);
    return buf_view(&x->proof);
}

static void GW_13_each_fault_of_a_proof(void **state)
{
    struct fixture *x = *state;
    static const struct {
        const char *htm, *htu, *iat, *jti, *ath; /* whole members; "" left out */
        sp_error e;
        const char *says;
    } cases[] = {
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038400", "\"jti\":\"a1\"", NULL, SP_OK, ""},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038400", "\"jti\":\"a1\"", NULL, SP_ERR_REPLAY,
         "used before"},
        {"\"htm\":\"POST\"", HTU, "\"iat\":1764038400", "\"jti\":\"a2\"", NULL, SP_ERR_AUDIENCE,
         "htm"},
        {"\"htm\":\"get\"", HTU, "\"iat\":1764038400", "\"jti\":\"a2\"", NULL, SP_ERR_AUDIENCE,
         "htm"},
        {"", HTU, "\"iat\":1764038400", "\"jti\":\"a2\"", NULL, SP_ERR_MALFORMED, "htm"},
        {"\"htm\":\"GET\"", "\"htu\":\"http://127.77.0.2:8080/v1/y\"", "\"iat\":1764038400",
         "\"jti\":\"a2\"", NULL, SP_ERR_AUDIENCE, "htu"},
        {"\"htm\":\"GET\"", "\"htu\":\"https://127.77.0.2:8080/v1/x\"", "\"iat\":1764038400",
         "\"jti\":\"a2\"", NULL, SP_ERR_AUDIENCE, "htu"},
        {"\"htm\":\"GET\"", "\"htu\":\"http://127.77.0.2/v1/x\"", "\"iat\":1764038400",
         "\"jti\":\"a2\"", NULL, SP_ERR_AUDIENCE, "htu"},
        {"\"htm\":\"GET\"", "\"htu\":\"/v1/x\"", "\"iat\":1764038400", "\"jti\":\"a2\"", NULL,
         SP_ERR_AUDIENCE, "htu"},
        {"\"htm\":\"GET\"", "", "\"iat\":1764038400", "\"jti\":\"a2\"", NULL, SP_ERR_MALFORMED,
         "htu"},
        {"\"htm\":\"GET\"", "\"htu\":\"HTTP://127.77.0.2:8080/v1/x?q=1#f\"", "\"iat\":1764038400",
         "\"jti\":\"a3\"", NULL, SP_OK, ""},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038339", "\"jti\":\"a4\"", NULL, SP_ERR_EXPIRED,
         "61 s old"},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038340", "\"jti\":\"a4\"", NULL, SP_OK, ""},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038461", "\"jti\":\"a5\"", NULL, SP_ERR_EXPIRED,
         "iat"},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038460", "\"jti\":\"a5\"", NULL, SP_OK, ""},
        {"\"htm\":\"GET\"", HTU, "\"iat\":\"1764038400\"", "\"jti\":\"a6\"", NULL, SP_ERR_MALFORMED,
         "iat"},
        {"\"htm\":\"GET\"", HTU, "", "\"jti\":\"a6\"", NULL, SP_ERR_MALFORMED, "iat"},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038400", "", NULL, SP_ERR_MALFORMED, "jti"},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038400", "\"jti\":\"\"", NULL, SP_ERR_MALFORMED,
         "jti"},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038400", "\"jti\":\"a7\"",
         "\"ath\":\"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo\"", SP_ERR_INTEGRITY, "ath"},
        {"\"htm\":\"GET\"", HTU, "\"iat\":1764038400", "\"jti\":\"a7\"", "", SP_ERR_MALFORMED,
         "ath"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *parts[] = {cases[i].htm, cases[i].htu, cases[i].iat, cases[i].jti};
        struct sp_why why = {{0}, {0}, 0, 0};
        struct dpop_expect e = expect(x);
        struct buf claims;

        buf_init(&claims, 1024);
        buf_add_str(&claims, "{\"z\":0");
        for (size_t k = 0; k < 4; k++)
            buf_addf(&claims, "%s%s", parts[k][0] != '\0' ? "," : "", parts[k]);
        if (cases[i].ath == NULL)
            buf_addf(&claims, ",\"ath\":\"%s\"", x->ath);
        else
            buf_addf(&claims, "%s%s", cases[i].ath[0] != '\0' ? "," : "", cases[i].ath);
        buf_add_byte(&claims, '}');
        sp_error got = dpop_check(x->d, make(x, buf_cstr(&claims)), &e, &why);
        if (got != cases[i].e || strstr(why.text, cases[i].says) == NULL)
            fail_msg("row %zu: %s -> %s: %s", i, buf_cstr(&claims), sp_error_code(got), why.text);
        buf_deinit(&claims);
    }
}

static const char *good(const struct fixture *x, const char *jti, char *out, size_t size)
{
    snprintf(out, size,
             "{\"htm\":\"GET\"," HTU ",\"iat\":1764038400,\"jti\":\"%s\",\"ath\":\"%s\"}", jti,
             x->ath);
    return out;
}

static void GW_13_the_key_is_the_tokens_and_public(void **state)
{
    struct fixture *x = *state;
    struct dpop_expect e = expect(x);
    struct sp_why why = {{0}, {0}, 0, 0};
    char claims[400], header[600];

    mint_jws(x->other, buf_cstr(&x->other_header), good(x, "k1", claims, sizeof claims), &x->proof);
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, &why), SP_ERR_INTEGRITY);
    /* Signed by another key than the header carries. */
    mint_jws(x->other, buf_cstr(&x->header), good(x, "k2", claims, sizeof claims), &x->proof);
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, &why), SP_ERR_SIGNATURE);
    mint_jws(x->key, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", claims, &x->proof);
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, &why), SP_ERR_MALFORMED);
    mint_jws(x->key, "{\"typ\":\"JWT\",\"alg\":\"ES256\"}", claims, &x->proof);
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, &why), SP_ERR_INVALID);
    snprintf(header, sizeof header, "%.*s,\"d\":\"AAAA\"}}", (int)x->header.len - 2,
             buf_cstr(&x->header));
    mint_jws(x->key, header, claims, &x->proof);
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, &why), SP_ERR_MALFORMED);
    mint_jws(x->key,
             "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"oct\",\"x\":\"A\"}}",
             claims, &x->proof);
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, &why), SP_ERR_UNSUPPORTED);
}

static void GW_13_a_nonce_of_ours_when_it_is_asked_for(void **state)
{
    struct fixture *x = *state;
    struct dpop_expect e = expect(x);
    char claims[400], with[500];

    e.nonce = true;
    make(x, good(x, "n1", claims, sizeof claims));
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, NULL), SP_ERR_STEP_UP);
    for (int minute = 0; minute < 4; minute++) {
        struct dpop_nonce n = dpop_nonce(x->d, NOW - minute * 60000);
        snprintf(with, sizeof with,
                 "{\"htm\":\"GET\"," HTU
                 ",\"iat\":1764038400,\"jti\":\"n-%d\",\"ath\":\"%s\",\"nonce\":\"%s\"}",
                 minute, x->ath, n.s);
        assert_int_equal(dpop_check(x->d, make(x, with), &e, NULL),
                         minute < 3 ? SP_OK : SP_ERR_STEP_UP);
    }
}

static void GW_13_a_jti_is_kept_as_long_as_its_proof_could_count(void **state)
{
    struct fixture *x = *state;
    struct dpop_expect e = expect(x);
    char claims[400];

    make(x, good(x, "long", claims, sizeof claims));
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, NULL), SP_OK);
    for (int64_t s = 1; s <= 120; s++) {
        e.boot = 1000000 + s * 1000;
        assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, NULL), SP_ERR_REPLAY);
    }
    /* The same jti of another key is another proof. */
    mint_jws(x->other, buf_cstr(&x->other_header), good(x, "long", claims, sizeof claims),
             &x->proof);
    e.key = x->other_name;
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, NULL), SP_OK);
    e.boot += 5 * 60 * 1000;
    assert_int_equal(dpop_check(x->d, buf_view(&x->proof), &e, NULL), SP_OK); /* forgotten */
}

/* RFC 9449, figures 2 and 12: the key and its name; RFC 7638 section 3.1. */
static void test_published_vectors(void **state)
{
    static const char rfc9449[] =
        "{\"kty\":\"EC\",\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\",\"y\":\"9VE4jf_Ok_"
        "o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\",\"crv\":\"P-256\"}";
    static const char rfc7638[] =
        "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86"
        "zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
        "RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91"
        "CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}";
    static const char proof[] =
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR"
        "0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG"
        "10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRt"
        "IjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE"
        "2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT"
        "3Lg";
    struct json *claims = NULL;
    struct hash key;
    struct buf text;

    (void)state;
    buf_init(&text, 64);
    key = thumbprint(rfc9449);
    encode_base64url(hash_view(&key), &text);
    assert_string_equal(buf_cstr(&text), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    buf_reset(&text);
    key = thumbprint(rfc7638);
    encode_base64url(hash_view(&key), &text);
    assert_string_equal(buf_cstr(&text), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_int_equal(
        jwt_verify_own(view_str(proof), JWT_KIND_DPOP, JWT_ALG_ALL, NULL, &key, &claims), SP_OK);
    buf_reset(&text);
    encode_base64url(hash_view(&key), &text);
    assert_string_equal(buf_cstr(&text), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_true(view_is(json_str(json_get(claims, "jti")), "-BwC3ESc6acc2lTc"));
    json_free(claims);
    buf_deinit(&text);
}

static void GW_13_a_full_set_is_said_and_not_forgotten(void **state)
{
    enum { ENTRIES = 64 };
    struct fixture *x = *state;
    struct dpop_expect e = expect(x);
    char claims[400], jti[24];
    sp_error got = SP_OK;
    size_t n = 0;

    dpop_free(x->d);
    assert_int_equal(dpop_new(63, &x->d), SP_ERR_INVALID);
    assert_int_equal(dpop_new(ENTRIES, &x->d), SP_OK);
    for (; n <= ENTRIES && got == SP_OK; n++) {
        snprintf(jti, sizeof jti, "f%zu", n);
        got = dpop_check(x->d, make(x, good(x, jti, claims, sizeof claims)), &e, NULL);
    }
    assert_int_equal(got, SP_ERR_FULL);
    assert_int_equal(n, ENTRIES + 1);
    assert_int_equal(dpop_check(x->d, make(x, good(x, "f0", claims, sizeof claims)), &e, NULL),
                     SP_ERR_REPLAY);
    e.boot += 2 * 60 * 1000;
    assert_int_equal(dpop_check(x->d, make(x, good(x, "f0", claims, sizeof claims)), &e, NULL),
                     SP_ERR_REPLAY);
    assert_int_equal(dpop_check(x->d, make(x, good(x, "g0", claims, sizeof claims)), &e, NULL),
                     SP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_13_each_fault_of_a_proof),
        cmocka_unit_test(GW_13_the_key_is_the_tokens_and_public),
        cmocka_unit_test(GW_13_a_nonce_of_ours_when_it_is_asked_for),
        cmocka_unit_test(GW_13_a_jti_is_kept_as_long_as_its_proof_could_count),
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(GW_13_a_full_set_is_said_and_not_forgotten),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
