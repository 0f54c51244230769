#include "broker/store/sealed.h"
#include "lib/crypto/random.h"

enum { RANDOM_MAX = 64 };

struct slot {
    struct store *store; /* borrowed */
    const char *name;
    struct buf sealed;
    bool won, found;
    sp_error e; /* of taking the text */
};

static bool take_text(void *arg, struct view text)
{
    struct slot *s = arg;

    buf_reset(&s->sealed);
    s->e = buf_append(&s->sealed, text);
    s->found = true;
    return false;
}

static sp_error read_slot(struct slot *s)
{
    sp_error e = store_services(s->store)->logins->secret_get(s->store, s->name, take_text, s);

    return e == SP_ERR_NOT_FOUND ? SP_OK : e != SP_OK ? e : s->e;
}

static sp_error add_slot(struct store_tx *tx, void *arg)
{
    struct slot *s = arg;

    return store_services(s->store)->logins->secret_add(tx, s->name, buf_view(&s->sealed), &s->won);
}

static sp_error load(struct slot *s, const struct aead_key *key, struct view fresh, struct buf *out)
{
    struct view aad = view_str(s->name);
    sp_error e;

    if ((e = read_slot(s)) != SP_OK)
        return e;
    if (!s->found) {
        buf_reset(&s->sealed);
        if ((e = aead_seal(key, aad, fresh, &s->sealed)) != SP_OK ||
            (e = store_commit(s->store, add_slot, s)) != SP_OK ||
            (!s->won && (e = read_slot(s)) != SP_OK))
            return e;
    }
    return aead_open(key, aad, buf_view(&s->sealed), out);
}

sp_error sealed_load(struct store *store, const struct aead_key *key, const char *name,
                     struct view fresh, struct buf *out)
{
    struct slot s = {.store = store, .name = name};

    buf_init(&s.sealed, SEALED_BYTES_MAX + AEAD_OVERHEAD);
    sp_error e = load(&s, key, fresh, out);
    buf_deinit(&s.sealed);
    return e;
}

sp_error sealed_read(struct store *store, const struct aead_key *key, const char *name,
                     struct buf *out)
{
    struct slot s = {.store = store, .name = name};

    buf_init(&s.sealed, SEALED_BYTES_MAX + AEAD_OVERHEAD);
    sp_error e = read_slot(&s);
    if (e == SP_OK)
        e = s.found ? aead_open(key, view_str(name), buf_view(&s.sealed), out) : SP_ERR_NOT_FOUND;
    buf_deinit(&s.sealed);
    return e;
}

sp_error sealed_key(struct store *store, const struct aead_key *key, const char *name,
                    enum key_kind kind, struct key_secret **out)
{
    struct key_secret *made = NULL;
    struct buf fresh, text;
    sp_error e;

    buf_init(&fresh, SEALED_BYTES_MAX);
    buf_init(&text, SEALED_BYTES_MAX);
    if ((e = key_secret_new(kind, &made)) == SP_OK &&
        (e = key_secret_encode(made, &fresh)) == SP_OK &&
        (e = sealed_load(store, key, name, buf_view(&fresh), &text)) == SP_OK)
        e = key_secret_decode(buf_view(&text), out);
    key_secret_free(made);
    buf_wipe(&fresh);
    buf_wipe(&text);
    return e;
}

sp_error sealed_random(struct store *store, const struct aead_key *key, const char *name,
                       size_t len, struct secret **out)
{
    uint8_t fresh[RANDOM_MAX];
    struct buf text;
    sp_error e;

    if (len == 0 || len > sizeof fresh)
        return SP_ERR_INVALID;
    random_bytes(fresh, len);
    buf_init(&text, SEALED_BYTES_MAX);
    e = sealed_load(store, key, name, (struct view){fresh, len}, &text);
    if (e == SP_OK && text.len != len)
        e = SP_ERR_INTEGRITY;
    if (e == SP_OK)
        e = secret_new(buf_view(&text), out);
    secret_wipe(fresh, sizeof fresh);
    buf_wipe(&text);
    return e;
}
