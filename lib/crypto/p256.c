#include "lib/crypto/p256.h"

#include "lib/crypto/secret.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

/* SEC 2, section 2.4.2; big-endian. */
static const uint8_t prime[P256_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t order[P256_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const uint8_t curve_b[P256_BYTES] = {
    0x5a, 0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7, 0xb3, 0xeb, 0xbd, 0x55, 0x76, 0x98, 0x86, 0xbc,
    0x65, 0x1d, 0x06, 0xb0, 0xcc, 0x53, 0xb0, 0xf6, 0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b};
/* (p + 1) / 4: p is 3 modulo 4, so a square's root is its power. */
static const uint8_t root_power[P256_BYTES] = {
    0x3f, 0xff, 0xff, 0xff, 0xc0, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

static bool below(const uint8_t n[P256_BYTES], const uint8_t limit[P256_BYTES])
{
    return memcmp(n, limit, P256_BYTES) < 0; /* on public numbers only, or once at a key's birth */
}

static bool is_zero(const uint8_t n[P256_BYTES])
{
    static const uint8_t zero[P256_BYTES];
    return memcmp(n, zero, P256_BYTES) == 0;
}

/* out = x^3 - 3x + b mod p. */
static int right_side(mp_int *x, mp_int *p, mp_int *out)
{
    mp_int t, b;
    int bad = mp_init_multi(&t, &b, NULL, NULL, NULL, NULL) != MP_OKAY ||
              mp_read_unsigned_bin(&b, curve_b, P256_BYTES) != MP_OKAY ||
              mp_sqrmod(x, p, out) != MP_OKAY || mp_mulmod(out, x, p, out) != MP_OKAY ||
              mp_addmod(x, x, p, &t) != MP_OKAY || mp_addmod(&t, x, p, &t) != MP_OKAY ||
              mp_submod(out, &t, p, out) != MP_OKAY || mp_addmod(out, &b, p, out) != MP_OKAY;
    return bad;
}

sp_error p256_expand(const uint8_t point[P256_POINT_BYTES], uint8_t x[P256_BYTES],
                     uint8_t y[P256_BYTES])
{
    mp_int p, px, rhs, root, square, power;
    uint8_t y_bytes[P256_BYTES];

    if ((point[0] != 2 && point[0] != 3) || !below(point + 1, prime))
        return SP_ERR_MALFORMED;
    if (mp_init_multi(&p, &px, &rhs, &root, &square, &power) != MP_OKAY ||
        mp_read_unsigned_bin(&p, prime, P256_BYTES) != MP_OKAY ||
        mp_read_unsigned_bin(&power, root_power, P256_BYTES) != MP_OKAY ||
        mp_read_unsigned_bin(&px, point + 1, P256_BYTES) != MP_OKAY ||
        right_side(&px, &p, &rhs) != 0 || mp_exptmod(&rhs, &power, &p, &root) != MP_OKAY ||
        mp_sqrmod(&root, &p, &square) != MP_OKAY)
        return SP_ERR_INTERNAL;
    if (mp_cmp(&square, &rhs) != MP_EQ) /* not a square: no such point */
        return SP_ERR_MALFORMED;
    if (mp_isodd(&root) != (point[0] & 1)) {
        if (mp_iszero(&root)) /* y = 0 has only the even spelling (and no such point exists) */
            return SP_ERR_MALFORMED;
        if (mp_sub(&p, &root, &root) != MP_OKAY)
            return SP_ERR_INTERNAL;
    }
    if (mp_to_unsigned_bin_len(&root, y_bytes, P256_BYTES) != MP_OKAY)
        return SP_ERR_INTERNAL;
    memcpy(x, point + 1, P256_BYTES);
    memcpy(y, y_bytes, P256_BYTES);
    return SP_OK;
}

sp_error p256_compress(const uint8_t x[P256_BYTES], const uint8_t y[P256_BYTES],
                       uint8_t point[P256_POINT_BYTES])
{
    uint8_t candidate[P256_POINT_BYTES], x2[P256_BYTES], y2[P256_BYTES];
    sp_error e;

    candidate[0] = 2 | (y[P256_BYTES - 1] & 1);
    memcpy(candidate + 1, x, P256_BYTES);
    if ((e = p256_expand(candidate, x2, y2)) != SP_OK)
        return e;
    if (memcmp(y, y2, P256_BYTES) != 0) /* the one y of this parity is another: off the curve */
        return SP_ERR_MALFORMED;
    memcpy(point, candidate, P256_POINT_BYTES);
    return SP_OK;
}

/* Takes an initialised key with its public point and writes it compressed. */
static sp_error export_point(ecc_key *key, uint8_t point[P256_POINT_BYTES])
{
    uint8_t x[P256_BYTES], y[P256_BYTES];
    word32 x_len = sizeof x, y_len = sizeof y;

    if (wc_ecc_export_public_raw(key, x, &x_len, y, &y_len) != 0 || x_len != sizeof x ||
        y_len != sizeof y)
        return SP_ERR_INTERNAL;
    return p256_compress(x, y, point);
}

sp_error p256_new(uint8_t scalar[P256_BYTES], uint8_t point[P256_POINT_BYTES])
{
    uint8_t secret[P256_BYTES];
    word32 len = sizeof secret;
    ecc_key key;
    WC_RNG rng;
    sp_error e = SP_ERR_INTERNAL;

    if (wc_InitRng(&rng) != 0)
        return e;
    if (wc_ecc_init(&key) == 0) {
        if (wc_ecc_make_key_ex(&rng, P256_BYTES, &key, ECC_SECP256R1) == 0 &&
            wc_ecc_export_private_only(&key, secret, &len) == 0 && len == sizeof secret &&
            (e = export_point(&key, point)) == SP_OK)
            memcpy(scalar, secret, sizeof secret);
        wc_ecc_free(&key);
    }
    secret_wipe(secret, sizeof secret);
    wc_FreeRng(&rng);
    return e;
}

/* An initialised key from the scalar alone; wc_ecc_free it on SP_OK. */
static sp_error import_scalar(const uint8_t scalar[P256_BYTES], ecc_key *key)
{
    if (is_zero(scalar) || !below(scalar, order))
        return SP_ERR_MALFORMED;
    if (wc_ecc_init(key) != 0)
        return SP_ERR_INTERNAL;
    if (wc_ecc_import_private_key_ex(scalar, P256_BYTES, NULL, 0, key, ECC_SECP256R1) != 0) {
        wc_ecc_free(key);
        return SP_ERR_MALFORMED;
    }
    return SP_OK;
}

sp_error p256_public(const uint8_t scalar[P256_BYTES], uint8_t point[P256_POINT_BYTES])
{
    ecc_key key;
    WC_RNG rng;
    sp_error e;

    if ((e = import_scalar(scalar, &key)) != SP_OK)
        return e;
    e = SP_ERR_INTERNAL;
    if (wc_InitRng(&rng) == 0) { /* blinds the multiplication */
        if (wc_ecc_make_pub_ex(&key, NULL, &rng) == 0)
            e = export_point(&key, point);
        wc_FreeRng(&rng);
    }
    wc_ecc_free(&key);
    return e;
}

sp_error p256_sign(const uint8_t scalar[P256_BYTES], const uint8_t sha256[32],
                   uint8_t signature[P256_SIGNATURE_BYTES])
{
    ecc_key key;
    WC_RNG rng;
    mp_int r, s;
    sp_error e;

    if ((e = import_scalar(scalar, &key)) != SP_OK)
        return e;
    e = SP_ERR_INTERNAL;
    if (wc_InitRng(&rng) == 0) {
        if (mp_init_multi(&r, &s, NULL, NULL, NULL, NULL) == MP_OKAY &&
            wc_ecc_sign_hash_ex(sha256, 32, &rng, &key, &r, &s) == 0 &&
            mp_to_unsigned_bin_len(&r, signature, P256_BYTES) == MP_OKAY &&
            mp_to_unsigned_bin_len(&s, signature + P256_BYTES, P256_BYTES) == MP_OKAY)
            e = SP_OK;
        wc_FreeRng(&rng);
    }
    wc_ecc_free(&key);
    return e;
}

sp_error p256_verify(const uint8_t point[P256_POINT_BYTES], const uint8_t sha256[32],
                     const uint8_t signature[P256_SIGNATURE_BYTES])
{
    const uint8_t *r_bytes = signature, *s_bytes = signature + P256_BYTES;
    uint8_t x[P256_BYTES], y[P256_BYTES];
    ecc_key key;
    mp_int r, s;
    int good = 0;
    sp_error e = SP_ERR_SIGNATURE;

    if (is_zero(r_bytes) || is_zero(s_bytes) || !below(r_bytes, order) || !below(s_bytes, order) ||
        p256_expand(point, x, y) != SP_OK)
        return e;
    if (wc_ecc_init(&key) != 0)
        return SP_ERR_INTERNAL;
    if (wc_ecc_import_unsigned(&key, x, y, NULL, ECC_SECP256R1) == 0 &&
        mp_init_multi(&r, &s, NULL, NULL, NULL, NULL) == MP_OKAY &&
        mp_read_unsigned_bin(&r, r_bytes, P256_BYTES) == MP_OKAY &&
        mp_read_unsigned_bin(&s, s_bytes, P256_BYTES) == MP_OKAY &&
        wc_ecc_verify_hash_ex(&r, &s, sha256, 32, &good, &key) == 0 && good == 1)
        e = SP_OK;
    wc_ecc_free(&key);
    return e;
}
