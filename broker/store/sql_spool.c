#include "broker/store/store_internal.h"

static const char get[] = "SELECT told FROM spool WHERE connector_id = $1 AND spool_id = $2";
static const char put[] = "INSERT INTO spool (connector_id, spool_id, told, at) "
                          "VALUES ($1, $2, $3, $4) ON CONFLICT (connector_id) DO UPDATE SET "
                          "spool_id = $2, told = $3, at = $4";

static bool on_told(void *arg, const struct columns *c)
{
    *(int64_t *)arg = column_int(c, 0);
    return false;
}

static sp_error told(struct store_tx *tx, struct sp_id connector, struct sp_id spool,
                     int64_t *number)
{
    int64_t n = 0;
    sp_error e = conn_run(tx->conn, get, PARAMS(P_ID(connector), P_ID(spool)), on_told, &n, NULL);

    if (e == SP_OK)
        *number = n;
    return e;
}

static sp_error tell(struct store_tx *tx, struct sp_id connector, struct sp_id spool,
                     int64_t number)
{
    return tx_run(tx, put, PARAMS(P_ID(connector), P_ID(spool), P_INT(number), P_INT(tx->now)),
                  NULL);
}

const struct store_spools sql_spools = {.told = told, .tell = tell};
