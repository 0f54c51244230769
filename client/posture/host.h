#ifndef SP_CLIENT_POSTURE_HOST_H
#define SP_CLIENT_POSTURE_HOST_H

/*
 * host: how collectors see the machine: files below a root, and programs of it.
 *
 * The only door of this room to the system, so that every collector runs against a fixture tree.
 * Paths are absolute as on a machine ("/etc/os-release"); the root is put before them. One thread.
 */

#include "client/posture/signal.h"
#include "lib/base/buf.h"
#include "lib/base/view.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
    HOST_FILE_BYTES_MAX = 256 * 1024,
    HOST_OUTPUT_BYTES_MAX = 4 * 1024 * 1024,
    HOST_PATH_MAX = 1024,
    HOST_NAMES_MAX = 256,
    HOST_NAME_BYTES = 256,
    HOST_RUN_MS_MAX = 20 * 1000
};

struct host {
    const char *root;        /* borrowed; "" for the machine itself */
    const char *home;        /* borrowed; "/home/anna" or "" */
    const char *version;     /* borrowed; of the agent */
    const char *key;         /* borrowed */
    bool fixture;            /* sources are marked */
    const atomic_bool *stop; /* borrowed; once true no program goes on; NULL: never */
    sp_unix_ms now;
};

/*
 * Appends the file's content to `out`.
 *   SP_ERR_NOT_FOUND   no such file
 *   SP_ERR_PERMISSION
 *   SP_ERR_LIMIT       longer than out's limit or HOST_FILE_BYTES_MAX
 *   SP_ERR_IO
 */
SP_MUST sp_error host_read(const struct host *h, const char *path, struct buf *out);

/* The first line without its end and outer blanks, as text; "" when empty. Errors as host_read;
 * SP_ERR_LIMIT when it does not fit. */
SP_MUST sp_error host_line(const struct host *h, const char *path, char *out, size_t size);

bool host_exists(const struct host *h, const char *path);
/* Modification time. SP_ERR_NOT_FOUND, SP_ERR_PERMISSION, SP_ERR_IO. */
SP_MUST sp_error host_mtime(const struct host *h, const char *path, sp_unix_ms *out);

/* Names in a folder, sorted, without "." and "..", at most HOST_NAMES_MAX. Errors as host_read. */
struct host_names {
    char at[HOST_NAMES_MAX][HOST_NAME_BYTES];
    size_t count;
};
SP_MUST sp_error host_list(const struct host *h, const char *path, struct host_names *out);

/*
 * Runs argv[0], an absolute path below the root, without a shell, and appends its standard output.
 * Environment: LC_ALL=C, a fixed PATH, HOME; and the session bus of uid where `bus` is set. Input
 * and error output are /dev/null. Killed after HOST_RUN_MS_MAX.
 *   SP_ERR_NOT_FOUND  there is no such program
 *   SP_ERR_LIMIT      it says more than out's limit
 *   SP_ERR_TIMEOUT
 *   SP_ERR_REFUSED    it exited with another status than 0, or by a signal
 */
SP_MUST sp_error host_run(const struct host *h, const char *const argv[], bool bus,
                          struct buf *out);

/* The next line of `*rest`, which moves on; without "\n", "\r\n". false: there is no more. */
bool host_next_line(struct view *rest, struct view *line);

/*
 * The value of NAME in a file of shell assignments (os-release(5), ufw.conf): quotes follow the
 * shell's rules, comments and foreign lines are skipped, a BOM and CR are ignored, the last
 * assignment counts.
 *   SP_ERR_NOT_FOUND  no such name
 *   SP_ERR_MALFORMED  open quote
 *   SP_ERR_LIMIT      does not fit
 */
SP_MUST sp_error host_assigned(struct view file, const char *name, char *out, size_t size);

/* KEY=VALUE below [section] of an ini file (kscreenlockerrc). Errors as host_assigned. */
SP_MUST sp_error host_ini(struct view file, const char *section, const char *name, char *out,
                          size_t size);

/* The collectors, one a file. Each fills its signals and returns; see the table in collect.c. */
void collect_os(const struct host *h, struct signals *all);
void collect_kernel(const struct host *h, struct signals *all);
void collect_updates(const struct host *h, struct signals *all);
void collect_disk(const struct host *h, struct signals *all);
void collect_firewall(const struct host *h, struct signals *all);
void collect_screenlock(const struct host *h, struct signals *all);
void collect_secureboot(const struct host *h, struct signals *all);
void collect_hardware(const struct host *h, struct signals *all);
void collect_agent(const struct host *h, struct signals *all);

#endif
