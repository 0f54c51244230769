#include "lib/base/buf.h"

#include "lib/base/num.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { BUF_FIRST_BYTES = 64 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_deinit(struct buf *b)
{
    free(b->at);
    buf_init(b, b->max);
}

void buf_wipe(struct buf *b)
{
    if (b->at != NULL)
        explicit_bzero(b->at, b->cap);
    buf_deinit(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->err = SP_OK;
}

/*
 * Makes cap at least `need`. A moved content leaves no copy behind: what is held may be a secret
 * that buf_wipe could not reach any more, and realloc would not clear the old place.
 */
static sp_error grow(struct buf *b, size_t need)
{
    size_t cap = b->cap < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : b->cap;

    if (need <= b->cap)
        return SP_OK;
    while (cap < need) {
        if (!num_mul(cap, 2, &cap))
            return SP_ERR_LIMIT;
    }
    uint8_t *at = malloc(cap);
    if (at == NULL)
        return SP_ERR_NOMEM;
    if (b->at != NULL) {
        memcpy(at, b->at, b->len);
        explicit_bzero(b->at, b->cap);
        free(b->at);
    }
    b->at = at;
    b->cap = cap;
    return SP_OK;
}

sp_error buf_reserve(struct buf *b, size_t more)
{
    size_t need;
    sp_error e = SP_OK;

    if (!num_add(b->len, more, &need) || need > b->max)
        e = SP_ERR_LIMIT;
    else
        e = grow(b, need);
    if (e != SP_OK && b->err == SP_OK)
        b->err = e;
    return e;
}

sp_error buf_append(struct buf *b, struct view v)
{
    bool fits = v.len <= b->cap - b->len && v.len <= b->max - b->len; /* nearly always */
    sp_error e;

    if (!fits && (e = buf_reserve(b, v.len)) != SP_OK)
        return e;
    if (v.len > 0)
        memcpy(b->at + b->len, v.at, v.len);
    b->len += v.len;
    return SP_OK;
}

/* Once refused, nothing more goes in: a text with a hole in it is worse than a short one. */
void buf_add(struct buf *b, struct view v)
{
    if (b->err == SP_OK)
        sp_ignore(buf_append(b, v)); /* kept in b->err */
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, view_str(s));
}

void buf_add_byte(struct buf *b, uint8_t byte)
{
    buf_add(b, (struct view){&byte, 1});
}

void buf_add_uint(struct buf *b, uint64_t n, size_t bytes)
{
    uint8_t out[8];

    if (bytes > sizeof out)
        bytes = sizeof out;
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
    buf_add(b, (struct view){out, bytes});
}

void buf_addf(struct buf *b, const char *text, ...)
{
    char small[256];
    va_list args, again;

    if (b->err != SP_OK)
        return;
    va_start(args, text);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, text, args);
    if (n < 0) {
        b->err = SP_ERR_INTERNAL;
    } else if ((size_t)n < sizeof small) {
        buf_add(b, (struct view){(const uint8_t *)small, (size_t)n});
    } else if (buf_reserve(b, (size_t)n) == SP_OK && grow(b, b->len + (size_t)n + 1) == SP_OK) {
        /* vsnprintf writes its NUL one byte beyond what counts */
        vsnprintf((char *)b->at + b->len, (size_t)n + 1, text, again);
        b->len += (size_t)n;
    } else if (b->err == SP_OK) {
        b->err = SP_ERR_NOMEM;
    }
    va_end(again);
    va_end(args);
}

sp_error buf_error(const struct buf *b)
{
    return b->err;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    if (n > 0)
        memmove(b->at, b->at + n, b->len - n);
    b->len -= n;
}

const char *buf_cstr(struct buf *b)
{
    if (b->len == 0)
        return "";
    if (b->len == SIZE_MAX || grow(b, b->len + 1) != SP_OK)
        return NULL;
    b->at[b->len] = '\0';
    return (const char *)b->at;
}

char *buf_take_str(struct buf *b)
{
    if (b->err != SP_OK || b->len == SIZE_MAX || grow(b, b->len + 1) != SP_OK)
        return NULL;
    b->at[b->len] = '\0';
    char *s = (char *)b->at;
    buf_init(b, b->max);
    return s;
}
