#include "broker/store/store_internal.h"

static const char bump[] = "UPDATE change_head SET ver = ver + 1 WHERE scope = $1 RETURNING ver";
static const char add[] = "INSERT INTO change (scope, ver, kind, subject, body, ts) "
                          "VALUES ($1, $2, $3, $4, $5, $6)";
static const char all_heads[] = "SELECT scope, ver FROM change_head ORDER BY scope";
static const char rows_since[] = "SELECT scope, ver, kind, subject, body, ts FROM change "
                                 "WHERE scope = $1 AND ver > $2 ORDER BY ver";
static const char drop_old[] = "DELETE FROM change WHERE ts < $1";

static bool on_ver(void *arg, const struct columns *c)
{
    *(int64_t *)arg = column_int(c, 0);
    return true;
}

static uint32_t scope_of(enum change_kind kind, struct sp_id subject)
{
    switch (kind) {
    case CHANGE_USER:
    case CHANGE_DEVICE:
    case CHANGE_LOGIN:
    case CHANGE_POSTURE:
    case CHANGE_BROWSER_LOGIN:
    case CHANGE_KILL:
    case CHANGE_ACCESS:
        return 1 + subject.bytes[0] % (CHANGE_SCOPES - 1u);
    default: /* admin objects */
        return 0;
    }
}

/* The row lock of change_head makes commit order the order of versions. */
sp_error tx_change(struct store_tx *tx, enum change_kind kind, struct sp_id subject,
                   struct view body)
{
    uint32_t scope = scope_of(kind, subject);
    int64_t ver = 0;
    sp_error e = conn_run(tx->conn, bump, PARAMS(P_INT(scope)), on_ver, &ver, NULL);

    if (e == SP_OK && ver == 0)
        return SP_ERR_CORRUPT;
    if (e == SP_OK)
        e = tx_run(tx, add,
                   PARAMS(P_INT(scope), P_INT(ver), P_INT(kind), P_ID(subject), P_BYTES(body),
                          P_INT(tx->now)),
                   NULL);
    if (e == SP_OK)
        tx->changed = true;
    return e;
}

static bool on_head(void *arg, const struct columns *c)
{
    int64_t scope = column_int(c, 0);

    if (scope >= 0 && scope < CHANGE_SCOPES)
        ((uint64_t *)arg)[scope] = (uint64_t)column_int(c, 1);
    return true;
}

static sp_error heads(struct store *st, uint64_t out[CHANGE_SCOPES])
{
    return store_read(st, all_heads, NULL, 0, on_head, out);
}

struct each {
    each_change *each;
    void *arg;
};

static bool on_change(void *arg, const struct columns *c)
{
    struct each *x = arg;
    struct change_row row = {
        .scope = (uint32_t)column_int(c, 0),
        .ver = (uint64_t)column_int(c, 1),
        .kind = (enum change_kind)column_int(c, 2),
        .subject = column_id(c, 3),
        .body = column_bytes(c, 4),
        .at = column_int(c, 5),
    };
    return x->each(x->arg, &row);
}

static sp_error since(struct store *st, uint32_t scope, uint64_t ver, each_change *each, void *arg)
{
    struct each x = {each, arg};
    return store_read(st, rows_since, PARAMS(P_INT(scope), P_INT(ver)), on_change, &x);
}

static sp_error forget(struct store_tx *tx, sp_unix_ms before)
{
    return tx_run(tx, drop_old, PARAMS(P_INT(before)), NULL);
}

const struct store_changes sql_changes = {.heads = heads, .since = since, .forget = forget};
