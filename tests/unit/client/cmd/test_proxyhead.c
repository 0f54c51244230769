#include "client/cmd/proxyhead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text)                               \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static const struct {
    const char *name;
    struct view in;
    bool greeted;
    sp_error e;
    enum proxyhead_kind kind;
    const char *host;
    uint16_t port;
    size_t used;
} rows[] = {
    {"nothing yet", {NULL, 0}, false, SP_ERR_AGAIN, 0, "", 0, 0},
    {"greeting", BYTES("\5\1\0"), false, SP_OK, PROXYHEAD_GREETING, "", 0, 3},
    {"greeting with two methods", BYTES("\5\2\2\0more"), false, SP_OK, PROXYHEAD_GREETING, "", 0,
     4},
    {"greeting, password only", BYTES("\5\1\2"), false, SP_ERR_UNSUPPORTED, 0, "", 0, 0},
    {"greeting, half", BYTES("\5\2\0"), false, SP_ERR_AGAIN, 0, "", 0, 0},
    {"SOCKS4", BYTES("\4\1\0\120"), false, SP_ERR_UNSUPPORTED, 0, "", 0, 0},
    {"request", BYTES("\5\1\0\3\4WiKi\0\120rest"), true, SP_OK, PROXYHEAD_SOCKS, "wiki", 80, 11},
    {"request, half", BYTES("\5\1\0\3\4wik"), true, SP_ERR_AGAIN, 0, "", 0, 0},
    {"request for an IPv4 address", BYTES("\5\1\0\1\177\0\0\1\0\120"), true, SP_ERR_UNSUPPORTED, 0,
     "", 0, 0},
    {"an address as a name",
     BYTES("\5\1\0\3\11"
           "127.0.0.1\0\120"),
     true, SP_ERR_UNSUPPORTED, 0, "", 0, 0},
    {"request to listen", BYTES("\5\2\0\3\4wiki\0\120"), true, SP_ERR_UNSUPPORTED, 0, "", 0, 0},
    {"request, reserved byte", BYTES("\5\1\1\3\4wiki\0\120"), true, SP_ERR_MALFORMED, 0, "", 0, 0},
    {"request, empty name", BYTES("\5\1\0\3\0\0\120"), true, SP_ERR_MALFORMED, 0, "", 0, 0},
    {"request, NUL in the name", BYTES("\5\1\0\3\4wi\0i\0\120"), true, SP_ERR_MALFORMED, 0, "", 0,
     0},
    {"CONNECT", BYTES("CONNECT wiki.sallyport.internal:443 HTTP/1.1\r\nHost: x\r\n\r\nab"), false,
     SP_OK, PROXYHEAD_HTTP, "wiki.sallyport.internal", 443, 57},
    {"CONNECT, half", BYTES("CONN"), false, SP_ERR_AGAIN, 0, "", 0, 0},
    {"CONNECT without a port", BYTES("CONNECT wiki HTTP/1.1\r\n\r\n"), false, SP_ERR_MALFORMED, 0,
     "", 0, 0},
    {"CONNECT, port too high", BYTES("CONNECT wiki:65536 HTTP/1.1\r\n\r\n"), false,
     SP_ERR_MALFORMED, 0, "", 0, 0},
    {"CONNECT to IPv6", BYTES("CONNECT [::1]:80 HTTP/1.1\r\n\r\n"), false, SP_ERR_UNSUPPORTED, 0,
     "", 0, 0},
    {"CONNECT, a blank in the name", BYTES("CONNECT wi ki:80 HTTP/1.1\r\n\r\n"), false,
     SP_ERR_MALFORMED, 0, "", 0, 0},
    {"GET", BYTES("GET http://wiki/ HTTP/1.1\r\n\r\n"), false, SP_ERR_UNSUPPORTED, 0, "", 0, 0},
};

static void heads_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct proxyhead h = {0};
        sp_error e = proxyhead_read(rows[i].in, rows[i].greeted, &h);

        if (e != rows[i].e)
            fail_msg("%s: %s", rows[i].name, sp_error_text(e));
        assert_int_equal(h.kind, rows[i].kind);
        assert_string_equal(h.host, rows[i].host);
        assert_int_equal(h.port, rows[i].port);
        assert_int_equal(h.used, rows[i].used);
    }
}

static void every_beginning_of_a_good_head_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t len = 0; rows[i].e == SP_OK && len < rows[i].used; len++) {
            struct proxyhead h = {0};

            assert_int_equal(proxyhead_read((struct view){rows[i].in.at, len}, rows[i].greeted, &h),
                             SP_ERR_AGAIN);
        }
}

static void a_head_without_an_end_is_bounded(void **state)
{
    static uint8_t in[PROXYHEAD_BYTES_MAX];
    struct proxyhead h = {0};

    (void)state;
    memset(in, 'a', sizeof in);
    memcpy(in, "CONNECT ", 8);
    assert_int_equal(proxyhead_read((struct view){in, sizeof in}, false, &h), SP_ERR_LIMIT);
    assert_int_equal(proxyhead_read((struct view){in, sizeof in - 1}, false, &h), SP_ERR_AGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_read_strictly),
        cmocka_unit_test(every_beginning_of_a_good_head_asks_for_more),
        cmocka_unit_test(a_head_without_an_end_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
