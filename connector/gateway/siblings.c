#include "connector/gateway/siblings.h"

#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/os/file.h"

#include "lib/base/banned.h"

enum { KEY_BYTES = 32, KEY_FILE_MAX = 256, OBJECT_BYTES = 8, PATH_MAX_BYTES = 4096 };

sp_error siblings_key(const char *folder, struct sp_why *why, struct secret **out)
{
    uint8_t key[KEY_BYTES];
    struct buf path, text;
    sp_error e = SP_ERR_LIMIT;

    *out = NULL;
    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&text, KEY_FILE_MAX);
    const char *at = file_path(&path, folder, SIBLINGS_FILE);
    if (at != NULL && (e = file_read_secret(at, KEY_FILE_MAX, &text, why)) == SP_OK) {
        while (text.len > 0 && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
            text.len--;
        e = decode_hex_exact(buf_view(&text), key, sizeof key) == SP_OK
                ? secret_new((struct view){key, sizeof key}, out)
                : sp_why_say(why, SP_ERR_INVALID, "%s holds no key: 64 hex digits are expected",
                             at);
    }
    secret_wipe(key, sizeof key);
    buf_wipe(&text);
    buf_deinit(&path);
    return e == SP_ERR_NOT_FOUND ? SP_OK : e;
}

/* `what` keeps the uses of the one key apart. */
static struct hash under(const struct secret *site, const char *what, struct sp_id app,
                         struct view v)
{
    struct hash_stream s;

    hash_sha256_start(&s);
    hash_sha256_more(&s, view_str(what));
    hash_sha256_more(&s, (struct view){app.bytes, sizeof app.bytes});
    hash_sha256_more(&s, v);
    struct hash said = hash_sha256_end(&s);
    struct hash out = hash_keyed(secret_open(site), hash_view(&said));
    secret_close(site);
    return out;
}

void siblings_hash_key(const struct secret *site, struct sp_id app, uint8_t out[16])
{
    struct hash h = under(site, "hashes", app, (struct view){0});

    memcpy(out, h.bytes, 16);
    secret_wipe(&h, sizeof h);
}

/* What the seal of a kind is for. */
static const char *const purposes[API_SEALED_KINDS] = {
    [API_OBJECTS] = "objects", [API_USUAL] = "usual"};

struct json *siblings_seal(const struct secret *site, enum api_sealed_kind kind, struct sp_id app,
                           struct view told)
{
    struct api_sealed m = {.app = app};
    struct json *members = NULL;
    struct buf text;

    struct hash h = under(site, purposes[kind], app, told);
    memcpy(m.seal, h.bytes, sizeof m.seal);
    buf_init(&text, API_SEALED_TEXT_MAX);
    encode_base64url(told, &text);
    m.told = buf_view(&text);
    if (buf_error(&text) == SP_OK)
        members = fields_write(api_sealed_types[kind].fields, &m);
    buf_deinit(&text);
    return members;
}

sp_error siblings_open(const struct secret *site, enum api_sealed_kind kind,
                       const struct api_sealed *m, struct buf *out)
{
    size_t from = out->len;
    sp_error e = decode_base64url(m->told, out);

    if (e != SP_OK)
        return e;
    struct view told = view_slice(buf_view(out), from, out->len);
    if (told.len == 0)
        return SP_ERR_MALFORMED;
    struct hash h = under(site, purposes[kind], m->app, told);
    return secret_equal((struct view){h.bytes, sizeof m->seal},
                        (struct view){m->seal, sizeof m->seal})
               ? SP_OK
               : SP_ERR_SIGNATURE;
}

struct json *siblings_write(const struct secret *site, struct sp_id app, size_t n,
                            const uint64_t objects[])
{
    struct json *members = NULL;
    struct buf bytes;

    buf_init(&bytes, OBJECT_BYTES * (size_t)DETECT_FRESH_MAX);
    for (size_t i = 0; i < n; i++)
        buf_add_uint(&bytes, objects[i], OBJECT_BYTES);
    if (buf_error(&bytes) == SP_OK)
        members = siblings_seal(site, API_OBJECTS, app, buf_view(&bytes));
    buf_deinit(&bytes);
    return members;
}

sp_error siblings_read(const struct secret *site, const struct api_sealed *m, size_t *n,
                       uint64_t objects[DETECT_FRESH_MAX])
{
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, OBJECT_BYTES * (size_t)DETECT_FRESH_MAX);
    e = siblings_open(site, API_OBJECTS, m, &bytes);
    if ((e == SP_OK || e == SP_ERR_SIGNATURE) && bytes.len % OBJECT_BYTES != 0)
        e = SP_ERR_MALFORMED;
    if (e == SP_OK) {
        struct cursor c = cur_over(buf_view(&bytes), SP_ERR_MALFORMED);
        for (*n = 0; c.rest.len > 0;)
            objects[(*n)++] = cur_uint(&c, OBJECT_BYTES);
    }
    buf_deinit(&bytes);
    return e == SP_ERR_LIMIT ? SP_ERR_MALFORMED : e;
}
