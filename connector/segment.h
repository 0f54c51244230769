#ifndef SP_CONNECTOR_SEGMENT_H
#define SP_CONNECTOR_SEGMENT_H

/*
 * segment: one file of the audit spool: a head, then records, appended and never changed.
 *
 * Head      "SPAUDIT1", the numbering's name (16 bytes), sum (8)
 * Record    length of the text (4), number (8), Unix ms (8), sum (8), the text: JSON of edge_audit
 * Sum       SipHash under the numbering's name over what it stands behind (and, of a record, before
 *           the text), so that bytes of another file are no record of this one.
 * Numbers are big-endian.
 *
 * Reading is pure, takes any bytes, and finds what is whole in them: a torn tail, a page of zeros
 * or a changed byte costs the records that it hit. Fuzzed by tests/fuzz/fuzz_segment.c.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/id.h"

enum {
    SEGMENT_HEAD_BYTES = 32,
    SEGMENT_RECORD_HEAD_BYTES = 28,
    SEGMENT_TEXT_MAX = 16 * 1024,
    SEGMENT_LOOK_MAX = 4 * 1024 * 1024 /* bytes that the search behind damage sums up */
};

struct segment_record {
    int64_t number; /* from 1, rising */
    sp_unix_ms at;
    struct view text; /* 1 to SEGMENT_TEXT_MAX bytes, borrowed */
};

/* Appends; errors are sticky in `out`. */
void segment_write_head(struct sp_id spool, struct buf *out);
void segment_write(struct sp_id spool, const struct segment_record *r, struct buf *out);

/*   SP_ERR_CORRUPT  no head */
SP_MUST sp_error segment_read_head(struct view in, struct sp_id *spool);

/* Goes through the records of a segment, or of its next part. */
struct segment_reader {
    struct sp_id spool;
    struct view rest; /* behind the last record */
    int64_t number;   /* of the last record; 0: none yet */
    size_t skipped;   /* bytes that were no record, before the last one */
    size_t looked;    /* summed up in search of one */
};
/* The next whole record with a number above the last one. false: there is none in `rest`, which
 * stands where the last one ended. */
bool segment_next(struct segment_reader *r, struct segment_record *out);

#endif
