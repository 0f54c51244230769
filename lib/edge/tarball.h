#ifndef SP_EDGE_TARBALL_H
#define SP_EDGE_TARBALL_H

/*
 * tarball: small files as a .tar.gz in memory (POSIX ustar; gzip with stored blocks, so that no
 * library is needed for what is a few hundred KiB). Pure.
 */

#include "lib/base/buf.h"

/* Appends one regular file, 0600. `name` at most 99 bytes of ASCII. SP_ERR_LIMIT. */
SP_MUST sp_error tarball_add(struct buf *tar, const char *name, struct view content,
                             int64_t unix_ms);
/* Ends the archive. */
void tarball_end(struct buf *tar);
/* Appends `tar` as gzip. */
void tarball_gzip(struct view tar, struct buf *out);

#endif
