#ifndef SP_CONNECTOR_RECORDS_H
#define SP_CONNECTOR_RECORDS_H

/*
 * records: the signed app records that brokers handed to this connector, by app.
 *
 * A record is taken when its signer is a record key of the key set and the floor takes it, it is
 * for our site, and its version is above what was seen of this app, dropped ones included.
 * Loop thread.
 */

#include "connector/floor.h"

#include "lib/base/map.h"
#include "lib/trust/apprec.h"
#include "lib/trust/keyset.h"

enum { RECORDS_MAX = 4096 };

struct record {
    struct apprec app;
    struct key_public signer;
    bool dropped; /* void; only its version counts */
    /* What the last dial or test said, for `status`; NULL: none yet. */
    const char *last; /* static text */
    sp_unix_ms last_at;
};

struct records {
    struct map by_app; /* struct record *; owned */
};

/* What a record must stand up to. Borrowed for the call. Never without `keys`; in an empty set
 * nobody signs records. */
struct record_judge {
    const struct keyset *keys; /* the broker's */
    const struct floor *floor; /* NULL: nobody's records are taken */
    struct sp_id site;         /* this connector's */
    sp_unix_ms now;            /* broker time */
};

/*
 *   SP_ERR_LIMIT, SP_ERR_MALFORMED, SP_ERR_SIGNATURE, SP_ERR_EXPIRED, SP_ERR_AUDIENCE  as
 *                    keyset_signer and apprec_verify
 *   SP_ERR_DENIED    the floor names signers, and this is none of them
 *   SP_ERR_REPLAY    a version that is not above the one known
 *   SP_ERR_FULL      RECORDS_MAX apps
 *   SP_ERR_NOMEM
 * `*out` (or NULL) is the record, borrowed.
 */
SP_MUST sp_error records_put(struct records *r, struct view statement,
                             const struct record_judge *by, const struct record **out);

/* Voids the record of `app` up to `version`; unknown apps are remembered as dropped.
 *   SP_ERR_FULL, SP_ERR_NOMEM */
SP_MUST sp_error records_drop(struct records *r, struct sp_id app, int64_t version);

/* NULL: none, or dropped. Borrowed until the next put or drop. */
struct record *records_get(const struct records *r, struct sp_id app);

void records_deinit(struct records *r);

#endif
