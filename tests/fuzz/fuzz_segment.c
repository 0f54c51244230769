/*
 * GW-03. A segment of the connector's audit spool, as any bytes may lie on a disk: its head, and
 * the records that are whole in it. What is read is what segment_write would write there.
 */
#include "connector/segment.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void check_record(const struct segment_reader *r, const struct segment_record *record)
{
    struct buf again;

    buf_init(&again, SEGMENT_TEXT_MAX + SEGMENT_RECORD_HEAD_BYTES);
    segment_write(r->spool, record, &again);
    if (buf_error(&again) != SP_OK || record->text.at == NULL ||
        memcmp(record->text.at - SEGMENT_RECORD_HEAD_BYTES, again.at, again.len) != 0)
        abort();
    buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct view in = {data, size};
    struct segment_reader r = {.spool = {{0}}};
    struct segment_record record;
    int64_t last = 0;

    if (segment_read_head(in, &r.spool) == SP_OK)
        r.rest = view_slice(in, SEGMENT_HEAD_BYTES, in.len);
    else
        r.rest = in; /* records of the numbering of zeros, so that the fuzzer can make some */
    size_t all = r.rest.len, texts = 0;
    while (segment_next(&r, &record)) {
        if (record.number <= last || record.number != r.number)
            abort();
        last = record.number;
        texts += SEGMENT_RECORD_HEAD_BYTES + record.text.len;
        check_record(&r, &record);
    }
    if (r.skipped + texts + r.rest.len != all)
        abort();
    return 0;
}
