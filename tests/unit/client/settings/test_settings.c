/* Settings: which layer wins, what a file may say, and that an edit changes one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/settings/settings.h"
#include "client/settings/way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[64], file[128];

static int setup(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/test_settings.XXXXXX");
    if (mkdtemp(home) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/sallyport/config.yaml", home);
    setenv("XDG_CONFIG_HOME", home, 1);
    unsetenv("SALLYPORT_BROKER");
    unsetenv("SALLYPORT_FRONT");
    return 0;
}

static int teardown(void **state)
{
    char folder[128];

    (void)state;
    unsetenv("SALLYPORT_BROKER");
    unsetenv("SALLYPORT_FRONT");
    (void)unlink(file);
    snprintf(folder, sizeof folder, "%s/sallyport", home);
    (void)rmdir(folder);
    return rmdir(home);
}

static void write_file(const char *text, mode_t mode)
{
    char folder[128];
    FILE *f;

    snprintf(folder, sizeof folder, "%s/sallyport", home);
    (void)mkdir(folder, 0700);
    f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(file, mode), 0);
}

static struct settings load(void)
{
    struct settings s;
    struct sp_why why = {0};

    if (settings_load(&s, &why) != SP_OK)
        fail_msg("%s", why.text);
    return s;
}

static void the_environment_goes_before_the_file_and_the_file_before_the_default(void **state)
{
    (void)state;
    struct settings s = load();

    assert_string_equal(settings_value(&s, SETTING_BROKER), "");
    assert_string_equal(settings_value(&s, SETTING_FRONT), "direct");
    assert_int_equal(s.of[SETTING_FRONT].from, SETTINGS_DEFAULT);
    assert_string_equal(s.person, file);
    write_file("# mine\nbroker: https://access.example.org\nfront: l7\n", 0600);
    setenv("SALLYPORT_FRONT", "direct", 1);
    s = load();
    assert_string_equal(settings_value(&s, SETTING_BROKER), "https://access.example.org");
    assert_int_equal(s.of[SETTING_BROKER].from, SETTINGS_PERSON);
    assert_string_equal(settings_value(&s, SETTING_FRONT), "direct");
    assert_int_equal(s.of[SETTING_FRONT].from, SETTINGS_ENVIRONMENT);
}

static void what_a_file_may_not_say_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *place;
    } rows[] = {
        {"front: l7\nbrokr: https://a.example\n", ":2:1: "},
        {"broker: http://a.example\n", ":1:"},
        {"front: both\n", ":1:"},
        {"\nbrowser: true\n", ":2:"},
        {"listen: 0.0.0.0:1080\n", ":1:"},
        {"notify: 1\n", ":1:"},
        {"ca_file: ca.pem\n", ":1:"},
        {"front: l7\nfront: l7\n", ":2:1: "},
        {"- front\n", ": names and values"},
        {"front: &a l7\n", ":1:"},
        {"front: {a: b}\n", ":1:"},
        {"broker: https://a.example#spe_x\n", ":1:"},
        {"proxy: https://proxy.example:3128\n", ":1:"},
        {"proxy: proxy.example:3128\n", ":1:"},
        {"proxy: http://proxy.example:3128/x\n", ":1:"},
        {"proxy: http://\n", ":1:"},
        {"proxy_login: login\n", ":1:"},
    };
    struct settings s;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sp_why why = {0};
        char place[200];

        write_file(rows[i].text, 0600);
        snprintf(place, sizeof place, "%s%s", file, rows[i].place);
        if (settings_load(&s, &why) == SP_OK || strncmp(why.text, place, strlen(place)) != 0)
            fail_msg("%s: %s", rows[i].text, why.text);
    }
    char longest[SETTING_VALUE_MAX + 32];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "ca_file: /", 10);
    longest[10 + SETTING_VALUE_MAX - 1] = '\0'; /* the last good one: '/' and the rest */
    write_file(longest, 0600);
    assert_int_equal(settings_load(&s, NULL), SP_OK);
    memcpy(longest + 10 + SETTING_VALUE_MAX - 1, "a", 2);
    write_file(longest, 0600);
    assert_int_equal(settings_load(&s, NULL), SP_ERR_INVALID);
    setenv("SALLYPORT_BROKER", "ftp://a.example", 1);
    write_file("", 0600);
    struct sp_why why = {0};
    assert_int_not_equal(settings_load(&s, &why), SP_OK);
    assert_memory_equal(why.text, "environment", 11);
}

static void a_login_is_no_part_of_a_setting_and_is_not_said_again(void **state)
{
    static const char with_login[] = "http://me:s3cret@proxy.example:3128";
    struct sp_why why = {0};
    struct settings s;

    (void)state;
    assert_int_equal(settings_check(SETTING_PROXY, view_str("http://proxy.example:3128"), &why),
                     SP_OK);
    assert_int_equal(settings_check(SETTING_PROXY, view_str(with_login), &why), SP_ERR_INVALID);
    assert_non_null(strstr(why.text, "proxy_login"));
    assert_null(strstr(why.text, "s3cret"));
    write_file("proxy: http://me:s3cret@proxy.example:3128\n", 0600);
    assert_int_equal(settings_load(&s, &why), SP_ERR_INVALID);
    assert_null(strstr(why.text, "s3cret"));
    write_file("", 0600);
    setenv("SALLYPORT_PROXY", with_login, 1);
    assert_int_equal(settings_load(&s, &why), SP_ERR_INVALID);
    assert_null(strstr(why.text, "s3cret"));
    unsetenv("SALLYPORT_PROXY");
}

static void the_way_is_the_setting_s_with_its_login_before_the_environment_s(void **state)
{
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    char login[128], text[300];
    struct proxy_env way;
    struct sp_why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    assert_int_equal(settings_way(&way, &why), SP_OK);
    assert_string_equal(way.url, "");
    setenv("https_proxy", "http://theirs:1", 1);
    assert_int_equal(settings_way(&way, &why), SP_OK);
    assert_string_equal(way.url, "http://theirs:1");

    snprintf(login, sizeof login, "%s/login", home);
    FILE *f = fopen(login, "w");
    assert_non_null(f);
    fputs("me:a b@c\n", f);
    fclose(f);
    assert_int_equal(chmod(login, 0600), 0);
    snprintf(text, sizeof text, "proxy: http://ours:2\nproxy_login: %s\n", login);
    write_file(text, 0600);
    assert_int_equal(settings_way(&way, &why), SP_OK);
    assert_string_equal(way.url, "http://me:a%20b%40c@ours:2");
    assert_false(proxy_login_exposed(&way, NULL));

    /* without the login that can't be had, but with the address: the proxy refuses, nobody passes
     * it by */
    assert_int_equal(chmod(login, 0640), 0);
    assert_int_equal(settings_way(&way, &why), SP_ERR_PERMISSION);
    assert_string_equal(way.url, "http://ours:2");
    unlink(login);
    assert_int_equal(settings_way(&way, &why), SP_ERR_NOT_FOUND);
    unsetenv("https_proxy");
}

static void a_file_that_others_may_write_is_not_believed(void **state)
{
    struct sp_why why = {0};
    struct settings s;

    (void)state;
    write_file("front: l7\n", 0622);
    assert_int_equal(settings_load(&s, &why), SP_ERR_PERMISSION);
}

static void an_edit_changes_one_line(void **state)
{
    static const struct {
        const char *before, *value, *after; /* after NULL: by hand */
    } rows[] = {
        {"", "l7", "front: \"l7\"\n"},
        {"# mine\nbroker: https://a.example # ours\n", "l7",
         "# mine\nbroker: https://a.example # ours\nfront: \"l7\"\n"},
        {"front: direct\nnotify: off\n", "l7", "front: \"l7\"\nnotify: off\n"},
        {"notify: off\nfront: direct", "l7", "notify: off\nfront: \"l7\"\n"},
        {"notify: off", "l7", "notify: off\nfront: \"l7\"\n"},
        {"notify: off\nfront: direct\n", "", "notify: off\n"},
        {"notify: off\n", "", "notify: off\n"},
        {"{front: direct, notify: off}\n", "l7", NULL},
        {"front:\n  direct\nnotify: off\n", "l7", NULL},
        {"front: 'di\\\n  rect'\n", "l7", NULL},
        {"front: >-\n  direct\n", "l7", NULL},
        /* lines as YAML counts them, not as an editor of ours would */
        {"# a\r# b\rfront: direct\r\nnotify: off\n", "l7",
         "# a\r# b\rfront: \"l7\"\nnotify: off\n"},
        {"# a\xc2\x85# b\xe2\x80\xa8"
         "front: direct\n",
         "", "# a\xc2\x85# b\xe2\x80\xa8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sp_why why = {0};
        struct buf out;
        sp_error e;

        buf_init(&out, SETTING_FILE_MAX);
        e = settings_edit(view_str(rows[i].before), SETTING_FRONT, view_str(rows[i].value), &why,
                          &out);
        if ((e == SP_OK) != (rows[i].after != NULL))
            fail_msg("%s: %s", rows[i].before, why.text);
        if (e == SP_OK)
            assert_string_equal(buf_cstr(&out), rows[i].after);
        buf_deinit(&out);
    }
}

static void what_is_set_is_read_again(void **state)
{
    static const struct {
        enum setting key;
        const char *value;
    } rows[] = {{SETTING_BROKER, "https://access.example.org:8443"},
                {SETTING_CA_FILE, "/etc/ssl/\"our\" ca\\1.pem"},
                {SETTING_LISTEN, "[::1]:1081"},
                {SETTING_BROKER, ""},
                {SETTING_NOTIFY, "off"}};
    struct settings s = load();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sp_why why = {0};
        struct stat st;

        if (settings_set(&s, rows[i].key, view_str(rows[i].value), &why) != SP_OK)
            fail_msg("%s", why.text);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        struct settings now = load();
        assert_string_equal(settings_value(&now, rows[i].key), rows[i].value);
    }
    assert_int_equal(settings_set(&s, SETTING_FRONT, view_str("l8"), NULL), SP_ERR_INVALID);
}

static void names_are_found(void **state)
{
    (void)state;
    for (size_t k = 0; k < SETTINGS_COUNT; k++)
        assert_int_equal(settings_find(view_str(settings_name((enum setting)k))), k);
    assert_int_equal(settings_find(view_str("brok")), SETTINGS_COUNT);
    assert_int_equal(settings_find(view_str("")), SETTINGS_COUNT);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_environment_goes_before_the_file_and_the_file_before_the_default),
        CASE(what_a_file_may_not_say_is_refused_with_its_place),
        CASE(a_login_is_no_part_of_a_setting_and_is_not_said_again),
        CASE(the_way_is_the_setting_s_with_its_login_before_the_environment_s),
        CASE(a_file_that_others_may_write_is_not_believed),
        CASE(an_edit_changes_one_line),
        CASE(what_is_set_is_read_again),
        CASE(names_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
