#include "tests/unit/lib/tunnel/app.h"

#include "tests/unit/check.h"

static uint8_t pattern(uint8_t seed, size_t i)
{
    return (uint8_t)(seed + i * 7 + (i >> 8) * 13 + (i >> 16) * 31);
}

static sp_error app_read(void *arg, uint8_t *to, size_t room, size_t *got)
{
    struct app *a = arg;
    size_t n = a->to_send - a->sent;

    if (n == 0)
        return SP_ERR_CLOSED;
    n = n < room ? n : room;
    for (size_t i = 0; i < n; i++)
        to[i] = pattern(a->seed, a->sent + i);
    a->sent += n;
    *got = n;
    return SP_OK;
}

static sp_error app_write(void *arg, struct view bytes, size_t *took)
{
    struct app *a = arg;
    size_t n = a->stalled                                            ? 0
               : a->take_at_once != 0 && bytes.len > a->take_at_once ? a->take_at_once
                                                                     : bytes.len;

    for (size_t i = 0; i < n; i++)
        if (bytes.at[i] != pattern(a->expect, a->got + i))
            a->wrong = true;
    a->got += n;
    *took = n;
    return SP_OK;
}

static size_t app_room(void *arg)
{
    return ((struct app *)arg)->room;
}

static void app_finished(void *arg)
{
    ((struct app *)arg)->finished = true;
}

static void app_answered(void *arg, int status)
{
    ((struct app *)arg)->status = status;
}

static void app_ended(void *arg, sp_error why)
{
    struct app *a = arg;

    check(!a->ended);
    a->ended = true;
    a->why = why;
    stream_free(a->stream);
    a->stream = NULL;
}

const struct stream_io app_io = {
    app_read, app_write, app_room, app_finished, app_answered, app_ended,
};
