#include "lib/crypto/key.h"

#include "lib/base/encode.h"
#include "lib/crypto/p256.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"

#include <sodium.h>
#include <stdlib.h>

enum { SEED_BYTES = 32 };

/* One row a kind: its word, the length of its public half, the DER around its parts. */
static const struct {
    const char *word;
    size_t len;
} kinds[] = {[KEY_NONE] = {"", 0},
             [KEY_ED25519] = {"ed25519", crypto_sign_PUBLICKEYBYTES},
             [KEY_P256] = {"p256", P256_POINT_BYTES}};

struct key_secret {
    struct key_public pub;
    struct secret *seed; /* owned; Ed25519 seed or P-256 scalar */
    struct secret *sign; /* owned; Ed25519: libsodium's 64-byte form */
};

bool key_equal(const struct key_public *a, const struct key_public *b)
{
    return a->kind != KEY_NONE && a->kind == b->kind &&
           memcmp(a->bytes, b->bytes, kinds[a->kind].len) == 0;
}

size_t key_len(const struct key_public *k)
{
    return kinds[k->kind].len;
}

struct key_text key_text(const struct key_public *k)
{
    struct key_text text = {{0}};
    struct buf b;

    buf_init(&b, KEY_TEXT_MAX);
    if (k->kind != KEY_NONE) {
        buf_addf(&b, "%s:", kinds[k->kind].word);
        encode_base64url((struct view){k->bytes, key_len(k)}, &b);
    }
    if (buf_error(&b) == SP_OK && b.len > 0)
        memcpy(text.s, b.at, b.len);
    buf_deinit(&b);
    return text;
}

/* RFC 8032 section 5.1.3: the y coordinate is below 2^255 - 19. */
static bool ed25519_canonical(const uint8_t bytes[32])
{
    if ((bytes[31] & 0x7f) != 0x7f)
        return true;
    for (size_t i = 30; i > 0; i--)
        if (bytes[i] != 0xff)
            return true;
    return bytes[0] < 0xed;
}

/* The canonical y of the points whose order divides 8; the sign bit is masked out. A key of these
 * would verify signatures that nobody made. */
static const uint8_t small_order[][32] = {
    {0},
    {1},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

static bool ed25519_sound(const uint8_t bytes[32])
{
    uint8_t y[32];

    if (!ed25519_canonical(bytes))
        return false;
    memcpy(y, bytes, sizeof y);
    y[31] &= 0x7f;
    for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++)
        if (memcmp(y, small_order[i], sizeof y) == 0)
            return false;
    return true;
}

sp_error key_from_bytes(enum key_kind kind, struct view bytes, struct key_public *out)
{
    struct key_public k = {.kind = kind};
    uint8_t x[P256_BYTES], y[P256_BYTES];
    sp_error e = SP_OK;

    if (kind == KEY_NONE || bytes.len != kinds[kind].len)
        return SP_ERR_MALFORMED;
    memcpy(k.bytes, bytes.at, bytes.len);
    if (kind == KEY_ED25519 && !ed25519_sound(k.bytes))
        e = SP_ERR_MALFORMED;
    if (kind == KEY_P256)
        e = p256_expand(k.bytes, x, y);
    if (e == SP_OK)
        *out = k;
    return e;
}

sp_error key_parse(struct view text, struct key_public *out)
{
    for (enum key_kind kind = KEY_ED25519; kind <= KEY_P256; kind++) {
        size_t word = strlen(kinds[kind].word);
        uint8_t bytes[KEY_BYTES_MAX];

        if (text.len <= word + 1 || memcmp(text.at, kinds[kind].word, word) != 0 ||
            text.at[word] != ':')
            continue;
        if (decode_base64url_exact(view_slice(text, word + 1, SIZE_MAX), bytes, kinds[kind].len) !=
            SP_OK)
            return SP_ERR_MALFORMED;
        return key_from_bytes(kind, (struct view){bytes, kinds[kind].len}, out);
    }
    return SP_ERR_MALFORMED;
}

static struct hash text_hash(const struct key_public *k)
{
    struct key_text text = key_text(k);
    return hash_sha256(view_str(text.s));
}

struct key_kid key_kid(const struct key_public *k)
{
    struct key_kid kid = {{0}};
    struct hash h = text_hash(k);

    if (k->kind != KEY_NONE)
        sodium_bin2hex(kid.s, sizeof kid.s, h.bytes, KEY_KID_TEXT / 2);
    return kid;
}

struct key_fingerprint key_fingerprint(const struct key_public *k)
{
    struct key_fingerprint f = {{0}};
    struct hash h = text_hash(k);
    char hex[33];

    if (k->kind == KEY_NONE)
        return f;
    sodium_bin2hex(hex, sizeof hex, h.bytes, 16);
    memcpy(f.s, "SP1:", 4);
    for (size_t group = 0; group < 8; group++) {
        memcpy(f.s + 4 + group * 5, hex + group * 4, 4);
        if (group < 7)
            f.s[8 + group * 5] = '-';
    }
    return f;
}

/* RFC 8410 section 4 and RFC 5480 section 2.1.1: SubjectPublicKeyInfo up to the key's bytes. */
static const uint8_t spki_ed25519[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t spki_p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

#define ADD_BYTES(out, array) buf_add((out), (struct view){(array), sizeof(array)})

sp_error key_spki(const struct key_public *k, struct buf *out)
{
    uint8_t x[P256_BYTES], y[P256_BYTES];
    size_t before = out->len;
    sp_error e;

    if (k->kind == KEY_ED25519) {
        ADD_BYTES(out, spki_ed25519);
        buf_add(out, (struct view){k->bytes, crypto_sign_PUBLICKEYBYTES});
    } else if (k->kind == KEY_P256) {
        if ((e = p256_expand(k->bytes, x, y)) != SP_OK)
            return e;
        ADD_BYTES(out, spki_p256);
        ADD_BYTES(out, x);
        ADD_BYTES(out, y);
    } else {
        return SP_ERR_INVALID;
    }
    if ((e = buf_error(out)) != SP_OK)
        out->len = before;
    return e;
}

sp_error key_spki_hash(const struct key_public *k, struct hash *out)
{
    struct buf der;
    sp_error e;

    buf_init(&der, KEY_DER_MAX);
    if ((e = key_spki(k, &der)) == SP_OK)
        *out = hash_sha256(buf_view(&der));
    buf_deinit(&der);
    return e;
}

sp_error key_verify(const struct key_public *k, struct view message, struct view signature)
{
    if (signature.len != KEY_SIGNATURE_BYTES)
        return SP_ERR_SIGNATURE;
    if (k->kind == KEY_ED25519)
        return crypto_sign_verify_detached(signature.at, message.at, message.len, k->bytes) == 0
                   ? SP_OK
                   : SP_ERR_SIGNATURE;
    if (k->kind == KEY_P256) {
        struct hash h = hash_sha256(message);
        return p256_verify(k->bytes, h.bytes, signature.at);
    }
    return SP_ERR_SIGNATURE;
}

/* --- secret keys --- */

/* Takes nothing; the caller wipes `seed`. */
static sp_error key_of_seed(enum key_kind kind, const uint8_t seed[SEED_BYTES],
                            struct key_secret **out)
{
    struct key_secret *k;
    uint8_t sign[crypto_sign_SECRETKEYBYTES];
    sp_error e;

    if ((k = calloc(1, sizeof *k)) == NULL)
        return SP_ERR_NOMEM;
    k->pub.kind = kind;
    if (kind == KEY_ED25519) {
        crypto_sign_seed_keypair(k->pub.bytes, sign, seed);
        e = secret_new((struct view){sign, sizeof sign}, &k->sign);
        sodium_memzero(sign, sizeof sign);
    } else {
        e = p256_public(seed, k->pub.bytes);
    }
    if (e != SP_OK || (e = secret_new((struct view){seed, SEED_BYTES}, &k->seed)) != SP_OK) {
        key_secret_free(k);
        return e;
    }
    *out = k;
    return SP_OK;
}

sp_error key_secret_new(enum key_kind kind, struct key_secret **out)
{
    uint8_t seed[SEED_BYTES], point[P256_POINT_BYTES];
    sp_error e = SP_OK;

    if (kind == KEY_ED25519)
        random_bytes(seed, sizeof seed);
    else if (kind == KEY_P256)
        e = p256_new(seed, point);
    else
        return SP_ERR_INVALID;
    if (e == SP_OK)
        e = key_of_seed(kind, seed, out);
    sodium_memzero(seed, sizeof seed);
    return e;
}

void key_secret_free(struct key_secret *k)
{
    if (k == NULL)
        return;
    secret_free(k->seed);
    secret_free(k->sign);
    free(k);
}

const struct key_public *key_secret_public(const struct key_secret *k)
{
    return &k->pub;
}

sp_error key_sign(const struct key_secret *k, struct view message,
                  uint8_t signature[KEY_SIGNATURE_BYTES])
{
    sp_error e = SP_OK;

    if (k->pub.kind == KEY_ED25519) {
        struct view sk = secret_open(k->sign);
        crypto_sign_detached(signature, NULL, message.at, message.len, sk.at);
        secret_close(k->sign);
    } else {
        struct hash h = hash_sha256(message);
        struct view scalar = secret_open(k->seed);
        e = p256_sign(scalar.at, h.bytes, signature);
        secret_close(k->seed);
    }
    return e;
}

static const char file_word[] = "sallyport-secret-key-1 ";

sp_error key_secret_encode(const struct key_secret *k, struct buf *out)
{
    size_t before = out->len;
    sp_error e;

    buf_addf(out, "%s%s ", file_word, kinds[k->pub.kind].word);
    struct view seed = secret_open(k->seed);
    encode_base64url(seed, out);
    secret_close(k->seed);
    buf_add_byte(out, '\n');
    if ((e = buf_error(out)) != SP_OK)
        out->len = before;
    return e;
}

static bool take_prefix(struct view *v, const char *prefix)
{
    size_t len = strlen(prefix);

    if (v->len < len || memcmp(v->at, prefix, len) != 0)
        return false;
    *v = view_slice(*v, len, SIZE_MAX);
    return true;
}

sp_error key_secret_decode(struct view text, struct key_secret **out)
{
    enum key_kind kind = KEY_NONE;
    uint8_t seed[SEED_BYTES];
    sp_error e;

    if (!take_prefix(&text, file_word) || text.len == 0 || text.at[text.len - 1] != '\n')
        return SP_ERR_MALFORMED;
    if (take_prefix(&text, "ed25519 "))
        kind = KEY_ED25519;
    else if (take_prefix(&text, "p256 "))
        kind = KEY_P256;
    if (kind == KEY_NONE)
        return SP_ERR_MALFORMED;
    e = decode_base64url_exact(view_slice(text, 0, text.len - 1), seed, sizeof seed);
    if (e == SP_OK)
        e = key_of_seed(kind, seed, out);
    sodium_memzero(seed, sizeof seed);
    return e;
}

/* RFC 8410 section 7: PKCS#8 version 2 (RFC 5958) with the public key, as wolfSSL reads it. */
static const uint8_t pkcs8_ed25519[] = {0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06,
                                        0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t pkcs8_ed25519_public[] = {0x81, 0x21, 0x00};
/* RFC 5958 around RFC 5915 ECPrivateKey: version 0, id-ecPublicKey, prime256v1, then the key. */
static const uint8_t pkcs8_p256[] = {0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06,
                                     0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
                                     0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20};
static const uint8_t pkcs8_p256_public[] = {0xa1, 0x44, 0x03, 0x42, 0x00, 0x04};

sp_error key_secret_der(const struct key_secret *k, struct buf *out)
{
    uint8_t x[P256_BYTES], y[P256_BYTES];
    size_t before = out->len;
    sp_error e;

    if (k->pub.kind == KEY_ED25519) {
        ADD_BYTES(out, pkcs8_ed25519);
        buf_add(out, secret_open(k->seed));
        ADD_BYTES(out, pkcs8_ed25519_public);
        buf_add(out, (struct view){k->pub.bytes, crypto_sign_PUBLICKEYBYTES});
    } else {
        if ((e = p256_expand(k->pub.bytes, x, y)) != SP_OK)
            return e;
        ADD_BYTES(out, pkcs8_p256);
        buf_add(out, secret_open(k->seed));
        ADD_BYTES(out, pkcs8_p256_public);
        ADD_BYTES(out, x);
        ADD_BYTES(out, y);
    }
    secret_close(k->seed);
    if ((e = buf_error(out)) != SP_OK)
        out->len = before;
    return e;
}
