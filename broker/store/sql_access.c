/* Requests for access, and views of lists that people keep. */
#include "broker/store/store_internal.h"

#define ACCESS_COLUMNS                                                                       \
    "id, ref, user_id, device_id, app_id, reason, denied, for_ms, state, created, decided, " \
    "decided_by, answer, until, ver"
/* $1 state, or 0; $2 user, $3 app, or the zero id $4; $5 to $8 times. */
#define ACCESS_FILTER                                                                    \
    "($1 = 0 OR state = $1) AND ($2 = $4 OR user_id = $2) AND ($3 = $4 OR app_id = $3) " \
    "AND created >= $5 AND created < $6 AND until >= $7 AND until <= $8"
static const char access_new[] = "INSERT INTO access_request (" ACCESS_COLUMNS ") VALUES ($1, $2, "
                                 "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1)";
static const char access_write[] =
    "UPDATE access_request SET state = $9, decided = $11, decided_by = $12, answer = $13, "
    "until = $14, ver = ver + 1 WHERE id = $1 AND ref = $2 AND user_id = $3 AND device_id = $4 "
    "AND app_id = $5 AND reason = $6 AND denied = $7 AND for_ms = $8 AND created = $10 "
    "AND ver = $15";
static const char access_id[] = "SELECT " ACCESS_COLUMNS " FROM access_request WHERE id = $1";
#define ACCESS_PAGE(first)                                                     \
    "SELECT " ACCESS_COLUMNS " FROM access_request WHERE " first ACCESS_FILTER \
    " AND (created, id) < ($9, $10) ORDER BY created DESC, id DESC LIMIT $11"
#define ACCESS_NUMBER(first)                                                        \
    "SELECT count(*) FROM (SELECT 1 FROM access_request WHERE " first ACCESS_FILTER \
    " LIMIT $11) AS some"
/* The member that leads to an index stands alone: one that may be left out leads to none. */
enum { BY_TIME = 0, BY_USER, BY_APP, BY_STATE, WAYS };
static const char *const access_pages[WAYS] = {[BY_TIME] = ACCESS_PAGE(""),
                                               [BY_USER] = ACCESS_PAGE("user_id = $2 AND "),
                                               [BY_APP] = ACCESS_PAGE("app_id = $3 AND "),
                                               [BY_STATE] = ACCESS_PAGE("state = $1 AND ")};
static const char *const access_numbers[WAYS] = {[BY_TIME] = ACCESS_NUMBER(""),
                                                 [BY_USER] = ACCESS_NUMBER("user_id = $2 AND "),
                                                 [BY_APP] = ACCESS_NUMBER("app_id = $3 AND "),
                                                 [BY_STATE] = ACCESS_NUMBER("state = $1 AND ")};
static const char access_waiting[] = "SELECT " ACCESS_COLUMNS " FROM access_request WHERE "
                                     "state = 1 AND created >= $1 ORDER BY created, id";
static const char access_live[] =
    "SELECT " ACCESS_COLUMNS " FROM access_request WHERE user_id = $1 AND state = 2 "
    "AND until > $2 ORDER BY until DESC, id";

#define VIEW_COLUMNS "id, owner, page, name, query, shared, created, ver"
static const char view_new[] =
    "INSERT INTO saved_view (" VIEW_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, 1)";
static const char view_write[] =
    "UPDATE saved_view SET name = $4, query = $5, shared = $6, ver = ver + 1 WHERE id = $1 "
    "AND owner = $2 AND page = $3 AND created = $7 AND ver = $8";
static const char view_drop[] = "DELETE FROM saved_view WHERE id = $1 AND owner = $2";
static const char view_id[] = "SELECT " VIEW_COLUMNS " FROM saved_view WHERE id = $1";
static const char view_page[] =
    "SELECT " VIEW_COLUMNS " FROM saved_view WHERE (owner = $1 OR shared = 1) "
    "AND ($2 = '' OR page = $2) ORDER BY page, name, id";

/* ---- requests ----------------------------------------------------------------------------- */

static void read_access(const struct columns *c, struct access_row *row)
{
    *row = (struct access_row){.id = column_id(c, 0),
                               .user = column_id(c, 2),
                               .device = column_id(c, 3),
                               .app = column_id(c, 4),
                               .for_ms = column_int(c, 7),
                               .state = (enum access_state)column_int(c, 8),
                               .created = column_int(c, 9),
                               .decided = column_int(c, 10),
                               .decided_by = column_id(c, 11),
                               .until = column_int(c, 13),
                               .ver = (uint64_t)column_int(c, 14)};
    column_str(c, 1, row->ref, sizeof row->ref);
    column_str(c, 5, row->reason, sizeof row->reason);
    column_str(c, 6, row->denied, sizeof row->denied);
    column_str(c, 12, row->answer, sizeof row->answer);
}

struct requests {
    each_access *each;
    void *arg;
};

static bool on_each(void *arg, const struct columns *c)
{
    struct requests *x = arg;
    struct access_row row;

    read_access(c, &row);
    return x->each(x->arg, &row);
}

static bool on_one(void *arg, const struct columns *c)
{
    read_access(c, arg);
    return true;
}

static sp_error put(struct store_tx *tx, struct access_row *r)
{
    const struct param p[] = {P_ID(r->id),       P_TEXT(r->ref),    P_ID(r->user),
                              P_ID(r->device),   P_ID(r->app),      P_TEXT(r->reason),
                              P_TEXT(r->denied), P_INT(r->for_ms),  P_INT(r->state),
                              P_INT(r->created), P_INT(r->decided), P_ID(r->decided_by),
                              P_TEXT(r->answer), P_INT(r->until),   P_INT(r->ver)};
    size_t n = sizeof p / sizeof *p;
    sp_error e = tx_run_one(tx, r->ver == 0 ? access_new : access_write, p, r->ver == 0 ? n - 1 : n,
                            SP_ERR_CONFLICT);

    if (e == SP_OK)
        e = tx_change(tx, CHANGE_ACCESS, r->user, (struct view){0});
    if (e == SP_OK)
        r->ver++;
    return e;
}

static sp_error get(struct store *st, struct sp_id id, struct access_row *out)
{
    return store_read_one(st, access_id, PARAMS(P_ID(id)), on_one, out);
}

#define P_FILTER(f, none)                                                                     \
    P_INT((f)->state), P_ID((f)->user), P_ID((f)->app), P_ID(none), P_INT((f)->created_from), \
        P_INT((f)->created_to == 0 ? INT64_MAX : (f)->created_to), P_INT((f)->until_from),    \
        P_INT((f)->until_to == 0 ? INT64_MAX : (f)->until_to)

static int way_of(const struct access_filter *f)
{
    return !id_is_zero(f->user)      ? BY_USER
           : !id_is_zero(f->app)     ? BY_APP
           : f->state != ACCESS_NONE ? BY_STATE
                                     : BY_TIME;
}

static sp_error list(struct store *st, const struct access_filter *f, const struct access_row *edge,
                     size_t limit, each_access *each, void *arg)
{
    static const struct sp_id none;
    struct requests x = {each, arg};

    return store_read(st, access_pages[way_of(f)],
                      PARAMS(P_FILTER(f, none),
                             P_INT(edge->created == 0 ? INT64_MAX : edge->created), P_ID(edge->id),
                             P_INT(limit)),
                      on_each, &x);
}

static bool on_count(void *arg, const struct columns *c)
{
    *(size_t *)arg = (size_t)column_int(c, 0);
    return true;
}

static sp_error count(struct store *st, const struct access_filter *f, size_t max, size_t *out)
{
    static const struct sp_id none;

    return store_read_one(st, access_numbers[way_of(f)],
                          PARAMS(P_FILTER(f, none), P_INT(0), P_ID(none), P_INT(max)), on_count,
                          out);
}

static sp_error waiting(struct store *st, sp_unix_ms since, each_access *each, void *arg)
{
    struct requests x = {each, arg};

    return store_read(st, access_waiting, PARAMS(P_INT(since)), on_each, &x);
}

static sp_error live(struct store *st, struct sp_id user, sp_unix_ms now, each_access *each,
                     void *arg)
{
    struct requests x = {each, arg};

    return store_read(st, access_live, PARAMS(P_ID(user), P_INT(now)), on_each, &x);
}

/* ---- views -------------------------------------------------------------------------------- */

static void read_view(const struct columns *c, struct view_row *row)
{
    *row = (struct view_row){.id = column_id(c, 0),
                             .owner = column_id(c, 1),
                             .shared = column_int(c, 5) != 0,
                             .created = column_int(c, 6),
                             .ver = (uint64_t)column_int(c, 7)};
    column_str(c, 2, row->page, sizeof row->page);
    column_str(c, 3, row->name, sizeof row->name);
    column_str(c, 4, row->query, sizeof row->query);
}

struct views {
    each_view *each;
    void *arg;
};

static bool on_each_view(void *arg, const struct columns *c)
{
    struct views *x = arg;
    struct view_row row;

    read_view(c, &row);
    return x->each(x->arg, &row);
}

static bool on_one_view(void *arg, const struct columns *c)
{
    read_view(c, arg);
    return true;
}

static sp_error view_put(struct store_tx *tx, struct view_row *r)
{
    const struct param p[] = {P_ID(r->id),       P_ID(r->owner),   P_TEXT(r->page),
                              P_TEXT(r->name),   P_TEXT(r->query), P_INT(r->shared),
                              P_INT(r->created), P_INT(r->ver)};
    size_t n = sizeof p / sizeof *p;
    sp_error e = tx_run_one(tx, r->ver == 0 ? view_new : view_write, p, r->ver == 0 ? n - 1 : n,
                            SP_ERR_CONFLICT);

    if (e == SP_OK)
        r->ver++;
    return e;
}

static sp_error view_remove(struct store_tx *tx, struct sp_id id, struct sp_id owner)
{
    return tx_run_one(tx, view_drop, PARAMS(P_ID(id), P_ID(owner)), SP_ERR_NOT_FOUND);
}

static sp_error view_get(struct store *st, struct sp_id id, struct view_row *out)
{
    return store_read_one(st, view_id, PARAMS(P_ID(id)), on_one_view, out);
}

static sp_error view_list(struct store *st, struct sp_id owner, const char *page, each_view *each,
                          void *arg)
{
    struct views x = {each, arg};

    return store_read(st, view_page, PARAMS(P_ID(owner), P_TEXT(page)), on_each_view, &x);
}

const struct store_access sql_access = {
    .put = put,
    .get = get,
    .list = list,
    .count = count,
    .waiting = waiting,
    .live = live,
    .view_put = view_put,
    .view_remove = view_remove,
    .view_get = view_get,
    .view_list = view_list,
};
