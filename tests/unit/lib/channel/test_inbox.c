#include "lib/channel/inbox.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(struct inbox *b, const char *want)
{
    struct inbox_message *m = inbox_take(b);

    assert_non_null(m);
    assert_true(view_is(m->text, want));
    free(m);
}

static void messages_are_taken_in_their_order_as_copies(void **state)
{
    struct inbox b = {.first = NULL};
    char text[] = "one";

    (void)state;
    assert_null(inbox_take(&b));
    assert_int_equal(inbox_put(&b, view_str(text)), SP_OK);
    text[0] = 'x';
    assert_int_equal(inbox_put(&b, view_str("")), SP_OK);
    expect(&b, "one");
    assert_int_equal(inbox_put(&b, view_str("three")), SP_OK);
    expect(&b, "");
    expect(&b, "three");
    assert_null(inbox_take(&b));
    /* and it is used again after it was empty */
    assert_int_equal(inbox_put(&b, view_str("four")), SP_OK);
    assert_int_equal(inbox_put(&b, view_str("five")), SP_OK);
    expect(&b, "four");
    inbox_clear(&b);
    assert_null(inbox_take(&b));
    inbox_clear(&b);
    assert_int_equal(inbox_put(&b, view_str("six")), SP_OK);
    expect(&b, "six");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_taken_in_their_order_as_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
