/*
 * Lists of people, groups and devices, as pages of the console ask for them.
 *
 * Every page is walked in the order of one index that holds all that the filter looks at (`find`,
 * state), so rows that do not match are never read; the rows of the page are fetched by their key
 * afterwards. A search that matches nothing walks the whole index: some ten milliseconds for a
 * hundred thousand rows. What has an index of its own (one person's devices, a small group) uses
 * it.
 */
#include "broker/store/sql_registry.h"

enum { GROUP_SMALL = 500, GROUP_COUNTED = 5000 };

static const char *or_empty(const char *s)
{
    return s == NULL ? "" : s;
}

static bool on_count(void *arg, const struct columns *c)
{
    *(size_t *)arg = (size_t)column_int(c, 0);
    return true;
}

/* ---- users -------------------------------------------------------------------------------- */

/* $1 text to look for or '', $2 state or 0, $3 group, $4 name and $5 seen of the edge, $6 limit. */
#define ROW_FITS "($1 = '' OR find LIKE $1 ESCAPE '\\') AND ($2 = 0 OR state = $2)"
#define USER_IN                                                             \
    " AND EXISTS (SELECT 1 FROM user_group WHERE user_group.group_id = $3 " \
    "AND user_group.user_id = user_account.id)"
#define BY_NAME "name > $4 AND "
#define BY_NAME_DOWN "name < $4 AND "
#define BY_SEEN "(seen, name) > ($5, $4) AND "
#define BY_SEEN_DOWN "(seen, name) < ($5, $4) AND "
#define USER_PAGE(after, in, order)                                                           \
    "SELECT " USER_COLUMNS " FROM user_account WHERE name IN (SELECT name FROM user_account " \
    "WHERE " after ROW_FITS in " ORDER BY " order " LIMIT $6) ORDER BY " order
/* From the members, where those are few: of more than GROUP_SMALL the first page is found sooner
 * among all people, and of more than GROUP_COUNTED the number of those who fit. CROSS: in this
 * order. */
#define USER_OF_GROUP(after, order)                                                            \
    "SELECT " USER_COLUMNS " FROM user_group CROSS JOIN user_account WHERE group_id = $3 AND " \
    "user_account.id = user_group.user_id AND " after ROW_FITS " ORDER BY " order " LIMIT $6"

enum { ALL = 0, IN_LARGE, IN_SMALL, WAYS };
static const char *const user_pages[WAYS][2][2] = {
    [ALL] = {{USER_PAGE(BY_NAME, "", "name"), USER_PAGE(BY_NAME_DOWN, "", "name DESC")},
             {USER_PAGE(BY_SEEN, "", "seen, name"),
              USER_PAGE(BY_SEEN_DOWN, "", "seen DESC, name DESC")}},
    [IN_LARGE] = {{USER_PAGE(BY_NAME, USER_IN, "name"),
                   USER_PAGE(BY_NAME_DOWN, USER_IN, "name DESC")},
                  {USER_PAGE(BY_SEEN, USER_IN, "seen, name"),
                   USER_PAGE(BY_SEEN_DOWN, USER_IN, "seen DESC, name DESC")}},
    [IN_SMALL] = {{USER_OF_GROUP(BY_NAME, "name"), USER_OF_GROUP(BY_NAME_DOWN, "name DESC")},
                  {USER_OF_GROUP(BY_SEEN, "seen, name"),
                   USER_OF_GROUP(BY_SEEN_DOWN, "seen DESC, name DESC")}}};
static const char *const user_numbers[WAYS] = {
    [ALL] = "SELECT count(*) FROM (SELECT 1 FROM user_account WHERE " ROW_FITS " LIMIT $6) AS some",
    [IN_LARGE] = "SELECT count(*) FROM (SELECT 1 FROM user_account WHERE " ROW_FITS USER_IN
                 " LIMIT $6) AS some",
    [IN_SMALL] = "SELECT count(*) FROM (SELECT 1 FROM user_group CROSS JOIN user_account WHERE "
                 "group_id = $3 AND user_account.id = user_group.user_id AND " ROW_FITS
                 " LIMIT $6) AS some"};
static const char user_all[] = "SELECT count(*) FROM user_account";
static const char group_of[] = "SELECT id FROM group_name WHERE name = $1";
static const char group_size[] =
    "SELECT count(*) FROM (SELECT 1 FROM user_group WHERE group_id = $1 LIMIT $2) AS some";

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

static bool on_id(void *arg, const struct columns *c)
{
    *(struct sp_id *)arg = column_id(c, 0);
    return true;
}

/* The group's id and how many it has, up to `max`. SP_ERR_NOT_FOUND: there is no such group. */
static sp_error find_group(struct store *st, const char *name, size_t max, struct sp_id *id,
                           size_t *members)
{
    sp_error e = store_read_one(st, group_of, PARAMS(P_TEXT(name)), on_id, id);

    return e != SP_OK
               ? e
               : store_read_one(st, group_size, PARAMS(P_ID(*id), P_INT(max)), on_count, members);
}

static bool in_group(const struct user_filter *f)
{
    return f->group != NULL && f->group[0] != '\0';
}

/* Names are small ASCII letters, digits and "._-@": this one stands behind all of them. */
static const char behind_all[] = "\x7f";

sp_error sql_user_list(struct store *st, const struct user_filter *f, const struct user_row *edge,
                       size_t limit, each_user *each, void *arg)
{
    static const struct user_filter all;
    struct users x = {each, arg};
    struct sp_id group = {{0}};
    struct buf q;
    size_t members = 0;
    sp_error e = SP_OK;

    f = f == NULL ? &all : f;
    const char *name = edge != NULL ? edge->name : f->down ? behind_all : "";
    sp_unix_ms seen = edge != NULL ? edge->seen : f->down ? INT64_MAX : INT64_MIN;
    if (in_group(f))
        e = find_group(st, f->group, GROUP_SMALL + 1, &group, &members);
    if (e != SP_OK)
        return e == SP_ERR_NOT_FOUND ? SP_OK : e;
    int way = !in_group(f) ? ALL : members > GROUP_SMALL ? IN_LARGE : IN_SMALL;
    like_part(f->q, &q);
    e = store_read(st, user_pages[way][f->sort == SORT_SEEN][f->down],
                   PARAMS(P_STR(buf_view(&q)), P_INT(f->state), P_ID(group), P_TEXT(name),
                          P_INT(seen), P_INT(limit)),
                   on_each_user, &x);
    buf_deinit(&q);
    return e;
}

static sp_error count_fitting(struct store *st, const struct user_filter *f, int way,
                              struct sp_id group, size_t max, size_t *out)
{
    struct buf q;

    like_part(f->q, &q);
    sp_error e = store_read_one(
        st, user_numbers[way],
        PARAMS(P_STR(buf_view(&q)), P_INT(f->state), P_ID(group), P_TEXT(""), P_INT(0), P_INT(max)),
        on_count, out);
    buf_deinit(&q);
    return e;
}

sp_error sql_user_count(struct store *st, const struct user_filter *f, size_t max, size_t *out)
{
    static const struct user_filter all;
    struct sp_id group = {{0}};
    size_t members = 0, enough = max > GROUP_COUNTED ? max : GROUP_COUNTED + 1;
    sp_error e = SP_OK;

    f = f == NULL ? &all : f;
    bool every = (f->q == NULL || f->q[0] == '\0') && f->state == USER_NONE;
    if (!in_group(f)) {
        e = every ? store_read_one(st, user_all, NULL, 0, on_count, &members)
                  : count_fitting(st, f, ALL, group, max, &members);
    } else if ((e = find_group(st, f->group, enough, &group, &members)) == SP_OK && !every) {
        e = count_fitting(st, f, members > GROUP_COUNTED ? IN_LARGE : IN_SMALL, group, max,
                          &members);
    }
    if (e == SP_OK || e == SP_ERR_NOT_FOUND)
        *out = members < max ? members : max;
    return e == SP_ERR_NOT_FOUND ? SP_OK : e;
}

/* ---- groups ------------------------------------------------------------------------------- */

static const char group_page[] =
    "SELECT id, name, (SELECT count(*) FROM user_group WHERE group_id = group_name.id) "
    "FROM group_name WHERE name > $1 ORDER BY name LIMIT $2";

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

/* ---- devices ------------------------------------------------------------------------------ */

/* $1 text to look for or '', $2 state or 0, $3 user, $4 name, $5 seen and $6 id of the edge, $7
 * limit. */
#define DEVICE_AFTER_NAME "(name, id) > ($4, $6) AND "
#define DEVICE_BEFORE_NAME "(name, id) < ($4, $6) AND "
#define DEVICE_AFTER_SEEN "(seen, id) > ($5, $6) AND "
#define DEVICE_BEFORE_SEEN "(seen, id) < ($5, $6) AND "
#define DEVICE_PAGE(after, order)                                                              \
    "SELECT " DEVICE_COLUMNS                                                                   \
    " FROM device WHERE id IN (SELECT id FROM device WHERE " after ROW_FITS " ORDER BY " order \
    " LIMIT $7) ORDER BY " order
#define DEVICE_OF_USER(after, order)                                               \
    "SELECT " DEVICE_COLUMNS " FROM device WHERE user_id = $3 AND " after ROW_FITS \
    " ORDER BY " order " LIMIT $7"
static const char *const device_pages[2][2] = {
    {DEVICE_PAGE(DEVICE_AFTER_NAME, "name, id"),
     DEVICE_PAGE(DEVICE_BEFORE_NAME, "name DESC, id DESC")},
    {DEVICE_PAGE(DEVICE_AFTER_SEEN, "seen, id"),
     DEVICE_PAGE(DEVICE_BEFORE_SEEN, "seen DESC, id DESC")}};
static const char *const device_pages_of_user[2][2] = {
    {DEVICE_OF_USER(DEVICE_AFTER_NAME, "name, id"),
     DEVICE_OF_USER(DEVICE_BEFORE_NAME, "name DESC, id DESC")},
    {DEVICE_OF_USER(DEVICE_AFTER_SEEN, "seen, id"),
     DEVICE_OF_USER(DEVICE_BEFORE_SEEN, "seen DESC, id DESC")}};
#define DEVICE_ORDER(columns, of, after, order) \
    "SELECT id, " columns " FROM device WHERE " of after ROW_FITS " ORDER BY " order " LIMIT $7"
#define DEVICE_ORDERS(of)                                                              \
    {                                                                                  \
        {DEVICE_ORDER("name, 0", of, DEVICE_AFTER_NAME, "name, id"),                   \
         DEVICE_ORDER("name, 0", of, DEVICE_BEFORE_NAME, "name DESC, id DESC")},       \
        {                                                                              \
            DEVICE_ORDER("'', seen", of, DEVICE_AFTER_SEEN, "seen, id"),               \
                DEVICE_ORDER("'', seen", of, DEVICE_BEFORE_SEEN, "seen DESC, id DESC") \
        }                                                                              \
    }
static const char *const device_orders[2][2][2] = {DEVICE_ORDERS(""),
                                                   DEVICE_ORDERS("user_id = $3 AND ")};
static const char device_number[] =
    "SELECT count(*) FROM (SELECT 1 FROM device WHERE " ROW_FITS " LIMIT $7) AS some";
static const char device_number_of_user[] =
    "SELECT count(*) FROM (SELECT 1 FROM device WHERE user_id = $3 AND " ROW_FITS
    " LIMIT $7) AS some";
static const char device_all[] = "SELECT count(*) FROM device";
static const char device_states[] = "SELECT state, count(*) FROM device GROUP BY state";
static const char device_first[] = "SELECT " DEVICE_COLUMNS " FROM device WHERE state = $1 "
                                   "ORDER BY created, id LIMIT 1";
static const char device_in_state[] = "SELECT id FROM device WHERE state = $1";
static const char posture_until[] = "SELECT device_id FROM device_posture WHERE until > $1";

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

struct walk {
    const char *sql;
    const struct device_filter *f;
    const struct device_row *edge; /* NULL: from the first */
    size_t limit;
};

static sp_error walk_devices(struct store *st, const struct walk *w, on_row *row, void *arg)
{
    const struct device_filter *f = w->f;
    const struct device_row *edge = w->edge;
    struct sp_id id = {{0}};
    struct buf q;

    if (edge != NULL)
        id = edge->id;
    else if (f->down)
        memset(id.bytes, 0xff, sizeof id.bytes);
    /* no device's name has this byte: behind all of them */
    const char *name = edge != NULL ? edge->name : f->down ? "\xff" : "";
    sp_unix_ms seen = edge != NULL ? edge->seen : f->down ? INT64_MAX : INT64_MIN;
    like_part(f->q, &q);
    sp_error e = store_read(st, w->sql,
                            PARAMS(P_STR(buf_view(&q)), P_INT(f->state), P_ID(f->user),
                                   P_TEXT(name), P_INT(seen), P_ID(id), P_INT(w->limit)),
                            row, arg);
    buf_deinit(&q);
    return e;
}

sp_error sql_device_list(struct store *st, const struct device_filter *f,
                         const struct device_row *edge, size_t limit, each_device *each, void *arg)
{
    static const struct device_filter all;
    struct devices x = {each, arg};

    f = f == NULL ? &all : f;
    bool by_seen = f->sort == SORT_SEEN;
    const char *sql = id_is_zero(f->user) ? device_pages[by_seen][f->down]
                                          : device_pages_of_user[by_seen][f->down];
    return walk_devices(st, &(struct walk){sql, f, edge, limit}, on_each_device, &x);
}

/* One row for all: only what is read of it is filled anew. */
struct ordered {
    each_device *each;
    void *arg;
    struct device_row row;
};

static bool on_ordered(void *arg, const struct columns *c)
{
    struct ordered *x = arg;

    x->row.id = column_id(c, 0);
    column_str(c, 1, x->row.name, sizeof x->row.name);
    x->row.seen = column_int(c, 2);
    return x->each(x->arg, &x->row);
}

sp_error sql_device_order(struct store *st, const struct device_filter *f,
                          const struct device_row *edge, size_t limit, each_device *each, void *arg)
{
    struct ordered x = {each, arg, {.name = ""}};

    const char *sql = device_orders[!id_is_zero(f->user)][f->sort == SORT_SEEN][f->down];
    return walk_devices(st, &(struct walk){sql, f, edge, limit}, on_ordered, &x);
}

sp_error sql_device_count(struct store *st, const struct device_filter *f, size_t max, size_t *out)
{
    static const struct device_filter all;
    static const struct sp_id no_edge;
    struct buf q;

    f = f == NULL ? &all : f;
    if ((f->q == NULL || f->q[0] == '\0') && f->state == ROW_DEVICE_NONE && id_is_zero(f->user)) {
        size_t count = 0;
        sp_error all_of = store_read_one(st, device_all, NULL, 0, on_count, &count);
        *out = count < max ? count : max;
        return all_of;
    }
    like_part(f->q, &q);
    sp_error e = store_read_one(st, id_is_zero(f->user) ? device_number : device_number_of_user,
                                PARAMS(P_STR(buf_view(&q)), P_INT(f->state), P_ID(f->user),
                                       P_TEXT(""), P_INT(0), P_ID(no_edge), P_INT(max)),
                                on_count, out);
    buf_deinit(&q);
    return e;
}

static bool on_state(void *arg, const struct columns *c)
{
    struct device_counts *n = arg;
    size_t count = (size_t)column_int(c, 1);

    switch ((enum device_row_state)column_int(c, 0)) {
    case ROW_DEVICE_PENDING:
        n->pending += count;
        break;
    case ROW_DEVICE_APPROVED:
        n->approved += count;
        break;
    case ROW_DEVICE_NONE:
    case ROW_DEVICE_BLOCKED:
    case ROW_DEVICE_LOST:
        n->blocked += count;
        break;
    }
    return true;
}

static bool on_device(void *arg, const struct columns *c)
{
    read_device(c, arg);
    return true;
}

sp_error sql_device_tally(struct store *st, struct device_counts *out, struct device_row *oldest)
{
    struct device_counts n = {0};
    sp_error e = store_read(st, device_states, NULL, 0, on_state, &n);

    if (e == SP_OK && oldest != NULL && n.pending > 0)
        e = store_read(st, device_first, PARAMS(P_INT(ROW_DEVICE_PENDING)), on_device, oldest);
    if (e == SP_OK)
        *out = n;
    return e;
}

struct ids {
    each_id *each;
    void *arg;
};

static bool on_each_id(void *arg, const struct columns *c)
{
    struct ids *x = arg;

    return x->each(x->arg, column_id(c, 0));
}

sp_error sql_device_ids(struct store *st, enum device_row_state state, each_id *each, void *arg)
{
    struct ids x = {each, arg};
    return store_read(st, device_in_state, PARAMS(P_INT(state)), on_each_id, &x);
}

sp_error sql_posture_alive(struct store *st, sp_unix_ms now, each_id *each, void *arg)
{
    struct ids x = {each, arg};
    return store_read(st, posture_until, PARAMS(P_INT(now)), on_each_id, &x);
}
