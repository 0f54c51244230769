/* FUZ-8. A token from the net: whatever it is, no reader takes it, and nothing is written. */
#include "lib/crypto/paseto.h"
#include "lib/trust/claims.h"
#include "lib/trust/grant.h"
#include "lib/trust/keyset.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct key_secret *signer;
    static struct secret *local;
    struct view token = {data, size};
    struct grant_reader relay = {.kind = GRANT_RELAY};
    struct grant grant;
    struct keyset set;
    struct key_kid kid;
    struct buf out;

    if (signer == NULL && (key_secret_new(KEY_ED25519, &signer) != SP_OK ||
                           secret_new_random(PASETO_LOCAL_KEY_BYTES, &local) != SP_OK))
        abort();
    buf_init(&out, PASETO_TOKEN_MAX);
    if (paseto_verify(key_secret_public(signer), token, (struct view){0}, &out) == SP_OK ||
        paseto_open(local, token, (struct view){0}, &out) == SP_OK || out.len != 0)
        abort(); /* nobody has these keys */
    if (paseto_footer(token, &out) == SP_OK ? out.len > PASETO_FOOTER_MAX : out.len != 0)
        abort();
    buf_reset(&out);
    if (paseto_unverified(token, &out) == SP_OK && out.len > size)
        abort();
    if (claims_kid(token, &kid) == SP_OK && kid.s[KEY_KID_TEXT] != '\0')
        abort();
    if (grant_verify(token, key_secret_public(signer), &relay, 0, &grant) == SP_OK ||
        keyset_read(token, key_secret_public(signer), 0, &set) == SP_OK)
        abort();
    /* First meeting: a stranger's set may verify under its own key, and then it is sound. */
    if (keyset_read_first(token, &set) == SP_OK &&
        (set.epoch < 1 || set.count < 1 || set.identity.kind != KEY_ED25519))
        abort();
    buf_deinit(&out);
    return 0;
}
