#include "lib/tunnel/switch.h"

/* An empty cell is SWITCH_BROKEN. */
static const enum switch_state table[SWITCH_WHOS][SWITCH_STATES][SWITCH_EVENTS] = {
    [SWITCH_END_TX] =
        {
            [SWITCH_FRAMES] = {[SWITCH_EV_FRAME] = SWITCH_FRAMES, [SWITCH_EV_SWITCH] = SWITCH_BARE},
            [SWITCH_BARE] = {[SWITCH_EV_BYTES] = SWITCH_BARE},
        },
    [SWITCH_END_RX] =
        {
            [SWITCH_FRAMES] = {[SWITCH_EV_FRAME] = SWITCH_FRAMES, [SWITCH_EV_SWITCH] = SWITCH_BARE},
            [SWITCH_BARE] = {[SWITCH_EV_BYTES] = SWITCH_BARE},
        },
    [SWITCH_RELAY] =
        {
            [SWITCH_FRAMES] =
                {[SWITCH_EV_FRAME] = SWITCH_FRAMES, [SWITCH_EV_SWITCH] = SWITCH_DRAIN},
            [SWITCH_DRAIN] = {[SWITCH_EV_BYTES] = SWITCH_DRAIN, [SWITCH_EV_EMPTY] = SWITCH_BARE},
            [SWITCH_BARE] = {[SWITCH_EV_BYTES] = SWITCH_BARE},
        },
};

enum switch_state switch_next(enum switch_who who, enum switch_state s, enum switch_event ev)
{
    return table[who][s][ev];
}

enum switch_state switch_over(enum switch_who who, enum switch_state s, struct switch_check c)
{
    if (!c.agreed || !c.proved || !c.record_ends)
        return SWITCH_BROKEN;
    return switch_next(who, s, SWITCH_EV_SWITCH);
}
