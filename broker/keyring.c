#include "broker/keyring.h"
#include "broker/store/sealed.h"
#include "lib/base/encode.h"
#include "lib/crypto/random.h"
#include "lib/os/file.h"
#include "lib/trust/mint.h"

#include <stdlib.h>

enum { KEY_LIFE_DAYS = 3650 };

/* systemd hands the file over as a credential; else it lies in the state folder. */
static const char *master_path(struct buf *room, const char *state)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    const char *path = credentials == NULL ? NULL : file_path(room, credentials, "master.key");
    struct buf probe;

    buf_init(&probe, 256);
    if (path != NULL && file_read_secret(path, 256, &probe, NULL) != SP_OK)
        path = NULL;
    buf_wipe(&probe);
    return path != NULL ? path : file_path(room, state, "master.key");
}

static sp_error make_master(const char *path, struct sp_why *why)
{
    uint8_t bytes[KEYRING_MASTER_BYTES];
    struct buf text;
    sp_error e;

    buf_init(&text, 256);
    random_bytes(bytes, sizeof bytes);
    encode_base64url((struct view){bytes, sizeof bytes}, &text);
    buf_add_byte(&text, '\n');
    if ((e = buf_error(&text)) == SP_OK)
        e = file_create_secret(path, buf_view(&text), why);
    secret_wipe(bytes, sizeof bytes);
    buf_wipe(&text);
    return e;
}

static sp_error parse_master(struct view text, struct secret **out)
{
    uint8_t bytes[KEYRING_MASTER_BYTES];
    sp_error e;

    while (text.len > 0 && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    if ((e = decode_base64url_exact(text, bytes, sizeof bytes)) == SP_OK)
        e = secret_new((struct view){bytes, sizeof bytes}, out);
    secret_wipe(bytes, sizeof bytes);
    return e;
}

sp_error keyring_master(const char *state, bool make, struct secret **out, struct sp_why *why)
{
    struct buf room, text;
    sp_error e;

    buf_init(&room, 1024);
    buf_init(&text, 256);
    const char *path = master_path(&room, state);
    if (path == NULL)
        e = sp_why_say(why, SP_ERR_LIMIT, "the path of the state folder is too long");
    else
        e = file_read_secret(path, 256, &text, why);
    if (e == SP_ERR_NOT_FOUND && make && (e = make_master(path, why)) == SP_OK)
        e = file_read_secret(path, 256, &text, why);
    if (e == SP_OK && (e = parse_master(buf_view(&text), out)) == SP_ERR_MALFORMED)
        e = sp_why_say(why, e, "%s is no master key: 43 base64url characters are expected", path);
    buf_deinit(&room);
    buf_wipe(&text);
    return e;
}

/* What every edge gets in `hello`. The epoch rises with each rotation; there was none yet. */
static sp_error state_keys(struct keyring *k)
{
    sp_unix_ms now = clock_unix(), until = now + KEY_LIFE_DAYS * INT64_C(86400000);
    struct keyset s = {.epoch = 1,
                       .issued = now,
                       .identity = *key_secret_public(k->identity),
                       .count = 3,
                       .keys = {{KEYSET_IDENTITY, *key_secret_public(k->identity), 0, until},
                                {KEYSET_GRANT, *key_secret_public(k->grant), 0, until},
                                {KEYSET_RECORD, *key_secret_public(k->record), 0, until}}};

    return keyset_mint(&s, k->identity, NULL, &k->keys);
}

sp_error keyring_load(struct store *store, struct secret *master, struct keyring *out)
{
    struct secret *pairwise = NULL;
    struct aead_key *key = NULL;
    sp_error e;

    *out = (struct keyring){.master = master};
    buf_init(&out->keys, KEYSET_MAX);
    if ((e = aead_key_derive(master, "broker", &key)) == SP_OK &&
        (e = sealed_key(store, key, "broker.identity", KEY_ED25519, &out->identity)) == SP_OK &&
        (e = sealed_key(store, key, "broker.grant", KEY_ED25519, &out->grant)) == SP_OK &&
        (e = sealed_key(store, key, "broker.record", KEY_ED25519, &out->record)) == SP_OK &&
        (e = sealed_random(store, key, "broker.cookie", 32, &out->cookie)) == SP_OK &&
        (e = sealed_random(store, key, "broker.pairwise", 32, &pairwise)) == SP_OK)
        e = state_keys(out);
    if (e == SP_OK) {
        memcpy(out->pairwise, secret_open(pairwise).at, sizeof out->pairwise);
        secret_close(pairwise);
    }
    secret_free(pairwise);
    aead_key_free(key);
    return e;
}

void keyring_deinit(struct keyring *k)
{
    secret_free(k->master);
    key_secret_free(k->identity);
    key_secret_free(k->grant);
    key_secret_free(k->record);
    secret_free(k->cookie);
    secret_wipe(k->pairwise, sizeof k->pairwise);
    buf_deinit(&k->keys);
    *k = (struct keyring){0};
}
