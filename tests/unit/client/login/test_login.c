#include "client/login/bind.h"
#include "client/login/browser.h"
#include "client/login/loopback.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "Host: 127.0.0.1:4711\r\n"
#define GET(target, headers) "GET " target " HTTP/1.1\r\n" headers "\r\n"

static void OA_9_only_the_right_redirect_is_taken(void **state)
{
    static const struct {
        const char *head;
        sp_error e;
        const char *code, *error;
    } rows[] = {
        {GET("/PATH?code=abc&state=STATE", HOST), SP_OK, "abc", ""},
        {GET("/PATH?state=STATE&code=a%2Db&x=1", HOST), SP_OK, "a-b", ""},
        {GET("/PATH?error=access_denied&state=STATE", HOST), SP_OK, "", "access_denied"},
        {GET("/PATH?code=abc&state=STATE", "host:127.0.0.1:4711\r\nOrigin: null\r\n"), SP_OK, "abc",
         ""},
        /* not whole */
        {"GET /PATH?code=abc&state=STATE HTTP/1.1\r\n" HOST, SP_ERR_AGAIN, 0, 0},
        {"", SP_ERR_AGAIN, 0, 0},
        /* path and state */
        {GET("/PATHX?code=abc&state=STATE", HOST), SP_ERR_NOT_FOUND, 0, 0},
        {GET("/PAT?code=abc&state=STATE", HOST), SP_ERR_NOT_FOUND, 0, 0},
        {GET("//PATH?code=abc&state=STATE", HOST), SP_ERR_NOT_FOUND, 0, 0},
        {GET("/favicon.ico", HOST), SP_ERR_NOT_FOUND, 0, 0},
        {GET("http://127.0.0.1:4711/PATH?code=abc&state=STATE", HOST), SP_ERR_NOT_FOUND, 0, 0},
        {GET("/PATH?code=abc&state=STATF", HOST), SP_ERR_SIGNATURE, 0, 0},
        {GET("/PATH?code=abc", HOST), SP_ERR_SIGNATURE, 0, 0},
        {GET("/PATH?code=abc&state=", HOST), SP_ERR_SIGNATURE, 0, 0},
        {GET("/PATH?state=STATE", HOST), SP_ERR_INVALID, 0, 0},
        {GET("/PATH?code=&state=STATE", HOST), SP_ERR_INVALID, 0, 0},
        {GET("/PATH?code=a&error=b&state=STATE", HOST), SP_ERR_INVALID, 0, 0},
        {GET("/PATH?code=a&code=b&state=STATE", HOST), SP_ERR_MALFORMED, 0, 0},
        {GET("/PATH?code=%zz&state=STATE", HOST), SP_ERR_MALFORMED, 0, 0},
        {GET("/PATH?code=%00&state=STATE", HOST), SP_ERR_MALFORMED, 0, 0},
        /* TM-13: who asks */
        {GET("/PATH?code=abc&state=STATE", "Host: evil.example:4711\r\n"), SP_ERR_DENIED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", "Host: localhost:4711\r\n"), SP_ERR_DENIED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", "Host: 127.0.0.1.evil.com:4711\r\n"), SP_ERR_DENIED, 0,
         0},
        {GET("/PATH?code=abc&state=STATE", "Host: 127.0.0.1\r\n"), SP_ERR_DENIED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", "Host: 127.0.0.1:4712\r\n"), SP_ERR_DENIED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", ""), SP_ERR_DENIED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", HOST HOST), SP_ERR_MALFORMED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", HOST "Origin: https://evil.example\r\n"), SP_ERR_DENIED,
         0, 0},
        {GET("/PATH?code=abc&state=STATE", HOST "Content-Length: 3\r\n"), SP_ERR_DENIED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", HOST "Transfer-Encoding: chunked\r\n"), SP_ERR_DENIED, 0,
         0},
        /* form */
        {"POST /PATH?code=abc&state=STATE HTTP/1.1\r\n" HOST "\r\n", SP_ERR_MALFORMED, 0, 0},
        {"GET /PATH?code=abc&state=STATE HTTP/2.0\r\n" HOST "\r\n", SP_ERR_MALFORMED, 0, 0},
        {"GET /PATH?code=abc &state=STATE HTTP/1.1\r\n" HOST "\r\n", SP_ERR_MALFORMED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", HOST " folded: x\r\n"), SP_ERR_MALFORMED, 0, 0},
        {GET("/PATH?code=abc&state=STATE", HOST "nocolon\r\n"), SP_ERR_MALFORMED, 0, 0},
    };
    static const struct loopback_expect expect = {"PATH", "STATE", 4711};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct loopback_hit hit = {.code = "before"};
        sp_error e = loopback_judge(view_str(rows[i].head), &expect, &hit);
        if (e != rows[i].e)
            fail_msg("row %zu: %s instead of %s\n%s", i, sp_error_code(e), sp_error_code(rows[i].e),
                     rows[i].head);
        if (e == SP_OK) {
            assert_string_equal(hit.code, rows[i].code);
            assert_string_equal(hit.error, rows[i].error);
        } else {
            assert_string_equal(hit.code, "before");
        }
    }
}

static int dial(const struct loopback *l)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    unsigned port;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(sscanf(loopback_url(l), "http://127.0.0.1:%u/", &port), 1);
    to.sin_port = htons((uint16_t)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static sp_error turns(struct loopback *l, struct loopback_hit *hit)
{
    struct pollfd fds[LOOPBACK_AT_ONCE + 1];
    sp_error e = SP_ERR_AGAIN;

    for (int i = 0; i < 10 && e == SP_ERR_AGAIN; i++) {
        poll(fds, loopback_watch(l, fds), 50);
        e = loopback_turn(l, hit);
    }
    return e;
}

static void ask(const struct loopback *l, int fd, const char *state)
{
    char head[256], host[64];

    snprintf(host, sizeof host, "%.*s", (int)strcspn(loopback_url(l) + 7, "/"),
             loopback_url(l) + 7);
    snprintf(head, sizeof head, "GET /secret?code=c0de&state=%s HTTP/1.1\r\nHost: %s\r\n\r\n",
             state, host);
    assert_int_equal(write(fd, head, strlen(head)), strlen(head));
}

static void assert_answer(int fd, const char *status)
{
    char text[2048] = "";
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_WAITALL);

    assert_true(n > 0);
    assert_non_null(strstr(text, status));
    assert_null(strstr(text, "Access-Control-Allow-Origin"));
    close(fd);
}

static void OA_9_a_wrong_hit_is_400_and_the_right_one_is_the_last(void **state)
{
    struct loopback *l = NULL;
    struct loopback_hit hit;
    int idle, wrong, right;

    (void)state;
    assert_int_equal(loopback_new("secret", "st", &l), SP_OK);
    idle = dial(l); /* a browser's connection in advance */
    wrong = dial(l);
    ask(l, wrong, "other");
    assert_int_equal(turns(l, &hit), SP_ERR_AGAIN);
    assert_answer(wrong, "HTTP/1.1 400");
    right = dial(l);
    ask(l, right, "st");
    assert_int_equal(turns(l, &hit), SP_OK);
    assert_string_equal(hit.code, "c0de");
    assert_answer(right, "HTTP/1.1 200");
    assert_int_equal(dial(l), -1); /* nobody listens any more */
    loopback_free(l);
    close(idle);
}

static void rfc_7636_appendix_b(void **state)
{
    struct bind a, b;
    char challenge[BIND_TEXT + 1];

    (void)state;
    bind_challenge(view_str("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), challenge);
    assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    bind_new(&a);
    bind_new(&b);
    assert_int_equal(strlen(a.verifier), BIND_TEXT);
    assert_string_not_equal(a.verifier, b.verifier);
    assert_string_not_equal(a.state, a.path);
}

static const char *path_var, *display_var, *browser_var, *sudo_var;

static const char *fake_env(const char *name)
{
    return strcmp(name, "PATH") == 0       ? path_var
           : strcmp(name, "DISPLAY") == 0  ? display_var
           : strcmp(name, "BROWSER") == 0  ? browser_var
           : strcmp(name, "SUDO_UID") == 0 ? sudo_var
                                           : NULL;
}

static void C_037_no_browser_as_root_or_without_a_display(void **state)
{
    char dir[] = "/tmp/sp-browser.XXXXXX", opener[64];

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(opener, sizeof opener, "%s/xdg-open", dir);
    FILE *f = fopen(opener, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(chmod(opener, 0755), 0);

    path_var = dir;
    display_var = ":0";
    assert_int_equal(browser_advise(fake_env, 1000), BROWSER_TRY);
    assert_int_equal(browser_advise(fake_env, 0), BROWSER_ROOT);
    sudo_var = "1000";
    assert_int_equal(browser_advise(fake_env, 1000), BROWSER_ROOT);
    sudo_var = NULL;
    display_var = NULL;
    assert_int_equal(browser_advise(fake_env, 1000), BROWSER_NONE);
    display_var = ":0";
    path_var = "/nonexistent:.";
    assert_int_equal(browser_advise(fake_env, 1000), BROWSER_NONE);
    browser_var = "sh -c %s:";
    assert_int_equal(browser_advise(fake_env, 1000), BROWSER_NONE);
    browser_var = opener;
    assert_int_equal(browser_advise(fake_env, 1000), BROWSER_TRY);
    unlink(opener);
    rmdir(dir);
}

static void INC_4_only_our_addresses_are_opened(void **state)
{
    static const char *const bad[] = {"http://127.0.0.1.evil.com/",
                                      "http://evil.example/",
                                      "file:///etc/passwd",
                                      "javascript:alert(1)",
                                      "https://a/ b",
                                      "-version",
                                      "https://a/\n"};
    pid_t pid = 0;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(browser_open(bad[i], &pid), SP_ERR_INVALID);
    assert_int_equal(pid, 0);
}

static void C_037_a_failing_opener_is_noticed(void **state)
{
    char dir[] = "/tmp/sp-browser.XXXXXX", opener[64];
    pid_t pid = 0;
    bool failed = false;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(opener, sizeof opener, "%s/opener", dir);
    FILE *f = fopen(opener, "w");
    assert_non_null(f);
    fputs("#!/bin/sh\nexit 3\n", f);
    fclose(f);
    assert_int_equal(chmod(opener, 0755), 0);
    setenv("BROWSER", opener, 1);
    assert_int_equal(browser_open("https://access.example.org/d/K7QF-3MPT", &pid), SP_OK);
    for (int i = 0; i < 100 && !failed; i++) {
        failed = browser_failed(&pid);
        usleep(10000);
    }
    assert_true(failed);
    assert_int_equal(pid, 0);
    unsetenv("BROWSER");
    unlink(opener);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(OA_9_only_the_right_redirect_is_taken),
        cmocka_unit_test(OA_9_a_wrong_hit_is_400_and_the_right_one_is_the_last),
        cmocka_unit_test(rfc_7636_appendix_b),
        cmocka_unit_test(C_037_no_browser_as_root_or_without_a_display),
        cmocka_unit_test(INC_4_only_our_addresses_are_opened),
        cmocka_unit_test(C_037_a_failing_opener_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
