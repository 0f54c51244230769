#include "lib/base/map.h"

#include "lib/base/num.h"

#include <stdlib.h>
#include <sys/random.h>

enum { MAP_FIRST_SLOTS = 16 };

struct map_slot {
    struct sp_id key;
    void *value; /* NULL: empty, or a tombstone when `gone` */
    bool gone;
};

/*
 * Peers choose some of the ids, so where a key lands depends on a secret of the process: two
 * words of the seed, mixed in with the multiply-and-fold of wyhash (128-bit products).
 */
static const uint64_t *seed(void)
{
    static uint64_t words[2];
    static int state; /* 0 unset, 1 being set, 2 ready */
    int unset = 0;

    if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == 2)
        return words;
    if (__atomic_compare_exchange_n(&state, &unset, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        if (getrandom(words, sizeof words, 0) != sizeof words)
            abort(); /* a kernel without randomness can't run any of this */
        __atomic_store_n(&state, 2, __ATOMIC_RELEASE);
    }
    while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != 2)
        ;
    return words;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static size_t place(const struct map *m, struct sp_id key)
{
    const uint64_t *s = seed();
    uint64_t lo, hi;

    memcpy(&lo, key.bytes, sizeof lo);
    memcpy(&hi, key.bytes + 8, sizeof hi);
    return (size_t)fold(lo ^ s[0], hi ^ s[1]) & (m->cap - 1);
}

void map_deinit(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}

static struct map_slot *find(const struct map *m, struct sp_id key)
{
    if (m->cap == 0)
        return NULL;
    for (size_t i = place(m, key);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *slot = &m->slots[i];
        if (slot->value == NULL && !slot->gone)
            return NULL;
        if (slot->value != NULL && id_equal(slot->key, key))
            return slot;
    }
}

static void insert(struct map *m, struct sp_id key, void *value)
{
    size_t i = place(m, key);

    while (m->slots[i].value != NULL)
        i = (i + 1) & (m->cap - 1);
    if (!m->slots[i].gone)
        m->used++;
    m->slots[i] = (struct map_slot){.key = key, .value = value};
    m->len++;
}

/* A quarter of the slots is always empty, so that every search ends. Tombstones go here. */
static sp_error make_room(struct map *m)
{
    if (m->cap > 0 && (m->used + 1) <= m->cap - m->cap / 4)
        return SP_OK;

    struct map bigger = {.cap = m->cap == 0 ? MAP_FIRST_SLOTS : m->cap};
    if (m->len + 1 > bigger.cap / 2 && !num_mul(bigger.cap, 2, &bigger.cap))
        return SP_ERR_NOMEM;
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return SP_ERR_NOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].value != NULL)
            insert(&bigger, m->slots[i].key, m->slots[i].value);
    }
    free(m->slots);
    *m = bigger;
    return SP_OK;
}

void *map_get(const struct map *m, struct sp_id key)
{
    struct map_slot *slot = find(m, key);
    return slot == NULL ? NULL : slot->value;
}

sp_error map_put(struct map *m, struct sp_id key, void *value)
{
    sp_error e;

    if (find(m, key) != NULL)
        return SP_ERR_EXISTS;
    if ((e = make_room(m)) != SP_OK)
        return e;
    insert(m, key, value);
    return SP_OK;
}

void *map_remove(struct map *m, struct sp_id key)
{
    struct map_slot *slot = find(m, key);

    if (slot == NULL)
        return NULL;
    void *value = slot->value;
    *slot = (struct map_slot){.gone = true};
    m->len--;
    return value;
}

void *map_next(const struct map *m, size_t *at, struct sp_id *key)
{
    while (*at < m->cap) {
        struct map_slot *slot = &m->slots[(*at)++];
        if (slot->value == NULL)
            continue;
        if (key != NULL)
            *key = slot->key;
        return slot->value;
    }
    return NULL;
}
