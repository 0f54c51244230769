#ifndef SP_TRUST_MINT_H
#define SP_TRUST_MINT_H

/*
 * mint: every statement that a broker signs. A file of its own, so that relay, connector and
 * agent never link it; tests/lint looks at their symbols.
 *
 * Each call appends one token to `out`, which stays the caller's and is as it was on failure:
 *   SP_ERR_INVALID  the struct breaks the kind's own rules (the reader would refuse it)
 *   SP_ERR_LIMIT    longer than the kind allows, or than `out` takes
 *   SP_ERR_NOMEM
 * Any thread.
 */

#include "lib/trust/apprec.h"
#include "lib/trust/grant.h"
#include "lib/trust/keyset.h"
#include "lib/trust/person.h"
#include "lib/trust/stand.h"

/* Only after the decision's audit record is durable. `k`: this broker's grant key. */
SP_MUST sp_error grant_mint(const struct grant *g, const struct key_secret *k, struct buf *out);

/*
 * `k`: the identity key that `s->identity` and the set's one identity row name. `old` (or NULL):
 * the identity key before it, signing along while edges move their pin.
 */
SP_MUST sp_error keyset_mint(const struct keyset *s, const struct key_secret *k,
                             const struct key_secret *old, struct buf *out);

/* The other three: `k` is this broker's record key. */
SP_MUST sp_error stand_mint(const struct stand *s, const struct key_secret *k, struct buf *out);
SP_MUST sp_error apprec_mint(const struct apprec *a, const struct key_secret *k, struct buf *out);
/* `p->claims` is not looked at; name and email may be empty, groups and attributes NULL. */
SP_MUST sp_error person_mint(const struct person *p, const struct key_secret *k, struct buf *out);

#endif
