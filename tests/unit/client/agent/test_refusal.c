/* What a denial, an error answer and an ended tunnel become for the person: code, word, sentence.
 */
#include "client/agent/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_decision_is_denial_posture_or_step_up(void **state)
{
    static const struct {
        enum session_decision decision;
        bool posture_only;
        enum exit_code exit;
        const char *what;
    } rows[] = {
        {SESSION_DENY, false, EXIT_DENIED, "Denied: payroll."},
        {SESSION_DENY, true, EXIT_POSTURE, "Denied: payroll."},
        {SESSION_STEP_UP, false, EXIT_STEP_UP, "payroll needs a newer proof."},
        {SESSION_UNDECIDED, false, EXIT_DENIED, "Denied: payroll."}, /* zero is no */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct session_open_answer a = {.decision = (int)rows[i].decision,
                                        .posture_only = rows[i].posture_only,
                                        .reason_count = 2,
                                        .remedy_count = 1,
                                        .request = view_str("R-1")};
        a.reasons[0].text = view_str("Disk encryption: off.");
        a.reasons[1].text = view_str("Screen lock: unknown.");
        a.remedies[0] = view_str("Turn encryption on.");
        struct refusal r = refusal_decision("payroll", &a);

        assert_int_equal(r.exit, rows[i].exit);
        assert_string_equal(r.what, rows[i].what);
        assert_string_equal(r.why, "Disk encryption: off. Screen lock: unknown.");
        assert_string_equal(r.next, "Turn encryption on.");
        assert_string_equal(r.request, "R-1");
    }
}

static void an_error_answer_has_the_code_of_its_word(void **state)
{
    static const struct {
        const char *code;
        enum exit_code exit;
    } rows[] = {
        {"login", EXIT_LOGIN},
        {"expired", EXIT_LOGIN},
        {"step_up", EXIT_STEP_UP},
        {"denied", EXIT_DENIED},
        {"unreachable", EXIT_UNREACHABLE},
        {"timeout", EXIT_UNREACHABLE},
        {"busy", EXIT_UNREACHABLE},
        {"integrity", EXIT_INTEGRITY},
        {"a word of tomorrow", EXIT_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct envelope m = {.code = view_str(rows[i].code), .text = view_str("said so")};
        struct refusal r = refusal_call("No session.", SP_ERR_REFUSED, &m);

        assert_int_equal(r.exit, rows[i].exit);
        assert_string_equal(r.what, "No session.");
        assert_string_equal(r.why, "said so");
    }
}

static void a_streams_answer_is_a_denial_only_from_the_floor(void **state)
{
    static const struct {
        int status;
        enum exit_code exit;
    } rows[] = {{200, EXIT_OK},          {403, EXIT_DENIED},      {404, EXIT_UNREACHABLE},
                {502, EXIT_UNREACHABLE}, {504, EXIT_UNREACHABLE}, {0, EXIT_UNREACHABLE}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(refusal_stream(rows[i].status).exit, rows[i].exit);
}

static void no_answer_is_unreachable(void **state)
{
    struct refusal late = refusal_call("No session.", SP_ERR_TIMEOUT, NULL);
    struct refusal gone = refusal_call("No session.", SP_ERR_CLOSED, NULL);

    (void)state;
    assert_int_equal(late.exit, EXIT_UNREACHABLE);
    assert_string_equal(late.code, "timeout");
    assert_int_equal(gone.exit, EXIT_UNREACHABLE);
    assert_string_equal(gone.code, "unreachable");
}

static void without_a_channel_the_cause_decides(void **state)
{
    struct dialer_lost plain = {.error = SP_ERR_TIMEOUT}, pin = {.error = SP_ERR_AUDIENCE};

    (void)state;
    assert_int_equal(refusal_offline("", &plain).exit, EXIT_LOGIN);
    assert_int_equal(refusal_offline("https://b", &plain).exit, EXIT_UNREACHABLE);
    assert_int_equal(refusal_offline("https://b", &pin).exit, EXIT_INTEGRITY);
}

static void an_ended_tunnel_says_how_it_ended(void **state)
{
    static const struct {
        enum tunnel_why why;
        bool was_up;
        const char *code;
        enum exit_code exit;
        const char *said;
    } rows[] = {
        {TUNNEL_CUT, true, "killed", EXIT_SESSION, "killed"},
        {TUNNEL_CUT, true, "revoked", EXIT_SESSION, "revoked"},
        {TUNNEL_CUT, false, "floor", EXIT_DENIED, "floor"},
        {TUNNEL_IDLE, true, "", EXIT_SESSION, "idle"},
        {TUNNEL_DEADLINE, true, "", EXIT_SESSION, "deadline"},
        {TUNNEL_UNTRUSTED, false, "", EXIT_INTEGRITY, "integrity"},
        {TUNNEL_LOST, true, "", EXIT_UNREACHABLE, "unreachable"},
        {TUNNEL_FAULT, false, "", EXIT_UNREACHABLE, "unreachable"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tunnel_report report = {.why = rows[i].why, .was_up = rows[i].was_up};
        view_copy(report.code, sizeof report.code, view_str(rows[i].code));
        struct refusal r = refusal_tunnel("wiki", &report);

        assert_int_equal(r.exit, rows[i].exit);
        assert_string_equal(r.code, rows[i].said);
        assert_true(strstr(r.what, "wiki") != NULL && r.why[0] != '\0');
    }
}

static void the_longest_texts_are_cut_and_never_overrun(void **state)
{
    static char longest[4096];
    struct session_open_answer a = {.decision = SESSION_DENY, .reason_count = 3, .remedy_count = 3};

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    for (size_t i = 0; i < 3; i++) {
        a.reasons[i].text = view_str(longest);
        a.remedies[i] = view_str(longest);
    }
    a.code = a.request = view_str(longest);
    struct refusal r = refusal_decision(longest, &a);
    assert_int_equal(strlen(r.why), sizeof r.why - 1);
    assert_int_equal(strlen(r.next), sizeof r.next - 1);
    assert_int_equal(strlen(r.what), sizeof r.what - 1);
    assert_int_equal(strlen(r.code), sizeof r.code - 1);
    assert_int_equal(strlen(r.request), sizeof r.request - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_is_denial_posture_or_step_up),
        cmocka_unit_test(an_error_answer_has_the_code_of_its_word),
        cmocka_unit_test(a_streams_answer_is_a_denial_only_from_the_floor),
        cmocka_unit_test(no_answer_is_unreachable),
        cmocka_unit_test(without_a_channel_the_cause_decides),
        cmocka_unit_test(an_ended_tunnel_says_how_it_ended),
        cmocka_unit_test(the_longest_texts_are_cut_and_never_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
