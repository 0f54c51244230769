#ifndef SP_CLIENT_DESKTOP_ICON_H
#define SP_CLIENT_DESKTOP_ICON_H

/*
 * icon: the tray's picture, drawn: a gate in a wall, in the colour of its state and with its sign,
 * since colour never stands alone. No file is installed for it. Pure.
 */

#include <stddef.h>
#include <stdint.h>

enum icon_state {
    ICON_OFFLINE = 0, /* grey, the gate shut by a bar */
    ICON_CONNECTED,   /* green, the gate open */
    ICON_ATTENTION    /* amber, an exclamation mark in the gate */
};

enum { ICON_SIDE = 24, ICON_BYTES = ICON_SIDE * ICON_SIDE * 4 };

/* Rows from the top, a pixel as A R G B, as StatusNotifierItem wants it. */
void icon_draw(enum icon_state state, uint8_t out[ICON_BYTES]);

#endif
