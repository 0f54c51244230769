#include "connector/floor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY_A "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define KEY_B "ed25519:PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"

static struct floor *parsed(const char *text)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct floor *f = NULL;

    if (floor_parse(view_str(text), &why, &f) != SP_OK)
        fail_msg("%u:%u %s", why.line, why.column, why.text);
    return f;
}

static const char house[] = "# the house\n"
                            "allow wiki.internal:443,8000-8010   # the wiki\n"
                            "allow *.corp.internal:22\n"
                            "allow 10.20.0.0/16:5432\n"
                            "deny  10.20.9.0/24\n"
                            "deny  bad.corp.internal:22\n"
                            "allow 127.0.0.1:8080\n"
                            "allow 169.254.10.0/24:80\n"
                            "allow 0.0.0.0/0:9000\n"
                            "allow [::/0]:9000\n"
                            "allow [fd20::/16]:443\n"
                            "allow 198.18.2.1:7000\n"
                            "allow 198.18.2.0/24:7001\n"
                            "max-deadline 12h\n"
                            "allow 10.64.0.0/10:6000\n"
                            "allow 169.254.0.0/15:6001\n";

static void INC_6_TM_12_E2E_6_a_target_needs_name_or_address_and_no_denial(void **state)
{
    static const struct {
        const char *host, *to;
        bool own;
        enum floor_why why;
        unsigned line;
    } cases[] = {
        {"wiki.internal", "10.1.1.1:443", false, FLOOR_ALLOWED, 2},
        {"WIKI.Internal.", "10.1.1.1:8010", false, FLOOR_ALLOWED, 2},
        {"wiki.internal", "10.1.1.1:8011", false, FLOOR_UNSAID, 0},
        {"wiki.internal", "10.1.1.1:444", false, FLOOR_UNSAID, 0},
        {"xwiki.internal", "10.1.1.1:443", false, FLOOR_UNSAID, 0},
        {"", "10.1.1.1:443", false, FLOOR_UNSAID, 0},
        {"a.b.corp.internal", "10.1.1.1:22", false, FLOOR_ALLOWED, 3},
        {"A.b.Corp.INTERNAL", "10.1.1.1:22", false, FLOOR_ALLOWED, 3},
        {"wiki.internalx", "10.1.1.1:443", false, FLOOR_UNSAID, 0},
        {"corp.internal", "10.1.1.1:22", false, FLOOR_UNSAID, 0},
        {"xcorp.internal", "10.1.1.1:22", false, FLOOR_UNSAID, 0},
        {".corp.internal", "10.1.1.1:22", false, FLOOR_UNSAID, 0},
        {"bad.corp.internal", "10.1.1.1:22", false, FLOOR_DENIED, 6},
        {"db", "10.20.255.255:5432", false, FLOOR_ALLOWED, 4},
        {"db", "10.21.0.0:5432", false, FLOOR_UNSAID, 0},
        {"db", "10.20.9.1:5432", false, FLOOR_DENIED, 5},
        {"wiki.internal", "10.20.9.1:443", false, FLOOR_DENIED,
         5}, /* an allowed name, a denied place */
        {"wiki.internal", "[64:ff9b::a14:901]:443", false, FLOOR_DENIED, 5}, /* NAT64 of it */
        {"wiki.internal", "[2002:a14:901::1]:443", false, FLOOR_DENIED, 5},  /* 6to4 of it */
        {"wiki.internal", "[::ffff:10.20.9.1]:443", false, FLOOR_DENIED, 5},
        /* special addresses need a rule of their class */
        {"wiki.internal", "127.0.0.1:443", false, FLOOR_SPECIAL, 0},
        {"wiki.internal", "[::ffff:127.0.0.1]:443", false, FLOOR_SPECIAL, 0},
        {"wiki.internal", "[64:ff9b::7f00:1]:443", false, FLOOR_SPECIAL, 0},
        {"wiki.internal", "[::1]:443", false, FLOOR_SPECIAL, 0},
        {"wiki.internal", "169.254.169.254:443", false, FLOOR_SPECIAL, 0},
        {"wiki.internal", "[fd00:ec2::254]:443", false, FLOOR_SPECIAL, 0},
        {"wiki.internal", "[fe80::1]:443", false, FLOOR_SPECIAL, 0},
        {"x", "127.0.0.1:8080", false, FLOOR_ALLOWED, 7},
        {"x", "127.0.0.2:8080", false, FLOOR_SPECIAL, 0},
        {"x", "127.0.0.1:8080", true, FLOOR_ALLOWED, 7},
        {"x", "169.254.10.7:80", false, FLOOR_ALLOWED, 8},
        {"x", "127.0.0.1:9000", false, FLOOR_SPECIAL, 0}, /* 0.0.0.0/0 is no word about loopback */
        {"x", "[::1]:9000", false, FLOOR_SPECIAL, 0},
        {"x", "8.8.8.8:9000", false, FLOOR_ALLOWED, 9},
        {"x", "[fd99::1]:9000", false, FLOOR_ALLOWED, 10},
        {"x", "[fd20:1::5]:443", false, FLOOR_ALLOWED, 11},
        {"x", "[fd21::5]:443", false, FLOOR_UNSAID, 0},
        /* prefixes that end inside of a byte; one that leaves the class in which it begins */
        {"x", "10.127.255.255:6000", false, FLOOR_ALLOWED, 15},
        {"x", "10.128.0.0:6000", false, FLOOR_UNSAID, 0},
        {"x", "10.63.255.255:6000", false, FLOOR_UNSAID, 0},
        {"x", "169.254.10.7:6001", false, FLOOR_SPECIAL, 0},
        /* this machine's own addresses need the address itself */
        {"x", "198.18.2.1:7000", true, FLOOR_ALLOWED, 12},
        {"x", "198.18.2.1:7001", true, FLOOR_OWN, 0},
        {"x", "198.18.2.1:7001", false, FLOOR_ALLOWED, 13},
        {"wiki.internal", "198.18.2.1:443", true, FLOOR_OWN, 0},
        /* never */
        {"wiki.internal", "224.0.0.1:443", false, FLOOR_NEVER, 0},
        {"wiki.internal", "0.0.0.0:443", false, FLOOR_NEVER, 0},
        {"x", "255.255.255.255:9000", false, FLOOR_NEVER, 0},
        {"x", "[::]:9000", false, FLOOR_NEVER, 0},
        {"x", "[ff02::1]:9000", false, FLOOR_NEVER, 0},
    };
    struct floor *f = parsed(house);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address to;

        assert_int_equal(address_parse(view_str(cases[i].to), &to), SP_OK);
        struct floor_verdict v = floor_judge(f, view_str(cases[i].host), &to, cases[i].own);
        if (v.why != cases[i].why || v.line != cases[i].line)
            fail_msg("%s %s: line %u, %s", cases[i].host, cases[i].to, v.line,
                     floor_why_text(v.why));
        /* without a floor nothing is allowed */
        assert_int_not_equal(floor_judge(NULL, view_str(cases[i].host), &to, cases[i].own).why,
                             FLOOR_ALLOWED);
    }
    assert_int_equal(floor_deadline_ms(f), 12 * 3600000);
    assert_int_equal(floor_judge_name(f, view_str("wiki.internal"), 443).why, FLOOR_ALLOWED);
    assert_int_equal(floor_judge_name(f, view_str("bad.corp.internal"), 22).why, FLOOR_DENIED);
    assert_int_equal(floor_judge_name(f, view_str("db"), 5432).why, FLOOR_UNSAID);
    assert_int_equal(floor_judge_name(NULL, view_str("wiki.internal"), 443).why, FLOOR_UNSAID);
    assert_int_equal(floor_deadline_ms(NULL), 0);
    floor_free(f);
    /* of two rules that allow the first is named */
    f = parsed("allow wiki.internal:443\nallow *.internal:443\n");
    assert_int_equal(floor_judge_name(f, view_str("wiki.internal"), 443).line, 1);
    floor_free(f);
}

static void test_mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *says;
    } cases[] = {
        {"allow\n", 1, 1, "missing"},
        {"allow\nallow a:1\n", 1, 1, "missing"},
        {"\npermit x:1\n", 2, 1, "expected allow, deny, issuer, max-deadline or signer"},
        {"allow wiki.internal\n", 1, 7, "ports are missing"},
        {"allow wiki.internal:\n", 1, 20, "port is missing"},
        {"allow wiki.internal:0\n", 1, 21, "1-65535"},
        {"allow wiki.internal:65536\n", 1, 21, "1-65535"},
        {"allow wiki.internal:80-79\n", 1, 21, "1-65535"},
        {"allow wiki.internal:080\n", 1, 21, "1-65535"},
        {"allow wiki.internal:80,\n", 1, 21, "after ','"},
        {"allow wiki.internal:80 443\n", 1, 24, "one rule a line"},
        {"allow :80\n", 1, 7, "host is missing"},
        {"allow wi_ki:80\n", 1, 7, "no host name"},
        {"allow *:80\n", 1, 7, "no host name"},
        {"allow *.:80\n", 1, 7, "no host name"},
        {"allow a.*.b:80\n", 1, 7, "no host name"},
        {"allow 0x7f.1:80\n", 1, 7, "no host name"},
        {"allow 2130706433:80\n", 1, 7, "no address"},
        {"allow 127.1:80\n", 1, 7, "no address"},
        {"allow 10.0.0.0/33:80\n", 1, 7, "prefix length"},
        {"allow 10.0.0.0/:80\n", 1, 7, "prefix length"},
        {"allow 10.0.0.1/8:80\n", 1, 7, "bits set behind"},
        {"allow [fd20::1/16]:80\n", 1, 8, "bits set behind"},
        {"allow fd20::/16:80\n", 1, 7, "in brackets"},
        {"allow [10.0.0.0/8]:80\n", 1, 7, "brackets are for IPv6"},
        {"allow []:80\n", 1, 7, "brackets are for IPv6"},
        {"allow *ab:80\n", 1, 7, "no host name"},
        {"allow a:80-x\n", 1, 9, "1-65535"},
        {"allow a:,80\n", 1, 9, "1-65535"},
        {"allow [::ffff:10.0.0.0/104]:80\n", 1, 8, "IPv4 addresses as such"},
        {"allow [fd20::/16:80\n", 1, 7, "']' is missing"},
        {"allow [fd20::/16]80\n", 1, 18, "':' and the ports"},
        {"max-deadline 12\n", 1, 14, "duration"},
        {"max-deadline 0s\n", 1, 14, "duration"},
        {"max-deadline 1h\nmax-deadline 2h\n", 2, 14, "second time"},
        {"signer nobody\n", 1, 8, "no key"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        struct floor *f = NULL;

        assert_int_equal(floor_parse(view_str(cases[i].text), &why, &f), SP_ERR_MALFORMED);
        assert_null(f);
        if (why.line != cases[i].line || why.column != cases[i].column ||
            strstr(why.text, cases[i].says) == NULL)
            fail_msg("%s -> %u:%u %s", cases[i].text, why.line, why.column, why.text);
    }
}

static void test_limits(void **state)
{
    struct floor *f = NULL;
    struct buf b;

    (void)state;
    for (int rules = FLOOR_RULES_MAX; rules <= FLOOR_RULES_MAX + 1; rules++) {
        buf_init(&b, FLOOR_BYTES_MAX);
        for (int i = 0; i < rules; i++)
            buf_add_str(&b, "deny 10.0.0.1\n");
        assert_int_equal(floor_parse(buf_view(&b), NULL, &f),
                         rules <= FLOOR_RULES_MAX ? SP_OK : SP_ERR_LIMIT);
        floor_free(f);
        f = NULL;
        buf_deinit(&b);
    }
    for (int ports = FLOOR_RANGES_MAX; ports <= FLOOR_RANGES_MAX + 1; ports++) {
        buf_init(&b, 1024);
        buf_add_str(&b, "allow a:1");
        for (int i = 1; i < ports; i++)
            buf_addf(&b, ",%d", i + 1);
        struct sp_why why = {{0}, {0}, 0, 0};
        assert_int_equal(floor_parse(buf_view(&b), &why, &f),
                         ports <= FLOOR_RANGES_MAX ? SP_OK : SP_ERR_LIMIT);
        if (ports > FLOOR_RANGES_MAX) { /* where, and what would be right */
            assert_string_equal(why.text, "a rule has at most 16 ports or ranges");
            assert_int_equal(why.line, 1);
        }
        floor_free(f);
        f = NULL;
        buf_deinit(&b);
    }
}

static void test_longest_names_and_files(void **state)
{
    struct floor *f = NULL;
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf b;

    (void)state;
    buf_init(&b, 2 * FLOOR_BYTES_MAX);
    buf_add_str(&b, "deny *."); /* 252 bytes fit behind the dot, 253 don't */
    for (int i = 0; i < 63; i++)
        buf_add_str(&b, i % 16 == 15 ? "abc." : "abcd");
    assert_int_equal(b.len, strlen("deny *.") + 252);
    assert_int_equal(floor_parse(buf_view(&b), &why, &f), SP_OK);
    floor_free(f);
    f = NULL;
    buf_add_byte(&b, 'z');
    assert_int_equal(floor_parse(buf_view(&b), &why, &f), SP_ERR_MALFORMED);
    assert_non_null(strstr(why.text, "no host name"));
    buf_reset(&b);
    while (b.len < FLOOR_BYTES_MAX)
        buf_add_byte(&b, '#');
    assert_int_equal(floor_parse(buf_view(&b), &why, &f), SP_OK);
    floor_free(f);
    f = NULL;
    buf_add_byte(&b, '#');
    assert_int_equal(floor_parse(buf_view(&b), &why, &f), SP_ERR_LIMIT);
    assert_null(f);
    buf_reset(&b);
    why = (struct sp_why){{0}, {0}, 0, 0};
    for (int i = 0; i <= FLOOR_SIGNERS_MAX; i++)
        buf_add_str(&b, "signer " KEY_A "\n");
    assert_int_equal(floor_parse(buf_view(&b), &why, &f), SP_ERR_LIMIT);
    assert_non_null(strstr(why.text, "at most 8 signers"));
    assert_int_equal(why.line, FLOOR_SIGNERS_MAX + 1);
    b.len -= strlen("signer " KEY_A "\n");
    assert_int_equal(floor_parse(buf_view(&b), &why, &f), SP_OK);
    floor_free(f);
    buf_deinit(&b);
}

static void test_issuers_are_no_targets_and_targets_no_issuers(void **state)
{
    struct floor *f = parsed("allow wiki.internal:443\nissuer idp.example\n"
                             "issuer *.login.example:443,8443\nissuer 127.0.0.1:*\n"
                             "deny idp.example\n");
    struct address to;
    struct buf text;

    (void)state;
    assert_int_equal(address_parse(view_str("198.18.0.7:443"), &to), SP_OK);
    assert_true(floor_takes_issuer(f, view_str("idp.example"), 443)); /* deny is for targets */
    assert_true(floor_takes_issuer(f, view_str("IDP.example."), 443));
    assert_false(floor_takes_issuer(f, view_str("idp.example"), 8443));
    assert_true(floor_takes_issuer(f, view_str("a.login.example"), 8443));
    assert_false(floor_takes_issuer(f, view_str("login.example"), 443));
    assert_false(floor_takes_issuer(f, view_str("wiki.internal"), 443));
    assert_true(floor_takes_issuer(f, view_str("127.0.0.1"), 9999));
    assert_false(floor_takes_issuer(f, view_str("127.0.0.2"), 9999));
    assert_false(floor_takes_issuer(NULL, view_str("idp.example"), 443));
    assert_int_equal(floor_judge_name(f, view_str("a.login.example"), 443).why, FLOOR_UNSAID);
    assert_int_equal(floor_judge(f, view_str("a.login.example"), &to, false).why, FLOOR_UNSAID);
    buf_init(&text, 4096);
    floor_describe(f, &text);
    assert_non_null(strstr(buf_cstr(&text), "issuer idp.example:443\n"));
    buf_deinit(&text);
    floor_free(f);
}

static void test_signers(void **state)
{
    struct floor *any = parsed("allow a:1\n"), *one = parsed("signer " KEY_A "\n");
    struct key_public a, b;

    (void)state;
    assert_int_equal(key_parse(view_str(KEY_A), &a), SP_OK);
    assert_int_equal(key_parse(view_str(KEY_B), &b), SP_OK);
    assert_true(floor_takes_signer(any, &b));
    assert_true(floor_takes_signer(one, &a));
    assert_false(floor_takes_signer(one, &b));
    assert_false(floor_takes_signer(NULL, &a));
    floor_free(one);
    floor_free(any);
}

static const char spelt[] = "allow\twiki.internal:443,8000-8010\r\nallow [fd20::/16]:443#no blank\n"
                            "allow a:1-5\nallow b:2-65535\nallow c:*\ndeny [fd20::1]\n"
                            "max-deadline 1500ms\nsigner " KEY_A "\n";

/* What is shown parses to what it was shown from. */
static void test_description_is_a_floor(void **state)
{
    struct floor *f = parsed(spelt), *again;
    struct buf one, two;

    (void)state;
    buf_init(&one, 4096);
    buf_init(&two, 4096);
    floor_describe(f, &one);
    again = parsed(buf_cstr(&one));
    floor_describe(again, &two);
    assert_string_equal(buf_cstr(&one), buf_cstr(&two));
    assert_non_null(strstr(buf_cstr(&one), "allow wiki.internal:443,8000-8010\n"));
    assert_non_null(strstr(buf_cstr(&one), "allow [fd20::/16]:443\n"));
    assert_non_null(strstr(buf_cstr(&one), "allow a:1-5\nallow b:2-65535\nallow c:*\n"));
    assert_non_null(strstr(buf_cstr(&one), "max-deadline 1500ms\n"));
    floor_free(again);
    floor_free(f);
    buf_reset(&one);
    buf_reset(&two);
    f = parsed(house);
    floor_describe(f, &one);
    again = parsed(buf_cstr(&one));
    floor_describe(again, &two);
    assert_string_equal(buf_cstr(&one), buf_cstr(&two));
    floor_free(again);
    floor_free(f);
    buf_deinit(&two);
    buf_deinit(&one);
}

static void test_a_file_that_others_write_is_no_floor(void **state)
{
    char path[64] = "/tmp/sp-floor-XXXXXX";
    struct sp_why why = {{0}, {0}, 0, 0};
    struct floor *f = NULL;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "allow a:1\nallow b\n", 18), 18);
    assert_int_equal(fchmod(fd, 0666), 0);
    assert_int_equal(floor_load(path, &why, &f), SP_ERR_PERMISSION);
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_int_equal(floor_load(path, &why, &f), SP_ERR_MALFORMED);
    assert_non_null(strstr(why.text, ":2:7: the ports are missing"));
    assert_memory_equal(why.text, path, strlen(path));
    assert_int_equal(ftruncate(fd, 10), 0);
    assert_int_equal(floor_load(path, &why, &f), SP_OK);
    floor_free(f);
    close(fd);
    unlink(path);
    f = NULL;
    assert_int_equal(floor_load(path, &why, &f), SP_ERR_NOT_FOUND);
    assert_null(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(INC_6_TM_12_E2E_6_a_target_needs_name_or_address_and_no_denial),
        cmocka_unit_test(test_mistakes_are_told_with_their_place),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_longest_names_and_files),
        cmocka_unit_test(test_issuers_are_no_targets_and_targets_no_issuers),
        cmocka_unit_test(test_signers),
        cmocka_unit_test(test_description_is_a_floor),
        cmocka_unit_test(test_a_file_that_others_write_is_no_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
