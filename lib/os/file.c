#include "lib/os/file.h"

#include "lib/base/failpoint.h"
#include "lib/base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { PATH_BYTES_MAX = 4096, READ_STEP = 16 * 1024 };

static sp_error failed(const char *what, const char *path, struct sp_why *why)
{
    static const struct {
        int number;
        sp_error e;
    } table[] = {
        {ENOENT, SP_ERR_NOT_FOUND}, {ENOTDIR, SP_ERR_NOT_FOUND}, {EACCES, SP_ERR_PERMISSION},
        {EPERM, SP_ERR_PERMISSION}, {EROFS, SP_ERR_PERMISSION},  {ELOOP, SP_ERR_PERMISSION},
        {EEXIST, SP_ERR_EXISTS},    {ENOSPC, SP_ERR_FULL},       {EDQUOT, SP_ERR_FULL},
        {ENOMEM, SP_ERR_NOMEM},     {EWOULDBLOCK, SP_ERR_BUSY},
    };
    int number = errno;
    sp_error e = SP_ERR_IO;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].number == number)
            e = table[i].e;
    }
    return sp_why_say(why, e, "%s %s: %s", what, path, strerrordesc_np(number));
}

static sp_error read_all(int fd, size_t max, struct buf *out, const char *path, struct sp_why *why)
{
    size_t before = out->len;
    sp_error e;

    for (;;) {
        size_t have = out->len - before;
        size_t step = max - have < READ_STEP ? max - have + 1 : READ_STEP; /* one more: too long */
        uint8_t room[READ_STEP];
        ssize_t n = read(fd, room, step < sizeof room ? step : sizeof room);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            e = failed("can't read", path, why);
            break;
        }
        if (n == 0)
            return SP_OK;
        if ((size_t)n > max - have)
            e = SP_ERR_LIMIT;
        else
            e = buf_append(out, (struct view){room, (size_t)n});
        explicit_bzero(room, (size_t)n); /* it may have been a secret */
        if (e == SP_OK)
            continue;
        sp_ignore(sp_why_say(why, e, "%s is longer than %zu bytes", path,
                             max < out->max ? max : out->max));
        break;
    }
    out->len = before;
    return e;
}

enum guard { ANYONES, OWNED, SECRET };

/* Others must not put their word into a file that we obey, nor read a secret. */
static sp_error check_guard(const struct stat *st, enum guard guard, const char *path,
                            struct sp_why *why)
{
    if (guard == ANYONES)
        return SP_OK;
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return sp_why_say(why, SP_ERR_PERMISSION, "%s belongs to user %u, not to this one", path,
                          (unsigned)st->st_uid);
    if (guard == SECRET && (st->st_mode & 077) != 0)
        return sp_why_say(why, SP_ERR_PERMISSION,
                          "%s holds a secret but its mode is %04o: chmod 600 %s", path,
                          (unsigned)(st->st_mode & 07777), path);
    if ((st->st_mode & 022) != 0)
        return sp_why_say(why, SP_ERR_PERMISSION,
                          "%s can be written by others, its mode is %04o: chmod go-w %s", path,
                          (unsigned)(st->st_mode & 07777), path);
    return SP_OK;
}

static sp_error read_file(const char *path, size_t max, enum guard guard, struct buf *out,
                          struct sp_why *why)
{
    /* O_NONBLOCK: opening a FIFO must not wait for its writer */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (guard == SECRET ? O_NOFOLLOW : 0));
    struct stat st;
    sp_error e = SP_OK;

    if (fd < 0)
        return failed("can't open", path, why);
    if (fstat(fd, &st) != 0)
        e = failed("can't read", path, why);
    else if (!S_ISREG(st.st_mode))
        e = sp_why_say(why, SP_ERR_INVALID, "%s is not a regular file", path);
    else
        e = check_guard(&st, guard, path, why);
    if (e == SP_OK)
        e = read_all(fd, max, out, path, why);
    close(fd);
    return e;
}

sp_error file_read(const char *path, size_t max, struct buf *out, struct sp_why *why)
{
    return read_file(path, max, ANYONES, out, why);
}

sp_error file_read_owned(const char *path, size_t max, struct buf *out, struct sp_why *why)
{
    return read_file(path, max, OWNED, out, why);
}

sp_error file_read_secret(const char *path, size_t max, struct buf *out, struct sp_why *why)
{
    return read_file(path, max, SECRET, out, why);
}

sp_error file_read_stdin(size_t max, struct buf *out, struct sp_why *why)
{
    return read_all(STDIN_FILENO, max, out, "standard input", why);
}

static sp_error write_all(int fd, struct view v, const char *path, struct sp_why *why)
{
    int number = FAILPOINT_ERRNO("file:sync");

    while (v.len > 0) {
        ssize_t n = write(fd, v.at, FAILPOINT_SHORT("file:write", v.len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed("can't write", path, why);
        v = view_slice(v, (size_t)n, v.len);
    }
    if (number == 0 && fsync(fd) == 0)
        return SP_OK;
    if (number != 0)
        errno = number;
    return failed("can't write", path, why);
}

/* A renamed or removed name is durable only when its folder is. */
static sp_error sync_folder_of(const char *path, struct sp_why *why)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    sp_error e = SP_OK;

    if (folder == NULL)
        return SP_ERR_NOMEM;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        e = failed("can't write", folder, why);
    if (fd >= 0)
        close(fd);
    free(folder);
    return e;
}

/* Opens a new file beside `path` under a name that nobody waits for. */
static sp_error open_beside(const char *path, mode_t mode, struct buf *name, int *out,
                            struct sp_why *why)
{
    uint32_t random;

    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return SP_ERR_IO;
    buf_addf(name, "%s.%08x.new", path, random);
    const char *beside = buf_cstr(name);
    if (beside == NULL || buf_error(name) != SP_OK)
        return SP_ERR_LIMIT;
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return failed("can't create", beside, why);
    if (fchmod(fd, mode) != 0) { /* the umask may have taken bits away */
        sp_error e = failed("can't set the mode of", beside, why);
        close(fd);
        unlink(beside);
        return e;
    }
    *out = fd;
    return SP_OK;
}

static sp_error write_file(const char *path, struct view content, mode_t mode, bool replace,
                           struct sp_why *why)
{
    struct buf name;
    int fd = -1;
    sp_error e;

    buf_init(&name, PATH_BYTES_MAX);
    if ((e = open_beside(path, mode, &name, &fd, why)) != SP_OK) {
        buf_deinit(&name);
        return e;
    }
    const char *beside = (const char *)name.at;
    e = write_all(fd, content, path, why);
    close(fd);
    FAILPOINT("file:rename");
    /* link refuses an existing name, where rename would replace it */
    if (e == SP_OK && (replace ? rename(beside, path) : link(beside, path)) != 0)
        e = failed("can't write", path, why);
    if (e != SP_OK || !replace)
        unlink(beside);
    FAILPOINT("file:renamed");
    if (e == SP_OK)
        e = sync_folder_of(path, why);
    buf_deinit(&name);
    return e;
}

sp_error file_write(const char *path, struct view content, mode_t mode, struct sp_why *why)
{
    return write_file(path, content, mode, true, why);
}

sp_error file_write_secret(const char *path, struct view content, struct sp_why *why)
{
    return write_file(path, content, 0600, true, why);
}

sp_error file_create_secret(const char *path, struct view content, struct sp_why *why)
{
    return write_file(path, content, 0600, false, why);
}

sp_error file_remove(const char *path, struct sp_why *why)
{
    if (unlink(path) != 0)
        return failed("can't remove", path, why);
    return sync_folder_of(path, why);
}

static sp_error make_one(const char *path, struct sp_why *why)
{
    struct stat st;

    if (mkdir(path, 0700) == 0)
        return sync_folder_of(path, why);
    if (errno != EEXIST)
        return failed("can't create", path, why);
    if (stat(path, &st) != 0)
        return failed("can't read", path, why);
    if (!S_ISDIR(st.st_mode))
        return sp_why_say(why, SP_ERR_EXISTS, "%s is no folder", path);
    return SP_OK;
}

sp_error file_make_dir(const char *path, struct sp_why *why)
{
    char *part = strdup(path);
    struct stat st;
    sp_error e = SP_OK;

    if (part == NULL)
        return SP_ERR_NOMEM;
    for (char *slash = strchr(part + (part[0] == '/'), '/'); slash != NULL && e == SP_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        e = make_one(part, why);
        *slash = '/';
    }
    if (e == SP_OK)
        e = make_one(part, why);
    free(part);
    if (e != SP_OK)
        return e;
    if (stat(path, &st) != 0)
        return failed("can't read", path, why);
    if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022) != 0)
        return sp_why_say(why, SP_ERR_PERMISSION,
                          "%s belongs to another user or others may write it (mode %04o)", path,
                          (unsigned)(st.st_mode & 07777));
    return SP_OK;
}

sp_error file_lock(const char *path, int *out, struct sp_why *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return failed("can't open", path, why);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        sp_error e = failed("can't lock", path, why);
        close(fd);
        return e;
    }
    *out = fd;
    return SP_OK;
}

const char *file_path(struct buf *out, const char *dir, const char *name)
{
    buf_reset(out);
    buf_addf(out, "%s%s%s", dir, dir[0] != '\0' && dir[strlen(dir) - 1] == '/' ? "" : "/", name);
    return buf_error(out) == SP_OK ? buf_cstr(out) : NULL;
}

struct file_mark file_mark(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return (struct file_mark){0};
    return (struct file_mark){.device = st.st_dev,
                              .inode = st.st_ino,
                              .size = (uint64_t)st.st_size,
                              .changed_ns =
                                  (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec};
}
