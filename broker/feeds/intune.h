#ifndef SP_FEEDS_INTUNE_H
#define SP_FEEDS_INTUNE_H

/*
 * intune: pages of Microsoft Graph's list of managed devices,
 * GET /v1.0/deviceManagement/managedDevices.
 *
 * Signals: disk_encryption (pass or fail), intune:compliance (compliant, noncompliant,
 * inGracePeriod, conflict, error, configManager), intune:owner (company, personal),
 * intune:threat, intune:jailbroken (True, False) and intune:os_version. A word that is not known
 * here is unknown. Pure. Fuzzed by tests/fuzz/fuzz_intune.c.
 */

#include "broker/feeds/records.h"
#include "lib/http/url.h"

/* The members that are asked for ($select). */
#define INTUNE_SELECT                                                                          \
    "id,serialNumber,complianceState,isEncrypted,jailBroken,osVersion,managedDeviceOwnerType," \
    "partnerReportedThreatState,lastSyncDateTime"

/*
 * Adds a record for each device; one without an id is left out. `next` holds the URL
 * of this page and gets that of the one that follows, "" after the last: it stays on `origin`,
 * whoever writes the answer.
 *   SP_ERR_MALFORMED  no JSON, no "value", or a next page that is no URL or the one in `next`;
 *                     `why` says it
 *   SP_ERR_DENIED     the next page is elsewhere than on `origin`
 *   SP_ERR_LIMIT      `out` is full, or too deep
 *   SP_ERR_NOMEM
 * `out` may have gained records also after an error: its owner drops it whole.
 */
SP_MUST sp_error intune_read_page(struct view body, const struct url *origin, struct sp_why *why,
                                  struct feed_records *out, char next[URL_BYTES_MAX + 1]);

#endif
