#include "connector/documents.h"

#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/channel/call.h"
#include "lib/crypto/hash.h"
#include "lib/os/file.h"
#include "lib/proto/registry.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { PIECE_MS = 10 * 1000 };

/* Of the worker from pool_submit until `done`. */
struct keeping {
    struct documents *of; /* NULL: they are gone */
    uint8_t sha256[HASH_BYTES];
    char folder[1024], path[1200];
    struct buf bytes;
    sp_error e;
    struct sp_why why;
};

struct documents {
    struct documents_options o;
    struct channel *channel;                            /* borrowed; NULL: none */
    uint8_t waiting[DOCUMENTS_WAITING_MAX][HASH_BYTES]; /* the first is under way */
    size_t count;
    struct call *call;       /* NULL: no piece is asked for */
    struct keeping *keeping; /* NULL: none is being written */
    struct buf bytes;        /* of the first, as far as it came */
};

sp_error documents_new(const struct documents_options *o, struct documents **out)
{
    struct documents *d = calloc(1, sizeof *d);

    if (d == NULL)
        return SP_ERR_NOMEM;
    d->o = *o;
    buf_init(&d->bytes, DOCUMENTS_BYTES_MAX);
    *out = d;
    return SP_OK;
}

void documents_free(struct documents *d)
{
    if (d == NULL)
        return;
    call_cancel(d->call);
    if (d->keeping != NULL)
        d->keeping->of = NULL;
    buf_deinit(&d->bytes);
    free(d);
}

static void begin(struct documents *d);

/* The first is done with, one way or the other. */
static void next(struct documents *d)
{
    buf_reset(&d->bytes);
    d->count--;
    memmove(d->waiting[0], d->waiting[1], d->count * sizeof d->waiting[0]);
    begin(d);
}

static void give_up(struct documents *d, const char *why)
{
    log_event(LOG_WARN, "document.fetch", why, NULL);
    next(d);
}

/* ---- whole --------------------------------------------------------------------------------- */

/* The oldest file of the folder but `keep`, and how many there are. */
struct kept {
    size_t files;
    int64_t bytes, oldest_at; /* of oldest[]; ns */
    char oldest[2 * HASH_BYTES + 1];
};

static void look_at(DIR *folder, const char *keep, struct kept *k)
{
    struct stat st;

    *k = (struct kept){.oldest_at = INT64_MAX};
    rewinddir(folder);
    for (const struct dirent *f; (f = readdir(folder)) != NULL;) {
        if (strlen(f->d_name) != 2 * HASH_BYTES || fstatat(dirfd(folder), f->d_name, &st, 0) != 0)
            continue;
        int64_t at = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        k->files++;
        k->bytes += st.st_size;
        if (at < k->oldest_at && strcmp(f->d_name, keep) != 0) {
            k->oldest_at = at;
            memcpy(k->oldest, f->d_name, sizeof k->oldest);
        }
    }
}

/* What a running app has in force is in its memory; its file is for the next start. */
static void make_room(const char *path, const char *keep)
{
    DIR *folder = opendir(path);
    struct kept k;

    if (folder == NULL)
        return; /* it was written to just now: the next one makes room */
    for (look_at(folder, keep, &k); k.oldest[0] != '\0' && (k.files > DOCUMENTS_KEPT_MAX ||
                                                            k.bytes > DOCUMENTS_KEPT_BYTES_MAX);
         look_at(folder, keep, &k))
        if (unlinkat(dirfd(folder), k.oldest, 0) != 0)
            break;
    closedir(folder);
}

static void on_work(void *arg)
{
    struct keeping *k = arg;
    struct hash h = hash_sha256(buf_view(&k->bytes));

    k->e = memcmp(h.bytes, k->sha256, HASH_BYTES) != 0
               ? sp_why_say(&k->why, SP_ERR_CORRUPT, "the broker gave another document")
               : file_write_secret(k->path, buf_view(&k->bytes), &k->why);
    if (k->e == SP_OK)
        make_room(k->folder, strrchr(k->path, '/') + 1);
}

static void on_kept(void *arg)
{
    struct keeping *k = arg;
    struct documents *d = k->of;
    uint8_t sha256[HASH_BYTES];
    sp_error e = k->e;
    struct sp_why why = k->why;

    memcpy(sha256, k->sha256, sizeof sha256);
    buf_deinit(&k->bytes);
    free(k);
    if (d == NULL)
        return;
    d->keeping = NULL;
    if (e != SP_OK) {
        give_up(d, why.text[0] != '\0' ? why.text : sp_error_text(e));
        return;
    }
    next(d);
    d->o.came(d->o.arg, sha256);
}

static void keep(struct documents *d)
{
    struct keeping *k = calloc(1, sizeof *k);
    struct buf hex;
    sp_error e = SP_ERR_NOMEM;

    buf_init(&hex, 64);
    encode_hex((struct view){d->waiting[0], HASH_BYTES}, &hex);
    if (k != NULL && buf_cstr(&hex) != NULL) {
        *k = (struct keeping){.of = d, .bytes = d->bytes, .e = SP_ERR_CLOSED};
        buf_init(&d->bytes, DOCUMENTS_BYTES_MAX);
        memcpy(k->sha256, d->waiting[0], HASH_BYTES);
        snprintf(k->folder, sizeof k->folder, "%s", d->o.folder);
        snprintf(k->path, sizeof k->path, "%s/%s", k->folder, buf_cstr(&hex));
        e = pool_submit(d->o.pool, POOL_PLAIN, on_work, on_kept, k);
    }
    buf_deinit(&hex);
    if (e == SP_OK) {
        d->keeping = k;
        return;
    }
    if (k != NULL)
        buf_deinit(&k->bytes);
    free(k);
    give_up(d, sp_error_text(e));
}

/* ---- piece by piece ------------------------------------------------------------------------ */

static void on_piece(void *arg, sp_error e, const struct envelope *m)
{
    struct documents *d = arg;
    struct blob_get_answer a = {0};
    size_t before = d->bytes.len;

    d->call = NULL;
    if (e == SP_ERR_CLOSED) { /* the next channel begins anew */
        buf_reset(&d->bytes);
        return;
    }
    if (e == SP_OK)
        e = fields_read(m->members, blob_get_answer_fields, NULL, &a);
    if (e == SP_OK)
        e = decode_base64url(a.bytes, &d->bytes);
    if (e == SP_OK && d->bytes.len != (size_t)a.size && d->bytes.len == before)
        e = SP_ERR_PROTOCOL; /* it would never end */
    if (e != SP_OK)
        give_up(d, e == SP_ERR_REFUSED ? "the broker has no such document for this site"
                                       : sp_error_text(e));
    else if (d->bytes.len >= (size_t)a.size)
        keep(d);
    else
        begin(d);
}

static void begin(struct documents *d)
{
    struct blob_get ask = {.at = (int64_t)d->bytes.len};

    if (d->channel == NULL || d->count == 0 || d->call != NULL || d->keeping != NULL)
        return;
    memcpy(ask.sha256, d->waiting[0], sizeof ask.sha256);
    const struct call_ask call = {"blob.get", fields_write(blob_get_fields, &ask), PIECE_MS};
    sp_error e = channel_call(d->channel, &call, on_piece, d, &d->call);
    if (e != SP_OK) /* who wants it asks again */
        log_event(LOG_WARN, "document.fetch", sp_error_text(e), NULL);
}

void documents_channel(struct documents *d, struct channel *c)
{
    if (d == NULL)
        return;
    d->channel = c;
    begin(d);
}

void documents_want(struct documents *d, const uint8_t sha256[32])
{
    bool known = d->count == DOCUMENTS_WAITING_MAX;

    for (size_t i = 0; i < d->count; i++)
        known = known || memcmp(d->waiting[i], sha256, HASH_BYTES) == 0;
    if (!known)
        memcpy(d->waiting[d->count++], sha256, HASH_BYTES);
    begin(d);
}

void documents_foresee(struct documents *d, const uint8_t sha256[32])
{
    char path[1200];
    struct buf hex;

    if (d == NULL)
        return;
    buf_init(&hex, 80);
    encode_hex((struct view){sha256, HASH_BYTES}, &hex);
    if (buf_cstr(&hex) != NULL) {
        snprintf(path, sizeof path, "%s/%s", d->o.folder, buf_cstr(&hex));
        if (access(path, F_OK) != 0)
            documents_want(d, sha256);
    }
    buf_deinit(&hex);
}
