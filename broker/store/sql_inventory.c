/* Endpoints of http apps: what each connector says, and the sum of it. */
#include "broker/store/store_internal.h"
#include "lib/crypto/hash.h"

#include <string.h>

enum { WEEK_DAYS = 7 };

static const char part_calls[] =
    "SELECT calls FROM endpoint_part WHERE endpoint_id = $1 AND connector_id = $2";
static const char part_number[] = "SELECT count(*) FROM (SELECT 1 FROM endpoint_part WHERE "
                                  "app_id = $1 AND connector_id = $2 LIMIT $3) AS some";
static const char part_put[] =
    "INSERT INTO endpoint_part (endpoint_id, connector_id, app_id, round, states, first, last, "
    "calls, users, errors, p95_us, violations, refused, body) VALUES ($1, $2, $3, $4, $5, $6, $7, "
    "$8, $9, $10, $11, $12, $13, $14) ON CONFLICT (endpoint_id, connector_id) DO UPDATE SET "
    "round = $4, states = $5, first = $6, last = $7, calls = $8, users = $9, errors = $10, "
    "p95_us = $11, violations = $12, refused = $13, body = $14";
static const char endpoint_new[] =
    "INSERT INTO endpoint (id, app_id, method, path, states, first, last, calls, users, errors, "
    "p95_us, violations, refused, expected_by, expected_at, expected_until, expected_why, ver) "
    "VALUES ($1, $2, $3, $4, 0, 0, 0, 0, 0, 0, 0, 0, 0, $5, 0, 0, '', 1) "
    "ON CONFLICT (id) DO NOTHING";

/* Bits are joined one by one; a first of 0 is "never". A user's sessions on one app are pinned to
 * one connector, so users of several connectors add up. */
#define SUMS                                                                             \
    "SELECT coalesce(max(states & 1), 0) + coalesce(max(states & 2), 0) + "              \
    "coalesce(max(states & 4), 0) + coalesce(max(states & 8), 0) + "                     \
    "coalesce(max(states & 16), 0) + coalesce(max(states & 32), 0), "                    \
    "coalesce(min(CASE WHEN first > 0 THEN first END), 0), coalesce(max(last), 0), "     \
    "coalesce(sum(calls), 0), coalesce(sum(users), 0), coalesce(sum(errors), 0), "       \
    "coalesce(max(p95_us), 0), coalesce(sum(violations), 0), coalesce(sum(refused), 0) " \
    "FROM endpoint_part AS p WHERE p.endpoint_id = endpoint.id"
#define SUM_COLUMNS "(states, first, last, calls, users, errors, p95_us, violations, refused)"
static const char endpoint_sum[] = "UPDATE endpoint SET " SUM_COLUMNS " = (" SUMS ") WHERE id = $1";
static const char day_add[] =
    "INSERT INTO endpoint_day (endpoint_id, day, calls) VALUES ($1, $2, $3) "
    "ON CONFLICT (endpoint_id, day) DO UPDATE SET calls = endpoint_day.calls + $3";

#define OLD "app_id = $1 AND connector_id = $2 AND round < $3"
static const char sweep_sums[] =
    "UPDATE endpoint SET " SUM_COLUMNS " = (" SUMS " AND NOT (" OLD ")) "
    "WHERE id IN (SELECT endpoint_id FROM endpoint_part WHERE " OLD ")";
static const char sweep_parts[] = "DELETE FROM endpoint_part WHERE " OLD;
static const char sweep_endpoints[] =
    "DELETE FROM endpoint WHERE app_id = $1 AND NOT EXISTS (SELECT 1 FROM endpoint_part AS p "
    "WHERE p.endpoint_id = endpoint.id)";

#define COLUMNS                                                                                 \
    "id, app_id, method, path, states, first, last, calls, users, errors, p95_us, violations, " \
    "refused, expected_by, expected_at, expected_until, expected_why, ver"
static const char endpoint_id[] = "SELECT " COLUMNS " FROM endpoint WHERE id = $1";
static const char part_list[] =
    "SELECT p.endpoint_id, p.app_id, e.method, e.path, p.states, p.first, p.last, p.calls, "
    "p.users, p.errors, p.p95_us, p.violations, p.refused, p.connector_id, p.round, p.body "
    "FROM endpoint_part AS p JOIN endpoint AS e ON e.id = p.endpoint_id "
    "WHERE (p.endpoint_id = $1 OR $1 = $3) AND (p.app_id = $2 OR $2 = $3) "
    "ORDER BY e.path, e.method, p.endpoint_id, p.connector_id";

/* $1 app or the zero id $2; $3 states; $4 time; $5 method; $6 part of the path in lower case. */
#define FILTER                                                           \
    "($1 = $2 OR app_id = $1) AND ($3 = 0 OR (states & $3) <> 0) AND "   \
    "($4 = 0 OR expected_until <= $4) AND ($5 = '' OR method = $5) AND " \
    "($6 = '' OR lower(path) LIKE $6)"
#define FALLING(column)                                                                  \
    "SELECT " COLUMNS " FROM endpoint WHERE " FILTER " AND (" column " < $7 OR (" column \
    " = $7 AND id < $8)) ORDER BY " column " DESC, id DESC "                             \
    "LIMIT $9"
static const char *const endpoint_pages[ENDPOINT_ORDERS] = {
    [ENDPOINTS_BY_PATH] = "SELECT " COLUMNS " FROM endpoint WHERE " FILTER
                          " AND (path > $7 OR (path = $7 AND id > $8)) ORDER BY path, id LIMIT $9",
    [ENDPOINTS_BY_CALLS] = FALLING("calls"),
    [ENDPOINTS_BY_LAST] = FALLING("last"),
    [ENDPOINTS_BY_ERRORS] = FALLING("errors"),
    [ENDPOINTS_BY_P95] = FALLING("p95_us"),
    [ENDPOINTS_BY_VIOLATIONS] = FALLING("violations"),
};
static const char endpoint_number[] =
    "SELECT count(*) FROM (SELECT id FROM endpoint WHERE " FILTER " LIMIT $7) AS some";
#define BIT(n) "sum((states & " #n ") <> 0)"
#define SHADOW "((states & 2) <> 0 AND (states & 1) = 0)"
static const char endpoint_sums[] =
    "SELECT app_id, count(*), " BIT(1) ", sum(" SHADOW "), " BIT(4) ", " BIT(8) ", " BIT(
        16) ", " BIT(32) ", sum((" SHADOW " OR (states & 60) <> 0) AND expected_until <= $1), "
                         "sum(calls), sum(violations), sum(refused) FROM endpoint GROUP BY app_id";
static const char endpoint_week[] =
    "SELECT day, calls FROM endpoint_day WHERE endpoint_id = $1 AND day > $2 AND day <= $3";
static const char endpoint_mark[] =
    "UPDATE endpoint SET expected_by = $2, expected_at = $3, expected_until = $4, "
    "expected_why = $5, ver = ver + 1 WHERE id = $1 AND ver = $6";

static const struct sp_id none;

/* ---- what a connector says ---------------------------------------------------------------- */

static struct sp_id name_of(const struct endpoint_row *r)
{
    struct hash_stream h = {{0}};
    struct sp_id id;

    hash_sha256_start(&h);
    hash_sha256_more(&h, id_view(&r->app));
    hash_sha256_more(&h, view_str(r->method));
    hash_sha256_more(&h, (struct view){(const uint8_t *)" ", 1});
    hash_sha256_more(&h, view_str(r->path));
    struct hash sum = hash_sha256_end(&h);
    memcpy(&id, sum.bytes, sizeof id);
    return id;
}

static bool on_number(void *arg, const struct columns *c)
{
    *(int64_t *)arg = column_int(c, 0);
    return false;
}

/* Calls since the connector's last word; a smaller count is a connector that began anew. */
SP_MUST static sp_error grown(struct store_tx *tx, const struct endpoint_row *r, size_t max,
                              int64_t *calls)
{
    int64_t before = -1, parts = 0;
    sp_error e = conn_run(tx->conn, part_calls, PARAMS(P_ID(r->id), P_ID(r->connector)), on_number,
                          &before, NULL);

    if (e == SP_OK && before < 0)
        e = conn_run(tx->conn, part_number, PARAMS(P_ID(r->app), P_ID(r->connector), P_INT(max)),
                     on_number, &parts, NULL);
    if (e == SP_OK && parts >= (int64_t)max)
        return SP_ERR_LIMIT;
    *calls = before < 0 || r->calls < before ? r->calls : r->calls - before;
    return e;
}

static sp_error put(struct store_tx *tx, struct endpoint_row *r, int64_t day, size_t max)
{
    int64_t calls = 0;
    sp_error e;

    r->id = name_of(r);
    if ((e = grown(tx, r, max, &calls)) != SP_OK)
        return e;
    e = tx_run(tx, endpoint_new,
               PARAMS(P_ID(r->id), P_ID(r->app), P_TEXT(r->method), P_TEXT(r->path), P_ID(none)),
               NULL);
    if (e == SP_OK)
        e = tx_run(tx, part_put,
                   PARAMS(P_ID(r->id), P_ID(r->connector), P_ID(r->app), P_INT(r->round),
                          P_INT(r->states), P_INT(r->first), P_INT(r->last), P_INT(r->calls),
                          P_INT(r->users), P_INT(r->errors), P_INT(r->p95_us), P_INT(r->violations),
                          P_INT(r->refused), P_STR(r->body)),
                   NULL);
    if (e == SP_OK)
        e = tx_run(tx, endpoint_sum, PARAMS(P_ID(r->id)), NULL);
    if (e == SP_OK && calls > 0)
        e = tx_run(tx, day_add, PARAMS(P_ID(r->id), P_INT(day), P_INT(calls)), NULL);
    return e;
}

static sp_error sweep(struct store_tx *tx, struct sp_id app, struct sp_id connector,
                      sp_unix_ms round)
{
    sp_error e = tx_run(tx, sweep_sums, PARAMS(P_ID(app), P_ID(connector), P_INT(round)), NULL);

    if (e == SP_OK)
        e = tx_run(tx, sweep_parts, PARAMS(P_ID(app), P_ID(connector), P_INT(round)), NULL);
    return e == SP_OK ? tx_run(tx, sweep_endpoints, PARAMS(P_ID(app)), NULL) : e;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reader {
    each_endpoint *each;
    void *arg;
    bool found;
};

static void read_line(const struct columns *c, struct endpoint_row *r)
{
    *r = (struct endpoint_row){.id = column_id(c, 0),
                               .app = column_id(c, 1),
                               .states = (uint32_t)column_int(c, 4),
                               .first = column_int(c, 5),
                               .last = column_int(c, 6),
                               .calls = column_int(c, 7),
                               .users = column_int(c, 8),
                               .errors = column_int(c, 9),
                               .p95_us = column_int(c, 10),
                               .violations = column_int(c, 11),
                               .refused = column_int(c, 12)};
    column_str(c, 2, r->method, sizeof r->method);
    column_str(c, 3, r->path, sizeof r->path);
}

static bool on_endpoint(void *arg, const struct columns *c)
{
    struct reader *x = arg;
    struct endpoint_row r;

    read_line(c, &r);
    r.expected_by = column_id(c, 13);
    r.expected_at = column_int(c, 14);
    r.expected_until = column_int(c, 15);
    column_str(c, 16, r.expected_why, sizeof r.expected_why);
    r.ver = (uint64_t)column_int(c, 17);
    x->found = true;
    return x->each(x->arg, &r);
}

static bool on_part(void *arg, const struct columns *c)
{
    struct reader *x = arg;
    struct endpoint_row r;

    read_line(c, &r);
    r.connector = column_id(c, 13);
    r.round = column_int(c, 14);
    r.body = column_bytes(c, 15);
    return x->each(x->arg, &r);
}

static sp_error get(struct store *st, struct sp_id id, each_endpoint *each, void *arg)
{
    struct reader x = {each, arg, false};
    sp_error e = store_read(st, endpoint_id, PARAMS(P_ID(id)), on_endpoint, &x);

    return e == SP_OK && !x.found ? SP_ERR_NOT_FOUND : e;
}

static sp_error parts(struct store *st, struct sp_id id, struct sp_id app, each_endpoint *each,
                      void *arg)
{
    struct reader x = {each, arg, false};

    return store_read(st, part_list, PARAMS(P_ID(id), P_ID(app), P_ID(none)), on_part, &x);
}

/* "%part%" in lower case without LIKE's own signs; "" for none. */
static void like(const char *q, char *out, size_t room)
{
    size_t n = 0;

    if (q == NULL || *q == '\0') {
        out[0] = '\0';
        return;
    }
    out[n++] = '%';
    for (; *q != '\0' && n + 2 < room; q++)
        out[n++] = *q >= 'A' && *q <= 'Z'   ? (char)(*q - 'A' + 'a')
                   : *q == '%' || *q == '_' ? '_' /* any one character */
                                            : *q;
    out[n++] = '%';
    out[n] = '\0';
}

#define P_FILTER(f, q)                                                         \
    P_ID((f)->app), P_ID(none), P_INT((f)->states), P_INT((f)->unexpected_at), \
        P_TEXT((f)->method == NULL ? "" : (f)->method), P_TEXT(q)

static sp_error list(struct store *st, const struct endpoint_filter *f,
                     const struct endpoint_span *span, each_endpoint *each, void *arg)
{
    struct reader x = {each, arg, false};
    const struct endpoint_row *edge = span->edge;
    struct sp_id id = edge == NULL ? none : edge->id;
    char q[300];

    like(f->q, q, sizeof q);
    if (span->order == ENDPOINTS_BY_PATH)
        return store_read(st, endpoint_pages[span->order],
                          PARAMS(P_FILTER(f, q), P_TEXT(edge == NULL ? "" : edge->path), P_ID(id),
                                 P_INT(span->limit)),
                          on_endpoint, &x);
    return store_read(st, endpoint_pages[span->order],
                      PARAMS(P_FILTER(f, q),
                             P_INT(edge == NULL ? INT64_MAX : endpoint_key(edge, span->order)),
                             P_ID(id), P_INT(span->limit)),
                      on_endpoint, &x);
}

static bool on_count(void *arg, const struct columns *c)
{
    *(size_t *)arg = (size_t)column_int(c, 0);
    return true;
}

static sp_error count(struct store *st, const struct endpoint_filter *f, size_t max, size_t *out)
{
    char q[300];

    like(f->q, q, sizeof q);
    return store_read_one(st, endpoint_number, PARAMS(P_FILTER(f, q), P_INT(max)), on_count, out);
}

struct sum_reader {
    each_endpoint_sum *each;
    void *arg;
};

static bool on_sum(void *arg, const struct columns *c)
{
    struct sum_reader *x = arg;
    const struct endpoint_sum_row r = {.app = column_id(c, 0),
                                       .endpoints = column_int(c, 1),
                                       .documented = column_int(c, 2),
                                       .shadow = column_int(c, 3),
                                       .orphan = column_int(c, 4),
                                       .zombie = column_int(c, 5),
                                       .drift = column_int(c, 6),
                                       .unauthenticated = column_int(c, 7),
                                       .unexpected = column_int(c, 8),
                                       .calls = column_int(c, 9),
                                       .violations = column_int(c, 10),
                                       .refused = column_int(c, 11)};

    return x->each(x->arg, &r);
}

static sp_error sums(struct store *st, sp_unix_ms now, each_endpoint_sum *each, void *arg)
{
    struct sum_reader x = {each, arg};

    return store_read(st, endpoint_sums, PARAMS(P_INT(now)), on_sum, &x);
}

struct week {
    int64_t day, *out;
};

static bool on_day(void *arg, const struct columns *c)
{
    struct week *w = arg;
    int64_t at = WEEK_DAYS - 1 - (w->day - column_int(c, 0));

    if (at >= 0 && at < WEEK_DAYS)
        w->out[at] = column_int(c, 1);
    return true;
}

static sp_error week(struct store *st, struct sp_id id, int64_t day, int64_t out[WEEK_DAYS])
{
    struct week w = {day, out};

    memset(out, 0, WEEK_DAYS * sizeof *out);
    return store_read(st, endpoint_week, PARAMS(P_ID(id), P_INT(day - WEEK_DAYS), P_INT(day)),
                      on_day, &w);
}

static sp_error mark(struct store_tx *tx, struct endpoint_row *r)
{
    sp_error e =
        tx_run_one(tx, endpoint_mark,
                   PARAMS(P_ID(r->id), P_ID(r->expected_by), P_INT(r->expected_at),
                          P_INT(r->expected_until), P_TEXT(r->expected_why), P_INT(r->ver)),
                   SP_ERR_CONFLICT);

    if (e == SP_OK)
        r->ver++;
    return e;
}

const struct store_inventory sql_inventory = {.put = put,
                                              .sweep = sweep,
                                              .get = get,
                                              .parts = parts,
                                              .list = list,
                                              .count = count,
                                              .sums = sums,
                                              .week = week,
                                              .mark = mark,
                                              .hit_add = gateway_hit_add,
                                              .hits = gateway_hits,
                                              .hit_people = gateway_hit_people,
                                              .day_add = gateway_day_add,
                                              .days = gateway_days,
                                              .keys_put = gateway_keys_put,
                                              .keys_get = gateway_keys_get,
                                              .expect = gateway_expect,
                                              .expected = gateway_expected,
                                              .forget = gateway_forget};
