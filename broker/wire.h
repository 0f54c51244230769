#ifndef SP_BROKER_WIRE_H
#define SP_BROKER_WIRE_H

/* wire: the configuration's words turned into what services want to hear. Pure but for files. */

#include "broker/api/api.h"
#include "broker/config.h"
#include "broker/identity/oidc.h"
#include "broker/idp/provider.h"
#include "broker/keyring.h"
#include "lib/trust/enrol.h"

enum { WIRE_ROLES_MAX = 2 };

/* "access.example.org:443" of "https://access.example.org".   SP_ERR_MALFORMED, SP_ERR_LIMIT */
SP_MUST sp_error wire_public_address(const char *public_url, char *out, size_t room);

/* The address that edges enrol at: URL, fingerprint, front, and the CA's certificate where the
 * configuration names one.   SP_ERR_NOT_FOUND, SP_ERR_MALFORMED  the CA file; `why` */
SP_MUST sp_error wire_enrol_address(const struct broker_config *c,
                                    const struct key_public *identity, struct sp_why *why,
                                    struct enrol_address *out);

/* The relying party with all providers, the built-in one (NULL: off) last. `proxy` is borrowed.
 *   errors of oidc_new and of the secret files */
SP_MUST sp_error wire_oidc(const struct broker_config *c, const struct idp *builtin,
                           const struct proxy_env *proxy, struct sp_why *why, struct oidc **out);

/* Group to role; returns how many. Borrows `c`. */
size_t wire_roles(const struct broker_config *c, struct api_role_rule out[WIRE_ROLES_MAX]);

/* What a connector's word for a failed dial ("" for none) means, and a sentence for people; the
 * floor's own is the connector's. */
enum app_test_result wire_test_result(const char *error);
const char *wire_test_text(enum app_test_result r);

#endif
