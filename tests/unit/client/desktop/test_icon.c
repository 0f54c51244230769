#include "client/desktop/icon.h"

#include <stdbool.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Which pixels are drawn, without their colour. */
static void shape(enum icon_state state, bool out[ICON_SIDE * ICON_SIDE])
{
    uint8_t pixels[ICON_BYTES];

    icon_draw(state, pixels);
    for (size_t i = 0; i < ICON_SIDE * ICON_SIDE; i++) {
        assert_true(pixels[4 * i] == 0 || pixels[4 * i] == 0xff);
        out[i] = pixels[4 * i] != 0;
    }
}

static void states_differ_in_shape_and_not_in_colour_alone(void **state)
{
    (void)state;
    bool all[3][ICON_SIDE * ICON_SIDE];

    for (int i = 0; i < 3; i++)
        shape((enum icon_state)i, all[i]);
    for (int i = 0; i < 3; i++)
        assert_memory_not_equal(all[i], all[(i + 1) % 3], sizeof all[i]);
}

static void the_margin_is_clear_and_the_wall_is_there(void **state)
{
    (void)state;
    bool drawn[ICON_SIDE * ICON_SIDE];
    size_t count = 0;

    shape(ICON_CONNECTED, drawn);
    for (int y = 0; y < ICON_SIDE; y++)
        for (int x = 0; x < ICON_SIDE; x++) {
            bool margin = x < 2 || y < 2 || x > 21 || y > 21;

            assert_false(margin && drawn[y * ICON_SIDE + x]);
            count += drawn[y * ICON_SIDE + x];
        }
    assert_true(count > 100 && count < 300);
    assert_false(drawn[20 * ICON_SIDE + 11]); /* the gate is open */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_differ_in_shape_and_not_in_colour_alone),
        cmocka_unit_test(the_margin_is_clear_and_the_wall_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
