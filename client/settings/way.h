#ifndef SP_CLIENT_SETTINGS_WAY_H
#define SP_CLIENT_SETTINGS_WAY_H

/*
 * way: the proxy behind which this person's programs find the broker.
 *
 * The setting `proxy`, else what the environment says (lib/http/proxy.h), with the login that the
 * file of `proxy_login` holds. Any thread.
 */

#include "lib/http/proxy.h"

/*
 * `out` may hold a password: explicit_bzero. It is written in any case: on failure it has the
 * address that is known without the login that is not, so a proxy that asks for one refuses.
 *   as settings_load and proxy_login
 */
SP_MUST sp_error settings_way(struct proxy_env *out, struct sp_why *why);

#endif
