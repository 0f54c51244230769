/* Debug builds only: see the header. A file is SQLite's own one with some of its methods replaced;
 * all others, shared memory and locks among them, are reached unchanged. */
#include "broker/store/sqlite/faulty.h"

#include "lib/base/failpoint.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>

/* Stands where SQLite keeps its file; `real` is what the system's VFS opened. */
struct faulty_file {
    sqlite3_file base;
    bool wal;
    sqlite3_file *real; /* in the same memory, behind this */
};

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct faulty_file *)f)->real;
}

static bool is_wal(const sqlite3_file *f)
{
    return ((const struct faulty_file *)f)->wal;
}

static int rc_of(int number, int otherwise)
{
    return number == ENOSPC ? SQLITE_FULL : otherwise;
}

static int on_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int on_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
    if (!is_wal(f) && FAILPOINT_ERRNO("db:read") != 0)
        return SQLITE_IOERR_READ;
    return real_of(f)->pMethods->xRead(real_of(f), to, len, at);
}

static int on_write(sqlite3_file *f, const void *from, int len, sqlite3_int64 at)
{
    sqlite3_file *real = real_of(f);
    int number = is_wal(f) ? FAILPOINT_ERRNO("wal:write") : FAILPOINT_ERRNO("db:write");

    if (number != 0)
        return rc_of(number, SQLITE_IOERR_WRITE);
    size_t n = is_wal(f) ? FAILPOINT_SHORT("wal:short", (size_t)len)
                         : FAILPOINT_SHORT("db:short", (size_t)len);
    int rc = real->pMethods->xWrite(real, from, (int)n, at);
    if (n == (size_t)len || rc != SQLITE_OK)
        return rc;
    FAILPOINT("store:torn");
    return SQLITE_FULL;
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int number = is_wal(f) ? FAILPOINT_ERRNO("wal:truncate") : FAILPOINT_ERRNO("db:truncate");

    return number != 0 ? rc_of(number, SQLITE_IOERR_TRUNCATE)
                       : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int on_sync(sqlite3_file *f, int flags)
{
    int number = is_wal(f) ? FAILPOINT_ERRNO("wal:sync") : FAILPOINT_ERRNO("db:sync");

    return number != 0 ? SQLITE_IOERR_FSYNC : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int on_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int on_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int on_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int on_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int on_character(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int on_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int on_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void on_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int on_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no memory-mapped reading: every read is seen */
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_character,
    .xShmMap = on_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_barrier,
    .xShmUnmap = on_unmap,
};

static int on_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    sqlite3_vfs *real = v->pAppData;
    struct faulty_file *mine = (struct faulty_file *)f;

    mine->wal = (flags & SQLITE_OPEN_WAL) != 0;
    mine->real = (sqlite3_file *)(mine + 1);
    mine->base.pMethods = NULL;
    int rc = real->xOpen(real, name, mine->real, flags, out);
    if (mine->real->pMethods != NULL)
        mine->base.pMethods = &methods;
    return rc;
}

static void install(void)
{
    static sqlite3_vfs faulty;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    if (real == NULL)
        abort();
    faulty = *real;
    faulty.pNext = NULL;
    faulty.zName = "faulty";
    faulty.pAppData = real;
    faulty.szOsFile = (int)sizeof(struct faulty_file) + real->szOsFile;
    faulty.xOpen = on_open;
    if (sqlite3_vfs_register(&faulty, 1) != SQLITE_OK)
        abort();
}

void faulty_files(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, install);
}
