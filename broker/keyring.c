#include "broker/keyring.h"
#include "broker/audit/chain.h"
#include "broker/store/sealed.h"
#include "lib/base/encode.h"
#include "lib/base/json.h"
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

/* ---- the keys and their times ------------------------------------------------------------- */

static const struct {
    const char *word, *name, *old;
} rows[KEYRING_KEYS] = {
    [KEYRING_IDENTITY] = {"identity", "broker.identity", "broker.identity.old"},
    [KEYRING_GRANT] = {"grant", "broker.grant", "broker.grant.old"},
    [KEYRING_RECORD] = {"record", "broker.record", "broker.record.old"},
    [KEYRING_COOKIE] = {"cookie", "broker.cookie", "broker.cookie.old"},
};
static const char times_name[] = "broker.rotation";

enum { TIMES_MAX = 512, COOKIE_BYTES = 32 };
#define OLD_MS (INT64_C(10) * 60 * 1000)
#define OLD_IDENTITY_MS (INT64_C(90) * 86400000)

const char *keyring_word(enum keyring_key k)
{
    return rows[k].word;
}

sp_error keyring_parse(struct view word, enum keyring_key *out)
{
    for (enum keyring_key k = 0; k < KEYRING_KEYS; k++)
        if (view_is(word, rows[k].word)) {
            *out = k;
            return SP_OK;
        }
    return SP_ERR_NOT_FOUND;
}

static sp_error read_times(struct view text, struct keyring_times *out)
{
    struct json *j = NULL;
    sp_error e = json_parse(text, TIMES_MAX, NULL, &j);

    if (e == SP_OK)
        e = json_get_int(j, "epoch", 1, INT64_MAX, &out->epoch);
    for (enum keyring_key k = 0; e == SP_OK && k < KEYRING_KEYS; k++) {
        const struct json *row = json_get(j, rows[k].word);
        if ((e = json_get_int(row, "since", 0, INT64_MAX, &out->since[k])) == SP_OK)
            e = json_get_int(row, "old_until", 0, INT64_MAX, &out->old_until[k]);
    }
    out->sign_records = json_is_true(json_get(j, "sign_records"));
    json_free(j);
    return e;
}

static sp_error write_times(const struct keyring_times *t, struct buf *out)
{
    struct json *j = json_object();

    json_set_int(j, "epoch", t->epoch);
    for (enum keyring_key k = 0; k < KEYRING_KEYS; k++) {
        struct json *row = json_object();
        json_set_int(row, "since", t->since[k]);
        json_set_int(row, "old_until", t->old_until[k]);
        json_set(j, rows[k].word, row);
    }
    json_set_bool(j, "sign_records", t->sign_records);
    sp_error e = json_write(j, out);
    json_free(j);
    return e;
}

static sp_error load_times(struct store *store, const struct aead_key *key,
                           struct keyring_times *out)
{
    struct buf text;
    sp_error e;

    *out = (struct keyring_times){.epoch = 1};
    buf_init(&text, TIMES_MAX);
    if ((e = sealed_read(store, key, times_name, &text)) == SP_OK)
        e = read_times(buf_view(&text), out);
    else if (e == SP_ERR_NOT_FOUND) /* nothing was ever rotated */
        e = SP_OK;
    buf_deinit(&text);
    return e;
}

/* ---- loading ------------------------------------------------------------------------------ */

/* What every edge gets in `hello`. */
static sp_error state_keys(struct keyring *k, sp_unix_ms now)
{
    const struct {
        enum keyset_purpose purpose;
        enum keyring_key key;
        const struct key_secret *fresh, *old;
    } all[] = {{KEYSET_GRANT, KEYRING_GRANT, k->grant, k->grant_old},
               {KEYSET_RECORD, KEYRING_RECORD, k->record, k->record_old}};
    sp_unix_ms until = now + KEY_LIFE_DAYS * INT64_C(86400000);
    struct keyset s = {.epoch = k->times.epoch,
                       .issued = now,
                       .identity = *key_secret_public(k->identity),
                       .count = 1,
                       .keys = {{KEYSET_IDENTITY, *key_secret_public(k->identity), 0, until}}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        s.keys[s.count++] =
            (struct keyset_key){all[i].purpose, *key_secret_public(all[i].fresh), 0, until};
        if (all[i].old != NULL)
            s.keys[s.count++] = (struct keyset_key){all[i].purpose, *key_secret_public(all[i].old),
                                                    0, k->times.old_until[all[i].key]};
    }
    return keyset_mint(&s, k->identity, k->identity_old, &k->keys);
}

/* The key before, while it goes on. */
static sp_error load_old(struct store *store, const struct aead_key *key, enum keyring_key which,
                         struct key_secret **out)
{
    struct buf text;
    sp_error e;

    buf_init(&text, SEALED_BYTES_MAX);
    if ((e = sealed_read(store, key, rows[which].old, &text)) == SP_OK)
        e = key_secret_decode(buf_view(&text), out);
    buf_wipe(&text);
    return e;
}

static sp_error load_olds(struct store *store, const struct aead_key *key, struct keyring *k,
                          sp_unix_ms now)
{
    struct key_secret **const olds[] = {[KEYRING_IDENTITY] = &k->identity_old,
                                        [KEYRING_GRANT] = &k->grant_old,
                                        [KEYRING_RECORD] = &k->record_old};
    sp_error e = SP_OK;

    for (enum keyring_key which = 0; e == SP_OK && which < KEYRING_COOKIE; which++)
        if (k->times.old_until[which] > now)
            e = load_old(store, key, which, olds[which]);
    if (e != SP_OK || k->times.old_until[KEYRING_COOKIE] <= now)
        return e;
    struct buf text;
    buf_init(&text, SEALED_BYTES_MAX);
    if ((e = sealed_read(store, key, rows[KEYRING_COOKIE].old, &text)) == SP_OK)
        e = secret_new(buf_view(&text), &k->cookie_old);
    buf_wipe(&text);
    return e;
}

sp_error keyring_load(struct store *store, struct secret *master, struct keyring *out)
{
    sp_unix_ms now = clock_unix();
    struct secret *pairwise = NULL;
    struct aead_key *key = NULL;
    sp_error e;

    *out = (struct keyring){.master = master};
    buf_init(&out->keys, KEYSET_MAX);
    if ((e = aead_key_derive(master, "broker", &key)) == SP_OK &&
        (e = sealed_key(store, key, "broker.identity", KEY_ED25519, &out->identity)) == SP_OK &&
        (e = sealed_key(store, key, "broker.grant", KEY_ED25519, &out->grant)) == SP_OK &&
        (e = sealed_key(store, key, "broker.record", KEY_ED25519, &out->record)) == SP_OK &&
        (e = sealed_random(store, key, "broker.cookie", COOKIE_BYTES, &out->cookie)) == SP_OK &&
        (e = sealed_random(store, key, "broker.pairwise", 32, &pairwise)) == SP_OK &&
        (e = load_times(store, key, &out->times)) == SP_OK &&
        (e = load_olds(store, key, out, now)) == SP_OK)
        e = state_keys(out, now);
    if (e == SP_OK) {
        memcpy(out->pairwise, secret_open(pairwise).at, sizeof out->pairwise);
        secret_close(pairwise);
    }
    secret_free(pairwise);
    aead_key_free(key);
    return e;
}

/* ---- rotating ----------------------------------------------------------------------------- */

enum { WRITES_MAX = 3 };

/* Secrets that change together, and what the audit says of it. */
struct rotation {
    struct store *store;
    const struct aead_key *key;
    struct {
        const char *name;
        struct buf sealed; /* owned */
    } writes[WRITES_MAX];
    size_t count;
    struct audit_record record; /* event 0: none */
};

static sp_error add_write(struct rotation *r, const char *name, struct view plain)
{
    struct buf *sealed = &r->writes[r->count].sealed;

    r->writes[r->count++].name = name;
    buf_init(sealed, SEALED_BYTES_MAX + AEAD_OVERHEAD);
    return aead_seal(r->key, view_str(name), plain, sealed);
}

static sp_error write_all(struct store_tx *tx, void *arg)
{
    struct rotation *r = arg;
    const struct store_services *s = store_services(r->store);
    sp_error e = SP_OK;

    for (size_t i = 0; e == SP_OK && i < r->count; i++)
        e = s->logins->secret_put(tx, r->writes[i].name, buf_view(&r->writes[i].sealed));
    if (e == SP_OK && r->record.event != AUDIT_UNNAMED)
        e = audit_append(tx, s, &r->record);
    return e;
}

static void rotation_deinit(struct rotation *r)
{
    for (size_t i = 0; i < r->count; i++)
        buf_deinit(&r->writes[i].sealed);
}

static sp_error make_key(enum keyring_key which, struct buf *out)
{
    struct key_secret *made = NULL;
    uint8_t bytes[COOKIE_BYTES];
    sp_error e;

    if (which == KEYRING_COOKIE) {
        random_bytes(bytes, sizeof bytes);
        e = buf_append(out, (struct view){bytes, sizeof bytes});
        secret_wipe(bytes, sizeof bytes);
        return e;
    }
    if ((e = key_secret_new(KEY_ED25519, &made)) == SP_OK)
        e = key_secret_encode(made, out);
    key_secret_free(made);
    return e;
}

static sp_error rotate(struct rotation *r, enum keyring_key which, bool compromised)
{
    sp_unix_ms now = clock_unix();
    struct keyring_times times;
    struct buf old, fresh, text;
    sp_error e;

    buf_init(&old, SEALED_BYTES_MAX);
    buf_init(&fresh, SEALED_BYTES_MAX);
    buf_init(&text, TIMES_MAX);
    if ((e = load_times(r->store, r->key, &times)) == SP_OK &&
        (e = sealed_read(r->store, r->key, rows[which].name, &old)) == SP_OK &&
        (e = make_key(which, &fresh)) == SP_OK) {
        times.epoch++;
        times.since[which] = now;
        times.old_until[which] = compromised                 ? 0
                                 : which == KEYRING_IDENTITY ? now + OLD_IDENTITY_MS
                                                             : now + OLD_MS;
        times.sign_records = times.sign_records || which == KEYRING_RECORD;
        e = write_times(&times, &text);
    }
    if (e == SP_OK && (e = add_write(r, rows[which].name, buf_view(&fresh))) == SP_OK &&
        (e = add_write(r, times_name, buf_view(&text))) == SP_OK)
        e = add_write(r, rows[which].old, compromised ? view_str("") : buf_view(&old));
    if (e == SP_OK)
        e = store_commit(r->store, write_all, r);
    buf_wipe(&old);
    buf_wipe(&fresh);
    buf_deinit(&text);
    return e;
}

sp_error keyring_rotate(struct store *store, const struct secret *master, enum keyring_key which,
                        bool compromised)
{
    struct aead_key *key = NULL;
    struct rotation r = {
        .store = store,
        .record = {.event = AUDIT_KEY_ROTATE,
                   .actor_kind = AUDIT_ACTOR_SYSTEM,
                   .actor_name = "broker",
                   .object_kind = "key",
                   .object_name = rows[which].word,
                   .text = compromised ? "a new key; the old one ended at once" : "a new key"}};
    sp_error e = aead_key_derive(master, "broker", &key);

    r.key = key;
    if (e == SP_OK)
        e = rotate(&r, which, compromised);
    rotation_deinit(&r);
    aead_key_free(key);
    return e;
}

sp_error keyring_signed(struct store *store, struct keyring *k)
{
    struct aead_key *key = NULL;
    struct rotation r = {.store = store};
    struct buf text;
    sp_error e = aead_key_derive(k->master, "broker", &key);

    r.key = key;
    buf_init(&text, TIMES_MAX);
    k->times.sign_records = false;
    if (e == SP_OK && (e = write_times(&k->times, &text)) == SP_OK &&
        (e = add_write(&r, times_name, buf_view(&text))) == SP_OK)
        e = store_commit(store, write_all, &r);
    buf_deinit(&text);
    rotation_deinit(&r);
    aead_key_free(key);
    return e;
}

void keyring_deinit(struct keyring *k)
{
    secret_free(k->master);
    key_secret_free(k->identity);
    key_secret_free(k->grant);
    key_secret_free(k->record);
    key_secret_free(k->identity_old);
    key_secret_free(k->grant_old);
    key_secret_free(k->record_old);
    secret_free(k->cookie);
    secret_free(k->cookie_old);
    secret_wipe(k->pairwise, sizeof k->pairwise);
    buf_deinit(&k->keys);
    *k = (struct keyring){0};
}
