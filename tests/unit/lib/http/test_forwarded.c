#include "lib/http/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void INC_9_the_list_is_read_from_its_end_as_far_as_ours_wrote_it(void **state)
{
    (void)state;
    static const struct {
        const char *header, *who;
        sp_error e;
    } cases[] = {
        {"203.0.113.9", "203.0.113.9", SP_OK},
        {"10.0.0.1, 203.0.113.9", "203.0.113.9", SP_OK}, /* what the client wrote */
        {"<script>,,unknown,203.0.113.9", "203.0.113.9", SP_OK},
        {"203.0.113.9, 198.18.0.5", "203.0.113.9", SP_OK}, /* two proxies of ours */
        {"203.0.113.9,198.18.0.5,\t198.18.0.6 ", "203.0.113.9", SP_OK},
        {"198.18.0.5", "198.18.0.5", SP_OK}, /* all are ours: the first of them */
        {"203.0.113.9:4711", "203.0.113.9", SP_OK},
        {"2001:db8::7", "2001:db8::7", SP_OK},
        {"[2001:db8::7]", "2001:db8::7", SP_OK},
        {"[2001:db8::7]:443", "2001:db8::7", SP_OK},
        {"", "", SP_ERR_NOT_FOUND},
        {" ", "", SP_ERR_NOT_FOUND},
        {"unknown", "", SP_ERR_MALFORMED},
        {"203.0.113.9,", "", SP_ERR_MALFORMED},
        {"203.0.113.9, host.example", "", SP_ERR_MALFORMED},
        {"unknown, 198.18.0.5", "", SP_ERR_MALFORMED},
        {"203.0.113.9 198.18.0.5", "", SP_ERR_MALFORMED},
    };
    struct prefixes ours = {.count = 1};

    assert_int_equal(prefix_parse(view_str("198.18.0.0/16"), &ours.at[0]), SP_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a = {0};
        sp_error e = forwarded_parse(view_str(cases[i].header), &ours, &a);

        if (e != cases[i].e || (e == SP_OK && strcmp(address_host_text(&a).s, cases[i].who) != 0))
            fail_msg("%s: %d, %s", cases[i].header, e, address_host_text(&a).s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(INC_9_the_list_is_read_from_its_end_as_far_as_ours_wrote_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
