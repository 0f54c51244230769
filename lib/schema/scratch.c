#include "lib/schema/scratch.h"

#include "lib/schema/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/banned.h"

enum { ALIGN = 16, GROWTH_MAX = 1024 * 1024 };

struct scratch_chunk {
    struct scratch_chunk *older;
    size_t room, used; /* bytes behind this head */
    max_align_t bytes[];
};

static uint8_t *start(struct scratch_chunk *c)
{
    return (uint8_t *)c->bytes;
}

void scratch_init(struct scratch *s, size_t max)
{
    *s = (struct scratch){.max = max};
}

void scratch_deinit(struct scratch *s)
{
    scratch_release(s, (struct scratch_mark){0});
    pattern_block_free(s->patterns);
    s->patterns = NULL;
}

void scratch_reset(struct scratch *s, size_t keep)
{
    struct scratch_chunk *c = s->newest;

    while (c != NULL && c->older != NULL)
        c = c->older;
    if (c == NULL || c->room > keep)
        scratch_release(s, (struct scratch_mark){0});
    else
        scratch_release(s, (struct scratch_mark){c, 0});
}

static bool grow(struct scratch *s, size_t bytes)
{
    size_t room = s->newest == NULL ? SCRATCH_FIRST_BYTES : s->newest->room * 2;
    size_t left = s->max - s->held;

    if (room > GROWTH_MAX)
        room = GROWTH_MAX;
    if (room < bytes)
        room = bytes;
    if (left < sizeof(struct scratch_chunk) + ALIGN || bytes > left - sizeof(struct scratch_chunk))
        return false;
    if (room > left - sizeof(struct scratch_chunk))
        room = left - sizeof(struct scratch_chunk);
    struct scratch_chunk *c = malloc(sizeof *c + room);
    if (c == NULL)
        return false;
    *c = (struct scratch_chunk){.older = s->newest, .room = room};
    s->newest = c;
    s->held += sizeof *c + room;
    return true;
}

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void *scratch_take(struct scratch *s, size_t bytes)
{
    if (bytes > s->max)
        return NULL;
    bytes = aligned(bytes == 0 ? 1 : bytes);
    if ((s->newest == NULL || bytes > s->newest->room - s->newest->used) && !grow(s, bytes))
        return NULL;
    void *piece = start(s->newest) + s->newest->used;
    s->newest->used += bytes;
    return piece;
}

void *scratch_zeroed(struct scratch *s, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *piece = scratch_take(s, bytes);
    if (piece != NULL)
        memset(piece, 0, bytes);
    return piece;
}

void *scratch_resize(struct scratch *s, void *piece, size_t from, size_t to)
{
    struct scratch_chunk *c = s->newest;

    if (to > s->max)
        return NULL;
    if (piece == NULL)
        return scratch_take(s, to);
    if (c != NULL && (uint8_t *)piece + aligned(from) == start(c) + c->used) {
        size_t before = c->used - aligned(from);
        if (aligned(to) <= c->room - before) {
            c->used = before + aligned(to);
            return piece;
        }
    }
    if (to <= from)
        return piece;
    void *moved = scratch_take(s, to);
    if (moved != NULL)
        memcpy(moved, piece, from);
    return moved;
}

struct scratch_mark scratch_mark(const struct scratch *s)
{
    return (struct scratch_mark){s->newest, s->newest == NULL ? 0 : s->newest->used};
}

void scratch_release(struct scratch *s, struct scratch_mark m)
{
    while (s->newest != m.chunk) {
        struct scratch_chunk *c = s->newest;
        s->newest = c->older;
        s->held -= sizeof *c + c->room;
        free(c);
    }
    if (s->newest != NULL)
        s->newest->used = m.used;
}
