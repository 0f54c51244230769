#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/encode.h"
#include "lib/crypto/random.h"
#include "lib/crypto/totp.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char seed20[] = "12345678901234567890";
#define NOW(t) ((sp_unix_ms)(t)*1000)

static void OTP_01_hotp_vectors_of_rfc_4226(void **state)
{
    (void)state;
    static const char *const want[] = {"755224", "287082", "359152", "969429", "338314",
                                       "254676", "287922", "162583", "399871", "520489"};
    char code[10];

    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(totp_hotp(view_str(seed20), i, TOTP_SHA1, 6, code), SP_OK);
        assert_string_equal(code, want[i]);
    }
}

static void OTP_02_totp_vectors_of_rfc_6238(void **state)
{
    (void)state;
    static const uint64_t at[] = {59,         1111111109, 1111111111,
                                  1234567890, 2000000000, UINT64_C(20000000000)};
    static const struct {
        enum totp_hash hash;
        const char *seed;
        const char *codes[6];
    } rows[] = {
        {TOTP_SHA1,
         "12345678901234567890",
         {"94287082", "07081804", "14050471", "89005924", "69279037", "65353130"}},
        {TOTP_SHA256,
         "12345678901234567890123456789012",
         {"46119246", "68084774", "67062674", "91819424", "90698825", "77737706"}},
        {TOTP_SHA512,
         "1234567890123456789012345678901234567890123456789012345678901234",
         {"90693936", "25091201", "99943326", "93441116", "38618901", "47863826"}},
    };
    char code[10];

    for (size_t r = 0; r < 3; r++)
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(totp_hotp(view_str(rows[r].seed), at[i] / 30, rows[r].hash, 8, code),
                             SP_OK);
            assert_string_equal(code, rows[r].codes[i]);
        }
    assert_int_equal(totp_hotp(view_str(seed20), 0, TOTP_SHA1, 0, code), SP_ERR_INVALID);
    assert_int_equal(totp_hotp(view_str(seed20), 0, TOTP_SHA1, 10, code), SP_ERR_INVALID);
    assert_int_equal(totp_hotp((struct view){0}, 0, TOTP_SHA1, 6, code), SP_ERR_INVALID);
    static const uint8_t longest[129];
    assert_int_equal(totp_hotp((struct view){longest, 128}, 0, TOTP_SHA1, 6, code), SP_OK);
    assert_int_equal(totp_hotp((struct view){longest, 129}, 0, TOTP_SHA1, 6, code), SP_ERR_INVALID);
    assert_int_equal(totp_hotp(view_str(seed20), 0, (enum totp_hash)(TOTP_SHA512 + 1), 6, code),
                     SP_ERR_INVALID);
}

/* C-013 and OTP-7: a code is text. */
/* `oathtool --totp --window 9` for a secret and a time: ten codes, one a line. Returns what came;
 * 0: no such program. */
static size_t ask_oathtool(const char *base32, uint64_t at, char *out, size_t room)
{
    char now[32];
    size_t n = 0;
    ssize_t got;
    int ends[2], state;
    pid_t child;

    (void)snprintf(now, sizeof now, "--now=@%llu", (unsigned long long)at);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(ends[1], STDOUT_FILENO) == STDOUT_FILENO)
            execlp("oathtool", "oathtool", "--totp", "--base32", "--window=9", now, base32,
                   (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    while (n + 1 < room && (got = read(ends[0], out + n, room - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &state, 0), child);
    if (WIFEXITED(state) && WEXITSTATUS(state) == 127)
        return 0;
    assert_true(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    return n;
}

/* A generator that shares no line with ours: 100 random secrets, 10 steps each, at times of two
 * centuries. */
static void OTP_02_a_thousand_codes_of_random_seeds_agree_with_oathtool(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        uint8_t seed[TOTP_SECRET_BYTES + 1], clock[4];
        char said[256], code[10];
        struct buf text;
        uint64_t at;

        random_bytes(seed, TOTP_SECRET_BYTES);
        random_bytes(clock, sizeof clock);
        at = ((uint64_t)clock[0] << 24 | (uint64_t)clock[1] << 16 | (uint64_t)clock[2] << 8 |
              clock[3]) +
             1000000000;
        buf_init(&text, 64);
        encode_base32((struct view){seed, TOTP_SECRET_BYTES}, &text);
        if (ask_oathtool(buf_cstr(&text), at, said, sizeof said) == 0) {
            buf_deinit(&text);
            print_message("no oathtool on this machine\n");
            skip();
        }
        assert_int_equal(strlen(said), 10 * (TOTP_DIGITS + 1));
        for (size_t i = 0; i < 10; i++) {
            assert_int_equal(totp_hotp((struct view){seed, TOTP_SECRET_BYTES}, at / TOTP_STEP_S + i,
                                       TOTP_SHA1, TOTP_DIGITS, code),
                             SP_OK);
            if (memcmp(said + i * (TOTP_DIGITS + 1), code, TOTP_DIGITS) != 0)
                fail_msg("%s at %llu, step %zu: %s, oathtool says %.6s", buf_cstr(&text),
                         (unsigned long long)at, i, code, said + i * (TOTP_DIGITS + 1));
        }
        buf_deinit(&text);
    }
}

static void OTP_07_codes_are_read_as_text(void **state)
{
    (void)state;
    static const struct {
        sp_unix_ms at;
        const char *typed;
        enum totp_verdict verdict;
    } rows[] = {
        {NOW(1111111109), "081804", TOTP_RIGHT},
        {NOW(1111111111), "050471", TOTP_RIGHT},
        {NOW(1234567890), "005924", TOTP_RIGHT},
        {NOW(1234567890), " 005 924 ", TOTP_RIGHT},
        {NOW(1234567890), "\t005924\r\n", TOTP_RIGHT},
        {NOW(1234567890), "5924", TOTP_WRONG},
        {NOW(1234567890), "0005924", TOTP_WRONG},
        {NOW(1234567890), "005924 0", TOTP_WRONG},
        {NOW(1234567890), "00 59 24", TOTP_WRONG},
        {NOW(1234567890), "005  924", TOTP_WRONG},
        {NOW(1234567890),
         "\xef\xbc\x90\xef\xbc\x90\xef\xbc\x95\xef\xbc\x99\xef\xbc\x92\xef\xbc\x94", TOTP_WRONG},
        {NOW(1234567890), "", TOTP_WRONG},
        {NOW(1234567890), "+05924", TOTP_WRONG},
        {NOW(1234567890),
         "\001"
         "005924",
         TOTP_WRONG},
        {NOW(1234567890), "0x5924", TOTP_WRONG},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct totp_result r =
            totp_check(view_str(seed20), view_str(rows[i].typed), rows[i].at, -1);
        if (r.verdict != rows[i].verdict)
            fail_msg("row %zu: '%s' gives %d", i, rows[i].typed, (int)r.verdict);
    }
    char read[TOTP_DIGITS + 1];
    assert_int_equal(totp_read(view_str(" 005 924 "), read), SP_OK);
    assert_string_equal(read, "005924");
    assert_int_equal(totp_read(view_str("00592"), read), SP_ERR_MALFORMED);
    assert_int_equal(totp_read(view_str("0059244"), read), SP_ERR_MALFORMED);
    assert_string_equal(read, "005924"); /* untouched */
    struct view nul = {(const uint8_t *)"00592\0004", 7};
    assert_int_equal(totp_check(view_str(seed20), nul, NOW(1234567890), -1).verdict, TOTP_WRONG);
}

/* OTP-3, C-014: one step each way is taken; ten each way tell about the clock. */
static void OTP_03_the_window_is_one_step_and_hints_reach_ten(void **state)
{
    (void)state;
    sp_unix_ms now = NOW(1234567890);
    int64_t now_step = now / 30000;

    for (int64_t offset = -11; offset <= 11; offset++) {
        char code[10];
        assert_int_equal(
            totp_hotp(view_str(seed20), (uint64_t)(now_step + offset), TOTP_SHA1, 6, code), SP_OK);
        struct totp_result r = totp_check(view_str(seed20), view_str(code), now, -1);
        enum totp_verdict want = offset < -10 || offset > 10 ? TOTP_WRONG
                                 : offset < -1               ? TOTP_BEHIND
                                 : offset > 1                ? TOTP_AHEAD
                                                             : TOTP_RIGHT;
        assert_int_equal(r.verdict, want);
        if (want == TOTP_RIGHT)
            assert_int_equal(r.step, now_step + offset);
        if (offset == -4)
            assert_int_equal(r.minutes_behind, 2);
        if (offset == -2)
            assert_int_equal(r.minutes_behind, 1);
        if (want == TOTP_AHEAD)
            assert_int_equal(r.minutes_behind, 0);
    }
}

static void OTP_04_a_step_is_taken_once_and_never_backwards(void **state)
{
    (void)state;
    sp_unix_ms now = NOW(1234567890);
    struct totp_result first = totp_check(view_str(seed20), view_str("005924"), now, -1);

    assert_int_equal(first.verdict, TOTP_RIGHT);
    assert_int_equal(totp_check(view_str(seed20), view_str("005924"), now, first.step).verdict,
                     TOTP_USED);
    assert_int_equal(totp_check(view_str(seed20), view_str("005924"), now, first.step + 5).verdict,
                     TOTP_USED);
}

static void OTP_05_a_clock_set_back_does_not_revive_a_step(void **state)
{
    (void)state;
    sp_unix_ms now = NOW(1234567890), hour = 3600 * 1000;
    char code[10];

    assert_int_equal(
        totp_hotp(view_str(seed20), (uint64_t)((now - hour) / 30000), TOTP_SHA1, 6, code), SP_OK);
    assert_int_equal(totp_check(view_str(seed20), view_str(code), now - hour, now / 30000).verdict,
                     TOTP_USED);
}

static void C_011_a_code_of_sha256_is_wrong(void **state)
{
    (void)state;
    sp_unix_ms now = NOW(1234567890);
    char code[10];

    assert_int_equal(totp_hotp(view_str(seed20), (uint64_t)(now / 30000), TOTP_SHA256, 6, code),
                     SP_OK);
    assert_int_equal(totp_check(view_str(seed20), view_str(code), now, -1).verdict, TOTP_WRONG);
}

static void OTP_06_the_uri_escapes_names_and_has_no_options(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 512);
    assert_int_equal(
        totp_uri(view_str(seed20), view_str("Sallyport"), view_str("alice@example.test"), &b),
        SP_OK);
    assert_string_equal(buf_cstr(&b), "otpauth://totp/Sallyport:alice%40example.test?secret="
                                      "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Sallyport");
    buf_reset(&b);
    assert_int_equal(totp_uri(view_str(seed20), view_str("A:B&C"), view_str("50% a?b"), &b), SP_OK);
    assert_string_equal(buf_cstr(&b), "otpauth://totp/A%3AB%26C:50%25%20a%3Fb?secret="
                                      "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A%3AB%26C");
    buf_deinit(&b);
}

/* Steps that don't exist are no codes, a factor without a seed has none, and a code that fits two
 * steps counts for the nearest. */
static void OTP_03_at_the_edges_of_time_and_of_chance(void **state)
{
    (void)state;
    static const int64_t doubled = 58021384; /* this step and a later one of its window: 493518 */

    struct totp_result r = totp_check(view_str(seed20), view_str("755224"), NOW(0), -1);
    assert_int_equal(r.verdict, TOTP_RIGHT);
    assert_int_equal(r.step, 0);
    assert_int_equal(totp_check((struct view){0}, view_str("755224"), NOW(0), -1).verdict,
                     TOTP_WRONG);
    r = totp_check(view_str(seed20), view_str("493518"), NOW(doubled * 30), -1);
    assert_int_equal(r.verdict, TOTP_RIGHT);
    assert_int_equal(r.step, doubled);
}

static void OTP_06_a_uri_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 60);
    buf_add_str(&b, "before");
    assert_int_equal(totp_uri(view_str(seed20), view_str("Sallyport"), view_str("alice"), &b),
                     SP_ERR_LIMIT);
    assert_int_equal(b.len, strlen("before"));
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(OTP_01_hotp_vectors_of_rfc_4226),
        cmocka_unit_test(OTP_02_totp_vectors_of_rfc_6238),
        cmocka_unit_test(OTP_02_a_thousand_codes_of_random_seeds_agree_with_oathtool),
        cmocka_unit_test(OTP_07_codes_are_read_as_text),
        cmocka_unit_test(OTP_03_the_window_is_one_step_and_hints_reach_ten),
        cmocka_unit_test(OTP_04_a_step_is_taken_once_and_never_backwards),
        cmocka_unit_test(OTP_05_a_clock_set_back_does_not_revive_a_step),
        cmocka_unit_test(C_011_a_code_of_sha256_is_wrong),
        cmocka_unit_test(OTP_06_the_uri_escapes_names_and_has_no_options),
        cmocka_unit_test(OTP_03_at_the_edges_of_time_and_of_chance),
        cmocka_unit_test(OTP_06_a_uri_that_does_not_fit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
