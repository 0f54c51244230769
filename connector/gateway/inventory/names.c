#include "connector/gateway/inventory/inventory_internal.h"
#include "lib/crypto/hash.h"

#include <stdlib.h>

sp_error names_init(struct names *n, const uint8_t key[16])
{
    n->all = calloc(NAMES_MAX, sizeof *n->all);
    n->index = malloc(INDEX_SIZE * sizeof *n->index);
    if (n->all == NULL || n->index == NULL)
        return SP_ERR_NOMEM;
    memset(n->index, 0xff, INDEX_SIZE * sizeof *n->index);
    memcpy(n->key, key, sizeof n->key);
    n->count = 1;
    n->all[0].refs = 1;
    return SP_OK;
}

void names_deinit(struct names *n)
{
    for (size_t i = 0; n->all != NULL && i < NAMES_MAX; i++)
        free(n->all[i].text);
    free(n->all);
    free(n->index);
    *n = (struct names){0};
}

static size_t home_of(const struct names *n, struct view text)
{
    return (size_t)hash_short(n->key, text) % INDEX_SIZE;
}

struct view name_text(const struct names *n, uint16_t id)
{
    return (struct view){(const uint8_t *)n->all[id].text, n->all[id].len};
}

/* The place of `text`, or the free one where it belongs. */
static size_t place_of(const struct names *n, struct view text)
{
    size_t at = home_of(n, text);

    while (n->index[at] != NONE && !view_equal(name_text(n, n->index[at]), text))
        at = (at + 1) % INDEX_SIZE;
    return at;
}

uint16_t name_find(const struct names *n, struct view text)
{
    uint16_t id = text.len == 0 ? 0 : n->index[place_of(n, text)];

    return id == NONE ? 0 : id;
}

uint16_t name_put(struct names *n, struct view text, size_t *bytes)
{
    if (text.len == 0 || text.len > INVENTORY_SEGMENT_BYTES_MAX)
        return 0;

    size_t place = place_of(n, text);
    if (n->index[place] != NONE) {
        n->all[n->index[place]].refs++;
        return n->index[place];
    }
    if (n->count == NAMES_MAX)
        return 0;
    uint16_t id = 1;
    if (n->count < NAMES_MAX && n->all[n->count].text == NULL)
        id = (uint16_t)n->count; /* the usual case: nothing was dropped yet */
    while (n->all[id].text != NULL)
        id++;
    char *copy = malloc(text.len);
    if (copy == NULL)
        return 0;
    memcpy(copy, text.at, text.len);
    n->all[id] = (struct name){1, (uint16_t)text.len, copy};
    n->index[place] = id;
    n->count++;
    *bytes += text.len;
    return id;
}

/* Linear probing without gravestones: what follows moves up when its home allows (Knuth 6.4 R). */
static void unindex(struct names *n, size_t hole)
{
    for (size_t at = (hole + 1) % INDEX_SIZE; n->index[at] != NONE; at = (at + 1) % INDEX_SIZE) {
        size_t home = home_of(n, name_text(n, n->index[at]));
        if ((at - home) % INDEX_SIZE >= (at - hole) % INDEX_SIZE) {
            n->index[hole] = n->index[at];
            hole = at;
        }
    }
    n->index[hole] = NONE;
}

void name_drop(struct names *n, uint16_t id, size_t *bytes)
{
    if (id == 0 || --n->all[id].refs > 0)
        return;
    unindex(n, place_of(n, name_text(n, id)));
    *bytes -= n->all[id].len;
    free(n->all[id].text);
    n->all[id] = (struct name){0};
    n->count--;
}
