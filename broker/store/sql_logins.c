#include "broker/store/store_internal.h"

#define LOGIN_COLUMNS                                                                          \
    "user_id, auth_at, mfa_at, mfa_kind, amr, acr, idp_sid, address, agent, created, rolled, " \
    "expires, ver"

static const char device_write[] =
    "INSERT INTO device_login (device_id, " LOGIN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, "
    "$8, $9, $10, $11, $12, $13, 1) ON CONFLICT (device_id) DO UPDATE SET user_id = $2, "
    "auth_at = $3, mfa_at = $4, mfa_kind = $5, amr = $6, acr = $7, idp_sid = $8, address = $9, "
    "agent = $10, created = $11, rolled = $12, expires = $13, ver = device_login.ver + 1 "
    "RETURNING ver";
static const char device_read[] = "SELECT device_id, " LOGIN_COLUMNS " FROM device_login "
                                  "WHERE device_id = $1";
static const char device_of_user[] = "SELECT device_id, " LOGIN_COLUMNS " FROM device_login "
                                     "WHERE user_id = $1 ORDER BY device_id";
static const char device_drop[] = "DELETE FROM device_login WHERE device_id = $1";
static const char browser_write[] =
    "INSERT INTO browser_login (hash, prev_hash, " LOGIN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, "
    "$6, $7, $8, $9, $10, $11, $12, $13, $14, 1) ON CONFLICT (hash) DO UPDATE SET auth_at = $4, "
    "mfa_at = $5, mfa_kind = $6, amr = $7, acr = $8, idp_sid = $9, expires = $14, "
    "ver = browser_login.ver + 1 WHERE browser_login.user_id = $3 RETURNING ver";
static const char browser_read[] = "SELECT hash, prev_hash, " LOGIN_COLUMNS " FROM browser_login "
                                   "WHERE hash = $1 OR prev_hash = $1 ORDER BY hash = $1 DESC";
static const char browser_turn[] =
    "UPDATE browser_login SET hash = $2, prev_hash = $1, rolled = $3, ver = ver + 1 "
    "WHERE hash = $1";
static const char browser_drop[] = "DELETE FROM browser_login WHERE hash = $1 OR prev_hash = $1";
static const char browser_of_user[] = "SELECT hash, prev_hash, " LOGIN_COLUMNS " FROM "
                                      "browser_login WHERE user_id = $1 ORDER BY created DESC";
static const char drop_browsers[] = "DELETE FROM browser_login WHERE user_id = $1";
static const char drop_devices[] = "DELETE FROM device_login WHERE user_id = $1 "
                                   "RETURNING device_id";
static const char drop_expired_browsers[] = "DELETE FROM browser_login WHERE expires < $1";
static const char secret_write[] = "INSERT INTO secret (name, sealed) VALUES ($1, $2) "
                                   "ON CONFLICT (name) DO UPDATE SET sealed = $2";
static const char secret_new[] = "INSERT INTO secret (name, sealed) VALUES ($1, $2) "
                                 "ON CONFLICT (name) DO NOTHING";
static const char secret_read[] = "SELECT sealed FROM secret WHERE name = $1";

#define ACCOUNT_COLUMNS \
    "id, name, display, email, password, groups, disabled, admin, must_change, created, ver"
static const char account_new[] = "INSERT INTO account (" ACCOUNT_COLUMNS ") VALUES ($1, $2, $3, "
                                  "$4, $5, $6, $7, $8, $9, $10, 1)";
static const char account_write[] =
    "UPDATE account SET name = $2, display = $3, email = $4, password = $5, groups = $6, "
    "disabled = $7, admin = $8, must_change = $9, ver = ver + 1 WHERE id = $1 AND ver = $10";
static const char account_name[] = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE name = $1";
static const char account_id[] = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = $1";
static const char account_all[] = "SELECT " ACCOUNT_COLUMNS " FROM account ORDER BY name";
static const char account_drop[] = "DELETE FROM account WHERE id = $1 AND ver = $2";

/* ---- logins ---- */

static void read_login(const struct columns *c, int at, struct login_row *row)
{
    row->user = column_id(c, at);
    row->auth_at = column_int(c, at + 1);
    row->mfa_at = column_int(c, at + 2);
    row->mfa_kind = (enum mfa_row_kind)column_int(c, at + 3);
    column_str(c, at + 4, row->amr, sizeof row->amr);
    column_str(c, at + 5, row->acr, sizeof row->acr);
    column_str(c, at + 6, row->idp_sid, sizeof row->idp_sid);
    column_str(c, at + 7, row->address, sizeof row->address);
    column_str(c, at + 8, row->agent, sizeof row->agent);
    row->created = column_int(c, at + 9);
    row->rolled = column_int(c, at + 10);
    row->expires = column_int(c, at + 11);
    row->ver = (uint64_t)column_int(c, at + 12);
}

static bool on_device_login(void *arg, const struct columns *c)
{
    struct login_row *row = arg;

    *row = (struct login_row){.device = column_id(c, 0)};
    read_login(c, 1, row);
    return true;
}

static void read_browser(const struct columns *c, struct login_row *row)
{
    *row = (struct login_row){0};
    column_hash(c, 0, row->hash);
    column_hash(c, 1, row->prev_hash);
    read_login(c, 2, row);
}

static bool on_browser_login(void *arg, const struct columns *c)
{
    read_browser(c, arg);
    return true;
}

static bool on_ver(void *arg, const struct columns *c)
{
    *(uint64_t *)arg = (uint64_t)column_int(c, 0);
    return true;
}

static sp_error device_put(struct store_tx *tx, struct login_row *r)
{
    uint64_t ver = 0;
    sp_error e =
        conn_run(tx->conn, device_write,
                 PARAMS(P_ID(r->device), P_ID(r->user), P_INT(r->auth_at), P_INT(r->mfa_at),
                        P_INT(r->mfa_kind), P_TEXT(r->amr), P_TEXT(r->acr), P_TEXT(r->idp_sid),
                        P_TEXT(r->address), P_TEXT(r->agent), P_INT(r->created), P_INT(r->rolled),
                        P_INT(r->expires)),
                 on_ver, &ver, NULL);
    if (e == SP_OK)
        e = tx_change(tx, CHANGE_LOGIN, r->device, (struct view){0});
    if (e == SP_OK)
        r->ver = ver;
    return e;
}

static sp_error device_get(struct store *st, struct sp_id device, struct login_row *out)
{
    return store_read_one(st, device_read, PARAMS(P_ID(device)), on_device_login, out);
}

static sp_error device_remove(struct store_tx *tx, struct sp_id device, bool *won)
{
    sp_error e = tx_won(tx, device_drop, PARAMS(P_ID(device)), won);

    return e == SP_OK && *won ? tx_change(tx, CHANGE_LOGIN, device, (struct view){0}) : e;
}

struct each {
    each_login *each;
    void *arg;
};

static bool on_each_device(void *arg, const struct columns *c)
{
    struct each *x = arg;
    struct login_row row;

    (void)on_device_login(&row, c); /* says only to go on */
    return x->each(x->arg, &row);
}

static sp_error device_logins(struct store *st, struct sp_id user, each_login *each, void *arg)
{
    struct each x = {each, arg};
    return store_read(st, device_of_user, PARAMS(P_ID(user)), on_each_device, &x);
}

static sp_error browser_put(struct store_tx *tx, struct login_row *r)
{
    uint64_t ver = 0;
    sp_error e =
        conn_run(tx->conn, browser_write,
                 PARAMS(P_HASH(r->hash), P_HASH(r->prev_hash), P_ID(r->user), P_INT(r->auth_at),
                        P_INT(r->mfa_at), P_INT(r->mfa_kind), P_TEXT(r->amr), P_TEXT(r->acr),
                        P_TEXT(r->idp_sid), P_TEXT(r->address), P_TEXT(r->agent), P_INT(r->created),
                        P_INT(r->rolled), P_INT(r->expires)),
                 on_ver, &ver, NULL);
    if (e == SP_OK && ver == 0)
        return SP_ERR_CONFLICT; /* this ticket is someone else's */
    if (e == SP_OK)
        e = tx_change(tx, CHANGE_BROWSER_LOGIN, r->user, (struct view){0});
    if (e == SP_OK)
        r->ver = ver;
    return e;
}

static sp_error browser_get(struct store *st, const uint8_t hash[ROW_HASH_BYTES],
                            struct login_row *out)
{
    return store_read_one(st, browser_read, PARAMS(P_HASH(hash)), on_browser_login, out);
}

static sp_error browser_roll(struct store_tx *tx, const uint8_t old[ROW_HASH_BYTES],
                             const uint8_t fresh[ROW_HASH_BYTES], sp_unix_ms now, bool *won)
{
    return tx_won(tx, browser_turn, PARAMS(P_HASH(old), P_HASH(fresh), P_INT(now)), won);
}

static sp_error browser_remove(struct store_tx *tx, const uint8_t hash[ROW_HASH_BYTES], bool *won)
{
    return tx_won(tx, browser_drop, PARAMS(P_HASH(hash)), won);
}

static bool on_each_browser(void *arg, const struct columns *c)
{
    struct each *x = arg;
    struct login_row row;

    read_browser(c, &row);
    return x->each(x->arg, &row);
}

static sp_error browser_list(struct store *st, struct sp_id user, each_login *each, void *arg)
{
    struct each x = {each, arg};
    return store_read(st, browser_of_user, PARAMS(P_ID(user)), on_each_browser, &x);
}

enum { DEVICES_A_USER_MAX = 256 };
struct ids {
    struct sp_id at[DEVICES_A_USER_MAX];
    size_t count;
};

static bool on_id(void *arg, const struct columns *c)
{
    struct ids *ids = arg;

    if (ids->count < DEVICES_A_USER_MAX)
        ids->at[ids->count++] = column_id(c, 0);
    return true;
}

static sp_error remove_all(struct store_tx *tx, struct sp_id user)
{
    struct ids ids = {.count = 0};
    sp_error e = tx_run(tx, drop_browsers, PARAMS(P_ID(user)), NULL);

    if (e == SP_OK)
        e = conn_run(tx->conn, drop_devices, PARAMS(P_ID(user)), on_id, &ids, NULL);
    for (size_t i = 0; i < ids.count && e == SP_OK; i++)
        e = tx_change(tx, CHANGE_LOGIN, ids.at[i], (struct view){0});
    if (e == SP_OK)
        e = tx_change(tx, CHANGE_BROWSER_LOGIN, user, (struct view){0});
    return e;
}

static sp_error forget(struct store_tx *tx, sp_unix_ms before)
{
    return tx_run(tx, drop_expired_browsers, PARAMS(P_INT(before)), NULL);
}

/* ---- secrets ---- */

static sp_error secret_put(struct store_tx *tx, const char *name, struct view sealed)
{
    return tx_run(tx, secret_write, PARAMS(P_TEXT(name), P_BYTES(sealed)), NULL);
}

static sp_error secret_add(struct store_tx *tx, const char *name, struct view sealed, bool *won)
{
    return tx_won(tx, secret_new, PARAMS(P_TEXT(name), P_BYTES(sealed)), won);
}

struct text_out {
    each_text *each;
    void *arg;
};

static bool on_secret(void *arg, const struct columns *c)
{
    struct text_out *o = arg;
    return o->each(o->arg, column_bytes(c, 0));
}

static sp_error secret_get(struct store *st, const char *name, each_text *each, void *arg)
{
    struct text_out o = {each, arg};
    return store_read_one(st, secret_read, PARAMS(P_TEXT(name)), on_secret, &o);
}

/* ---- local accounts ---- */

static bool on_account(void *arg, const struct columns *c)
{
    struct account_row *row = arg;

    *row = (struct account_row){.id = column_id(c, 0),
                                .disabled = column_int(c, 6) != 0,
                                .admin = column_int(c, 7) != 0,
                                .must_change = column_int(c, 8) != 0,
                                .created = column_int(c, 9),
                                .ver = (uint64_t)column_int(c, 10)};
    column_str(c, 1, row->name, sizeof row->name);
    column_str(c, 2, row->display, sizeof row->display);
    column_str(c, 3, row->email, sizeof row->email);
    column_str(c, 4, row->password, sizeof row->password);
    column_str(c, 5, row->groups, sizeof row->groups);
    return true;
}

static sp_error account_put(struct store_tx *tx, struct account_row *r)
{
    const struct param p[] = {
        P_ID(r->id),           P_TEXT(r->name),
        P_TEXT(r->display),    P_TEXT(r->email),
        P_TEXT(r->password),   P_TEXT(r->groups),
        P_INT(r->disabled),    P_INT(r->admin),
        P_INT(r->must_change), P_INT(r->ver == 0 ? r->created : (int64_t)r->ver)};
    sp_error e = tx_run_one(tx, r->ver == 0 ? account_new : account_write, p, sizeof p / sizeof *p,
                            SP_ERR_CONFLICT);
    if (e == SP_OK)
        r->ver++;
    return e;
}

static sp_error account_by_name(struct store *st, const char *name, struct account_row *out)
{
    return store_read_one(st, account_name, PARAMS(P_TEXT(name)), on_account, out);
}

static sp_error account_get(struct store *st, struct sp_id id, struct account_row *out)
{
    return store_read_one(st, account_id, PARAMS(P_ID(id)), on_account, out);
}

struct accounts {
    each_account *each;
    void *arg;
};

static bool on_each_account(void *arg, const struct columns *c)
{
    struct accounts *x = arg;
    struct account_row row;

    (void)on_account(&row, c); /* says only to go on */
    return x->each(x->arg, &row);
}

static sp_error account_list(struct store *st, each_account *each, void *arg)
{
    struct accounts x = {each, arg};
    return store_read(st, account_all, NULL, 0, on_each_account, &x);
}

static sp_error account_remove(struct store_tx *tx, struct sp_id id, uint64_t ver)
{
    return tx_run_one(tx, account_drop, PARAMS(P_ID(id), P_INT(ver)), SP_ERR_CONFLICT);
}

const struct store_logins sql_logins = {
    .device_put = device_put,
    .device_get = device_get,
    .device_remove = device_remove,
    .device_logins = device_logins,
    .browser_put = browser_put,
    .browser_get = browser_get,
    .browser_roll = browser_roll,
    .browser_remove = browser_remove,
    .browser_list = browser_list,
    .remove_all = remove_all,
    .forget = forget,
    .secret_put = secret_put,
    .secret_get = secret_get,
    .secret_add = secret_add,
    .account_put = account_put,
    .account_by_name = account_by_name,
    .account_get = account_get,
    .account_list = account_list,
    .account_remove = account_remove,
};
