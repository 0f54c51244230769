#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/encode.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/password.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"

static void assert_hex(struct view got, const char *want)
{
    struct buf b;

    buf_init(&b, 1024);
    encode_hex(got, &b);
    assert_string_equal(buf_cstr(&b), want);
    buf_deinit(&b);
}

static void ids_are_random_and_never_zero(void **state)
{
    (void)state;
    struct sp_id a = random_id(), b = random_id();

    assert_false(id_is_zero(a));
    assert_false(id_equal(a, b));
}

static void random_below_stays_below_and_reaches_all(void **state)
{
    (void)state;
    bool seen[7] = {false};

    for (int i = 0; i < 1000; i++) {
        uint64_t n = random_below(7);
        assert_true(n < 7);
        seen[n] = true;
    }
    for (int i = 0; i < 7; i++)
        assert_true(seen[i]);
    assert_int_equal(random_below(0), 0);
    assert_int_equal(random_below(1), 0);
}

static void hashes_match_their_standards(void **state)
{
    (void)state;
    uint8_t sha1[HASH_SHA1_BYTES];
    struct hash h = hash_sha256(view_str("abc"));
    struct hash_stream s;

    assert_hex(hash_view(&h), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_sha256_start(&s);
    hash_sha256_more(&s, view_str("a"));
    hash_sha256_more(&s, view_str("bc"));
    struct hash h2 = hash_sha256_end(&s);
    assert_memory_equal(h.bytes, h2.bytes, HASH_BYTES);
    hash_sha1(view_str("abc"), sha1); /* FIPS 180-4, appendix A.1 */
    assert_hex((struct view){sha1, sizeof sha1}, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void LOG_05_a_chain_step_depends_on_previous_and_record(void **state)
{
    (void)state;
    struct hash zero = {{0}}, one = {{1}};
    struct hash a = hash_chain(&zero, view_str("x")), b = hash_chain(&one, view_str("x")),
                c = hash_chain(&zero, view_str("y"));

    assert_memory_not_equal(a.bytes, b.bytes, HASH_BYTES);
    assert_memory_not_equal(a.bytes, c.bytes, HASH_BYTES);
    /* BLAKE2b-256 of 32 zero bytes and "x", from Python's hashlib. */
    assert_hex(hash_view(&a), "593bc83b39597a944f0560dc00a19277e40c163a5285c98923e3b1c4f2c9b8d1");
}

static void pairwise_ids_differ_by_site_and_by_user(void **state)
{
    (void)state;
    uint8_t site_a[32] = {1}, site_b[32] = {2};
    struct sp_id u = random_id(), v = random_id();

    assert_true(id_equal(hash_pairwise(site_a, u), hash_pairwise(site_a, u)));
    assert_false(id_equal(hash_pairwise(site_a, u), hash_pairwise(site_b, u)));
    assert_false(id_equal(hash_pairwise(site_a, u), hash_pairwise(site_a, v)));
}

/* The first vector of the reference implementation: key 00..0f, no bytes; then 00. */
static void a_short_hash_matches_the_reference(void **state)
{
    uint8_t key[HASH_SHORT_KEY_BYTES], zero = 0;

    (void)state;
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    assert_true(hash_short(key, view_str("")) == 0x726fdb47dd0e0e31u);
    assert_true(hash_short(key, (struct view){&zero, 1}) == 0x74f839c593dc67fdu);
}

static void a_keyed_hash_needs_a_key_of_a_fitting_length(void **state)
{
    (void)state;
    struct hash zero = {{0}}, h = hash_keyed(view_str("short"), view_str("x"));

    assert_memory_equal(h.bytes, zero.bytes, HASH_BYTES);
}

static void HRD_14_a_secret_is_readable_only_while_open(void **state)
{
    (void)state;
    struct secret *s = NULL;
    pid_t child;
    int status = 0;

    assert_int_equal(secret_new(view_str("sixteen bytes ok"), &s), SP_OK);
    struct view v = secret_open(s), w = secret_open(s);
    assert_true(view_is(v, "sixteen bytes ok"));
    secret_close(s);
    assert_true(view_is(w, "sixteen bytes ok")); /* still open once */
    secret_close(s);

    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);        /* cmocka's handler would report it as a failure */
        volatile uint8_t byte = v.at[0]; /* the page is closed: the kernel ends us */
        _exit(byte == 's' ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    secret_free(s);
    secret_free(NULL);
}

static void secrets_have_limits(void **state)
{
    (void)state;
    struct secret *s = NULL;

    assert_int_equal(secret_new_random(0, &s), SP_ERR_INVALID);
    assert_int_equal(secret_new_random(SECRET_BYTES_MAX + 1, &s), SP_ERR_INVALID);
    assert_null(s);
    assert_int_equal(secret_new_random(SECRET_BYTES_MAX, &s), SP_OK);
    assert_int_equal(secret_len(s), SECRET_BYTES_MAX);
    secret_free(s);
}

static void JWT_10_secret_equal_compares_all_bytes(void **state)
{
    (void)state;

    assert_true(secret_equal(view_str("abc"), view_str("abc")));
    assert_false(secret_equal(view_str("abc"), view_str("abd")));
    assert_false(secret_equal(view_str("abc"), view_str("ab")));
    assert_true(secret_equal((struct view){0}, (struct view){0}));
}

static void OTP_08_a_sealed_row_opens_only_in_its_place(void **state)
{
    (void)state;
    struct secret *master = NULL;
    struct aead_key *totp = NULL, *other = NULL;
    struct buf sealed, plain, aad_a, aad_b;
    const struct view a[] = {view_str("ab"), view_str("c")}, b[] = {view_str("a"), view_str("bc")};

    buf_init(&sealed, 1024);
    buf_init(&plain, 1024);
    buf_init(&aad_a, 1024);
    buf_init(&aad_b, 1024);
    aead_aad(&aad_a, a, 2);
    aead_aad(&aad_b, b, 2);
    assert_int_equal(secret_new_random(AEAD_MASTER_BYTES, &master), SP_OK);
    assert_int_equal(aead_key_derive(master, "totp", &totp), SP_OK);
    assert_int_equal(aead_key_derive(master, "keys", &other), SP_OK);
    assert_int_equal(aead_seal(totp, buf_view(&aad_a), view_str("seed"), &sealed), SP_OK);
    assert_int_equal(sealed.len, 4 + AEAD_OVERHEAD);

    assert_int_equal(aead_open(totp, buf_view(&aad_b), buf_view(&sealed), &plain),
                     SP_ERR_INTEGRITY);
    assert_int_equal(aead_open(other, buf_view(&aad_a), buf_view(&sealed), &plain),
                     SP_ERR_INTEGRITY);
    for (size_t i = 1; i < sealed.len; i++) {
        sealed.at[i] ^= 1;
        assert_int_equal(aead_open(totp, buf_view(&aad_a), buf_view(&sealed), &plain),
                         SP_ERR_INTEGRITY);
        sealed.at[i] ^= 1;
    }
    sealed.at[0] = 2;
    assert_int_equal(aead_open(totp, buf_view(&aad_a), buf_view(&sealed), &plain), SP_ERR_VERSION);
    sealed.at[0] = 1;
    assert_int_equal(aead_open(totp, buf_view(&aad_a),
                               view_slice(buf_view(&sealed), 0, AEAD_OVERHEAD - 1), &plain),
                     SP_ERR_MALFORMED);
    assert_int_equal(plain.len, 0);
    assert_int_equal(aead_open(totp, buf_view(&aad_a), buf_view(&sealed), &plain), SP_OK);
    assert_true(view_is(buf_view(&plain), "seed"));

    buf_deinit(&sealed);
    buf_deinit(&plain);
    buf_deinit(&aad_a);
    buf_deinit(&aad_b);
    aead_key_free(totp);
    aead_key_free(other);
    secret_free(master);
}

static void aead_needs_a_master_of_32_bytes_and_a_name(void **state)
{
    (void)state;
    struct secret *master = NULL;
    struct aead_key *k = NULL;

    assert_int_equal(secret_new_random(31, &master), SP_OK);
    assert_int_equal(aead_key_derive(master, "totp", &k), SP_ERR_INVALID);
    secret_free(master);
    assert_int_equal(secret_new_random(AEAD_MASTER_BYTES, &master), SP_OK);
    assert_int_equal(aead_key_derive(master, "", &k), SP_ERR_INVALID);
    secret_free(master);
}

static void passwords_verify_and_only_theirs(void **state)
{
    (void)state;
    struct password_hash h;
    uint8_t long_one[PASSWORD_BYTES_MAX + 1] = {0};

    assert_int_equal(password_hash(view_str("correct horse"), &h), SP_OK);
    assert_memory_equal(h.s, "$argon2id$v=19$m=65536,t=3,p=1$", 31);
    assert_int_equal(password_verify(h.s, view_str("correct horse")), SP_OK);
    assert_int_equal(password_verify(h.s, view_str("correct horsf")), SP_ERR_DENIED);
    assert_int_equal(password_verify("", view_str("correct horse")), SP_ERR_DENIED);
    assert_int_equal(password_verify("$argon2id$rubbish", view_str("x")), SP_ERR_DENIED);
    assert_int_equal(password_hash(view_str(""), &h), SP_ERR_LIMIT);
    assert_int_equal(password_hash((struct view){long_one, sizeof long_one}, &h), SP_ERR_LIMIT);
    assert_false(password_outdated(h.s));
    assert_true(password_outdated("$argon2id$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
                                  "YmVjYXVzZSBub2JvZHkgaGFzIHRoaXMgcGFzc3dvcmQ"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_random_and_never_zero),
        cmocka_unit_test(random_below_stays_below_and_reaches_all),
        cmocka_unit_test(hashes_match_their_standards),
        cmocka_unit_test(LOG_05_a_chain_step_depends_on_previous_and_record),
        cmocka_unit_test(pairwise_ids_differ_by_site_and_by_user),
        cmocka_unit_test(a_short_hash_matches_the_reference),
        cmocka_unit_test(a_keyed_hash_needs_a_key_of_a_fitting_length),
        cmocka_unit_test(HRD_14_a_secret_is_readable_only_while_open),
        cmocka_unit_test(secrets_have_limits),
        cmocka_unit_test(JWT_10_secret_equal_compares_all_bytes),
        cmocka_unit_test(OTP_08_a_sealed_row_opens_only_in_its_place),
        cmocka_unit_test(aead_needs_a_master_of_32_bytes_and_a_name),
        cmocka_unit_test(passwords_verify_and_only_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
