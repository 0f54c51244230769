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

enum { SECRET_BYTES = 32, FILE_MAX = 256, PATH_ROOM = 1024, HASH_TEXT = 43 };

static const char file_name[] = "bootstrap";

struct kept {
    struct hash hash;
    sp_unix_ms expires, used; /* used 0: not yet */
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

static sp_error keep(const char *state, const struct kept *k, struct sp_why *why)
{
    struct buf path, line;
    sp_error e;

    buf_init(&path, PATH_ROOM);
    buf_init(&line, FILE_MAX);
    encode_base64url(hash_view(&k->hash), &line);
    buf_addf(&line, " %" PRId64 " %" PRId64 "\n", k->expires, k->used);
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

static sp_error parse(struct view line, struct kept *out)
{
    struct view hash = word(&line), expires = word(&line), used = word(&line);

    if (hash.len != HASH_TEXT || line.len != 0 ||
        decode_base64url_exact(hash, out->hash.bytes, sizeof out->hash.bytes) != SP_OK ||
        num_int(expires, 1, INT64_MAX, &out->expires) != SP_OK ||
        num_int(used, 0, INT64_MAX, &out->used) != SP_OK)
        return SP_ERR_CORRUPT;
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

sp_error bootstrap_make(const char *state, sp_unix_ms now, struct buf *out, struct sp_why *why)
{
    uint8_t secret[SECRET_BYTES];
    struct kept k = {.expires = now + BOOTSTRAP_LIFE_MS};
    sp_error e;

    random_bytes(secret, sizeof secret);
    buf_add_str(out, "spt_");
    encode_base64url((struct view){secret, sizeof secret}, out);
    k.hash = hash_sha256((struct view){secret, sizeof secret});
    secret_wipe(secret, sizeof secret);
    if ((e = buf_error(out)) != SP_OK)
        return e;
    return keep(state, &k, why);
}

sp_error bootstrap_end(const char *state, struct sp_why *why)
{
    struct buf path;
    sp_error e;

    buf_init(&path, PATH_ROOM);
    const char *name = file_path(&path, state, file_name);
    e = name == NULL ? SP_ERR_LIMIT : file_remove(name, why);
    buf_deinit(&path);
    return e;
}

sp_error bootstrap_find(const char *state, struct view text, sp_unix_ms now,
                        struct bootstrap_token *out)
{
    uint8_t secret[SECRET_BYTES];
    struct kept k;

    if (text.len != BOOTSTRAP_TEXT || memcmp(text.at, "spt_", 4) != 0 ||
        decode_base64url_exact((struct view){text.at + 4, text.len - 4}, secret, sizeof secret) !=
            SP_OK)
        return SP_ERR_UNAUTHENTICATED;
    struct hash hash = hash_sha256((struct view){secret, sizeof secret});
    secret_wipe(secret, sizeof secret);
    /* A clock that went back before the token was made does not lengthen its life. */
    if (load(state, &k) != SP_OK || !secret_equal(hash_view(&k.hash), hash_view(&hash)) ||
        now >= k.expires || now < k.expires - BOOTSTRAP_LIFE_MS)
        return SP_ERR_UNAUTHENTICATED;
    *out = (struct bootstrap_token){.expires = k.expires, .first = k.used == 0};
    if (!out->first)
        return SP_OK;
    k.used = now;
    return keep(state, &k, NULL);
}
