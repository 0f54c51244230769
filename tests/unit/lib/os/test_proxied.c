/* Headers are written here by hand, byte by byte, from haproxy's doc/proxy-protocol.txt 2.2. */
#include "lib/os/proxied.h"

#include "lib/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TCP4 "\xcb\x00\x71\x09\xc6\x12\x00\x01\x12\x67\x01\xbb"
#define TCP6                                                             \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0" \
    "\0\0\0\0\0\0\0\x01\x12\x67\x01\xbb"
#define CRC "\x87\x16\xeb\xa2"
#define BYTES(s)                            \
    (struct view)                           \
    {                                       \
        (const uint8_t *)(s), sizeof(s) - 1 \
    }

static sp_error parse(struct view in, struct proxied *out)
{
    size_t need = 0;
    sp_error e;

    *out = (struct proxied){.len = 99};
    e = proxied_parse(in, out, &need);
    if (e != SP_OK)
        assert_int_equal(out->len, 99); /* untouched */
    return e;
}

static void INC_9_the_source_of_tcp_over_ipv4_and_ipv6_is_read(void **state)
{
    (void)state;
    struct proxied p;

    assert_int_equal(parse(BYTES(SIGNATURE "\x21\x11\x00\x0c" TCP4 "\x16\x03\x01"), &p), SP_OK);
    assert_false(p.local);
    assert_int_equal(p.len, 28);
    assert_string_equal(address_text(&p.from).s, "203.0.113.9:4711");
    assert_int_equal(parse(BYTES(SIGNATURE "\x21\x21\x00\x24" TCP6), &p), SP_OK);
    assert_int_equal(p.len, 52);
    assert_string_equal(address_text(&p.from).s, "[2001:db8::7]:4711");
}

static void a_health_check_of_the_balancer_is_its_own(void **state)
{
    (void)state;
    struct proxied p;

    assert_int_equal(parse(BYTES(SIGNATURE "\x20\x00\x00\x00"), &p), SP_OK);
    assert_true(p.local);
    assert_int_equal(p.len, 16);
    /* an address in it is for nobody */
    assert_int_equal(parse(BYTES(SIGNATURE "\x20\x11\x00\x0c" TCP4), &p), SP_OK);
    assert_true(p.local);
    assert_int_equal(address_bytes(&p.from).len, 0);
}

static void a_header_in_pieces_asks_for_what_is_missing(void **state)
{
    (void)state;
    static const char whole[] = SIGNATURE "\x21\x11\x00\x11" TCP4 "\x04\x00\x02xy";
    struct view in = BYTES(whole);
    struct proxied p;

    for (size_t n = 0; n < in.len; n++) {
        size_t need = 0;

        assert_int_equal(proxied_parse(view_slice(in, 0, n), &p, &need), SP_ERR_AGAIN);
        assert_int_equal(need, n < PROXIED_BYTES_MIN ? PROXIED_BYTES_MIN : in.len);
    }
    assert_int_equal(parse(in, &p), SP_OK);
    assert_int_equal(p.len, in.len);
}

static void INC_9_what_is_not_the_header_by_the_letter_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct view in;
        sp_error e;
    } cases[] = {
        {"a ClientHello", {(const uint8_t *)"\x16\x03\x01", 3}, SP_ERR_MALFORMED},
        {"version 1",
         {(const uint8_t *)"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", 32},
         SP_ERR_MALFORMED},
        {"signature, one bit off",
         {(const uint8_t *)"\r\n\r\n\0\r\nQUIU\n\x21\x11\x00\x0c" TCP4, 28},
         SP_ERR_MALFORMED},
#define CASE(name, text, e) {name, {(const uint8_t *)(text), sizeof(text) - 1}, e}
        CASE("protocol version 1", SIGNATURE "\x11\x11\x00\x0c" TCP4, SP_ERR_UNSUPPORTED),
        CASE("protocol version 3", SIGNATURE "\x31\x11\x00\x0c" TCP4, SP_ERR_UNSUPPORTED),
        CASE("command 2", SIGNATURE "\x22\x11\x00\x0c" TCP4, SP_ERR_MALFORMED),
        CASE("no address", SIGNATURE "\x21\x00\x00\x00", SP_ERR_UNSUPPORTED),
        CASE("UDP", SIGNATURE "\x21\x12\x00\x0c" TCP4, SP_ERR_UNSUPPORTED),
        CASE("a unix socket", SIGNATURE "\x21\x31\x00\x00", SP_ERR_UNSUPPORTED),
        CASE("short for IPv4", SIGNATURE "\x21\x11\x00\x0b" TCP4, SP_ERR_MALFORMED),
        CASE("IPv6 with IPv4's length", SIGNATURE "\x21\x21\x00\x0c" TCP4, SP_ERR_MALFORMED),
        CASE("half a TLV", SIGNATURE "\x21\x11\x00\x0e" TCP4 "\x04\x00", SP_ERR_MALFORMED),
        CASE("a TLV that is too long", SIGNATURE "\x21\x11\x00\x10" TCP4 "\x04\x00\x02x",
             SP_ERR_MALFORMED),
        CASE("too long", SIGNATURE "\x21\x11\x07\xf1", SP_ERR_LIMIT),
        CASE("from port 0", SIGNATURE "\x21\x11\x00\x0c\xcb\0\x71\x09\xc6\x12\0\x01\0\0\x01\xbb",
             SP_ERR_MALFORMED),
        CASE("from 0.0.0.0", SIGNATURE "\x21\x11\x00\x0c\0\0\0\0\xc6\x12\0\x01\x12\x67\x01\xbb",
             SP_ERR_MALFORMED),
        CASE("from multicast",
             SIGNATURE "\x21\x11\x00\x0c\xe0\0\0\x01\xc6\x12\0\x01\x12\x67\x01\xbb",
             SP_ERR_MALFORMED),
    };
    struct proxied p;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (parse(cases[i].in, &p) != cases[i].e)
            fail_msg("%s", cases[i].name);
}

static void a_checksum_is_checked_where_there_is_one(void **state)
{
    (void)state;
    /* the sum was made by a program that gives e3069283 for "123456789", as CRC-32C does */
    char good[] = SIGNATURE "\x21\x11\x00\x13" TCP4 "\x03\x00\x04" CRC;
    static const char twice[] =
        SIGNATURE "\x21\x11\x00\x1a" TCP4 "\x03\x00\x04" CRC "\x03\x00\x04" CRC;
    struct proxied p;

    assert_int_equal(parse(BYTES(good), &p), SP_OK);
    for (size_t i = 16; i < 24; i++) { /* any bit of who it is */
        good[i] = (char)(good[i] ^ 1);
        assert_int_equal(parse(BYTES(good), &p), SP_ERR_INTEGRITY);
        good[i] = (char)(good[i] ^ 1);
    }
    good[28 + 2] = 3; /* its length */
    assert_int_equal(parse(BYTES(good), &p), SP_ERR_MALFORMED);
    assert_int_not_equal(parse(BYTES(twice), &p), SP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(INC_9_the_source_of_tcp_over_ipv4_and_ipv6_is_read),
        cmocka_unit_test(a_health_check_of_the_balancer_is_its_own),
        cmocka_unit_test(a_header_in_pieces_asks_for_what_is_missing),
        cmocka_unit_test(INC_9_what_is_not_the_header_by_the_letter_is_refused),
        cmocka_unit_test(a_checksum_is_checked_where_there_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
