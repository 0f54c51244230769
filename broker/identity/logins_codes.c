#include "broker/identity/logins_internal.h"
#include "lib/base/encode.h"
#include "lib/base/map.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"

#include <stdlib.h>

/*
 * In memory of the broker that the browser met: a code lives three minutes and the device waits
 * for it on its channel. A broker that ends in between costs the person one more login.
 */
struct entry {
    struct sp_id name;   /* of the code: its hash's first 16 bytes */
    struct login login;  /* wiped when taken */
    struct sp_id device; /* whom it logged in; zero: nobody yet */
    bool taken;
    sp_unix_ms until;
};

struct codes {
    pthread_mutex_t lock;
    struct map entries; /* owned struct entry, by name */
};

/* Without I, O, 0, 1: nothing to mistake when it is typed. 32 letters, 5 bits each. */
static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

enum { TYPED_LETTERS = 12, TYPED_GROUP = 4 };

sp_error codes_new(struct codes **out)
{
    struct codes *c = calloc(1, sizeof *c);

    if (c == NULL)
        return SP_ERR_NOMEM;
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return SP_OK;
}

static void entry_free(struct entry *e)
{
    secret_wipe(e, sizeof *e);
    free(e);
}

void codes_free(struct codes *c)
{
    size_t at = 0;
    struct entry *e;

    if (c == NULL)
        return;
    while ((e = map_next(&c->entries, &at, NULL)) != NULL)
        entry_free(e);
    map_deinit(&c->entries);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* A typed code is read without its dashes, blanks and case; a code of a redirect as it is. */
static struct sp_id code_name(struct view text)
{
    char plain[LOGINS_CODE_TEXT];
    size_t n = 0;
    struct sp_id name;
    struct hash h;

    if (text.len < LOGINS_CODE_TEXT) {
        for (size_t i = 0; i < text.len; i++) {
            uint8_t c = text.at[i];
            if (c != '-' && c != ' ')
                plain[n++] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        }
        text = (struct view){(const uint8_t *)plain, n};
    }
    h = hash_sha256(text);
    memcpy(name.bytes, h.bytes, sizeof name.bytes);
    secret_wipe(plain, sizeof plain);
    return name;
}

static void new_code(bool typed, char text[LOGINS_CODE_TEXT + 1])
{
    memset(text, 0, LOGINS_CODE_TEXT + 1);
    if (typed) { /* 60 bits; worthless on the channel of any other device */
        size_t n = 0;
        for (size_t i = 0; i < TYPED_LETTERS; i++) {
            if (i > 0 && i % TYPED_GROUP == 0)
                text[n++] = '-';
            text[n++] = letters[random_below(sizeof letters - 1)];
        }
        return;
    }
    /* 43 letters of 5 bits: 215 bits */
    for (size_t i = 0; i < LOGINS_CODE_TEXT; i++)
        text[i] = letters[random_below(sizeof letters - 1)];
}

/* With the lock held. */
static void forget_old(struct codes *c, sp_unix_ms now)
{
    size_t at = 0;
    struct sp_id name;
    struct entry *e;

    while ((e = map_next(&c->entries, &at, &name)) != NULL)
        if (now > e->until) {
            map_remove(&c->entries, name);
            entry_free(e);
        }
}

sp_error codes_put(struct codes *c, const struct login *login, bool typed, sp_unix_ms now,
                   char text[LOGINS_CODE_TEXT + 1])
{
    struct entry *e = calloc(1, sizeof *e);
    sp_error error;

    if (e == NULL)
        return SP_ERR_NOMEM;
    new_code(typed, text);
    e->name = code_name(view_str(text));
    e->login = *login;
    e->until = now + LOGINS_CODE_MS;
    pthread_mutex_lock(&c->lock);
    if (map_len(&c->entries) >= LOGINS_CODES_MAX)
        forget_old(c, now);
    error =
        map_len(&c->entries) >= LOGINS_CODES_MAX ? SP_ERR_BUSY : map_put(&c->entries, e->name, e);
    pthread_mutex_unlock(&c->lock);
    if (error != SP_OK)
        entry_free(e);
    return error;
}

sp_error codes_take(struct codes *c, struct view text, sp_unix_ms now, struct login *out,
                    struct sp_id *reused)
{
    sp_error error = SP_ERR_DENIED;
    struct entry *e;

    *reused = (struct sp_id){0};
    pthread_mutex_lock(&c->lock);
    forget_old(c, now);
    e = map_get(&c->entries, code_name(text));
    if (e != NULL && e->taken) {
        *reused = e->device;
    } else if (e != NULL) {
        *out = e->login;
        secret_wipe(&e->login, sizeof e->login);
        e->taken = true;
        error = SP_OK;
    }
    pthread_mutex_unlock(&c->lock);
    return error;
}

void codes_used(struct codes *c, struct view text, struct sp_id device)
{
    struct entry *e;

    pthread_mutex_lock(&c->lock);
    if ((e = map_get(&c->entries, code_name(text))) != NULL)
        e->device = device;
    pthread_mutex_unlock(&c->lock);
}
