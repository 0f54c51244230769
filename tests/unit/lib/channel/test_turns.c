#include "lib/channel/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* The addresses 192.0.2.1 to `count`. */
static const struct address *addresses(size_t count)
{
    static struct address found[RESOLVE_ADDRESSES_MAX + 1];
    char text[32];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof text, "192.0.2.%zu:443", i + 1);
        assert_int_equal(address_parse(view_str(text), &found[i]), SP_OK);
    }
    return found;
}

/* Tries all of them; the last octets, in their order. */
static void expect(struct turns *t, size_t count, const char *want)
{
    char got[64] = "";
    size_t len = 0;

    turns_begin(t, addresses(count), count);
    do {
        const char *host = address_host_text(turns_now(t)).s;
        len += (size_t)snprintf(got + len, sizeof got - len, "%s ", strrchr(host, '.') + 1);
    } while (turns_next(t));
    assert_string_equal(got, want);
}

static void each_address_is_asked_once_and_the_next_try_begins_behind_the_last(void **state)
{
    struct turns t = {.count = 0};

    (void)state;
    expect(&t, 1, "1 ");
    expect(&t, 1, "1 ");
    t = (struct turns){.count = 0};
    expect(&t, 3, "1 2 3 ");
    expect(&t, 3, "1 2 3 "); /* all were asked: it begins where it did */
    /* one that answers ends the try, and is where the next one begins */
    turns_begin(&t, addresses(3), 3);
    assert_true(turns_next(&t));
    expect(&t, 3, "2 3 1 ");
    /* the name has others meanwhile */
    expect(&t, 2, "1 2 ");
    expect(&t, 3, "1 2 3 ");
}

static void a_name_with_more_addresses_than_there_is_room_for_is_cut(void **state)
{
    struct turns t = {.count = 0};
    size_t asked = 1;

    (void)state;
    turns_begin(&t, addresses(RESOLVE_ADDRESSES_MAX + 1), RESOLVE_ADDRESSES_MAX + 1);
    while (turns_next(&t))
        asked++;
    assert_int_equal(asked, RESOLVE_ADDRESSES_MAX);
}

static void without_an_address_none_comes_next(void **state)
{
    struct turns t = {.count = 0};

    (void)state;
    assert_false(turns_next(&t));
    assert_false(turns_next(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_is_asked_once_and_the_next_try_begins_behind_the_last),
        cmocka_unit_test(a_name_with_more_addresses_than_there_is_room_for_is_cut),
        cmocka_unit_test(without_an_address_none_comes_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
