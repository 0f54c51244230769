#ifndef SP_STORE_ENGINE_H
#define SP_STORE_ENGINE_H

/*
 * engine: what a database must be able to do for this room: connect, run one statement, begin,
 * save, commit. sqlite/engine.c is the embedded one; a second engine is another file behind this
 * header. Inside of broker/store.
 *
 * A connection belongs to one thread at a time. Statements are texts of sql_*.c with $1..$n; the
 * text's address is its identity (prepared once a connection).
 */

#include "broker/store/store.h"

struct conn;

struct param {
    enum { PARAM_INT = 0, PARAM_TEXT, PARAM_BYTES } kind;
    int64_t n;
    struct view v;
};

#define P_INT(x)                             \
    {                                        \
        .kind = PARAM_INT, .n = (int64_t)(x) \
    }
#define P_TEXT(s)                            \
    {                                        \
        .kind = PARAM_TEXT, .v = view_str(s) \
    }
#define P_STR(view)                     \
    {                                   \
        .kind = PARAM_TEXT, .v = (view) \
    }
#define P_BYTES(view)                    \
    {                                    \
        .kind = PARAM_BYTES, .v = (view) \
    }
#define P_ID(id)                                             \
    {                                                        \
        .kind = PARAM_BYTES, .v = {(id).bytes, SP_ID_BYTES } \
    }
#define P_HASH(bytes)                                        \
    {                                                        \
        .kind = PARAM_BYTES, .v = {(bytes), ROW_HASH_BYTES } \
    }
/* The tail of run(): a list of params and their count. */
#define PARAMS(...)                      \
    (const struct param[]){__VA_ARGS__}, \
        sizeof((const struct param[]){__VA_ARGS__}) / sizeof(struct param)

/* The row under a cursor; columns from 0. Views live until the callback returns. */
struct columns;
int64_t column_int(const struct columns *c, int i);
struct view column_text(const struct columns *c, int i);
struct view column_bytes(const struct columns *c, int i);

/* False: enough. */
typedef bool on_row(void *arg, const struct columns *c);

enum conn_use { CONN_READ = 0, CONN_WRITE };
/* `path` NULL: memory. The file exists (store.c made it 0600). */
SP_MUST sp_error conn_open(const char *path, enum conn_use use, struct sp_why *why,
                           struct conn **out);
void conn_close(struct conn *c);

/*
 * Runs one statement; `row` (or NULL) gets each row; `*changed` (or NULL) how many rows it wrote.
 *   SP_ERR_EXISTS  a unique value is taken
 *   and those of store.h
 */
SP_MUST sp_error conn_run(struct conn *c, const char *sql, const struct param *params, size_t count,
                          on_row *row, void *arg, int64_t *changed);

SP_MUST sp_error conn_begin(struct conn *c);
SP_MUST sp_error conn_commit(struct conn *c);
void conn_rollback(struct conn *c);
SP_MUST sp_error conn_save(struct conn *c);
SP_MUST sp_error conn_keep(struct conn *c); /* the savepoint's writes stay */
void conn_undo(struct conn *c);             /* they go */
/* False: the engine itself has given the transaction up. */
bool conn_in_transaction(const struct conn *c);
/* Moves the log into the database when it has grown; the writer only, between transactions. */
void conn_checkpoint(struct conn *c, bool all);
/* A failed sync: nothing that this handle says may be believed any more (FLT-06). */
bool conn_broken(const struct conn *c);

/* A schema text in this engine's words: several statements. */
SP_MUST sp_error conn_schema(struct conn *c, const char *text, struct sp_why *why);
SP_MUST sp_error conn_check(struct conn *c, struct sp_why *why); /* SP_ERR_CORRUPT */
/* A whole copy of the database at `from` into the new file `to`, while others use it. */
SP_MUST sp_error engine_copy(const char *from, const char *to, struct sp_why *why);

#endif
