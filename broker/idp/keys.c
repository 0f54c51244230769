#include "broker/idp/keys.h"
#include "broker/store/sealed.h"
#include "lib/base/encode.h"
#include "lib/crypto/paseto.h"
#include "lib/crypto/random.h"

/* The client's secret is used as text, so it is kept as text. */
static sp_error load_client(struct store *store, const struct aead_key *key, struct secret **out)
{
    uint8_t bytes[32];
    struct buf fresh, kept;
    sp_error e;

    buf_init(&fresh, SEALED_BYTES_MAX);
    buf_init(&kept, SEALED_BYTES_MAX);
    random_bytes(bytes, sizeof bytes);
    encode_base64url((struct view){bytes, sizeof bytes}, &fresh);
    if ((e = buf_error(&fresh)) == SP_OK &&
        (e = sealed_load(store, key, "idp.client", buf_view(&fresh), &kept)) == SP_OK)
        e = secret_new(buf_view(&kept), out);
    secret_wipe(bytes, sizeof bytes);
    buf_wipe(&fresh);
    buf_wipe(&kept);
    return e;
}

sp_error idp_keys_load(struct store *store, const struct secret *master, struct idp_keys *out)
{
    struct idp_keys k = {0};
    struct aead_key *key = NULL;
    sp_error e;

    if ((e = aead_key_derive(master, "idp", &key)) == SP_OK &&
        (e = sealed_key(store, key, "idp.signing", KEY_P256, &k.signing)) == SP_OK &&
        (e = sealed_random(store, key, "idp.seal", PASETO_LOCAL_KEY_BYTES, &k.seal)) == SP_OK)
        e = load_client(store, key, &k.client);
    aead_key_free(key);
    if (e != SP_OK) {
        idp_keys_deinit(&k);
        return e;
    }
    *out = k;
    return SP_OK;
}

void idp_keys_deinit(struct idp_keys *k)
{
    key_secret_free(k->signing);
    secret_free(k->seal);
    secret_free(k->client);
    *k = (struct idp_keys){0};
}
