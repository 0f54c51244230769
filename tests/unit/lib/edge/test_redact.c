#include "lib/edge/redact.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct redact_name names[] = {
    {"broker", "access.example.org"},
    {"user", "anna"},
    {"app", "wiki"},
    {"none", NULL},
    {"none", ""},
};

static void check(const char *in, const char *out, size_t count)
{
    struct buf b;

    buf_init(&b, 4096);
    redact(view_str(in), names, count, &b);
    assert_string_equal(buf_cstr(&b), out);
    buf_deinit(&b);
}

static void secrets_are_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"grant v4.public.AbC_-9.foot ends", "grant [redacted] ends"},
        {"v4.local.x", "[redacted]"},
        {"(spt_0123)", "([redacted])"},
        {"eyJhbGciOi.x.y", "[redacted]"},
        {"Authorization: Bearer abcdefgh12", "Authorization: [redacted]"},
        {"sent Bearer abcdefgh12 there", "sent Bearer [redacted] there"},
        {"https_proxy=http://u:p%40w@proxy:3128", "https_proxy=http://[redacted]@proxy:3128"},
        {"{\"ticket\":\"abc\",\"n\":1}", "{\"ticket\":\"[redacted]\",\"n\":1}"},
        {"{\"secret\":\"a\\\"b\",\"n\":1}", "{\"secret\":\"[redacted]\",\"n\":1}"},
        {"{\"token\":12345678,\"n\":1}", "{\"token\":[redacted],\"n\":1}"},
        {"SALLYPORT_TOKEN=abc def", "SALLYPORT_TOKEN=[redacted] def"},
        {"password: hunter2\nnext", "password: [redacted]\nnext"},
        {"client_secret = hunter 2\nnext", "client_secret = [redacted]\nnext"},
        {"  \"token\": \"abc\",\n", "  \"token\": \"[redacted]\",\n"},
        {"spe_abc,spt_def x_spe_no", "[redacted],[redacted] x_spe_no"},
        {"http://me:p@ss@proxy.example:3128/", "http://[redacted]@proxy.example:3128/"},
        {"a http://u:p@h and https://v:q@k", "a http://[redacted]@h and https://[redacted]@k"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\nafter\n",
         "[redacted]\nafter\n"},
        {"key -----BEGIN EC PRIVATE KEY-----\nAAAA\n", "key [redacted]"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i].in, rows[i].out, 0);
}

static void what_is_no_secret_stays(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "https://access.example.org:8443/api",
        "a basic fact",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
        "log: info\nstate: /var/lib/x\n",
        "xspt_ is part of a word",
        "{\"state\":\"up\",\"port\":5432}",
        "{\"code\":\"posture_fail\",\"key\":\"software\"}",
        "mail@example.org",
        "\xff\xfe not UTF-8",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i], rows[i], 0);
}

static void names_are_replaced_as_whole_words(void **state)
{
    (void)state;
    check("anna at https://access.example.org/ opens wiki; annabel, wikis and X_wiki stay",
          "<user> at https://<broker>/ opens <app>; annabel, wikis and X_wiki stay", 5);
    check("Anna", "<user>", 5);
    check("anna", "anna", 0);
}

static void ends_of_text_are_no_trap(void **state)
{
    (void)state;
    static const char *const rows[] = {"password=", "\"token\":\"", "://", "Bearer ", "v4.public.",
                                       "key:",      "\"",           "=",   "x://a:b", "spe_"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;

        buf_init(&b, 4096);
        redact(view_str(rows[i]), names, 5, &b);
        assert_int_equal(buf_error(&b), SP_OK);
        buf_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_left_out),
        cmocka_unit_test(what_is_no_secret_stays),
        cmocka_unit_test(names_are_replaced_as_whole_words),
        cmocka_unit_test(ends_of_text_are_no_trap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
