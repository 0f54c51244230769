/* FUZ-10, FUZ-11. First byte: what the rest is. Key sets, tokens against a fixed set, claims of an
 * ID token. */
#include "lib/crypto/jwt.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static const char fixed_set[] =
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":"
    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static void fuzz_set(struct view text)
{
    struct jwks *set = NULL;
    size_t usable = 0;

    if (jwks_parse(text, NULL, &set) != SP_OK) {
        if (set != NULL)
            abort();
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct jwk *k = &set->keys[i];
        if ((k->kind == JWK_IGNORED) != (k->ignored != NULL) ||
            (k->kind == JWK_IGNORED) != (k->algs == 0) ||
            (k->kind == JWK_RSA &&
             (k->n_len < JWK_RSA_BITS_MIN / 8 || k->n_len > JWK_RSA_BYTES_MAX)))
            abort();
        usable += k->kind != JWK_IGNORED;
    }
    if (set->count > JWKS_KEYS_MAX || set->usable != usable)
        abort();
    jwks_free(set);
}

static void fuzz_token(struct view token)
{
    static struct jwks *set;
    struct json *claims = NULL;
    struct sp_why why = {0};

    if (set == NULL && jwks_parse(view_str(fixed_set), NULL, &set) != SP_OK)
        abort();
    /* RFC 8032's first test key is public, so a found signature is no fault; claims without one
     * are. */
    if (jwt_verify(token, JWT_KIND_ID, set, JWT_ALG_ALL, &why, &claims) != SP_OK && claims != NULL)
        abort();
    json_free(claims);
}

static void fuzz_claims(struct view text)
{
    struct jwt_expect x = {.issuer = view_str("https://i"),
                           .client_id = view_str("c"),
                           .nonce = view_str("n"),
                           .now = INT64_C(1764038400000)};
    struct json *claims = NULL;
    struct sp_why why = {0};
    struct jwt_id id;

    if (json_parse(text, JWT_BYTES_MAX, NULL, &claims) != SP_OK)
        return;
    if (jwt_id_check(claims, &x, &why, &id) == SP_OK &&
        (id.subject.len == 0 || id.subject.len > JWT_SUB_MAX || id.expires <= 0 || id.issued <= 0))
        abort();
    json_free(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest;

    if (size == 0)
        return 0;
    rest = (struct view){data + 1, size - 1};
    if (data[0] == 'k')
        fuzz_set(rest);
    else if (data[0] == 't')
        fuzz_token(rest);
    else if (data[0] == 'c')
        fuzz_claims(rest);
    return 0;
}
