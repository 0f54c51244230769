#ifndef SP_API_STANDING_H
#define SP_API_STANDING_H

/*
 * standing: the devices whose posture passes, fails or is unknown, as a list asks for them.
 *
 * A verdict expires without a write, so no index of the store can hold it: the order of the list is
 * walked in pieces and each device judged from memory, until the page is full and all are counted.
 * Worker threads.
 */

#include "broker/posture/judge.h"
#include "broker/registry/registry.h"

/* As posture_counts() shows a row: any fail fails, then any unknown is unknown. */
enum standing { STANDING_ANY = 0, STANDING_PASS, STANDING_FAIL, STANDING_UNKNOWN };
extern const char *const standing_words[]; /* by standing, NULL-ended */

struct standing_ask {
    struct device_filter filter;
    enum standing posture;         /* not STANDING_ANY */
    const struct device_row *edge; /* NULL: the first page */
    size_t limit;
};

/*
 * Calls `each` for up to `limit` of them behind `edge`; a device that is removed meanwhile is left
 * out. `*total` is how many there are in all, up to COUNT_EXACT_MAX + 1. Errors are the store's.
 */
SP_MUST sp_error standing_find(struct store *st, struct judge *judge,
                               const struct standing_ask *ask, each_device *each, void *arg,
                               size_t *total);

#endif
