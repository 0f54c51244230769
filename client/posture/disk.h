#ifndef SP_CLIENT_POSTURE_DISK_H
#define SP_CLIENT_POSTURE_DISK_H

/*
 * disk: from a mount point to the block devices below it, and whether each path is encrypted.
 *
 * A LUKS device somewhere is no proof: the walk begins at what is mounted and goes down slaves/
 * until a dm/uuid begins with CRYPT-; every path down must meet one (C-015). One thread.
 */

#include "client/posture/host.h"

enum { DISK_NAME_BYTES = 64, DISK_DEPTH_MAX = 12 };

struct disk_mount {
    char point[HOST_PATH_MAX]; /* with mountinfo's \040 undone */
    char type[32], source[HOST_PATH_MAX];
    unsigned major, minor;
};

/* One line of proc_pid_mountinfo(5). SP_ERR_MALFORMED, SP_ERR_LIMIT. Pure. */
SP_MUST sp_error disk_mount_parse(struct view line, struct disk_mount *out);

enum disk_state { DISK_UNKNOWN = 0, DISK_PLAIN, DISK_ENCRYPTED };

struct disk_answer {
    enum disk_state state;
    char what[SIGNAL_TEXT_MAX]; /* "LUKS2 (dm-0)", "sda2 is not encrypted", "virtual disk vda" */
};

/* `path` is a folder of /sys that belongs to one block device: /sys/dev/block/253:1. */
struct disk_answer disk_walk(const struct host *h, const char *path, unsigned depth);

/* What file system holds `point`, and the devices below it. */
struct disk_answer disk_of_path(const struct host *h, struct view mountinfo, const char *path);

/* All swap areas together. `*any` is false when there is none. */
struct disk_answer disk_of_swap(const struct host *h, struct view mountinfo, bool *any);

#endif
