#ifndef SP_CHANNEL_TURNS_H
#define SP_CHANNEL_TURNS_H

/*
 * turns: which of a name's addresses is tried, and which one comes next. A part of dialer.c.
 *
 * A name may have addresses of a family that leads nowhere from here: all of them are asked before
 * a try is lost, and the next try begins with the one after the last. A zeroed struct knows no
 * address, and none comes next. Pure; any thread.
 */

#include "lib/os/resolve.h"

struct turns {
    struct address found[RESOLVE_ADDRESSES_MAX]; /* of the name, in this try */
    size_t count, at; /* at: the one in use, modulo count, also over tries */
    size_t untried;   /* of them, in this try */
};

/* A try begins: what the name has now, 1 to RESOLVE_ADDRESSES_MAX, copied. */
void turns_begin(struct turns *t, const struct address *found, size_t count);
/* Borrowed until turns_begin. Not of a zeroed one. */
const struct address *turns_now(const struct turns *t);
/* The one in use failed. false: that was the last of this try. */
bool turns_next(struct turns *t);

#endif
