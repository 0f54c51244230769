#ifndef SP_TRUST_CLAIMS_H
#define SP_TRUST_CLAIMS_H

/*
 * claims: the members of a signed statement, read and written through one table a kind.
 *
 * Strict: each row of the table is there exactly once, nothing else is, each value has its one
 * spelling. A missing, unknown or doubled claim refuses the statement: a new claim is a new
 * version (PROTOCOL section 2). The first row of every kind is `v`.
 * Also here: what all broker statements share, the v4.public token with kid footer and implicit
 * assertion `sallyport/KIND/1`.
 * Pure. Fuzzed by tests/fuzz/fuzz_claims.c. Any thread.
 */

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/crypto/key.h"

enum claim_kind {
    CLAIM_VERSION, /* constant integer `max`; no place in the struct */
    CLAIM_ID,      /* struct sp_id, base64url, not zero */
    CLAIM_KEY,     /* struct key_public, text form of lib/crypto/key.h */
    CLAIM_HASH,    /* struct hash, base64url of 32 bytes */
    CLAIM_INT,     /* int64_t in 0..max; also times (ms) and durations */
    CLAIM_TEXT,    /* struct view, borrowed from the json: 0..max bytes of UTF-8 */
    CLAIM_JSON     /* struct json *, borrowed: an array of at most max members */
};

struct claim {
    const char *name;
    enum claim_kind kind;
    size_t offset; /* offsetof the field in the statement's struct */
    int64_t max;
};

enum { CLAIM_TIME_MAX_BITS = 53, CLAIMS_ROWS_MAX = 24 };
#define CLAIM_TIME_MAX (INT64_C(1) << CLAIM_TIME_MAX_BITS)

/*
 * Fills the struct at `out`, which is untouched on failure only if the caller passes a scratch
 * struct: fields are written one after another.
 *   SP_ERR_MALFORMED
 */
SP_MUST sp_error claims_take(const struct json *object, const struct claim rows[], size_t count,
                             void *out);
/* A new object for the struct at `in`; the caller frees it. NULL: no memory, or a value that
 * claims_take would refuse. CLAIM_JSON values are referenced, not copied. */
struct json *claims_give(const struct claim rows[], size_t count, const void *in);

/*
 * Verifies a broker's token of `kind` ("grant") and reads it as one JSON object, which the caller
 * frees. `max` is the kind's limit on the token.
 *   SP_ERR_LIMIT      longer than max
 *   SP_ERR_MALFORMED  form, footer, or kid of another key than `signer`
 *   SP_ERR_SIGNATURE
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error claims_open(struct view token, const char *kind, size_t max,
                             const struct key_public *signer, struct json **out);

/* The kid in a token's footer, not yet verified: names the key in a keyset.
 *   SP_ERR_MALFORMED */
SP_MUST sp_error claims_kid(struct view token, struct key_kid *out);

/* Appends the implicit assertion `sallyport/KIND/1`. */
void claims_assertion(const char *kind, struct buf *out);

#endif
