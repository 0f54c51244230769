#ifndef SP_FEEDS_FALCON_H
#define SP_FEEDS_FALCON_H

/*
 * falcon: the answers of CrowdStrike's Zero Trust Assessment API.
 *
 * First the ids: GET /zero-trust-assessment/queries/assessments/v1, pages of at most
 * FALCON_IDS_MAX, each with a cursor to the next; then what is known of them:
 * GET /zero-trust-assessment/entities/assessments/v1, at most FALCON_ASK_MAX ids a call.
 * Signals: falcon:overall, falcon:os, falcon:sensor_config (0 to 100), falcon:sensor_file_status
 * and falcon:version (texts). Pure. Fuzzed by tests/fuzz/fuzz_falcon.c.
 */

#include "broker/feeds/records.h"

enum { FALCON_ID = 32, FALCON_IDS_MAX = 1000, FALCON_ASK_MAX = 100, FALCON_AFTER_MAX = 512 };

struct falcon_ids {
    char at[FALCON_IDS_MAX][FALCON_ID + 1]; /* lower-case hex */
    size_t count;
    char after[FALCON_AFTER_MAX + 1]; /* cursor of the next page; "": this was the last */
};

/*
 * Reads one page of ids. An entry that is no id is left out. `out` is written on SP_OK only.
 *   SP_ERR_MALFORMED  no JSON, no "resources", or a cursor of another form; `why` says it
 *   SP_ERR_LIMIT      more than FALCON_IDS_MAX entries, or too deep
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error falcon_read_ids(struct view body, struct sp_why *why, struct falcon_ids *out);

/*
 * Adds a record for each assessment. One without an id is left out.
 *   SP_ERR_MALFORMED  as above
 *   SP_ERR_LIMIT      `out` is full, or too deep
 *   SP_ERR_NOMEM
 * `out` may have gained records also after an error: its owner drops it whole.
 */
SP_MUST sp_error falcon_read_assessments(struct view body, struct sp_why *why,
                                         struct feed_records *out);

#endif
