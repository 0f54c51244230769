#include "broker/store/store_internal.h"

static const char put[] =
    "INSERT INTO session_live (id, user_id, device_id, app_id, relay_id, connector_id, opened, "
    "deadline) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET "
    "relay_id = $5, connector_id = $6, deadline = $8";
static const char drop[] = "DELETE FROM session_live WHERE id = $1";
static const char list[] = "SELECT id, user_id, device_id, app_id, relay_id, connector_id, opened, "
                           "deadline FROM session_live WHERE id > $1 ORDER BY id LIMIT $2";
static const char one[] = "SELECT id, user_id, device_id, app_id, relay_id, connector_id, opened, "
                          "deadline FROM session_live WHERE id = $1";
/* Records of a session may come after its end. */
static const char past[] =
    "INSERT INTO session_past (id, user_id, device_id, app_id, relay_id, connector_id, opened, "
    "deadline, ended) SELECT id, user_id, device_id, app_id, relay_id, connector_id, opened, "
    "deadline, $2 FROM session_live WHERE id = $1 ON CONFLICT (id) DO UPDATE SET ended = $2";
static const char drop_past[] = "DELETE FROM session_past WHERE ended < $1";
static const char was[] =
    "SELECT id, user_id, device_id, app_id, relay_id, connector_id, opened, deadline FROM "
    "session_live WHERE id = $1 UNION ALL SELECT id, user_id, device_id, app_id, relay_id, "
    "connector_id, opened, deadline FROM session_past WHERE id = $1 LIMIT 1";

static sp_error session_put(struct store_tx *tx, const struct session_row *r)
{
    return tx_run(tx, put,
                  PARAMS(P_ID(r->id), P_ID(r->user), P_ID(r->device), P_ID(r->app), P_ID(r->relay),
                         P_ID(r->connector), P_INT(r->opened), P_INT(r->deadline)),
                  NULL);
}

static sp_error session_remove(struct store_tx *tx, struct sp_id session)
{
    sp_error e = tx_run(tx, past, PARAMS(P_ID(session), P_INT(tx->now)), NULL);

    if (e == SP_OK)
        e = tx_run(tx, drop, PARAMS(P_ID(session)), NULL);
    return e == SP_OK ? tx_run(tx, drop_past, PARAMS(P_INT(tx->now - SESSION_PAST_MS)), NULL) : e;
}

struct each {
    each_session *each;
    void *arg;
};

static bool on_session(void *arg, const struct columns *c)
{
    struct each *x = arg;
    struct session_row row = {.id = column_id(c, 0),
                              .user = column_id(c, 1),
                              .device = column_id(c, 2),
                              .app = column_id(c, 3),
                              .relay = column_id(c, 4),
                              .connector = column_id(c, 5),
                              .opened = column_int(c, 6),
                              .deadline = column_int(c, 7)};
    return x->each(x->arg, &row);
}

static bool keep_session(void *arg, const struct session_row *row)
{
    *(struct session_row *)arg = *row;
    return false;
}

static sp_error session_get(struct store *st, struct sp_id session, struct session_row *out)
{
    struct each x = {keep_session, out};
    return store_read_one(st, one, PARAMS(P_ID(session)), on_session, &x);
}

static sp_error session_was(struct store *st, struct sp_id session, struct session_row *out)
{
    struct each x = {keep_session, out};
    return store_read_one(st, was, PARAMS(P_ID(session)), on_session, &x);
}

static sp_error session_list(struct store *st, struct sp_id after, size_t limit, each_session *each,
                             void *arg)
{
    struct each x = {each, arg};
    return store_read(st, list, PARAMS(P_ID(after), P_INT(limit)), on_session, &x);
}

const struct store_presence sql_presence = {
    .session_put = session_put,
    .session_remove = session_remove,
    .session_get = session_get,
    .session_was = session_was,
    .session_list = session_list,
};
