/* Users, groups, devices, posture. */
#include "broker/store/sql_registry.h"

#include "lib/crypto/random.h"

#include <stdlib.h>

#define USER_COLUMNS                                                                               \
    "id, iss, sub, name, display, email, idp, state, groups_state, groups_detail, created, seen, " \
    "ver"
/* $1 text to look for, or '': all; $2 state, or 0; $3 group's name, or ''. */
#define USER_FILTER                                                                       \
    "($1 = '' OR lower(name) LIKE $1 OR lower(display) LIKE $1 OR lower(email) LIKE $1) " \
    "AND ($2 = 0 OR state = $2) AND ($3 = '' OR id IN (SELECT user_id FROM user_group "   \
    "JOIN group_name ON group_name.id = group_id WHERE group_name.name = $3))"
static const char user_new[] = "INSERT INTO user_account (" USER_COLUMNS ") VALUES ($1, $2, $3, "
                               "$4, $5, $6, $7, $8, $9, $10, $11, $12, 1)";
static const char user_write[] =
    "UPDATE user_account SET name = $4, display = $5, email = $6, idp = $7, state = $8, "
    "groups_state = $9, groups_detail = $10, seen = $12, ver = ver + 1 "
    "WHERE id = $1 AND iss = $2 AND sub = $3 AND created = $11 AND ver = $13";
static const char user_id[] = "SELECT " USER_COLUMNS " FROM user_account WHERE id = $1";
static const char user_principal[] = "SELECT " USER_COLUMNS " FROM user_account "
                                     "WHERE iss = $1 AND sub = $2";
static const char user_name[] = "SELECT " USER_COLUMNS " FROM user_account WHERE name = $1";
static const char user_page[] = "SELECT " USER_COLUMNS " FROM user_account WHERE " USER_FILTER
                                " AND name > $4 ORDER BY name LIMIT $5";
static const char user_number[] =
    "SELECT count(*) FROM (SELECT id FROM user_account WHERE " USER_FILTER " LIMIT $4) AS some";
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
static const char group_page[] =
    "SELECT group_name.id, group_name.name, count(user_id) FROM group_name "
    "LEFT JOIN user_group ON group_id = group_name.id WHERE group_name.name > $1 "
    "GROUP BY group_name.id, group_name.name ORDER BY group_name.name LIMIT $2";
static const char group_users[] =
    "SELECT user_account.id, iss, sub, user_account.name, display, email, idp, state, "
    "groups_state, groups_detail, created, seen, ver FROM user_group "
    "JOIN group_name ON group_name.id = group_id "
    "JOIN user_account ON user_account.id = user_id WHERE group_name.name = $1 "
    "ORDER BY user_account.name";

#define DEVICE_COLUMNS \
    "id, user_id, key, name, os, serials, software, state, owner, hardware, created, seen, ver"
#define DEVICE_FILTER                                                                  \
    "($1 = '' OR lower(name) LIKE $1 OR lower(os) LIKE $1 OR lower(serials) LIKE $1) " \
    "AND ($2 = 0 OR state = $2) AND ($3 = $4 OR user_id = $3)"
static const char device_new[] = "INSERT INTO device (" DEVICE_COLUMNS ") VALUES ($1, $2, $3, $4, "
                                 "$5, $6, $7, $8, $9, $10, $11, $12, 1)";
static const char device_write[] =
    "UPDATE device SET user_id = $2, key = $3, name = $4, os = $5, serials = $6, software = $7, "
    "state = $8, owner = $9, hardware = $10, seen = $12, ver = ver + 1 "
    "WHERE id = $1 AND created = $11 AND ver = $13";
static const char device_id[] = "SELECT " DEVICE_COLUMNS " FROM device WHERE id = $1";
static const char device_key[] = "SELECT " DEVICE_COLUMNS " FROM device WHERE key = $1";
static const char device_page[] =
    "SELECT " DEVICE_COLUMNS " FROM device WHERE " DEVICE_FILTER
    " AND (name > $5 OR (name = $5 AND id > $6)) ORDER BY name, id LIMIT $7";
static const char device_number[] =
    "SELECT count(*) FROM (SELECT id FROM device WHERE " DEVICE_FILTER " LIMIT $5) AS some";
static const char device_touch[] = "UPDATE device SET seen = $2 WHERE id = $1 AND seen < $2";
static const char posture_write[] =
    "INSERT INTO device_posture (device_id, verdict, ver, ts) VALUES ($1, $2, 1, $3) "
    "ON CONFLICT (device_id) DO UPDATE SET verdict = $2, ver = device_posture.ver + 1, ts = $3";
static const char posture_read[] = "SELECT device_id, verdict, ver, ts FROM device_posture "
                                   "WHERE device_id = $1";

/* ---- users ---- */

static void read_user(const struct columns *c, struct user_row *row)
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

sp_error sql_user_put(struct store_tx *tx, struct user_row *r)
{
    const struct param p[] = {
        P_ID(r->id),        P_TEXT(r->iss),           P_TEXT(r->sub),    P_TEXT(r->name),
        P_TEXT(r->display), P_TEXT(r->email),         P_TEXT(r->idp),    P_INT(r->state),
        P_INT(r->groups),   P_TEXT(r->groups_detail), P_INT(r->created), P_INT(r->seen),
        P_INT(r->ver)};
    size_t n = sizeof p / sizeof *p;
    sp_error e = tx_run_one(tx, r->ver == 0 ? user_new : user_write, p, r->ver == 0 ? n - 1 : n,
                            SP_ERR_CONFLICT);
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

/* "%text%" in lower case, its own wildcards dropped; "" for no text. */
static void like(const char *q, struct buf *out)
{
    buf_init(out, 2 * ROW_NAME_MAX);
    if (q == NULL || *q == '\0')
        return;
    buf_add_byte(out, '%');
    for (; *q != '\0' && out->len < ROW_NAME_MAX; q++)
        if (*q != '%' && *q != '_')
            buf_add_byte(out, (uint8_t)(*q >= 'A' && *q <= 'Z' ? *q - 'A' + 'a' : *q));
    buf_add_byte(out, '%');
}

static const char *or_empty(const char *s)
{
    return s == NULL ? "" : s;
}

sp_error sql_user_list(struct store *st, const struct user_filter *f, const char *after_name,
                       size_t limit, each_user *each, void *arg)
{
    static const struct user_filter all;
    struct users x = {each, arg};
    struct buf q;

    f = f == NULL ? &all : f;
    like(f->q, &q);
    sp_error e = store_read(st, user_page,
                            PARAMS(P_STR(buf_view(&q)), P_INT(f->state), P_TEXT(or_empty(f->group)),
                                   P_TEXT(or_empty(after_name)), P_INT(limit)),
                            on_each_user, &x);
    buf_deinit(&q);
    return e;
}

static bool on_count(void *arg, const struct columns *c)
{
    *(size_t *)arg = (size_t)column_int(c, 0);
    return true;
}

sp_error sql_user_count(struct store *st, const struct user_filter *f, size_t max, size_t *out)
{
    static const struct user_filter all;
    struct buf q;

    f = f == NULL ? &all : f;
    like(f->q, &q);
    sp_error e = store_read_one(
        st, user_number,
        PARAMS(P_STR(buf_view(&q)), P_INT(f->state), P_TEXT(or_empty(f->group)), P_INT(max)),
        on_count, out);
    buf_deinit(&q);
    return e;
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

struct groups {
    each_group *each;
    void *arg;
};

static bool on_group(void *arg, const struct columns *c)
{
    struct groups *x = arg;
    struct group_row row = {.id = column_id(c, 0), .members = (uint64_t)column_int(c, 2)};

    column_str(c, 1, row.name, sizeof row.name);
    return x->each(x->arg, &row);
}

sp_error sql_group_list(struct store *st, const char *after_name, size_t limit, each_group *each,
                        void *arg)
{
    struct groups x = {each, arg};
    return store_read(st, group_page, PARAMS(P_TEXT(or_empty(after_name)), P_INT(limit)), on_group,
                      &x);
}

sp_error sql_group_members(struct store *st, const char *group, each_user *each, void *arg)
{
    struct users x = {each, arg};
    return store_read(st, group_users, PARAMS(P_TEXT(group)), on_each_user, &x);
}

/* ---- devices ---- */

static void read_device(const struct columns *c, struct device_row *row)
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

struct devices {
    each_device *each;
    void *arg;
};

static bool on_each_device(void *arg, const struct columns *c)
{
    struct devices *x = arg;
    struct device_row row;

    read_device(c, &row);
    return x->each(x->arg, &row);
}

sp_error sql_device_put(struct store_tx *tx, struct device_row *r)
{
    struct stored_key key = stored_key(&r->key);
    const struct param p[] = {
        P_ID(r->id),     P_ID(r->user),          P_KEY(key),          P_TEXT(r->name),
        P_TEXT(r->os),   P_TEXT(r->serials),     P_TEXT(r->software), P_INT(r->state),
        P_INT(r->owner), P_INT(r->hardware_key), P_INT(r->created),   P_INT(r->seen),
        P_INT(r->ver)};
    size_t n = sizeof p / sizeof *p;
    sp_error e = tx_run_one(tx, r->ver == 0 ? device_new : device_write, p, r->ver == 0 ? n - 1 : n,
                            SP_ERR_CONFLICT);
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

sp_error sql_device_list(struct store *st, const struct device_filter *f, const char *after_name,
                         struct sp_id after_id, size_t limit, each_device *each, void *arg)
{
    static const struct device_filter all;
    static const struct sp_id anyone;
    struct devices x = {each, arg};
    struct buf q;

    f = f == NULL ? &all : f;
    like(f->q, &q);
    sp_error e =
        store_read(st, device_page,
                   PARAMS(P_STR(buf_view(&q)), P_INT(f->state), P_ID(f->user), P_ID(anyone),
                          P_TEXT(or_empty(after_name)), P_ID(after_id), P_INT(limit)),
                   on_each_device, &x);
    buf_deinit(&q);
    return e;
}

sp_error sql_device_count(struct store *st, const struct device_filter *f, size_t max, size_t *out)
{
    static const struct device_filter all;
    static const struct sp_id anyone;
    struct buf q;

    f = f == NULL ? &all : f;
    like(f->q, &q);
    sp_error e = store_read_one(
        st, device_number,
        PARAMS(P_STR(buf_view(&q)), P_INT(f->state), P_ID(f->user), P_ID(anyone), P_INT(max)),
        on_count, out);
    buf_deinit(&q);
    return e;
}

sp_error sql_device_seen(struct store_tx *tx, struct sp_id id, sp_unix_ms at)
{
    return tx_run(tx, device_touch, PARAMS(P_ID(id), P_INT(at)), NULL);
}

/* ---- posture ---- */

sp_error sql_posture_put(struct store_tx *tx, struct posture_row *r)
{
    sp_error e =
        tx_run(tx, posture_write, PARAMS(P_ID(r->device), P_STR(r->verdicts), P_INT(r->at)), NULL);

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

    *o->row = (struct posture_row){
        .device = column_id(c, 0), .ver = (uint64_t)column_int(c, 2), .at = column_int(c, 3)};
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
