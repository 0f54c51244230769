#ifndef SP_OS_FILE_H
#define SP_OS_FILE_H

/*
 * file: small files that must be whole, durable, or private. Blocks; any thread but a busy loop's.
 *
 * `why` (or NULL) says path and reason. Errors of all, besides those listed:
 *   SP_ERR_NOT_FOUND   no such file or folder
 *   SP_ERR_PERMISSION  the system says no
 *   SP_ERR_FULL        no space is left
 *   SP_ERR_IO, SP_ERR_NOMEM
 */

#include "lib/base/buf.h"
#include "lib/base/why.h"

#include <sys/types.h>

/* Appends the whole regular file to `out`.   SP_ERR_LIMIT  longer than `max` bytes or the buf
 * takes; SP_ERR_INVALID  not a regular file */
SP_MUST sp_error file_read(const char *path, size_t max, struct buf *out, struct sp_why *why);

/*
 * The same for a file that says what may be done: it belongs to this user or root, and nobody else
 * may write it (no bit of 022).
 *   SP_ERR_PERMISSION  others may write it
 */
SP_MUST sp_error file_read_owned(const char *path, size_t max, struct buf *out, struct sp_why *why);

/*
 * The same for a secret: the file is no symbolic link, belongs to this user or root, and nobody
 * else may read or write it (no bit of 077). Wipe `out` afterwards.
 *   SP_ERR_PERMISSION  readable by others; the text says which chmod mends it
 */
SP_MUST sp_error file_read_secret(const char *path, size_t max, struct buf *out,
                                  struct sp_why *why);

/*
 * Writes `content` so that after a crash either the old or the new file is there, whole: a new
 * file beside it, fsync, rename, fsync of the folder. Mode 0600 in file_write_secret.
 */
SP_MUST sp_error file_write(const char *path, struct view content, mode_t mode, struct sp_why *why);
SP_MUST sp_error file_write_secret(const char *path, struct view content, struct sp_why *why);

/* As file_write_secret, but an existing file stays as it is.   SP_ERR_EXISTS */
SP_MUST sp_error file_create_secret(const char *path, struct view content, struct sp_why *why);

/* Removes it durably.   SP_ERR_NOT_FOUND */
SP_MUST sp_error file_remove(const char *path, struct sp_why *why);

/* Makes the folder and its parents; those made are 0700. An existing folder stays as it is, but
 * must belong to this user or root and not be writable by others.   SP_ERR_PERMISSION */
SP_MUST sp_error file_make_dir(const char *path, struct sp_why *why);

/* Holds `path` (made 0600 when missing) for this process until `*fd` is closed or the process
 * ends.   SP_ERR_BUSY  another process holds it */
SP_MUST sp_error file_lock(const char *path, int *fd, struct sp_why *why);

/* What tells one content of a file from the next, as far as the system does; zeroed: it is not
 * there, or can't be looked at. Two that are the same compare equal as bytes. */
struct file_mark {
    uint64_t device, inode, size;
    int64_t changed_ns;
};
struct file_mark file_mark(const char *path);

/* Everything that standard input gives.   SP_ERR_LIMIT  more than `max` bytes */
SP_MUST sp_error file_read_stdin(size_t max, struct buf *out, struct sp_why *why);

/* "DIR/NAME" into `out`, which is emptied before. NULL: does not fit. Valid until `out` changes. */
const char *file_path(struct buf *out, const char *dir, const char *name);

#endif
