#include "connector/gateway/arena.h"

#include "lib/base/num.h"

#include <stdlib.h>

struct block {
    struct block *next;
    size_t size, used; /* bytes of `at` */
    _Alignas(ARENA_ALIGN) uint8_t at[];
};

struct arena {
    struct arena_pool *pool; /* borrowed */
    size_t max, held, used;  /* held: bytes of blocks, which the pool counts */
    sp_error err;
    struct block *blocks; /* owned; the one in use first */
};

/* A block of its own for what is larger than a usual one. A usual one is cleared piece by piece as
 * it is taken, since most requests need little of it; the pages of a large one come cleared. */
static struct block *add_block(struct arena *a, size_t least)
{
    size_t size = least > ARENA_BLOCK ? least : ARENA_BLOCK, bytes;
    struct block *b;

    if (size > a->pool->max || a->pool->in_use > a->pool->max - size) {
        a->err = SP_ERR_LIMIT;
        return NULL;
    }
    if (!num_add(size, sizeof *b, &bytes) ||
        (b = size == ARENA_BLOCK ? malloc(bytes) : calloc(1, bytes)) == NULL) {
        a->err = SP_ERR_NOMEM;
        return NULL;
    }
    b->size = size;
    b->used = 0;
    a->held += size;
    a->pool->in_use += size;
    if (least > ARENA_BLOCK / 2 && a->blocks != NULL) { /* the block in use has room left */
        b->next = a->blocks->next;
        a->blocks->next = b;
    } else {
        b->next = a->blocks;
        a->blocks = b;
    }
    return b;
}

sp_error arena_new(struct arena_pool *pool, size_t max, struct arena **out)
{
    struct arena *a = calloc(1, sizeof *a);

    if (a == NULL)
        return SP_ERR_NOMEM;
    *a = (struct arena){.pool = pool, .max = max};
    if (add_block(a, 0) == NULL) {
        sp_error e = a->err;
        free(a);
        return e;
    }
    *out = a;
    return SP_OK;
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    while (a->blocks != NULL) {
        struct block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
    a->pool->in_use -= a->held;
    free(a);
}

void *arena_take(struct arena *a, size_t n)
{
    size_t whole;

    if (!num_add(n == 0 ? 1 : n, ARENA_ALIGN - 1, &whole)) {
        a->err = SP_ERR_LIMIT;
        return NULL;
    }
    whole -= whole % ARENA_ALIGN;
    if (whole > a->max || a->used > a->max - whole) {
        a->err = SP_ERR_LIMIT;
        return NULL;
    }
    struct block *b = a->blocks;
    if (whole > b->size - b->used && (b = add_block(a, whole)) == NULL)
        return NULL;
    void *taken = b->at + b->used;
    b->used += whole;
    a->used += whole;
    return b->size == ARENA_BLOCK ? memset(taken, 0, whole) : taken;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;

    if (!num_mul(count, size, &n)) {
        a->err = SP_ERR_LIMIT;
        return NULL;
    }
    return arena_take(a, n);
}

struct view arena_copy(struct arena *a, struct view bytes)
{
    uint8_t *copy = bytes.len == SIZE_MAX ? NULL : arena_take(a, bytes.len + 1);

    if (copy == NULL)
        return (struct view){0};
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return (struct view){copy, bytes.len};
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}

sp_error arena_error(const struct arena *a)
{
    return a->err;
}
