/* Drafts of policies. */
#include "broker/store/store_internal.h"

#define COLUMNS "id, author, policy, base, note, doc, created, updated, ver"
static const char draft_new[] =
    "INSERT INTO policy_draft (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)";
static const char draft_write[] =
    "UPDATE policy_draft SET base = $4, note = $5, doc = $6, updated = $8, ver = ver + 1 "
    "WHERE id = $1 AND author = $2 AND policy = $3 AND created = $7 AND ver = $9";
static const char draft_drop[] = "DELETE FROM policy_draft WHERE id = $1";
static const char draft_id[] = "SELECT " COLUMNS " FROM policy_draft WHERE id = $1";
static const char draft_all[] = "SELECT id, author, policy, base, note, '', created, updated, ver "
                                "FROM policy_draft ORDER BY updated DESC, id";

struct drafts {
    each_draft *each;
    void *arg;
};

static bool on_draft(void *arg, const struct columns *c)
{
    struct drafts *x = arg;
    struct draft_row row = {.id = column_id(c, 0),
                            .author = column_id(c, 1),
                            .base = (uint64_t)column_int(c, 3),
                            .text = column_text(c, 5),
                            .created = column_int(c, 6),
                            .updated = column_int(c, 7),
                            .ver = (uint64_t)column_int(c, 8)};

    column_str(c, 2, row.policy, sizeof row.policy);
    column_str(c, 4, row.note, sizeof row.note);
    return x->each(x->arg, &row);
}

static sp_error put(struct store_tx *tx, struct draft_row *r)
{
    const struct param p[] = {P_ID(r->id),       P_ID(r->author),   P_TEXT(r->policy),
                              P_INT(r->base),    P_TEXT(r->note),   P_STR(r->text),
                              P_INT(r->created), P_INT(r->updated), P_INT(r->ver)};
    size_t n = sizeof p / sizeof *p;
    sp_error e = tx_run_one(tx, r->ver == 0 ? draft_new : draft_write, p, r->ver == 0 ? n - 1 : n,
                            SP_ERR_CONFLICT);

    if (e == SP_OK)
        r->ver++;
    return e;
}

static sp_error drop(struct store_tx *tx, struct sp_id id)
{
    return tx_run_one(tx, draft_drop, PARAMS(P_ID(id)), SP_ERR_NOT_FOUND);
}

static sp_error get(struct store *st, struct sp_id id, each_draft *each, void *arg)
{
    struct drafts x = {each, arg};

    return store_read_one(st, draft_id, PARAMS(P_ID(id)), on_draft, &x);
}

static sp_error list(struct store *st, each_draft *each, void *arg)
{
    struct drafts x = {each, arg};

    return store_read(st, draft_all, NULL, 0, on_draft, &x);
}

const struct store_drafts sql_drafts = {.put = put, .remove = drop, .get = get, .list = list};
