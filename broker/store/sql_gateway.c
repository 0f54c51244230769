/* Refusals, coverage, keys and expectations of the gateways of connectors. */
#include "broker/store/store_internal.h"

enum { HITS_A_DAY_MAX = 20000, EXPECTED_AN_APP_MAX = 64 };

/* $1..$6 name the row. */
static const char hit_more[] =
    "UPDATE gateway_hit SET blocked = blocked + $7, monitor = monitor + $8, "
    "last = max(last, $9) WHERE app_id = $1 AND day = $2 AND reason = $3 AND rule = $4 AND "
    "endpoint = $5 AND user_id = $6";
static const char hit_number[] = "SELECT count(*) FROM (SELECT 1 FROM gateway_hit WHERE "
                                 "app_id = $1 AND day = $2 LIMIT $3) AS some";
static const char hit_new[] =
    "INSERT INTO gateway_hit (app_id, day, reason, rule, endpoint, user_id, blocked, monitor, "
    "first, last) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (app_id, day, "
    "reason, rule, endpoint, user_id) DO UPDATE SET blocked = gateway_hit.blocked + $7, "
    "monitor = gateway_hit.monitor + $8, last = $9";
static const char hit_sums[] =
    "SELECT app_id, reason, rule, count(DISTINCT user_id), sum(blocked), sum(monitor), min(first), "
    "max(last) FROM gateway_hit WHERE day >= $1 AND (app_id = $2 OR $2 = $3) "
    "GROUP BY app_id, reason, rule ORDER BY count(DISTINCT user_id) DESC, app_id, reason, rule";
static const char hit_persons[] =
    "SELECT user_id, max(endpoint), sum(blocked), sum(monitor), min(first), max(last) "
    "FROM gateway_hit WHERE day >= $1 AND app_id = $2 AND reason = $3 AND rule = $4 "
    "GROUP BY user_id ORDER BY sum(blocked) + sum(monitor) DESC, user_id LIMIT $5";

#define DAY_COUNTS                                                                       \
    "requests, known, token, owner, bodies_read, unasked, oversize, streaming, coding, " \
    "media_type, broken, lost"
static const char day_add[] =
    "INSERT INTO gateway_day (app_id, connector_id, day, documented, full, " DAY_COUNTS ") VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) "
    "ON CONFLICT (app_id, connector_id, day) DO UPDATE SET documented = $4, full = $5, "
    "requests = gateway_day.requests + $6, known = gateway_day.known + $7, "
    "token = gateway_day.token + $8, owner = gateway_day.owner + $9, "
    "bodies_read = gateway_day.bodies_read + $10, unasked = gateway_day.unasked + $11, "
    "oversize = gateway_day.oversize + $12, streaming = gateway_day.streaming + $13, "
    "coding = gateway_day.coding + $14, media_type = gateway_day.media_type + $15, "
    "broken = gateway_day.broken + $16, lost = gateway_day.lost + $17";
static const char day_sums[] =
    "SELECT app_id, max(day), max(CASE WHEN day = $2 THEN documented ELSE 0 END), "
    "max(CASE WHEN day = $2 THEN full ELSE 0 END), sum(requests), sum(known), sum(token), "
    "sum(owner), sum(bodies_read), sum(unasked), sum(oversize), sum(streaming), sum(coding), "
    "sum(media_type), sum(broken), sum(lost) FROM gateway_day WHERE day >= $1 GROUP BY app_id "
    "ORDER BY app_id";

static const char keys_put[] =
    "INSERT INTO gateway_keys (connector_id, body, seen) VALUES ($1, $2, $3) "
    "ON CONFLICT (connector_id) DO UPDATE SET body = $2, seen = $3";
static const char keys_get[] = "SELECT body FROM gateway_keys WHERE connector_id = $1";

#define EXPECTATION                                                                       \
    "id, app_id, detector, user_name, group_name, endpoint, until, reason, incident_id, " \
    "author, created"
static const char expectation_number[] = "SELECT count(*) FROM (SELECT 1 FROM expectation WHERE "
                                         "app_id = $1 AND until > $2 LIMIT $3) AS some";
static const char expectation_new[] = "INSERT INTO expectation (" EXPECTATION
                                      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
static const char expectation_list[] =
    "SELECT " EXPECTATION " FROM expectation WHERE until > $1 AND (app_id = $2 OR $2 = $3) "
    "ORDER BY created DESC, id";

static const char *const forget_days[] = {
    "DELETE FROM endpoint_day WHERE day < $1",
    "DELETE FROM gateway_hit WHERE day < $1",
    "DELETE FROM gateway_day WHERE day < $1",
};
static const char *const forget_apps[] = {
    "DELETE FROM endpoint_part WHERE app_id NOT IN (SELECT id FROM app)",
    "DELETE FROM endpoint WHERE app_id NOT IN (SELECT id FROM app)",
    "DELETE FROM endpoint_day WHERE endpoint_id NOT IN (SELECT id FROM endpoint)",
    "DELETE FROM gateway_hit WHERE app_id NOT IN (SELECT id FROM app)",
    "DELETE FROM gateway_day WHERE app_id NOT IN (SELECT id FROM app)",
    "DELETE FROM expectation WHERE app_id NOT IN (SELECT id FROM app)",
};
static const char forget_expectations[] = "DELETE FROM expectation WHERE until <= $1";

static const struct sp_id none;

static bool on_number(void *arg, const struct columns *c)
{
    *(int64_t *)arg = column_int(c, 0);
    return false;
}

/* ---- refusals ----------------------------------------------------------------------------- */

sp_error gateway_hit_add(struct store_tx *tx, const struct hit_row *r)
{
    int64_t changed = 0, rows = 0;
    sp_error e = tx_run(tx, hit_more,
                        PARAMS(P_ID(r->app), P_INT(r->day), P_TEXT(r->reason), P_TEXT(r->rule),
                               P_TEXT(r->endpoint), P_ID(r->user), P_INT(r->blocked),
                               P_INT(r->monitor), P_INT(r->last)),
                        &changed);

    if (e != SP_OK || changed > 0)
        return e;
    e = conn_run(tx->conn, hit_number, PARAMS(P_ID(r->app), P_INT(r->day), P_INT(HITS_A_DAY_MAX)),
                 on_number, &rows, NULL);
    /* Full: endpoints are no longer told apart, so rows are bounded by people and rules. */
    const char *endpoint = rows >= HITS_A_DAY_MAX ? "" : r->endpoint;
    return e != SP_OK ? e
                      : tx_run(tx, hit_new,
                               PARAMS(P_ID(r->app), P_INT(r->day), P_TEXT(r->reason),
                                      P_TEXT(r->rule), P_TEXT(endpoint), P_ID(r->user),
                                      P_INT(r->blocked), P_INT(r->monitor), P_INT(r->last)),
                               NULL);
}

struct hit_reader {
    each_hit *each;
    void *arg;
    const struct hit_row *which;
};

static bool on_sum(void *arg, const struct columns *c)
{
    struct hit_reader *x = arg;
    struct hit_row r = {.app = column_id(c, 0),
                        .people = column_int(c, 3),
                        .blocked = column_int(c, 4),
                        .monitor = column_int(c, 5),
                        .first = column_int(c, 6),
                        .last = column_int(c, 7)};

    column_str(c, 1, r.reason, sizeof r.reason);
    column_str(c, 2, r.rule, sizeof r.rule);
    return x->each(x->arg, &r);
}

sp_error gateway_hits(struct store *st, struct sp_id app, int64_t day, each_hit *each, void *arg)
{
    struct hit_reader x = {each, arg, NULL};

    return store_read(st, hit_sums, PARAMS(P_INT(day), P_ID(app), P_ID(none)), on_sum, &x);
}

static bool on_person(void *arg, const struct columns *c)
{
    struct hit_reader *x = arg;
    struct hit_row r = *x->which;

    r.user = column_id(c, 0);
    column_str(c, 1, r.endpoint, sizeof r.endpoint);
    r.blocked = column_int(c, 2);
    r.monitor = column_int(c, 3);
    r.first = column_int(c, 4);
    r.last = column_int(c, 5);
    r.people = 1;
    return x->each(x->arg, &r);
}

sp_error gateway_hit_people(struct store *st, const struct hit_row *which, int64_t day,
                            size_t limit, each_hit *each, void *arg)
{
    struct hit_reader x = {each, arg, which};

    return store_read(st, hit_persons,
                      PARAMS(P_INT(day), P_ID(which->app), P_TEXT(which->reason),
                             P_TEXT(which->rule), P_INT(limit)),
                      on_person, &x);
}

/* ---- coverage ----------------------------------------------------------------------------- */

sp_error gateway_day_add(struct store_tx *tx, const struct gateway_day_row *r)
{
    return tx_run(tx, day_add,
                  PARAMS(P_ID(r->app), P_ID(r->connector), P_INT(r->day), P_INT(r->documented),
                         P_INT(r->full), P_INT(r->requests), P_INT(r->known), P_INT(r->token),
                         P_INT(r->owner), P_INT(r->read), P_INT(r->unasked), P_INT(r->oversize),
                         P_INT(r->streaming), P_INT(r->coding), P_INT(r->media_type),
                         P_INT(r->broken), P_INT(r->lost)),
                  NULL);
}

struct day_reader {
    each_gateway_day *each;
    void *arg;
};

static bool on_days(void *arg, const struct columns *c)
{
    struct day_reader *x = arg;
    struct gateway_day_row r = {.app = column_id(c, 0),
                                .day = column_int(c, 1),
                                .documented = column_int(c, 2) != 0,
                                .full = column_int(c, 3) != 0,
                                .requests = column_int(c, 4),
                                .known = column_int(c, 5),
                                .token = column_int(c, 6),
                                .owner = column_int(c, 7),
                                .read = column_int(c, 8),
                                .unasked = column_int(c, 9),
                                .oversize = column_int(c, 10),
                                .streaming = column_int(c, 11),
                                .coding = column_int(c, 12),
                                .media_type = column_int(c, 13),
                                .broken = column_int(c, 14),
                                .lost = column_int(c, 15)};

    return x->each(x->arg, &r);
}

sp_error gateway_days(struct store *st, int64_t day, each_gateway_day *each, void *arg)
{
    struct day_reader x = {each, arg};

    return store_read(st, day_sums, PARAMS(P_INT(day), P_INT(day + 6)), on_days, &x);
}

/* ---- keys --------------------------------------------------------------------------------- */

sp_error gateway_keys_put(struct store_tx *tx, struct sp_id connector, struct view body)
{
    return tx_run(tx, keys_put, PARAMS(P_ID(connector), P_STR(body), P_INT(tx_now(tx))), NULL);
}

struct text_reader {
    each_text *each;
    void *arg;
    bool found;
};

static bool on_text(void *arg, const struct columns *c)
{
    struct text_reader *x = arg;

    x->found = true;
    return x->each(x->arg, column_bytes(c, 0));
}

sp_error gateway_keys_get(struct store *st, struct sp_id connector, each_text *each, void *arg)
{
    struct text_reader x = {each, arg, false};
    sp_error e = store_read(st, keys_get, PARAMS(P_ID(connector)), on_text, &x);

    return e == SP_OK && !x.found ? SP_ERR_NOT_FOUND : e;
}

/* ---- expectations ------------------------------------------------------------------------- */

sp_error gateway_expect(struct store_tx *tx, const struct expectation_row *r)
{
    int64_t rows = 0;
    sp_error e = conn_run(tx->conn, expectation_number,
                          PARAMS(P_ID(r->app), P_INT(r->created), P_INT(EXPECTED_AN_APP_MAX)),
                          on_number, &rows, NULL);

    if (e == SP_OK && rows >= EXPECTED_AN_APP_MAX)
        return SP_ERR_LIMIT;
    return e != SP_OK ? e
                      : tx_run_one(tx, expectation_new,
                                   PARAMS(P_ID(r->id), P_ID(r->app), P_TEXT(r->detector),
                                          P_TEXT(r->user), P_TEXT(r->group), P_TEXT(r->endpoint),
                                          P_INT(r->until), P_TEXT(r->reason), P_ID(r->incident),
                                          P_ID(r->author), P_INT(r->created)),
                                   SP_ERR_CONFLICT);
}

struct expectation_reader {
    each_expectation *each;
    void *arg;
};

static bool on_expectation(void *arg, const struct columns *c)
{
    struct expectation_reader *x = arg;
    struct expectation_row r = {.id = column_id(c, 0),
                                .app = column_id(c, 1),
                                .until = column_int(c, 6),
                                .incident = column_id(c, 8),
                                .author = column_id(c, 9),
                                .created = column_int(c, 10)};

    column_str(c, 2, r.detector, sizeof r.detector);
    column_str(c, 3, r.user, sizeof r.user);
    column_str(c, 4, r.group, sizeof r.group);
    column_str(c, 5, r.endpoint, sizeof r.endpoint);
    column_str(c, 7, r.reason, sizeof r.reason);
    return x->each(x->arg, &r);
}

sp_error gateway_expected(struct store *st, struct sp_id app, sp_unix_ms now,
                          each_expectation *each, void *arg)
{
    struct expectation_reader x = {each, arg};

    return store_read(st, expectation_list, PARAMS(P_INT(now), P_ID(app), P_ID(none)),
                      on_expectation, &x);
}

sp_error gateway_forget(struct store_tx *tx, int64_t day, sp_unix_ms now)
{
    sp_error e = tx_run(tx, forget_expectations, PARAMS(P_INT(now)), NULL);

    for (size_t i = 0; e == SP_OK && i < sizeof forget_days / sizeof *forget_days; i++)
        e = tx_run(tx, forget_days[i], PARAMS(P_INT(day)), NULL);
    for (size_t i = 0; e == SP_OK && i < sizeof forget_apps / sizeof *forget_apps; i++)
        e = tx_run(tx, forget_apps[i], NULL, 0, NULL);
    return e;
}
