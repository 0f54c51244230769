#ifndef SP_OS_FILEWATCH_H
#define SP_OS_FILEWATCH_H

/*
 * filewatch: tells that a small configuration file may have changed: written, replaced by a
 * rename, made, removed, or its mode changed.
 *
 * The folder is watched, not the file, since most editors and all configuration managers replace
 * it; entries whose names begin with ".." count too, so that the swapped links of a Kubernetes
 * volume are seen. A burst of changes is told once, FILEWATCH_SETTLE_MS after its last. Loop
 * thread.
 */

#include "lib/base/error.h"

struct filewatch;
struct loop;

enum { FILEWATCH_SETTLE_MS = 100 };

/*
 * `changed` comes from the loop. Borrows loop and arg until filewatch_stop.
 *   SP_ERR_NOT_FOUND  the folder is not there
 *   SP_ERR_INVALID    `path` does not name a file
 *   SP_ERR_PERMISSION, SP_ERR_LIMIT (no inotify instance is left), SP_ERR_IO, SP_ERR_NOMEM
 */
SP_MUST sp_error filewatch_start(struct loop *loop, const char *path, void (*changed)(void *arg),
                                 void *arg, struct filewatch **out);
void filewatch_stop(struct filewatch *w); /* NULL is allowed */

#endif
