#include "lib/os/filewatch.h"

#include "lib/os/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/base/banned.h"

struct filewatch {
    struct loop *loop; /* borrowed */
    void (*changed)(void *arg);
    void *arg;
    int fd;
    struct watch *watch;    /* owned */
    struct timer *settling; /* owned; NULL: not running */
    char name[NAME_MAX + 1];
};

static void on_settled(void *arg)
{
    struct filewatch *w = arg;

    w->settling = NULL;
    w->changed(w->arg);
}

static void touch(struct filewatch *w)
{
    sp_boot_ms at = clock_boot() + FILEWATCH_SETTLE_MS;

    if (w->settling != NULL)
        timer_move(w->settling, at);
    else if (timer_start(w->loop, at, on_settled, w, &w->settling) != SP_OK)
        w->changed(w->arg); /* without memory for a timer: at once rather than never */
}

static bool concerns(const struct filewatch *w, const struct inotify_event *e)
{
    if ((e->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
        return true;
    return e->len > 0 && (strcmp(e->name, w->name) == 0 || strncmp(e->name, "..", 2) == 0);
}

static void on_events(void *arg, unsigned events)
{
    struct filewatch *w = arg;
    union {
        struct inotify_event first;
        uint8_t bytes[4096];
    } room;
    ssize_t n;

    (void)events;
    while ((n = read(w->fd, room.bytes, sizeof room.bytes)) > 0) {
        for (size_t at = 0; at + sizeof room.first <= (size_t)n;) {
            /* the kernel aligns each event to its own header */
            const struct inotify_event *e = (const void *)(room.bytes + at);
            if (concerns(w, e))
                touch(w);
            at += sizeof *e + e->len;
        }
    }
}

static sp_error from_errno(int err)
{
    return err == ENOENT || err == ENOTDIR                   ? SP_ERR_NOT_FOUND
           : err == EACCES                                   ? SP_ERR_PERMISSION
           : err == EMFILE || err == ENFILE || err == ENOSPC ? SP_ERR_LIMIT
           : err == ENOMEM                                   ? SP_ERR_NOMEM
                                                             : SP_ERR_IO;
}

/* Splits "DIR/NAME"; a bare name lies in ".". */
static sp_error split(const char *path, char dir[PATH_MAX], char name[NAME_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    size_t dir_len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    const char *base = slash == NULL ? path : slash + 1;

    if (base[0] == '\0' || strlen(base) > NAME_MAX || dir_len >= PATH_MAX)
        return SP_ERR_INVALID;
    memcpy(dir, slash == NULL ? "." : path, dir_len);
    dir[dir_len] = '\0';
    memcpy(name, base, strlen(base) + 1);
    return SP_OK;
}

sp_error filewatch_start(struct loop *loop, const char *path, void (*changed)(void *arg), void *arg,
                         struct filewatch **out)
{
    static const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                 IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    struct filewatch *w = calloc(1, sizeof *w);
    char dir[PATH_MAX];
    sp_error e;

    if (w == NULL)
        return SP_ERR_NOMEM;
    *w = (struct filewatch){.loop = loop, .changed = changed, .arg = arg, .fd = -1};
    if ((e = split(path, dir, w->name)) == SP_OK) {
        w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (w->fd < 0 || inotify_add_watch(w->fd, dir, mask) < 0)
            e = from_errno(errno);
    }
    if (e == SP_OK)
        e = watch_start(loop, w->fd, WATCH_READ, on_events, w, &w->watch);
    if (e != SP_OK) {
        filewatch_stop(w);
        return e;
    }
    *out = w;
    return SP_OK;
}

void filewatch_stop(struct filewatch *w)
{
    if (w == NULL)
        return;
    timer_cancel(w->settling);
    watch_stop(w->watch);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}
