#include "broker/store/store_internal.h"

#include "lib/crypto/random.h"
#include "lib/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct store_services services = {
    .registry = &sql_registry,
    .once = &sql_once,
    .logins = &sql_logins,
    .audit = &sql_audit,
    .changes = &sql_changes,
    .presence = &sql_presence,
    .access = &sql_access,
    .incidents = &sql_incidents,
    .spools = &sql_spools,
    .inventory = &sql_inventory,
    .drafts = &sql_drafts,
    .feeds = &sql_feeds,
    .documents = &sql_documents,
};

const struct store_services *store_services(const struct store *st)
{
    (void)st; /* one engine so far */
    return &services;
}

/* ---- reading ---- */

/*
 * A reader belongs to one thread at a time. A thread that reads again while it is given rows gets
 * its own one a second time: waiting for another one, all of them could wait for each other.
 */
static struct read_conn *own_reader(struct store *st)
{
    for (size_t i = 0; i < st->reader_count; i++)
        if (st->readers[i].depth > 0 && pthread_equal(st->readers[i].owner, pthread_self()))
            return &st->readers[i];
    return NULL;
}

static struct read_conn *free_reader(struct store *st)
{
    for (size_t i = 0; i < st->reader_count; i++)
        if (st->readers[i].depth == 0)
            return &st->readers[i];
    return NULL;
}

static struct read_conn *take_reader(struct store *st)
{
    struct read_conn *r;

    pthread_mutex_lock(&st->lock_readers);
    if (st->path == NULL)
        return &st->readers[0]; /* the lock stays held: one connection reads and writes */
    if ((r = own_reader(st)) == NULL)
        while ((r = free_reader(st)) == NULL)
            pthread_cond_wait(&st->reader_back, &st->lock_readers);
    r->owner = pthread_self();
    r->depth++;
    pthread_mutex_unlock(&st->lock_readers);
    return r;
}

static void give_reader(struct store *st, struct read_conn *r)
{
    if (st->path != NULL) {
        pthread_mutex_lock(&st->lock_readers);
        if (--r->depth == 0)
            pthread_cond_signal(&st->reader_back);
    }
    pthread_mutex_unlock(&st->lock_readers);
}

sp_error store_read(struct store *st, const char *sql, const struct param *params, size_t count,
                    on_row *row, void *arg)
{
    struct read_conn *r = take_reader(st);
    sp_error e = conn_run(r->conn, sql, params, count, row, arg, NULL);

    give_reader(st, r);
    return e;
}

struct first_row {
    on_row *row;
    void *arg;
    bool came;
};

static bool on_first(void *arg, const struct columns *c)
{
    struct first_row *f = arg;

    f->came = true;
    (void)f->row(f->arg, c); /* there is no second one to stop */
    return false;
}

sp_error store_read_one(struct store *st, const char *sql, const struct param *params, size_t count,
                        on_row *row, void *arg)
{
    struct first_row f = {row, arg, false};
    sp_error e = store_read(st, sql, params, count, on_first, &f);

    return e == SP_OK && !f.came ? SP_ERR_NOT_FOUND : e;
}

/* ---- writing ---- */

sp_error store_commit(struct store *st, store_work *work, void *arg)
{
    return lane_commit(st->lane, work, arg);
}

sp_unix_ms tx_now(const struct store_tx *tx)
{
    return tx->now;
}

sp_error tx_run(struct store_tx *tx, const char *sql, const struct param *params, size_t count,
                int64_t *changed)
{
    return conn_run(tx->conn, sql, params, count, NULL, NULL, changed);
}

sp_error tx_run_one(struct store_tx *tx, const char *sql, const struct param *params, size_t count,
                    sp_error none)
{
    int64_t changed = 0;
    sp_error e = tx_run(tx, sql, params, count, &changed);

    return e == SP_OK && changed != 1 ? none : e;
}

sp_error tx_won(struct store_tx *tx, const char *sql, const struct param *params, size_t count,
                bool *won)
{
    int64_t changed = 0;

    *won = false;
    sp_error e = tx_run(tx, sql, params, count, &changed);
    if (e == SP_OK)
        *won = changed == 1;
    return e;
}

/* ---- columns ---- */

void column_str(const struct columns *c, int i, char *out, size_t size)
{
    struct view v = view_slice(column_text(c, i), 0, size - 1);

    if (v.len > 0)
        memcpy(out, v.at, v.len);
    out[v.len] = '\0';
}

struct sp_id column_id(const struct columns *c, int i)
{
    struct sp_id id = {{0}};
    struct view v = column_bytes(c, i);

    if (v.len == sizeof id.bytes)
        memcpy(id.bytes, v.at, v.len);
    return id;
}

void column_hash(const struct columns *c, int i, uint8_t out[ROW_HASH_BYTES])
{
    struct view v = column_bytes(c, i);

    memset(out, 0, ROW_HASH_BYTES);
    if (v.len == ROW_HASH_BYTES)
        memcpy(out, v.at, v.len);
}

struct stored_key stored_key(const struct key_public *k)
{
    struct stored_key s = {.len = 1 + key_len(k)};

    s.bytes[0] = (uint8_t)k->kind;
    memcpy(s.bytes + 1, k->bytes, key_len(k));
    return s;
}

struct key_public column_key(const struct columns *c, int i)
{
    struct key_public k = {0};
    struct view v = column_bytes(c, i);

    if (v.len < 2 || v.len > 1 + sizeof k.bytes)
        return k;
    k.kind = (enum key_kind)v.at[0];
    memcpy(k.bytes, v.at + 1, v.len - 1);
    return key_len(&k) == v.len - 1 ? k : (struct key_public){0};
}

/* ---- open, close ---- */

/* The file is ours alone before a byte of it exists. */
static sp_error make_file(const char *path, struct sp_why *why)
{
    struct stat s;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return sp_why_say(why, errno == ENOSPC ? SP_ERR_FULL : SP_ERR_PERMISSION, "%s: %s", path,
                          strerror(errno));
    bool private = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && (s.st_mode & 077) == 0 &&
                   (s.st_uid == geteuid() || s.st_uid == 0);
    close(fd);
    if (!private)
        return sp_why_say(why, SP_ERR_PERMISSION,
                          "%s must be a file of this user with mode 0600; chmod 600 it", path);
    return SP_OK;
}

static sp_error open_file(struct store *st, const char *path, struct sp_why *why)
{
    char lock[4096];
    sp_error e;

    if ((st->path = strdup(path)) == NULL)
        return SP_ERR_NOMEM;
    int n = snprintf(lock, sizeof lock, "%s.lock", path);
    if (n < 0 || (size_t)n >= sizeof lock)
        return sp_why_say(why, SP_ERR_INVALID, "the path of the store is too long");
    if ((e = file_lock(lock, &st->lock, why)) != SP_OK || (e = make_file(path, why)) != SP_OK)
        return e;
    return conn_open(path, CONN_WRITE, why, &st->writer);
}

static sp_error open_readers(struct store *st, struct sp_why *why)
{
    if (st->path == NULL) {
        st->readers[0].conn = st->writer;
        return SP_OK;
    }
    for (size_t i = 0; i < STORE_READERS; i++) {
        sp_error e = conn_open(st->path, CONN_READ, why, &st->readers[i].conn);
        if (e != SP_OK)
            return e;
        st->reader_count = i + 1;
    }
    return SP_OK;
}

static const char take_shard[] =
    "INSERT INTO shard (shard, holder, fence, until) VALUES ($1, $2, 1, $3) "
    "ON CONFLICT (shard) DO UPDATE SET holder = $2, fence = shard.fence + 1, until = $3 "
    "RETURNING fence";
static const char take_head[] =
    "INSERT INTO audit_head (shard, seq, hash, fence, ts) VALUES ($1, 0, $2, $3, $4) "
    "ON CONFLICT (shard) DO UPDATE SET fence = $3";

static bool on_fence(void *arg, const struct columns *c)
{
    *(uint64_t *)arg = (uint64_t)column_int(c, 0);
    return true;
}

/* From here on a broker that held the shard before writes nothing (SC-6). */
static sp_error hold_shard(struct store *st)
{
    static const uint8_t zero[ROW_HASH_BYTES];
    sp_error e = conn_begin(st->writer);

    if (e != SP_OK)
        return e;
    e = conn_run(st->writer, take_shard,
                 PARAMS(P_INT(st->shard), P_ID(st->holder), P_INT(INT64_MAX)), on_fence, &st->fence,
                 NULL);
    if (e == SP_OK)
        e = conn_run(st->writer, take_head,
                     PARAMS(P_INT(st->shard), P_HASH(zero), P_INT(st->fence), P_INT(clock_unix())),
                     NULL, NULL, NULL);
    if (e == SP_OK)
        e = conn_commit(st->writer);
    conn_rollback(st->writer);
    return e;
}

sp_error store_open(const struct store_config *config, struct sp_why *why, struct store **out)
{
    struct store *st = calloc(1, sizeof *st);
    sp_error e;

    if (st == NULL)
        return SP_ERR_NOMEM;
    st->lock = -1;
    st->shard = config->audit_shard;
    st->holder = config->holder;
    pthread_mutex_init(&st->lock_wake, NULL); /* cannot fail on Linux, nor can the next ones */
    pthread_mutexattr_t nests;
    pthread_mutexattr_init(&nests);
    pthread_mutexattr_settype(&nests, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&st->lock_readers, &nests);
    pthread_mutexattr_destroy(&nests);
    pthread_cond_init(&st->reader_back, NULL);
    if ((st->names = calloc(1, sizeof *st->names)) == NULL) {
        store_close(st);
        return SP_ERR_NOMEM;
    }
    e = config->path == NULL ? conn_open(NULL, CONN_WRITE, why, &st->writer)
                             : open_file(st, config->path, why);
    if (e != SP_OK || (e = store_migrate(st->writer, why)) != SP_OK ||
        (e = postings_of_old(st)) != SP_OK || (e = open_readers(st, why)) != SP_OK ||
        (e = hold_shard(st)) != SP_OK || (e = lane_new(st, &st->lane)) != SP_OK) {
        if (e == SP_ERR_CORRUPT)
            sp_ignore(sp_why_say(why, e,
                                 "%s is damaged; stop here and put the last good backup "
                                 "back: sallyport-broker restore --file BACKUP",
                                 config->path));
        store_close(st);
        return e;
    }
    *out = st;
    return SP_OK;
}

void store_close(struct store *st)
{
    if (st == NULL)
        return;
    lane_free(st->lane);
    for (size_t i = 0; i < st->reader_count; i++)
        conn_close(st->readers[i].conn);
    if (st->writer != NULL && st->path != NULL)
        conn_checkpoint(st->writer, true);
    conn_close(st->writer);
    if (st->lock >= 0)
        close(st->lock);
    pthread_cond_destroy(&st->reader_back);
    pthread_mutex_destroy(&st->lock_readers);
    pthread_mutex_destroy(&st->lock_wake);
    free(st->names);
    free(st->path);
    free(st);
}

void store_on_change(struct store *st, void (*wake)(void *arg), void *arg)
{
    pthread_mutex_lock(&st->lock_wake);
    st->wake = wake;
    st->wake_arg = arg;
    pthread_mutex_unlock(&st->lock_wake);
}

struct store_health store_health(const struct store *st)
{
    struct store_health h;

    lane_health(st->lane, &h);
    return h;
}

sp_error store_check(struct store *st, struct sp_why *why)
{
    struct read_conn *r = take_reader(st);
    sp_error e = conn_check(r->conn, why);

    give_reader(st, r);
    return e;
}

static bool on_epoch(void *arg, const struct columns *c)
{
    *(struct sp_id *)arg = column_id(c, 0);
    return true;
}

sp_error store_epoch(struct store *st, struct sp_id *out)
{
    return store_read_one(st, "SELECT v FROM meta WHERE k = 'epoch'", NULL, 0, on_epoch, out);
}

int64_t endpoint_key(const struct endpoint_row *r, enum endpoint_order order)
{
    switch (order) {
    case ENDPOINTS_BY_CALLS:
        return r->calls;
    case ENDPOINTS_BY_LAST:
        return r->last;
    case ENDPOINTS_BY_ERRORS:
        return r->errors;
    case ENDPOINTS_BY_P95:
        return r->p95_us;
    default:
        return r->violations;
    }
}
