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

/*
 * Appends the report's bytes and fills `signature`. `*sequence` is the last one, and is replaced.
 *   SP_ERR_NOT_FOUND  the kernel's boot id can't be read
 *   SP_ERR_LIMIT, SP_ERR_NOMEM, SP_ERR_INVALID
 */
SP_MUST sp_error posture_report_make(const struct signals *all,
                                     const uint8_t nonce[REPORT_NONCE_BYTES], sp_unix_ms now,
                                     int64_t *sequence, const struct key_secret *device,
                                     struct buf *bytes, uint8_t signature[KEY_SIGNATURE_BYTES]);

#endif
