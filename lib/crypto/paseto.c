#include "lib/crypto/paseto.h"

#include "lib/base/encode.h"

#include <sodium.h>

enum { NONCE_BYTES = 32, MAC_BYTES = 32 };

static const char header_public[] = "v4.public.", header_local[] = "v4.local.";

static void add_le64(struct buf *out, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        buf_add_byte(out, (uint8_t)(n >> (8 * i)));
}

void paseto_pae(struct buf *out, const struct view parts[], size_t count)
{
    add_le64(out, count);
    for (size_t i = 0; i < count; i++) {
        add_le64(out, parts[i].len & INT64_MAX); /* the top bit is always 0 (Common.md) */
        buf_add(out, parts[i]);
    }
}

/* Payload and footer of "HEADER payload [. footer]", still as text. */
static sp_error split(struct view token, const char *header, struct view *payload,
                      struct view *footer)
{
    size_t head = strlen(header), dot;

    if (token.len > PASETO_TOKEN_MAX || token.len <= head || memcmp(token.at, header, head) != 0)
        return SP_ERR_MALFORMED;
    token = view_slice(token, head, SIZE_MAX);
    for (dot = 0; dot < token.len && token.at[dot] != '.'; dot++)
        ;
    *payload = view_slice(token, 0, dot);
    *footer = view_slice(token, dot + 1, SIZE_MAX);
    if (dot < token.len && footer->len == 0)
        return SP_ERR_MALFORMED; /* one token, one spelling: no footer, no dot */
    return SP_OK;
}

/* HEADER base64url(payload) [. base64url(footer)], or nothing. */
static sp_error join(const char *header, struct view payload, struct view footer, struct buf *out)
{
    size_t before = out->len;
    sp_error e;

    buf_add_str(out, header);
    encode_base64url(payload, out);
    if (footer.len > 0) {
        buf_add_byte(out, '.');
        encode_base64url(footer, out);
    }
    if ((e = buf_error(out)) != SP_OK)
        out->len = before;
    return e;
}

sp_error paseto_sign(const struct key_secret *k, struct view message, struct view footer,
                     struct view implicit, struct buf *out)
{
    const struct view parts[] = {view_str(header_public), message, footer, implicit};
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct buf pae, payload;
    sp_error e;

    if (key_secret_public(k)->kind != KEY_ED25519)
        return SP_ERR_INVALID;
    buf_init(&pae, PASETO_TOKEN_MAX);
    buf_init(&payload, PASETO_TOKEN_MAX);
    paseto_pae(&pae, parts, 4);
    if ((e = buf_error(&pae)) != SP_OK || (e = key_sign(k, buf_view(&pae), signature)) != SP_OK)
        goto out;
    buf_add(&payload, message);
    buf_add(&payload, (struct view){signature, sizeof signature});
    if ((e = buf_error(&payload)) == SP_OK)
        e = join(header_public, buf_view(&payload), footer, out);
out:
    buf_deinit(&payload);
    buf_deinit(&pae);
    return e;
}

/* Decodes both parts; on failure the caller still deinits both. */
static sp_error decode(struct view token, const char *header, struct buf *payload,
                       struct buf *footer)
{
    struct view payload_text, footer_text;
    sp_error e = split(token, header, &payload_text, &footer_text);

    buf_init(payload, PASETO_TOKEN_MAX);
    buf_init(footer, PASETO_TOKEN_MAX);
    if (e != SP_OK || (e = decode_base64url(payload_text, payload)) != SP_OK)
        return e;
    return decode_base64url(footer_text, footer);
}

sp_error paseto_verify(const struct key_public *k, struct view token, struct view implicit,
                       struct buf *message)
{
    struct buf payload, footer, pae;
    sp_error e = decode(token, header_public, &payload, &footer);

    buf_init(&pae, PASETO_TOKEN_MAX * 2);
    if (e != SP_OK)
        goto out;
    e = SP_ERR_MALFORMED;
    if (payload.len < KEY_SIGNATURE_BYTES)
        goto out;

    size_t message_len = payload.len - KEY_SIGNATURE_BYTES;
    struct view text = view_slice(buf_view(&payload), 0, message_len);
    struct view signature = view_slice(buf_view(&payload), message_len, KEY_SIGNATURE_BYTES);
    const struct view parts[] = {view_str(header_public), text, buf_view(&footer), implicit};

    paseto_pae(&pae, parts, 4);
    if ((e = buf_error(&pae)) != SP_OK)
        goto out;
    e = SP_ERR_SIGNATURE;
    if (k->kind == KEY_ED25519 && key_verify(k, buf_view(&pae), signature) == SP_OK)
        e = buf_append(message, text);
out:
    buf_deinit(&pae);
    buf_deinit(&footer);
    buf_deinit(&payload);
    return e;
}

sp_error paseto_footer(struct view token, struct buf *out)
{
    struct view payload, footer;
    sp_error e = split(token, header_public, &payload, &footer);

    if (e != SP_OK && (e = split(token, header_local, &payload, &footer)) != SP_OK)
        return e;
    if (footer.len > (PASETO_FOOTER_MAX * 4 + 2) / 3)
        return SP_ERR_LIMIT;
    return decode_base64url(footer, out);
}

sp_error paseto_unverified(struct view token, struct buf *message)
{
    struct buf payload, footer;
    sp_error e = decode(token, header_public, &payload, &footer);

    if (e == SP_OK && payload.len < KEY_SIGNATURE_BYTES)
        e = SP_ERR_MALFORMED;
    if (e == SP_OK)
        e = buf_append(message,
                       view_slice(buf_view(&payload), 0, payload.len - KEY_SIGNATURE_BYTES));
    buf_deinit(&footer);
    buf_deinit(&payload);
    return e;
}

/* The three values that a key and a nonce split into (Version4.md, Encrypt, step 4). */
struct split_keys {
    uint8_t cipher[crypto_stream_xchacha20_KEYBYTES];
    uint8_t cipher_nonce[crypto_stream_xchacha20_NONCEBYTES];
    uint8_t mac[crypto_generichash_KEYBYTES];
};

static void split_key(const struct secret *k, const uint8_t nonce[NONCE_BYTES],
                      struct split_keys *out)
{
    static const char for_cipher[] = "paseto-encryption-key",
                      for_mac[] = "paseto-auth-key-for-aead";
    uint8_t both[sizeof out->cipher + sizeof out->cipher_nonce];
    crypto_generichash_state state;
    struct view key = secret_open(k);

    crypto_generichash_init(&state, key.at, key.len, sizeof both);
    crypto_generichash_update(&state, (const uint8_t *)for_cipher, sizeof for_cipher - 1);
    crypto_generichash_update(&state, nonce, NONCE_BYTES);
    crypto_generichash_final(&state, both, sizeof both);
    memcpy(out->cipher, both, sizeof out->cipher);
    memcpy(out->cipher_nonce, both + sizeof out->cipher, sizeof out->cipher_nonce);

    crypto_generichash_init(&state, key.at, key.len, sizeof out->mac);
    crypto_generichash_update(&state, (const uint8_t *)for_mac, sizeof for_mac - 1);
    crypto_generichash_update(&state, nonce, NONCE_BYTES);
    crypto_generichash_final(&state, out->mac, sizeof out->mac);
    secret_close(k);
    sodium_memzero(both, sizeof both);
    sodium_memzero(&state, sizeof state);
}

static sp_error local_mac(const struct split_keys *keys, struct view nonce, struct view ciphertext,
                          struct view footer, struct view implicit, uint8_t mac[MAC_BYTES])
{
    const struct view parts[] = {view_str(header_local), nonce, ciphertext, footer, implicit};
    struct buf pae;
    sp_error e;

    buf_init(&pae, PASETO_TOKEN_MAX * 2);
    paseto_pae(&pae, parts, 5);
    if ((e = buf_error(&pae)) == SP_OK)
        crypto_generichash(mac, MAC_BYTES, pae.at, pae.len, keys->mac, sizeof keys->mac);
    buf_deinit(&pae);
    return e;
}

sp_error paseto_seal_with_nonce(const struct secret *k, const uint8_t nonce[NONCE_BYTES],
                                struct view message, struct view footer, struct view implicit,
                                struct buf *out)
{
    struct split_keys keys;
    struct buf payload;
    uint8_t mac[MAC_BYTES];
    sp_error e;

    if (secret_len(k) != PASETO_LOCAL_KEY_BYTES)
        return SP_ERR_INVALID;
    buf_init(&payload, PASETO_TOKEN_MAX);
    split_key(k, nonce, &keys);
    buf_add(&payload, (struct view){nonce, NONCE_BYTES});
    buf_add(&payload, message);
    if ((e = buf_error(&payload)) != SP_OK)
        goto out;
    crypto_stream_xchacha20_xor(payload.at + NONCE_BYTES, payload.at + NONCE_BYTES, message.len,
                                keys.cipher_nonce, keys.cipher);
    if ((e = local_mac(&keys, view_slice(buf_view(&payload), 0, NONCE_BYTES),
                       view_slice(buf_view(&payload), NONCE_BYTES, SIZE_MAX), footer, implicit,
                       mac)) != SP_OK ||
        (e = buf_append(&payload, (struct view){mac, sizeof mac})) != SP_OK)
        goto out;
    e = join(header_local, buf_view(&payload), footer, out);
out:
    buf_deinit(&payload);
    sodium_memzero(&keys, sizeof keys);
    return e;
}

sp_error paseto_seal(const struct secret *k, struct view message, struct view footer,
                     struct view implicit, struct buf *out)
{
    uint8_t nonce[NONCE_BYTES];

    randombytes_buf(nonce, sizeof nonce);
    return paseto_seal_with_nonce(k, nonce, message, footer, implicit, out);
}

/* Opens what decode() gave: nonce || ciphertext || mac. */
static sp_error open_payload(const struct secret *k, struct buf *payload, struct view footer,
                             struct view implicit, struct buf *message)
{
    struct split_keys keys;
    uint8_t mac[MAC_BYTES];
    size_t len = payload->len - NONCE_BYTES - MAC_BYTES;
    struct view all = buf_view(payload);
    sp_error e;

    split_key(k, all.at, &keys);
    e = local_mac(&keys, view_slice(all, 0, NONCE_BYTES), view_slice(all, NONCE_BYTES, len), footer,
                  implicit, mac);
    if (e == SP_OK && sodium_memcmp(mac, all.at + NONCE_BYTES + len, MAC_BYTES) != 0)
        e = SP_ERR_INTEGRITY;
    if (e == SP_OK) {
        crypto_stream_xchacha20_xor(payload->at + NONCE_BYTES, payload->at + NONCE_BYTES, len,
                                    keys.cipher_nonce, keys.cipher);
        e = buf_append(message, view_slice(all, NONCE_BYTES, len));
    }
    sodium_memzero(&keys, sizeof keys);
    return e;
}

sp_error paseto_open(const struct secret *k, struct view token, struct view implicit,
                     struct buf *message)
{
    struct buf payload, footer;
    sp_error e = decode(token, header_local, &payload, &footer);

    if (e == SP_OK && payload.len < NONCE_BYTES + MAC_BYTES)
        e = SP_ERR_MALFORMED;
    if (e == SP_OK && secret_len(k) != PASETO_LOCAL_KEY_BYTES)
        e = SP_ERR_INTEGRITY;
    if (e == SP_OK)
        e = open_payload(k, &payload, buf_view(&footer), implicit, message);
    buf_deinit(&footer);
    buf_wipe(&payload);
    return e;
}
