#include "connector/gateway/seen.h"

#include "lib/crypto/secret.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { WAYS = 4, SETS = SEEN_ENTRIES / WAYS };
_Static_assert((SETS & (SETS - 1)) == 0, "a mask finds the set");

struct entry {
    struct hash name;
    struct token *token; /* shared; NULL: bad */
    size_t size;
    sp_boot_ms until; /* 0: empty */
};

struct seen_tokens {
    struct entry entries[SEEN_ENTRIES];
    size_t bytes;
};

sp_error seen_new(struct seen_tokens **out)
{
    struct seen_tokens *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SP_ERR_NOMEM;
    *out = s;
    return SP_OK;
}

static void drop(struct seen_tokens *s, struct entry *e)
{
    token_free(e->token);
    s->bytes -= e->size;
    *e = (struct entry){.until = 0};
}

void seen_free(struct seen_tokens *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < SEEN_ENTRIES; i++)
        token_free(s->entries[i].token);
    free(s);
}

static struct entry *set_of(struct seen_tokens *s, const struct hash *name)
{
    size_t set = ((size_t)name->bytes[0] << 8 | name->bytes[1]) & (SETS - 1);

    return &s->entries[set * WAYS];
}

/* SHA-256 of a secret: compared in constant time, so that nobody finds a token by its time. */
static struct entry *find(struct seen_tokens *s, const struct hash *name, sp_boot_ms now)
{
    struct entry *set = set_of(s, name);

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].until > now && secret_equal(hash_view(&set[i].name), hash_view(name)))
            return &set[i];
    }
    return NULL;
}

enum seen_state seen_get(struct seen_tokens *s, const struct hash *name, sp_boot_ms now,
                         struct token **token)
{
    struct entry *e = find(s, name, now);

    if (e == NULL)
        return SEEN_NOT;
    *token = e->token;
    return e->token != NULL ? SEEN_GOOD : SEEN_BAD;
}

void seen_put(struct seen_tokens *s, const struct hash *name, struct token *token, size_t size,
              sp_boot_ms now, sp_boot_ms until)
{
    struct entry *set = set_of(s, name), *e = find(s, name, now);

    if (until <= now)
        return;
    for (size_t i = 0; e == NULL && i < WAYS; i++) {
        if (set[i].until <= now)
            e = &set[i];
    }
    if (e == NULL) {
        e = set;
        for (size_t i = 1; i < WAYS; i++)
            e = set[i].until < e->until ? &set[i] : e;
    }
    drop(s, e);
    if (token == NULL)
        size = 0;
    if (size > SEEN_BYTES_MAX - s->bytes)
        return; /* the next request asks again */
    *e = (struct entry){.name = *name, .token = token_share(token), .size = size, .until = until};
    s->bytes += size;
}

size_t seen_bytes(const struct seen_tokens *s)
{
    return s->bytes;
}
