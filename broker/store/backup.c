/* Copies of a running store, and their way back. */
#include "broker/store/store_internal.h"

#include "lib/crypto/random.h"
#include "lib/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static sp_error new_file(const char *path, struct sp_why *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return sp_why_say(why, errno == EEXIST ? SP_ERR_EXISTS : SP_ERR_PERMISSION, "%s: %s", path,
                          strerror(errno));
    close(fd);
    return SP_OK;
}

/* File and folder entry are on the disk. */
static sp_error sync_file(const char *path, struct sp_why *why)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    bool ok = len < sizeof folder;

    if (ok) {
        memcpy(folder, slash == NULL ? "." : path, len);
        folder[len] = '\0';
    }
    const char *both[] = {path, folder};
    for (size_t i = 0; ok && i < 2; i++) {
        int fd = open(both[i], O_RDONLY | O_CLOEXEC);
        ok = fd >= 0 && fsync(fd) == 0;
        if (fd >= 0)
            close(fd);
    }
    return ok ? SP_OK : sp_why_say(why, SP_ERR_IO, "%s: %s", path, strerror(errno));
}

sp_error store_backup(const char *from, const char *path, struct sp_why *why)
{
    sp_error e = new_file(path, why);

    if (e != SP_OK)
        return e;
    if ((e = engine_copy(from, path, why)) == SP_OK)
        e = sync_file(path, why);
    if (e != SP_OK)
        (void)unlink(path); /* half a copy helps nobody; it is ours, new_file made it */
    return e;
}

/* A whole database of a schema that this program knows. */
static sp_error check_backup(const char *path, struct sp_why *why)
{
    struct conn *c = NULL;
    int64_t schema = 0;
    sp_error e = conn_open(path, CONN_READ, why, &c);

    if (e == SP_OK && (e = conn_check(c, why)) == SP_OK &&
        ((e = meta_get(c, "schema", &schema)) != SP_OK || schema < 1))
        e = sp_why_say(why, SP_ERR_CORRUPT, "%s is no store of Sallyport", path);
    if (e == SP_OK && schema > STORE_SCHEMA)
        e = sp_why_say(why, SP_ERR_VERSION, "%s was made by a newer program", path);
    conn_close(c);
    return e;
}

struct counted {
    uint64_t n;
};

static bool on_counted(void *arg, const struct columns *c)
{
    ((struct counted *)arg)->n = (uint64_t)column_int(c, 0);
    return true;
}

sp_error store_look_at(const char *path, struct sp_why *why, struct store_look *out)
{
    static const char *const texts[] = {"SELECT count(*) FROM user_account",
                                        "SELECT count(*) FROM device",
                                        "SELECT coalesce(sum(seq), 0) FROM audit_head"};
    uint64_t *const counts[] = {&out->users, &out->devices, &out->audit_records};
    struct conn *c = NULL;
    struct stat st;
    sp_error e;

    *out = (struct store_look){0};
    if (stat(path, &st) != 0)
        return sp_why_say(why, SP_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    out->bytes = (uint64_t)st.st_size;
    if ((e = check_backup(path, why)) != SP_OK ||
        (e = conn_open(path, CONN_READ, why, &c)) != SP_OK)
        return e;
    e = meta_get(c, "schema", &out->schema);
    for (size_t i = 0; e == SP_OK && i < sizeof texts / sizeof *texts; i++) {
        struct counted n = {0};
        e = conn_run(c, texts[i], NULL, 0, on_counted, &n, NULL);
        *counts[i] = n.n;
    }
    conn_close(c);
    return e;
}

static const char new_epoch[] = "UPDATE meta SET v = $1 WHERE k = 'epoch'";
/* What was spent before the backup must stay spent: everything open is closed. */
static const char *const close_open[] = {
    "UPDATE enrol_token SET used_at = $1 WHERE used_at = 0",
    "UPDATE totp SET last_step = $1 / 30000 + 1 WHERE last_step < $1 / 30000 + 1",
    "UPDATE browser_login SET expires = 0 WHERE expires > $1",
    "UPDATE device_login SET expires = 0 WHERE expires > $1",
};

/* FLT-07: an older state brings nothing back to life that was ended since. */
static sp_error age(const char *path, struct sp_why *why)
{
    struct conn *c = NULL;
    struct sp_id epoch = random_id();
    sp_unix_ms now = clock_unix();
    sp_error e = conn_open(path, CONN_WRITE, why, &c);

    if (e == SP_OK && (e = conn_begin(c)) == SP_OK) {
        e = conn_run(c, new_epoch, PARAMS(P_ID(epoch)), NULL, NULL, NULL);
        for (size_t i = 0; e == SP_OK && i < sizeof close_open / sizeof *close_open; i++)
            e = conn_run(c, close_open[i], PARAMS(P_INT(now)), NULL, NULL, NULL);
        if (e == SP_OK)
            e = conn_commit(c);
        conn_rollback(c);
    }
    if (e == SP_OK)
        conn_checkpoint(c, true);
    conn_close(c);
    return e;
}

static sp_error put_aside(const char *path, struct sp_why *why)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char old[PATH_BYTES], aside[PATH_BYTES];
    long long stamp = (long long)clock_unix();

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int a = snprintf(old, sizeof old, "%s%s", path, parts[i]);
        int b = snprintf(aside, sizeof aside, "%s.before-restore-%lld%s", path, stamp, parts[i]);
        if (a < 0 || b < 0 || (size_t)a >= sizeof old || (size_t)b >= sizeof aside)
            return sp_why_say(why, SP_ERR_INVALID, "the path of the store is too long");
        if (rename(old, aside) != 0 && errno != ENOENT)
            return sp_why_say(why, SP_ERR_IO, "%s: %s", old, strerror(errno));
    }
    return SP_OK;
}

sp_error store_restore(const char *backup, const char *path, struct sp_why *why)
{
    char lock_path[PATH_BYTES], fresh[PATH_BYTES];
    int lock = -1;
    int a = snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    int b = snprintf(fresh, sizeof fresh, "%s.restoring", path);
    sp_error e;

    if (a < 0 || b < 0 || (size_t)a >= sizeof lock_path || (size_t)b >= sizeof fresh)
        return sp_why_say(why, SP_ERR_INVALID, "the path of the store is too long");
    if ((e = check_backup(backup, why)) != SP_OK)
        return e;
    if ((e = file_lock(lock_path, &lock, why)) != SP_OK)
        return e;
    (void)unlink(fresh); /* of a restore that was interrupted */
    if ((e = store_backup(backup, fresh, why)) == SP_OK && (e = age(fresh, why)) == SP_OK &&
        (e = put_aside(path, why)) == SP_OK && rename(fresh, path) != 0)
        e = sp_why_say(why, SP_ERR_IO, "%s: %s", path, strerror(errno));
    if (e == SP_OK && (e = sync_file(path, why)) == SP_OK)
        sp_ignore(sp_why_say(why, SP_OK,
                             "restored. Everyone signs in again; open enrolment tokens are void; "
                             "users, devices, apps and policies are as they were in the backup: "
                             "check what was locked, blocked or revoked since"));
    close(lock);
    return e;
}
