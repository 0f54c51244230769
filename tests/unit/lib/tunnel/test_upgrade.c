/* upgrade.c: a request and an answer are exact, or nothing is upgraded. */
#include "lib/tunnel/upgrade.h"
#include "tests/unit/check.h"

#include <stdio.h>

static const char good[] = "GET /tunnel HTTP/1.1\r\nHost: relay.test\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
                           "Sallyport-Ticket: AQEBAQEBAQEBAQEBAQEBAQ\r\n";

static sp_error parse(const char *head, bool *cut_through)
{
    struct upgrade_request r;
    size_t used;
    sp_error e = upgrade_parse_request(view_str(head), &r, &used);

    *cut_through = e == SP_OK && r.cut_through;
    return e;
}

/* The good request with `from` replaced by `to`, and `more` header lines. */
static sp_error parse_changed(const char *from, const char *to, const char *more)
{
    const char *at = from[0] == '\0' ? good : strstr(good, from);
    char head[2048];
    bool cut;

    assert_non_null(at);
    snprintf(head, sizeof head, "%.*s%s%s%s\r\n", (int)(at - good), good, to, at + strlen(from),
             more);
    return parse(head, &cut);
}

static void WS_12_an_upgrade_request_is_exact(void **state)
{
    static const struct {
        const char *from, *to, *more;
        sp_error e;
    } cases[] = {
        {"", "", "", SP_OK},
        {"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n", "", "", SP_ERR_MALFORMED},
        {"", "", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n", SP_ERR_MALFORMED},
        {"AQIDBAUGBwgJCgsMDQ4PEA==", "AQIDBAUGBwgJCgsMDQ4P", "", SP_ERR_MALFORMED},
        {"Version: 13", "Version: 8", "", SP_ERR_VERSION},
        {"Version: 13", "Version: 013", "", SP_ERR_VERSION},
        {"Sec-WebSocket-Version: 13\r\n", "", "", SP_ERR_MALFORMED},
        {"GET", "POST", "", SP_ERR_MALFORMED},
        {"GET", "get", "", SP_ERR_MALFORMED},
        {"HTTP/1.1", "HTTP/1.0", "", SP_ERR_MALFORMED},
        {"HTTP/1.1", "HTTP/2", "", SP_ERR_MALFORMED},
        {"", "", "Content-Length: 1\r\n", SP_ERR_MALFORMED},
        {"", "", "Transfer-Encoding: chunked\r\n", SP_ERR_MALFORMED},
        {"Upgrade: websocket\r\n", "", "", SP_ERR_MALFORMED},
        {"Connection: Upgrade", "Connection: close", "", SP_ERR_MALFORMED},
        {"Host: relay.test\r\n", "", "", SP_ERR_MALFORMED},
        {"", "", "Host: other.test\r\n", SP_ERR_MALFORMED},
        {"/tunnel", "/elsewhere", "", SP_ERR_NOT_FOUND},
        {"Host: relay.test\r\n", "Host: relay.test\r\n folded\r\n", "", SP_ERR_MALFORMED},
        {"Host: relay.test\r\n", "Host: relay.test\n", "", SP_ERR_MALFORMED},
        {"Host: relay.test\r\n", "Host : relay.test\r\n", "", SP_ERR_MALFORMED},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sp_error e = parse_changed(cases[i].from, cases[i].to, cases[i].more);
        if (e != cases[i].e)
            fail_msg("case %zu (%s): %s", i, cases[i].to, sp_error_text(e));
    }
}

static void WS_12_an_answer_is_exact(void **state)
{
    static const struct {
        const char *from, *to;
        bool good;
    } cases[] = {
        {"", "", true},
        {"HTTP/1.1 101", "HTTP/1.0 101", false},
        {"Upgrade: websocket\r\n", "", false},
        {"Connection: Upgrade\r\n", "", false},
        {"Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x", false},
        {"Upgrade: websocket\r\n", "Upgrade: websocket\r\nSec-WebSocket-Protocol: x\r\n", false},
        {"Upgrade: websocket\r\n",
         "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n", false},
        {"Upgrade: websocket\r\n",
         "Upgrade: websocket\r\nSec-WebSocket-Extensions: " UPGRADE_EXTENSION "\r\n", false},
    };
    const uint8_t key[UPGRADE_KEY_BYTES] = {7};
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct upgrade_answer a;
        struct buf b;
        char text[1024], changed[2048];
        size_t used;

        buf_init(&b, 1024);
        upgrade_write_accept(key, false, &b);
        check_ok(buf_error(&b));
        snprintf(text, sizeof text, "%.*s", (int)b.len, (const char *)b.at);
        buf_deinit(&b);
        const char *at = strcasestr(text, cases[i].from);
        assert_non_null(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, cases[i].to,
                 at + strlen(cases[i].from));
        sp_error e = upgrade_parse_answer(view_str(changed), key, false, &a, &used);
        if ((e == SP_OK) != cases[i].good)
            fail_msg("case %zu: %s", i, sp_error_text(e));
    }
}

static void INC_18_WS_13_compression_is_never_accepted(void **state)
{
    struct buf out;
    bool cut;
    char head[2048];
    (void)state;

    snprintf(head, sizeof head,
             "%sSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
             good);
    check_ok(parse(head, &cut));
    check(!cut);
    snprintf(head, sizeof head,
             "%sSec-WebSocket-Extensions: permessage-deflate, " UPGRADE_EXTENSION "\r\n\r\n", good);
    check_ok(parse(head, &cut));
    check(cut);
    buf_init(&out, 1024);
    upgrade_write_accept((const uint8_t[UPGRADE_KEY_BYTES]){0}, true, &out);
    check(memmem(out.at, out.len, "deflate", 7) == NULL);
    buf_deinit(&out);
}

static void WS_14_an_origin_is_refused(void **state)
{
    (void)state;
    assert_int_equal(parse_changed("", "", "Origin: https://relay.test\r\n"), SP_ERR_MALFORMED);
    assert_int_equal(parse_changed("", "", "Origin: null\r\n"), SP_ERR_MALFORMED);
}

static void WS_15_credentials_stand_in_one_header_and_never_in_the_path(void **state)
{
    (void)state;
    assert_int_equal(parse_changed("/tunnel", "/tunnel?ticket=AQEB", ""), SP_ERR_MALFORMED);
    assert_int_equal(parse_changed("/tunnel", "/tunnel#x", ""), SP_ERR_MALFORMED);
    assert_int_equal(parse_changed("Sallyport-Ticket: AQEBAQEBAQEBAQEBAQEBAQ\r\n", "", ""),
                     SP_ERR_MALFORMED);
    assert_int_equal(parse_changed("", "", "Sallyport-Grant: v4.public.AAAA\r\n"),
                     SP_ERR_MALFORMED);
    assert_int_equal(parse_changed("", "", "Sallyport-Ticket: AQEBAQEBAQEBAQEBAQEBAQ\r\n"),
                     SP_ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(WS_12_an_upgrade_request_is_exact),
        cmocka_unit_test(WS_12_an_answer_is_exact),
        cmocka_unit_test(INC_18_WS_13_compression_is_never_accepted),
        cmocka_unit_test(WS_14_an_origin_is_refused),
        cmocka_unit_test(WS_15_credentials_stand_in_one_header_and_never_in_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
