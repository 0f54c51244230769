/*
 * agent: the user's own program with a liar inside its tunnel: everything to the pairing is the
 * product's, then what it says under the inner TLS passes through here (--wrap of the linker).
 * SALLYPORT_EVIL names a folder; each of its files is one lie, read when its moment comes:
 *
 *   plain   bytes that go out as HTTP/2 behind the first that the tunnel gives, to their end
 *   bind    the message that the agent sends first inside the inner TLS
 *   flip    a number: the byte of what the inner TLS sends, counted over all frames of the
 *           tunnel, of which one bit is turned: a handshake byte, or one of a record
 *
 * A file that is not there is the truth. What the other end answers to `plain` is written to the
 * file `heard` and judged by nobody here. tests/evil/inside.py makes lies and reads answers.
 */
#include "lib/tunnel/bind.h"
#include "lib/tunnel/outer.h"
#include "lib/tunnel/streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 60 * 1024, NAME_MAX_BYTES = 512, BIND_LIE_MAX = 64 * 1024 };

sp_error __real_streams_new(enum streams_role role, struct sp_id app, unsigned max,
                            const struct streams_hooks *hooks, void *arg, struct streams **out);
sp_error __wrap_streams_new(enum streams_role role, struct sp_id app, unsigned max,
                            const struct streams_hooks *hooks, void *arg, struct streams **out);
sp_error __real_streams_give(struct streams *s, struct view *out);
sp_error __wrap_streams_give(struct streams *s, struct view *out);
sp_error __real_streams_take(struct streams *s, struct view plain);
sp_error __wrap_streams_take(struct streams *s, struct view plain);
sp_error __real_bind_write_agent(const uint8_t value[TLS_EXPORT_BYTES],
                                 const struct tunnel_agent_says *says, struct buf *out);
sp_error __wrap_bind_write_agent(const uint8_t value[TLS_EXPORT_BYTES],
                                 const struct tunnel_agent_says *says, struct buf *out);
sp_error __real_outer_frame(struct outer *o, enum frame_op op, uint8_t *payload, size_t len);
sp_error __wrap_outer_frame(struct outer *o, enum frame_op op, uint8_t *payload, size_t len);

/* One tunnel at a time tells lies: the newest. */
static struct {
    FILE *plain; /* owned; NULL: told, or there is none */
    const struct streams *streams;
    bool some, begun, told;
    uint8_t piece[PIECE];
    unsigned long sent; /* bytes of the inner TLS */
} lie;

static FILE *open_lie(const char *name, const char *how)
{
    const char *folder = getenv("SALLYPORT_EVIL");
    char path[NAME_MAX_BYTES];

    if (folder == NULL)
        return NULL;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, how);
}

sp_error __wrap_streams_new(enum streams_role role, struct sp_id app, unsigned max,
                            const struct streams_hooks *hooks, void *arg, struct streams **out)
{
    sp_error e = __real_streams_new(role, app, max, hooks, arg, out);

    if (lie.plain != NULL)
        fclose(lie.plain);
    lie.plain = open_lie("plain", "rb");
    lie.streams = e == SP_OK ? *out : NULL;
    lie.some = lie.begun = lie.told = false;
    lie.sent = 0;
    return e;
}

sp_error __wrap_streams_give(struct streams *s, struct view *out)
{
    size_t n;

    if (s != lie.streams || lie.plain == NULL || !lie.begun) {
        sp_error e = __real_streams_give(s, out);
        if (s == lie.streams && e == SP_OK) { /* between two frames, behind the first of them */
            lie.begun = lie.begun || (lie.some && out->len == 0);
            lie.some = lie.some || out->len > 0;
        }
        if (!lie.begun || s != lie.streams || lie.plain == NULL)
            return e;
    }
    lie.told = true;
    n = fread(lie.piece, 1, sizeof lie.piece, lie.plain);
    *out = (struct view){lie.piece, n};
    if (n < sizeof lie.piece) {
        fclose(lie.plain);
        lie.plain = NULL;
    }
    return n > 0 ? SP_OK : __real_streams_give(s, out);
}

sp_error __wrap_streams_take(struct streams *s, struct view plain)
{
    FILE *f;

    if (s != lie.streams || !lie.told)
        return __real_streams_take(s, plain);
    if ((f = open_lie("heard", "ab")) != NULL) {
        (void)fwrite(plain.at, 1, plain.len, f);
        fclose(f);
    }
    return SP_OK;
}

sp_error __wrap_bind_write_agent(const uint8_t value[TLS_EXPORT_BYTES],
                                 const struct tunnel_agent_says *says, struct buf *out)
{
    static uint8_t room[BIND_LIE_MAX];
    FILE *f = open_lie("bind", "rb");
    sp_error e;
    size_t n;

    if (f == NULL)
        return __real_bind_write_agent(value, says, out);
    n = fread(room, 1, sizeof room, f);
    fclose(f);
    buf_init(out, sizeof room);
    e = buf_append(out, (struct view){room, n});
    return e;
}

sp_error __wrap_outer_frame(struct outer *o, enum frame_op op, uint8_t *payload, size_t len)
{
    FILE *f = op == FRAME_BIN ? open_lie("flip", "rb") : NULL;
    unsigned long at = 0;

    if (f != NULL && fscanf(f, "%lu", &at) == 1 && at >= lie.sent && at - lie.sent < len)
        payload[at - lie.sent] ^= 1;
    if (f != NULL)
        fclose(f);
    if (op == FRAME_BIN)
        lie.sent += len;
    return __real_outer_frame(o, op, payload, len);
}
