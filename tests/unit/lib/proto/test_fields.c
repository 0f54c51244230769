#include "lib/proto/login.h"
#include "lib/proto/opening.h"
#include "lib/proto/posture.h"
#include "lib/proto/registry.h"
#include "lib/proto/relay.h"
#include "lib/proto/session.h"
#include "tests/unit/lib/proto/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct json *text(const char *s)
{
    struct json *j = NULL;

    assert_int_equal(json_parse(view_str(s), 65536, NULL, &j), SP_OK);
    return j;
}

static void an_answer_with_lists_goes_there_and_back(void **state)
{
    (void)state;
    static struct session_open_answer in, out;
    in = (struct session_open_answer){
        .decision = SESSION_DENY,
        .code = view_str("requirement"),
        .reasons = {{view_str("posture"), view_str("Disk encryption: off")},
                    {view_str("device"), view_str("This device waits")}},
        .reason_count = 2,
        .remedies = {view_str("Turn it on")},
        .remedy_count = 1,
        .posture_only = true,
        .request = view_str("R-7Q2M4K9C"),
    };
    struct json *j = fields_write(session_open_answer_fields, &in);

    assert_non_null(j);
    assert_null(json_get(j, "grant"));
    assert_int_equal(fields_read(j, session_open_answer_fields, NULL, &out), SP_OK);
    assert_int_equal(out.decision, SESSION_DENY);
    assert_int_equal(out.reason_count, 2);
    assert_true(view_is(out.reasons[1].text, "This device waits"));
    assert_true(out.posture_only);
    assert_int_equal(out.grant.len, 0);
    json_free(j);
}

/* "t", "i", "re" and "error" are the envelope's own: an answer with such a member is no answer. */
static void no_message_names_a_member_of_the_envelope(void **state)
{
    static const char *const own[] = {"t", "i", "re", "error"};
    (void)state;

    for (size_t i = 0; i < sizeof message_tables / sizeof *message_tables; i++)
        for (const struct field *f = message_tables[i]; f->name != NULL; f++)
            for (size_t o = 0; o < sizeof own / sizeof *own; o++)
                assert_string_not_equal(f->name, own[o]);
}

static void live_entries_go_there_and_back(void **state)
{
    (void)state;
    static struct live_delta in, out;
    in = (struct live_delta){
        .opened = {{.session = {{1}},
                    .app = {{2}},
                    .connector = {{3}},
                    .relay = {{4}},
                    .device = view_str("ed25519:x"),
                    .policy = 7,
                    .deadline = 8,
                    .opened = 9}},
        .opened_count = 1,
        .closed = {{.session = {{5}}, .why = view_str("idle"), .up = 10, .down = 11, .ms = 12}},
        .closed_count = 1,
    };
    struct json *j = fields_write(live_delta_fields, &in);

    assert_non_null(j);
    assert_int_equal(fields_read(j, live_delta_fields, NULL, &out), SP_OK);
    assert_int_equal(out.opened_count, 1);
    assert_int_equal(out.opened[0].deadline, 8);
    assert_true(id_equal(out.closed[0].session, in.closed[0].session));
    assert_int_equal(out.bytes_count, 0);
    json_free(j);
}

#define ID "AAAAAAAAAAAAAAAAAAAAAQ"

static const struct {
    const struct field *table;
    const char *text;
    sp_error e;
    const char *field; /* that why names */
} rows[] = {
    {session_open_fields, "{\"t\":\"session.open\",\"i\":1,\"app\":\"wiki\"}", SP_OK, ""},
    {session_open_fields, "{\"app\":\"wiki\",\"not\":[\"" ID "\"]}", SP_OK, ""},
    {session_open_fields, "{}", SP_ERR_MALFORMED, "app"},
    {session_open_fields, "{\"app\":\"\"}", SP_ERR_MALFORMED, "app"},
    {session_open_fields, "{\"app\":1}", SP_ERR_MALFORMED, "app"},
    {session_open_fields, "{\"app\":null}", SP_ERR_MALFORMED, "app"},
    {session_open_fields, "{\"app\":\"a\",\"user\":\"root\"}", SP_ERR_MALFORMED, "user"},
    {session_open_fields, "{\"app\":\"a\",\"not\":\"" ID "\"}", SP_ERR_MALFORMED, "not"},
    {session_open_fields, "{\"app\":\"a\",\"not\":[\"x\"]}", SP_ERR_MALFORMED, "not"},
    {session_open_fields, "{\"app\":\"a\",\"not\":[\"" ID "\",\"" ID "\",\"" ID "\",\"" ID "\"]}",
     SP_ERR_LIMIT, "not"},
    {session_open_fields, "{\"app\":\"a\",\"session\":\"short\"}", SP_ERR_MALFORMED, "session"},
    {session_limit_fields, "{\"session\":\"" ID "\",\"until\":-1,\"why\":\"x\"}", SP_ERR_MALFORMED,
     "until"},
    {login_end_fields, "{\"everywhere\":1}", SP_ERR_MALFORMED, "everywhere"},
    {login_end_fields, "{}", SP_OK, ""},
    {login_factor_fields,
     "{\"code\":\"012345678901234567890123456789012345678901234567890123456789"
     "01234\"}",
     SP_ERR_LIMIT, "code"},
    {posture_nonce_answer_fields, "{\"nonce\":\"AAAA\",\"until\":1}", SP_ERR_MALFORMED, "nonce"},
    {posture_report_fields, "{\"bytes\":\"a+b\",\"sig\":\"x\"}", SP_ERR_MALFORMED, "bytes"},
    {relay_open_fields, "{\"grant\":\"g\",\"ticket\":\"" ID "\",\"mode\":\"cut\"}", SP_OK, ""},
    {relay_open_fields, "{\"grant\":\"g\",\"ticket\":\"" ID "\",\"mode\":\"CUT\"}",
     SP_ERR_MALFORMED, "mode"},
    {stand_at_fields, "{\"at\":[{\"id\":\"" ID "\",\"generation\":1,\"i\":3}],\"last\":true}",
     SP_ERR_MALFORMED, "i"}, /* outer names are outer only */
    {session_open_fields, "[]", SP_ERR_MALFORMED, ""},
};

static void strictness_of_reading(void **state)
{
    (void)state;
    static union {
        struct session_open a;
        struct session_limit b;
        struct login_factor c;
        struct posture_report d;
        struct relay_open e;
        struct stand_at f;
        struct posture_nonce_answer g;
    } out;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *j = text(rows[i].text);
        struct sp_why why = {0};
        sp_error e = fields_read(j, rows[i].table, &why, &out);
        if (e != rows[i].e || strcmp(why.field, rows[i].field) != 0)
            fail_msg("%s: %s at '%s'", rows[i].text, sp_error_code(e), why.field);
        json_free(j);
    }
}

static void a_message_that_breaks_its_own_table_is_not_written(void **state)
{
    (void)state;
    struct session_open no_app = {0};
    struct relay_open no_mode = {.grant = view_str("g"), .ticket = {{1}}};

    assert_null(fields_write(session_open_fields, &no_app));
    assert_null(fields_write(relay_open_fields, &no_mode));
}

static void absent_members_are_zero_after_reading_over_old_content(void **state)
{
    (void)state;
    struct session_open out = {.not_count = 2, .session = {{9}}};
    struct json *j = text("{\"app\":\"a\"}");

    assert_int_equal(fields_read(j, session_open_fields, NULL, &out), SP_OK);
    assert_int_equal(out.not_count, 0);
    assert_true(id_is_zero(out.session));
    json_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_with_lists_goes_there_and_back),
        cmocka_unit_test(no_message_names_a_member_of_the_envelope),
        cmocka_unit_test(live_entries_go_there_and_back),
        cmocka_unit_test(strictness_of_reading),
        cmocka_unit_test(a_message_that_breaks_its_own_table_is_not_written),
        cmocka_unit_test(absent_members_are_zero_after_reading_over_old_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
