#include "lib/channel/backoff.h"

#include "lib/crypto/random.h"

int64_t backoff_next(struct backoff *b, sp_boot_ms now)
{
    unsigned doublings = b->failures < 10 ? b->failures : 10;
    int64_t most = (int64_t)BACKOFF_FIRST_MS << doublings;

    if (most > BACKOFF_MAX_MS)
        most = BACKOFF_MAX_MS;
    if (now < b->eager_until && most > BACKOFF_EAGER_MS)
        most = BACKOFF_EAGER_MS;
    if (b->failures < 16)
        b->failures++;
    return BACKOFF_LEAST_MS + (int64_t)random_below((uint64_t)(most - BACKOFF_LEAST_MS + 1));
}

void backoff_hurry(struct backoff *b, sp_boot_ms until)
{
    if (until > b->eager_until)
        b->eager_until = until;
}
