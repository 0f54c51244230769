#include "lib/crypto/secret.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

/* How many have the bytes open; readable while it is not 0. */
struct gate {
    pthread_mutex_t lock;
    unsigned open;
};

struct secret {
    uint8_t *bytes; /* sodium_malloc */
    size_t len;
    struct gate *gate; /* owned */
};

static sp_error secret_alloc(size_t len, struct secret **out)
{
    struct secret *s = NULL;
    sp_error e = SP_ERR_NOMEM;

    if (len == 0 || len > SECRET_BYTES_MAX)
        return SP_ERR_INVALID;
    if (sodium_init() < 0 || (s = calloc(1, sizeof *s)) == NULL)
        return e;
    s->len = len;
    s->bytes = sodium_malloc(len);
    s->gate = calloc(1, sizeof *s->gate);
    if (s->bytes == NULL || s->gate == NULL || pthread_mutex_init(&s->gate->lock, NULL) != 0) {
        free(s->gate);
        s->gate = NULL;
        secret_free(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

sp_error secret_new_random(size_t len, struct secret **out)
{
    struct secret *s;
    sp_error e = secret_alloc(len, &s);

    if (e != SP_OK)
        return e;
    randombytes_buf(s->bytes, len);
    sodium_mprotect_noaccess(s->bytes);
    *out = s;
    return SP_OK;
}

sp_error secret_new(struct view bytes, struct secret **out)
{
    struct secret *s;
    sp_error e = secret_alloc(bytes.len, &s);

    if (e != SP_OK)
        return e;
    memcpy(s->bytes, bytes.at, bytes.len);
    sodium_mprotect_noaccess(s->bytes);
    *out = s;
    return SP_OK;
}

void secret_free(struct secret *s)
{
    if (s == NULL)
        return;
    sodium_free(s->bytes); /* wipes */
    if (s->gate != NULL)
        pthread_mutex_destroy(&s->gate->lock);
    free(s->gate);
    free(s);
}

size_t secret_len(const struct secret *s)
{
    return s == NULL ? 0 : s->len;
}

struct view secret_open(const struct secret *s)
{
    pthread_mutex_lock(&s->gate->lock);
    if (s->gate->open++ == 0)
        sodium_mprotect_readonly(s->bytes);
    pthread_mutex_unlock(&s->gate->lock);
    return (struct view){s->bytes, s->len};
}

void secret_close(const struct secret *s)
{
    pthread_mutex_lock(&s->gate->lock);
    if (--s->gate->open == 0)
        sodium_mprotect_noaccess(s->bytes);
    pthread_mutex_unlock(&s->gate->lock);
}

sp_error secret_lockable(void)
{
    uint8_t page[64];
    sp_error e = SP_OK;

    if (sodium_init() < 0 || sodium_mlock(page, sizeof page) != 0)
        return SP_ERR_PERMISSION;
    sodium_munlock(page, sizeof page);
    return e;
}

void secret_wipe(void *p, size_t len)
{
    if (len > 0)
        sodium_memzero(p, len);
}

bool secret_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.at, b.at, a.len) == 0);
}
