/*
 * What lists find audit records by: a row for each code, person and thing that a record names, the
 * names that were ever recorded, and how many records of a kind an hour had. All of it is written
 * in the transaction of the record itself.
 */
#include "broker/store/store_internal.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { HOUR_MS = 3600 * 1000, OLD_BATCH = 5000, RECORD_MAX = 1024 * 1024 };

static const char add_posting[] = "INSERT INTO audit_find (key, ts, shard, seq, code) VALUES "
                                  "($1, $2, $3, $4, $5) ON CONFLICT (key, ts, shard, seq) "
                                  "DO NOTHING";
static const char add_name[] = "INSERT INTO audit_name (find, key) VALUES ($1, $2) "
                               "ON CONFLICT (find, key) DO NOTHING";
static const char add_hour[] = "INSERT INTO audit_hour (hour, shard, code, reason, n) VALUES "
                               "($1, $2, $3, $4, $5) ON CONFLICT (hour, shard, code, reason) "
                               "DO UPDATE SET n = audit_hour.n + $5";
static const char newest[] = "SELECT ts, shard, seq, code FROM audit_find WHERE key = $1 AND "
                             "ts >= $5 AND ts < $6 AND (ts, shard, seq) < ($2, $3, $4) "
                             "ORDER BY ts DESC, shard DESC, seq DESC LIMIT $7";
static const char oldest[] = "SELECT ts, shard, seq, code FROM audit_find WHERE key = $1 AND "
                             "ts >= $5 AND ts < $6 AND (ts, shard, seq) > ($2, $3, $4) "
                             "ORDER BY ts, shard, seq LIMIT $7";
static const char names_with[] = "SELECT key FROM audit_name WHERE find LIKE $1 ESCAPE '\\' "
                                 "LIMIT $2";
static const char hours_since[] = "SELECT hour, code, reason, sum(n) FROM audit_hour "
                                  "WHERE hour >= $1 GROUP BY hour, code, reason ORDER BY hour";

void add_folded(struct buf *out, const char *s)
{
    for (; *s != '\0'; s++)
        buf_add_byte(out, (uint8_t)(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s));
}

void like_part(const char *part, struct buf *out)
{
    buf_init(out, 4 * ROW_TEXT_MAX);
    if (part == NULL || *part == '\0')
        return;
    buf_add_byte(out, '%');
    for (; *part != '\0' && out->len < ROW_TEXT_MAX; part++) {
        if (*part == '%' || *part == '_' || *part == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, (uint8_t)(*part >= 'A' && *part <= 'Z' ? *part - 'A' + 'a' : *part));
    }
    buf_add_byte(out, '%');
}

/* ---- keys --------------------------------------------------------------------------------- */

/* Above every code. Ids and hashes are random: two with one key cost a look at a record. */
static int64_t key_of(const uint8_t bytes[8])
{
    uint64_t n = 0;

    for (size_t i = 0; i < 8; i++)
        n = n << 8 | bytes[i];
    return (int64_t)((n >> 2) | UINT64_C(1) << 62);
}

int64_t audit_key(struct sp_id id)
{
    return key_of(id.bytes);
}

static uint64_t known_as(struct view name, int64_t key)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)key;

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ name.at[i]) * UINT64_C(1099511628211);
    h ^= h >> 29;
    return h == 0 ? 1 : h;
}

void postings_forget(struct store *st)
{
    memset(st->names, 0, sizeof *st->names);
}

/* The folded name; its own key when nothing else has one. */
static sp_error know_name(struct store_tx *tx, const char *name, int64_t *key)
{
    struct buf folded;
    sp_error e;

    buf_init(&folded, ROW_TEXT_MAX);
    add_folded(&folded, name);
    struct view v = view_slice(buf_view(&folded), 0, ROW_TEXT_MAX);
    if (*key == 0)
        *key = key_of(hash_sha256(v).bytes);
    uint64_t h = known_as(v, *key);
    uint64_t *place = &tx->store->names->at[h % NAMES_KNOWN];
    e = *place == h ? SP_OK : tx_run(tx, add_name, PARAMS(P_STR(v), P_INT(*key)), NULL);
    if (e == SP_OK)
        *place = h;
    buf_deinit(&folded);
    return e;
}

static void add_key(struct posting_keys *k, int64_t key)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->at[i] == key)
            return;
    k->at[k->count++] = key;
}

sp_error postings_of(struct store_tx *tx, const struct audit_facts *f, struct posting_keys *out)
{
    sp_error e = SP_OK;

    out->count = 0;
    add_key(out, f->code);
    for (size_t i = 0; i < f->count && e == SP_OK; i++) {
        int64_t key = id_is_zero(f->about[i].id) ? 0 : audit_key(f->about[i].id);
        if (f->about[i].name != NULL && f->about[i].name[0] != '\0')
            e = know_name(tx, f->about[i].name, &key);
        if (key != 0)
            add_key(out, key);
    }
    if (e == SP_OK && f->reason != NULL && f->reason[0] != '\0') {
        int64_t key = 0;
        if ((e = know_name(tx, f->reason, &key)) == SP_OK)
            add_key(out, key);
    }
    return e;
}

sp_error postings_add(struct store_tx *tx, const struct tx_audit *a, uint32_t shard, uint64_t seq,
                      sp_unix_ms at)
{
    sp_error e = SP_OK;

    for (size_t i = 0; i < a->keys.count && e == SP_OK; i++)
        e = tx_run(
            tx, add_posting,
            PARAMS(P_INT(a->keys.at[i]), P_INT(at), P_INT(shard), P_INT(seq), P_INT(a->code)),
            NULL);
    return e;
}

/* ---- hours -------------------------------------------------------------------------------- */

struct hour_count {
    const struct tx_audit *of;
    int64_t n;
};

static sp_error write_hours(struct store_tx *tx, const struct hour_count *c, size_t count,
                            uint32_t shard, sp_unix_ms at)
{
    sp_error e = SP_OK;

    for (size_t i = 0; i < count && e == SP_OK; i++)
        e = tx_run(tx, add_hour,
                   PARAMS(P_INT(at - at % HOUR_MS), P_INT(shard), P_INT(c[i].of->code),
                          P_TEXT(c[i].of->reason), P_INT(c[i].n)),
                   NULL);
    return e;
}

/* All records of a batch fall into one hour: one row for each kind of them. */
sp_error postings_count(struct store_tx *tx, uint32_t shard, sp_unix_ms at)
{
    struct hour_count counts[HOURS_MAX];
    size_t n = 0;
    sp_error e = SP_OK;

    for (size_t i = 0; i < tx->audit_count && e == SP_OK; i++) {
        const struct tx_audit *a = &tx->audit[i];
        size_t k = 0;
        while (k < n &&
               (counts[k].of->code != a->code || strcmp(counts[k].of->reason, a->reason) != 0))
            k++;
        if (k == HOURS_MAX) {
            e = write_hours(tx, counts, n, shard, at);
            n = k = 0;
        }
        if (k == n)
            counts[n++] = (struct hour_count){a, 0};
        counts[k].n++;
    }
    return e == SP_OK ? write_hours(tx, counts, n, shard, at) : e;
}

/* ---- records of before -------------------------------------------------------------------- */

struct old {
    struct store *st;
    struct store_tx tx; /* its audit holds one record, the one being read */
    struct tx_audit one;
    uint32_t shard;
    uint64_t seq; /* the last one that is done */
    size_t batch;
    sp_error e;
};

static const char *party(const struct json *record, const char *member, struct sp_id *id)
{
    const struct json *p = json_get(record, member);

    sp_ignore(json_get_id(p, "id", id)); /* absent: a name without an id */
    return json_cstr(json_get(p, "name"));
}

static void add_about(struct audit_facts *f, struct sp_id id, const char *name)
{
    f->about[f->count].id = id;
    f->about[f->count++].name = name;
}

/* "SP-A010I": the number of the event, and the letter of its result. */
static int64_t code_of(struct view text)
{
    static const char letters[] = "IWE";
    int64_t number = 0;

    if (text.len != 8)
        return 0;
    const char *letter = strchr(letters, text.at[7]);
    for (size_t i = 4; i < 7; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return 0;
        number = 10 * number + (text.at[i] - '0');
    }
    return letter == NULL ? 0 : AUDIT_CODE(number, letter - letters);
}

static sp_error add_old(struct old *o, const struct json *record, sp_unix_ms at)
{
    struct audit_facts f = {.code = code_of(json_str(json_get(record, "code")))};
    struct sp_id actor = {{0}}, object = {{0}}, user = {{0}}, app = {{0}};
    const char *actor_name = party(record, "actor", &actor);
    const char *object_name = party(record, "object", &object);
    sp_error e;

    sp_ignore(json_get_id(record, "user", &user)); /* absent: zero, and no posting */
    sp_ignore(json_get_id(record, "app", &app));
    if (view_is(json_str(json_get(record, "result")), "denied"))
        f.reason = json_cstr(json_get(json_get(record, "detail"), "reason"));
    add_about(&f, actor, actor_name);
    add_about(&f, object, object_name);
    add_about(&f, user, NULL);
    add_about(&f, app, NULL);
    o->one.code = f.code;
    (void)snprintf(o->one.reason, sizeof o->one.reason, "%s", f.reason == NULL ? "" : f.reason);
    if ((e = postings_of(&o->tx, &f, &o->one.keys)) != SP_OK ||
        (e = postings_add(&o->tx, &o->one, o->shard, o->seq, at)) != SP_OK)
        return e;
    return postings_count(&o->tx, o->shard, at);
}

static const char old_rows[] = "SELECT seq, ts, rec FROM audit WHERE shard = $1 AND seq > $2 "
                               "ORDER BY seq LIMIT $3";

static bool on_old(void *arg, const struct columns *c)
{
    struct old *o = arg;
    struct json *record = NULL;

    o->batch++;
    o->seq = (uint64_t)column_int(c, 0);
    /* One that does not parse is the chain's to tell of: it is found by its time alone. */
    if (json_parse(column_text(c, 2), RECORD_MAX, NULL, &record) == SP_OK)
        o->e = add_old(o, record, column_int(c, 1));
    json_free(record);
    return o->e == SP_OK;
}

static sp_error old_shard(struct old *o)
{
    struct conn *c = o->st->writer;
    char place[32];
    int64_t done = 0;
    sp_error e;

    (void)snprintf(place, sizeof place, "postings.%u", o->shard);
    if ((e = meta_get(c, place, &done)) != SP_OK && e != SP_ERR_NOT_FOUND)
        return e;
    o->seq = (uint64_t)done;
    do {
        o->batch = 0;
        if ((e = conn_begin(c)) == SP_OK &&
            (e = conn_run(c, old_rows, PARAMS(P_INT(o->shard), P_INT(o->seq), P_INT(OLD_BATCH)),
                          on_old, o, NULL)) == SP_OK &&
            (e = o->e) == SP_OK && (e = meta_put(c, place, (int64_t)o->seq)) == SP_OK)
            e = conn_commit(c);
        conn_rollback(c);
        conn_checkpoint(c, false);
    } while (e == SP_OK && o->batch == OLD_BATCH);
    return e;
}

struct shard_list {
    uint32_t at[64];
    size_t count;
};

static bool on_shard(void *arg, const struct columns *c)
{
    struct shard_list *l = arg;

    l->at[l->count++] = (uint32_t)column_int(c, 0);
    return l->count < sizeof l->at / sizeof *l->at;
}

sp_error postings_of_old(struct store *st)
{
    struct old *o;
    struct shard_list shards = {.count = 0};
    int64_t done = 0;
    sp_error e = meta_get(st->writer, "postings", &done);

    if (e != SP_ERR_NOT_FOUND)
        return e;
    e = conn_run(st->writer, "SELECT shard FROM audit_head WHERE seq > 0", NULL, 0, on_shard,
                 &shards, NULL);
    if (e == SP_OK && shards.count > 0)
        log_event(LOG_INFO, "store.postings", "older audit records are made findable", NULL);
    if ((o = calloc(1, sizeof *o)) == NULL)
        return SP_ERR_NOMEM;
    for (size_t i = 0; i < shards.count && e == SP_OK; i++) {
        *o = (struct old){.st = st, .shard = shards.at[i]};
        o->tx =
            (struct store_tx){.store = st, .conn = st->writer, .audit = &o->one, .audit_count = 1};
        e = old_shard(o);
    }
    free(o);
    postings_forget(st); /* a batch that was undone took its names along */
    return e == SP_OK ? meta_put(st->writer, "postings", 1) : e;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct postings {
    each_posting *each;
    void *arg;
};

static bool on_posting(void *arg, const struct columns *c)
{
    struct postings *p = arg;
    const struct posting_row row = {.at = column_int(c, 0),
                                    .shard = (uint32_t)column_int(c, 1),
                                    .seq = (uint64_t)column_int(c, 2),
                                    .code = column_int(c, 3)};

    return p->each(p->arg, &row);
}

sp_error sql_audit_find(struct store *st, int64_t key, const struct audit_span *span,
                        each_posting *each, void *arg)
{
    struct postings p = {each, arg};
    const struct audit_row *edge = &span->edge;
    bool at_end = edge->seq == 0;
    bool down = span->order == AUDIT_NEWEST_FIRST;
    int64_t end = down ? INT64_MAX : -1;

    return store_read(st, down ? newest : oldest,
                      PARAMS(P_INT(key), P_INT(at_end ? end : edge->at),
                             P_INT(at_end ? end : (int64_t)edge->shard),
                             P_INT(at_end ? end : (int64_t)edge->seq), P_INT(span->since),
                             P_INT(span->until == 0 ? INT64_MAX : span->until), P_INT(span->limit)),
                      on_posting, &p);
}

struct key_list {
    int64_t *at;
    size_t max, count;
};

static bool on_key(void *arg, const struct columns *c)
{
    struct key_list *l = arg;
    int64_t key = column_int(c, 0);

    for (size_t i = 0; i < l->count; i++)
        if (l->at[i] == key)
            return true;
    l->at[l->count++] = key;
    return l->count < l->max;
}

sp_error sql_audit_names(struct store *st, const char *part, int64_t *keys, size_t max,
                         size_t *count)
{
    struct key_list l = {keys, max, 0};
    struct buf like;
    sp_error e = SP_OK;

    like_part(part, &like);
    if (like.len > 0 && max > 0)
        e = store_read(st, names_with, PARAMS(P_STR(buf_view(&like)), P_INT(2 * max)), on_key, &l);
    buf_deinit(&like);
    if (e == SP_OK)
        *count = l.count;
    return e;
}

struct hours {
    each_hour *each;
    void *arg;
};

static bool on_hour(void *arg, const struct columns *c)
{
    struct hours *h = arg;
    struct hour_row row = {
        .from = column_int(c, 0), .code = column_int(c, 1), .count = column_int(c, 3)};

    column_str(c, 2, row.reason, sizeof row.reason);
    return h->each(h->arg, &row);
}

sp_error sql_audit_hours(struct store *st, sp_unix_ms since, each_hour *each, void *arg)
{
    struct hours h = {each, arg};

    return store_read(st, hours_since, PARAMS(P_INT(since)), on_hour, &h);
}
