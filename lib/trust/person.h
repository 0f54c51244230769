#ifndef SP_TRUST_PERSON_H
#define SP_TRUST_PERSON_H

/*
 * person: the broker's `identity` statement: who the user of one session is, in the fields that
 * the record of an http app lists. Never made for tcp apps: those get the pairwise id of the
 * grant.
 *
 * Made by   a broker with its record key.                         person_mint(), mint.h
 * Carried   by the agent, inside the inner TLS only, in its bind.
 * Read by   the connector.                                         person_verify()
 * Any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/base/json.h"
#include "lib/crypto/key.h"

enum { PERSON_MAX = 16 * 1024, PERSON_TEXT_MAX = 320, PERSON_GROUPS_MAX = 1024 };

struct person {
    struct sp_id session, app;
    struct view name, email; /* empty: not listed in the record; borrowed from `claims` */
    struct json *groups;     /* array of strings, "idp/group"; borrowed from `claims` */
    struct json *attributes; /* array of [name, value] pairs of strings; borrowed */
    sp_unix_ms until;        /* the session's deadline */
    struct json *claims;     /* owned: person_deinit */
};

/*
 *   SP_ERR_LIMIT      longer than PERSON_MAX
 *   SP_ERR_MALFORMED
 *   SP_ERR_SIGNATURE
 *   SP_ERR_AUDIENCE   of another session
 *   SP_ERR_EXPIRED
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error person_verify(struct view token, const struct key_public *record,
                               struct sp_id session, sp_unix_ms now, struct person *out);
void person_deinit(struct person *p);

#endif
