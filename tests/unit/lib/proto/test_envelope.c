#include "lib/proto/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static sp_error parse(const char *text, struct envelope *m)
{
    return envelope_parse(view_str(text), m);
}

static void a_call_has_type_and_number(void **state)
{
    (void)state;
    struct envelope m;

    assert_int_equal(parse("{\"t\":\"session.open\",\"i\":17,\"app\":\"wiki\"}", &m), SP_OK);
    assert_string_equal(m.type, "session.open");
    assert_int_equal(m.i, 17);
    assert_int_equal(m.re, 0);
    assert_false(m.is_error);
    assert_true(view_is(json_str(json_get(m.members, "app")), "wiki"));
    envelope_deinit(&m);
}

static void an_answer_names_its_call(void **state)
{
    (void)state;
    struct envelope m;

    assert_int_equal(parse("{\"re\":17,\"i\":2,\"x\":1}", &m), SP_OK);
    assert_string_equal(m.type, "");
    assert_int_equal(m.re, 17);
    envelope_deinit(&m);
}

static void a_refusal_has_code_text_and_perhaps_a_request(void **state)
{
    (void)state;
    struct envelope m;

    assert_int_equal(parse("{\"re\":1,\"i\":2,\"error\":{\"code\":\"denied\",\"text\":\"No.\","
                           "\"request\":\"R-1\"}}",
                           &m),
                     SP_OK);
    assert_true(m.is_error);
    assert_true(view_is(m.code, "denied"));
    assert_true(view_is(m.text, "No."));
    assert_true(view_is(m.request, "R-1"));
    envelope_deinit(&m);
}

static void doubtful_messages_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "1",
        "{}",
        "{\"t\":\"a\"}",
        "{\"i\":1}",
        "{\"t\":\"a\",\"i\":0}",
        "{\"t\":\"a\",\"i\":-1}",
        "{\"t\":\"a\",\"i\":1.5}",
        "{\"t\":\"a\",\"i\":\"1\"}",
        "{\"t\":\"a\",\"i\":9223372036854775808}",
        "{\"t\":\"\",\"i\":1}",
        "{\"t\":\"A\",\"i\":1}",
        "{\"t\":\"a.b.c\",\"i\":1}",
        "{\"t\":\".a\",\"i\":1}",
        "{\"t\":\"a.\",\"i\":1}",
        "{\"t\":\"a b\",\"i\":1}",
        "{\"t\":\"abcdefghijklmnopqrstuvwxyzabcdefg\",\"i\":1}",
        "{\"t\":\"a\",\"i\":1,\"re\":1}",
        "{\"t\":\"a\",\"i\":1,\"error\":{\"code\":\"x\",\"text\":\"y\"}}",
        "{\"re\":0,\"i\":1}",
        "{\"re\":1,\"i\":1,\"error\":{\"code\":\"x\"}}",
        "{\"re\":1,\"i\":1,\"error\":{\"code\":\"x\",\"text\":\"y\",\"z\":1}}",
        "{\"re\":1,\"i\":1,\"error\":\"x\"}",
        "{\"re\":1,\"i\":1,\"x\":1,\"error\":{\"code\":\"x\",\"text\":\"y\"}}",
        "{\"t\":\"a\",\"t\":\"a\",\"i\":1}",
        "{\"t\":\"a\",\"i\":1} x",
        "{\"t\":\"a\",\"i\":1,\"x\":\"\\ud800\"}",
    };
    struct envelope m;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(bad[i], &m) == SP_OK)
            fail_msg("taken: %s", bad[i]);
}

static void depth_ends_at_16(void **state)
{
    (void)state;
    struct envelope m;
    struct buf b;

    for (int depth = 15; depth <= 16; depth++) {
        buf_init(&b, 1000);
        buf_add_str(&b, "{\"t\":\"a\",\"i\":1,\"x\":");
        for (int i = 0; i < depth; i++)
            buf_add_byte(&b, '[');
        for (int i = 0; i < depth; i++)
            buf_add_byte(&b, ']');
        buf_add_byte(&b, '}');
        sp_error e = envelope_parse(buf_view(&b), &m);
        assert_int_equal(e == SP_OK, depth == 15);
        if (e == SP_OK)
            envelope_deinit(&m);
        buf_deinit(&b);
    }
}

static void size_ends_at_64_kib_in_both_directions(void **state)
{
    (void)state;
    struct envelope m;
    struct buf b, out;

    buf_init(&b, ENVELOPE_BYTES_MAX + 10);
    buf_add_str(&b, "{\"t\":\"a\",\"i\":1,\"x\":\"");
    while (b.len < ENVELOPE_BYTES_MAX - 2)
        buf_add_byte(&b, 'x');
    buf_add_str(&b, "\"}");
    assert_int_equal(b.len, ENVELOPE_BYTES_MAX);
    assert_int_equal(envelope_parse(buf_view(&b), &m), SP_OK);
    buf_init(&out, 2 * ENVELOPE_BYTES_MAX);
    assert_int_equal(envelope_write("a", 12, 0, json_copy(m.members), &out), SP_ERR_LIMIT);
    assert_int_equal(out.len, 0);
    envelope_deinit(&m);
    buf_add_byte(&b, ' ');
    assert_int_equal(envelope_parse(buf_view(&b), &m), SP_ERR_LIMIT);
    buf_deinit(&b);
    buf_deinit(&out);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct envelope m;
    struct buf b;
    struct json *members = json_object();

    buf_init(&b, ENVELOPE_BYTES_MAX);
    json_set_cstr(members, "app", "wiki");
    assert_int_equal(envelope_write("session.open", 3, 0, members, &b), SP_OK);
    assert_int_equal(envelope_parse(buf_view(&b), &m), SP_OK);
    assert_string_equal(m.type, "session.open");
    assert_int_equal(m.i, 3);
    envelope_deinit(&m);

    buf_reset(&b);
    assert_int_equal(envelope_write(NULL, 4, 3, NULL, &b), SP_OK);
    assert_int_equal(envelope_parse(buf_view(&b), &m), SP_OK);
    assert_int_equal(m.re, 3);
    envelope_deinit(&m);

    buf_reset(&b);
    assert_int_equal(envelope_write_error(5, 3, "denied", "No.", NULL, &b), SP_OK);
    assert_int_equal(envelope_parse(buf_view(&b), &m), SP_OK);
    assert_int_equal(envelope_error_of(m.code), SP_ERR_DENIED);
    envelope_deinit(&m);
    buf_deinit(&b);
}

static void codes_go_both_ways(void **state)
{
    (void)state;
    assert_int_equal(envelope_error_of(view_str(envelope_code_of(SP_ERR_REPLAY))), SP_ERR_REPLAY);
    assert_string_equal(envelope_code_of(SP_ERR_CORRUPT), "internal");
    assert_int_equal(envelope_error_of(view_str("no_such_word")), SP_ERR_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_has_type_and_number),
        cmocka_unit_test(an_answer_names_its_call),
        cmocka_unit_test(a_refusal_has_code_text_and_perhaps_a_request),
        cmocka_unit_test(doubtful_messages_are_refused),
        cmocka_unit_test(depth_ends_at_16),
        cmocka_unit_test(size_ends_at_64_kib_in_both_directions),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(codes_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
