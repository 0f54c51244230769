#include "lib/base/encode.h"
#include "lib/http/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct buf out;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_deinit(&out);
    return 0;
}

static void TM_22_text_stays_text(void **state)
{
    (void)state;
    struct view v = view_str("\"><img src=x onerror='a'>");

    html_f(&out, "<p title=\"%s\">%v</p>", "<b>&'", &v);
    assert_string_equal(buf_cstr(&out), "<p title=\"&lt;b&gt;&amp;&#39;\">"
                                        "&quot;&gt;&lt;img src=x onerror=&#39;a&#39;&gt;</p>");
}

static void TM_22_control_and_bidi_characters_are_shown(void **state)
{
    (void)state;
    html_text(&out, view_str("a\x1b[31mb\xe2\x80\xae"
                             "c\nd"));
    assert_null(strchr(buf_cstr(&out), 0x1b));
    assert_null(strstr(buf_cstr(&out), "\xe2\x80\xae"));
    assert_non_null(strstr(buf_cstr(&out), "c\nd"));
}

static void broken_utf8_does_not_reach_the_page(void **state)
{
    (void)state;
    html_text(&out, view_str("a\xff\xc3"
                             "b"));
    assert_true(utf8_valid(buf_view(&out)));
}

static void numbers_and_percent_signs(void **state)
{
    (void)state;
    html_f(&out, "%d of %d, 100%%", 3, -4);
    assert_string_equal(buf_cstr(&out), "3 of -4, 100%");
}

static void any_other_directive_fails_the_page(void **state)
{
    (void)state;
    html_f(&out, "%x", 1);
    assert_int_equal(buf_error(&out), SP_ERR_INVALID);
}

static void a_page_that_outgrows_its_buffer_is_an_error(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++)
        html_text(&out, view_str("<"));
    assert_int_equal(buf_error(&out), SP_ERR_LIMIT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(TM_22_text_stays_text),
        T(TM_22_control_and_bidi_characters_are_shown),
        T(broken_utf8_does_not_reach_the_page),
        T(numbers_and_percent_signs),
        T(any_other_directive_fails_the_page),
        T(a_page_that_outgrows_its_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
