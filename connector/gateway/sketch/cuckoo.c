#include "connector/gateway/sketch/cuckoo.h"

#include <stdlib.h>

enum { SLOTS = 4, KICKS_MAX = 200, GENERATIONS = 2 };

/* fingerprint (15, never 0) | shared (1) | tag (16); 0: empty */
typedef uint32_t entry;

struct cuckoo {
    uint32_t bucket_mask;
    uint32_t seed; /* of the walk that makes room */
    uint32_t young, used[GENERATIONS];
    size_t bytes;
    entry *entries[GENERATIONS]; /* owned: the first one; the second lies behind it */
};

static uint32_t print_of(uint64_t object)
{
    uint32_t f = (uint32_t)(object >> 49);
    return f == 0 ? 1 : f;
}

/* Partial-key hashing: the other bucket follows from this one and the fingerprint alone. */
static uint32_t other_bucket(const struct cuckoo *c, uint32_t bucket, uint32_t print)
{
    return (bucket ^ (print * 0x5bd1e995u)) & c->bucket_mask;
}

static entry make(uint32_t print, bool shared, uint16_t tag)
{
    return print << 17 | (uint32_t)shared << 16 | tag;
}

sp_error cuckoo_new(size_t objects, struct cuckoo **out)
{
    size_t per_generation = 512;

    if (objects > CUCKOO_OBJECTS)
        return SP_ERR_LIMIT;
    while (per_generation * GENERATIONS < objects)
        per_generation *= 2;

    struct cuckoo *c = calloc(1, sizeof *c);
    entry *entries = calloc(per_generation * GENERATIONS, sizeof *entries);
    if (c == NULL || entries == NULL) {
        free(c);
        free(entries);
        return SP_ERR_NOMEM;
    }
    c->bucket_mask = (uint32_t)(per_generation / SLOTS - 1);
    c->bytes = per_generation * GENERATIONS * sizeof *entries;
    c->seed = 1;
    c->entries[0] = entries;
    c->entries[1] = entries + per_generation;
    *out = c;
    return SP_OK;
}

void cuckoo_free(struct cuckoo *c)
{
    if (c == NULL)
        return;
    free(c->entries[0]);
    free(c);
}

static entry *find(const struct cuckoo *c, uint64_t object)
{
    uint32_t print = print_of(object), bucket = (uint32_t)object & c->bucket_mask;

    for (uint32_t g = 0; g < GENERATIONS; g++) {
        entry *all = c->entries[c->young ^ g];
        uint32_t b = bucket;
        for (int side = 0; side < 2; side++, b = other_bucket(c, b, print))
            for (size_t s = 0; s < SLOTS; s++)
                if (all[(size_t)b * SLOTS + s] >> 17 == print)
                    return &all[(size_t)b * SLOTS + s];
    }
    return NULL;
}

static bool put(entry *bucket, entry e)
{
    for (size_t s = 0; s < SLOTS; s++)
        if (bucket[s] == 0) {
            bucket[s] = e;
            return true;
        }
    return false;
}

/* false: the walk found no room, and the entry that was pushed out last is lost. */
static bool insert(struct cuckoo *c, uint64_t object, entry e)
{
    entry *all = c->entries[c->young];
    uint32_t b = (uint32_t)object & c->bucket_mask;

    if (put(&all[(size_t)b * SLOTS], e))
        return true;
    b = other_bucket(c, b, e >> 17);
    for (int kick = 0; kick < KICKS_MAX; kick++) {
        if (put(&all[(size_t)b * SLOTS], e))
            return true;
        c->seed = c->seed * 1664525u + 1013904223u;
        entry *victim = &all[(size_t)b * SLOTS + (c->seed >> 30)];
        entry pushed = *victim;
        *victim = e;
        e = pushed;
        b = other_bucket(c, b, e >> 17);
    }
    return false;
}

static void next_generation(struct cuckoo *c)
{
    c->young ^= 1;
    c->used[c->young] = 0;
    memset(c->entries[c->young], 0, c->bytes / GENERATIONS);
}

struct cuckoo_use cuckoo_look(const struct cuckoo *c, uint64_t object)
{
    const entry *e = find(c, object);

    if (e == NULL)
        return (struct cuckoo_use){0};
    return (struct cuckoo_use){true, (uint16_t)*e, (*e >> 16 & 1) != 0};
}

struct cuckoo_use cuckoo_use(struct cuckoo *c, uint64_t object, uint16_t tag)
{
    uint32_t room = (c->bucket_mask + 1) * SLOTS;
    entry *e = find(c, object);

    if (e != NULL) {
        if ((uint16_t)*e != tag)
            *e |= 1u << 16;
        return (struct cuckoo_use){true, (uint16_t)*e, (*e >> 16 & 1) != 0};
    }
    /* Above 95 % the walks get long; the paper's bound for buckets of four. */
    if (c->used[c->young] >= room - room / 20)
        next_generation(c);
    if (!insert(c, object, make(print_of(object), false, tag)))
        next_generation(c);
    else
        c->used[c->young]++;
    return (struct cuckoo_use){.first_user = tag};
}

size_t cuckoo_len(const struct cuckoo *c)
{
    return (size_t)c->used[0] + c->used[1];
}

struct view cuckoo_bytes(const struct cuckoo *c)
{
    return (struct view){(const uint8_t *)c->entries[0], c->bytes};
}

sp_error cuckoo_load(struct cuckoo *c, struct view bytes)
{
    if (bytes.len != c->bytes)
        return SP_ERR_MALFORMED;
    memcpy(c->entries[0], bytes.at, bytes.len);
    for (size_t g = 0; g < GENERATIONS; g++) {
        c->used[g] = 0;
        for (size_t i = 0; i < (size_t)(c->bucket_mask + 1) * SLOTS; i++)
            c->used[g] += c->entries[g][i] != 0;
    }
    /* Which one was younger isn't written: the one with more room left is filled next. */
    c->young = c->used[1] < c->used[0];
    return SP_OK;
}
