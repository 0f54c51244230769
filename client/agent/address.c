#include "client/agent/address.h"

#include "lib/crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

void address_table_free(struct address_table *t)
{
    free(t->entries);
    *t = (struct address_table){0};
}

uint16_t address_hash(uid_t uid, struct sp_id app)
{
    uint8_t bytes[4 + SP_ID_BYTES];
    struct hash h;

    for (size_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(uid >> (24 - 8 * i));
    memcpy(bytes + 4, app.bytes, SP_ID_BYTES);
    h = hash_sha256((struct view){bytes, sizeof bytes});
    return (uint16_t)(1 + (((unsigned)h.bytes[0] << 8 | h.bytes[1]) % 65534));
}

static const struct address_entry *by_app(const struct address_table *t, struct sp_id app)
{
    for (size_t i = 0; i < t->count; i++)
        if (id_equal(t->entries[i].app, app))
            return &t->entries[i];
    return NULL;
}

static bool taken(const struct address_table *t, uint16_t low)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->entries[i].low == low)
            return true;
    return false;
}

static sp_error add(struct address_table *t, struct sp_id app, uint16_t low)
{
    if (t->count == ADDRESS_APPS_MAX)
        return SP_ERR_LIMIT;
    if (t->count == t->cap) {
        size_t cap = t->cap == 0 ? 16 : t->cap * 2;
        struct address_entry *more = realloc(t->entries, cap * sizeof *more);

        if (more == NULL)
            return SP_ERR_NOMEM;
        t->entries = more;
        t->cap = cap;
    }
    t->entries[t->count++] = (struct address_entry){app, low};
    return SP_OK;
}

sp_error address_take(struct address_table *t, uid_t uid, struct sp_id app, uint16_t *low,
                      bool *fresh)
{
    const struct address_entry *kept = by_app(t, app);
    uint16_t choice = address_hash(uid, app);
    sp_error e;

    if (kept != NULL) {
        *low = kept->low;
        *fresh = false;
        return SP_OK;
    }
    while (taken(t, choice))
        choice = (uint16_t)(choice == 65534 ? 1 : choice + 1);
    if ((e = add(t, app, choice)) != SP_OK)
        return e;
    *low = choice;
    *fresh = true;
    return SP_OK;
}

sp_error address_restore(struct address_table *t, struct sp_id app, uint16_t low)
{
    if (by_app(t, app) != NULL || taken(t, low) || low == 0 || low == 65535)
        return SP_ERR_EXISTS;
    return add(t, app, low);
}

uint16_t address_port_of(uint16_t port, uint16_t first_allowed)
{
    return port < first_allowed && port <= 65535 - ADDRESS_SHIFT_PORT
               ? (uint16_t)(port + ADDRESS_SHIFT_PORT)
               : port;
}

struct address_local_text address_local(uint16_t low, uint16_t port)
{
    struct address_local_text t;

    snprintf(t.s, sizeof t.s, "127.77.%u.%u:%u", (unsigned)low >> 8, low & 255u, port);
    return t;
}
