#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/encode.h"
#include "lib/crypto/paseto.h"
#include "tests/unit/lib/crypto/vectors.h"

static struct view member(const struct json *test, const char *name)
{
    return json_str(json_get(test, name));
}

/* 4-E-n: sealing with the given nonce gives the token, opening gives the payload. 4-F-n with a
 * symmetric key: refused. */
static void run_local(const struct json *test, bool fails)
{
    struct secret *key = NULL;
    struct buf bytes, nonce, out;
    struct view implicit = member(test, "implicit-assertion");

    buf_init(&bytes, 64);
    buf_init(&nonce, 64);
    buf_init(&out, 4096);
    assert_int_equal(secret_new(vectors_hex(test, "key", &bytes), &key), SP_OK);
    if (fails) {
        assert_int_not_equal(paseto_open(key, member(test, "token"), implicit, &out), SP_OK);
        assert_int_equal(out.len, 0);
    } else {
        assert_int_equal(paseto_open(key, member(test, "token"), implicit, &out), SP_OK);
        assert_true(view_equal(buf_view(&out), member(test, "payload")));
        buf_reset(&out);
        assert_int_equal(paseto_seal_with_nonce(key, vectors_hex(test, "nonce", &nonce).at,
                                                member(test, "payload"), member(test, "footer"),
                                                implicit, &out),
                         SP_OK);
        assert_true(view_equal(buf_view(&out), member(test, "token")));
    }
    secret_free(key);
    buf_deinit(&bytes);
    buf_deinit(&nonce);
    buf_deinit(&out);
}

static void run_public(const struct json *test, bool fails)
{
    struct key_public pub;
    struct key_secret *k = NULL;
    struct buf bytes, out;
    struct view implicit = member(test, "implicit-assertion");

    buf_init(&bytes, 64);
    buf_init(&out, 4096);
    assert_int_equal(key_from_bytes(KEY_ED25519, vectors_hex(test, "public-key", &bytes), &pub),
                     SP_OK);
    if (fails) {
        assert_int_not_equal(paseto_verify(&pub, member(test, "token"), implicit, &out), SP_OK);
        assert_int_equal(out.len, 0);
    } else {
        struct buf file;

        assert_int_equal(paseto_verify(&pub, member(test, "token"), implicit, &out), SP_OK);
        assert_true(view_equal(buf_view(&out), member(test, "payload")));
        buf_init(&file, 256);
        buf_add_str(&file, "sallyport-secret-key-1 ed25519 ");
        encode_base64url(vectors_hex(test, "secret-key-seed", &bytes), &file);
        buf_add_byte(&file, '\n');
        assert_int_equal(key_secret_decode(buf_view(&file), &k), SP_OK);
        buf_reset(&out);
        assert_int_equal(
            paseto_sign(k, member(test, "payload"), member(test, "footer"), implicit, &out), SP_OK);
        assert_true(view_equal(buf_view(&out), member(test, "token")));
        key_secret_free(k);
        buf_deinit(&file);
    }
    buf_deinit(&bytes);
    buf_deinit(&out);
}

static void JWT_09_the_published_v4_vectors_hold(void **state)
{
    (void)state;
    struct json *root = vectors_load("paseto_v4.json");
    struct json *tests = json_get(root, "tests");

    assert_int_equal(json_len(tests), 17);
    for (size_t i = 0; i < json_len(tests); i++) {
        struct json *test = json_at(tests, i);
        bool fails = json_is_true(json_get(test, "expect-fail"));

        if (json_get(test, "public-key") != NULL)
            run_public(test, fails);
        else
            run_local(test, fails);
    }
    json_free(root);
}

struct pair {
    struct key_secret *k;
    struct buf token, out;
};

static int setup(void **state)
{
    static struct pair p;

    buf_init(&p.token, 4096);
    buf_init(&p.out, 4096);
    *state = &p;
    if (key_secret_new(KEY_ED25519, &p.k) != SP_OK)
        return -1;
    return paseto_sign(p.k, view_str("message"), view_str("footer"), view_str("kind"), &p.token) ==
                   SP_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    struct pair *p = *state;

    key_secret_free(p->k);
    buf_deinit(&p->token);
    buf_deinit(&p->out);
    return 0;
}

static void every_flipped_character_is_refused(void **state)
{
    struct pair *p = *state;

    for (size_t i = 0; i < p->token.len; i++) {
        uint8_t was = p->token.at[i];
        p->token.at[i] = was == 'A' ? 'B' : 'A';
        assert_int_not_equal(
            paseto_verify(key_secret_public(p->k), buf_view(&p->token), view_str("kind"), &p->out),
            SP_OK);
        p->token.at[i] = was;
    }
    for (size_t len = 0; len < p->token.len; len++)
        assert_int_not_equal(paseto_verify(key_secret_public(p->k),
                                           view_slice(buf_view(&p->token), 0, len),
                                           view_str("kind"), &p->out),
                             SP_OK);
    assert_int_equal(p->out.len, 0);
    assert_int_equal(
        paseto_verify(key_secret_public(p->k), buf_view(&p->token), view_str("kind"), &p->out),
        SP_OK);
}

static void JWT_01_another_version_purpose_or_assertion_is_refused(void **state)
{
    struct pair *p = *state;
    const struct key_public *pub = key_secret_public(p->k);
    static const char *const headers[] = {"v3.public.", "v4.local..", "V4.public.", "v4.publiC."};
    struct secret *local = NULL;

    assert_int_equal(paseto_verify(pub, buf_view(&p->token), view_str("other"), &p->out),
                     SP_ERR_SIGNATURE);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        memcpy(p->token.at, headers[i], 10);
        assert_int_equal(paseto_verify(pub, buf_view(&p->token), view_str("kind"), &p->out),
                         SP_ERR_MALFORMED);
    }
    memcpy(p->token.at, "v4.public.", 10);
    assert_int_equal(secret_new_random(PASETO_LOCAL_KEY_BYTES, &local), SP_OK);
    assert_int_equal(paseto_open(local, buf_view(&p->token), view_str("kind"), &p->out),
                     SP_ERR_MALFORMED);
    secret_free(local);
}

static void a_p256_key_makes_and_reads_no_token(void **state)
{
    struct pair *p = *state;
    struct key_secret *ec = NULL;

    assert_int_equal(key_secret_new(KEY_P256, &ec), SP_OK);
    assert_int_equal(paseto_sign(ec, view_str("m"), (struct view){0}, (struct view){0}, &p->out),
                     SP_ERR_INVALID);
    assert_int_equal(
        paseto_verify(key_secret_public(ec), buf_view(&p->token), view_str("kind"), &p->out),
        SP_ERR_SIGNATURE);
    key_secret_free(ec);
}

static void the_footer_is_read_and_bounded(void **state)
{
    struct pair *p = *state;
    uint8_t big[PASETO_FOOTER_MAX + 1] = {0};

    assert_int_equal(paseto_footer(buf_view(&p->token), &p->out), SP_OK);
    assert_true(view_is(buf_view(&p->out), "footer"));
    buf_reset(&p->token);
    assert_int_equal(paseto_sign(p->k, view_str("m"), (struct view){big, sizeof big},
                                 (struct view){0}, &p->token),
                     SP_OK);
    assert_int_equal(paseto_footer(buf_view(&p->token), &p->out), SP_ERR_LIMIT);
    assert_int_equal(paseto_footer(view_str("v4.public.AAAA."), &p->out), SP_ERR_MALFORMED);
    assert_int_equal(paseto_footer(view_str("v4.public.AAAA.AAAA.AAAA"), &p->out),
                     SP_ERR_MALFORMED);
}

static void sealing_twice_gives_two_tokens(void **state)
{
    struct pair *p = *state;
    struct secret *k = NULL;
    struct buf other;

    buf_init(&other, 4096);
    buf_reset(&p->token);
    assert_int_equal(secret_new_random(PASETO_LOCAL_KEY_BYTES, &k), SP_OK);
    assert_int_equal(paseto_seal(k, view_str("m"), (struct view){0}, (struct view){0}, &p->token),
                     SP_OK);
    assert_int_equal(paseto_seal(k, view_str("m"), (struct view){0}, (struct view){0}, &other),
                     SP_OK);
    assert_false(view_equal(buf_view(&p->token), buf_view(&other)));
    assert_int_equal(paseto_open(k, buf_view(&other), (struct view){0}, &p->out), SP_OK);
    assert_true(view_is(buf_view(&p->out), "m"));
    secret_free(k);
    buf_deinit(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(JWT_09_the_published_v4_vectors_hold),
        cmocka_unit_test_setup_teardown(every_flipped_character_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(JWT_01_another_version_purpose_or_assertion_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_p256_key_makes_and_reads_no_token, setup, teardown),
        cmocka_unit_test_setup_teardown(the_footer_is_read_and_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(sealing_twice_gives_two_tokens, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
