#include "broker/identity/bootstrap.h"

#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"
#include "lib/os/file.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES = 32, FILE_MAX = 256, PATH_ROOM = 1024, HASH_TEXT = 43, PREFIX = 4 };

static const char file_name[] = "bootstrap", lock_name[] = "bootstrap.lock";

enum kind { KIND_NONE = 0, KIND_TOKEN, KIND_SESSION };
static const struct {
    const char *word, *prefix;
} kinds[] = {
    [KIND_NONE] = {"", ""}, [KIND_TOKEN] = {"token", "spt_"}, [KIND_SESSION] = {"session", "sas_"}};

/* What the file says. Zeroed: nothing that anyone could show. */
struct kept {
    enum kind kind;
    struct hash hash;
    sp_unix_ms expires;
    struct hash spent; /* KIND_SESSION: of the token that became it */
};

/* Run as root, the command leaves the file to whom the folder belongs: the broker reads it. */
static sp_error give_to_owner(const char *state, const char *path)
{
    struct stat s;

    if (geteuid() != 0)
        return SP_OK;
    if (stat(state, &s) != 0 || lchown(path, s.st_uid, s.st_gid) != 0)
        return SP_ERR_PERMISSION;
    return SP_OK;
}

/* ---- the file ----------------------------------------------------------------------------- */

static sp_error keep(const char *state, const struct kept *k, struct sp_why *why)
{
    struct buf path, line;
    sp_error e;

    buf_init(&path, PATH_ROOM);
    buf_init(&line, FILE_MAX);
    buf_addf(&line, "%s ", kinds[k->kind].word);
    encode_base64url(hash_view(&k->hash), &line);
    buf_addf(&line, " %" PRId64, k->expires);
    if (k->kind == KIND_SESSION) {
        buf_add_byte(&line, ' ');
        encode_base64url(hash_view(&k->spent), &line);
    }
    buf_add_byte(&line, '\n');
    const char *name = file_path(&path, state, file_name);
    e = name == NULL ? SP_ERR_LIMIT : buf_error(&line);
    if (e == SP_OK && (e = file_write_secret(name, buf_view(&line), why)) == SP_OK)
        e = give_to_owner(state, name);
    buf_deinit(&line);
    buf_deinit(&path);
    return e;
}

/* The next word of the line; what is left stays in `line`. */
static struct view word(struct view *line)
{
    size_t n = 0;

    while (n < line->len && line->at[n] != ' ' && line->at[n] != '\n')
        n++;
    struct view w = view_slice(*line, 0, n);
    *line = view_slice(*line, n < line->len ? n + 1 : n, line->len);
    return w;
}

static bool read_hash(struct view text, struct hash *out)
{
    return text.len == HASH_TEXT &&
           decode_base64url_exact(text, out->bytes, sizeof out->bytes) == SP_OK;
}

static sp_error parse(struct view line, struct kept *out)
{
    struct view kind = word(&line), hash = word(&line), expires = word(&line);
    struct kept k = {.kind = view_is(kind, kinds[KIND_TOKEN].word)     ? KIND_TOKEN
                             : view_is(kind, kinds[KIND_SESSION].word) ? KIND_SESSION
                                                                       : KIND_NONE};

    if (k.kind == KIND_NONE || !read_hash(hash, &k.hash) ||
        num_int(expires, 1, INT64_MAX, &k.expires) != SP_OK ||
        (k.kind == KIND_SESSION && !read_hash(word(&line), &k.spent)) || line.len != 0)
        return SP_ERR_CORRUPT;
    *out = k;
    return SP_OK;
}

static sp_error load(const char *state, struct kept *out)
{
    struct buf path, text;
    sp_error e;

    buf_init(&path, PATH_ROOM);
    buf_init(&text, FILE_MAX);
    const char *name = file_path(&path, state, file_name);
    e = name == NULL ? SP_ERR_LIMIT : file_read_secret(name, FILE_MAX, &text, NULL);
    if (e == SP_OK)
        e = parse(buf_view(&text), out);
    buf_deinit(&text);
    buf_deinit(&path);
    return e;
}

/* Held by whoever changes the file, in this process or another: see, then change, is one step. */
static sp_error lock(const char *state, int *fd, struct sp_why *why)
{
    struct buf path;
    sp_error e;

    buf_init(&path, PATH_ROOM);
    const char *name = file_path(&path, state, lock_name);
    e = name == NULL ? SP_ERR_LIMIT : file_lock(name, fd, why);
    if (e == SP_OK && (e = give_to_owner(state, name)) != SP_OK)
        close(*fd);
    buf_deinit(&path);
    return e;
}

/* ---- secrets ------------------------------------------------------------------------------ */

static void make_secret(enum kind kind, struct buf *out, struct hash *hash)
{
    uint8_t secret[SECRET_BYTES];

    random_bytes(secret, sizeof secret);
    buf_add_str(out, kinds[kind].prefix);
    encode_base64url((struct view){secret, sizeof secret}, out);
    *hash = hash_sha256((struct view){secret, sizeof secret});
    secret_wipe(secret, sizeof secret);
}

static sp_error hash_of(enum kind kind, struct view text, struct hash *out)
{
    uint8_t secret[SECRET_BYTES];

    if (text.len != BOOTSTRAP_TEXT || memcmp(text.at, kinds[kind].prefix, PREFIX) != 0 ||
        decode_base64url_exact((struct view){text.at + PREFIX, text.len - PREFIX}, secret,
                               sizeof secret) != SP_OK)
        return SP_ERR_UNAUTHENTICATED;
    *out = hash_sha256((struct view){secret, sizeof secret});
    secret_wipe(secret, sizeof secret);
    return SP_OK;
}

/* A clock that went back before the token was made does not lengthen its life. */
static bool lives(const struct kept *k, sp_unix_ms now)
{
    return now < k->expires && now >= k->expires - BOOTSTRAP_LIFE_MS;
}

sp_error bootstrap_make(const char *state, sp_unix_ms now, struct buf *out, struct sp_why *why)
{
    struct kept k = {.kind = KIND_TOKEN, .expires = now + BOOTSTRAP_LIFE_MS};
    int fd = -1;
    sp_error e;

    make_secret(KIND_TOKEN, out, &k.hash);
    if ((e = buf_error(out)) != SP_OK || (e = lock(state, &fd, why)) != SP_OK)
        return e;
    e = keep(state, &k, why);
    close(fd);
    return e;
}

sp_error bootstrap_end(const char *state, struct sp_why *why)
{
    struct buf path;
    int fd = -1;
    sp_error e = lock(state, &fd, why);

    if (e != SP_OK)
        return e;
    buf_init(&path, PATH_ROOM);
    const char *name = file_path(&path, state, file_name);
    e = name == NULL ? SP_ERR_LIMIT : file_remove(name, why);
    buf_deinit(&path);
    close(fd);
    return e;
}

/* Under the lock. */
static sp_error spend(const char *state, const struct hash *shown, sp_unix_ms now,
                      struct buf *session, sp_unix_ms *expires)
{
    struct kept old, fresh = {.kind = KIND_SESSION};
    sp_error e;

    if (load(state, &old) != SP_OK || !lives(&old, now))
        return SP_ERR_UNAUTHENTICATED;
    if (old.kind == KIND_SESSION && secret_equal(hash_view(&old.spent), hash_view(shown)))
        return SP_ERR_REPLAY;
    if (old.kind != KIND_TOKEN || !secret_equal(hash_view(&old.hash), hash_view(shown)))
        return SP_ERR_UNAUTHENTICATED;
    make_secret(KIND_SESSION, session, &fresh.hash);
    fresh.expires = old.expires;
    fresh.spent = *shown;
    if ((e = buf_error(session)) != SP_OK || (e = keep(state, &fresh, NULL)) != SP_OK)
        return e;
    *expires = fresh.expires;
    return SP_OK;
}

sp_error bootstrap_spend(const char *state, struct view token, sp_unix_ms now, struct buf *session,
                         sp_unix_ms *expires)
{
    struct hash shown;
    int fd = -1;
    sp_error e = hash_of(KIND_TOKEN, token, &shown);

    if (e != SP_OK || (e = lock(state, &fd, NULL)) != SP_OK)
        return e;
    e = spend(state, &shown, now, session, expires);
    close(fd);
    return e;
}

sp_error bootstrap_find(const char *state, struct view session, sp_unix_ms now, sp_unix_ms *expires)
{
    struct hash shown;
    struct kept k;

    if (hash_of(KIND_SESSION, session, &shown) != SP_OK || load(state, &k) != SP_OK ||
        k.kind != KIND_SESSION || !lives(&k, now) ||
        !secret_equal(hash_view(&k.hash), hash_view(&shown)))
        return SP_ERR_UNAUTHENTICATED;
    *expires = k.expires;
    return SP_OK;
}
