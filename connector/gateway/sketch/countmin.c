#include "connector/gateway/sketch/countmin.h"

/* Each row reads its own 11 bits: 44 of the hash. */
static size_t column(uint64_t hash, size_t row)
{
    return (size_t)(hash >> (11 * row)) % COUNTMIN_WIDTH;
}

uint32_t countmin_get(const struct countmin *c, uint64_t hash)
{
    uint16_t least = UINT16_MAX;

    for (size_t row = 0; row < COUNTMIN_ROWS; row++) {
        uint16_t n = c->counts[row][column(hash, row)];
        least = n < least ? n : least;
    }
    return least;
}

uint32_t countmin_add(struct countmin *c, uint64_t hash)
{
    uint32_t now = countmin_get(c, hash);

    if (now < UINT16_MAX)
        now++;
    for (size_t row = 0; row < COUNTMIN_ROWS; row++) {
        uint16_t *n = &c->counts[row][column(hash, row)];
        if (*n < now)
            *n = (uint16_t)now;
    }
    return now;
}
