#include "client/posture/host.h"

#include "lib/os/child.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static sp_error from_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return SP_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return SP_ERR_PERMISSION;
    default:
        return SP_ERR_IO;
    }
}

static sp_error full_path(const struct host *h, const char *path, char out[HOST_PATH_MAX])
{
    int n = snprintf(out, HOST_PATH_MAX, "%s%s", h->root, path);

    return n > 0 && n < HOST_PATH_MAX ? SP_OK : SP_ERR_LIMIT;
}

static sp_error read_all(int fd, size_t max, struct buf *out)
{
    uint8_t chunk[4096];
    size_t had = out->len;
    sp_error e;

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return from_errno(errno);
        if (n == 0)
            return SP_OK;
        if (out->len - had + (size_t)n > max)
            return SP_ERR_LIMIT;
        if ((e = buf_append(out, (struct view){chunk, (size_t)n})) != SP_OK)
            return e;
    }
}

sp_error host_read(const struct host *h, const char *path, struct buf *out)
{
    char full[HOST_PATH_MAX];
    struct stat st;
    sp_error e = full_path(h, path, full);
    int fd;

    if (e != SP_OK)
        return e;
    /* O_NONBLOCK: a pipe put in a file's place must not hold us. */
    fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return from_errno(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        e = SP_ERR_IO;
    else
        e = read_all(fd, HOST_FILE_BYTES_MAX, out);
    close(fd);
    return e;
}

sp_error host_line(const struct host *h, const char *path, char *out, size_t size)
{
    struct buf b;
    struct view rest, line = {0};
    sp_error e;

    buf_init(&b, HOST_FILE_BYTES_MAX);
    e = host_read(h, path, &b);
    if (e == SP_OK) {
        rest = buf_view(&b);
        if (!host_next_line(&rest, &line))
            line = (struct view){0};
        while (line.len > 0 && isspace(line.at[0]))
            line = view_slice(line, 1, line.len);
        while (line.len > 0 && isspace(line.at[line.len - 1]))
            line.len--;
        if (line.len >= size)
            e = SP_ERR_LIMIT;
        else
            snprintf(out, size, "%.*s", VIEW_ARG(line));
    }
    buf_deinit(&b);
    return e;
}

bool host_exists(const struct host *h, const char *path)
{
    char full[HOST_PATH_MAX];
    struct stat st;

    return full_path(h, path, full) == SP_OK && stat(full, &st) == 0;
}

sp_error host_mtime(const struct host *h, const char *path, sp_unix_ms *out)
{
    char full[HOST_PATH_MAX];
    struct stat st;
    sp_error e = full_path(h, path, full);

    if (e != SP_OK)
        return e;
    if (stat(full, &st) != 0)
        return from_errno(errno);
    *out = (sp_unix_ms)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return SP_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

sp_error host_list(const struct host *h, const char *path, struct host_names *out)
{
    char full[HOST_PATH_MAX];
    struct dirent *entry;
    sp_error e = full_path(h, path, full);
    DIR *dir;

    if (e != SP_OK)
        return e;
    if ((dir = opendir(full)) == NULL)
        return from_errno(errno);
    out->count = 0;
    while (e == SP_OK && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (out->count == HOST_NAMES_MAX)
            e = SP_ERR_LIMIT;
        else
            snprintf(out->at[out->count++], HOST_NAME_BYTES, "%s", entry->d_name);
    }
    closedir(dir);
    if (e == SP_OK)
        qsort(out->at, out->count, sizeof out->at[0], by_name);
    return e;
}

/* ---- programs ---- */

struct run_environment {
    char path[4 * HOST_PATH_MAX], home[HOST_PATH_MAX], runtime[64], bus[96];
    const char *at[6];
};

/* Exactly this and nothing of ours: the locale decides what a program's words mean (C-017). */
static void fill_environment(const struct host *h, bool bus, struct run_environment *env)
{
    size_t n = 0;

    snprintf(env->path, sizeof env->path, "PATH=%s/usr/sbin:%s/usr/bin:%s/sbin:%s/bin", h->root,
             h->root, h->root, h->root);
    snprintf(env->home, sizeof env->home, "HOME=%s", h->home);
    env->at[n++] = "LC_ALL=C";
    env->at[n++] = env->path;
    env->at[n++] = env->home;
    if (bus) {
        snprintf(env->runtime, sizeof env->runtime, "XDG_RUNTIME_DIR=/run/user/%u", getuid());
        snprintf(env->bus, sizeof env->bus, "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/%u/bus",
                 getuid());
        env->at[n++] = env->runtime;
        env->at[n++] = env->bus;
    }
    env->at[n] = NULL;
}

sp_error host_run(const struct host *h, const char *const argv[], bool bus, struct buf *out)
{
    char program[HOST_PATH_MAX];
    struct run_environment env;
    struct child_spec spec = {.path = program, .argv = argv, .env = env.at, .stop = h->stop};
    size_t had = out->len;
    int status = -1;
    sp_error e = full_path(h, argv[0], program);

    if (e != SP_OK)
        return e;
    if (access(program, X_OK) != 0)
        return SP_ERR_NOT_FOUND;
    fill_environment(h, bus, &env);
    e = child_output(&spec, HOST_RUN_MS_MAX, out, &status);
    if (e == SP_OK && status != 0)
        e = SP_ERR_REFUSED;
    if (e != SP_OK)
        out->len = had;
    return e;
}
