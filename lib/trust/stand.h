#ifndef SP_TRUST_STAND_H
#define SP_TRUST_STAND_H

/*
 * stand: the broker's statement that a connector may stand at one relay.
 *
 * Made by   a broker with its record key, life 24 h, renewed at half.   stand_mint(), mint.h
 * Read by   the relay, at a connector's proof on /stand.                stand_verify()
 * Pure. Any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/crypto/key.h"

enum { STAND_MAX = 1024, STAND_LIFE_MS = 24 * 60 * 60 * 1000, STAND_LEEWAY_MS = 5 * 1000 };

struct stand {
    struct sp_id connector, site, relay;
    struct key_public key; /* the connector's */
    int64_t generation;    /* rises with each stand of this connector; PROTOCOL `stand.at` */
    sp_unix_ms issued, until;
};

/*
 *   SP_ERR_LIMIT      longer than STAND_MAX
 *   SP_ERR_MALFORMED  form or claims; until - issued over STAND_LIFE_MS
 *   SP_ERR_SIGNATURE
 *   SP_ERR_AUDIENCE   for another relay than `relay`
 *   SP_ERR_EXPIRED    `now` outside issued - STAND_LEEWAY_MS .. until
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error stand_verify(struct view token, const struct key_public *record,
                              struct sp_id relay, sp_unix_ms now, struct stand *out);

#endif
