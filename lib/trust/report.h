#ifndef SP_TRUST_REPORT_H
#define SP_TRUST_REPORT_H

/*
 * report: the envelope of a device's posture report, signed with the device key.
 *
 * Form      JSON bytes {v, sequence, boot, nonce, made, signals} + detached signature over
 *           "sallyport/report/1" NUL bytes. At most REPORT_MAX bytes.
 * Signal    {name, state, value, source, assurance, at, why}: `state` is "known" or "unknown";
 *           `value` a string, an integer, true/false ("pass"/"fail" are strings) or, when
 *           unknown, null; `assurance` is "self" or "signed" (what an agent can claim; the
 *           broker raises or lowers it); `at` is when it was observed, ms; `why` says why it is
 *           unknown, else "".
 * Made by   client/posture.    Judged by broker/posture: freshness, meaning, verdicts.
 * Pure. Fuzzed by tests/fuzz/fuzz_report.c. Any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/base/json.h"
#include "lib/crypto/key.h"

enum {
    REPORT_MAX = 64 * 1024,
    REPORT_SIGNALS_MAX = 128,
    REPORT_NAME_MAX = 64,
    REPORT_TEXT_MAX = 1024,
    REPORT_NONCE_BYTES = 32
};

enum report_assurance { REPORT_SELF = 0, REPORT_SIGNED };

struct report_signal {
    char name[REPORT_NAME_MAX + 1]; /* "disk_encryption", "os.version": a-z 0-9 _ . */
    bool known;
    const struct json *value; /* borrowed; NULL when unknown */
    struct view source, why;  /* borrowed */
    enum report_assurance assurance;
    sp_unix_ms at;
};

struct report {
    int64_t sequence;                  /* rises by at least one with each report of this boot */
    struct sp_id boot;                 /* random id of the machine's boot, as the kernel gives it */
    uint8_t nonce[REPORT_NONCE_BYTES]; /* from the broker's posture.nonce */
    sp_unix_ms made;
    size_t count;
    struct report_signal *signals; /* owned */
    struct json *body;             /* owned: the signals' values live in it */
};

/*
 * Checks length, signature, form and claims, in that order; the caller compares nonce, sequence
 * and boot with what it keeps. `out` is the caller's: report_deinit.
 *   SP_ERR_LIMIT      over REPORT_MAX or REPORT_SIGNALS_MAX
 *   SP_ERR_SIGNATURE
 *   SP_ERR_MALFORMED  members missing, unknown or twice; a signal named twice
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error report_verify(struct view bytes, const struct key_public *device,
                               struct view signature, struct report *out);
/* The same without the signature: for the fuzzer and for `sallyport posture --explain`. */
SP_MUST sp_error report_parse(struct view bytes, struct report *out);
void report_deinit(struct report *r);

/*
 * Appends the bytes of a report and signs them. `r->body` is not looked at.
 *   SP_ERR_INVALID  the reader would refuse it
 *   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error report_make(const struct report *r, const struct key_secret *device,
                             struct buf *bytes, uint8_t signature[KEY_SIGNATURE_BYTES]);

#endif
