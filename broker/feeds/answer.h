#ifndef SP_FEEDS_ANSWER_H
#define SP_FEEDS_ANSWER_H

/*
 * answer: what the answers of all vendors share: a bounded JSON object with one list in it, and
 * the answer of a token endpoint (RFC 6749 5.1). Pure. Fuzzed with their parsers.
 */

#include "lib/base/json.h"
#include "lib/crypto/secret.h"

enum { ANSWER_BYTES_MAX = 4 * 1024 * 1024, ANSWER_TOKEN_MAX = 8 * 1024 };

/*
 * `*answer` is owned by the caller and holds `*list`. Both are written on SP_OK only.
 *   SP_ERR_MALFORMED  no JSON, or `member` is no list
 *   SP_ERR_LIMIT      longer than ANSWER_BYTES_MAX, or too deep
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error answer_read(struct view body, const char *member, struct sp_why *why,
                             struct json **answer, struct json **list);

/* The words for a full list of records; returns `e`. */
SP_MUST sp_error answer_too_many(struct sp_why *why, sp_error e);

/*
 * The bearer token of a client credentials grant, owned by the caller.
 *   SP_ERR_MALFORMED  no JSON, another type than Bearer, or a token that no header can carry
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error answer_token(struct view body, struct sp_why *why, struct secret **out);

#endif
