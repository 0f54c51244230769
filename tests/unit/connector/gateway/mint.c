#include "tests/unit/connector/gateway/mint.h"

#include "lib/base/encode.h"
#include "lib/crypto/jwk.h"

#include <stdlib.h>

void mint_jws(const struct key_secret *k, const char *header, const char *claims, struct buf *out)
{
    uint8_t signature[KEY_SIGNATURE_BYTES];

    buf_reset(out);
    encode_base64url(view_str(header), out);
    buf_add_byte(out, '.');
    encode_base64url(view_str(claims), out);
    if (key_sign(k, buf_view(out), signature) != SP_OK)
        abort();
    buf_add_byte(out, '.');
    encode_base64url((struct view){signature, sizeof signature}, out);
    if (buf_error(out) != SP_OK)
        abort();
}

void mint_jwk(const struct key_secret *k, const char *kid, struct buf *out)
{
    struct json *root = NULL;
    struct buf text;

    buf_init(&text, 4096);
    buf_reset(out);
    if (jwks_write(key_secret_public(k), &kid, 1, &text) != SP_OK ||
        json_parse(buf_view(&text), 4096, NULL, &root) != SP_OK ||
        json_write(json_at(json_get(root, "keys"), 0), out) != SP_OK)
        abort();
    json_free(root);
    buf_deinit(&text);
}
