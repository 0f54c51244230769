#include "broker/idp/keys.h"
#include "lib/base/encode.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/paseto.h"
#include "lib/crypto/random.h"

enum { SEALED_MAX = 1024 };

struct slot {
    struct store *store;        /* borrowed */
    const struct aead_key *key; /* borrowed */
    const char *name;
    struct buf sealed;
    bool won, found;
    sp_error e;
};

static bool take_text(void *arg, struct view text)
{
    struct slot *s = arg;

    buf_reset(&s->sealed);
    s->e = buf_append(&s->sealed, text);
    s->found = true;
    return false;
}

static sp_error add(struct store_tx *tx, void *arg)
{
    struct slot *s = arg;

    return store_services(s->store)->logins->secret_add(tx, s->name, buf_view(&s->sealed), &s->won);
}

/* The stored blob, if there is one, into s->sealed. */
static sp_error read_slot(struct slot *s)
{
    sp_error e = store_services(s->store)->logins->secret_get(s->store, s->name, take_text, s);

    return e == SP_ERR_NOT_FOUND ? SP_OK : e != SP_OK ? e : s->e;
}

/* Appends the secret named s->name to `out`; where there is none yet, `fresh` becomes it, unless
 * another broker's came first. */
static sp_error load_or_add(struct slot *s, struct view fresh, struct buf *out)
{
    struct view aad = view_str(s->name);
    sp_error e;

    if ((e = read_slot(s)) != SP_OK)
        return e;
    if (!s->found) {
        buf_reset(&s->sealed);
        if ((e = aead_seal(s->key, aad, fresh, &s->sealed)) != SP_OK ||
            (e = store_commit(s->store, add, s)) != SP_OK ||
            (!s->won && (e = read_slot(s)) != SP_OK))
            return e;
    }
    return aead_open(s->key, aad, buf_view(&s->sealed), out);
}

static sp_error load_one(struct store *store, const struct aead_key *key, const char *name,
                         struct view fresh, struct buf *out)
{
    struct slot s = {.store = store, .key = key, .name = name};

    buf_init(&s.sealed, SEALED_MAX);
    sp_error e = load_or_add(&s, fresh, out);
    buf_deinit(&s.sealed);
    return e;
}

static sp_error load_signing(struct store *store, const struct aead_key *key, struct idp_keys *k)
{
    struct key_secret *made = NULL;
    struct buf fresh, text;
    sp_error e;

    buf_init(&fresh, SEALED_MAX);
    buf_init(&text, SEALED_MAX);
    if ((e = key_secret_new(KEY_P256, &made)) == SP_OK &&
        (e = key_secret_encode(made, &fresh)) == SP_OK &&
        (e = load_one(store, key, "idp.signing", buf_view(&fresh), &text)) == SP_OK)
        e = key_secret_decode(buf_view(&text), &k->signing);
    key_secret_free(made);
    buf_wipe(&fresh);
    buf_wipe(&text);
    return e;
}

/* 32 random bytes, kept as they are or as their base64url text. */
static sp_error load_random(struct store *store, const struct aead_key *key, const char *name,
                            bool as_text, struct secret **out)
{
    uint8_t bytes[PASETO_LOCAL_KEY_BYTES];
    struct buf fresh, kept;
    sp_error e;

    buf_init(&fresh, SEALED_MAX);
    buf_init(&kept, SEALED_MAX);
    random_bytes(bytes, sizeof bytes);
    if (as_text)
        encode_base64url((struct view){bytes, sizeof bytes}, &fresh);
    else
        buf_add(&fresh, (struct view){bytes, sizeof bytes});
    if ((e = buf_error(&fresh)) == SP_OK &&
        (e = load_one(store, key, name, buf_view(&fresh), &kept)) == SP_OK)
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
        (e = load_signing(store, key, &k)) == SP_OK &&
        (e = load_random(store, key, "idp.seal", false, &k.seal)) == SP_OK)
        e = load_random(store, key, "idp.client", true, &k.client);
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
