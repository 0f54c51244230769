#include "lib/crypto/aead.h"

#include <sodium.h>
#include <stdlib.h>

enum {
    AEAD_VERSION = 1,
    AEAD_NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    AEAD_TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    AEAD_AAD_MAX = 64 * 1024
};
_Static_assert(AEAD_OVERHEAD == 1 + AEAD_NONCE + AEAD_TAG, "the form in the header");

struct aead_key {
    struct secret *bytes; /* owned */
};

sp_error aead_key_derive(const struct secret *master, const char *table, struct aead_key **out)
{
    struct aead_key *k;
    uint8_t sub[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    crypto_generichash_state state;
    struct view m;
    sp_error e;

    if (secret_len(master) != AEAD_MASTER_BYTES || table == NULL || table[0] == '\0')
        return SP_ERR_INVALID;
    if ((k = calloc(1, sizeof *k)) == NULL)
        return SP_ERR_NOMEM;

    m = secret_open(master);
    crypto_generichash_init(&state, m.at, m.len, sizeof sub);
    secret_close(master);
    crypto_generichash_update(&state, (const uint8_t *)"sallyport/aead/1", 16);
    crypto_generichash_update(&state, (const uint8_t *)table, strlen(table));
    crypto_generichash_final(&state, sub, sizeof sub);
    sodium_memzero(&state, sizeof state);

    e = secret_new((struct view){sub, sizeof sub}, &k->bytes);
    sodium_memzero(sub, sizeof sub);
    if (e != SP_OK) {
        aead_key_free(k);
        return e;
    }
    *out = k;
    return SP_OK;
}

void aead_key_free(struct aead_key *k)
{
    if (k == NULL)
        return;
    secret_free(k->bytes);
    free(k);
}

void aead_aad(struct buf *out, const struct view parts[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_uint(out, parts[i].len, 8);
        buf_add(out, parts[i]);
    }
}

/* version || aad: what the tag covers besides the ciphertext. */
static sp_error whole_aad(struct view aad, struct buf *out)
{
    buf_init(out, AEAD_AAD_MAX);
    buf_add_byte(out, AEAD_VERSION);
    buf_add(out, aad);
    return buf_error(out);
}

sp_error aead_seal(const struct aead_key *k, struct view aad, struct view plain, struct buf *out)
{
    struct buf full;
    size_t start = out->len;
    unsigned long long written = 0;
    uint8_t *at;
    sp_error e;

    if (plain.len > SIZE_MAX - AEAD_OVERHEAD)
        return SP_ERR_LIMIT;
    if ((e = whole_aad(aad, &full)) != SP_OK ||
        (e = buf_reserve(out, plain.len + AEAD_OVERHEAD)) != SP_OK)
        goto out;

    at = out->at + start;
    at[0] = AEAD_VERSION;
    randombytes_buf(at + 1, AEAD_NONCE);
    struct view key = secret_open(k->bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(at + 1 + AEAD_NONCE, &written, plain.at, plain.len,
                                               full.at, full.len, NULL, at + 1, key.at);
    secret_close(k->bytes);
    out->len += 1 + AEAD_NONCE + (size_t)written;
out:
    buf_deinit(&full);
    return e;
}

sp_error aead_open(const struct aead_key *k, struct view aad, struct view sealed, struct buf *out)
{
    struct buf full;
    size_t plain_len;
    int bad;
    sp_error e;

    if (sealed.len < AEAD_OVERHEAD)
        return SP_ERR_MALFORMED;
    if (sealed.at[0] != AEAD_VERSION)
        return SP_ERR_VERSION;
    plain_len = sealed.len - AEAD_OVERHEAD;
    if ((e = whole_aad(aad, &full)) != SP_OK || (e = buf_reserve(out, plain_len)) != SP_OK)
        goto out;

    struct view key = secret_open(k->bytes);
    bad = crypto_aead_xchacha20poly1305_ietf_decrypt(
        out->at + out->len, NULL, NULL, sealed.at + 1 + AEAD_NONCE, plain_len + AEAD_TAG, full.at,
        full.len, sealed.at + 1, key.at);
    secret_close(k->bytes);
    if (bad != 0)
        e = SP_ERR_INTEGRITY;
    else
        out->len += plain_len;
out:
    buf_deinit(&full);
    return e;
}
