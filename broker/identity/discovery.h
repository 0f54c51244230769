#ifndef SP_IDENTITY_DISCOVERY_H
#define SP_IDENTITY_DISCOVERY_H

/*
 * discovery: what a provider publishes: its metadata and its keys, fetched when needed, kept.
 *
 * Rules (IDT-22): https only, no redirect, `issuer` byte-equal to the configured text, every
 * endpoint https, 256 KiB a document, 100 keys, 5 s a fetch. Cached for what Cache-Control says,
 * within DISCOVERY_FRESH_MIN_MS and DISCOVERY_FRESH_MAX_MS. While the provider cannot be reached
 * the last good documents serve on for DISCOVERY_STALE_MS_MAX (FLT-10, FLT-11); an empty key set
 * does not replace a good one before that. Failures back off: one attempt each
 * DISCOVERY_RETRY_MS, others get the stale documents or the last error at once, also while that
 * attempt is under way. Worker threads; a fetch blocks its caller, and the first one those who
 * wait for the same provider.
 */

#include "lib/base/clock.h"
#include "lib/base/why.h"
#include "lib/crypto/jwk.h"
#include "lib/http/client.h"

enum {
    DISCOVERY_DOCUMENT_MAX = 256 * 1024,
    DISCOVERY_DEADLINE_MS = 5 * 1000,
    DISCOVERY_FRESH_MIN_MS = 60 * 1000,
    DISCOVERY_FRESH_MAX_MS = 60 * 60 * 1000,
    DISCOVERY_STALE_MS_MAX = 60 * 60 * 1000, /* beyond its freshness */
    DISCOVERY_RETRY_MS = 5 * 1000,
    DISCOVERY_REFETCH_MS = 30 * 1000, /* for an unknown kid, at most this often (IDT-06) */
    DISCOVERY_URL_MAX = 1024
};

/* What we use of the metadata (OpenID Connect Discovery 1.0 section 3; RFC 9207). */
struct metadata {
    char authorization[DISCOVERY_URL_MAX + 1], token[DISCOVERY_URL_MAX + 1];
    char jwks[DISCOVERY_URL_MAX + 1];
    char userinfo[DISCOVERY_URL_MAX + 1]; /* "" when it has none */
    bool sends_iss;                       /* authorization_response_iss_parameter_supported */
    bool basic;                           /* client_secret_basic; else client_secret_post */
};

/*
 * Reads a metadata document whose `issuer` must be the given text, byte for byte. Pure. Fuzzed by
 * tests/fuzz/fuzz_discovery.c.
 *   SP_ERR_PROTOCOL  `why` says what is wrong
 */
SP_MUST sp_error metadata_read(struct view text, const char *issuer, struct sp_why *why,
                               struct metadata *out);

struct discovery;

/* Borrows `client` until discovery_free, copies `issuer`. Fetches nothing yet.
 *   SP_ERR_INVALID  the issuer is no https URL, or has a query or fragment
 *   SP_ERR_NOMEM */
SP_MUST sp_error discovery_new(struct client *client, const char *issuer, struct sp_why *why,
                               struct discovery **out);
void discovery_free(struct discovery *d); /* NULL is fine */

/*
 * The metadata, from the cache or fetched.
 *   SP_ERR_UNREACHABLE, SP_ERR_TLS, SP_ERR_TIMEOUT, SP_ERR_BUSY  as the client says
 *   SP_ERR_PROTOCOL  status other than 200, no such document; `why` says what was wrong; an
 *                    issuer that differs is shown above the configured one (C-003)
 */
SP_MUST sp_error discovery_metadata(struct discovery *d, struct sp_why *why, struct metadata *out);

/*
 * The keys. Give them back with discovery_release. `again`: a kid was not found or its key verified
 * nothing, fetch anew unless the last such fetch is younger than DISCOVERY_REFETCH_MS;
 * SP_ERR_NOT_FOUND says that it is. Errors else as above.
 */
SP_MUST sp_error discovery_keys(struct discovery *d, bool again, struct sp_why *why,
                                const struct jwks **out);
void discovery_release(struct discovery *d, const struct jwks *keys);

/* For the console: how the last fetches ended. */
struct discovery_state {
    sp_unix_ms metadata_at, keys_at; /* last good ones; 0: none yet */
    sp_error metadata_error, keys_error;
    size_t keys_usable, keys_ignored;
    struct sp_why why; /* of the last failure; cleared by a success */
};
struct discovery_state discovery_state(struct discovery *d);

#endif
