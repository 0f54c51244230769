#include "lib/http/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void fields_are_decoded(void **state)
{
    (void)state;
    struct form f;

    assert_int_equal(form_parse(view_str("user=anna+b&pw=%26%3D%25&empty=&bare"), &f), SP_OK);
    assert_int_equal(f.count, 4);
    assert_true(view_is(form_get(&f, "user"), "anna b"));
    assert_true(view_is(form_get(&f, "pw"), "&=%"));
    assert_true(form_has(&f, "empty"));
    assert_int_equal(form_get(&f, "empty").len, 0);
    assert_true(form_has(&f, "bare"));
    assert_false(form_has(&f, "absent"));
    assert_int_equal(form_get(&f, "absent").len, 0);
    form_deinit(&f);
}

static void an_empty_body_is_a_form_without_fields(void **state)
{
    (void)state;
    struct form f;

    assert_int_equal(form_parse((struct view){0}, &f), SP_OK);
    assert_int_equal(f.count, 0);
    form_deinit(&f);
}

static void a_value_may_hold_an_equals_sign(void **state)
{
    (void)state;
    struct form f;

    assert_int_equal(form_parse(view_str("a=b=c"), &f), SP_OK);
    assert_true(view_is(form_get(&f, "a"), "b=c"));
    form_deinit(&f);
}

static void doubtful_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a=1&a=2",  "a=1&%61=2", "=1",    "&",     "a=1&",  "&a=1",
        "a=1&&b=2", "a=%",       "a=%zz", "a=%00", "a=%ff", "%00=1",
    };
    struct form f;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (form_parse(view_str(bad[i]), &f) != SP_ERR_MALFORMED)
            fail_msg("%s", bad[i]);
}

static void a_form_has_at_most_64_fields_and_64_kib(void **state)
{
    (void)state;
    struct buf b;
    struct form f;

    buf_init(&b, 2 * FORM_BYTES_MAX);
    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        buf_addf(&b, "%sf%d=1", i ? "&" : "", i);
    assert_int_equal(form_parse(buf_view(&b), &f), SP_OK);
    assert_int_equal(f.count, FORM_FIELDS_MAX);
    form_deinit(&f);
    buf_add_str(&b, "&one=more");
    assert_int_equal(form_parse(buf_view(&b), &f), SP_ERR_LIMIT);

    buf_reset(&b);
    buf_add_str(&b, "a=");
    while (b.len < FORM_BYTES_MAX)
        buf_add_byte(&b, 'x');
    assert_int_equal(form_parse(buf_view(&b), &f), SP_OK);
    form_deinit(&f);
    buf_add_byte(&b, 'x');
    assert_int_equal(form_parse(buf_view(&b), &f), SP_ERR_LIMIT);
    buf_deinit(&b);
}

static void what_form_add_writes_form_parse_reads(void **state)
{
    (void)state;
    struct buf b;
    struct form f;

    buf_init(&b, 1000);
    form_add(&b, "grant_type", view_str("authorization_code"));
    form_add(&b, "code", view_str("a+b&c=d %\xc3\xb6"));
    assert_int_equal(form_parse(buf_view(&b), &f), SP_OK);
    assert_true(view_is(form_get(&f, "code"), "a+b&c=d %\xc3\xb6"));
    form_deinit(&f);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_decoded),
        cmocka_unit_test(an_empty_body_is_a_form_without_fields),
        cmocka_unit_test(a_value_may_hold_an_equals_sign),
        cmocka_unit_test(doubtful_forms_are_refused),
        cmocka_unit_test(a_form_has_at_most_64_fields_and_64_kib),
        cmocka_unit_test(what_form_add_writes_form_parse_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
