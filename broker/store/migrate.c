/*
 * Numbered, forward only. `meta` holds the schema's number; each step runs in one transaction
 * with the new number, so that a crash leaves either the old or the new schema.
 */
#include "broker/store/store_internal.h"

#include "broker/store/0001-first.sql.h"
#include "broker/store/0002-access.sql.h"
#include "broker/store/0003-incident.sql.h"
#include "broker/store/0004-inventory.sql.h"
#include "broker/store/0005-lists.sql.h"
#include "broker/store/0006-draft.sql.h"
#include "broker/store/0007-document.sql.h"
#include "broker/store/0008-part.sql.h"
#include "broker/store/0009-spool.sql.h"
#include "broker/store/0010-feed.sql.h"
#include "lib/crypto/random.h"

static const char *const steps[STORE_SCHEMA] = {
    schema_0001_first, schema_0002_access, schema_0003_incident, schema_0004_inventory,
    schema_0005_lists, schema_0006_draft,  schema_0007_document, schema_0008_part,
    schema_0009_spool, schema_0010_feed};

static const char make_meta[] = "CREATE TABLE IF NOT EXISTS meta (k TEXT PRIMARY KEY, v BLOB "
                                "NOT NULL) STRICT";
static const char get_meta[] = "SELECT v FROM meta WHERE k = $1";
static const char put_meta[] = "INSERT INTO meta (k, v) VALUES ($1, $2) "
                               "ON CONFLICT (k) DO UPDATE SET v = $2";
static const char add_scope[] = "INSERT INTO change_head (scope, ver) VALUES ($1, 0) "
                                "ON CONFLICT (scope) DO NOTHING";

struct number {
    int64_t n;
    bool came;
};

static bool on_number(void *arg, const struct columns *c)
{
    struct number *out = arg;
    struct view v = column_bytes(c, 0);

    out->came = v.len == 8;
    for (size_t i = 0; i < v.len && i < 8; i++)
        out->n = (int64_t)((uint64_t)out->n << 8 | v.at[i]);
    return true;
}

sp_error meta_get(struct conn *c, const char *key, int64_t *out)
{
    struct number n = {0};
    sp_error e = conn_run(c, get_meta, PARAMS(P_TEXT(key)), on_number, &n, NULL);

    if (e != SP_OK || !n.came)
        return e != SP_OK ? e : SP_ERR_NOT_FOUND;
    *out = n.n;
    return SP_OK;
}

sp_error meta_put(struct conn *c, const char *key, int64_t value)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    const struct view v = {bytes, sizeof bytes};
    return conn_run(c, put_meta, PARAMS(P_TEXT(key), P_BYTES(v)), NULL, NULL, NULL);
}

/* What the first schema begins with. */
static sp_error first_rows(struct conn *c)
{
    struct sp_id epoch = random_id();
    sp_error e = conn_run(c, put_meta, PARAMS(P_TEXT("epoch"), P_ID(epoch)), NULL, NULL, NULL);

    for (int scope = 0; e == SP_OK && scope < CHANGE_SCOPES; scope++)
        e = conn_run(c, add_scope, PARAMS(P_INT(scope)), NULL, NULL, NULL);
    return e;
}

static sp_error step(struct conn *c, int64_t from, struct sp_why *why)
{
    sp_error e = conn_begin(c);

    if (e != SP_OK)
        return e;
    if ((e = conn_schema(c, steps[from], why)) == SP_OK)
        e = from == 0 ? first_rows(c) : SP_OK;
    if (e == SP_OK)
        e = meta_put(c, "schema", from + 1);
    if (e == SP_OK)
        e = conn_commit(c);
    conn_rollback(c);
    return e;
}

sp_error store_migrate(struct conn *c, struct sp_why *why)
{
    int64_t have = 0;
    sp_error e = conn_run(c, make_meta, NULL, 0, NULL, NULL, NULL);

    if (e == SP_OK && (e = meta_get(c, "schema", &have)) == SP_ERR_NOT_FOUND)
        e = SP_OK;
    if (e == SP_OK && have > STORE_SCHEMA)
        return sp_why_say(why, SP_ERR_VERSION,
                          "the store has schema %lld and this program knows up to %d: run the "
                          "newer program, or put a backup of that time back",
                          (long long)have, STORE_SCHEMA);
    for (; e == SP_OK && have < STORE_SCHEMA; have++)
        e = step(c, have, why);
    return e;
}
