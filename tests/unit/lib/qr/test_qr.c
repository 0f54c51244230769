#include "lib/qr/qr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char uri[] =
    "otpauth://totp/Sallyport:ada@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=S";

enum { SIDE_MAX = 185 };

/* The modules with their margin, read back from the terminal form without colour (ink is light). */
static int read_back(struct view text, bool modules[SIDE_MAX][SIDE_MAX])
{
    int x = 0, y = 0, width = 0;

    for (size_t i = 0; i < text.len;) {
        if (text.at[i] == '\n') {
            width = x;
            x = 0;
            y += 2;
            i++;
            continue;
        }
        bool upper = false, lower = false;
        if (text.at[i] == ' ') {
            i++;
        } else {
            upper = memcmp(text.at + i, "▄", 3) != 0;
            lower = memcmp(text.at + i, "▀", 3) != 0;
            i += 3;
        }
        modules[y][x] = !upper;
        modules[y + 1][x] = !lower;
        x++;
    }
    return width;
}

/* The three finder patterns of the standard stand where a reader looks for them. */
static void assert_finder(bool modules[SIDE_MAX][SIDE_MAX], int left, int top)
{
    static const char *const rows[] = {"1111111", "1000001", "1011101", "1011101",
                                       "1011101", "1000001", "1111111"};
    for (int y = 0; y < 7; y++) {
        for (int x = 0; x < 7; x++)
            assert_int_equal(modules[top + y][left + x], rows[y][x] == '1');
    }
}

static void test_terminal_form_is_a_code(void **state)
{
    static bool modules[SIDE_MAX][SIDE_MAX];
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    assert_int_equal(qr_terminal(view_str(uri), 80, false, &out), SP_OK);
    int side = read_back(buf_view(&out), modules);
    assert_in_range(side, 33, 80);
    assert_int_equal((side - 2 * QR_QUIET - 17) % 4, 0); /* 4 * version + 17 modules */
    for (int i = 0; i < side; i++) {
        for (int q = 0; q < QR_QUIET; q++)
            assert_false(modules[q][i] || modules[i][q] || modules[side - 1 - q][i] ||
                         modules[i][side - 1 - q]);
    }
    assert_finder(modules, QR_QUIET, QR_QUIET);
    assert_finder(modules, side - QR_QUIET - 7, QR_QUIET);
    assert_finder(modules, QR_QUIET, side - QR_QUIET - 7);
    buf_deinit(&out);
}

/* The path's runs are the same modules as the terminal's. */
static void test_svg_draws_the_same_modules(void **state)
{
    static bool modules[SIDE_MAX][SIDE_MAX], drawn[SIDE_MAX][SIDE_MAX];
    struct buf text, svg;

    (void)state;
    buf_init(&text, 65536);
    buf_init(&svg, 65536);
    assert_int_equal(qr_terminal(view_str(uri), 80, false, &text), SP_OK);
    int side = read_back(buf_view(&text), modules);
    assert_int_equal(qr_svg(view_str(uri), "a <b> \"c\"", &svg), SP_OK);
    const char *s = buf_cstr(&svg);
    assert_non_null(strstr(s, "<title>a &#60;b&#62; &#34;c&#34;</title>"));
    assert_null(strstr(s, "style"));
    assert_null(strstr(s, "secret"));
    for (const char *at = strstr(s, "d=\"M"); at != NULL; at = strchr(at + 1, 'M')) {
        int x, y, n;
        if (sscanf(strchr(at, 'M'), "M%d %dh%d", &x, &y, &n) != 3)
            break;
        at = strchr(at, 'M');
        for (int i = 0; i < n; i++)
            drawn[y][x + i] = true;
    }
    for (int y = 0; y < side; y++)
        assert_memory_equal(modules[y], drawn[y], (size_t)side * sizeof(bool));
    buf_deinit(&svg);
    buf_deinit(&text);
}

static void test_limits(void **state)
{
    struct buf out, text;

    (void)state;
    buf_init(&out, 1024 * 1024);
    buf_init(&text, QR_TEXT_MAX + 1);
    for (int i = 0; i < QR_TEXT_MAX; i++)
        buf_add_byte(&text, 'x');
    assert_int_equal(qr_svg(buf_view(&text), "t", &out), SP_OK);
    buf_reset(&out);
    buf_add_byte(&text, 'x');
    assert_int_equal(qr_svg(buf_view(&text), "t", &out), SP_ERR_LIMIT);
    assert_int_equal(qr_svg((struct view){0}, "t", &out), SP_ERR_INVALID);
    assert_int_equal(qr_terminal(view_str("hi"), 29, true, &out), SP_OK); /* version 1 */
    buf_reset(&out);
    assert_int_equal(qr_terminal(view_str("hi"), 28, true, &out), SP_ERR_LIMIT);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
    buf_init(&out, 100); /* too small: nothing of the secret stays in it */
    assert_int_equal(qr_svg(view_str(uri), "t", &out), SP_ERR_LIMIT);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal_form_is_a_code),
        cmocka_unit_test(test_svg_draws_the_same_modules),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
