#include "lib/crypto/jwt.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/rsa.h>

/* "a.b.c" and what the signature covers; the parts are still text. */
struct parts {
    struct view header, claims, signature, signed_text;
};

static bool next_part(struct view *rest, struct view *out)
{
    const uint8_t *dot = rest->len == 0 ? NULL : memchr(rest->at, '.', rest->len);
    size_t len = dot == NULL ? rest->len : (size_t)(dot - rest->at);

    *out = view_slice(*rest, 0, len);
    *rest = view_slice(*rest, dot == NULL ? len : len + 1, SIZE_MAX);
    return dot != NULL;
}

static sp_error split(struct view token, struct sp_why *why, struct parts *out)
{
    struct view rest = token;

    if (token.len > JWT_BYTES_MAX)
        return sp_why_say(why, SP_ERR_LIMIT, "the token has %zu bytes; at most %d are taken",
                          token.len, JWT_BYTES_MAX);
    if (!next_part(&rest, &out->header) || !next_part(&rest, &out->claims) ||
        next_part(&rest, &out->signature) || out->header.len == 0 || out->claims.len == 0 ||
        out->signature.len == 0)
        return sp_why_say(why, SP_ERR_MALFORMED, "the token is not three parts joined by dots");
    out->signed_text = view_slice(token, 0, out->header.len + 1 + out->claims.len);
    return SP_OK;
}

/* One base64url part as a JSON object, which the caller frees. */
static sp_error part_object(struct view text, const char *which, struct sp_why *why,
                            struct json **out)
{
    struct json *j = NULL;
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, JWT_BYTES_MAX);
    e = decode_base64url(text, &bytes);
    if (e == SP_OK)
        e = json_parse(buf_view(&bytes), JWT_BYTES_MAX, NULL, &j);
    buf_deinit(&bytes);
    if (e == SP_OK && json_kind(j) != JSON_OBJECT)
        e = SP_ERR_MALFORMED;
    if (e != SP_OK) {
        json_free(j);
        return sp_why_say(why, e == SP_ERR_NOMEM ? e : SP_ERR_MALFORMED,
                          "the token's %s is not one JSON object in strict base64url", which);
    }
    *out = j;
    return SP_OK;
}

/* What `typ` may be for each kind; "application/" may stand before it (RFC 7515 section 4.1.9). */
static bool typ_fits(enum jwt_kind kind, const struct json *typ)
{
    struct view v = json_str(typ);

    if (v.len > 12 && ascii_begins(v, "application/"))
        v = view_slice(v, 12, v.len);
    switch (kind) {
    case JWT_KIND_ID:
        return typ == NULL || ascii_is(v, "JWT");
    case JWT_KIND_ACCESS:
        return ascii_is(v, "at+jwt") || ascii_is(v, "JWT");
    case JWT_KIND_DPOP:
        return ascii_is(v, "dpop+jwt");
    default:
        return false;
    }
}

/* The header members that decide anything; all others are ignored, jku, x5u, jwk, x5c among them
 * (IDT-04). */
static sp_error check_header(const struct json *h, enum jwt_kind kind, unsigned allowed,
                             struct sp_why *why, enum jwt_alg *alg)
{
    const struct json *typ = json_get(h, "typ"), *kid = json_get(h, "kid");
    struct view name = json_str(json_get(h, "alg"));

    if (json_get(h, "crit") != NULL)
        return sp_why_say(why, SP_ERR_MALFORMED, "the token has critical header members");
    if (json_get(h, "zip") != NULL || json_get(h, "enc") != NULL || json_get(h, "cty") != NULL)
        return sp_why_say(why, SP_ERR_MALFORMED, "the token is compressed, encrypted or nested");
    if (kid != NULL && (json_kind(kid) != JSON_STRING || json_str(kid).len > JWK_KID_MAX))
        return sp_why_say(why, SP_ERR_MALFORMED, "the token's kid is no text of a usual length");
    if (!typ_fits(kind, typ))
        return sp_why_say(why, SP_ERR_INVALID, "the token's typ is not that of %s",
                          kind == JWT_KIND_ACCESS ? "an access token"
                          : kind == JWT_KIND_DPOP ? "a proof of possession"
                                                  : "an ID token");
    *alg = jwt_alg_parse(name);
    if (*alg == JWT_ALG_NONE || (*alg & allowed) == 0)
        return sp_why_say(why, SP_ERR_UNSUPPORTED,
                          "the token is signed with %.*s, which this provider may not use",
                          name.len > 16 ? 16 : (int)name.len,
                          name.len == 0 ? "" : (const char *)name.at);
    return SP_OK;
}

/* DigestInfo of SHA-256 (RFC 8017 section 9.2, note 1). */
static const uint8_t digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

static bool rsa_holds(RsaKey *key, enum jwt_alg alg, const struct hash *h, struct view signature)
{
    uint8_t plain[JWK_RSA_BYTES_MAX], want[sizeof digest_info + HASH_BYTES];
    int len;

    if (alg == JWT_PS256) {
        len = wc_RsaPSS_Verify_ex(signature.at, (word32)signature.len, plain, sizeof plain,
                                  WC_HASH_TYPE_SHA256, WC_MGF1SHA256, HASH_BYTES, key);
        return len > 0 && wc_RsaPSS_CheckPadding_ex2(h->bytes, HASH_BYTES, plain, (word32)len,
                                                     WC_HASH_TYPE_SHA256, HASH_BYTES,
                                                     wc_RsaEncryptSize(key) * 8, NULL) == 0;
    }
    memcpy(want, digest_info, sizeof digest_info);
    memcpy(want + sizeof digest_info, h->bytes, HASH_BYTES);
    len = wc_RsaSSL_Verify(signature.at, (word32)signature.len, plain, sizeof plain, key);
    return len == (int)sizeof want && memcmp(plain, want, sizeof want) == 0;
}

static bool rsa_verify(const struct jwk *k, enum jwt_alg alg, struct view text,
                       struct view signature)
{
    struct hash h = hash_sha256(text);
    RsaKey key;
    bool good = false;

    if (signature.len != k->n_len || wc_InitRsaKey(&key, NULL) != 0)
        return false;
    if (wc_RsaPublicKeyDecodeRaw(k->n, (word32)k->n_len, k->e, (word32)k->e_len, &key) == 0)
        good = rsa_holds(&key, alg, &h, signature);
    wc_FreeRsaKey(&key);
    return good;
}

sp_error jwk_verify(const struct jwk *k, enum jwt_alg alg, struct view text, struct view signature)
{
    if ((k->algs & alg) == 0)
        return SP_ERR_UNSUPPORTED; /* the algorithm is the key's (JWT-1) */
    if (k->kind == JWK_RSA)
        return rsa_verify(k, alg, text, signature) ? SP_OK : SP_ERR_SIGNATURE;
    return key_verify(&k->key, text, signature);
}

/* Why no key was left over: an ignored one, a wrong algorithm, or a kid that the set lacks. */
static sp_error no_key(const struct jwks *keys, const struct json *kid, struct sp_why *why)
{
    for (size_t i = 0; kid != NULL && i < keys->count; i++) {
        const struct jwk *k = &keys->keys[i];
        if (!view_is(json_str(kid), k->kid))
            continue;
        if (k->kind == JWK_IGNORED)
            return sp_why_say(
                why, SP_ERR_UNSUPPORTED,
                "signed with a key of a kind that Sallyport does not support (%s%s%s)", k->kty,
                k->crv[0] != '\0' ? " " : "", k->crv);
        return sp_why_say(why, SP_ERR_UNSUPPORTED,
                          "the token's algorithm does not fit the key that its kid names");
    }
    return sp_why_say(why, SP_ERR_NOT_FOUND, "the provider's key set has no key for this token");
}

/* Tries the keys that kid and alg leave over (IDT-05). `kid` NULL: the token names none. */
static sp_error check_signature(const struct jwks *keys, const struct json *kid, enum jwt_alg alg,
                                struct view text, struct view signature, struct sp_why *why)
{
    bool tried = false;

    for (size_t i = 0; i < keys->count; i++) {
        const struct jwk *k = &keys->keys[i];
        if ((k->algs & alg) == 0 || (kid != NULL && !view_is(json_str(kid), k->kid)))
            continue;
        if (jwk_verify(k, alg, text, signature) == SP_OK)
            return SP_OK;
        tried = true;
    }
    if (!tried)
        return no_key(keys, kid, why);
    return sp_why_say(why, SP_ERR_SIGNATURE, "the token's signature does not match");
}

/* A token whose form and header were judged; close_token gives all of it back. */
struct opened {
    struct parts parts;
    struct json *header;
    struct buf signature;
    enum jwt_alg alg;
};

static sp_error open_token(struct view token, enum jwt_kind kind, unsigned allowed,
                           struct sp_why *why, struct opened *o)
{
    sp_error e;

    *o = (struct opened){.alg = JWT_ALG_NONE};
    buf_init(&o->signature, JWT_BYTES_MAX);
    if ((e = split(token, why, &o->parts)) != SP_OK ||
        (e = part_object(o->parts.header, "header", why, &o->header)) != SP_OK ||
        (e = check_header(o->header, kind, allowed, why, &o->alg)) != SP_OK)
        return e;
    if ((e = decode_base64url(o->parts.signature, &o->signature)) != SP_OK)
        return sp_why_say(why, e, "the token's signature is not strict base64url");
    return SP_OK;
}

static void close_token(struct opened *o)
{
    buf_deinit(&o->signature);
    json_free(o->header);
}

sp_error jwt_verify(struct view token, enum jwt_kind kind, const struct jwks *keys,
                    unsigned allowed, struct sp_why *why, struct json **claims)
{
    struct opened o;
    sp_error e = open_token(token, kind, allowed, why, &o);

    if (e == SP_OK &&
        (e = check_signature(keys, json_get(o.header, "kid"), o.alg, o.parts.signed_text,
                             buf_view(&o.signature), why)) == SP_OK)
        e = part_object(o.parts.claims, "body", why, claims);
    close_token(&o);
    return e;
}

sp_error jwt_verify_own(struct view token, enum jwt_kind kind, unsigned allowed, struct sp_why *why,
                        struct hash *thumbprint, struct json **claims)
{
    struct jwks *own = NULL;
    struct hash name;
    struct opened o;
    sp_error e = open_token(token, kind, allowed, why, &o);

    /* The kid names a key of somebody's set; here there is only the one. */
    if (e == SP_OK && (e = jwks_of_one(json_get(o.header, "jwk"), why, &own)) == SP_OK &&
        (e = check_signature(own, NULL, o.alg, o.parts.signed_text, buf_view(&o.signature), why)) ==
            SP_OK &&
        (e = jwk_thumbprint(&own->keys[0], &name)) == SP_OK &&
        (e = part_object(o.parts.claims, "body", why, claims)) == SP_OK)
        *thumbprint = name;
    jwks_free(own);
    close_token(&o);
    return e;
}

sp_error jwt_unverified_issuer(struct view token, struct sp_why *why, struct buf *out)
{
    struct json *claims = NULL;
    struct parts p;
    sp_error e;

    if ((e = split(token, why, &p)) != SP_OK ||
        (e = part_object(p.claims, "body", why, &claims)) != SP_OK)
        return e;
    if (json_kind(json_get(claims, "iss")) != JSON_STRING)
        e = sp_why_say(why, SP_ERR_NOT_FOUND, "the token names no issuer (iss)");
    else
        e = buf_append(out, json_str(json_get(claims, "iss")));
    json_free(claims);
    return e;
}

void jwt_half_hash(struct view token, struct buf *out)
{
    struct hash h = hash_sha256(token);
    encode_base64url((struct view){h.bytes, HASH_BYTES / 2}, out);
}

sp_error jwt_sign(const struct key_secret *k, const char *kid, const struct json *claims,
                  struct buf *out)
{
    bool ec = key_secret_public(k)->kind == KEY_P256;
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct json *header = json_object();
    struct buf text;
    size_t before = out->len;
    sp_error e;

    buf_init(&text, JWT_BYTES_MAX);
    json_set_cstr(header, "alg", ec ? "ES256" : "EdDSA");
    json_set_cstr(header, "kid", kid);
    json_set_cstr(header, "typ", "JWT");
    if ((e = json_write(header, &text)) != SP_OK)
        goto out;
    encode_base64url(buf_view(&text), out);
    buf_add_byte(out, '.');
    buf_reset(&text);
    if ((e = json_write(claims, &text)) != SP_OK)
        goto out;
    encode_base64url(buf_view(&text), out);
    if ((e = buf_error(out)) != SP_OK ||
        (e = key_sign(k, view_slice(buf_view(out), before, SIZE_MAX), signature)) != SP_OK)
        goto out;
    buf_add_byte(out, '.');
    encode_base64url((struct view){signature, sizeof signature}, out);
    e = buf_error(out);
out:
    if (e != SP_OK)
        out->len = before;
    json_free(header);
    buf_deinit(&text);
    return e;
}
