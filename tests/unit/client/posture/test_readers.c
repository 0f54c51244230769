/* The pure readers: shell assignments, mountinfo, rule listings, simulations. */
#include "client/posture/disk.h"
#include "client/posture/firewall.h"
#include "client/posture/updates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assignments_follow_the_shells_quoting(void **state)
{
    static const struct {
        const char *file;
        sp_error e;
        const char *value;
    } rows[] = {
        {"A=b\n", SP_OK, "b"},
        {"A=\"b c\"\n", SP_OK, "b c"},
        {"A='b \"c\" \\d'\n", SP_OK, "b \"c\" \\d"},
        {"A=\"b \\\" \\$x \\n\"\n", SP_OK, "b \" $x \\n"},
        {"A=b # comment\n", SP_OK, "b"},
        {"A=\n", SP_OK, ""},
        {"A=1\nA=2\n", SP_OK, "2"},
        {"  A=b\r\n", SP_OK, "b"},
        {"# A=b\nAB=c\n", SP_ERR_NOT_FOUND, NULL},
        {"A b\n", SP_ERR_NOT_FOUND, NULL},
        {"", SP_ERR_NOT_FOUND, NULL},
        {"A=\"b\n", SP_ERR_MALFORMED, NULL},
        {"A=0123456789abcde\n", SP_OK, "0123456789abcde"},
        {"A=0123456789abcdef\n", SP_ERR_LIMIT, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[16] = "before";
        assert_int_equal(host_assigned(view_str(rows[i].file), "A", out, sizeof out), rows[i].e);
        if (rows[i].e == SP_OK)
            assert_string_equal(out, rows[i].value);
    }
}

static void mountinfo_lines_are_read_strictly(void **state)
{
    static const struct {
        const char *line;
        sp_error e;
        const char *point, *type;
    } rows[] = {
        {"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw", SP_OK, "/mnt2",
         "ext3"},
        {"36 35 98:0 / /a\\040b rw - ext3 /dev/root rw", SP_OK, "/a b", "ext3"},
        {"36 35 98:0 / / rw ext3 /dev/root rw", SP_ERR_MALFORMED, NULL, NULL},
        {"36 35 98 / / rw - ext3 /dev/root rw", SP_ERR_MALFORMED, NULL, NULL},
        {"36 35 x:0 / / rw - ext3 /dev/root rw", SP_ERR_MALFORMED, NULL, NULL},
        {"36 35 98:0 / /a\\9 rw - ext3 /dev/root rw", SP_ERR_MALFORMED, NULL, NULL},
        {"36 35 98:0 / /a\\000 rw - ext3 /dev/root rw", SP_ERR_LIMIT, NULL, NULL},
        {"", SP_ERR_MALFORMED, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct disk_mount m;
        assert_int_equal(disk_mount_parse(view_str(rows[i].line), &m), rows[i].e);
        if (rows[i].e == SP_OK) {
            assert_string_equal(m.point, rows[i].point);
            assert_string_equal(m.type, rows[i].type);
            assert_int_equal(m.major, 98);
        }
    }
}

#define CHAIN(family, rest) \
    "{\"chain\":{\"family\":\"" family "\",\"table\":\"t\",\"name\":\"c\"," rest "}}"
#define RULE(expr) \
    "{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"expr\":[" expr "]}}"

static void nft_needs_a_drop_at_the_input_hook(void **state)
{
    static const struct {
        const char *text;
        sp_error e;
        bool four, six;
    } rows[] = {
        {"{\"nftables\":[]}", SP_OK, false, false},
        {"{\"nftables\":[" CHAIN("inet", "\"hook\":\"input\",\"policy\":\"drop\"") "]}", SP_OK,
         true, true},
        {"{\"nftables\":[" CHAIN("ip6", "\"hook\":\"input\",\"policy\":\"drop\"") "]}", SP_OK,
         false, true},
        {"{\"nftables\":[" CHAIN("inet", "\"hook\":\"forward\",\"policy\":\"drop\"") "]}", SP_OK,
         false, false},
        {"{\"nftables\":[" CHAIN("inet", "\"hook\":\"input\",\"policy\":\"accept\"") "," RULE(
             "{\"drop\":null}") "]}",
         SP_OK, true, true},
        {"{\"nftables\":[" CHAIN("inet", "\"hook\":\"input\",\"policy\":\"accept\"") "," RULE(
             "{\"counter\":{}},{\"reject\":{}}") "]}",
         SP_OK, true, true},
        {"{\"nftables\":[" CHAIN("inet", "\"hook\":\"input\",\"policy\":\"accept\"") "," RULE(
             "{\"match\":{}},{\"drop\":null}") "]}",
         SP_OK, false, false},
        {"{\"nftables\":[" CHAIN("inet", "\"hook\":\"input\",\"policy\":\"accept\"") "," RULE(
             "{\"drop\":null}") "," RULE("{\"accept\":null}") "]}",
         SP_OK, false, false},
        {"{}", SP_ERR_MALFORMED, false, false},
        {"Status: Aktiv", SP_ERR_MALFORMED, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct firewall_rules r = {0};
        assert_int_equal(firewall_nft(view_str(rows[i].text), &r), rows[i].e);
        assert_int_equal(r.drops4, rows[i].four);
        assert_int_equal(r.drops6, rows[i].six);
    }
}

static void iptables_needs_policy_or_a_last_drop(void **state)
{
    static const struct {
        const char *text;
        sp_error e;
        bool drops;
    } rows[] = {
        {"*filter\n:INPUT DROP [0:0]\n", SP_OK, true},
        {"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\n", SP_OK, true},
        {"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j REJECT --reject-with icmp\n", SP_OK, true},
        {"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\n", SP_OK, false},
        {"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\n-A INPUT -j ACCEPT\n", SP_OK, false},
        {"*nat\n:INPUT DROP [0:0]\n", SP_ERR_MALFORMED, false},
        {"", SP_ERR_MALFORMED, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool drops = false;
        assert_int_equal(firewall_iptables(view_str(rows[i].text), &drops), rows[i].e);
        assert_int_equal(drops, rows[i].drops);
    }
}

static void simulations_count_security_archives_only(void **state)
{
    static const char end[] = "3 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n";
    static const struct {
        const char *line;
        int64_t count;
    } rows[] = {
        {"Inst openssl [1] (2 Debian-Security:12/stable-security [amd64])\n", 1},
        {"Inst openssl [1] (2 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])\n",
         1},
        {"Inst openssl [1] (2 Ubuntu:22.04/jammy-security, Ubuntu:22.04/jammy-updates [amd64])\n",
         1},
        {"Inst a-security [1] (2 Debian:12/stable [amd64])\n", 0},
        {"Conf openssl (2 Debian-Security:12/stable-security [amd64])\n", 0},
        {"Inst broken\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        int64_t n = -1;
        snprintf(text, sizeof text, "%s%s", rows[i].line, end);
        assert_true(updates_count(view_str(text), &n));
        assert_int_equal(n, rows[i].count);
        assert_false(updates_count(view_str(rows[i].line), &n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assignments_follow_the_shells_quoting),
        cmocka_unit_test(mountinfo_lines_are_read_strictly),
        cmocka_unit_test(nft_needs_a_drop_at_the_input_hook),
        cmocka_unit_test(iptables_needs_policy_or_a_last_drop),
        cmocka_unit_test(simulations_count_security_archives_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
