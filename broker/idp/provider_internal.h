#ifndef SP_IDP_PROVIDER_INTERNAL_H
#define SP_IDP_PROVIDER_INTERNAL_H

/* What the provider's two halves share: authorize.c meets the browser, token.c the client. */

#include "broker/idp/keys.h"
#include "broker/idp/provider.h"
#include "lib/crypto/key.h"

#define IDP_CLIENT_ID "sallyport"

struct idp {
    struct store *store;       /* borrowed */
    struct accounts *accounts; /* borrowed */
    struct idp_keys keys;
    const char *banner; /* borrowed; NULL: none */
    char issuer[IDP_TEXT_MAX], redirect_uri[IDP_TEXT_MAX], organisation[IDP_TEXT_MAX];
    struct key_kid kid;
};

void idp_authorize_get(struct idp *i, const struct request *req, struct response *res);
void idp_authorize_post(struct idp *i, const struct request *req, struct response *res);
void idp_token(struct idp *i, const struct request *req, struct response *res);
void idp_userinfo(struct idp *i, const struct request *req, struct response *res);

#endif
