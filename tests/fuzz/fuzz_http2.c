/*
 * The frames of a client (first byte even) or of an application, whole and in pieces of the size
 * that the second byte says: the same heads, the same data, the same end. Every request is read
 * (message2.h) and answered, and of what was read nothing may frame another one.
 */
#include "connector/gateway/message2.h"
#include "connector/gateway/target.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

enum { STREAMS = 256 };

struct seen {
    unsigned heads, sound, ends, closed;
    uint64_t bytes;
    bool broken;
};

struct run {
    struct http2 *h2;
    bool client;
    struct arena_pool pool;
    struct seen seen;
    struct slot {
        struct run *run;
        struct http2_stream *s;
    } slots[STREAMS];
    size_t used;
};

static const struct http2_limits limits = {4096, 16};
static const struct write_fields none;

static bool on_begins(void *arg, struct http2_stream *s)
{
    struct run *r = arg;

    if (r->used == STREAMS)
        return false;
    r->slots[r->used] = (struct slot){r, s};
    http2_use(s, &r->slots[r->used++]);
    return true;
}

/* Nothing in it may end a line of HTTP/1, or speak for the connection. */
static void check_request(const struct gw_request *q, struct view target)
{
    for (size_t i = 0; i < q->field_count; i++) {
        const struct gw_field *f = &q->fields[i];
        if (f->name.len == 0 || memchr(f->name.at, ':', f->name.len) != NULL ||
            view_is(f->name, "transfer-encoding") || view_is(f->name, "content-length") ||
            view_is(f->name, "connection") || view_is(f->name, "host"))
            abort();
        for (size_t k = 0; k < f->value.len; k++)
            if (f->value.at[k] == '\r' || f->value.at[k] == '\n' || f->value.at[k] == '\0')
                abort();
    }
    for (size_t k = 0; k < target.len; k++)
        if (target.at[k] <= ' ')
            abort();
}

static void on_head(void *arg, void *user, struct http2_stream *s, bool end)
{
    struct run *r = arg;
    struct gw_request q = {0};
    struct gw_response answer;
    enum gw_reason reason;
    struct message2_head head = {.end = end};
    struct view target = {0};
    struct arena *a;

    (void)user;
    r->seen.heads++;
    r->seen.ends += end;
    if (arena_new(&r->pool, 1 << 16, &a) != SP_OK)
        return;
    if (http2_fields(s, a, &head.fields, &head.n) == SP_OK) {
        if (r->client) {
            r->seen.sound += message2_response(&head, GW_GET, a, &answer) == SP_OK;
        } else if (message2_request(&head, false, a, &q, &target, &reason) == SP_OK) {
            check_request(&q, target);
            r->seen.sound++;
        }
    }
    arena_free(a);
    if (!r->client)
        sp_ignore(http2_answer(s, 200, none, none, false));
}

static void on_data(void *arg, void *user, struct view data)
{
    struct run *r = arg;
    struct slot *slot = user;

    r->seen.bytes += data.len;
    http2_took(slot->s, data.len);
    sp_ignore(http2_write(slot->s, data));
}

static void on_end(void *arg, void *user, struct http2_stream *s)
{
    struct run *r = arg;

    (void)user;
    r->seen.ends++;
    sp_ignore(http2_end(s, none));
}

static void ignored(void *arg, void *user)
{
    (void)arg;
    (void)user;
}

static void on_closed(void *arg, void *user, uint32_t code)
{
    (void)code;
    ((struct run *)arg)->seen.closed++;
    ((struct slot *)user)->s = NULL;
}

static const struct http2_events events = {.begins = on_begins,
                                           .head = on_head,
                                           .data = on_data,
                                           .end = on_end,
                                           .drained = ignored,
                                           .broken = ignored,
                                           .closed = on_closed};

static void ask(struct run *r)
{
    static const struct gw_field line[] = {
        {{(const uint8_t *)":method", 7}, {(const uint8_t *)"GET", 3}},
        {{(const uint8_t *)":scheme", 7}, {(const uint8_t *)"http", 4}},
        {{(const uint8_t *)":authority", 10}, {(const uint8_t *)"h", 1}},
        {{(const uint8_t *)":path", 5}, {(const uint8_t *)"/", 1}}};

    for (int i = 0; i < 2; i++) {
        struct slot *slot = &r->slots[r->used++];
        slot->run = r;
        if (http2_request(r->h2, (struct write_fields){line, 4}, true, slot, &slot->s) != SP_OK)
            abort();
    }
}

static struct seen read_all(struct view in, bool client, size_t step)
{
    struct run *r = calloc(1, sizeof *r);
    struct seen seen = {0};
    struct view out;

    if (r == NULL)
        return seen;
    r->client = client;
    r->pool.max = 1 << 20;
    if (http2_new(client ? HTTP2_CLIENT : HTTP2_SERVER, &limits, &events, r, &r->h2) != SP_OK)
        abort();
    if (client)
        ask(r);
    for (size_t at = 0; at < in.len && !r->seen.broken; at += step) {
        r->seen.broken = http2_take(r->h2, view_slice(in, at, step)) != SP_OK;
        /* what is said back depends on when it is asked for: only at the end */
    }
    seen = r->seen;
    for (int i = 0; i < 1000 && http2_give(r->h2, &out) == SP_OK && out.len > 0; i++)
        ;
    http2_free(r->h2);
    if (r->pool.in_use != 0 || r->seen.closed > r->used)
        abort();
    free(r);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view in = {data, size};

    if (size < 3)
        return 0;
    in = view_slice(in, 2, size);
    struct seen whole = read_all(in, (data[0] & 1) != 0, SIZE_MAX / 2);
    struct seen pieces = read_all(in, (data[0] & 1) != 0, (size_t)data[1] + 1);
    /* a connection that broke told no more than what came before the break, and a body that is not
     * the one that was promised never ends */
    if (whole.broken != pieces.broken || whole.broken)
        return 0;
    if (whole.heads != pieces.heads || whole.sound != pieces.sound || whole.ends != pieces.ends ||
        (whole.ends == whole.heads && whole.bytes != pieces.bytes))
        abort();
    return 0;
}
