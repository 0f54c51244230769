#ifndef SP_CLIENT_POSTURE_REPORT_H
#define SP_CLIENT_POSTURE_REPORT_H

/*
 * report: signals as the signed posture report (lib/trust/report.h).
 *
 * Sequence   the machine's boot clock in ms, at least one above the last: it rises within a boot
 *            without being stored; a new boot has another boot id.
 * Assurance  what an agent says is "signed": the device key stands for it, no more (TM-11).
 * Any thread; one report at a time.
 */

#include "client/posture/signal.h"

#include "lib/trust/report.h"

/* Who signs reports. A zeroed one has no key and has made none yet. */
struct posture_signer {
    const struct key_secret *device; /* borrowed */
    int64_t sequence;                /* of the last report */
};

/*
 * Appends the report's bytes and fills `signature`. `nonce` is the broker's, `now` its time.
 * by->sequence moves on when it is made.
 *   SP_ERR_NOT_FOUND  the kernel's boot id can't be read
 *   SP_ERR_LIMIT, SP_ERR_NOMEM, SP_ERR_INVALID
 */
SP_MUST sp_error posture_report_make(struct posture_signer *by, const struct signals *all,
                                     const uint8_t nonce[REPORT_NONCE_BYTES], sp_unix_ms now,
                                     struct buf *bytes, uint8_t signature[KEY_SIGNATURE_BYTES]);

#endif
