#ifndef SP_IDP_PROVIDER_H
#define SP_IDP_PROVIDER_H

/*
 * provider: a real OpenID provider over local accounts, for evaluation and break-glass; off
 * unless the configuration switches it on.
 *
 * Reached over HTTPS only, by browsers and by our own relying party, which treats it as any other
 * provider. Authorization code flow with PKCE S256 alone (OpenID Connect Core 3.1, RFC 7636); one
 * confidential client; ES256; no refresh tokens, no consent page, no session of its own: each
 * login asks for the password, so auth_time is always fresh.
 *   GET  /idp/.well-known/openid-configuration   GET /idp/jwks
 *   GET  /idp/authorize    the form              POST /idp/authorize   303 back with code, state,
 * iss POST /idp/token        client_secret_basic   GET  /idp/userinfo    Bearer Worker threads;
 * handlers block for the time of one password hash.
 */

#include "broker/idp/accounts.h"
#include "lib/crypto/secret.h"
#include "lib/http/message.h"

struct idp;

struct idp_config {
    const char *origin;       /* "https://access.example.org[:port]", copied */
    const char *redirect_uri; /* the relying party's, compared letter by letter; copied */
    const char *organisation; /* for the page's title; copied */
    const char *banner;       /* shown on every page, as pages_options'; borrowed; NULL: none */
};

enum { IDP_TEXT_MAX = 512 };

/* How the relying party is to be configured. `secret` is borrowed until idp_free. */
struct idp_client {
    char issuer[IDP_TEXT_MAX];
    const char *client_id;
    const struct secret *secret;
};

/*
 * Borrows `store` and `accounts` until idp_free; `master` and `config` for the call.
 *   SP_ERR_LIMIT      a text of the configuration is too long
 *   SP_ERR_INTEGRITY  its keys are sealed under another master key
 *   the store's errors, SP_ERR_NOMEM
 */
SP_MUST sp_error idp_new(const struct idp_config *config, struct store *store,
                         struct accounts *accounts, const struct secret *master, struct idp **out);
void idp_free(struct idp *i); /* NULL is fine */

struct idp_client idp_client(const struct idp *i);

/* Answers when the path is the provider's ("/idp/…"); else false and `res` is untouched. */
bool idp_handle(struct idp *i, const struct request *req, struct response *res);

#endif
