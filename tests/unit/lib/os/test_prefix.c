#include "lib/os/prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool holds(const char *range, const char *host)
{
    struct prefixes all = {.count = 1};
    struct address a;

    assert_int_equal(prefix_parse(view_str(range), &all.at[0]), SP_OK);
    assert_int_equal(address_from_host(view_str(host), 4711, &a), SP_OK);
    return prefixes_hold(&all, &a);
}

static void a_range_holds_what_its_bits_say(void **state)
{
    (void)state;
    static const struct {
        const char *range, *host;
        bool in;
    } cases[] = {
        {"198.18.0.5", "198.18.0.5", true},
        {"198.18.0.5", "198.18.0.4", false},
        {"198.18.0.0/16", "198.18.255.255", true},
        {"198.18.0.0/16", "198.19.0.0", false},
        {"198.18.0.128/25", "198.18.0.128", true},
        {"198.18.0.128/25", "198.18.0.127", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "203.0.113.9", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"198.18.0.0/16", "::ffff:198.18.3.4", true}, /* one address, two spellings */
        {"::ffff:198.18.0.0/112", "198.18.3.4", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (holds(cases[i].range, cases[i].host) != cases[i].in)
            fail_msg("%s %s", cases[i].range, cases[i].host);
}

static void what_is_no_range_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "/",
                                        "198.18.0.5/",
                                        "198.18.0.5/33",
                                        "198.18.0.5/-1",
                                        "198.18.0.5/8",
                                        "198.18.0/16",
                                        "localhost",
                                        "2001:db8::/129",
                                        "2001:db8::1/64",
                                        "198.18.0.5:443",
                                        "[2001:db8::1]"};
    struct prefix p;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (prefix_parse(view_str(texts[i]), &p) != SP_ERR_MALFORMED)
            fail_msg("%s", texts[i]);
}

static void nothing_holds_nobody(void **state)
{
    (void)state;
    static const struct prefixes none;
    struct address a, unset = {0};

    assert_int_equal(address_from_host(view_str("198.18.0.5"), 1, &a), SP_OK);
    assert_false(prefixes_hold(&none, &a));
    struct prefixes all = {.count = 1};
    assert_int_equal(prefix_parse(view_str("::/0"), &all.at[0]), SP_OK);
    assert_false(prefixes_hold(&all, &unset));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_holds_what_its_bits_say),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(nothing_holds_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
