#include "client/agent/ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ends e;

static int fresh(void **state)
{
    (void)state;
    ends_init(&e, 1795600000000);
    return 0;
}

static struct sp_id id_of(unsigned n)
{
    struct sp_id id = {{0}};

    id.bytes[0] = (uint8_t)(n >> 8);
    id.bytes[1] = (uint8_t)n;
    id.bytes[2] = 1;
    return id;
}

static void a_session_is_remembered_with_its_reason(void **state)
{
    struct refusal why = refusal_make(EXIT_SESSION, "killed", "Ended.", "An administrator.", "");

    (void)state;
    assert_null(ends_why(&e, id_of(1)));
    ends_session(&e, id_of(1), &why);
    assert_non_null(ends_why(&e, id_of(1)));
    assert_string_equal(ends_why(&e, id_of(1))->code, "killed");
    assert_null(ends_why(&e, id_of(2)));
}

static void an_empty_place_is_no_session_with_a_zero_id(void **state)
{
    (void)state;
    assert_null(ends_why(&e, (struct sp_id){{0}}));
}

static void the_oldest_sessions_are_forgotten(void **state)
{
    struct refusal why = refusal_make(EXIT_SESSION, "idle", "Ended.", "", "");

    (void)state;
    for (unsigned i = 0; i <= ENDS_SESSIONS; i++)
        ends_session(&e, id_of(i), &why);
    assert_null(ends_why(&e, id_of(0)));
    assert_non_null(ends_why(&e, id_of(1)));
    assert_non_null(ends_why(&e, id_of(ENDS_SESSIONS)));
}

static void a_pipe_is_open_until_it_ended_and_then_clean_or_broken(void **state)
{
    int64_t one = ends_new_pipe(&e), two = ends_new_pipe(&e);

    (void)state;
    assert_int_not_equal(one, two);
    assert_int_equal(ends_of_pipe(&e, one), PIPE_OPEN);
    ends_pipe(&e, one, false);
    ends_pipe(&e, two, true);
    assert_int_equal(ends_of_pipe(&e, one), PIPE_CLEAN);
    assert_int_equal(ends_of_pipe(&e, two), PIPE_BROKEN);
}

static void numbers_that_were_never_given_are_unknown(void **state)
{
    int64_t one = ends_new_pipe(&e);

    (void)state;
    assert_int_equal(ends_of_pipe(&e, 0), PIPE_UNKNOWN);
    assert_int_equal(ends_of_pipe(&e, one - 1), PIPE_UNKNOWN);
    assert_int_equal(ends_of_pipe(&e, one + 1), PIPE_UNKNOWN);
}

static void an_agent_that_was_started_again_knows_no_pipe_of_the_one_before(void **state)
{
    int64_t old = ends_new_pipe(&e);

    (void)state;
    ends_pipe(&e, old, false);
    ends_init(&e, 1795600000001);
    assert_int_equal(ends_of_pipe(&e, old), PIPE_UNKNOWN);
    assert_int_not_equal(ends_new_pipe(&e), old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_session_is_remembered_with_its_reason, fresh),
        cmocka_unit_test_setup(an_empty_place_is_no_session_with_a_zero_id, fresh),
        cmocka_unit_test_setup(the_oldest_sessions_are_forgotten, fresh),
        cmocka_unit_test_setup(a_pipe_is_open_until_it_ended_and_then_clean_or_broken, fresh),
        cmocka_unit_test_setup(numbers_that_were_never_given_are_unknown, fresh),
        cmocka_unit_test_setup(an_agent_that_was_started_again_knows_no_pipe_of_the_one_before,
                               fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
