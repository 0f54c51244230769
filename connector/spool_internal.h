#ifndef SP_CONNECTOR_SPOOL_INTERNAL_H
#define SP_CONNECTOR_SPOOL_INTERNAL_H

/* What spool.c (writing and reading) and spool_start.c (what a start finds) share. */

#include "connector/spool.h"

enum {
    SEGMENT_BYTES_MIN = 64 * 1024, /* one whose records are told goes when it has as many */
    SEGMENT_BYTES_MAX = 16 * 1024 * 1024,
    SEGMENTS = 256, /* about, of a full spool */
    PATH_BYTES = 1200
};

/* A segment. */
struct spool_file {
    uint64_t index; /* its name */
    struct sp_id spool;
    int64_t first, last; /* numbers; last 0: no record */
    int64_t bytes;
    sp_unix_ms oldest;
};

struct spool {
    char folder[1024];
    int64_t max, file_max;
    struct sp_id id;                             /* the numbering of this start */
    struct spool_file files[SPOOL_SEGMENTS_MAX]; /* oldest first */
    size_t count;
    int fd;         /* of the last file; -1: the next append makes one */
    uint64_t index; /* of the last file that there was */
    struct sp_id told_id;
    int64_t told;       /* of told_id */
    struct buf loaded;  /* of files[0] */
    uint64_t loaded_of; /* its index; 0: none is loaded */
    size_t passed;      /* bytes of it that were read */
    int64_t unread;
};

void spool_path(const struct spool *s, uint64_t index, char out[PATH_BYTES]);
sp_error spool_io_error(int number);
/* All bytes of a file from `from`, appended to `out`.   SP_ERR_IO and its like, SP_ERR_LIMIT */
SP_MUST sp_error spool_read_file(const char *path, int64_t from, struct buf *out);
/*   SP_ERR_IO and its like; `why` says what */
SP_MUST sp_error spool_find_files(struct spool *s, struct sp_why *why);

#endif
