#include "lib/tunnel/lifecycle.h"

/* An empty cell is OUTER_CLOSED: refused, closed, fault and every surprise. */
static const enum outer_state table[OUTER_STATES][OUTER_EVENTS] = {
    [OUTER_TLS] = {[OUTER_EV_TLS_DONE] = OUTER_UPGRADE},
    [OUTER_UPGRADE] = {[OUTER_EV_REQUEST] = OUTER_ASKED, [OUTER_EV_ADMITTED] = OUTER_OPEN},
    [OUTER_ASKED] = {[OUTER_EV_ADMITTED] = OUTER_OPEN},
    [OUTER_OPEN] = {[OUTER_EV_CLOSE] = OUTER_CLOSING},
};

enum outer_state outer_next(enum outer_state s, enum outer_event ev)
{
    return table[s][ev];
}
