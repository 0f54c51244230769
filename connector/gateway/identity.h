#ifndef SP_GATEWAY_IDENTITY_H
#define SP_GATEWAY_IDENTITY_H

/*
 * identity: what the application is told of the caller: plain fields, and a signed assertion that
 * it can verify with any JWT library.
 *
 * The assertion is signed with a P-256 key of this connector's own, made in its state folder
 * ("gateway-key", 0600), so that no broker can forge one for an application that pins it. Its
 * public half lies beside it as "gateway-jwks.json". Loop thread.
 */

#include "connector/gateway/pipeline.h"

enum { IDENTITY_ASSERTION_MS = 60 * 1000 };

struct identity;

/* Loads or makes the key in `state`; `connector` is the issuer of assertions. Blocks.
 *   SP_ERR_PERMISSION, SP_ERR_CORRUPT, SP_ERR_IO, SP_ERR_NOMEM */
SP_MUST sp_error identity_new(const char *state, struct sp_id connector, struct sp_why *why,
                              struct identity **out);
void identity_free(struct identity *i); /* NULL is allowed */
struct view identity_jwks(const struct identity *i);

/*
 * Step 12: our fields of the request, in its arena: what `own` held before is gone. `now` is broker
 * time. A value keeps printable ASCII as it is; other bytes, '%' and, inside of a list, ',' are
 * percent-encoded.   SP_ERR_LIMIT, SP_ERR_NOMEM, SP_ERR_INTERNAL
 */
SP_MUST sp_error identity_fields(const struct identity *i, struct gw_exchange *x, sp_unix_ms now,
                                 struct gw_own *own);

/*
 * The same, after identity_fields() and with identity.signature: those of signature.h, of `x` as it
 * goes to `host`. `body`: all of it; NULL: it streams. What the client said in their place is taken
 * out of the request.   SP_ERR_LIMIT, SP_ERR_NOMEM, SP_ERR_INTERNAL
 */
SP_MUST sp_error identity_signature(const struct identity *i, struct gw_exchange *x,
                                    struct view host, const struct view *body, sp_unix_ms now,
                                    struct gw_own *own);

/* RFC 7638 thumbprint of a key, base64url, appended to `out`. */
void identity_thumbprint(const struct key_public *k, struct buf *out);

#endif
