#include "connector/gateway/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void GW_61_urls_that_lead_inside_in_any_spelling(void **state)
{
    static const char *const inside[] = {
        "http://127.0.0.1/",
        "http://127.1",
        "http://127.0.1:8080/x",
        "http://0/",
        "http://0.0.0.0",
        "http://2130706433/",
        "http://0x7f000001",
        "http://0x7f.0.0.1",
        "http://0x7f.1",
        "http://0177.0.0.1",
        "http://017700000001",
        "http://127.0.0.1.",
        "http://127.0.0.1:443#f",
        "http://4294967296127.0.0.1@127.0.0.1",
        "http://2852039166/latest/meta-data",
        "http://169.254.169.254/latest",
        "http://0xa9fea9fe",
        "http://0251.0376.0251.0376",
        "http://169.254.43518",
        "http://[::1]/",
        "http://[::1]:80",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
        "http://[::ffff:7f00:1]",
        "http://[0:0:0:0:0:ffff:127.0.0.1]",
        "http://[::127.0.0.1]",
        "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/",
        "http://[64:ff9b::169.254.169.254]",
        "http://[2002:7f00:1::]",
        "http://[::ffff:a9fe:a9fe]",
        "http://10.1.2.3/",
        "https://192.168.0.1",
        "http://172.16.5.4:9200/_search",
        "http://100.64.0.1",
        "http://localhost",
        "http://LocalHost:8080",
        "http://localhost.",
        "http://a.localhost/",
        "http://metadata.google.internal/computeMetadata",
        "http://metadata/",
        "http://127.0.0.1.nip.io",
        "http://x.127-0-0-1.sslip.io",
        "http://app.localtest.me",
        "http://allowed.example@127.0.0.1/",
        "http://127.0.0.1\\@allowed.example/",
        "http://127.0.0.1:80\\@allowed.example/",
        "http://user:pass@10.0.0.1/",
        "http://127.0.0.1@allowed.example/",
        "http://a@b@169.254.169.254/",
        "http:\\\\127.0.0.1\\x",
        "http:/127.0.0.1",
        "http:///127.0.0.1",
        "HTTP://127.0.0.1",
        "  http://127.0.0.1",
        "http://%31%32%37.0.0.1",
        "http://127%2e0.0.1",
        "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1",
        "http://127\xe3\x80\x82"
        "0.0.1",
        "http://\xef\xbd\x8c\xef\xbd\x8f\xef\xbd\x83\xef\xbd\x81\xef\xbd\x8c\xef\xbd\x88\xef\xbd"
        "\x8f\xef\xbd\x93\xef\xbd\x94",
        "ftp://127.0.0.1/x",
        "ws://[::1]/",
        "http://intranet.corp.example/",
        "http://db.internal",
        "http://224.0.0.1",
        "http://255.255.255.255",
        "http://240.0.0.1",
        "http://00000177.0.0.1",
        "http://127.0.0.1/?u=http://ok.example",
        "http://127.000.000.001",
        "https://kubernetes.default.svc/api",
        "http://x.svc.cluster.local",
    };
    static const char *const bare[] = {
        "127.0.0.1",
        "127.0.0.1:8080/x",
        "localhost:22",
        "//127.0.0.1/x",
        "\\\\10.0.0.1\\share",
        "[::1]:80",
        "::1",
        "0x7f000001",
        "2130706433",
        "file:///etc/passwd",
        "FILE:/etc/passwd",
        "gopher://x.example:70/_x",
        "dict://x.example:11211/stat",
        "jar:http://x.example!/",
        "php://filter",
        "data:text/html,x",
        "unix:/run/docker.sock",
        "169.254.169.254/latest",
    };
    char names[2][24] = {"intranet.corp.example", "*.internal"}, *items[] = {names[0], names[1]};
    const struct config_strings deny = {items, 2};

    (void)state;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        if (!input_leads_inside(view_str(inside[i]), false, &deny) ||
            !input_leads_inside(view_str(inside[i]), true, &deny))
            fail_msg("%s passed", inside[i]);
    }
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        if (!input_leads_inside(view_str(bare[i]), true, &deny))
            fail_msg("%s passed", bare[i]);
    }
}

/* 200: every host of the list with every tail. */
static void GW_61_honest_urls_pass(void **state)
{
    static const char *const hosts[] = {
        "https://example.com",
        "http://www.example.org:8080",
        "https://api.stripe.com",
        "https://hooks.slack.com",
        "https://user@git.example.com",
        "https://user:secret@example.com",
        "https://8.8.8.8",
        "http://[2606:4700:4700::1111]",
        "https://xn--mnchen-3ya.example",
        "https://m\xc3\xbcnchen.example",
        "https://10minutemail.example",
        "https://127.example.com",
        "https://internal.example.com",
        "https://localhost.example.com",
        "https://a-b_c.example",
        "https://metadata.example.com",
        "https://1password.com",
        "ftp://files.example.com",
        "https://nip.iovation.example",
        "https://0x.org",
    };
    static const char *const tails[] = {
        "",
        "/",
        "/hook?id=7",
        "/a/b/c#top",
        "/?next=https://example.org/x",
        "/cb?state=a%2Fb&code=127.0.0.1",
        "/@handle",
        "/a:b@c",
        "/.well-known/x",
        "/p;v=1?q=%20",
    };
    const struct config_strings none = {0};
    size_t n = 0;

    (void)state;
    for (size_t h = 0; h < sizeof hosts / sizeof *hosts; h++) {
        for (size_t t = 0; t < sizeof tails / sizeof *tails; t++, n++) {
            char url[256];
            snprintf(url, sizeof url, "%s%s", hosts[h], tails[t]);
            if (input_leads_inside(view_str(url), true, &none))
                fail_msg("%s was refused", url);
        }
    }
    assert_int_equal(n, 200);
    static const char *const texts[] = {
        "see http: nothing",      "C:\\temp\\x",      "10:30 in room 127", "a:b", "",
        "mailto:bob@example.com", "127.0.0.1 is home"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(input_leads_inside(view_str(texts[i]), false, &none));
}

static void GW_60_what_climbs_out_of_a_folder(void **state)
{
    static const char *const climbs[] = {
        "../etc/passwd",
        "../../x",
        "a/../../b",
        "..\\..\\windows\\win.ini",
        "/var/www/../../etc",
        "....//....//etc/../passwd",
        "%2e%2e%2fetc",
        "%2e%2e/etc",
        "..%2fetc",
        "..%5cetc",
        "%252e%252e%252fetc",
        "..%252fetc",
        "%c0%ae%c0%ae/etc",
        "..%c0%afetc",
        "file.txt%00.png",
        "/../x",
        "./../x",
        "a/..",
        "..\\x",
        "images/../../../x.png",
    };
    static const char *const fine[] = {
        "a/b/c",
        "version 1.2..3",
        "wait... what",
        "and so on.../",
        "a..b/c",
        "...",
        "..",
        ".",
        "",
        "2026/11/25",
        "/usr/share/doc",
        "C:\\Users\\ann",
        "foo/.hidden/bar",
        "100%",
        "50%25 off",
        "see a/b ../ c and more prose",
        "x = ../y is what the import said",
        "\xe2\x80\xa6/more",
        "../", /* counts */
    };
    (void)state;
    for (size_t i = 0; i < sizeof climbs / sizeof *climbs; i++) {
        if (!input_climbs(view_str(climbs[i])))
            fail_msg("%s passed", climbs[i]);
    }
    for (size_t i = 0; i + 1 < sizeof fine / sizeof *fine; i++) {
        if (input_climbs(view_str(fine[i])))
            fail_msg("%s was refused", fine[i]);
    }
    assert_true(input_climbs(view_str("../")));
    assert_true(input_climbs((struct view){(const uint8_t *)"a\0b", 3}));
}

static void GW_60_what_breaks_a_header(void **state)
{
    static const char *const breaks[] = {
        "x\r\nSet-Cookie: a=b", "x\nlocation: http://evil",      "a\rContent-Length:0",
        "\r\nHTTP/1.1 200 OK",  "subject\nBcc: all@example.com",
    };
    static const char *const fine[] = {"line\nline",
                                       "Dear Ann,\r\nthe host is: you",
                                       "Location: x",
                                       "a\n\nCookies are good",
                                       "x\nHosting: cheap",
                                       "\r\n",
                                       ""};
    (void)state;
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        if (!input_breaks_header(view_str(breaks[i])))
            fail_msg("%s passed", breaks[i]);
    }
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        if (input_breaks_header(view_str(fine[i])))
            fail_msg("%s was refused", fine[i]);
    }
}

/* The attacks: each pattern with each start, so that the count is honest and the rows are short. */
static void GW_60_attacks_on_sql_and_html_are_seen(void **state)
{
    static const char *const before[] = {"1", "x'", "abc\"", "-1", "admin'"};
    static const char *const sql[] = {
        " or 1=1",
        " OR '1'='1",
        " union select null,null",
        " UNION ALL SELECT user,pass FROM users",
        "; drop table users",
        " and sleep(5)",
        " or 1=1--",
        "/**/or/**/1=1",
        " AND 1=2 UNION SELECT 1",
        " or true--",
        "; exec xp_cmdshell('dir')",
        " and extractvalue(1,concat(0x7e,version()))",
        " or benchmark(1000000,md5(1))",
        " waitfor delay '0:0:5'",
        " order by 10--",
        " union/*!50000select*/1,2",
        " or 'a'='a",
        " and (select count(*) from users)>0",
        " || (select 1)",
        " or exists(select 1)",
    };
    static const char *const script[] = {
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<body onload=alert(1)>",
        "<iframe src=javascript:alert(1)>",
        "<a href=\"javascript:x()\">y</a>",
        "<SCRIPT SRC=//evil/x.js></SCRIPT>",
        "<svg/onload=alert(1)>",
        "<input autofocus onfocus=x()>",
        "<object data=\"javascript:alert(1)\">",
        "<embed src=javascript:alert(1)>",
        "\"><script>x()</script>",
        "'><img src=x onerror=y>",
        "<meta http-equiv=refresh content=0>",
        "<link rel=stylesheet href=//evil>",
        "<style>@import'//evil'</style>",
        "<base href=//evil>",
        "<form action=javascript:x()>",
        "<video onloadstart=x()>",
        "<details open ontoggle=x()>",
    };
    size_t seen = 0, tried = 0;

    (void)state;
    for (size_t s = 0; s < sizeof sql / sizeof *sql; s++) {
        for (size_t b = 0; b < sizeof before / sizeof *before; b++, tried++) {
            char text[200];
            snprintf(text, sizeof text, "%s%s", before[b], sql[s]);
            seen += input_is_sql(view_str(text));
        }
    }
    print_message("sqli: %zu of %zu\n", seen, tried);
    assert_int_equal(tried, 100);
    assert_in_range(seen, 80, 100); /* some of the combinations are no valid SQL at all */
    for (size_t s = 0; s < sizeof script / sizeof *script; s++) {
        if (!input_is_script(view_str(script[s])))
            fail_msg("%s passed", script[s]);
    }
}

/* 2,000 honest strings: 20 frames of prose, names, code and filters, each with 100 fillings. */
static void GW_60_honest_text_is_no_attack(void **state)
{
    static const char *const frames[] = {
        "%s",
        "Please select %s from the menu",
        "O'Brien and %s",
        "It's %s's turn",
        "%s & Sons, Inc.",
        "I'd like to order by phone: %s",
        "price < 100 and %s > 5",
        "status:open label:\"%s\"",
        "if (a == b) { return %s; }",
        "SELECT is a word; so is %s",
        "union of %s and friends",
        "Where is %s? From here it's far.",
        "He said: \"%s\" -- and left",
        "1. %s\n2. more\n3. done",
        "<b>%s</b> is bold",
        "https://example.com/?q=%s&page=2",
        "\xc3\x9c"
        "ber %s: gr\xc3\xb6\xc3\x9f"
        "er",
        "drop me a line about %s; thanks!",
        "%s (2 or 3 of them)",
        "x.%s = y || z",
    };
    static const char *const words[] = {
        "apples",
        "the table",
        "Anne-Marie",
        "John's car",
        "42",
        "a user",
        "users",
        "null",
        "Robert",
        "D'Angelo",
        "1 or 2",
        "the update",
        "C++",
        "foo_bar",
        "a=b",
        "2026-11-25",
        "10%",
        "left join",
        "group by age",
        "insert coin",
        "delete it",
        "having fun",
        "a/b",
        "x*y",
        "#1",
        "@ann",
        "~5",
        "caf\xc3\xa9",
        "\xe6\x9d\xb1\xe4\xba\xac",
        "no",
        "true",
        "and",
        "or else",
        "not me",
        "like this",
        "between us",
        "my database",
        "char",
        "case 7",
        "when",
        "then",
        "end",
        "exec summary",
        "declare it",
        "cast away",
        "sleep well",
        "wait for it",
        "load file",
        "into the wild",
        "limit 10",
        "top 10",
        "5 + 5",
        "(maybe)",
        "[x]",
        "{y}",
        "a|b",
        "a^b",
        "\"quoted\"",
        "'single'",
        "`tick`",
        "back\\slash",
        "semi;colon",
        "comma, here",
        "dot.",
        "ques?",
        "bang!",
        "dollar$",
        "e-mail",
        "ann@example.com",
        "+49 89 1234",
        "12:30",
        "3.14",
        "-7",
        "1e9",
        "0x1F",
        "ABC-123",
        "v1.2.3",
        "README.md",
        "hello world",
        "lorem ipsum",
        "to be or not to be",
        "rock 'n' roll",
        "ain't",
        "y'all",
        "McDonald's",
        "T-shirt",
        "Q&A",
        "R&D",
        "AT&T",
        "a < b",
        "c > d",
        "i <3 u",
        "->",
        "=>",
        "<-",
        "!=",
        "==",
        "&&",
        "...",
        "--",
    };
    size_t n = 0, sql = 0, script = 0, climbs = 0;

    (void)state;
    for (size_t f = 0; f < sizeof frames / sizeof *frames; f++) {
        for (size_t w = 0; w < sizeof words / sizeof *words; w++, n++) {
            struct buf text;
            const char *at = strstr(frames[f], "%s");
            buf_init(&text, 512);
            buf_add(&text, view_slice(view_str(frames[f]), 0, (size_t)(at - frames[f])));
            buf_add_str(&text, words[w]);
            buf_add_str(&text, at + 2);
            sql += input_is_sql(buf_view(&text));
            if (input_is_sql(buf_view(&text)))
                print_message("sqli? %s\n", buf_cstr(&text));
            script += input_is_script(buf_view(&text));
            climbs += input_climbs(buf_view(&text)) || input_breaks_header(buf_view(&text));
            buf_deinit(&text);
        }
    }
    print_message("of %zu honest: sqli %zu, xss %zu\n", n, sql, script);
    assert_int_equal(n, 2000);
    assert_int_equal(climbs, 0);
    assert_in_range(sql + script, 0, n / 200); /* 0.5 % */
}

static void test_which_rule_judges_which_value(void **state)
{
    char url[] = "callback_url", *items[] = {url};
    struct gwconf_input conf = {.mode = GW_BLOCK,
                                .sqli = GW_TEXT_FREE,
                                .xss = GW_TEXT_FREE,
                                .path_traversal = GW_BLOCK,
                                .header_injection = GW_BLOCK,
                                .ssrf = {items, 1}};
    struct view inside = view_str("http://127.0.0.1/"), sql = view_str("1' or '1'='1");

    (void)state;
    assert_int_equal(input_judge(&conf, view_str("callback_url"), inside, false, false),
                     INPUT_SSRF);
    assert_int_equal(input_judge(&conf, view_str("note"), inside, true, true), INPUT_NOTHING);
    conf.ssrf_urls = true;
    assert_int_equal(input_judge(&conf, view_str("note"), inside, true, true), INPUT_SSRF);
    assert_int_equal(input_judge(&conf, view_str("note"), sql, true, true), INPUT_SQL);
    assert_int_equal(input_judge(&conf, view_str("note"), sql, false, true), INPUT_NOTHING);
    assert_int_equal(input_judge(&conf, view_str("f"), view_str("../x"), false, false),
                     INPUT_TRAVERSAL);
    conf.mode = GW_OFF;
    assert_int_equal(input_judge(&conf, view_str("note"), sql, true, true), INPUT_NOTHING);
    assert_int_equal(input_judge(&conf, view_str("n"), view_str("x\r\nSet-Cookie: a"), true, true),
                     INPUT_HEADER);
    conf.header_injection = GW_OFF;
    assert_int_equal(input_judge(&conf, view_str("n"), view_str("x\r\nSet-Cookie: a"), true, true),
                     INPUT_NOTHING);
    assert_string_equal(input_finding_name(INPUT_SCRIPT), "xss");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_61_urls_that_lead_inside_in_any_spelling),
        cmocka_unit_test(GW_61_honest_urls_pass),
        cmocka_unit_test(GW_60_what_climbs_out_of_a_folder),
        cmocka_unit_test(GW_60_what_breaks_a_header),
        cmocka_unit_test(GW_60_attacks_on_sql_and_html_are_seen),
        cmocka_unit_test(GW_60_honest_text_is_no_attack),
        cmocka_unit_test(test_which_rule_judges_which_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
