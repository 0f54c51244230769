#ifndef SP_EDGE_PLACES_H
#define SP_EDGE_PLACES_H

/*
 * places: host names and addresses in a bug report become place-1, place-2, …: the same one is the
 * same word in every file of the report. What looks like neither stays. Pure.
 */

#include "lib/base/buf.h"

enum { PLACES_MAX = 128, PLACES_TEXT = 80 };

/* Zeroed: none was seen yet. */
struct places {
    size_t count;
    char names[PLACES_MAX][PLACES_TEXT];
};

/* Appends `text`. The places after the PLACES_MAX-th are all one. */
void places_hide(struct places *p, struct view text, struct buf *out);

#endif
