#include "lib/crypto/password.h"

#include <sodium.h>

enum { PASSWORD_PASSES = 3, PASSWORD_MEMORY = 64 * 1024 * 1024 };

_Static_assert(PASSWORD_HASH_TEXT >= crypto_pwhash_STRBYTES, "room for the library's text");

/* The hash of a random password that nobody kept, at today's cost: a login to an account that
 * does not exist takes as long as a wrong password. */
static const char nobody[] = "$argon2id$v=19$m=65536,t=3,p=1$c2FsbHlwb3J0LW5vYm9keQ$"
                             "YmVjYXVzZSBub2JvZHkgaGFzIHRoaXMgcGFzc3dvcmQ";

sp_error password_hash(struct view password, struct password_hash *out)
{
    struct password_hash h = {{0}};

    if (password.len == 0 || password.len > PASSWORD_BYTES_MAX)
        return SP_ERR_LIMIT;
    if (sodium_init() < 0 ||
        crypto_pwhash_str_alg(h.s, (const char *)password.at, password.len, PASSWORD_PASSES,
                              PASSWORD_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return SP_ERR_NOMEM;
    *out = h;
    return SP_OK;
}

sp_error password_verify(const char *hash, struct view password)
{
    bool known = hash != NULL && hash[0] != '\0';
    char text[crypto_pwhash_STRBYTES] = {0};
    size_t len;

    if (!known)
        hash = nobody;
    len = strlen(hash);
    if (len >= sizeof text || password.len > PASSWORD_BYTES_MAX)
        return SP_ERR_DENIED;
    memcpy(text, hash, len);
    if (sodium_init() < 0)
        return SP_ERR_NOMEM;
    if (crypto_pwhash_str_verify(text, (const char *)password.at, password.len) != 0 || !known)
        return SP_ERR_DENIED;
    return SP_OK;
}

bool password_outdated(const char *hash)
{
    char text[crypto_pwhash_STRBYTES] = {0};
    size_t len = strlen(hash);

    if (len >= sizeof text)
        return true;
    memcpy(text, hash, len);
    return crypto_pwhash_str_needs_rehash(text, PASSWORD_PASSES, PASSWORD_MEMORY) != 0;
}
