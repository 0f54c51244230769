#ifndef SP_CONNECTOR_SPOOL_H
#define SP_CONNECTOR_SPOOL_H

/*
 * spool: audit records on the connector's disk until the broker has them: segments (segment.h) in a
 * folder of 0700, files of 0600, "0000000000000001.log" and so on. Blocks; one thread at a time.
 *
 * Each start begins a numbering of its own in a new segment, so that no number ever names two
 * records, whatever a crash, a full disk or an old copy of the folder left behind; what was there
 * is told under the numbering that its segment names, before the new one begins. Of a segment, what
 * is damaged is passed over, and counted.
 */

#include "connector/segment.h"
#include "lib/base/why.h"

enum {
    SPOOL_BYTES_MIN = 1024 * 1024,
    SPOOL_BYTES_MAX = 1024 * 1024 * 1024,
    SPOOL_SEGMENTS_MAX = 1024,
    SPOOL_BATCH_MAX = 32,
    SPOOL_BATCH_BYTES = 48 * 1024,
    SPOOL_APPEND_BYTES = 64 * 1024
};

struct spool;

struct spool_facts {
    int64_t bytes;     /* of all segments */
    int64_t records;   /* behind the last spool_told, as far as numbers say */
    int64_t unread;    /* bytes of damage, since the start */
    sp_unix_ms oldest; /* when the first record of the oldest segment was made; 0: none */
};

/* Some of the oldest records of one numbering. */
struct spool_batch {
    struct sp_id spool;
    size_t count;
    int64_t first; /* their numbers follow each other */
    sp_unix_ms oldest;
    struct view texts[SPOOL_BATCH_MAX]; /* borrow `bytes` */
    struct buf bytes;                   /* owned */
};
void spool_batch_init(struct spool_batch *b);
void spool_batch_deinit(struct spool_batch *b);

/*
 * Makes `folder` where it is missing. `max` bounds the bytes of all segments.
 *   SP_ERR_PERMISSION, SP_ERR_IO, SP_ERR_NOMEM  `why` says what. A full disk is no error here.
 */
SP_MUST sp_error spool_open(const char *folder, int64_t max, struct sp_why *why,
                            struct spool **out);
void spool_free(struct spool *s); /* NULL is allowed */

/* The numbering of what is appended now. */
struct sp_id spool_id(const struct spool *s);

/*
 * Appends records with the numbers from `first`; durable when it returns. All or nothing; a text
 * has at most SEGMENT_TEXT_MAX bytes, and all together SPOOL_APPEND_BYTES and one more.
 *   SP_ERR_LIMIT  `max` would be exceeded
 *   SP_ERR_FULL, SP_ERR_IO, SP_ERR_PERMISSION, SP_ERR_NOMEM
 */
SP_MUST sp_error spool_append(struct spool *s, int64_t first, sp_unix_ms at,
                              const struct view *texts, size_t count);

/* After a failure: would some records find room now? Errors as spool_append. */
SP_MUST sp_error spool_probe(struct spool *s);

/* The broker has all of this numbering up to `number`: segments that hold nothing else go. */
void spool_told(struct spool *s, struct sp_id spool, int64_t number);

/*
 * The next records of the oldest numbering that has some. Empty: nothing waits on the disk.
 *   SP_ERR_IO, SP_ERR_NOMEM
 */
SP_MUST sp_error spool_read(struct spool *s, struct spool_batch *out);

void spool_look(const struct spool *s, struct spool_facts *out);

#endif
