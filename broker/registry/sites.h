#ifndef SP_REGISTRY_SITES_H
#define SP_REGISTRY_SITES_H

/*
 * sites: sets of interchangeable connectors; their connectors and the relays; enrolment.
 *
 * A token is 32 random bytes, shown once as "spe_" + base64url, kept as SHA-256, single use, at
 * most 24 h, revocable (INC-11); it is checked and used in one statement (INC-2).
 */

#include "broker/registry/registry.h"

enum {
    SITES_TOKEN_BYTES = 32,
    SITES_TOKEN_LIFE_MS_MAX = 24 * 3600 * 1000,
    SITE_CONNECTORS_MAX = 64
};

/* SP_ERR_INVALID (why), SP_ERR_EXISTS */
SP_MUST sp_error sites_create(struct registry *r, struct view name, const struct audit_record *by,
                              struct sp_why *why, struct site_row *out);
/* SP_ERR_NOT_FOUND; SP_ERR_BUSY: it still has apps or connectors that are not revoked. */
SP_MUST sp_error sites_remove(struct registry *r, struct sp_id site, const struct audit_record *by,
                              struct sp_why *why);

/* What a token is made for. Borrowed for the call. A zeroed one has no time to live:
 * SP_ERR_INVALID. */
struct token_ask {
    struct sp_id site; /* of the connector; zero: a relay enrols with it */
    int64_t life_ms;   /* until it expires, spent or not */
    const char *note;  /* for people; NULL: none */
};

/*
 * Makes a token. `secret` gets the 32 bytes; wipe them after showing.
 *   SP_ERR_NOT_FOUND  no such site
 *   SP_ERR_INVALID    life_ms is 0 or above SITES_TOKEN_LIFE_MS_MAX
 */
SP_MUST sp_error sites_token_new(struct registry *r, const struct token_ask *q,
                                 const struct audit_record *by, uint8_t secret[SITES_TOKEN_BYTES],
                                 struct enrol_row *out);
SP_MUST sp_error sites_token_revoke(struct registry *r, const uint8_t hash[ROW_HASH_BYTES],
                                    const struct audit_record *by);

/* Appends the enrolment string: `base` with the token of `secret`. */
struct enrol_address;
void sites_token_line(const struct enrol_address *base, const uint8_t secret[SITES_TOKEN_BYTES],
                      struct buf *out);

/* An edge that shows a token to be let in. Borrowed for the call. A zeroed one has no key that
 * anybody could prove. */
struct newcomer {
    struct key_public key; /* proven by the channel */
    const char *name;      /* of its own choosing; NULL or no name: one is made from its id */
    const char *address;   /* where it asks from, for the record */
};

/*
 * Spends the token and makes the connector in one transaction; a refusal is audited too.
 *   SP_ERR_DENIED  unknown, expired or used token, or one for another kind
 *   SP_ERR_EXISTS  the key is enrolled already
 *   SP_ERR_LIMIT   the site has SITE_CONNECTORS_MAX
 */
SP_MUST sp_error connectors_enrol(struct registry *r, const uint8_t secret[SITES_TOKEN_BYTES],
                                  const struct newcomer *who, const char *software,
                                  struct connector_row *out);
SP_MUST sp_error connectors_set_state(struct registry *r, struct sp_id connector,
                                      enum edge_state state, const struct audit_record *by,
                                      struct connector_row *out);

/* As connectors_enrol. `spki_hash` is that of who->key, which agents and connectors pin;
 * `addresses` are the relay's public host:port, blank-separated. */
SP_MUST sp_error relays_enrol(struct registry *r, const uint8_t secret[SITES_TOKEN_BYTES],
                              const struct newcomer *who, const uint8_t spki_hash[ROW_HASH_BYTES],
                              const char *addresses, struct relay_row *out);
SP_MUST sp_error relays_set_state(struct registry *r, struct sp_id relay, enum edge_state state,
                                  const struct audit_record *by, struct relay_row *out);
/* Where agents and connectors reach it; told by the relay at attach. No change: no write. */
SP_MUST sp_error relays_set_addresses(struct registry *r, struct sp_id relay,
                                      const char *addresses);

#endif
