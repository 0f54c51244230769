#ifndef SP_GATEWAY_DPOP_H
#define SP_GATEWAY_DPOP_H

/*
 * dpop: a proof that the sender of a request holds the key of its token (RFC 9449).
 *
 * A proof counts once: its `jti` is kept, hashed with the key's name to 128 bits, in two
 * generations of two minutes each; `iat` is within 60 s of now, so none that could still count is
 * forgotten. The set is exact: a filter would refuse honest proofs. When it is full, requests get
 * 503 until the older generation goes. Nonces are stateless: a keyed hash of the minute, good for
 * that minute and the two after it.
 * One thread. The proof is untrusted; fuzzed by tests/fuzz/fuzz_dpop.c.
 */

#include "lib/base/clock.h"
#include "lib/crypto/jwt.h"

enum {
    DPOP_BYTES_MAX = 8 * 1024,
    DPOP_JTI_MAX = 256,
    DPOP_IAT_MS = 60 * 1000,
    DPOP_GENERATION_MS = 2 * 60 * 1000,
    DPOP_ENTRIES = 32768, /* a generation; 65,536 in both, 2 MiB */
    DPOP_NONCE_TEXT = 32,
    DPOP_NONCE_MS = 60 * 1000
};

struct dpop;

/* `entries` of a generation, a power of two; 0: DPOP_ENTRIES.   SP_ERR_INVALID, SP_ERR_NOMEM */
SP_MUST sp_error dpop_new(size_t entries, struct dpop **out);
void dpop_free(struct dpop *d); /* NULL is allowed */

struct dpop_expect {
    struct view method; /* "GET" */
    struct view scheme; /* "https" or "http": as the client was spoken to */
    struct view host;   /* the Host field */
    struct view path;   /* as it was sent, without query */
    struct view token;  /* for `ath` */
    struct hash key;    /* cnf.jkt of the token */
    bool nonce;         /* a nonce of ours is needed */
    sp_unix_ms now;
    sp_boot_ms boot;
};

/*
 * The faults in the order in which they are looked for; `why` says each in words.
 *   SP_ERR_LIMIT, SP_ERR_MALFORMED, SP_ERR_INVALID, SP_ERR_UNSUPPORTED, SP_ERR_SIGNATURE
 *                     as jwt_verify_own
 *   SP_ERR_MALFORMED  htm, htu, iat, jti or ath missing or of another type
 *   SP_ERR_AUDIENCE   made for another method or URI
 *   SP_ERR_INTEGRITY  made for another token, or with another key than the token's
 *   SP_ERR_EXPIRED    iat is not within 60 s
 *   SP_ERR_STEP_UP    no nonce of ours, or one of before: give dpop_nonce
 *   SP_ERR_REPLAY     seen before
 *   SP_ERR_FULL       too many proofs in the last minutes: 503
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error dpop_check(struct dpop *d, struct view proof, const struct dpop_expect *expect,
                            struct sp_why *why);

/* The nonce of this minute, NUL-terminated. */
struct dpop_nonce {
    char s[DPOP_NONCE_TEXT + 1];
};
struct dpop_nonce dpop_nonce(const struct dpop *d, sp_unix_ms now);

#endif
