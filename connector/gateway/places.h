#ifndef SP_GATEWAY_PLACES_H
#define SP_GATEWAY_PLACES_H

/*
 * places: how much of something one person may hold at once, and who stands in line for it, first
 * come first served. Exact: a place that is left goes to the first in line before anybody else can
 * ask. Loop thread.
 */

#include "lib/base/map.h"
#include "lib/os/loop.h"

struct place_line;

struct places {
    struct loop *loop; /* borrowed */
    struct map lines;  /* struct place_line *, by key */
};

/* One that is held, or waited for. Zeroed: neither. It does not move while it is either. */
struct place {
    struct place_line *line;
    bool held;
    void (*turn)(void *arg);
    void *arg;
    struct place *next, **at; /* in line */
    struct deferred news;
};

void places_init(struct places *p, struct loop *loop);
void places_deinit(struct places *p); /* after all of them were left */

/* Of one person at one app. */
struct sp_id places_key(struct sp_id app, struct sp_id user);

/* Whose places, and how many there are. A zeroed one has none: SP_ERR_FULL. */
struct place_limit {
    struct sp_id key; /* places_key() */
    size_t max;       /* held at once */
    size_t line_max;  /* waiting */
};

/*
 * `turn` comes later from the loop, never from inside of this; NULL when line_max is 0.
 *   SP_ERR_AGAIN  in line: place->held is true when `turn` is called
 *   SP_ERR_FULL   and so is the line
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error place_enter(struct places *p, const struct place_limit *of,
                             void (*turn)(void *arg), void *arg, struct place *place);
/* Gives back what is held, or leaves the line. Also of a zeroed one, and twice. */
void place_leave(struct places *p, struct place *place);

size_t places_held(const struct places *p, struct sp_id key);
/* `arg` of who is the first in the line that `place` is held of; NULL: nobody waits. */
void *place_first(const struct place *place);

#endif
