#ifndef SP_CRYPTO_PASSWORD_H
#define SP_CRYPTO_PASSWORD_H

/*
 * password: Argon2id (RFC 9106) with its parameters in the stored text.
 *
 * Cost: 64 MiB and 3 passes, about 0.15 s of one core; callers bound how many run at a time.
 * Blocking: a worker only.
 */

#include "lib/base/view.h"

enum { PASSWORD_HASH_TEXT = 128, PASSWORD_BYTES_MAX = 1024 };

struct password_hash {
    char s[PASSWORD_HASH_TEXT]; /* "$argon2id$v=19$m=65536,t=3,p=1$…", NUL-terminated */
};

/*
 *   SP_ERR_LIMIT  empty or over PASSWORD_BYTES_MAX
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error password_hash(struct view password, struct password_hash *out);

/*
 * Takes the same time for an empty `hash` (no such account) as for a wrong password.
 *   SP_ERR_DENIED  it is another password, or `hash` is not of this form
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error password_verify(const char *hash, struct view password);

/* Whether the parameters are older than today's: hash anew after a good login. */
bool password_outdated(const char *hash);

#endif
