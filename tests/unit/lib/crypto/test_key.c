#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/encode.h"
#include "lib/crypto/key.h"
#include "lib/crypto/p256.h"
#include "tests/unit/lib/crypto/vectors.h"

static void a_pair_of_either_kind_signs_and_survives_its_file_form(void **state)
{
    (void)state;
    for (enum key_kind kind = KEY_ED25519; kind <= KEY_P256; kind++) {
        struct key_secret *k = NULL, *again = NULL;
        struct key_public parsed = {0};
        uint8_t signature[KEY_SIGNATURE_BYTES];
        struct view sig = {signature, sizeof signature};
        struct buf file;

        buf_init(&file, 256);
        assert_int_equal(key_secret_new(kind, &k), SP_OK);
        assert_int_equal(key_sign(k, view_str("message"), signature), SP_OK);
        assert_int_equal(key_verify(key_secret_public(k), view_str("message"), sig), SP_OK);
        assert_int_equal(key_verify(key_secret_public(k), view_str("massage"), sig),
                         SP_ERR_SIGNATURE);
        for (size_t i = 0; i < sizeof signature; i++) {
            signature[i] ^= 4;
            assert_int_equal(key_verify(key_secret_public(k), view_str("message"), sig),
                             SP_ERR_SIGNATURE);
            signature[i] ^= 4;
        }
        sig.len--;
        assert_int_equal(key_verify(key_secret_public(k), view_str("message"), sig),
                         SP_ERR_SIGNATURE);

        struct key_text text = key_text(key_secret_public(k));
        assert_int_equal(key_parse(view_str(text.s), &parsed), SP_OK);
        assert_true(key_equal(&parsed, key_secret_public(k)));
        assert_int_equal(key_secret_encode(k, &file), SP_OK);
        assert_int_equal(key_secret_decode(buf_view(&file), &again), SP_OK);
        assert_true(key_equal(key_secret_public(again), key_secret_public(k)));
        assert_int_equal(key_sign(again, view_str("message"), signature), SP_OK);

        key_secret_free(k);
        key_secret_free(again);
        buf_wipe(&file);
    }
}

static void the_zero_key_equals_nothing_and_verifies_nothing(void **state)
{
    (void)state;
    struct key_public none = {0};
    uint8_t zeros[KEY_SIGNATURE_BYTES] = {0};

    assert_false(key_equal(&none, &none));
    assert_int_equal(key_verify(&none, view_str(""), (struct view){zeros, sizeof zeros}),
                     SP_ERR_SIGNATURE);
    assert_string_equal(key_text(&none).s, "");
    assert_string_equal(key_kid(&none).s, "");
    assert_string_equal(key_fingerprint(&none).s, "");
}

static void key_text_has_one_spelling(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "ed25519:",
        "p256:",
        "ed25519",
        "Ed25519:HrnbuwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        /* RFC 8032 test 1's key with padding, a blank, one character less, a spare bit */
        "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        " ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR",
        "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
        "p256:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        /* small order: 0, 1; not below p: 2^255 - 19 */
        "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "ed25519:7f_______________________________________38",
        /* no point has this x: x = 1 on P-256 (and an uncompressed first byte) */
        "p256:AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
        "p256:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
        /* x = p */
        "p256:Av____8AAAABAAAAAAAAAAAAAAAA________________",
    };
    struct key_public k = {0};

    assert_int_equal(key_parse(view_str("ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), &k),
                     SP_OK);
    k = (struct key_public){0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (key_parse(view_str(bad[i]), &k) != SP_ERR_MALFORMED)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(k.kind, KEY_NONE);
    }
}

/* The standard generator of P-256 (SEC 2 section 2.4.2) in every form that we write. */
static void p256_forms_match_the_standard_generator(void **state)
{
    (void)state;
    uint8_t one[32] = {0}, point[33], x[32], y[32];
    struct key_public k;
    struct buf b;

    one[31] = 1;
    buf_init(&b, 1024);
    assert_int_equal(p256_public(one, point), SP_OK);
    assert_int_equal(p256_expand(point, x, y), SP_OK);
    encode_hex((struct view){x, 32}, &b);
    encode_hex((struct view){y, 32}, &b);
    assert_string_equal(buf_cstr(&b),
                        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    y[31] ^= 2;
    assert_int_equal(p256_compress(x, y, point), SP_ERR_MALFORMED); /* off the curve */
    y[31] ^= 2;
    assert_int_equal(key_from_bytes(KEY_P256, (struct view){point, 33}, &k), SP_OK);
    buf_reset(&b);
    assert_int_equal(key_spki(&k, &b), SP_OK);
    assert_int_equal(b.len, 91);
    assert_memory_equal(b.at + 27, x, 32);
    assert_memory_equal(b.at + 59, y, 32);
    memset(one, 0xff, sizeof one); /* beyond the order */
    assert_int_equal(p256_public(one, point), SP_ERR_MALFORMED);
    memset(one, 0, sizeof one);
    assert_int_equal(p256_public(one, point), SP_ERR_MALFORMED);
    buf_deinit(&b);
}

static void ANC_06_a_fingerprint_is_eight_groups_of_four(void **state)
{
    (void)state;
    struct key_public k;
    struct key_fingerprint f;

    assert_int_equal(key_parse(view_str("ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), &k),
                     SP_OK);
    f = key_fingerprint(&k);
    /* sha256 of the text, first 16 bytes, from Python's hashlib */
    assert_string_equal(f.s, "SP1:34c9-b166-79bc-c683-7923-9b7c-247f-56c6");
    assert_string_equal(key_kid(&k).s, "34c9b16679bcc683");
}

static void file_form_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "sallyport-secret-key-1 ed25519 nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "sallyport-secret-key-1 ed25519 nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\n\n",
        "sallyport-secret-key-1 ed25519 nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2\n",
        "sallyport-secret-key-2 ed25519 nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\n",
        "sallyport-secret-key-1 rsa nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\n",
        "sallyport-secret-key-1 p256 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    };
    struct key_secret *k = NULL;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(key_secret_decode(view_str(bad[i]), &k), SP_ERR_MALFORMED);
    assert_null(k);
    /* RFC 8032 section 7.1, test 1 */
    assert_int_equal(key_secret_decode(view_str("sallyport-secret-key-1 ed25519 "
                                                "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\n"),
                                       &k),
                     SP_OK);
    assert_string_equal(key_text(key_secret_public(k)).s,
                        "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    key_secret_free(k);
}

/* JWT-9: published vectors through our own wrapper. Ours is at least as strict as `valid` asks;
 * `acceptable` does not occur in these files. */
static void run_vectors(const char *file, enum key_kind kind)
{
    struct json *root = vectors_load(file);
    struct json *groups = json_get(root, "groups");
    struct buf pk, msg, sig;
    size_t ran = 0;

    buf_init(&pk, 1024);
    buf_init(&msg, 1024 * 1024);
    buf_init(&sig, 1024 * 1024);
    for (size_t g = 0; g < json_len(groups); g++) {
        struct json *group = json_at(groups, g), *tests = json_get(group, "tests");
        struct key_public key = {0};
        struct view bytes = vectors_hex(group, "pk", &pk);
        uint8_t point[33];

        if (kind == KEY_P256) {
            assert_int_equal(bytes.len, 65);
            assert_int_equal(p256_compress(bytes.at + 1, bytes.at + 33, point), SP_OK);
            bytes = (struct view){point, sizeof point};
        }
        assert_int_equal(key_from_bytes(kind, bytes, &key), SP_OK);
        for (size_t t = 0; t < json_len(tests); t++, ran++) {
            struct json *test = json_at(tests, t);
            struct view m = vectors_hex(test, "msg", &msg), s = vectors_hex(test, "sig", &sig);
            bool valid = view_is(json_str(json_get(test, "result")), "valid");
            int64_t id = 0;

            if ((key_verify(&key, m, s) == SP_OK) != valid) {
                assert_true(json_integer(json_get(test, "id"), &id));
                fail_msg("%s, test %d", file, (int)id);
            }
        }
    }
    assert_true(ran > 100);
    buf_deinit(&pk);
    buf_deinit(&msg);
    buf_deinit(&sig);
    json_free(root);
}

static void JWT_09_ed25519_agrees_with_wycheproof(void **state)
{
    (void)state;
    run_vectors("wycheproof_ed25519.json", KEY_ED25519);
}

static void JWT_09_p256_agrees_with_wycheproof(void **state)
{
    (void)state;
    run_vectors("wycheproof_p256.json", KEY_P256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_of_either_kind_signs_and_survives_its_file_form),
        cmocka_unit_test(the_zero_key_equals_nothing_and_verifies_nothing),
        cmocka_unit_test(key_text_has_one_spelling),
        cmocka_unit_test(p256_forms_match_the_standard_generator),
        cmocka_unit_test(ANC_06_a_fingerprint_is_eight_groups_of_four),
        cmocka_unit_test(file_form_is_strict),
        cmocka_unit_test(JWT_09_ed25519_agrees_with_wycheproof),
        cmocka_unit_test(JWT_09_p256_agrees_with_wycheproof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
