#ifndef SP_BASE_VIEW_H
#define SP_BASE_VIEW_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that someone else owns. To keep them past the call, copy them. */
struct view {
    const uint8_t *at;
    size_t len;
};

/*
 * Reads forward through a view. After the first read that finds too little, `err` is set and every
 * read gives zero: a parser then reads like its RFC, top to bottom, and asks once at the end.
 */
struct cursor {
    struct view rest;
    sp_error err,
        when_short; /* when_short: SP_ERR_AGAIN on a stream, SP_ERR_MALFORMED in a message */
};

static inline struct cursor cur_over(struct view v, sp_error when_short)
{
    return (struct cursor){.rest = v, .when_short = when_short};
}

static inline struct view cur_take(struct cursor *c, size_t n)
{
    if (c->err == SP_OK && n > c->rest.len)
        c->err = c->when_short;
    if (c->err != SP_OK)
        return (struct view){0};
    struct view taken = {c->rest.at, n};
    c->rest.at += n;
    c->rest.len -= n;
    return taken;
}

/* The bytes of a C string without its NUL. Borrows `s`. */
static inline struct view view_str(const char *s)
{
    return (struct view){(const uint8_t *)s, s == NULL ? 0 : strlen(s)};
}

/* Not constant time: for secrets there is secret_equal() in lib/crypto/secret.h. */
static inline bool view_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Order of the bytes; the shorter one first where it begins the longer. Below, at or above 0. */
static inline int view_compare(struct view a, struct view b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int c = len == 0 ? 0 : memcmp(a.at, b.at, len);

    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

static inline bool view_is(struct view v, const char *s)
{
    return view_equal(v, view_str(s));
}

/* Bytes from `from`, at most `len` of them; what lies outside is cut off, never read. */
static inline struct view view_slice(struct view v, size_t from, size_t len)
{
    if (from > v.len)
        from = v.len;
    if (len > v.len - from)
        len = v.len - from;
    return (struct view){from == 0 ? v.at : v.at + from, len};
}

/* As a C string of at most `room` - 1 bytes; what does not fit is cut off. `room` is not 0. */
static inline void view_copy(char *to, size_t room, struct view from)
{
    from = view_slice(from, 0, room - 1);
    if (from.len > 0)
        memcpy(to, from.at, from.len);
    to[from.len] = '\0';
}

/* printf("%.*s", VIEW_ARG(v)) */
#define VIEW_ARG(v) (int)(v).len, (const char *)(v).at

/* Big-endian, 1 to 8 bytes. */
static inline uint64_t cur_uint(struct cursor *c, size_t bytes)
{
    struct view v = cur_take(c, bytes);
    uint64_t n = 0;
    for (size_t i = 0; i < v.len; i++)
        n = n << 8 | v.at[i];
    return n;
}

static inline void cur_fail(struct cursor *c, sp_error why)
{
    if (c->err == SP_OK)
        c->err = why;
}

#endif
