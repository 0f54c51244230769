#ifndef SP_POSTURE_JUDGE_H
#define SP_POSTURE_JUDGE_H

/*
 * judge: posture reports in, signals with source, assurance and age out (ECOSYSTEM 1.3).
 *
 * The report's signature, nonce and sequence are checked here too (TM-11): only a report that is
 * newer than the last one of the same boot, or of a later nonce after a new boot, counts. The
 * latest report of a device lives in memory; verdicts that flip are written to the store with a
 * change row, so that they survive a restart with their age. Nothing that a report leaves out
 * becomes a value: it stays what it was and expires. What a report says it could not tell ends what
 * was known, and its reason is kept for people. Worker threads; locks inside.
 */

#include "broker/policy/policy.h"
#include "broker/store/store.h"
#include "lib/base/json.h"
#include "lib/base/why.h"

struct judge;

enum {
    POSTURE_TTL_MS = 15 * 60 * 1000,
    POSTURE_KEEP_MS = 15 * 60 * 1000,
    POSTURE_NONCE_MS = 60 * 1000,
    POSTURE_SIGNALS_MAX = 64,
    POSTURE_VALUES_MAX = 8, /* sources of one signal */
    POSTURE_NONCE_BYTES = 32
};

SP_MUST sp_error judge_new(struct store *st, struct judge **out);
void judge_free(struct judge *j);

/* A fresh nonce for a device; it replaces the one before. */
SP_MUST sp_error judge_nonce(struct judge *j, struct sp_id device,
                             uint8_t nonce[POSTURE_NONCE_BYTES]);

struct posture_verdict {
    char signal[64];
    enum tri verdict; /* of pass/fail signals; valued ones are TRI_YES when known */
    char value[128];  /* as text for people */
};
struct posture_answer {
    uint64_t sequence; /* accepted */
    size_t count;
    struct posture_verdict at[POSTURE_SIGNALS_MAX];
    bool changed; /* some verdict flipped: a change row went out */
};

/* A report (lib/trust/report.h) as it came from a device. Borrowed for the call. A zeroed one has
 * no key that anybody could have signed with. */
struct posture_sent {
    struct sp_id device;
    struct key_public key; /* of the device, proven by the channel */
    struct view report;    /* its bytes as signed */
    struct view sig;       /* the detached signature */
};

/*
 * Takes a report that came at `now`.
 *   SP_ERR_MALFORMED, SP_ERR_SIGNATURE
 *   SP_ERR_REPLAY   nonce unknown or used, or sequence not above the last one
 *   SP_ERR_EXPIRED  the nonce is older than POSTURE_NONCE_MS
 */
SP_MUST sp_error judge_report(struct judge *j, const struct posture_sent *sent, sp_unix_ms now,
                              struct posture_answer *out);

/*
 * What another source (a vendor's feed) says of a device now; each replaces what this source said
 * of its signal before. Written to the store with a change row when something changed; when only
 * the times moved, at most each POSTURE_KEEP_MS. `*changed` is set when a value says something
 * else. Nothing is kept when one can't be.   SP_ERR_LIMIT  more than a device can hold
 */
struct posture_said {
    const char *signal;
    struct fact_value value;
};
SP_MUST sp_error judge_take(struct judge *j, struct sp_id device, const struct posture_said *said,
                            size_t count, bool *changed);

/* The signals of a device, frozen, expired values included. Freed by judge_signals_free(). */
struct judge_signals {
    struct fact_signal *signals; /* owned, with all they point to */
    size_t count;
    void *memory;
};
SP_MUST sp_error judge_signals(struct judge *j, struct sp_id device, struct judge_signals *out);
void judge_signals_free(struct judge_signals *s);

/* Which of two values of one signal decides: one that is alive, then one that could tell, then a
 * failure, then the better assured, then the newer. */
struct posture_weight {
    bool alive, told, fails;
    int assurance;
    sp_unix_ms observed_at;
};
bool posture_outweighs(const struct posture_weight *a, const struct posture_weight *b);

/*
 * How a device stands, all its signals together: failing when one fails, passing when one passes
 * and all are known. One that showed nothing is unknown.
 */
enum posture_whole { POSTURE_UNKNOWN = 0, POSTURE_PASSING, POSTURE_FAILING };

/* That of each of `n` devices at `now`, into `out`. Remembered until a value comes or expires:
 * what a page of a list asks of a hundred thousand. Errors are the store's, at the first call. */
SP_MUST sp_error judge_stands(struct judge *j, const struct sp_id *devices, size_t n,
                              sp_unix_ms now, enum posture_whole out[]);

/* How the approved devices stand. */
struct posture_tally {
    size_t passing, failing, unknown;
};
SP_MUST sp_error judge_tally(struct judge *j, sp_unix_ms now, struct posture_tally *out);

/* Forgets a device that is removed. */
void judge_drop(struct judge *j, struct sp_id device);

struct judge_health {
    uint64_t accepted, refused;
    size_t devices;
};
struct judge_health judge_health(const struct judge *j);

#endif
