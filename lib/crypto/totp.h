#ifndef SP_CRYPTO_TOTP_H
#define SP_CRYPTO_TOTP_H

/*
 * totp: one-time codes (RFC 4226, RFC 6238): SHA-1, 6 digits, 30 s, always (C-011).
 *
 * A code is text of exactly six ASCII digits, never a number: leading zeros count (C-013).
 * Comparison and the walk over steps take the same time whatever the code (OTP-7, JWT-10).
 * Not here: last accepted step, failures, locks: broker/identity/mfa. Pure; any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"

enum {
    TOTP_SECRET_BYTES = 20,
    TOTP_DIGITS = 6,
    TOTP_STEP_S = 30,
    TOTP_WINDOW = 1,     /* steps accepted on each side (OTP-3) */
    TOTP_HINT_STEPS = 10 /* steps looked at on each side to tell a wrong clock (C-014) */
};

enum totp_hash { TOTP_SHA1 = 0, TOTP_SHA256, TOTP_SHA512 };

/* RFC 4226 section 5.3, 1 to 9 digits, NUL-terminated. SHA-256 and SHA-512 serve the vectors of
 * RFC 6238 only.
 *   SP_ERR_INVALID  digits or hash outside the above
 *   SP_ERR_INTERNAL */
SP_MUST sp_error totp_hotp(struct view secret, uint64_t counter, enum totp_hash hash,
                           unsigned digits, char out[10]);

/*
 * Reads what a person typed: white space around it and one blank inside are dropped.
 *   SP_ERR_MALFORMED  anything but six ASCII digits then
 */
SP_MUST sp_error totp_read(struct view typed, char out[TOTP_DIGITS + 1]);

enum totp_verdict {
    TOTP_WRONG = 0,
    TOTP_RIGHT,
    TOTP_USED,   /* right, but its step is not after the last accepted one (AAL-6) */
    TOTP_BEHIND, /* fits a past step: counts as wrong; minutes_behind is for the page */
    TOTP_AHEAD   /* fits a future step: counts as wrong; how far is not told */
};

struct totp_result {
    enum totp_verdict verdict;
    int64_t step;            /* TOTP_RIGHT: store it as the last accepted one */
    unsigned minutes_behind; /* TOTP_BEHIND, rounded, at least 1 */
};

/* Judges a code at server time `now` against steps after `last_step` (-1: none yet). Anything
 * that totp_read refuses is TOTP_WRONG. */
struct totp_result totp_check(struct view secret, struct view typed, sp_unix_ms now,
                              int64_t last_step);

/* Appends the otpauth URI of C-011, with names percent-encoded (OTP-6): the caller wipes it.
 *   SP_ERR_LIMIT, SP_ERR_NOMEM */
SP_MUST sp_error totp_uri(struct view secret, struct view issuer, struct view account,
                          struct buf *out);

#endif
