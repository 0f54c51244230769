/* What the gateways of connectors found. */
#include "broker/store/store_internal.h"

#define COLUMNS "id, app_id, connector_id, user_id, detector, endpoint, first, last, body"
/* $1 app, $2 user, or the zero id $3; $4 detector or ''; $5 time. */
#define FILTER                                                                               \
    "($1 = $3 OR app_id = $1) AND ($2 = $3 OR user_id = $2) AND ($4 = '' OR detector = $4) " \
    "AND last >= $5"
static const char incident_put[] =
    "INSERT INTO incident (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
    "ON CONFLICT (id) DO UPDATE SET last = $8, body = $9";
static const char incident_id[] = "SELECT " COLUMNS " FROM incident WHERE id = $1";
#define PAGE(first)                                                                      \
    "SELECT " COLUMNS " FROM incident WHERE " first FILTER " AND (last, id) < ($6, $7) " \
    "ORDER BY last DESC, id DESC LIMIT $8"
#define NUMBER(first) \
    "SELECT count(*) FROM (SELECT 1 FROM incident WHERE " first FILTER " LIMIT $8) AS some"
/* The member that leads to an index stands alone: one that may be left out leads to none. */
enum { BY_TIME = 0, BY_USER, BY_APP, BY_DETECTOR, WAYS };
static const char *const incident_pages[WAYS] = {[BY_TIME] = PAGE(""),
                                                 [BY_USER] = PAGE("user_id = $2 AND "),
                                                 [BY_APP] = PAGE("app_id = $1 AND "),
                                                 [BY_DETECTOR] = PAGE("detector = $4 AND ")};
static const char *const incident_numbers[WAYS] = {[BY_TIME] = NUMBER(""),
                                                   [BY_USER] = NUMBER("user_id = $2 AND "),
                                                   [BY_APP] = NUMBER("app_id = $1 AND "),
                                                   [BY_DETECTOR] = NUMBER("detector = $4 AND ")};

struct reader {
    each_incident *each;
    void *arg;
    bool found;
};

static bool on_incident(void *arg, const struct columns *c)
{
    struct reader *r = arg;
    struct incident_row row = {.id = column_id(c, 0),
                               .app = column_id(c, 1),
                               .connector = column_id(c, 2),
                               .user = column_id(c, 3),
                               .first = column_int(c, 6),
                               .last = column_int(c, 7),
                               .body = column_bytes(c, 8)};

    column_str(c, 4, row.detector, sizeof row.detector);
    column_str(c, 5, row.endpoint, sizeof row.endpoint);
    r->found = true;
    return r->each(r->arg, &row);
}

static sp_error put(struct store_tx *tx, const struct incident_row *r)
{
    return tx_run_one(tx, incident_put,
                      PARAMS(P_ID(r->id), P_ID(r->app), P_ID(r->connector), P_ID(r->user),
                             P_TEXT(r->detector), P_TEXT(r->endpoint), P_INT(r->first),
                             P_INT(r->last), P_STR(r->body)),
                      SP_ERR_CONFLICT);
}

static sp_error get(struct store *st, struct sp_id id, each_incident *each, void *arg)
{
    struct reader r = {each, arg, false};
    sp_error e = store_read(st, incident_id, PARAMS(P_ID(id)), on_incident, &r);

    return e == SP_OK && !r.found ? SP_ERR_NOT_FOUND : e;
}

static const struct sp_id none;

#define P_FILTER(f) \
    P_ID((f)->app), P_ID((f)->user), P_ID(none), P_TEXT((f)->detector), P_INT((f)->since)

static int way_of(const struct incident_filter *f)
{
    return !id_is_zero(f->user)  ? BY_USER
           : !id_is_zero(f->app) ? BY_APP
           : f->detector[0] != 0 ? BY_DETECTOR
                                 : BY_TIME;
}

static sp_error list(struct store *st, const struct incident_filter *f,
                     const struct incident_row *edge, size_t limit, each_incident *each, void *arg)
{
    struct reader r = {each, arg, false};

    return store_read(st, incident_pages[way_of(f)],
                      PARAMS(P_FILTER(f), P_INT(edge->last == 0 ? INT64_MAX : edge->last),
                             P_ID(edge->id), P_INT(limit)),
                      on_incident, &r);
}

static bool on_count(void *arg, const struct columns *c)
{
    *(size_t *)arg = (size_t)column_int(c, 0);
    return true;
}

static sp_error count(struct store *st, const struct incident_filter *f, size_t max, size_t *out)
{
    return store_read_one(st, incident_numbers[way_of(f)],
                          PARAMS(P_FILTER(f), P_INT(0), P_ID(none), P_INT(max)), on_count, out);
}

const struct store_incidents sql_incidents = {.put = put, .get = get, .list = list, .count = count};
