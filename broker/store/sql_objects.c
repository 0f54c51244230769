/* Sites, connectors, relays, apps, policies: what every broker holds in memory. */
#include "broker/store/sql_registry.h"

static const char site_new[] = "INSERT INTO site (id, name, ver) VALUES ($1, $2, 1)";
static const char site_write[] = "UPDATE site SET name = $2, ver = ver + 1 "
                                 "WHERE id = $1 AND ver = $3";
static const char site_drop[] = "DELETE FROM site WHERE id = $1 AND ver = $2";
static const char site_all[] = "SELECT id, name, ver FROM site ORDER BY name";

#define CONNECTOR_COLUMNS "id, site_id, name, software, key, state, created, seen, ver"
static const char connector_new[] = "INSERT INTO connector (" CONNECTOR_COLUMNS ") VALUES "
                                    "($1, $2, $3, $4, $5, $6, $7, $8, 1)";
static const char connector_write[] =
    "UPDATE connector SET site_id = $2, name = $3, software = $4, key = $5, state = $6, seen = $8, "
    "ver = ver + 1 WHERE id = $1 AND created = $7 AND ver = $9";
static const char connector_all[] = "SELECT " CONNECTOR_COLUMNS " FROM connector ORDER BY id";

#define RELAY_COLUMNS "id, name, region, addrs, key, spki, state, created, seen, ver"
static const char relay_new[] = "INSERT INTO relay (" RELAY_COLUMNS ") VALUES "
                                "($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)";
static const char relay_write[] =
    "UPDATE relay SET name = $2, region = $3, addrs = $4, key = $5, spki = $6, state = $7, "
    "seen = $9, ver = ver + 1 WHERE id = $1 AND created = $8 AND ver = $10";
static const char relay_all[] = "SELECT " RELAY_COLUMNS " FROM relay ORDER BY id";

#define APP_COLUMNS "id, name, site_id, type, host, port, spec, record, updated, ver"
static const char app_new[] = "INSERT INTO app (" APP_COLUMNS ") VALUES "
                              "($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)";
static const char app_write[] =
    "UPDATE app SET name = $2, site_id = $3, type = $4, host = $5, port = $6, spec = $7, "
    "record = $8, updated = $9, ver = ver + 1 WHERE id = $1 AND ver = $10";
static const char app_drop[] = "DELETE FROM app WHERE id = $1 AND ver = $2";
static const char app_all[] = "SELECT " APP_COLUMNS " FROM app ORDER BY name";

/* A new version is the old one plus 1, so two writers of one version cannot both succeed. */
static const char policy_new[] = "INSERT INTO policy_version (ver, doc, author, note, ts) "
                                 "SELECT $1, $2, $3, $4, $5 WHERE $6 = "
                                 "(SELECT coalesce(max(ver), 0) FROM policy_version)";
static const char policy_top[] = "SELECT ver, doc, author, note, ts FROM policy_version "
                                 "ORDER BY ver DESC LIMIT 1";
static const char policy_one[] = "SELECT ver, doc, author, note, ts FROM policy_version "
                                 "WHERE ver = $1";
static const char policy_page[] = "SELECT ver, '', author, note, ts FROM policy_version "
                                  "WHERE ver < $1 ORDER BY ver DESC LIMIT $2";

static const struct view nothing = {0};

/* How the rows of a table are written: both statements have the same parameters, and that of a
 * change one more, the last: the version that was seen. */
struct table {
    const char *insert, *update;
    enum change_kind kind;
};
static const struct table site_table = {site_new, site_write, CHANGE_SITE};
static const struct table connector_table = {connector_new, connector_write, CHANGE_CONNECTOR};
static const struct table relay_table = {relay_new, relay_write, CHANGE_RELAY};
static const struct table app_table = {app_new, app_write, CHANGE_APP};

/* Writes a row (version 0: a new one), appends its change, and moves its version on. `p` are the
 * parameters of a change. */
static sp_error put(struct store_tx *tx, const struct table *t, const struct param *p, size_t n,
                    struct sp_id id, uint64_t *ver)
{
    bool fresh = *ver == 0;
    sp_error e =
        tx_run_one(tx, fresh ? t->insert : t->update, p, fresh ? n - 1 : n, SP_ERR_CONFLICT);

    if (e == SP_OK)
        e = tx_change(tx, t->kind, id, nothing);
    if (e == SP_OK)
        (*ver)++;
    return e;
}

static sp_error drop(struct store_tx *tx, const char *sql, enum change_kind kind, struct sp_id id,
                     uint64_t ver)
{
    sp_error e = tx_run_one(tx, sql, PARAMS(P_ID(id), P_INT(ver)), SP_ERR_CONFLICT);

    return e == SP_OK ? tx_change(tx, kind, id, nothing) : e;
}

/* ---- sites ---- */

static sp_error site_put(struct store_tx *tx, struct site_row *r)
{
    return put(tx, &site_table, PARAMS(P_ID(r->id), P_TEXT(r->name), P_INT(r->ver)), r->id,
               &r->ver);
}

static sp_error site_remove(struct store_tx *tx, struct sp_id id, uint64_t ver)
{
    return drop(tx, site_drop, CHANGE_SITE, id, ver);
}

struct sites {
    each_site *each;
    void *arg;
};

static bool on_site(void *arg, const struct columns *c)
{
    struct sites *x = arg;
    struct site_row row = {.id = column_id(c, 0), .ver = (uint64_t)column_int(c, 2)};

    column_str(c, 1, row.name, sizeof row.name);
    return x->each(x->arg, &row);
}

static sp_error site_list(struct store *st, each_site *each, void *arg)
{
    struct sites x = {each, arg};
    return store_read(st, site_all, NULL, 0, on_site, &x);
}

/* ---- connectors ---- */

static sp_error connector_put(struct store_tx *tx, struct connector_row *r)
{
    struct stored_key key = stored_key(&r->key);

    return put(tx, &connector_table,
               PARAMS(P_ID(r->id), P_ID(r->site), P_TEXT(r->name), P_TEXT(r->software), P_KEY(key),
                      P_INT(r->state), P_INT(r->created), P_INT(r->seen), P_INT(r->ver)),
               r->id, &r->ver);
}

struct connectors {
    each_connector *each;
    void *arg;
};

static bool on_connector(void *arg, const struct columns *c)
{
    struct connectors *x = arg;
    struct connector_row row = {.id = column_id(c, 0),
                                .site = column_id(c, 1),
                                .key = column_key(c, 4),
                                .state = (enum edge_state)column_int(c, 5),
                                .created = column_int(c, 6),
                                .seen = column_int(c, 7),
                                .ver = (uint64_t)column_int(c, 8)};

    column_str(c, 2, row.name, sizeof row.name);
    column_str(c, 3, row.software, sizeof row.software);
    return x->each(x->arg, &row);
}

static sp_error connector_list(struct store *st, each_connector *each, void *arg)
{
    struct connectors x = {each, arg};
    return store_read(st, connector_all, NULL, 0, on_connector, &x);
}

/* ---- relays ---- */

static sp_error relay_put(struct store_tx *tx, struct relay_row *r)
{
    struct stored_key key = stored_key(&r->key);

    return put(tx, &relay_table,
               PARAMS(P_ID(r->id), P_TEXT(r->name), P_TEXT(r->region), P_TEXT(r->addresses),
                      P_KEY(key), P_HASH(r->spki_hash), P_INT(r->state), P_INT(r->created),
                      P_INT(r->seen), P_INT(r->ver)),
               r->id, &r->ver);
}

struct relays {
    each_relay *each;
    void *arg;
};

static bool on_relay(void *arg, const struct columns *c)
{
    struct relays *x = arg;
    struct relay_row row = {.id = column_id(c, 0),
                            .key = column_key(c, 4),
                            .state = (enum edge_state)column_int(c, 6),
                            .created = column_int(c, 7),
                            .seen = column_int(c, 8),
                            .ver = (uint64_t)column_int(c, 9)};

    column_str(c, 1, row.name, sizeof row.name);
    column_str(c, 2, row.region, sizeof row.region);
    column_str(c, 3, row.addresses, sizeof row.addresses);
    column_hash(c, 5, row.spki_hash);
    return x->each(x->arg, &row);
}

static sp_error relay_list(struct store *st, each_relay *each, void *arg)
{
    struct relays x = {each, arg};
    return store_read(st, relay_all, NULL, 0, on_relay, &x);
}

/* ---- apps ---- */

static sp_error app_put(struct store_tx *tx, struct app_row *r)
{
    return put(tx, &app_table,
               PARAMS(P_ID(r->id), P_TEXT(r->name), P_ID(r->site), P_INT(r->type), P_TEXT(r->host),
                      P_INT(r->port), P_STR(r->spec), P_STR(r->record), P_INT(r->updated),
                      P_INT(r->ver)),
               r->id, &r->ver);
}

static sp_error app_remove(struct store_tx *tx, struct sp_id id, uint64_t ver)
{
    return drop(tx, app_drop, CHANGE_APP, id, ver);
}

struct apps {
    each_app *each;
    void *arg;
};

static bool on_app(void *arg, const struct columns *c)
{
    struct apps *x = arg;
    struct app_row row = {.id = column_id(c, 0),
                          .site = column_id(c, 2),
                          .type = (enum app_type)column_int(c, 3),
                          .port = (uint16_t)column_int(c, 5),
                          .spec = column_text(c, 6),
                          .record = column_text(c, 7),
                          .updated = column_int(c, 8),
                          .ver = (uint64_t)column_int(c, 9)};

    column_str(c, 1, row.name, sizeof row.name);
    column_str(c, 4, row.host, sizeof row.host);
    return x->each(x->arg, &row);
}

static sp_error app_list(struct store *st, each_app *each, void *arg)
{
    struct apps x = {each, arg};
    return store_read(st, app_all, NULL, 0, on_app, &x);
}

/* ---- policies ---- */

static sp_error policy_put(struct store_tx *tx, struct policy_row *r, uint64_t expect)
{
    static const struct sp_id whole; /* the document has no id of its own */
    sp_error e = tx_run_one(tx, policy_new,
                            PARAMS(P_INT(expect + 1), P_STR(r->text), P_ID(r->author),
                                   P_TEXT(r->note), P_INT(r->at), P_INT(expect)),
                            SP_ERR_CONFLICT);
    if (e == SP_OK)
        e = tx_change(tx, CHANGE_POLICY, whole, nothing);
    if (e == SP_OK)
        r->ver = expect + 1;
    return e == SP_ERR_EXISTS ? SP_ERR_CONFLICT : e;
}

struct policies {
    each_policy *each;
    void *arg;
};

static bool on_policy(void *arg, const struct columns *c)
{
    struct policies *x = arg;
    struct policy_row row = {.ver = (uint64_t)column_int(c, 0),
                             .text = column_text(c, 1),
                             .author = column_id(c, 2),
                             .at = column_int(c, 4)};

    column_str(c, 3, row.note, sizeof row.note);
    return x->each(x->arg, &row);
}

static sp_error policy_newest(struct store *st, each_policy *each, void *arg)
{
    struct policies x = {each, arg};
    return store_read(st, policy_top, NULL, 0, on_policy, &x);
}

static sp_error policy_get(struct store *st, uint64_t ver, each_policy *each, void *arg)
{
    struct policies x = {each, arg};
    return store_read_one(st, policy_one, PARAMS(P_INT(ver)), on_policy, &x);
}

static sp_error policy_list(struct store *st, uint64_t before, size_t limit, each_policy *each,
                            void *arg)
{
    struct policies x = {each, arg};
    return store_read(st, policy_page,
                      PARAMS(P_INT(before == 0 ? INT64_MAX : (int64_t)before), P_INT(limit)),
                      on_policy, &x);
}

static sp_error announce(struct store_tx *tx, enum change_kind kind, struct sp_id subject,
                         struct view body)
{
    return tx_change(tx, kind, subject, body);
}

const struct store_registry sql_registry = {
    .user_put = sql_user_put,
    .user_get = sql_user_get,
    .user_by_principal = sql_user_by_principal,
    .user_by_name = sql_user_by_name,
    .user_list = sql_user_list,
    .user_count = sql_user_count,
    .user_groups_set = sql_user_groups_set,
    .user_groups = sql_user_groups,
    .group_list = sql_group_list,
    .group_members = sql_group_members,
    .device_put = sql_device_put,
    .device_get = sql_device_get,
    .device_by_key = sql_device_by_key,
    .device_list = sql_device_list,
    .device_count = sql_device_count,
    .device_order = sql_device_order,
    .device_tally = sql_device_tally,
    .device_ids = sql_device_ids,
    .device_seen = sql_device_seen,
    .posture_put = sql_posture_put,
    .posture_alive = sql_posture_alive,
    .posture_text = sql_posture_text,
    .site_put = site_put,
    .site_remove = site_remove,
    .site_list = site_list,
    .connector_put = connector_put,
    .connector_list = connector_list,
    .relay_put = relay_put,
    .relay_list = relay_list,
    .app_put = app_put,
    .app_remove = app_remove,
    .app_list = app_list,
    .policy_put = policy_put,
    .policy_newest = policy_newest,
    .policy_get = policy_get,
    .policy_list = policy_list,
    .announce = announce,
};
