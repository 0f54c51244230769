#ifndef SP_GATEWAY_CALM_H
#define SP_GATEWAY_CALM_H

/*
 * calm: how much a peer of HTTP/2 may ask for that costs it next to nothing: resets of streams it
 * has just opened (CVE-2023-44487), CONTINUATION without end (CVE-2024-27316), PING, SETTINGS,
 * PRIORITY and WINDOW_UPDATE floods, DATA frames without data (CVE-2019-9512 to 9518).
 *
 * Every such frame costs points; time gives them back, and so does data that moves, since honest
 * WINDOW_UPDATEs come with it. Pure; the caller brings the clock.
 */

#include "lib/base/clock.h"

#include <stdbool.h>

enum {
    CALM_POINTS = 10000, /* at most, and at first */
    CALM_POINTS_A_SECOND = 2000,
    CALM_POINTS_A_DATA = 4,  /* a frame with data, either way, or a header block of ours */
    CALM_PRICE_RESET = 20,   /* 500 at once, 100 a second for ever */
    CALM_PRICE_CONTROL = 20, /* SETTINGS, CONTINUATION */
    CALM_PRICE_EMPTY = 10,   /* PING, DATA without data or end */
    CALM_PRICE_SMALL = 1     /* HEADERS, WINDOW_UPDATE, PRIORITY, frames that nobody knows */
};

struct calm {
    int64_t points;
    sp_boot_ms at;
};

void calm_init(struct calm *c, sp_boot_ms now);
void calm_earn(struct calm *c, int64_t points);
/* false: it is spent; the connection ends with ENHANCE_YOUR_CALM. */
bool calm_spend(struct calm *c, sp_boot_ms now, int64_t price);

#endif
