#include "client/desktop/icon.h"

#include <stdbool.h>
#include <string.h>

/* The wall: 20 wide, with three merlons. The gate in it: 10 wide, an arch of radius 5. */
static bool in_wall(int x, int y)
{
    if (x < 2 || x > 21 || y < 2 || y > 21)
        return false;
    return y >= 6 || x <= 5 || (x >= 10 && x <= 13) || x >= 18;
}

static bool in_gate(int x, int y)
{
    int dx = 2 * x - 23, dy = 2 * y - 26; /* twice the distance from the arch's middle */

    if (y > 21 || dx < -10 || dx > 10)
        return false;
    return y >= 13 || dx * dx + dy * dy <= 100;
}

static bool in_sign(enum icon_state state, int x, int y)
{
    switch (state) {
    case ICON_ATTENTION:
        return (x == 11 || x == 12) && ((y >= 11 && y <= 16) || y == 19 || y == 20);
    case ICON_OFFLINE:
        return y == 15 || y == 16 || ((x % 4) == 3 && y >= 9);
    default:
        return false;
    }
}

void icon_draw(enum icon_state state, uint8_t out[ICON_BYTES])
{
    static const uint8_t colours[][3] = {
        [ICON_OFFLINE] = {0x7d, 0x87, 0x97},
        [ICON_CONNECTED] = {0x12, 0x70, 0x3c},
        [ICON_ATTENTION] = {0xd0, 0x83, 0x0a},
    };

    memset(out, 0, ICON_BYTES);
    for (int y = 0; y < ICON_SIDE; y++)
        for (int x = 0; x < ICON_SIDE; x++) {
            uint8_t *pixel = &out[(y * ICON_SIDE + x) * 4];
            bool drawn = in_wall(x, y) && (!in_gate(x, y) || in_sign(state, x, y));

            if (drawn) {
                pixel[0] = 0xff;
                memcpy(pixel + 1, colours[state], 3);
            }
        }
}
