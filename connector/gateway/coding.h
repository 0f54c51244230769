#ifndef SP_GATEWAY_CODING_H
#define SP_GATEWAY_CODING_H

/*
 * coding: bodies with a Content-Encoding, undone for the rules that read them; what goes on to its
 * reader is what was sent. gzip (RFC 1952, also several members) and deflate (RFC 1950; the form
 * without its header, which some servers mean by the name, is not taken). Pure but for zlib.
 *
 * A bomb costs nobody more than its limits: the output ends at `max` bytes, and at CODING_RATIO
 * times the input once it is over CODING_FREE. Fuzzed by tests/fuzz/fuzz_coding.c. Any thread.
 */

#include "connector/gateway/verdict.h"

enum { CODING_RATIO = 20, CODING_FREE = 16 * 1024 };

/* The coding is none, gzip or deflate: its bodies can be read. */
bool coding_known(struct view coding);

/*
 * Everything that `in` holds, in `a`; `in` itself where there is no coding.
 *   SP_ERR_UNSUPPORTED  another coding, or more than one
 *   SP_ERR_MALFORMED    not what the coding says: cut off, a wrong check sum, bytes behind it
 *   SP_ERR_LIMIT        over `max` or the ratio, or the arena is spent
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error coding_undo(struct view coding, struct view in, size_t max, struct arena *a,
                             struct view *out);

/* A body that has come whole: `b->inspected` becomes GW_INSPECTED with `b->bytes`, or says why it
 * can't be read. */
void coding_read(struct gw_message_body *b, struct view whole, size_t max, struct arena *a);

/* What a rule in force says of a request's body that it can't read for its coding: 415, 400 or
 * 413. Passes what is readable, not coded, or too large to be collected at all. */
struct gw_verdict coding_refusal(const struct gw_message_body *b);

#endif
