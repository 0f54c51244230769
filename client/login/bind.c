#include "client/login/bind.h"

#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"

static void as_text(struct view bytes, char out[BIND_TEXT + 1])
{
    struct buf text;

    buf_init(&text, BIND_TEXT);
    encode_base64url(bytes, &text);
    memset(out, 0, BIND_TEXT + 1);
    if (text.len == BIND_TEXT)
        memcpy(out, text.at, BIND_TEXT);
    buf_wipe(&text);
}

static void random_text(char out[BIND_TEXT + 1])
{
    uint8_t bytes[32];

    random_bytes(bytes, sizeof bytes);
    as_text((struct view){bytes, sizeof bytes}, out);
    secret_wipe(bytes, sizeof bytes);
}

void bind_challenge(struct view verifier, char out[BIND_TEXT + 1])
{
    struct hash h = hash_sha256(verifier);

    as_text(hash_view(&h), out);
}

void bind_new(struct bind *b)
{
    random_text(b->verifier);
    random_text(b->state);
    random_text(b->path);
    bind_challenge(view_str(b->verifier), b->challenge);
}

void bind_wipe(struct bind *b)
{
    secret_wipe(b, sizeof *b);
}
