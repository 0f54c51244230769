/* OpenAPI documents of apps, and their history. */
#include "broker/store/store_internal.h"

static const char doc_add[] = "INSERT INTO document (sha256, doc) VALUES ($1, $2) "
                              "ON CONFLICT (sha256) DO NOTHING";
#define COLUMNS "app_id, ver, sha256, size, title, version, operations, warnings, note, author, at"
static const char use_add[] = "INSERT INTO document_use (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, "
                              "$6, $7, $8, $9, $10, $11)";
static const char use_trim[] =
    "DELETE FROM document_use WHERE app_id = $1 AND ver NOT IN (SELECT ver FROM (SELECT ver, "
    "sum(size) OVER (ORDER BY ver DESC) - size AS newer FROM document_use WHERE app_id = $1) AS u "
    "WHERE newer <= $3 ORDER BY ver DESC LIMIT $2)";
static const char use_forget[] = "DELETE FROM document_use WHERE app_id = $1";
static const char part_drop[] =
    "DELETE FROM document_part WHERE (app_id = $1 AND author = $2) OR at < $3";
static const char part_forget[] = "DELETE FROM document_part WHERE app_id = $1";
static const char part_add[] =
    "INSERT INTO document_part (app_id, author, start, doc, at) SELECT $1, $2, $3, $4, $5 "
    "WHERE $3 = (SELECT coalesce(sum(length(doc)), 0) FROM document_part WHERE app_id = $1 AND "
    "author = $2)";
static const char part_list[] =
    "SELECT doc FROM document_part WHERE app_id = $1 AND author = $2 ORDER BY start";
static const char doc_trim[] =
    "DELETE FROM document WHERE sha256 NOT IN (SELECT sha256 FROM document_use)";
static const char use_list[] =
    "SELECT " COLUMNS " FROM document_use WHERE app_id = $1 ORDER BY ver DESC";
static const char doc_get[] = "SELECT doc FROM document WHERE sha256 = $1";
static const char doc_of_site[] =
    "SELECT substr(d.doc, $3, $4), length(d.doc) FROM document d WHERE d.sha256 = $1 AND EXISTS "
    "(SELECT 1 FROM document_use u JOIN app a ON a.id = u.app_id WHERE u.sha256 = d.sha256 AND "
    "a.site_id = $2)";

static struct view hash_of(const uint8_t sha256[ROW_HASH_BYTES])
{
    return (struct view){sha256, ROW_HASH_BYTES};
}

static sp_error trim(struct store_tx *tx)
{
    return tx_run(tx, doc_trim, NULL, 0, NULL);
}

/* And what nobody went on with. */
static sp_error drop_parts(struct store_tx *tx, struct sp_id app, struct sp_id author)
{
    return tx_run(tx, part_drop,
                  PARAMS(P_ID(app), P_ID(author), P_INT(tx_now(tx) - DOCUMENT_PART_MS)), NULL);
}

static sp_error part(struct store_tx *tx, struct sp_id app, struct sp_id author, int64_t at,
                     struct view text)
{
    sp_error e = at == 0 ? drop_parts(tx, app, author) : SP_OK;

    return e == SP_OK ? tx_run_one(tx, part_add,
                                   PARAMS(P_ID(app), P_ID(author), P_INT(at), P_BYTES(text),
                                          P_INT(tx_now(tx))),
                                   SP_ERR_CONFLICT)
                      : e;
}

static sp_error put(struct store_tx *tx, const struct document_row *r, struct view text)
{
    const struct view hash = hash_of(r->sha256);
    const struct param use[] = {P_ID(r->app),         P_INT(r->ver),      P_BYTES(hash),
                                P_INT(r->size),       P_TEXT(r->title),   P_TEXT(r->version),
                                P_INT(r->operations), P_INT(r->warnings), P_TEXT(r->note),
                                P_ID(r->author),      P_INT(tx_now(tx))};
    sp_error e = SP_OK;

    if (text.len > 0)
        e = tx_run(tx, doc_add, PARAMS(P_BYTES(hash), P_BYTES(text)), NULL);
    if (e == SP_OK)
        e = tx_run_one(tx, use_add, use, sizeof use / sizeof *use, SP_ERR_CONFLICT);
    if (e == SP_OK)
        e = tx_run(tx, use_trim,
                   PARAMS(P_ID(r->app), P_INT(DOCUMENT_USES_MAX), P_INT(DOCUMENT_USES_BYTES)),
                   NULL);
    if (e == SP_OK)
        e = drop_parts(tx, r->app, r->author);
    return e == SP_OK ? trim(tx) : e;
}

static sp_error forget(struct store_tx *tx, struct sp_id app)
{
    sp_error e = tx_run(tx, use_forget, PARAMS(P_ID(app)), NULL);

    if (e == SP_OK)
        e = tx_run(tx, part_forget, PARAMS(P_ID(app)), NULL);
    return e == SP_OK ? trim(tx) : e;
}

struct uses {
    each_document *each;
    void *arg;
};

static bool on_use(void *arg, const struct columns *c)
{
    struct uses *x = arg;
    struct document_row row = {.app = column_id(c, 0),
                               .ver = (uint64_t)column_int(c, 1),
                               .size = column_int(c, 3),
                               .operations = column_int(c, 6),
                               .warnings = column_int(c, 7),
                               .author = column_id(c, 9),
                               .at = column_int(c, 10)};

    column_hash(c, 2, row.sha256);
    column_str(c, 4, row.title, sizeof row.title);
    column_str(c, 5, row.version, sizeof row.version);
    column_str(c, 8, row.note, sizeof row.note);
    return x->each(x->arg, &row);
}

static sp_error list(struct store *st, struct sp_id app, each_document *each, void *arg)
{
    struct uses x = {each, arg};

    return store_read(st, use_list, PARAMS(P_ID(app)), on_use, &x);
}

static bool on_text(void *arg, const struct columns *c)
{
    struct buf *out = arg;

    buf_add(out, column_bytes(c, 0));
    return true;
}

static sp_error parts(struct store *st, struct sp_id app, struct sp_id author, struct buf *out)
{
    sp_error e = store_read(st, part_list, PARAMS(P_ID(app), P_ID(author)), on_text, out);

    return e == SP_OK ? buf_error(out) : e;
}

static sp_error get(struct store *st, const uint8_t sha256[ROW_HASH_BYTES], struct buf *out)
{
    const struct view hash = hash_of(sha256);
    sp_error e = store_read_one(st, doc_get, PARAMS(P_BYTES(hash)), on_text, out);

    return e == SP_OK ? buf_error(out) : e;
}

struct piece {
    struct buf *out;
    int64_t size;
};

static bool on_piece(void *arg, const struct columns *c)
{
    struct piece *p = arg;

    p->size = column_int(c, 1);
    buf_add(p->out, column_bytes(c, 0));
    return true;
}

static sp_error piece(struct store *st, const uint8_t sha256[ROW_HASH_BYTES], struct sp_id site,
                      int64_t at, struct buf *out, int64_t *size)
{
    const struct view hash = hash_of(sha256);
    struct piece p = {out, 0};
    sp_error e = store_read_one(
        st, doc_of_site, PARAMS(P_BYTES(hash), P_ID(site), P_INT(at + 1), P_INT(DOCUMENT_PIECE)),
        on_piece, &p);

    *size = p.size;
    return e == SP_OK ? buf_error(out) : e;
}

const struct store_documents sql_documents = {.put = put,
                                              .forget = forget,
                                              .list = list,
                                              .get = get,
                                              .piece = piece,
                                              .part = part,
                                              .parts = parts};
