#include "lib/crypto/jwk.h"

#include "lib/base/encode.h"
#include "lib/crypto/p256.h"

#include <stdlib.h>

static const struct {
    const char *name;
    enum jwt_alg alg;
} algs[] = {{"RS256", JWT_RS256}, {"PS256", JWT_PS256}, {"ES256", JWT_ES256}, {"EdDSA", JWT_EDDSA}};

enum jwt_alg jwt_alg_parse(struct view name)
{
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (view_is(name, algs[i].name))
            return algs[i].alg;
    return JWT_ALG_NONE;
}

const char *jwt_alg_name(enum jwt_alg alg)
{
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (alg == algs[i].alg)
            return algs[i].name;
    return "none";
}

/* A text member into a fixed array; "" when missing, too long or of another type. */
static void copy_text(const struct json *entry, const char *name, char *out, size_t size)
{
    struct view v = json_str(json_get(entry, name));

    out[0] = '\0';
    if (v.len > 0 && v.len < size) {
        memcpy(out, v.at, v.len);
        out[v.len] = '\0';
    }
}

/* Each reader gives NULL and fills the key, or the reason to ignore the entry. */
typedef const char *reader(const struct json *entry, struct jwk *k);

static const char *read_rsa(const struct json *entry, struct jwk *k)
{
    struct buf n, e;
    const char *why = NULL;

    buf_init(&n, JWK_RSA_BYTES_MAX);
    buf_init(&e, sizeof k->e);
    if (decode_base64url(json_str(json_get(entry, "n")), &n) != SP_OK || n.len == 0 ||
        decode_base64url(json_str(json_get(entry, "e")), &e) != SP_OK || e.len == 0 ||
        n.at[0] == 0 || e.at[0] == 0) /* RFC 7518 section 2: the fewest octets */
        why = "modulus or exponent is missing, too long or malformed";
    else if (n.len * 8 - (size_t)(__builtin_clz(n.at[0]) - 24) < JWK_RSA_BITS_MIN)
        why = "RSA key shorter than 2048 bits";
    else if ((e.at[e.len - 1] & 1) == 0 || (e.len == 1 && e.at[0] < 3))
        why = "RSA exponent is even or 1";
    if (why == NULL) {
        memcpy(k->e, e.at, e.len);
        k->e_len = e.len;
        k->n_len = n.len;
        k->n = n.at; /* moves */
        n = (struct buf){0};
        k->kind = JWK_RSA;
        k->algs = JWT_RS256 | JWT_PS256;
    }
    buf_deinit(&n);
    buf_deinit(&e);
    return why;
}

static const char *read_ec(const struct json *entry, struct jwk *k)
{
    uint8_t x[P256_BYTES], y[P256_BYTES];

    if (strcmp(k->crv, "P-256") != 0)
        return "curve is not supported";
    if (decode_base64url_exact(json_str(json_get(entry, "x")), x, sizeof x) != SP_OK ||
        decode_base64url_exact(json_str(json_get(entry, "y")), y, sizeof y) != SP_OK ||
        p256_compress(x, y, k->key.bytes) != SP_OK)
        return "not a point of P-256";
    k->key.kind = KEY_P256;
    k->kind = JWK_P256;
    k->algs = JWT_ES256;
    return NULL;
}

static const char *read_okp(const struct json *entry, struct jwk *k)
{
    uint8_t x[32];

    if (strcmp(k->crv, "Ed25519") != 0)
        return "curve is not supported";
    if (decode_base64url_exact(json_str(json_get(entry, "x")), x, sizeof x) != SP_OK ||
        key_from_bytes(KEY_ED25519, (struct view){x, sizeof x}, &k->key) != SP_OK)
        return "not an Ed25519 public key";
    k->kind = JWK_ED25519;
    k->algs = JWT_EDDSA;
    return NULL;
}

static const struct {
    const char *kty;
    reader *read;
} types[] = {{"RSA", read_rsa}, {"EC", read_ec}, {"OKP", read_okp}};

/* `use`, `key_ops` and `alg` say that it does not verify signatures, or only some. */
static const char *narrow(const struct json *entry, struct jwk *k)
{
    const struct json *use = json_get(entry, "use"), *ops = json_get(entry, "key_ops");
    const struct json *alg = json_get(entry, "alg");
    bool verifies = false;

    if (use != NULL && !view_is(json_str(use), "sig"))
        return "not for signatures";
    for (size_t i = 0; i < json_len(ops) && json_kind(ops) == JSON_ARRAY; i++)
        verifies = verifies || view_is(json_str(json_at(ops, i)), "verify");
    if (ops != NULL && !verifies)
        return "not for verifying";
    if (alg == NULL)
        return NULL;
    if (view_is(json_str(alg), "Ed25519")) /* RFC 9864's word for EdDSA with this curve */
        k->algs &= JWT_EDDSA;
    else
        k->algs &= (unsigned)jwt_alg_parse(json_str(alg));
    return k->algs == 0 ? "algorithm is not supported" : NULL;
}

static void read_entry(const struct json *entry, struct jwk *k)
{
    const char *why = "type is not supported";

    if (json_kind(entry) != JSON_OBJECT) {
        k->ignored = "not an object";
        return;
    }
    copy_text(entry, "kid", k->kid, sizeof k->kid);
    copy_text(entry, "kty", k->kty, sizeof k->kty);
    copy_text(entry, "crv", k->crv, sizeof k->crv);
    if (json_get(entry, "kid") != NULL && k->kid[0] == '\0') {
        k->ignored = "kid is no text, empty or too long";
        return;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(k->kty, types[i].kty) == 0 && (why = types[i].read(entry, k)) == NULL)
            why = narrow(entry, k);
    if (why != NULL) {
        k->kind = JWK_IGNORED;
        k->algs = 0;
        k->ignored = why;
    }
}

sp_error jwks_parse(struct view text, struct sp_why *why, struct jwks **out)
{
    struct json *root = NULL;
    struct jwks *s = NULL;
    const struct json *list;
    sp_error e = json_parse(text, JWKS_BYTES_MAX, why, &root);

    if (e != SP_OK)
        return e;
    list = json_get(root, "keys");
    if (json_kind(list) != JSON_ARRAY) {
        e = sp_why_say(why, SP_ERR_MALFORMED, "the key set has no list named keys");
        goto out;
    }
    if (json_len(list) > JWKS_KEYS_MAX) {
        e = sp_why_say(why, SP_ERR_LIMIT, "the key set has %zu keys; at most %d are read",
                       json_len(list), JWKS_KEYS_MAX);
        goto out;
    }
    e = SP_ERR_NOMEM;
    if ((s = calloc(1, sizeof *s)) == NULL ||
        (s->keys = calloc(json_len(list) + 1, sizeof *s->keys)) == NULL)
        goto out;
    for (size_t i = 0; i < json_len(list); i++) {
        struct jwk *k = &s->keys[s->count++];
        read_entry(json_at(list, i), k);
        s->usable += k->kind != JWK_IGNORED;
    }
    *out = s;
    s = NULL;
    e = SP_OK;
out:
    jwks_free(s);
    json_free(root);
    return e;
}

sp_error jwks_of_one(const struct json *entry, struct sp_why *why, struct jwks **out)
{
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    struct jwks *s;

    if (json_kind(entry) != JSON_OBJECT)
        return sp_why_say(why, SP_ERR_MALFORMED, "the proof carries no key (jwk)");
    for (size_t i = 0; i < sizeof private_members / sizeof private_members[0]; i++) {
        if (json_get(entry, private_members[i]) != NULL)
            return sp_why_say(why, SP_ERR_MALFORMED, "the proof carries a private key");
    }
    if ((s = calloc(1, sizeof *s)) == NULL || (s->keys = calloc(1, sizeof *s->keys)) == NULL) {
        jwks_free(s);
        return SP_ERR_NOMEM;
    }
    s->count = 1;
    read_entry(entry, &s->keys[0]);
    if (s->keys[0].kind == JWK_IGNORED) {
        sp_error e = sp_why_say(why, SP_ERR_UNSUPPORTED, "the proof's key: %s", s->keys[0].ignored);
        jwks_free(s);
        return e;
    }
    s->usable = 1;
    *out = s;
    return SP_OK;
}

void jwks_free(struct jwks *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        free(s->keys[i].n);
    free(s->keys);
    free(s);
}

void jwks_warning(const struct jwks *s, struct buf *out)
{
    const char *before = "ignored keys of the provider's set: ";

    for (size_t i = 0; i < s->count; i++) {
        const struct jwk *k = &s->keys[i];
        if (k->kind != JWK_IGNORED)
            continue;
        buf_add_str(out, before);
        encode_visible(view_str(k->kid[0] != '\0' ? k->kid : "(no kid)"), out);
        buf_add_str(out, " (");
        if (k->kty[0] != '\0') {
            encode_visible(view_str(k->kty), out);
            buf_add_str(out, k->crv[0] != '\0' ? " " : "");
            encode_visible(view_str(k->crv), out);
            buf_add_str(out, ": ");
        }
        buf_addf(out, "%s)", k->ignored);
        before = ", ";
    }
}

/* The required members alone, in the order of their names, without blanks (RFC 7638 section 3). */
sp_error jwk_thumbprint(const struct jwk *k, struct hash *out)
{
    uint8_t x[P256_BYTES], y[P256_BYTES];
    struct buf text;
    sp_error e = SP_OK;

    buf_init(&text, 2 * JWK_RSA_BYTES_MAX);
    if (k->kind == JWK_RSA) {
        buf_add_str(&text, "{\"e\":\"");
        encode_base64url((struct view){k->e, k->e_len}, &text);
        buf_add_str(&text, "\",\"kty\":\"RSA\",\"n\":\"");
        encode_base64url((struct view){k->n, k->n_len}, &text);
    } else if (k->kind == JWK_P256 && (e = p256_expand(k->key.bytes, x, y)) == SP_OK) {
        buf_add_str(&text, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
        encode_base64url((struct view){x, sizeof x}, &text);
        buf_add_str(&text, "\",\"y\":\"");
        encode_base64url((struct view){y, sizeof y}, &text);
    } else if (k->kind == JWK_ED25519) {
        buf_add_str(&text, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
        encode_base64url((struct view){k->key.bytes, 32}, &text);
    } else {
        e = SP_ERR_INVALID;
    }
    buf_add_str(&text, "\"}");
    if (e == SP_OK && (e = buf_error(&text)) == SP_OK)
        *out = hash_sha256(buf_view(&text));
    buf_deinit(&text);
    return e;
}

static struct json *write_key(const struct key_public *k, const char *kid)
{
    struct json *j = json_object();
    uint8_t x[P256_BYTES], y[P256_BYTES];

    if (k->kind == KEY_P256 && p256_expand(k->bytes, x, y) == SP_OK) {
        json_set_cstr(j, "kty", "EC");
        json_set_cstr(j, "crv", "P-256");
        json_set_base64url(j, "x", (struct view){x, sizeof x});
        json_set_base64url(j, "y", (struct view){y, sizeof y});
        json_set_cstr(j, "alg", "ES256");
    } else if (k->kind == KEY_ED25519) {
        json_set_cstr(j, "kty", "OKP");
        json_set_cstr(j, "crv", "Ed25519");
        json_set_base64url(j, "x", (struct view){k->bytes, 32});
        json_set_cstr(j, "alg", "EdDSA");
    }
    json_set_cstr(j, "use", "sig");
    json_set_cstr(j, "kid", kid);
    return j;
}

sp_error jwks_write(const struct key_public *keys, const char *const kids[], size_t count,
                    struct buf *out)
{
    struct json *root = json_object(), *list = json_array();
    sp_error e;

    for (size_t i = 0; i < count; i++)
        json_push(list, write_key(&keys[i], kids[i]));
    json_set(root, "keys", list);
    e = json_write(root, out);
    json_free(root);
    return e;
}
