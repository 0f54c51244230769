/* Posture feeds of vendors. */
#include "broker/store/store_internal.h"

#define ACCOUNT                                                                            \
    "name, base_url, login_url, tenant, client_id, secret, interval_ms, ttl_ms, created, " \
    "updated, ver"
#define STATE "tried_at, ok_at, failing_since, failures, next_at, records, joined, result"
static const char feed_new[] =
    "INSERT INTO feed (" ACCOUNT ", " STATE ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, "
    "0, 0, 0, 0, 0, 0, 0, '') ON CONFLICT (name) DO NOTHING";
static const char feed_write[] =
    "UPDATE feed SET base_url = $2, login_url = $3, tenant = $4, client_id = $5, secret = $6, "
    "interval_ms = $7, ttl_ms = $8, updated = $10, ver = ver + 1 "
    "WHERE name = $1 AND created = $9 AND ver = $11";
static const char feed_drop[] = "DELETE FROM feed WHERE name = $1";
static const char feed_mark[] =
    "UPDATE feed SET tried_at = $2, ok_at = $3, failing_since = $4, failures = $5, next_at = $6, "
    "records = $7, joined = $8, result = $9 WHERE name = $1";
static const char feed_all[] = "SELECT " ACCOUNT ", " STATE " FROM feed ORDER BY name";

struct rows {
    each_feed *each;
    void *arg;
};

static bool on_feed(void *arg, const struct columns *c)
{
    struct rows *x = arg;
    struct feed_row r = {.secret = column_bytes(c, 5),
                         .interval_ms = column_int(c, 6),
                         .ttl_ms = column_int(c, 7),
                         .created = column_int(c, 8),
                         .updated = column_int(c, 9),
                         .ver = (uint64_t)column_int(c, 10),
                         .tried_at = column_int(c, 11),
                         .ok_at = column_int(c, 12),
                         .failing_since = column_int(c, 13),
                         .failures = column_int(c, 14),
                         .next_at = column_int(c, 15),
                         .records = column_int(c, 16),
                         .joined = column_int(c, 17)};

    column_str(c, 0, r.name, sizeof r.name);
    column_str(c, 1, r.base_url, sizeof r.base_url);
    column_str(c, 2, r.login_url, sizeof r.login_url);
    column_str(c, 3, r.tenant, sizeof r.tenant);
    column_str(c, 4, r.client_id, sizeof r.client_id);
    column_str(c, 18, r.result, sizeof r.result);
    return x->each(x->arg, &r);
}

static sp_error put(struct store_tx *tx, struct feed_row *r)
{
    const struct param p[] = {P_TEXT(r->name),       P_TEXT(r->base_url),  P_TEXT(r->login_url),
                              P_TEXT(r->tenant),     P_TEXT(r->client_id), P_BYTES(r->secret),
                              P_INT(r->interval_ms), P_INT(r->ttl_ms),     P_INT(r->created),
                              P_INT(r->updated),     P_INT(r->ver)};
    size_t n = sizeof p / sizeof *p;
    sp_error e = r->ver == 0 ? tx_run_one(tx, feed_new, p, n - 1, SP_ERR_EXISTS)
                             : tx_run_one(tx, feed_write, p, n, SP_ERR_CONFLICT);

    if (e == SP_OK)
        r->ver++;
    return e;
}

static sp_error drop(struct store_tx *tx, const char *name)
{
    return tx_run_one(tx, feed_drop, PARAMS(P_TEXT(name)), SP_ERR_NOT_FOUND);
}

static sp_error mark(struct store_tx *tx, const struct feed_row *r)
{
    return tx_run(tx, feed_mark,
                  PARAMS(P_TEXT(r->name), P_INT(r->tried_at), P_INT(r->ok_at),
                         P_INT(r->failing_since), P_INT(r->failures), P_INT(r->next_at),
                         P_INT(r->records), P_INT(r->joined), P_TEXT(r->result)),
                  NULL);
}

static sp_error list(struct store *st, each_feed *each, void *arg)
{
    struct rows x = {each, arg};

    return store_read(st, feed_all, NULL, 0, on_feed, &x);
}

const struct store_feeds sql_feeds = {.put = put, .remove = drop, .mark = mark, .list = list};
