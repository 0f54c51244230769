#include "connector/gateway/coding.h"

#include <zlib.h>

enum { FIRST_OUT = 4096, GZIP_WINDOW = 15 + 16, ZLIB_WINDOW = 15 };

/* zlib's state lies in the request's arena and goes with it. */
static void *take(void *arena, unsigned n, unsigned size)
{
    return arena_array(arena, n, size);
}

static void give(void *arena, void *at)
{
    (void)arena;
    (void)at;
}

static bool is_gzip(struct view coding)
{
    return view_is(coding, "gzip") || view_is(coding, "x-gzip");
}

bool coding_known(struct view coding)
{
    return coding.len == 0 || is_gzip(coding) || view_is(coding, "deflate");
}

struct undone {
    uint8_t *at;
    size_t len, room, max;
};

/* More room behind what is there.   SP_ERR_LIMIT: there may be no more */
SP_MUST static sp_error widen(struct undone *u, struct arena *a)
{
    size_t room = u->room == 0 ? FIRST_OUT : 2 * u->room;

    if (room > u->max)
        room = u->max;
    if (room == u->room)
        return SP_ERR_LIMIT;
    uint8_t *more = arena_take(a, room);
    if (more == NULL)
        return arena_error(a);
    if (u->len > 0)
        memcpy(more, u->at, u->len);
    u->at = more;
    u->room = room;
    return SP_OK;
}

/* One member to its end; *used gets how much of `in` it was. */
SP_MUST static sp_error undo_member(z_stream *z, struct view in, struct undone *u, struct arena *a,
                                    size_t *used)
{
    int said = Z_OK;
    sp_error e;

    z->next_in = (uint8_t *)(uintptr_t)in.at; /* zlib only reads it */
    z->avail_in = (uInt)in.len;
    while (said != Z_STREAM_END) {
        if (u->len == u->room && (e = widen(u, a)) != SP_OK) {
            /* whole at the very limit: only the check sum is left */
            uint8_t one_more;
            z->next_out = &one_more;
            z->avail_out = 1;
            if (e != SP_ERR_LIMIT || inflate(z, Z_FINISH) != Z_STREAM_END || z->avail_out == 0)
                return e;
            break;
        }
        z->next_out = u->at + u->len;
        z->avail_out = (uInt)(u->room - u->len);
        said = inflate(z, Z_NO_FLUSH);
        u->len = u->room - z->avail_out;
        if (said == Z_MEM_ERROR)
            return SP_ERR_NOMEM;
        if (said != Z_OK && said != Z_STREAM_END && !(said == Z_BUF_ERROR && z->avail_out == 0))
            return SP_ERR_MALFORMED;
        if (said == Z_OK && z->avail_in == 0 && z->avail_out > 0)
            return SP_ERR_MALFORMED; /* cut off */
    }
    *used = in.len - z->avail_in;
    return SP_OK;
}

SP_MUST static sp_error undo_all(z_stream *z, bool gzip, struct view in, struct undone *u,
                                 struct arena *a)
{
    size_t used = 0;
    sp_error e = SP_ERR_MALFORMED;

    while (in.len > 0 && (e = undo_member(z, in, u, a, &used)) == SP_OK) {
        in = view_slice(in, used, in.len);
        if (in.len > 0 && (!gzip || inflateReset(z) != Z_OK))
            return SP_ERR_MALFORMED;
    }
    return e;
}

sp_error coding_undo(struct view coding, struct view in, size_t max, struct arena *a,
                     struct view *out)
{
    z_stream z = {.zalloc = take, .zfree = give, .opaque = a};
    struct undone u = {.max = max};
    bool gzip = is_gzip(coding);
    sp_error e;

    *out = in;
    if (coding.len == 0)
        return SP_OK;
    if (!coding_known(coding))
        return SP_ERR_UNSUPPORTED;
    if (in.len > UINT32_MAX / CODING_RATIO || max > UINT32_MAX)
        return SP_ERR_LIMIT;
    if (max > CODING_FREE && max > in.len * CODING_RATIO)
        u.max = in.len * CODING_RATIO > CODING_FREE ? in.len * CODING_RATIO : CODING_FREE;
    if (inflateInit2(&z, gzip ? GZIP_WINDOW : ZLIB_WINDOW) != Z_OK)
        return arena_error(a) != SP_OK ? arena_error(a) : SP_ERR_NOMEM;
    e = undo_all(&z, gzip, in, &u, a);
    (void)inflateEnd(&z);
    *out = e == SP_OK ? (struct view){u.at, u.len} : (struct view){0};
    return e;
}

void coding_read(struct gw_message_body *b, struct view whole, size_t max, struct arena *a)
{
    switch (coding_undo(b->coding, whole, max, a, &b->bytes)) {
    case SP_OK:
        b->inspected = GW_INSPECTED;
        break;
    case SP_ERR_UNSUPPORTED:
        b->inspected = GW_CODING;
        break;
    case SP_ERR_MALFORMED:
        b->inspected = GW_BROKEN;
        break;
    default:
        b->inspected = GW_INFLATES;
        break;
    }
}

struct gw_verdict coding_refusal(const struct gw_message_body *b)
{
    if (b->coding.len == 0 || b->kind == GW_BODY_NONE)
        return gw_pass();
    return b->inspected == GW_CODING     ? gw_refuse(GW_REASON_MEDIA_TYPE)
           : b->inspected == GW_BROKEN   ? gw_refuse(GW_REASON_SCHEMA)
           : b->inspected == GW_INFLATES ? gw_refuse(GW_REASON_BODY_SIZE)
                                         : gw_pass();
}
