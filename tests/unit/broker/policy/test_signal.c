/* Facts with several sources: ECOSYSTEM.md section 1.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/policy/decide.h"

enum { MIN = 60 * 1000, NOW = 1000 * MIN };

#define PASS(from, how, age, ttl)                                                         \
    {                                                                                     \
        VALUE_PASS_FAIL, true, 0, NULL, from, NULL, how, NOW - (age), NOW - (age) + (ttl) \
    }
#define FAIL(from, how, age, ttl)                                                          \
    {                                                                                      \
        VALUE_PASS_FAIL, false, 0, NULL, from, NULL, how, NOW - (age), NOW - (age) + (ttl) \
    }
#define TEXT(value, from, how, age, ttl)                                               \
    {                                                                                  \
        VALUE_TEXT, false, 0, value, from, NULL, how, NOW - (age), NOW - (age) + (ttl) \
    }
#define NUMBER(value, from, how, age, ttl)                                                  \
    {                                                                                       \
        VALUE_NUMBER, false, value, NULL, from, NULL, how, NOW - (age), NOW - (age) + (ttl) \
    }
#define SIGNED ASSURANCE_SIGNED
#define VENDOR ASSURANCE_VENDOR

static const struct test_value pass = {VALUE_PASS_FAIL, true, 0, NULL};
static const struct test_value fail = {VALUE_PASS_FAIL, false, 0, NULL};
static const struct test_value v1_10 = {VALUE_TEXT, false, 0, "1.10"};
static const struct test_value n70 = {VALUE_NUMBER, false, 70, "70"};
static const struct test_value words[] = {{VALUE_TEXT, false, 0, "debian"},
                                          {VALUE_TEXT, false, 0, "ubuntu"}};

#define IS(value, age, least)                    \
    {                                            \
        "s", TEST_IS, &(value), 1, age, least, 0 \
    }
#define OP(op, value)                      \
    {                                      \
        "s", op, &(value), 1, 0, SIGNED, 0 \
    }

static const struct {
    const char *name;
    struct fact_value values[3];
    size_t count;
    struct signal_test test;
    enum tri want;
} rows[] = {
    {"never reported", {{0}}, 0, IS(pass, 0, SIGNED), TRI_UNKNOWN},
    {"pass", {PASS("agent", SIGNED, MIN, 15 * MIN)}, 1, IS(pass, 0, SIGNED), TRI_YES},
    {"TM_11 agent pass, vendor fail",
     {PASS("agent", SIGNED, MIN, 15 * MIN), FAIL("mdm", VENDOR, 9 * MIN, 20 * MIN)},
     2,
     IS(pass, 0, SIGNED),
     TRI_NO},
    {"fail older than max_age still counts",
     {FAIL("mdm", VENDOR, 90 * MIN, 200 * MIN), PASS("agent", SIGNED, MIN, 15 * MIN)},
     2,
     IS(pass, 10 * MIN, SIGNED),
     TRI_NO},
    {"fail of lower assurance still counts",
     {FAIL("agent", ASSURANCE_SELF, MIN, 9 * MIN), PASS("mdm", VENDOR, MIN, 15 * MIN)},
     2,
     IS(pass, 0, VENDOR),
     TRI_NO},
    {"expired fail does not exist",
     {FAIL("mdm", VENDOR, 90 * MIN, 90 * MIN), PASS("agent", SIGNED, MIN, 15 * MIN)},
     2,
     IS(pass, 0, SIGNED),
     TRI_YES},
    {"in its last ms", {PASS("agent", SIGNED, MIN, MIN + 1)}, 1, IS(pass, 0, SIGNED), TRI_YES},
    {"expired this ms", {PASS("agent", SIGNED, MIN, MIN)}, 1, IS(pass, 0, SIGNED), TRI_UNKNOWN},
    {"age is max_age",
     {PASS("agent", SIGNED, 5 * MIN, 15 * MIN)},
     1,
     IS(pass, 5 * MIN, SIGNED),
     TRI_YES},
    {"1 ms above max_age",
     {PASS("agent", SIGNED, 5 * MIN + 1, 15 * MIN)},
     1,
     IS(pass, 5 * MIN, SIGNED),
     TRI_UNKNOWN},
    {"self is below the default",
     {PASS("agent", ASSURANCE_SELF, MIN, 15 * MIN)},
     1,
     IS(pass, 0, SIGNED),
     TRI_UNKNOWN},
    {"from the future", {PASS("agent", SIGNED, -1, 15 * MIN)}, 1, IS(pass, 0, SIGNED), TRI_UNKNOWN},
    {"is: fail of a fail", {FAIL("agent", SIGNED, MIN, 15 * MIN)}, 1, IS(fail, 0, SIGNED), TRI_YES},
    {"is: fail of a pass", {PASS("agent", SIGNED, MIN, 15 * MIN)}, 1, IS(fail, 0, SIGNED), TRI_NO},
    {"is: fail of nothing", {{0}}, 1, IS(fail, 0, SIGNED), TRI_UNKNOWN},
    {"a text is no pass",
     {TEXT("yes", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     IS(pass, 0, SIGNED),
     TRI_UNKNOWN},
    {"1.9 is below 1.10",
     {TEXT("1.9", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     OP(TEST_AT_LEAST, v1_10),
     TRI_NO},
    {"1.10 is 1.10",
     {TEXT("1.10", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     OP(TEST_AT_LEAST, v1_10),
     TRI_YES},
    {"1.10.0 is 1.10",
     {TEXT("1.10.0", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     OP(TEST_AT_MOST, v1_10),
     TRI_YES},
    {"2 is above",
     {TEXT("2", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     OP(TEST_AT_LEAST, v1_10),
     TRI_YES},
    {"1.11-rc1 is above",
     {TEXT("1.11-rc1", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     OP(TEST_AT_LEAST, v1_10),
     TRI_YES},
    {"C_016 rolling has no version",
     {TEXT("rolling", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     OP(TEST_AT_LEAST, v1_10),
     TRI_UNKNOWN},
    {"a number is no version",
     {NUMBER(2, "agent", SIGNED, MIN, 15 * MIN)},
     1,
     OP(TEST_AT_LEAST, v1_10),
     TRI_UNKNOWN},
    {"score", {NUMBER(70, "falcon", VENDOR, MIN, 15 * MIN)}, 1, OP(TEST_AT_LEAST, n70), TRI_YES},
    {"score too low",
     {NUMBER(69.9, "falcon", VENDOR, MIN, 15 * MIN)},
     1,
     OP(TEST_AT_LEAST, n70),
     TRI_NO},
    {"higher assurance wins over newer",
     {NUMBER(90, "agent", SIGNED, MIN, 15 * MIN), NUMBER(50, "mdm", VENDOR, 9 * MIN, 15 * MIN)},
     2,
     OP(TEST_AT_LEAST, n70),
     TRI_NO},
    {"then the newest",
     {NUMBER(90, "a", VENDOR, 2 * MIN, 15 * MIN), NUMBER(50, "b", VENDOR, MIN, 15 * MIN)},
     2,
     OP(TEST_AT_LEAST, n70),
     TRI_NO},
    {"one_of",
     {TEXT("ubuntu", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     {"s", TEST_ONE_OF, words, 2, 0, SIGNED, 0},
     TRI_YES},
    {"none of",
     {TEXT("arch", "agent", SIGNED, MIN, 15 * MIN)},
     1,
     {"s", TEST_ONE_OF, words, 2, 0, SIGNED, 0},
     TRI_NO},
};

static void every_row_in_both_orders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int turned = 0; turned < 2; turned++) {
            struct fact_value values[3];
            for (size_t k = 0; k < rows[i].count; k++)
                values[k] = rows[i].values[turned ? rows[i].count - 1 - k : k];
            const struct fact_signal s = {"s", values, rows[i].count};
            const struct facts f = {.now = NOW, .signals = &s, .signal_count = 1};
            enum tri got = signal_test_value(&rows[i].test, &f);
            if (got != rows[i].want)
                fail_msg("%s: %s", rows[i].name, tri_word(got));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_in_both_orders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
