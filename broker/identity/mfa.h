#ifndef SP_IDENTITY_MFA_H
#define SP_IDENTITY_MFA_H

/*
 * mfa: the second factor that the broker itself checks: TOTP with a replay store, throttling,
 * recovery codes (SECURITY 7.7; AAL-4 to AAL-7).
 *
 * Asked only after a good login at a provider, so that no stranger can lock anyone out (AAL-5).
 * A step is taken once, by one guarded statement in the store (OTP-4). Failures: 5 are free, then
 * a lock of 30 s that doubles to 1 h; a right code during a lock gets the same answer as a wrong
 * one, and does not count (AAL-4). Seeds are sealed with the user as associated data (OTP-8).
 * Tries of one user are judged one after another, so that parallel guesses are counted like others.
 * A recovery code is taken during a lock too: it cannot be guessed, and it is spent.
 * Every outcome is audited by `by`, which names actor, address and request.
 * Worker threads. Errors besides those listed: the store's.
 */

#include "broker/audit/chain.h"
#include "broker/store/store.h"
#include "lib/crypto/secret.h"
#include "lib/crypto/totp.h"

struct mfa;

enum {
    MFA_FREE_TRIES = 5,
    MFA_LOCK_MS = 30 * 1000,
    MFA_LOCK_MS_MAX = 60 * 60 * 1000,
    MFA_FAILS_MAX = 100, /* in a row; then only mfa_reset or a recovery code helps (AAL-4) */
    MFA_RECOVERY_CODES = 10,
    MFA_RECOVERY_TEXT = 29, /* six groups of four, joined by '-': 120 bits */
    MFA_ENROL_MS = 10 * 60 * 1000
};

/* Derives its sealing key from `master` (borrowed for the call); borrows `store` until mfa_free.
 *   SP_ERR_INVALID, SP_ERR_NOMEM */
SP_MUST sp_error mfa_new(struct store *store, const struct secret *master, struct mfa **out);
void mfa_free(struct mfa *m); /* NULL is fine */

struct mfa_state {
    bool enrolled; /* a confirmed factor exists */
    sp_unix_ms enrolled_at, locked_until;
    int64_t fails;
    size_t recovery_left;
};
SP_MUST sp_error mfa_state(struct mfa *m, struct sp_id user, struct mfa_state *out);

/* What a page says after a try. */
struct mfa_answer {
    enum totp_verdict verdict; /* TOTP_RIGHT, TOTP_USED, TOTP_WRONG, TOTP_BEHIND, TOTP_AHEAD */
    unsigned minutes_behind;
    int64_t tries_left;      /* before a lock; 0: locked now */
    sp_unix_ms locked_until; /* 0: not locked */
    sp_unix_ms at;           /* TOTP_RIGHT: when, for the login's mfa_at */
    bool recovery;           /* a recovery code was used */
};

/*
 * Tries what was typed: six digits are a TOTP code, a recovery code in its form is one, anything
 * else is wrong.
 *   SP_OK            `out->verdict` is TOTP_RIGHT
 *   SP_ERR_DENIED    wrong, used before, or locked: `out` says what may be shown
 *   SP_ERR_NOT_FOUND the user has no confirmed factor
 */
SP_MUST sp_error mfa_verify(struct mfa *m, struct sp_id user, struct view typed,
                            const struct audit_record *by, struct mfa_answer *out);

/* A factor being set up: shown once, confirmed by one code, else forgotten. Nothing is stored. */
struct mfa_enrolment {
    uint8_t secret[TOTP_SECRET_BYTES]; /* wiped by mfa_enrolment_wipe */
    struct sp_id user;
    sp_unix_ms until;
};
void mfa_enrolment_new(struct sp_id user, struct mfa_enrolment *out);
void mfa_enrolment_wipe(struct mfa_enrolment *e);
/* For a hidden field between page and confirmation, sealed.
 *   SP_ERR_MALFORMED, SP_ERR_INTEGRITY  not one of ours; SP_ERR_EXPIRED  start again */
SP_MUST sp_error mfa_enrolment_seal(struct mfa *m, const struct mfa_enrolment *e, struct buf *out);
SP_MUST sp_error mfa_enrolment_open(struct mfa *m, struct view text, struct mfa_enrolment *out);

/* Shown once. The caller wipes it. */
struct mfa_recovery {
    char codes[MFA_RECOVERY_CODES][MFA_RECOVERY_TEXT + 1];
};

/* What confirms a factor that is being set up. Borrowed for the call. A zeroed one has no code. */
struct mfa_confirmation {
    const struct mfa_enrolment *enrolment;
    struct view typed; /* a code of it */
    bool replace;      /* after a step-up: a factor that is there goes */
};

/*
 * One right code makes it the user's factor, with fresh recovery codes. A user who has a factor
 * gets a second one only with `replace`.
 *   SP_ERR_DENIED   the code is wrong: `out->verdict`
 *   SP_ERR_EXISTS   there is a factor
 *   SP_ERR_EXPIRED
 */
SP_MUST sp_error mfa_enrol(struct mfa *m, const struct mfa_confirmation *confirmation,
                           const struct audit_record *by, struct mfa_answer *out,
                           struct mfa_recovery *codes);

/* Fresh recovery codes; the old ones are void. After a step-up only. SP_ERR_NOT_FOUND */
SP_MUST sp_error mfa_recovery_new(struct mfa *m, struct sp_id user, const struct audit_record *by,
                                  struct mfa_recovery *codes);

/* An admin takes the factor away: the person sets up a new one at the next login (AAL-9). */
SP_MUST sp_error mfa_reset(struct mfa *m, struct sp_id user, const struct audit_record *by);

#endif
