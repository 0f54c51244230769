#include "lib/base/encode.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* RFC 4648 section 10 */
static const struct {
    const char *bytes, *url, *std, *b32, *hex;
} vectors[] = {
    {"", "", "", "", ""},
    {"f", "Zg", "Zg==", "MY", "66"},
    {"fo", "Zm8", "Zm8=", "MZXQ", "666f"},
    {"foo", "Zm9v", "Zm9v", "MZXW6", "666f6f"},
    {"foob", "Zm9vYg", "Zm9vYg==", "MZXW6YQ", "666f6f62"},
    {"fooba", "Zm9vYmE", "Zm9vYmE=", "MZXW6YTB", "666f6f6261"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy", "MZXW6YTBOI", "666f6f626172"},
    {"\xfb\xff\xfe", "-__-", "+//+", "7P774", "fbfffe"},
};

static void rfc_4648_vectors_both_ways(void **state)
{
    struct buf out;
    uint8_t exact[16];

    (void)state;
    buf_init(&out, 64);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct view bytes = view_str(vectors[i].bytes);

        encode_base64url(bytes, &out);
        assert_true(view_is(buf_view(&out), vectors[i].url));
        buf_reset(&out);
        encode_base64(bytes, &out);
        assert_true(view_is(buf_view(&out), vectors[i].std));
        buf_reset(&out);
        encode_base32(bytes, &out);
        assert_true(view_is(buf_view(&out), vectors[i].b32));
        buf_reset(&out);
        encode_hex(bytes, &out);
        assert_true(view_is(buf_view(&out), vectors[i].hex));
        buf_reset(&out);

        assert_int_equal(decode_base64url(view_str(vectors[i].url), &out), SP_OK);
        assert_int_equal(decode_base64(view_str(vectors[i].std), &out), SP_OK);
        assert_int_equal(decode_base32(view_str(vectors[i].b32), &out), SP_OK);
        assert_int_equal(out.len, 3 * bytes.len);
        for (size_t k = 0; k < 3; k++)
            assert_true(view_equal(view_slice(buf_view(&out), k * bytes.len, bytes.len), bytes));
        buf_reset(&out);
        assert_int_equal(decode_base64url_exact(view_str(vectors[i].url), exact, bytes.len), SP_OK);
        assert_true(view_equal((struct view){exact, bytes.len}, bytes));
        assert_int_equal(decode_base64url_exact(view_str(vectors[i].url), exact, bytes.len + 1),
                         SP_ERR_MALFORMED);
        assert_int_equal(decode_hex_exact(view_str(vectors[i].hex), exact, bytes.len), SP_OK);
    }
    buf_deinit(&out);
}

static void all_bytes_round_trip(void **state)
{
    uint8_t all[256];
    struct buf text, back;

    (void)state;
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    buf_init(&text, 1024);
    buf_init(&back, 1024);
    encode_base64url((struct view){all, 256}, &text);
    assert_int_equal(decode_base64url(buf_view(&text), &back), SP_OK);
    assert_memory_equal(back.at, all, 256);
    buf_reset(&text);
    buf_reset(&back);
    encode_base32((struct view){all, 256}, &text);
    assert_int_equal(decode_base32(buf_view(&text), &back), SP_OK);
    assert_memory_equal(back.at, all, 256);
    buf_deinit(&back);
    buf_deinit(&text);
}

static void other_spellings_are_refused(void **state)
{
    static const char *const url[] = {"Z",      "Zg==", "Zh",   "Zm9=", "Zm 9v",
                                      "Zm9v\n", "Zm+v", "Zm/v", "Zm9vZ"};
    static const char *const std[] = {
        "Zg", "Zg=", "Zh==", "Zg===", "Z===", "====", "Zm-v", "Zg==Zg=="};
    static const char *const b32[] = {"M",    "MYA",  "MZ",   "MZXW6Y",
                                      "MZX1", "MZX0", "MZX8", "MY======"};
    struct buf out;
    uint8_t byte;

    (void)state;
    buf_init(&out, 64);
    buf_add_str(&out, "k");
    for (size_t i = 0; i < sizeof url / sizeof *url; i++)
        assert_int_equal(decode_base64url(view_str(url[i]), &out), SP_ERR_MALFORMED);
    for (size_t i = 0; i < sizeof std / sizeof *std; i++)
        assert_int_equal(decode_base64(view_str(std[i]), &out), SP_ERR_MALFORMED);
    for (size_t i = 0; i < sizeof b32 / sizeof *b32; i++)
        assert_int_equal(decode_base32(view_str(b32[i]), &out), SP_ERR_MALFORMED);
    assert_int_equal(decode_hex_exact(view_str("0g"), &byte, 1), SP_ERR_MALFORMED);
    assert_int_equal(decode_hex_exact(view_str("0"), &byte, 1), SP_ERR_MALFORMED);
    assert_true(view_is(buf_view(&out), "k"));
    assert_int_equal(decode_base32(view_str("mzxw 6ytb oi"), &out), SP_OK); /* as people type */
    assert_true(view_is(buf_view(&out), "kfoobar"));
    buf_deinit(&out);
    buf_init(&out, 2);
    assert_int_equal(decode_base64url(view_str("Zm9v"), &out), SP_ERR_LIMIT);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

static void utf8_is_rfc_3629(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"aé日🔒", true},
        {"\xc0\x80", false},             /* overlong NUL */
        {"\xc1\xbf", false},             /* overlong */
        {"\xe0\x9f\xbf", false},         /* overlong */
        {"\xe0\xa0\x80", true},          /* U+0800 */
        {"\xed\x9f\xbf", true},          /* U+D7FF */
        {"\xed\xa0\x80", false},         /* a surrogate */
        {"\xf0\x8f\xbf\xbf", false},     /* overlong */
        {"\xf4\x8f\xbf\xbf", true},      /* U+10FFFF */
        {"\xf4\x90\x80\x80", false},     /* beyond */
        {"\xf8\x88\x80\x80\x80", false}, /* five bytes */
        {"\x80", false},
        {"\xe2\x82", false},
        {"\xe2\x28\xa1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_valid(view_str(cases[i].text)), cases[i].valid);
}

static void TM_22_what_steers_a_terminal_shows(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 256);
    encode_visible(view_str("a\x1b[31m\x7f\xc2\x85\xe2\x80\xae\xff\xe2\x81\xa6é"), &out);
    assert_string_equal(buf_cstr(&out), "a\\x1b[31m\\x7f\\u{85}\\u{202e}\\xff\\u{2066}é");
    buf_reset(&out);
    encode_percent(view_str("a-._~ /é"), &out);
    assert_string_equal(buf_cstr(&out), "a-._~%20%2F%C3%A9");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4648_vectors_both_ways),
        cmocka_unit_test(all_bytes_round_trip),
        cmocka_unit_test(other_spellings_are_refused),
        cmocka_unit_test(utf8_is_rfc_3629),
        cmocka_unit_test(TM_22_what_steers_a_terminal_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
