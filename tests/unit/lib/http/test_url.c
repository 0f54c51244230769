#include "lib/base/ascii.h"
#include "lib/http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct view v(const char *s)
{
    return view_str(s);
}

static void good_urls_are_taken_apart(void **state)
{
    (void)state;
    struct url u;

    assert_int_equal(url_parse(v("https://Access.Example.org:8443/a/b?x=1&y=%20#f"), &u), SP_OK);
    assert_true(u.https);
    assert_true(ascii_is(u.host, "access.example.org"));
    assert_int_equal(u.port, 8443);
    assert_true(view_is(u.path, "/a/b"));
    assert_true(view_is(u.query, "x=1&y=%20"));
    assert_true(view_is(u.fragment, "f"));

    assert_int_equal(url_parse(v("http://[2001:db8::1]"), &u), SP_OK);
    assert_true(u.host_is_ipv6);
    assert_true(view_is(u.host, "2001:db8::1"));
    assert_int_equal(u.port, 80);
    assert_int_equal(u.path.len, 0);

    assert_int_equal(url_parse(v("https://a_b.internal?q"), &u), SP_OK);
    assert_true(u.has_query);
}

static const struct {
    const char *text;
    sp_error e;
} bad[] = {
    {"", SP_ERR_UNSUPPORTED},
    {"ftp://a", SP_ERR_UNSUPPORTED},
    {"javascript:alert(1)", SP_ERR_UNSUPPORTED},
    {"//host/path", SP_ERR_UNSUPPORTED},
    {"https://", SP_ERR_MALFORMED},
    {"https:///path", SP_ERR_MALFORMED},
    {"https://user@host/", SP_ERR_MALFORMED},
    {"https://user:pw@host/", SP_ERR_MALFORMED},
    {"https://host:0/", SP_ERR_MALFORMED},
    {"https://host:/", SP_ERR_MALFORMED},
    {"https://host:0443/", SP_ERR_MALFORMED},
    {"https://host:65536/", SP_ERR_MALFORMED},
    {"https://host:+1/", SP_ERR_MALFORMED},
    {"https://host\\evil/", SP_ERR_MALFORMED},
    {"https://ho st/", SP_ERR_MALFORMED},
    {"https://host/a b", SP_ERR_MALFORMED},
    {"https://host/%zz", SP_ERR_MALFORMED},
    {"https://host/%4", SP_ERR_MALFORMED},
    {"https://host/\r\nX: 1", SP_ERR_MALFORMED},
    {"https://h\xc3\xb6st/", SP_ERR_MALFORMED},
    {"https://.host/", SP_ERR_MALFORMED},
    {"https://a..b/", SP_ERR_MALFORMED},
    {"https://[::1", SP_ERR_MALFORMED},
    {"https://[host]/", SP_ERR_MALFORMED},
    {"https://[::1]x/", SP_ERR_MALFORMED},
};

static void bad_urls_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct url u = {.port = 7};
        sp_error e = url_parse(v(bad[i].text), &u);
        if (e != bad[i].e)
            fail_msg("%s: %s", bad[i].text, sp_error_code(e));
        assert_int_equal(u.port, 7); /* untouched */
    }
}

static void a_url_may_be_4096_bytes_and_no_more(void **state)
{
    (void)state;
    char text[URL_BYTES_MAX + 2];
    struct url u;

    memset(text, 'a', sizeof text);
    memcpy(text, "https://h/", 10);
    assert_int_equal(url_parse((struct view){(uint8_t *)text, URL_BYTES_MAX}, &u), SP_OK);
    assert_int_equal(url_parse((struct view){(uint8_t *)text, URL_BYTES_MAX + 1}, &u),
                     SP_ERR_LIMIT);
}

static void origins_compare_scheme_host_and_port(void **state)
{
    (void)state;
    struct url a, b;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"https://A.example/x", "https://a.example:443/y", true},
        {"https://a.example", "http://a.example:443", false},
        {"https://a.example", "https://b.example", false},
        {"https://a.example:1", "https://a.example:2", false},
        {"https://a.example", "https://a.example.", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(url_parse(v(rows[i].a), &a), SP_OK);
        assert_int_equal(url_parse(v(rows[i].b), &b), SP_OK);
        assert_int_equal(url_same_origin(&a, &b), rows[i].same);
    }
}

static void loopback_is_127_slash_8_colon_colon_1_and_localhost(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool yes;
    } rows[] = {
        {"http://127.0.0.1:4711/cb", true},
        {"http://127.9.9.9/", true},
        {"http://[::1]:1/", true},
        {"http://localhost:9/", true},
        {"http://128.0.0.1/", false},
        {"http://127.0.0.1.evil.test/", false},
        {"http://localhost.evil.test/", false},
        {"http://[::2]/", false},
    };
    struct url u;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(url_parse(v(rows[i].text), &u), SP_OK);
        assert_int_equal(url_is_loopback(&u), rows[i].yes);
    }
}

static void an_origin_is_written_in_its_one_form(void **state)
{
    (void)state;
    struct url u;
    struct buf b;

    buf_init(&b, 100);
    assert_int_equal(url_parse(v("HTTPS://Host.EXAMPLE:443/p"), &u), SP_OK);
    url_write_origin(&u, &b);
    assert_string_equal(buf_cstr(&b), "https://host.example");
    buf_reset(&b);
    assert_int_equal(url_parse(v("http://[2001:DB8::1]:81"), &u), SP_OK);
    url_write_origin(&u, &b);
    assert_string_equal(buf_cstr(&b), "http://[2001:db8::1]:81");
    buf_deinit(&b);
}

static void decoding_is_strict_and_undone_on_failure(void **state)
{
    (void)state;
    static const char *const refused[] = {"a%00", "a%", "a%2", "a%g0", "%ff%fe", "%c0%80"};
    struct buf b;

    buf_init(&b, 100);
    buf_add_str(&b, "x");
    assert_int_equal(url_decode(v("a%2Fb+c"), false, &b), SP_OK);
    assert_string_equal(buf_cstr(&b), "xa/b+c");
    assert_int_equal(url_decode(v("+%C3%B6"), true, &b), SP_OK);
    assert_string_equal(buf_cstr(&b), "xa/b+c \xc3\xb6");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(url_decode(v(refused[i]), true, &b), SP_ERR_MALFORMED);
        assert_string_equal(buf_cstr(&b), "xa/b+c \xc3\xb6");
    }
    buf_deinit(&b);
}

static void query_parts_are_joined_and_escaped(void **state)
{
    (void)state;
    struct buf b;
    bool first = true;

    buf_init(&b, 200);
    buf_add_str(&b, "https://h/cb");
    url_add_query(&b, &first, "code", v("a&b=c"));
    url_add_query(&b, &first, "state", v("x y\r\n"));
    assert_string_equal(buf_cstr(&b), "https://h/cb?code=a%26b%3Dc&state=x%20y%0D%0A");
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls_are_taken_apart),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(a_url_may_be_4096_bytes_and_no_more),
        cmocka_unit_test(origins_compare_scheme_host_and_port),
        cmocka_unit_test(loopback_is_127_slash_8_colon_colon_1_and_localhost),
        cmocka_unit_test(an_origin_is_written_in_its_one_form),
        cmocka_unit_test(decoding_is_strict_and_undone_on_failure),
        cmocka_unit_test(query_parts_are_joined_and_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
