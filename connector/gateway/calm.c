#include "connector/gateway/calm.h"

void calm_init(struct calm *c, sp_boot_ms now)
{
    *c = (struct calm){.points = CALM_POINTS, .at = now};
}

void calm_earn(struct calm *c, int64_t points)
{
    c->points = c->points + points < CALM_POINTS ? c->points + points : CALM_POINTS;
}

bool calm_spend(struct calm *c, sp_boot_ms now, int64_t price)
{
    if (now > c->at) {
        int64_t passed = now - c->at < 10000 ? now - c->at : 10000; /* more would fill it anyway */
        calm_earn(c, passed * CALM_POINTS_A_SECOND / 1000);
        c->at = now;
    }
    c->points -= price;
    return c->points >= 0;
}
