#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/os/resolve.h"

static void TM_12_every_address_has_its_class(void **state)
{
    static const struct {
        const char *host;
        enum address_class class;
    } cases[] = {
        {"127.0.0.1", ADDRESS_LOOPBACK},
        {"127.255.255.255", ADDRESS_LOOPBACK},
        {"::1", ADDRESS_LOOPBACK},
        {"::ffff:127.0.0.1", ADDRESS_LOOPBACK},
        {"64:ff9b::7f00:1", ADDRESS_LOOPBACK},
        {"2002:7f00:1::", ADDRESS_LOOPBACK},
        {"169.254.169.254", ADDRESS_METADATA},
        {"::ffff:169.254.169.254", ADDRESS_METADATA},
        {"fd00:ec2::254", ADDRESS_METADATA},
        {"169.254.1.1", ADDRESS_LINK_LOCAL},
        {"fe80::1", ADDRESS_LINK_LOCAL},
        {"0.0.0.0", ADDRESS_UNUSABLE},
        {"::", ADDRESS_UNUSABLE},
        {"255.255.255.255", ADDRESS_UNUSABLE},
        {"::7f00:1", ADDRESS_UNUSABLE},
        {"224.0.0.1", ADDRESS_MULTICAST},
        {"ff02::1", ADDRESS_MULTICAST},
        {"10.0.0.1", ADDRESS_PRIVATE},
        {"172.31.255.255", ADDRESS_PRIVATE},
        {"172.32.0.0", ADDRESS_PUBLIC},
        {"198.18.0.1", ADDRESS_PRIVATE},
        {"fd00::1", ADDRESS_PRIVATE},
        {"100.64.0.1", ADDRESS_PRIVATE},
        {"9.9.9.9", ADDRESS_PUBLIC},
        {"2620:fe::fe", ADDRESS_PUBLIC},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a;
        assert_int_equal(address_from_host(view_str(cases[i].host), 80, &a), SP_OK);
        if (address_class(&a) != cases[i].class)
            fail_msg("%s is %s", cases[i].host, address_class_name(address_class(&a)));
    }
}

static void DEP_4_TM_12_names_end_at_253_and_have_no_second_spelling(void **state)
{
    static const struct {
        const char *name;
        bool valid;
    } cases[] = {
        {"db.example.internal", true},
        {"a", true},
        {"127.0.0.1", true},
        {"::1", true},
        {"0x7f.1", false},
        {"127.1", false},
        {"2130706433", false},
        {"0x7f000001", false},
        {"127.0.0.01", false},
        {"db.0x7f", false},
        {"0:0:0:0:0:0:0:1", false},
        {"fe80::1%eth0", false},
        {"a..b", false},
        {".a", false},
        {"a.", false},
        {"-a", false},
        {"a b", false},
        {"a_b", false},
        {"", false},
    };
    char name[300];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (resolve_name_valid(view_str(cases[i].name)) != cases[i].valid)
            fail_msg("%s", cases[i].name);

    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 50 == 49 ? '.' : 'a';
    assert_true(resolve_name_valid((struct view){(uint8_t *)name, 253}));
    assert_false(resolve_name_valid((struct view){(uint8_t *)name, 254}));
}

static void literals_and_localhost_resolve(void **state)
{
    struct address a[RESOLVE_ADDRESSES_MAX];
    size_t n = 0;
    (void)state;

    assert_int_equal(resolve_blocking(view_str("198.18.3.4"), 22, a, &n), SP_OK);
    assert_int_equal(n, 1);
    assert_string_equal(address_text(&a[0]).s, "198.18.3.4:22");
    assert_int_equal(resolve_blocking(view_str("localhost"), 80, a, &n), SP_OK);
    assert_int_equal(address_class(&a[0]), ADDRESS_LOOPBACK);
    assert_int_equal(resolve_blocking(view_str("0x7f.1"), 80, a, &n), SP_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TM_12_every_address_has_its_class),
        cmocka_unit_test(DEP_4_TM_12_names_end_at_253_and_have_no_second_spelling),
        cmocka_unit_test(literals_and_localhost_resolve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
