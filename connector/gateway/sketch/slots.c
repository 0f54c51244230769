#include "connector/gateway/sketch/slots.h"

#include <stdlib.h>

enum { WAYS = 8, ENTRIES_MAX = 65536, RECORD_MAX = 4096 };

struct head {
    uint64_t key; /* 0: empty */
    sp_unix_ms used;
};

struct slots {
    size_t entries, record, bytes, len;
    uint64_t pushed_out;
    struct head *heads; /* owned; the records lie behind them */
    uint8_t *records;
};

sp_error slots_new(size_t entries, size_t record_bytes, struct slots **out)
{
    size_t n = WAYS;

    if (entries > ENTRIES_MAX || record_bytes == 0 || record_bytes > RECORD_MAX)
        return SP_ERR_LIMIT;
    while (n < entries)
        n *= 2;

    struct slots *s = calloc(1, sizeof *s);
    size_t record = (record_bytes + 7) / 8 * 8;
    size_t bytes = n * (sizeof(struct head) + record);
    struct head *heads = calloc(1, bytes);
    if (s == NULL || heads == NULL) {
        free(s);
        free(heads);
        return SP_ERR_NOMEM;
    }
    s->entries = n;
    s->record = record;
    s->bytes = bytes;
    s->heads = heads;
    s->records = (uint8_t *)(heads + n);
    *out = s;
    return SP_OK;
}

void slots_free(struct slots *s)
{
    if (s == NULL)
        return;
    free(s->heads);
    free(s);
}

static void *record_at(const struct slots *s, size_t i)
{
    return s->records + i * s->record;
}

/* Keys are hashes already; their high bits choose the set, so that users of the low ones
 * (HyperLogLog items) stay independent. */
static size_t set_of(const struct slots *s, uint64_t key)
{
    return (size_t)(key >> 32) % (s->entries / WAYS) * WAYS;
}

void *slots_find(const struct slots *s, uint64_t key)
{
    size_t set = set_of(s, key);

    if (key == 0)
        key = 1;
    for (size_t i = set; i < set + WAYS; i++)
        if (s->heads[i].key == key)
            return record_at(s, i);
    return NULL;
}

void *slots_take(struct slots *s, uint64_t key, sp_unix_ms now, bool *fresh)
{
    size_t set = set_of(s, key), place = set;

    if (key == 0)
        key = 1;
    for (size_t i = set; i < set + WAYS; i++) {
        const struct head *h = &s->heads[i], *best = &s->heads[place];
        if (h->key == key) {
            s->heads[i].used = now;
            if (fresh != NULL)
                *fresh = false;
            return record_at(s, i);
        }
        if (best->key != 0 && (h->key == 0 || h->used < best->used))
            place = i;
    }
    if (s->heads[place].key != 0)
        s->pushed_out++;
    else
        s->len++;
    s->heads[place] = (struct head){key, now};
    memset(record_at(s, place), 0, s->record);
    if (fresh != NULL)
        *fresh = true;
    return record_at(s, place);
}

void slots_drop(struct slots *s, uint64_t key)
{
    size_t set = set_of(s, key);

    if (key == 0)
        key = 1;
    for (size_t i = set; i < set + WAYS; i++)
        if (s->heads[i].key == key) {
            s->heads[i] = (struct head){0};
            s->len--;
            return;
        }
}

void *slots_next(const struct slots *s, size_t *at, uint64_t *key)
{
    for (; *at < s->entries; ++*at)
        if (s->heads[*at].key != 0) {
            if (key != NULL)
                *key = s->heads[*at].key;
            return record_at(s, (*at)++);
        }
    return NULL;
}

size_t slots_len(const struct slots *s)
{
    return s->len;
}

uint64_t slots_pushed_out(const struct slots *s)
{
    return s->pushed_out;
}

size_t slots_bytes(const struct slots *s)
{
    return s->bytes;
}

struct view slots_state(const struct slots *s)
{
    return (struct view){(const uint8_t *)s->heads, s->bytes};
}

sp_error slots_load(struct slots *s, struct view state)
{
    if (state.len != s->bytes)
        return SP_ERR_MALFORMED;
    memcpy(s->heads, state.at, state.len);
    s->len = 0;
    for (size_t i = 0; i < s->entries; i++) {
        if (set_of(s, s->heads[i].key) != i / WAYS * WAYS)
            s->heads[i] = (struct head){0}; /* nobody would find it, or could drop it */
        s->len += s->heads[i].key != 0;
    }
    return SP_OK;
}
