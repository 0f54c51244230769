/*
 * At most once, over crashes: one guarded statement each; one affected row means won (ANC-5).
 */
#include "broker/store/store_internal.h"

static const char consume_id[] = "INSERT INTO consumed (kind, id, expires) VALUES ($1, $2, $3) "
                                 "ON CONFLICT (kind, id) DO NOTHING";
static const char find_id[] = "SELECT count(*) FROM consumed WHERE kind = $1 AND id = $2";
static const char forget_ids[] = "DELETE FROM consumed WHERE expires < $1";
static const char token_add[] =
    "INSERT INTO enrol_token (hash, site_id, note, created, expires, used_at, used_by) "
    "VALUES ($1, $2, $3, $4, $5, 0, $6)";
static const char token_use[] = "UPDATE enrol_token SET used_at = $2, used_by = $3 "
                                "WHERE hash = $1 AND used_at = 0 AND expires > $2 "
                                "RETURNING site_id";
static const char token_list[] = "SELECT hash, site_id, note, created, expires, used_at, used_by "
                                 "FROM enrol_token WHERE site_id = $1 ORDER BY created DESC, hash";
static const char token_get[] = "SELECT hash, site_id, note, created, expires, used_at, used_by "
                                "FROM enrol_token WHERE hash = $1";
static const char token_drop[] = "DELETE FROM enrol_token WHERE hash = $1";
static const char totp_read[] = "SELECT user_id, seed, confirmed, last_step, fails, locked_until, "
                                "enrolled, ver FROM totp WHERE user_id = $1";
static const char totp_write[] =
    "INSERT INTO totp (user_id, seed, confirmed, last_step, fails, locked_until, enrolled, ver) "
    "VALUES ($1, $2, $3, 0, 0, 0, $4, 1) ON CONFLICT (user_id) DO UPDATE SET seed = $2, "
    "confirmed = $3, last_step = 0, fails = 0, locked_until = 0, enrolled = $4, "
    "ver = totp.ver + 1";
static const char totp_drop[] = "DELETE FROM totp WHERE user_id = $1";
static const char totp_step[] =
    "UPDATE totp SET last_step = $2, fails = 0, locked_until = 0, confirmed = 1, ver = ver + 1 "
    "WHERE user_id = $1 AND last_step < $2 AND locked_until <= $3";
static const char totp_miss[] = "UPDATE totp SET fails = fails + 1, locked_until = $3, "
                                "ver = ver + 1 WHERE user_id = $1 AND fails = $2";
static const char recovery_drop[] = "DELETE FROM recovery_code WHERE user_id = $1";
static const char recovery_add[] = "INSERT INTO recovery_code (user_id, hash) VALUES ($1, $2)";
static const char recovery_use[] = "DELETE FROM recovery_code WHERE user_id = $1 AND hash = $2";
static const char recovery_count[] = "SELECT count(*) FROM recovery_code WHERE user_id = $1";

static sp_error consume(struct store_tx *tx, enum once_kind kind, struct view id,
                        sp_unix_ms expires, bool *won)
{
    return tx_won(tx, consume_id, PARAMS(P_INT(kind), P_BYTES(id), P_INT(expires)), won);
}

static bool on_count(void *arg, const struct columns *c)
{
    *(size_t *)arg = (size_t)column_int(c, 0);
    return true;
}

static sp_error consumed(struct store *st, enum once_kind kind, struct view id, bool *out)
{
    size_t count = 0;
    sp_error e = store_read_one(st, find_id, PARAMS(P_INT(kind), P_BYTES(id)), on_count, &count);

    if (e == SP_OK)
        *out = count > 0;
    return e;
}

static sp_error forget(struct store_tx *tx, sp_unix_ms before)
{
    return tx_run(tx, forget_ids, PARAMS(P_INT(before)), NULL);
}

/* ---- enrolment ---- */

static sp_error enrol_add(struct store_tx *tx, const struct enrol_row *r)
{
    static const struct sp_id nobody;

    return tx_run(tx, token_add,
                  PARAMS(P_HASH(r->hash), P_ID(r->site), P_TEXT(r->note), P_INT(r->created),
                         P_INT(r->expires), P_ID(nobody)),
                  NULL);
}

struct used {
    struct sp_id site;
    int rows;
};

static bool on_used(void *arg, const struct columns *c)
{
    struct used *u = arg;

    u->site = column_id(c, 0);
    u->rows++;
    return true;
}

static sp_error enrol_consume(struct store_tx *tx, const uint8_t hash[ROW_HASH_BYTES],
                              sp_unix_ms now, struct sp_id used_by, struct sp_id *site, bool *won)
{
    struct used u = {0};

    *won = false;
    sp_error e = conn_run(tx->conn, token_use, PARAMS(P_HASH(hash), P_INT(now), P_ID(used_by)),
                          on_used, &u, NULL);
    if (e == SP_OK && u.rows == 1) {
        *site = u.site;
        *won = true;
    }
    return e;
}

struct each_token {
    each_enrol *each;
    void *arg;
};

static void read_token(const struct columns *c, struct enrol_row *row)
{
    *row = (struct enrol_row){.site = column_id(c, 1),
                              .created = column_int(c, 3),
                              .expires = column_int(c, 4),
                              .used_at = column_int(c, 5),
                              .used_by = column_id(c, 6)};
    column_hash(c, 0, row->hash);
    column_str(c, 2, row->note, sizeof row->note);
}

static bool on_token(void *arg, const struct columns *c)
{
    struct each_token *x = arg;
    struct enrol_row row;

    read_token(c, &row);
    return x->each(x->arg, &row);
}

static bool on_one_token(void *arg, const struct columns *c)
{
    read_token(c, arg);
    return true;
}

static sp_error enrol_list(struct store *st, struct sp_id site, each_enrol *each, void *arg)
{
    struct each_token x = {each, arg};
    return store_read(st, token_list, PARAMS(P_ID(site)), on_token, &x);
}

static sp_error enrol_get(struct store *st, const uint8_t hash[ROW_HASH_BYTES],
                          struct enrol_row *out)
{
    return store_read_one(st, token_get, PARAMS(P_HASH(hash)), on_one_token, out);
}

static sp_error enrol_remove(struct store_tx *tx, const uint8_t hash[ROW_HASH_BYTES])
{
    return tx_run_one(tx, token_drop, PARAMS(P_HASH(hash)), SP_ERR_NOT_FOUND);
}

/* ---- second factor ---- */

struct totp_out {
    struct totp_row *row;
    each_text *seed;
    void *arg;
};

static bool on_totp(void *arg, const struct columns *c)
{
    struct totp_out *o = arg;

    *o->row = (struct totp_row){.user = column_id(c, 0),
                                .confirmed = column_int(c, 2) != 0,
                                .last_step = column_int(c, 3),
                                .fails = column_int(c, 4),
                                .locked_until = column_int(c, 5),
                                .enrolled = column_int(c, 6),
                                .ver = (uint64_t)column_int(c, 7)};
    if (o->seed != NULL)
        (void)o->seed(o->arg, column_bytes(c, 1)); /* there is one row */
    return true;
}

static sp_error totp_get(struct store *st, struct sp_id user, struct totp_row *out, each_text *seed,
                         void *arg)
{
    struct totp_out o = {out, seed, arg};
    return store_read_one(st, totp_read, PARAMS(P_ID(user)), on_totp, &o);
}

static sp_error totp_put(struct store_tx *tx, const struct totp_row *r)
{
    return tx_run(tx, totp_write,
                  PARAMS(P_ID(r->user), P_BYTES(r->seed), P_INT(r->confirmed), P_INT(r->enrolled)),
                  NULL);
}

static sp_error totp_remove(struct store_tx *tx, struct sp_id user)
{
    return tx_run(tx, totp_drop, PARAMS(P_ID(user)), NULL);
}

static sp_error totp_advance(struct store_tx *tx, struct sp_id user, int64_t step, sp_unix_ms now,
                             bool *won)
{
    return tx_won(tx, totp_step, PARAMS(P_ID(user), P_INT(step), P_INT(now)), won);
}

static sp_error totp_fail(struct store_tx *tx, struct sp_id user, int64_t fails,
                          sp_unix_ms locked_until, bool *won)
{
    return tx_won(tx, totp_miss, PARAMS(P_ID(user), P_INT(fails), P_INT(locked_until)), won);
}

static sp_error recovery_put(struct store_tx *tx, struct sp_id user,
                             const uint8_t (*hashes)[ROW_HASH_BYTES], size_t count)
{
    sp_error e = tx_run(tx, recovery_drop, PARAMS(P_ID(user)), NULL);

    for (size_t i = 0; i < count && e == SP_OK; i++)
        e = tx_run(tx, recovery_add, PARAMS(P_ID(user), P_HASH(hashes[i])), NULL);
    return e;
}

static sp_error recovery_consume(struct store_tx *tx, struct sp_id user,
                                 const uint8_t hash[ROW_HASH_BYTES], bool *won)
{
    return tx_won(tx, recovery_use, PARAMS(P_ID(user), P_HASH(hash)), won);
}

static sp_error recovery_left(struct store *st, struct sp_id user, size_t *out)
{
    return store_read_one(st, recovery_count, PARAMS(P_ID(user)), on_count, out);
}

const struct store_once sql_once = {
    .consume = consume,
    .consumed = consumed,
    .forget = forget,
    .enrol_add = enrol_add,
    .enrol_consume = enrol_consume,
    .enrol_list = enrol_list,
    .enrol_get = enrol_get,
    .enrol_remove = enrol_remove,
    .totp_get = totp_get,
    .totp_put = totp_put,
    .totp_remove = totp_remove,
    .totp_advance = totp_advance,
    .totp_fail = totp_fail,
    .recovery_put = recovery_put,
    .recovery_consume = recovery_consume,
    .recovery_left = recovery_left,
};
