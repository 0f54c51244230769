#include "broker/policy/arena.h"

#include "lib/base/num.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 8 * 1024 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

struct owned {
    struct owned *next;
    void (*undo)(void *);
    void *arg;
};

struct arena {
    struct block *blocks;
    struct owned *owned;
    sp_error err;
};

struct arena *arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    for (struct owned *o = a->owned; o != NULL; o = o->next)
        o->undo(o->arg);
    while (a->blocks != NULL) {
        struct block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    free(a);
}

sp_error arena_error(const struct arena *a)
{
    return a->err;
}

static struct block *add_block(struct arena *a, size_t least)
{
    size_t size = least > BLOCK_BYTES ? least : BLOCK_BYTES;
    size_t whole;
    struct block *b = num_add(sizeof *b, size, &whole) ? calloc(1, whole) : NULL;

    if (b == NULL) {
        a->err = SP_ERR_NOMEM;
        return NULL;
    }
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *arena_take(struct arena *a, size_t size)
{
    size_t step = alignof(max_align_t);
    size_t rounded;

    if (a->err != SP_OK || !num_add(size, step - 1, &rounded)) {
        a->err = SP_ERR_NOMEM;
        return NULL;
    }
    rounded -= rounded % step;
    struct block *b = a->blocks;
    if ((b == NULL || b->size - b->used < rounded) && (b = add_block(a, rounded)) == NULL)
        return NULL;
    void *taken = b->bytes + b->used;
    b->used += rounded;
    return taken;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t whole;

    if (!num_mul(count, size, &whole)) {
        a->err = SP_ERR_NOMEM;
        return NULL;
    }
    return arena_take(a, whole);
}

const char *arena_text(struct arena *a, struct view v)
{
    char *text = arena_array(a, v.len + 1, 1);

    if (text != NULL && v.len > 0)
        memcpy(text, v.at, v.len); /* zeroed: the NUL is there */
    return text;
}

sp_error arena_owns(struct arena *a, void (*undo)(void *arg), void *arg)
{
    struct owned *o = arena_take(a, sizeof *o);

    if (o == NULL) {
        undo(arg);
        return SP_ERR_NOMEM;
    }
    *o = (struct owned){.next = a->owned, .undo = undo, .arg = arg};
    a->owned = o;
    return SP_OK;
}
