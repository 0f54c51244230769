#ifndef SP_GATEWAY_SEEN_H
#define SP_GATEWAY_SEEN_H

/*
 * seen: what was found out of tokens, by their SHA-256, so that a signature is checked and an
 * issuer is asked once and not for every request.
 *
 * Good tokens are kept until they expire, at most SEEN_GOOD_MS (introspected ones as long as the
 * configuration says); bad ones as long as the caller says. SEEN_ENTRIES of them in sets of four;
 * who comes late takes the place of what ends first in its set. The bytes of the claims are bounded
 * besides. Loop thread.
 */

#include "connector/gateway/token.h"

enum {
    SEEN_ENTRIES = 4096,
    SEEN_GOOD_MS = 5 * 60 * 1000,
    SEEN_BYTES_MAX = 8 * 1024 * 1024 /* of token texts that stand for the claims' size */
};

struct seen_tokens;

/*   SP_ERR_NOMEM */
SP_MUST sp_error seen_new(struct seen_tokens **out);
void seen_free(struct seen_tokens *s); /* NULL is allowed */

enum seen_state { SEEN_NOT = 0, SEEN_GOOD, SEEN_BAD };

/* `*token` is borrowed: token_share to keep it beyond this turn of the loop. */
enum seen_state seen_get(struct seen_tokens *s, const struct hash *name, sp_boot_ms now,
                         struct token **token);

/* Shares `token`; NULL: the token is bad. `size`: bytes of its text. */
void seen_put(struct seen_tokens *s, const struct hash *name, struct token *token, size_t size,
              sp_boot_ms now, sp_boot_ms until);

size_t seen_bytes(const struct seen_tokens *s);

#endif
