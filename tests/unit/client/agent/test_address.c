#include "client/agent/address.h"
#include "client/agent/hosthead.h"
#include "client/agent/wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sp_id app(unsigned n)
{
    struct sp_id id = {{0}};

    id.bytes[14] = (uint8_t)(n >> 8);
    id.bytes[15] = (uint8_t)n;
    id.bytes[0] = 1;
    return id;
}

static void an_app_keeps_its_address_and_users_differ(void **state)
{
    struct address_table t = {0};
    uint16_t low, again;
    bool fresh;

    (void)state;
    assert_int_equal(address_take(&t, 1000, app(1), &low, &fresh), SP_OK);
    assert_true(fresh);
    assert_int_equal(low, address_hash(1000, app(1)));
    assert_int_not_equal(low, address_hash(1001, app(1)));
    assert_int_equal(address_take(&t, 1000, app(1), &again, &fresh), SP_OK);
    assert_false(fresh);
    assert_int_equal(again, low);
    address_table_free(&t);
}

static void a_collision_takes_the_next_free_one_and_keeps_it(void **state)
{
    struct address_table t = {0};
    uint16_t wanted = address_hash(1000, app(7)), low;
    bool fresh;

    (void)state;
    assert_int_equal(address_restore(&t, app(1), wanted), SP_OK);
    assert_int_equal(address_restore(&t, app(1), 9), SP_ERR_EXISTS);
    assert_int_equal(address_restore(&t, app(2), wanted), SP_ERR_EXISTS);
    assert_int_equal(address_restore(&t, app(3), 0), SP_ERR_EXISTS);
    assert_int_equal(address_restore(&t, app(3), 65535), SP_ERR_EXISTS);
    assert_int_equal(address_take(&t, 1000, app(7), &low, &fresh), SP_OK);
    assert_int_equal(low, wanted == 65534 ? 1 : wanted + 1);
    address_table_free(&t);
}

static void the_table_is_bounded_and_all_addresses_differ(void **state)
{
    static bool used[65536];
    struct address_table t = {0};
    uint16_t low;
    bool fresh;

    (void)state;
    for (unsigned i = 0; i < ADDRESS_APPS_MAX; i++) {
        assert_int_equal(address_take(&t, 1000, app(i), &low, &fresh), SP_OK);
        assert_true(low >= 1 && low <= 65534);
        assert_false(used[low]);
        used[low] = true;
    }
    assert_int_equal(address_take(&t, 1000, app(ADDRESS_APPS_MAX), &low, &fresh), SP_ERR_LIMIT);
    address_table_free(&t);
}

static void low_ports_move_up_for_users(void **state)
{
    (void)state;
    assert_int_equal(address_port_of(22, 1024), 10022);
    assert_int_equal(address_port_of(1023, 1024), 11023);
    assert_int_equal(address_port_of(1024, 1024), 1024);
    assert_int_equal(address_port_of(22, 0), 22);
    assert_string_equal(address_local(0x0309, 5432).s, "127.77.3.9:5432");
}

#define GET(headers) "GET / HTTP/1.1\r\n" headers "\r\n"

static void TM_13_only_the_apps_own_host_is_forwarded(void **state)
{
    static const struct {
        const char *head;
        sp_error e;
    } rows[] = {
        {GET("Host: 127.77.3.9:8080\r\n"), SP_OK},
        {GET("host:wiki.sallyport.internal:8080\r\n"), SP_OK},
        {GET("Host: WIKI.Sallyport.Internal:8080\r\nA: b\r\n"), SP_OK},
        {"POST /a?b HTTP/1.0\r\nHost: 127.77.3.9:8080\r\n\r\n", SP_OK},
        {"GET http://127.77.3.9:8080/x HTTP/1.1\r\nHost: 127.77.3.9:8080\r\n\r\n", SP_OK},
        {"OPTIONS * HTTP/1.1\r\nHost: 127.77.3.9:8080\r\n\r\n", SP_OK},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SP_OK},
        {"PRI * HTTP/2.0\r\n\r\n", SP_ERR_AGAIN},
        {"PRI * HTTP/2.0\r\nHost: evil.example\r\n\r\n", SP_ERR_MALFORMED},
        {GET("Host: evil.example:8080\r\n"), SP_ERR_DENIED},
        {GET("Host: 127.77.3.9\r\n"), SP_ERR_DENIED},
        {GET("Host: 127.77.3.9:8081\r\n"), SP_ERR_DENIED},
        {GET("Host: 127.77.3.9.evil.example:8080\r\n"), SP_ERR_DENIED},
        {GET("Host: [::1]:8080\r\n"), SP_ERR_DENIED},
        {GET("Host: 0.0.0.0:8080\r\n"), SP_ERR_DENIED},
        {GET("Host: localhost:8080\r\n"), SP_ERR_DENIED},
        {GET("Host: :8080\r\n"), SP_ERR_DENIED},
        {GET("Host:\r\n"), SP_ERR_DENIED},
        {GET(""), SP_ERR_DENIED},
        {GET("Host: 127.77.3.9:8080\r\nHost: 127.77.3.9:8080\r\n"), SP_ERR_DENIED},
        {GET("Host: 127.77.3.9:8080\r\nhost: evil.example\r\n"), SP_ERR_DENIED},
        {GET("Host : 127.77.3.9:8080\r\n"), SP_ERR_MALFORMED},
        {GET("A: b\r\n Host: 127.77.3.9:8080\r\n"), SP_ERR_MALFORMED},
        {GET("Host: 127.77.3.9:08080\r\n"), SP_ERR_DENIED},
        {"GET http://evil.example/x HTTP/1.1\r\nHost: 127.77.3.9:8080\r\n\r\n", SP_ERR_DENIED},
        {"CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.77.3.9:8080\r\n\r\n", SP_ERR_DENIED},
        {"\x16\x03\x01\r\n\r\n", SP_OK},
        {"GET  HTTP/1.1\r\nHost: 127.77.3.9:8080\r\n\r\n", SP_ERR_MALFORMED},
        {"GET / HTTP/1.1\r\nHost: 127.77.3.9:8080\r\n", SP_ERR_AGAIN},
        {"", SP_ERR_AGAIN},
    };
    static const struct hosthead_expect expect = {
        .names = {"127.77.3.9", "wiki.sallyport.internal"}, .count = 2, .port = 8080};
    char text[1024];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sp_error e = hosthead_check(view_str(rows[i].head), &expect);
        if (e != rows[i].e)
            fail_msg("row %zu: %s instead of %s\n%s", i, sp_error_code(e), sp_error_code(rows[i].e),
                     rows[i].head);
    }
    snprintf(text, sizeof text, "%.*s", VIEW_ARG(hosthead_answer(SP_ERR_DENIED)));
    assert_true(strncmp(text, "HTTP/1.1 421 ", 13) == 0);
    assert_non_null(strstr(text, "Cross-Origin-Resource-Policy: same-origin\r\n"));
    assert_null(strstr(text, "Access-Control"));
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 55);
}

static void a_port_of_80_may_be_left_out(void **state)
{
    static const struct hosthead_expect expect = {.names = {"127.77.3.9"}, .count = 1, .port = 80};
    (void)state;
    assert_int_equal(hosthead_check(view_str(GET("Host: 127.77.3.9\r\n")), &expect), SP_OK);
    assert_int_equal(hosthead_check(view_str(GET("Host: 127.77.3.9:80\r\n")), &expect), SP_OK);
    assert_int_equal(hosthead_check(view_str(GET("Host: 127.77.3.9:443\r\n")), &expect),
                     SP_ERR_DENIED);
}

static void a_head_without_an_end_is_bounded(void **state)
{
    static uint8_t many[HOSTHEAD_MAX];
    static const struct hosthead_expect expect = {.names = {"a"}, .count = 1, .port = 80};
    (void)state;
    memset(many, 'a', sizeof many);
    assert_int_equal(hosthead_check((struct view){many, sizeof many - 1}, &expect), SP_ERR_AGAIN);
    assert_int_equal(hosthead_check((struct view){many, sizeof many}, &expect), SP_ERR_LIMIT);
}

/* The gateway knows limits of its own, and records what it refuses. */
static void a_longer_head_is_judged_by_its_first_bytes(void **state)
{
    static const struct {
        const char *begin;
        sp_error e;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\nX: ", SP_OK},
        {"GET / HTTP/1.1\r\nHost: b\r\nX: ", SP_ERR_DENIED},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\nX: ", SP_ERR_DENIED},
        {"GET / HTTP/1.1\r\nX: ", SP_ERR_LIMIT},
        {"GET http://b/ HTTP/1.1\r\nHost: a\r\nX: ", SP_ERR_DENIED},
        {"GET /", SP_ERR_LIMIT},
    };
    static const struct hosthead_expect expect = {.names = {"a"}, .count = 1, .port = 80};
    static uint8_t many[HOSTHEAD_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(many, 'x', sizeof many);
        memcpy(many, rows[i].begin, strlen(rows[i].begin));
        if (hosthead_check((struct view){many, sizeof many}, &expect) != rows[i].e)
            fail_msg("%s", rows[i].begin);
        assert_int_not_equal(hosthead_check((struct view){many, sizeof many - 1}, &expect), SP_OK);
    }
}

static void C_038_FLT_9_sleep_is_told_from_jumps_of_the_wall_clock(void **state)
{
    enum { HOUR = 3600 * 1000 };
    (void)state;
    /* boot and monotonic clocks only: the wall clock is not asked */
    assert_int_equal(wake_slept(1000, 1000, 2000, 2000), 0);
    assert_int_equal(wake_slept(1000, 1000, 2000 + HOUR, 2000), HOUR);
    assert_int_equal(wake_slept(1000, 500, 1000 + WAKE_SLEPT_MS, 500), WAKE_SLEPT_MS);
    assert_int_equal(wake_slept(1000, 500, 1000 + WAKE_SLEPT_MS - 1, 500), 0);
    assert_int_equal(wake_slept(1000, 1000, 1000 + HOUR, 1000 + HOUR), 0); /* SIGSTOP */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_app_keeps_its_address_and_users_differ),
        cmocka_unit_test(a_collision_takes_the_next_free_one_and_keeps_it),
        cmocka_unit_test(the_table_is_bounded_and_all_addresses_differ),
        cmocka_unit_test(low_ports_move_up_for_users),
        cmocka_unit_test(TM_13_only_the_apps_own_host_is_forwarded),
        cmocka_unit_test(a_port_of_80_may_be_left_out),
        cmocka_unit_test(a_head_without_an_end_is_bounded),
        cmocka_unit_test(a_longer_head_is_judged_by_its_first_bytes),
        cmocka_unit_test(C_038_FLT_9_sleep_is_told_from_jumps_of_the_wall_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
