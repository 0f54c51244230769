#include "client/desktop/bus.h"

#include "lib/base/encode.h"
#include "lib/os/loop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALL_US = 5 * 1000 * 1000, TURNS_MAX = 64 };

struct bus {
    struct loop *loop; /* borrowed */
    bus_lost *lost;
    void *arg;
    struct sdbus api;
    sd_bus *handle;      /* owned */
    struct watch *watch; /* owned; NULL: not running */
    struct timer *timer; /* owned; NULL: not running */
    struct deferred turn;
    bool over;
};

static void look_again(struct bus *b);

static void on_timer(void *arg)
{
    struct bus *b = arg;

    b->timer = NULL; /* no longer pending */
    deferred_queue(b->loop, &b->turn);
}

static void on_socket(void *arg, unsigned events)
{
    struct bus *b = arg;

    (void)events;
    deferred_queue(b->loop, &b->turn);
}

/* What sd-bus waits for next: readable, writable, a time. */
static void look_again(struct bus *b)
{
    int events = b->api.get_events(b->handle);
    uint64_t at;

    timer_cancel(b->timer);
    b->timer = NULL;
    if (events >= 0)
        watch_set(b->watch, ((events & POLLIN) != 0 ? (unsigned)WATCH_READ : 0) |
                                ((events & POLLOUT) != 0 ? (unsigned)WATCH_WRITE : 0));
    if (b->api.get_timeout(b->handle, &at) >= 0 && at != UINT64_MAX) {
        struct timespec now = {0};
        int64_t left;

        clock_gettime(CLOCK_MONOTONIC, &now);
        left = (int64_t)(at / 1000) - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
        if (timer_start(b->loop, clock_boot() + (left < 0 ? 0 : left + 1), on_timer, b,
                        &b->timer) != SP_OK)
            b->timer = NULL; /* no memory: its timeouts come with the next event */
    }
}

/* A few messages a turn: a chatty bus does not keep the loop. */
static void on_turn(void *arg)
{
    struct bus *b = arg;
    int r = 0;

    if (b->over)
        return;
    for (int i = 0; i < TURNS_MAX && (r = b->api.process(b->handle, NULL)) > 0; i++)
        ;
    if (r < 0) {
        b->over = true;
        watch_set(b->watch, 0);
        b->lost(b->arg); /* b may be gone from here on */
        return;
    }
    if (r > 0)
        deferred_queue(b->loop, &b->turn);
    look_again(b);
}

static bool bus_address(char out[512])
{
    const char *named = getenv("DBUS_SESSION_BUS_ADDRESS"), *folder = getenv("XDG_RUNTIME_DIR");

    if (named != NULL && named[0] != '\0') {
        snprintf(out, 512, "%s", named);
        return strlen(named) < 512;
    }
    if (folder == NULL || folder[0] != '/' || strpbrk(folder, ",;%=") != NULL)
        return false;
    snprintf(out, 512, "%s/bus", folder);
    if (strlen(folder) > 400 || access(out, F_OK) != 0)
        return false;
    snprintf(out, 512, "unix:path=%s/bus", folder);
    return true;
}

sp_error bus_new(struct loop *loop, bus_lost *lost, void *arg, struct bus **out)
{
    struct bus *b;
    char address[512];
    sp_error e;

    if (!bus_address(address))
        return SP_ERR_NOT_FOUND;
    if ((b = calloc(1, sizeof *b)) == NULL)
        return SP_ERR_NOMEM;
    *b = (struct bus){.loop = loop, .lost = lost, .arg = arg};
    deferred_init(&b->turn, on_turn, b);
    if ((e = sdbus_find(&b->api)) == SP_OK &&
        (b->api.new(&b->handle) < 0 || b->api.set_address(b->handle, address) < 0 ||
         b->api.set_bus_client(b->handle, 1) < 0 || b->api.start(b->handle) < 0))
        e = SP_ERR_UNREACHABLE;
    if (e == SP_OK)
        e = watch_start(loop, b->api.get_fd(b->handle), WATCH_READ, on_socket, b, &b->watch);
    if (e != SP_OK) {
        bus_free(b);
        return e;
    }
    deferred_queue(loop, &b->turn);
    *out = b;
    return SP_OK;
}

void bus_free(struct bus *b)
{
    if (b == NULL)
        return;
    watch_stop(b->watch);
    timer_cancel(b->timer);
    deferred_cancel(b->loop, &b->turn);
    if (b->handle != NULL)
        b->api.flush_close_unref(b->handle);
    free(b);
}

const struct sdbus *bus_api(const struct bus *b)
{
    return &b->api;
}

sd_bus *bus_handle(const struct bus *b)
{
    return b->handle;
}

void bus_send(struct bus *b, sd_bus_message *m)
{
    if (m == NULL)
        return;
    if (!b->over)
        b->api.send(b->handle, m, NULL); /* lost with the bus: whoever waits for it sees that */
    b->api.message_unref(m);
    deferred_queue(b->loop, &b->turn);
}

void bus_call(struct bus *b, sd_bus_message *m, sdbus_handler *answer, void *arg,
              sd_bus_slot **slot)
{
    if (m == NULL)
        return;
    if (!b->over)
        b->api.call_async(b->handle, slot, m, answer, arg, CALL_US);
    b->api.message_unref(m);
    deferred_queue(b->loop, &b->turn);
}

void bus_text(const char *text, char *out, size_t size)
{
    struct buf visible;
    size_t n;

    buf_init(&visible, 64 * 1024);
    encode_visible(view_str(text), &visible);
    n = visible.len < size ? visible.len : size - 1;
    while (n > 0 && n < visible.len && (visible.at[n] & 0xc0) == 0x80)
        n--; /* not within a character */
    if (n > 0)
        memcpy(out, visible.at, n);
    out[n] = '\0';
    buf_deinit(&visible);
}
