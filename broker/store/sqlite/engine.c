/*
 * The embedded engine. DEP-3: one connection owns all writes and checkpoints, since SQLite before
 * 3.51.3 can lose committed pages of a WAL that two connections reset at once.
 */
#include "broker/store/engine.h"
#include "broker/store/sqlite/faulty.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { STATEMENTS_MAX = 256, BUSY_MS = 9 * 1000, CHECKPOINT_PAGES = 2000, PARAM_MAX = 24 };

struct prepared {
    const char *sql; /* identity; static texts */
    sqlite3_stmt *stmt;
    int index[PARAM_MAX + 1]; /* of "$n"; 0: not in this text */
    bool running;             /* its rows are being read */
};

struct conn {
    sqlite3 *db; /* owned */
    enum conn_use use;
    struct prepared prepared[STATEMENTS_MAX];
    size_t count;
    int wal_pages;
    bool broken;
};

static sp_error error_of(struct conn *c, int rc)
{
    int extended = sqlite3_extended_errcode(c->db);

    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return SP_OK;
    case SQLITE_NOMEM:
        return SP_ERR_NOMEM;
    case SQLITE_FULL:
        return SP_ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SP_ERR_BUSY;
    case SQLITE_CONSTRAINT:
        return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY
                   ? SP_ERR_EXISTS
                   : SP_ERR_INVALID;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        c->broken = true;
        return SP_ERR_CORRUPT;
    case SQLITE_IOERR:
        if (extended == SQLITE_IOERR_SHMSIZE) /* the -shm file found no room */
            return SP_ERR_FULL;
        c->broken =
            c->broken || extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC;
        return SP_ERR_IO;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return SP_ERR_PERMISSION;
    default:
        return SP_ERR_INTERNAL;
    }
}

/* ---- open, close ---- */

static int count_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct conn *c = arg;

    (void)db;
    (void)name;
    c->wal_pages = pages;
    return SQLITE_OK;
}

static sp_error pragmas(struct conn *c, bool memory)
{
    static const char *const writer[] = {"PRAGMA journal_mode=WAL",
                                         "PRAGMA synchronous=FULL",
                                         "PRAGMA wal_autocheckpoint=0",
                                         "PRAGMA trusted_schema=0",
                                         "PRAGMA cell_size_check=1",
                                         "PRAGMA cache_size=-16384",
                                         NULL};
    static const char *const reader[] = {"PRAGMA query_only=1", "PRAGMA wal_autocheckpoint=0",
                                         "PRAGMA trusted_schema=0", "PRAGMA cache_size=-16384",
                                         NULL};
    static const char *const in_memory[] = {"PRAGMA trusted_schema=0", NULL};
    const char *const *list = memory ? in_memory : c->use == CONN_WRITE ? writer : reader;

    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL); /* hardening only; */
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);   /* an old library that */
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);   /* lacks one is no less */
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL); /* correct */
    for (size_t i = 0; list[i] != NULL; i++) {
        int rc = sqlite3_exec(c->db, list[i], NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            return error_of(c, rc);
    }
    return SP_OK;
}

sp_error conn_open(const char *path, enum conn_use use, struct sp_why *why, struct conn **out)
{
    struct conn *c = calloc(1, sizeof *c);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->use = use;
    FAULTY_FILES();
    int rc = path == NULL ? sqlite3_open_v2(":memory:", &c->db, flags | SQLITE_OPEN_CREATE, NULL)
                          : sqlite3_open_v2(path, &c->db, flags, NULL);
    sp_error e = error_of(c, rc);
    if (e == SP_OK) {
        (void)sqlite3_extended_result_codes(c->db, 1); /* cannot fail on an open handle */
        (void)sqlite3_busy_timeout(c->db, BUSY_MS);
        e = pragmas(c, path == NULL);
        /* behind the pragmas: wal_autocheckpoint takes any hook away */
        (void)sqlite3_wal_hook(c->db, count_wal, c);
    }
    if (e != SP_OK) {
        sp_ignore(sp_why_say(why, e, "%s: %s", path == NULL ? "memory" : path,
                             c->db == NULL ? "out of memory" : sqlite3_errmsg(c->db)));
        conn_close(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void conn_close(struct conn *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++)
        (void)sqlite3_finalize(c->prepared[i].stmt); /* repeats an error told before */
    (void)sqlite3_close(c->db);
    free(c);
}

/* ---- statements ---- */

static sp_error prepare(struct conn *c, const char *sql, struct prepared **out)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->prepared[i].sql == sql) {
            *out = &c->prepared[i];
            return SP_OK;
        }
    if (c->count == STATEMENTS_MAX)
        return SP_ERR_INTERNAL;
    struct prepared *p = &c->prepared[c->count];
    int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &p->stmt, NULL);
    if (rc != SQLITE_OK)
        return error_of(c, rc);
    for (int i = 1; i <= PARAM_MAX; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "$%d", i);
        p->index[i] = sqlite3_bind_parameter_index(p->stmt, name);
    }
    p->sql = sql;
    c->count++;
    *out = p;
    return SP_OK;
}

static int bind(const struct prepared *p, size_t n, const struct param *v)
{
    int at = p->index[n];

    if (at == 0) /* texts that differ in a filter share one list of parameters */
        return SQLITE_OK;
    if (v->kind == PARAM_INT)
        return sqlite3_bind_int64(p->stmt, at, v->n);
    const char *bytes = v->v.len == 0 ? "" : (const char *)v->v.at; /* NULL would be SQL's NULL */
    if (v->kind == PARAM_TEXT)
        return sqlite3_bind_text64(p->stmt, at, bytes, v->v.len, SQLITE_STATIC, SQLITE_UTF8);
    return sqlite3_bind_blob64(p->stmt, at, bytes, v->v.len, SQLITE_STATIC);
}

struct columns {
    sqlite3_stmt *stmt;
};

int64_t column_int(const struct columns *c, int i)
{
    return sqlite3_column_int64(c->stmt, i);
}

struct view column_text(const struct columns *c, int i)
{
    const uint8_t *at = sqlite3_column_text(c->stmt, i);
    return (struct view){at, at == NULL ? 0 : (size_t)sqlite3_column_bytes(c->stmt, i)};
}

struct view column_bytes(const struct columns *c, int i)
{
    const uint8_t *at = sqlite3_column_blob(c->stmt, i);
    return (struct view){at, at == NULL ? 0 : (size_t)sqlite3_column_bytes(c->stmt, i)};
}

sp_error conn_run(struct conn *c, const char *sql, const struct param *params, size_t count,
                  on_row *row, void *arg, int64_t *changed)
{
    struct prepared *p = NULL;
    sp_error e;

    if (c->broken)
        return SP_ERR_IO;
    if (count > PARAM_MAX)
        return SP_ERR_INTERNAL;
    if ((e = prepare(c, sql, &p)) != SP_OK)
        return e;
    if (p->running) /* a reader of its rows asks for the same statement */
        return SP_ERR_INTERNAL;
    p->running = true;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
        rc = bind(p, i + 1, &params[i]);
    bool more = true;
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(p->stmt);
        if (rc == SQLITE_ROW && more && row != NULL)
            more = row(arg, &(struct columns){p->stmt});
        if (rc == SQLITE_ROW && !more && sqlite3_stmt_readonly(p->stmt))
            break; /* a write goes on to its end: RETURNING stops nothing */
    }
    if (rc == SQLITE_DONE && changed != NULL)
        *changed = sqlite3_changes64(c->db);
    e = rc == SQLITE_ROW ? SP_OK : error_of(c, rc);
    (void)sqlite3_reset(p->stmt); /* repeats the error of step */
    (void)sqlite3_clear_bindings(p->stmt);
    p->running = false;
    return e;
}

/* ---- transactions ---- */

static sp_error plain(struct conn *c, const char *sql)
{
    return conn_run(c, sql, NULL, 0, NULL, NULL, NULL);
}

sp_error conn_begin(struct conn *c)
{
    return plain(c, "BEGIN IMMEDIATE");
}

sp_error conn_commit(struct conn *c)
{
    return plain(c, "COMMIT");
}

void conn_rollback(struct conn *c)
{
    if (conn_in_transaction(c))
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL); /* also when it is broken */
}

sp_error conn_save(struct conn *c)
{
    return plain(c, "SAVEPOINT one");
}

sp_error conn_keep(struct conn *c)
{
    return plain(c, "RELEASE one");
}

void conn_undo(struct conn *c)
{
    if (conn_in_transaction(c))
        (void)sqlite3_exec(c->db, "ROLLBACK TO one; RELEASE one", NULL, NULL, NULL);
}

bool conn_in_transaction(const struct conn *c)
{
    return sqlite3_get_autocommit(c->db) == 0;
}

void conn_checkpoint(struct conn *c, bool all)
{
    int how = all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;

    if (!all && c->wal_pages < CHECKPOINT_PAGES)
        return;
    c->wal_pages = 0;
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, how, NULL, NULL);
    if (rc != SQLITE_OK)
        sp_ignore(error_of(c, rc)); /* the log keeps everything; a failed sync marks `broken` */
}

bool conn_broken(const struct conn *c)
{
    return c->broken;
}

/* ---- schema, check, copy ---- */

static bool word_byte(char b)
{
    return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '_';
}

/* The types, CLUSTERED (rows stand in the order of their key) and the end of a table in SQLite's
 * words. */
static void in_our_words(const char *text, struct buf *out)
{
    bool table = false;

    for (const char *at = text; *at != '\0';) {
        size_t len = 0;
        while (word_byte(at[len]))
            len++;
        struct view word = {(const uint8_t *)at, len};
        if (len == 0) {
            if (table && strncmp(at, ");\n", 3) == 0) {
                buf_add_str(out, ") STRICT;");
                at += 2;
                continue;
            }
            buf_add_byte(out, (uint8_t)*at++);
            continue;
        }
        table = view_is(word, "TABLE") ||
                (table && !view_is(word, "CREATE") && !view_is(word, "UPDATE"));
        if (view_is(word, "INT"))
            buf_add_str(out, "INTEGER");
        else if (view_is(word, "CLUSTERED"))
            buf_add_str(out, "STRICT, WITHOUT ROWID");
        else if (view_is(word, "BYTES"))
            buf_add_str(out, "BLOB");
        else
            buf_add(out, word);
        at += len;
    }
}

sp_error conn_schema(struct conn *c, const char *text, struct sp_why *why)
{
    struct buf sql;

    buf_init(&sql, 256 * 1024);
    in_our_words(text, &sql);
    const char *words = buf_cstr(&sql);
    if (words == NULL || buf_error(&sql) != SP_OK) {
        buf_deinit(&sql);
        return SP_ERR_NOMEM;
    }
    int rc = sqlite3_exec(c->db, words, NULL, NULL, NULL);
    sp_error e = error_of(c, rc);
    if (e != SP_OK)
        sp_ignore(sp_why_say(why, e, "schema: %s", sqlite3_errmsg(c->db)));
    buf_deinit(&sql);
    return e;
}

struct check {
    char first[256];
};

static bool on_check(void *arg, const struct columns *c)
{
    struct check *k = arg;
    struct view text = column_text(c, 0);

    (void)snprintf(k->first, sizeof k->first, "%.*s", VIEW_ARG(text));
    return false;
}

sp_error conn_check(struct conn *c, struct sp_why *why)
{
    struct check k = {""};
    sp_error e = conn_run(c, "PRAGMA integrity_check(1)", NULL, 0, on_check, &k, NULL);

    if (e != SP_OK)
        return e;
    if (strcmp(k.first, "ok") != 0)
        return sp_why_say(why, SP_ERR_CORRUPT, "%s", k.first);
    return SP_OK;
}

static sp_error copy_pages(sqlite3 *from, sqlite3 *to, struct sp_why *why)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int rc = SQLITE_OK;

    if (b == NULL)
        return sp_why_say(why, SP_ERR_IO, "%s", sqlite3_errmsg(to));
    for (int tries = 0; tries < 6000 && rc != SQLITE_DONE; tries++) {
        rc = sqlite3_backup_step(b, 4096);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
            (void)sqlite3_sleep(10);
        else if (rc != SQLITE_OK && rc != SQLITE_DONE)
            break;
    }
    (void)sqlite3_backup_finish(b); /* rc says what step met */
    if (rc != SQLITE_DONE)
        return sp_why_say(why, rc == SQLITE_FULL ? SP_ERR_FULL : SP_ERR_IO, "copy: %s",
                          sqlite3_errstr(rc));
    return SP_OK;
}

sp_error engine_copy(const char *from, const char *to, struct sp_why *why)
{
    struct conn *source = NULL;
    sqlite3 *target = NULL;
    sp_error e = conn_open(from, CONN_READ, why, &source);

    if (e != SP_OK)
        return e;
    int rc = sqlite3_open_v2(to, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
    if (rc != SQLITE_OK)
        e = sp_why_say(why, SP_ERR_PERMISSION, "%s: %s", to, sqlite3_errstr(rc));
    if (e == SP_OK)
        e = copy_pages(source->db, target, why);
    if (e == SP_OK &&
        sqlite3_exec(target, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) != SQLITE_OK)
        e = sp_why_say(why, SP_ERR_IO, "%s: %s", to, sqlite3_errmsg(target));
    (void)sqlite3_close(target);
    conn_close(source);
    return e;
}
