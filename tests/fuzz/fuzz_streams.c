#include "lib/tunnel/streams.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* FUZ-6. What an agent can send a connector inside the inner TLS: HTTP/2. Streams answer by their
 * port, take their bytes or leave them, and what piles up stays within its bound. */

struct side {
    struct stream *open[STREAMS_MAX];
    size_t count;
};

static sp_error no_bytes(void *arg, uint8_t *to, size_t room, size_t *got)
{
    (void)arg;
    (void)to;
    (void)room;
    (void)got;
    return SP_ERR_AGAIN;
}

static sp_error take_none(void *arg, struct view bytes, size_t *took)
{
    (void)arg;
    (void)bytes;
    *took = 0;
    return SP_OK;
}

static size_t no_room(void *arg)
{
    (void)arg;
    return 0;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void answered(void *arg, int status)
{
    (void)arg;
    (void)status;
}

static void ended(void *arg, sp_error why)
{
    (void)arg;
    (void)why;
}

static const struct stream_io io = {no_bytes, take_none, no_room, nothing, answered, ended};

static void on_stream(void *arg, struct stream *s, unsigned port)
{
    struct side *side = arg;

    if (side->count == STREAMS_MAX)
        abort(); /* more streams at a time than were allowed */
    side->open[side->count++] = s;
    if (port % 2 == 1) {
        stream_refuse(s, 403);
        return;
    }
    stream_attach(s, &io, side);
    stream_accept(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct streams_hooks hooks = {on_stream, nothing, nothing};
    struct side side = {.count = 0};
    struct streams *s;
    struct view out;
    sp_error e = SP_OK;

    if (streams_new(STREAMS_CONNECTOR, (struct sp_id){{0}}, 0, &hooks, &side, &s) != SP_OK)
        abort();
    streams_allow_data(s);
    for (size_t at = 0; at < size && e == SP_OK; at += 100) {
        e = streams_take(s, view_slice((struct view){data, size}, at, 100));
        if (streams_piled(s) > size)
            abort(); /* piles bytes that nobody sent */
        for (int i = 0; i < 4 && e == SP_OK; i++)
            e = streams_give(s, &out);
    }
    streams_free(s);
    for (size_t i = 0; i < side.count; i++)
        stream_free(side.open[i]);
    return 0;
}
