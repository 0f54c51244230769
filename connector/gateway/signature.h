#ifndef SP_GATEWAY_SIGNATURE_H
#define SP_GATEWAY_SIGNATURE_H

/*
 * signature: a request to the application, signed (RFC 9421), with `identity.signature: rfc9421`.
 *
 * Covered   "@method" "@target-uri" "content-digest" "sallyport-user", in this order, as the
 *           application receives them; parameters created, expires (SIGNATURE_SECONDS later),
 *           keyid and alg of gateway-jwks.json, tag "sallyport". The label is "sallyport".
 * Digest    Content-Digest (RFC 9530) by SHA-256 of the content as it is sent, also of an empty
 *           one. Only of a body that is whole before the request leaves: one that streams has none,
 *           and "content-digest" is not covered. A verifier that wants it asks for it.
 * Pure but for the nonce of ECDSA.
 */

#include "connector/gateway/request.h"

enum { SIGNATURE_SECONDS = 60, SIGNATURE_FIELDS = 3 };

struct signature_request {
    struct view method;
    bool secure;              /* https to the application */
    struct view host, prefix; /* Host field and what stands before each path there */
    const struct gw_target *target;
    bool whole; /* `body` is all of it */
    struct view body;
    struct view user; /* value of Sallyport-User */
};

/* The URI of RFC 9421 section 2.2.2, appended. "OPTIONS *" has no path (RFC 9110 section 7.1). */
void signature_target_uri(const struct signature_request *r, struct buf *out);

/* The text that is signed (section 2.5), appended; `parameters` is that of signature_parameters,
 * `digest` the value of Content-Digest, empty for none. */
void signature_base(const struct signature_request *r, struct view digest, struct view parameters,
                    struct buf *out);
/* The inner list with its parameters (section 2.3), appended. */
void signature_parameters(bool digested, sp_unix_ms now, const char *key_id, struct buf *out);

/*
 * Content-Digest where the body is whole, Signature-Input and Signature, at most SIGNATURE_FIELDS,
 * in `a`; they are added to `own`, which has room for them.   SP_ERR_LIMIT, SP_ERR_NOMEM,
 * SP_ERR_INTERNAL
 */
SP_MUST sp_error signature_fields(const struct key_secret *key, const char *key_id,
                                  const struct signature_request *r, sp_unix_ms now,
                                  struct arena *a, struct gw_own *own);

/* Takes out of `fields`, in place, what would stand beside ours: Signature, Signature-Input, and
 * Content-Digest where ours is written; '_' for '-' included. Returns how many are left. */
size_t signature_keep(struct gw_field *fields, size_t n, bool digested);

#endif
