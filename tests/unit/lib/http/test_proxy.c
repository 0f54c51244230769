#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/http/proxy.h"
#include "lib/http/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct json *environment; /* of the row under test */

static const char *get(const char *name)
{
    return json_cstr(json_get(environment, name));
}

static struct json *load_cases(void)
{
    const char *top = getenv("srcdir");
    char path[512];
    static char text[65536];

    snprintf(path, sizeof path, "%s/tests/data/cases/C-027.env.json", top != NULL ? top : ".");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    struct json *j = NULL;
    assert_int_equal(json_parse((struct view){(uint8_t *)text, n}, sizeof text, NULL, &j), SP_OK);
    return j;
}

/* "[2001:db8::1]:443" and "host:443" */
static void split(const char *dest, char host[256], uint16_t *port)
{
    char text[300];
    struct url u;

    snprintf(text, sizeof text, "https://%s", dest);
    assert_int_equal(url_parse(view_str(text), &u), SP_OK);
    snprintf(host, 256, "%.*s", VIEW_ARG(u.host));
    *port = u.port;
}

static void describe(sp_error e, const struct proxy_choice *c, char out[600])
{
    if (e == SP_ERR_UNSUPPORTED)
        snprintf(out, 600, "error, scheme named");
    else if (e != SP_OK)
        snprintf(out, 600, "%s", sp_error_code(e));
    else if (c->direct)
        snprintf(out, 600, "direct");
    else
        snprintf(out, 600, "%s:%u%s%s", c->host, c->port, c->user[0] ? " with user " : "", c->user);
}

static void C_027_twelve_environments_and_their_way(void **state)
{
    (void)state;
    struct json *cases = load_cases();

    assert_int_equal(json_len(cases), 12);
    for (size_t i = 0; i < json_len(cases); i++) {
        struct json *row = json_at(cases, i);
        const char *via = json_cstr(json_get(row, "via"));
        struct proxy_env env;
        struct proxy_choice c = {0};
        struct sp_why why = {0};
        char host[256], got[600];
        uint16_t port;

        environment = json_get(row, "env");
        split(json_cstr(json_get(row, "dest")), host, &port);
        proxy_env_read(NULL, get, &env);
        sp_error e = proxy_choose(&env, host, port, &why, &c);
        describe(e, &c, got);
        if (strcmp(got, via != NULL ? via : "direct") != 0)
            fail_msg("row %zu: %s instead of %s", i, got, via != NULL ? via : "direct");
        if (e == SP_ERR_UNSUPPORTED)
            assert_non_null(strstr(why.text, "socks5"));
        if (c.user[0])
            assert_string_equal(c.password, "p:w");
    }
    json_free(cases);
}

static void choose(const char *no_proxy, const char *host, uint16_t port, bool direct,
                   unsigned skipped)
{
    struct proxy_env env = {.url = "http://p:3128", .origin = "https_proxy"};
    struct proxy_choice c = {0};

    snprintf(env.no_proxy, sizeof env.no_proxy, "%s", no_proxy);
    assert_int_equal(proxy_choose(&env, host, port, NULL, &c), SP_OK);
    if (c.direct != direct || c.skipped != skipped)
        fail_msg("%s for %s:%u: direct %d, skipped %u", no_proxy, host, port, c.direct, c.skipped);
}

static void no_proxy_entries(void **state)
{
    (void)state;
    choose("example.test", "example.test", 443, true, 0);
    choose("example.test", "EXAMPLE.test", 443, true, 0);
    choose("example.test", "a.example.test", 443, false, 0);
    choose(".example.test", "example.test", 443, false, 0);
    choose("*.example.test", "a.b.example.test", 443, true, 0);
    choose("example.test:8443", "example.test", 443, false, 0);
    choose("example.test:8443", "example.test", 8443, true, 0);
    choose("198.18.0.0/15", "198.19.1.1", 443, true, 0);
    choose("198.18.0.0/15", "198.20.1.1", 443, false, 0);
    choose("2001:db8::/32", "2001:db8:1::2", 443, true, 0);
    choose("2001:db8::1", "2001:db8::1", 443, true, 0);
    choose("[2001:db8::1]:8443", "2001:db8::1", 8443, true, 0);
    choose("10.0.0.0/33, [::1, foo/8, a:b:c, x:99999", "example.test", 443, false, 5);
    choose("10.0.0.0/0", "198.18.0.1", 443, true, 0);
    choose(" , ,, ", "example.test", 443, false, 0);
}

static void loopback_and_link_local_never_go_through_a_proxy(void **state)
{
    (void)state;
    choose("", "127.0.0.1", 443, true, 0);
    choose("", "::1", 443, true, 0);
    choose("", "LocalHost", 443, true, 0);
    choose("", "169.254.169.254", 443, true, 0);
    choose("", "fe80::1", 443, true, 0);
    choose("", "::ffff:127.0.0.1", 443, true, 0);
}

static void configuration_beats_the_environment(void **state)
{
    (void)state;
    struct proxy_env env;

    environment = json_object();
    json_set_cstr(environment, "https_proxy", "http://other:1");
    proxy_env_read(&(struct proxy_own){.configured = "http://mine:2"}, get, &env);
    assert_string_equal(env.url, "http://mine:2");
    assert_string_equal(env.origin, "configuration");
    json_free(environment);
}

static void a_broken_proxy_address_is_an_error_and_no_detour(void **state)
{
    (void)state;
    static const char *const bad[] = {"http://",         "http://p:0",      "http://p:x",
                                      "http://u%zz@p:1", "http://p:1/path", "http://[::1"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct proxy_env env = {.origin = "https_proxy"};
        struct proxy_choice c;
        struct sp_why why = {0};
        snprintf(env.url, sizeof env.url, "%s", bad[i]);
        assert_int_equal(proxy_choose(&env, "x.test", 443, &why, &c), SP_ERR_MALFORMED);
        assert_null(strstr(why.text, "u%zz")); /* may be a password */
    }
}

static void a_login_comes_from_its_file(void **state)
{
    static const struct {
        const char *url, *text, *want; /* want NULL: SP_ERR_INVALID, and the address as it was */
    } rows[] = {
        {"http://p:1", "me:pass\n", "http://me:pass@p:1"},
        {"http://p:1", "me:a:b@c/ %\r\n", "http://me:a%3Ab%40c%2F%20%25@p:1"},
        {"http://p:1", ":\n", "http://:@p:1"},
        {"", "me:pass\n", ""},
        {"http://p:1", "nothing\n", NULL},
        {"http://p:1", "", NULL},
        {"http://other@p:1", "me:pass\n", NULL},
        {"https://p:1", "me:pass\n", NULL},
    };
    char file[] = "/tmp/test_proxy.XXXXXX";
    int fd = mkstemp(file);

    (void)state;
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct proxy_env env = {.origin = "configuration"};
        struct sp_why why = {0};

        snprintf(env.url, sizeof env.url, "%s", rows[i].url);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, rows[i].text, strlen(rows[i].text), 0),
                         (ssize_t)strlen(rows[i].text));
        assert_int_equal(proxy_login(&env, file, &why),
                         rows[i].want != NULL ? SP_OK : SP_ERR_INVALID);
        assert_string_equal(env.url, rows[i].want != NULL ? rows[i].want : rows[i].url);
        assert_false(proxy_login_exposed(&env, &why));
    }
    assert_int_equal(fchmod(fd, 0604), 0);
    struct proxy_env env = {.url = "http://p:1"};
    assert_int_equal(proxy_login(&env, file, NULL), SP_ERR_PERMISSION);
    close(fd);
    unlink(file);
}

static void keep_line(void *arg, const char *text)
{
    snprintf(arg, 1024, "%s", text);
}

static void a_login_in_the_environment_is_told_with_its_variable_and_without_itself(void **state)
{
    static const struct {
        const char *variable, *value, *configured;
        const char *told; /* the variable that is named; NULL: nothing */
    } rows[] = {
        {"https_proxy", "http://me:secret@p:1", NULL, "https_proxy"},
        {"ALL_PROXY", "me:secret@p:1", NULL, "ALL_PROXY"},
        {"https_proxy", "http://p:1", NULL, NULL},
        {"https_proxy", "", NULL, NULL},
        {"http_proxy", "http://me:secret@p:1", NULL, NULL}, /* is not ours */
        {"https_proxy", "http://me:secret@p:1", "http://p:2", NULL},
        {"other", "", "http://me:secret@p:2", NULL},
        {"OUR_PROXY", "http://me:secret@p:2", "http://me:secret@p:2", "OUR_PROXY"},
        {"OUR_PROXY", "http://p:2", "http://p:2", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct proxy_own own = {
            .configured = rows[i].configured, .variable = "OUR_PROXY", .keep = "our.yaml keeps it"};
        char line[1024] = "";
        struct proxy_env env;
        struct sp_why why = {0};

        environment = json_object();
        json_set_cstr(environment, rows[i].variable, rows[i].value);
        proxy_env_read(&own, get, &env);
        json_free(environment);
        assert_int_equal(proxy_login_exposed(&env, &why), rows[i].told != NULL);
        assert_int_equal(proxy_login_exposed(&env, NULL), rows[i].told != NULL);
        log_capture(keep_line, line);
        proxy_login_warn(&env, "our.proxy");
        log_capture(NULL, NULL);
        assert_int_equal(line[0] != '\0', rows[i].told != NULL);
        if (rows[i].told == NULL)
            continue;
        assert_non_null(strstr(why.text, rows[i].told));
        assert_non_null(strstr(why.text, ": our.yaml keeps it"));
        assert_non_null(strstr(line, why.text));
        assert_non_null(strstr(line, "our.proxy"));
        assert_null(strstr(line, "secret"));
    }
}

static void a_login_of_a_file_beside_an_address_of_the_environment_is_not_told(void **state)
{
    char file[] = "/tmp/test_proxy.XXXXXX";
    int fd = mkstemp(file);
    struct proxy_env env;

    (void)state;
    assert_int_equal(write(fd, "me:secret", 9), 9);
    environment = json_object();
    json_set_cstr(environment, "https_proxy", "http://p:1");
    proxy_env_read(NULL, get, &env);
    json_free(environment);
    assert_int_equal(proxy_login(&env, file, NULL), SP_OK);
    assert_string_equal(env.url, "http://me:secret@p:1");
    assert_false(proxy_login_exposed(&env, NULL));
    close(fd);
    unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C_027_twelve_environments_and_their_way),
        cmocka_unit_test(no_proxy_entries),
        cmocka_unit_test(loopback_and_link_local_never_go_through_a_proxy),
        cmocka_unit_test(configuration_beats_the_environment),
        cmocka_unit_test(a_broken_proxy_address_is_an_error_and_no_detour),
        cmocka_unit_test(a_login_comes_from_its_file),
        cmocka_unit_test(a_login_in_the_environment_is_told_with_its_variable_and_without_itself),
        cmocka_unit_test(a_login_of_a_file_beside_an_address_of_the_environment_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
