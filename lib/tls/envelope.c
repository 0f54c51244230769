#include "lib/tls/context.h"

/*
 * The envelope: a fixed DER frame around a SubjectPublicKeyInfo. Certificates want a signature;
 * nobody checks this one, so it is a constant: the certificate stays a pure function of the key,
 * and a key in a TPM signs nothing for it.
 */
struct shape {
    enum key_kind kind;
    struct view algorithm; /* AlgorithmIdentifier of the signature */
    struct view signature; /* BIT STRING */
};

static const uint8_t ed25519_algorithm[] = {0x30, 5, 6, 3, 0x2b, 0x65, 0x70};
static const uint8_t ecdsa_algorithm[] = {0x30, 10,   6,    8,    0x2a, 0x86,
                                          0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t ed25519_signature[3 + 64] = {0x03, 65, 0};                   /* 64 zeros */
static const uint8_t ecdsa_signature[] = {0x03, 9, 0, 0x30, 6, 2, 1, 1, 2, 1, 1}; /* r = s = 1 */

#define BYTES(a)    \
    {               \
        a, sizeof a \
    }
static const struct shape shapes[] = {
    {KEY_ED25519, BYTES(ed25519_algorithm), BYTES(ed25519_signature)},
    {KEY_P256, BYTES(ecdsa_algorithm), BYTES(ecdsa_signature)},
};

/* [0] version 3; serial 1 */
static const uint8_t version_serial[] = {0xa0, 3, 2, 1, 2, 2, 1, 1};
/* CN=s */
static const uint8_t name[] = {0x30, 12, 0x31, 10, 0x30, 8, 6, 3, 0x55, 4, 3, 12, 1, 's'};
/* 1970-01-01 00:00:00 to 9999-12-31 23:59:59 */
static const uint8_t validity[] = {0x30, 32,  0x17, 13,  '7', '0',  '0', '1', '0', '1', '0', '0',
                                   '0',  '0', '0',  '0', 'Z', 0x18, 15,  '9', '9', '9', '9', '1',
                                   '2',  '3', '1',  '2', '3', '5',  '9', '5', '9', 'Z'};

/* DER: the length in its shortest form; never above 255 here. */
static size_t sequence_head(size_t len)
{
    return len < 128 ? 2 : 3;
}

static void add_sequence(struct buf *out, size_t len)
{
    buf_add_byte(out, 0x30);
    if (len >= 128)
        buf_add_byte(out, 0x81);
    buf_add_byte(out, (uint8_t)len);
}

static void add_certificate(const struct shape *s, struct view spki, struct buf *out)
{
    size_t inner =
        sizeof version_serial + s->algorithm.len + 2 * sizeof name + sizeof validity + spki.len;

    add_sequence(out, sequence_head(inner) + inner + s->algorithm.len + s->signature.len);
    add_sequence(out, inner);
    buf_add(out, (struct view){version_serial, sizeof version_serial});
    buf_add(out, s->algorithm);
    buf_add(out, (struct view){name, sizeof name});
    buf_add(out, (struct view){validity, sizeof validity});
    buf_add(out, (struct view){name, sizeof name});
    buf_add(out, spki);
    buf_add(out, s->algorithm);
    buf_add(out, s->signature);
}

sp_error tls_envelope(const struct key_public *key, struct buf *out)
{
    struct buf spki, whole;
    sp_error e = SP_ERR_UNSUPPORTED;

    buf_init(&spki, TLS_ENVELOPE_MAX);
    buf_init(&whole, TLS_ENVELOPE_MAX);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (shapes[i].kind != key->kind)
            continue;
        if ((e = key_spki(key, &spki)) == SP_OK) {
            add_certificate(&shapes[i], buf_view(&spki), &whole);
            e = buf_error(&whole);
        }
    }
    if (e == SP_OK)
        e = buf_append(out, buf_view(&whole));
    buf_deinit(&spki);
    buf_deinit(&whole);
    return e;
}

sp_error tls_pin(const struct key_public *key, uint8_t out[TLS_PIN_BYTES])
{
    struct hash h;
    sp_error e = key_spki_hash(key, &h);

    if (e == SP_OK)
        memcpy(out, h.bytes, TLS_PIN_BYTES);
    return e;
}
