/* Users, groups, devices, posture. */
#include "broker/store/sql_registry.h"

#include "lib/crypto/random.h"

#include <stdlib.h>

static const char user_new[] =
    "INSERT INTO user_account (" USER_COLUMNS ", find) VALUES ($1, $2, $3, "
    "$4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $14)";
static const char user_write[] =
    "UPDATE user_account SET name = $4, display = $5, email = $6, idp = $7, state = $8, "
    "groups_state = $9, groups_detail = $10, seen = $12, find = $14, ver = ver + 1 "
    "WHERE id = $1 AND iss = $2 AND sub = $3 AND created = $11 AND ver = $13";
static const char user_id[] = "SELECT " USER_COLUMNS " FROM user_account WHERE id = $1";
static const char user_principal[] = "SELECT " USER_COLUMNS " FROM user_account "
                                     "WHERE iss = $1 AND sub = $2";
static const char user_name[] = "SELECT " USER_COLUMNS " FROM user_account WHERE name = $1";
static const char user_groups_state[] = "UPDATE user_account SET groups_state = $2, "
                                        "groups_detail = $3 WHERE id = $1";
static const char group_new[] = "INSERT INTO group_name (id, name) VALUES ($1, $2) "
                                "ON CONFLICT (name) DO NOTHING";
static const char groups_drop[] = "DELETE FROM user_group WHERE user_id = $1";
static const char group_join[] = "INSERT INTO user_group (user_id, group_id) "
                                 "SELECT $1, id FROM group_name WHERE name = $2 "
                                 "ON CONFLICT (user_id, group_id) DO NOTHING";
static const char groups_of[] = "SELECT group_name.name FROM user_group "
                                "JOIN group_name ON group_name.id = group_id WHERE user_id = $1";
static const char group_users[] =
    "SELECT user_account.id, iss, sub, user_account.name, display, email, idp, state, "
    "groups_state, groups_detail, created, seen, ver FROM user_group "
    "JOIN group_name ON group_name.id = group_id "
    "JOIN user_account ON user_account.id = user_id WHERE group_name.name = $1 "
    "ORDER BY user_account.name";

static const char device_new[] =
    "INSERT INTO device (" DEVICE_COLUMNS ", find) VALUES ($1, $2, $3, "
    "$4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $14)";
static const char device_write[] =
    "UPDATE device SET user_id = $2, key = $3, name = $4, os = $5, serials = $6, software = $7, "
    "state = $8, owner = $9, hardware = $10, seen = $12, find = $14, ver = ver + 1 "
    "WHERE id = $1 AND created = $11 AND ver = $13";
static const char device_id[] = "SELECT " DEVICE_COLUMNS " FROM device WHERE id = $1";
static const char device_key[] = "SELECT " DEVICE_COLUMNS " FROM device WHERE key = $1";
static const char device_touch[] = "UPDATE device SET seen = $2 WHERE id = $1 AND seen < $2";
static const char posture_write[] =
    "INSERT INTO device_posture (device_id, verdict, ver, ts, until) VALUES ($1, $2, 1, $3, $4) "
    "ON CONFLICT (device_id) DO UPDATE SET verdict = $2, ver = device_posture.ver + 1, ts = $3, "
    "until = $4";
static const char posture_read[] = "SELECT device_id, verdict, ver, ts, until FROM device_posture "
                                   "WHERE device_id = $1";

/* ---- users ---- */

void read_user(const struct columns *c, struct user_row *row)
{
    *row = (struct user_row){.id = column_id(c, 0),
                             .state = (enum user_state)column_int(c, 7),
                             .groups = (enum groups_state)column_int(c, 8),
                             .created = column_int(c, 10),
                             .seen = column_int(c, 11),
                             .ver = (uint64_t)column_int(c, 12)};
    column_str(c, 1, row->iss, sizeof row->iss);
    column_str(c, 2, row->sub, sizeof row->sub);
    column_str(c, 3, row->name, sizeof row->name);
    column_str(c, 4, row->display, sizeof row->display);
    column_str(c, 5, row->email, sizeof row->email);
    column_str(c, 6, row->idp, sizeof row->idp);
    column_str(c, 9, row->groups_detail, sizeof row->groups_detail);
}

static bool on_user(void *arg, const struct columns *c)
{
    read_user(c, arg);
    return true;
}

struct users {
    each_user *each;
    void *arg;
};

static bool on_each_user(void *arg, const struct columns *c)
{
    struct users *x = arg;
    struct user_row row;

    read_user(c, &row);
    return x->each(x->arg, &row);
}

/* What searches look at, in one text; the '/' keeps a match within one of them. */
static void find_text(struct buf *out, const char *a, const char *b, const char *c)
{
    buf_init(out, 2048);
    add_folded(out, a);
    buf_add_byte(out, '/');
    add_folded(out, b);
    buf_add_byte(out, '/');
    add_folded(out, c);
}

sp_error sql_user_put(struct store_tx *tx, struct user_row *r)
{
    struct buf find;

    find_text(&find, r->name, r->display, r->email);
    const struct param p[] = {
        P_ID(r->id),        P_TEXT(r->iss),           P_TEXT(r->sub),    P_TEXT(r->name),
        P_TEXT(r->display), P_TEXT(r->email),         P_TEXT(r->idp),    P_INT(r->state),
        P_INT(r->groups),   P_TEXT(r->groups_detail), P_INT(r->created), P_INT(r->seen),
        P_INT(r->ver),      P_STR(buf_view(&find))};
    sp_error e = tx_run_one(tx, r->ver == 0 ? user_new : user_write, p, sizeof p / sizeof *p,
                            SP_ERR_CONFLICT);

    buf_deinit(&find);
    if (e == SP_OK)
        e = tx_change(tx, CHANGE_USER, r->id, (struct view){0});
    if (e == SP_OK)
        r->ver++;
    return e;
}

sp_error sql_user_get(struct store *st, struct sp_id id, struct user_row *out)
{
    return store_read_one(st, user_id, PARAMS(P_ID(id)), on_user, out);
}

sp_error sql_user_by_principal(struct store *st, const char *iss, const char *sub,
                               struct user_row *out)
{
    return store_read_one(st, user_principal, PARAMS(P_TEXT(iss), P_TEXT(sub)), on_user, out);
}

sp_error sql_user_by_name(struct store *st, const char *name, struct user_row *out)
{
    return store_read_one(st, user_name, PARAMS(P_TEXT(name)), on_user, out);
}

static const char *or_empty(const char *s)
{
    return s == NULL ? "" : s;
}

sp_error sql_user_groups_set(struct store_tx *tx, struct sp_id user, enum groups_state state,
                             const char *detail, const char *const *groups, size_t count)
{
    sp_error e =
        tx_run_one(tx, user_groups_state,
                   PARAMS(P_ID(user), P_INT(state), P_TEXT(or_empty(detail))), SP_ERR_NOT_FOUND);
    if (e == SP_OK)
        e = tx_run(tx, groups_drop, PARAMS(P_ID(user)), NULL);
    for (size_t i = 0; state == GROUPS_KNOWN && i < count && e == SP_OK; i++) {
        struct sp_id id = random_id();
        e = tx_run(tx, group_new, PARAMS(P_ID(id), P_TEXT(groups[i])), NULL);
        if (e == SP_OK)
            e = tx_run(tx, group_join, PARAMS(P_ID(user), P_TEXT(groups[i])), NULL);
    }
    return e == SP_OK ? tx_change(tx, CHANGE_USER, user, (struct view){0}) : e;
}

struct texts {
    each_text *each;
    void *arg;
};

static bool on_text(void *arg, const struct columns *c)
{
    struct texts *x = arg;
    return x->each(x->arg, column_text(c, 0));
}

sp_error sql_user_groups(struct store *st, struct sp_id user, each_text *each, void *arg)
{
    struct texts x = {each, arg};
    return store_read(st, groups_of, PARAMS(P_ID(user)), on_text, &x);
}

sp_error sql_group_members(struct store *st, const char *group, each_user *each, void *arg)
{
    struct users x = {each, arg};
    return store_read(st, group_users, PARAMS(P_TEXT(group)), on_each_user, &x);
}

/* ---- devices ---- */

void read_device(const struct columns *c, struct device_row *row)
{
    *row = (struct device_row){.id = column_id(c, 0),
                               .user = column_id(c, 1),
                               .key = column_key(c, 2),
                               .state = (enum device_row_state)column_int(c, 7),
                               .owner = (enum device_row_owner)column_int(c, 8),
                               .hardware_key = column_int(c, 9) != 0,
                               .created = column_int(c, 10),
                               .seen = column_int(c, 11),
                               .ver = (uint64_t)column_int(c, 12)};
    column_str(c, 3, row->name, sizeof row->name);
    column_str(c, 4, row->os, sizeof row->os);
    column_str(c, 5, row->serials, sizeof row->serials);
    column_str(c, 6, row->software, sizeof row->software);
}

static bool on_device(void *arg, const struct columns *c)
{
    read_device(c, arg);
    return true;
}

sp_error sql_device_put(struct store_tx *tx, struct device_row *r)
{
    struct stored_key key = stored_key(&r->key);
    struct buf find;

    find_text(&find, r->name, r->os, r->serials);
    const struct param p[] = {
        P_ID(r->id),     P_ID(r->user),          P_KEY(key),          P_TEXT(r->name),
        P_TEXT(r->os),   P_TEXT(r->serials),     P_TEXT(r->software), P_INT(r->state),
        P_INT(r->owner), P_INT(r->hardware_key), P_INT(r->created),   P_INT(r->seen),
        P_INT(r->ver),   P_STR(buf_view(&find))};
    sp_error e = tx_run_one(tx, r->ver == 0 ? device_new : device_write, p, sizeof p / sizeof *p,
                            SP_ERR_CONFLICT);

    buf_deinit(&find);
    if (e == SP_OK)
        e = tx_change(tx, CHANGE_DEVICE, r->id, (struct view){0});
    if (e == SP_OK)
        r->ver++;
    return e;
}

sp_error sql_device_get(struct store *st, struct sp_id id, struct device_row *out)
{
    return store_read_one(st, device_id, PARAMS(P_ID(id)), on_device, out);
}

sp_error sql_device_by_key(struct store *st, const struct key_public *key, struct device_row *out)
{
    struct stored_key k = stored_key(key);
    return store_read_one(st, device_key, PARAMS(P_KEY(k)), on_device, out);
}

sp_error sql_device_seen(struct store_tx *tx, struct sp_id id, sp_unix_ms at)
{
    return tx_run(tx, device_touch, PARAMS(P_ID(id), P_INT(at)), NULL);
}

/* ---- posture ---- */

sp_error sql_posture_put(struct store_tx *tx, struct posture_row *r)
{
    sp_error e =
        tx_run(tx, posture_write,
               PARAMS(P_ID(r->device), P_STR(r->verdicts), P_INT(r->at), P_INT(r->until)), NULL);

    return e == SP_OK ? tx_change(tx, CHANGE_POSTURE, r->device, (struct view){0}) : e;
}

struct posture_out {
    struct posture_row *row;
    each_text *verdicts;
    void *arg;
};

static bool on_posture(void *arg, const struct columns *c)
{
    struct posture_out *o = arg;

    *o->row = (struct posture_row){.device = column_id(c, 0),
                                   .ver = (uint64_t)column_int(c, 2),
                                   .at = column_int(c, 3),
                                   .until = column_int(c, 4)};
    if (o->verdicts != NULL)
        (void)o->verdicts(o->arg, column_text(c, 1)); /* there is one row */
    return true;
}

sp_error sql_posture_text(struct store *st, struct sp_id device, struct posture_row *out,
                          each_text *verdicts, void *arg)
{
    struct posture_out o = {out, verdicts, arg};
    return store_read_one(st, posture_read, PARAMS(P_ID(device)), on_posture, &o);
}
