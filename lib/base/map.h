#ifndef SP_BASE_MAP_H
#define SP_BASE_MAP_H

/*
 * map: values keyed by id. Open addressing; keys are random, so the key itself is the hash
 * (mixed with a seed of the process, since peers choose some ids).
 *
 * Values are borrowed pointers; the map never frees them. Not shared between threads without a
 * lock of the owner's. A zeroed map is empty and usable.
 */

#include "lib/base/id.h"

struct map_slot;

struct map {
    struct map_slot *slots; /* owned */
    size_t cap, len, used;  /* used counts tombstones too */
};

void map_deinit(struct map *m);

/* NULL: not in the map. */
void *map_get(const struct map *m, struct sp_id key);

/*
 * `value` is not NULL. An existing key keeps its old value.
 *   SP_ERR_EXISTS
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error map_put(struct map *m, struct sp_id key, void *value);

/* Returns the value that was there, or NULL. */
void *map_remove(struct map *m, struct sp_id key);

static inline size_t map_len(const struct map *m)
{
    return m->len;
}

/* Walks in no order: for (size_t at = 0; (v = map_next(&m, &at, &key)) != NULL;). `key` may be
 * NULL. The entry just given may be removed during the walk; nothing may be added. */
void *map_next(const struct map *m, size_t *at, struct sp_id *key);

#endif
