#include "broker/api/posture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOW = 1000000, MIN = 60 * 1000 };

#define SAYS(what) \
    .kind = VALUE_PASS_FAIL, .pass = (what), .source = "agent", .assurance = ASSURANCE_SIGNED
#define LIVE .observed_at = NOW - MIN, .expires_at = NOW + MIN
#define OVER .observed_at = NOW - 2 * MIN, .expires_at = NOW

static const struct {
    const char *name;
    struct fact_value values[2];
    size_t count;
    enum judged_verdict verdict;
    size_t decides; /* index into values; count: none */
    bool stale;
} cases[] = {
    {"never reported", {{0}}, 0, JUDGED_UNKNOWN, 0, false},
    {"a source without a value", {{.kind = VALUE_NONE}}, 1, JUDGED_UNKNOWN, 0, true},
    {"a source that could not tell, beside one that could",
     {{.kind = VALUE_NONE, .source = "mdm", LIVE}, {SAYS(true), LIVE}},
     2,
     JUDGED_PASS,
     1,
     false},
    {"pass", {{SAYS(true), LIVE}}, 1, JUDGED_PASS, 0, false},
    {"fail", {{SAYS(false), LIVE}}, 1, JUDGED_FAIL, 0, false},
    {"a pass in its last ms", {{SAYS(true), .expires_at = NOW + 1}}, 1, JUDGED_PASS, 0, false},
    {"a pass that is over", {{SAYS(true), OVER}}, 1, JUDGED_UNKNOWN, 0, true},
    {"a fail that is over", {{SAYS(false), OVER}}, 1, JUDGED_UNKNOWN, 0, true},
    {"a text passes nothing",
     {{.kind = VALUE_TEXT, .text = "13.2", .source = "agent", LIVE}},
     1,
     JUDGED_VALUE,
     0,
     false},
    {"nor does a number, even 0",
     {{.kind = VALUE_NUMBER, .number = 0, .source = "agent", LIVE}},
     1,
     JUDGED_VALUE,
     0,
     false},
    {"a number that is over",
     {{.kind = VALUE_NUMBER, .number = 7, .source = "agent", OVER}},
     1,
     JUDGED_UNKNOWN,
     0,
     true},
    {"TM-11: a pass never outvotes a live fail of a weaker source",
     {{SAYS(true), LIVE},
      {.kind = VALUE_PASS_FAIL, .source = "mdm", .assurance = ASSURANCE_SELF, LIVE}},
     2,
     JUDGED_FAIL,
     1,
     false},
    {"a fail that is over gives way to a live pass",
     {{SAYS(false), OVER}, {SAYS(true), LIVE}},
     2,
     JUDGED_PASS,
     1,
     false},
};

static void what_a_signal_says_now(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fact_signal s = {"x", cases[i].values, cases[i].count};
        struct judged j = posture_judge(&s, NOW);

        if (j.verdict != cases[i].verdict || j.stale != cases[i].stale)
            fail_msg("%s: verdict %d, stale %d", cases[i].name, (int)j.verdict, j.stale);
        if (cases[i].decides == cases[i].count)
            assert_null(j.value);
        else
            assert_ptr_equal(j.value, &cases[i].values[cases[i].decides]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(what_a_signal_says_now)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
