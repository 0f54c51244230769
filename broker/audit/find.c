#include "broker/audit/find.h"

#include "lib/base/ascii.h"

#include <stdlib.h>
#include <strings.h>

enum { CODES_MAX = 4 * AUDIT_EVENT_COUNT, ONE_KEY_ROWS = 20000, CODE_TOP = 4096, FEW = 1000 };

/* A page in the making. */
struct finding {
    struct store *st;
    const struct store_audit *audit;
    const struct audit_search *s;
    const struct audit_filter *f;
    bool codes[CODE_TOP];          /* that fit the action and the result */
    bool some_codes;               /* not all of them do */
    size_t want, looked, postings; /* what may still be given, read, walked */
    struct audit_row last;         /* how far it got: at, shard, seq */
    bool ended, refused, raw, texts_alone, exact;
    struct kept *kept; /* owned; of a search by text, whose parts come in two orders */
    size_t kept_count;
};

struct kept {
    struct audit_row row; /* its text is owned */
};

/* Rows of one or several keys, to be put into one order. */
struct merge {
    struct finding *x;
    int64_t keys[CODES_MAX];
    size_t key_count;
    struct posting_row *at; /* owned */
    size_t count, cap, rows, rounds;
    struct posting_row tail;    /* last of the key that is being read */
    struct posting_row horizon; /* behind it, something may be missing */
    bool cut;                   /* there is a horizon */
    sp_error e;
};

/* ---- does a record fit ---- */

static bool has(const struct json *text, const char *part)
{
    return ascii_find(json_str(text), part) != SIZE_MAX;
}

static bool names_id(const struct json *record, const char *member, struct sp_id id)
{
    struct sp_id found;

    return json_get_id(record, member, &found) == SP_OK && id_equal(found, id);
}

static bool about_user(const struct json *record, struct sp_id user)
{
    return names_id(record, "user", user) || names_id(json_get(record, "actor"), "id", user) ||
           names_id(json_get(record, "object"), "id", user);
}

static bool named(const struct json *record, const char *q)
{
    return has(json_get(json_get(record, "actor"), "name"), q) ||
           has(json_get(json_get(record, "object"), "name"), q) ||
           has(json_get(record, "request"), q) ||
           has(json_get(json_get(record, "detail"), "reason"), q);
}

static bool text_fits(const struct finding *x, const struct json *record)
{
    const char *q = x->f->q;

    if (q[0] == '\0')
        return true;
    if (x->texts_alone)
        return has(json_get(record, "text"), q) && !named(record, q);
    return named(record, q) || has(json_get(record, "text"), q);
}

static bool action_fits(const char *wanted, struct view action)
{
    size_t len = strlen(wanted);

    if (len == 0)
        return true;
    if (wanted[len - 1] == '.')
        return action.len >= len && memcmp(action.at, wanted, len) == 0;
    return view_is(action, wanted);
}

static bool fits(const struct finding *x, const struct audit_row *row)
{
    const struct audit_filter *f = x->f;
    struct json *record = NULL;

    if (json_parse(row->text, AUDIT_RECORD_MAX, NULL, &record) != SP_OK)
        return false;
    bool yes = action_fits(f->action, json_str(json_get(record, "action"))) &&
               (f->result[0] == '\0' || view_is(json_str(json_get(record, "result")), f->result)) &&
               (id_is_zero(f->user) || about_user(record, f->user)) &&
               (id_is_zero(f->app) || names_id(record, "app", f->app) ||
                names_id(json_get(record, "object"), "id", f->app)) &&
               text_fits(x, record);
    json_free(record);
    return yes;
}

/* Before a record is parsed: its bytes must have q in them. */
static bool may_fit(const struct finding *x, struct view text)
{
    const char *q = x->f->q;
    size_t n = strlen(q);
    uint8_t low = (uint8_t)(q[0] | 32), high = (uint8_t)(q[0] & ~32);

    if (!x->raw)
        return true;
    for (size_t i = 0; i + n <= text.len; i++)
        if ((text.at[i] == low || text.at[i] == high || text.at[i] == (uint8_t)q[0]) &&
            strncasecmp((const char *)text.at + i, q, n) == 0)
            return true;
    return false;
}

/* Whether q stands in a record's JSON as it was typed: no byte that is escaped there. */
static bool is_raw(const char *q)
{
    for (const char *c = q; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e || *c == '"' || *c == '\\' || *c == '/')
            return false;
    return q[0] != '\0';
}

static void read_codes(struct finding *x)
{
    static const char *const results[] = {"ok", "denied", "error"};
    const struct audit_filter *f = x->f;

    x->some_codes = f->action[0] != '\0' || f->result[0] != '\0';
    for (int e = AUDIT_UNNAMED; e < AUDIT_EVENT_COUNT; e++)
        for (int r = AUDIT_OK; r <= AUDIT_ERROR; r++)
            if (action_fits(f->action, view_str(audit_event_name((enum audit_event)e))) &&
                (f->result[0] == '\0' || strcmp(f->result, results[r]) == 0))
                x->codes[audit_code_number((enum audit_event)e, (enum audit_result)r)] = true;
}

/* ---- giving ---- */

static void reach(struct finding *x, sp_unix_ms at, uint32_t shard, uint64_t seq)
{
    x->last = (struct audit_row){.at = at, .shard = shard, .seq = seq};
}

static void keep(struct finding *x, const struct audit_row *row)
{
    uint8_t *text = malloc(row->text.len + 1);

    if (text == NULL) /* as if it did not fit: the page is one record short */
        return;
    memcpy(text, row->text.at, row->text.len);
    struct audit_row *copy = &x->kept[x->kept_count++].row;
    *copy = *row;
    copy->text = (struct view){text, row->text.len};
}

static bool on_row(void *arg, const struct audit_row *row)
{
    struct finding *x = arg;

    if (x->want == 0 || x->looked == 0) {
        x->refused = true;
        return false;
    }
    x->looked--;
    reach(x, row->at, row->shard, row->seq);
    if (may_fit(x, row->text) && fits(x, row)) {
        if (x->kept != NULL)
            keep(x, row);
        else
            x->s->take(x->s->arg, row);
        x->want--;
    }
    return true;
}

/* What is searched of the log, from `edge` on. */
static struct audit_span span_of(const struct finding *x, const struct audit_row *edge,
                                 size_t limit)
{
    return (struct audit_span){.order = x->s->order,
                               .edge = *edge,
                               .since = x->f->from,
                               .until = x->f->to,
                               .limit = limit};
}

/* All records in the order of their time. */
static sp_error walk(struct finding *x)
{
    sp_error e = SP_OK;

    while (e == SP_OK && x->want > 0 && x->looked > 0) {
        size_t before = x->looked, limit = before < STORE_PAGE_MAX ? before : STORE_PAGE_MAX;
        const struct audit_span span = span_of(x, &x->last, limit);
        e = x->audit->page(x->st, &span, on_row, x);
        x->ended = !x->refused && before - x->looked < limit;
        if (x->ended)
            break;
    }
    return e;
}

/* ---- postings ---- */

/* Negative: a comes before b in the page's order. */
static int in_order(const struct finding *x, const struct posting_row *a,
                    const struct posting_row *b)
{
    int c = a->at != b->at         ? (a->at < b->at ? -1 : 1)
            : a->shard != b->shard ? (a->shard < b->shard ? -1 : 1)
            : a->seq != b->seq     ? (a->seq < b->seq ? -1 : 1)
                                   : 0;
    return x->s->order == AUDIT_NEWEST_FIRST ? -c : c;
}

static int oldest_first(const void *a, const void *b)
{
    static const struct audit_search up = {.order = AUDIT_OLDEST_FIRST};
    static const struct finding x = {.s = &up};
    return in_order(&x, a, b);
}

static int newest_first(const void *a, const void *b)
{
    return -oldest_first(a, b);
}

static void sort(struct merge *m)
{
    if (m->count > 1)
        qsort(m->at, m->count, sizeof *m->at,
              m->x->s->order == AUDIT_NEWEST_FIRST ? newest_first : oldest_first);
}

static bool keep_posting(struct merge *m, const struct posting_row *row)
{
    if (m->count == m->cap) {
        size_t cap = m->cap == 0 ? 256 : 2 * m->cap;
        struct posting_row *more = reallocarray(m->at, cap, sizeof *more);
        if (more == NULL) {
            m->e = SP_ERR_NOMEM;
            return false;
        }
        m->at = more;
        m->cap = cap;
    }
    m->at[m->count++] = *row;
    return true;
}

static bool on_posting(void *arg, const struct posting_row *row)
{
    struct merge *m = arg;

    m->rows++;
    m->tail = *row;
    if (m->x->some_codes && (row->code < 0 || row->code >= CODE_TOP || !m->x->codes[row->code]))
        return true;
    return keep_posting(m, row);
}

/* Some rows of each key, behind the place reached so far. */
static sp_error gather(struct merge *m)
{
    struct finding *x = m->x;
    size_t each = x->want + FIND_NAMES_MAX;
    sp_error e = SP_OK;

    if (m->key_count == 1 && m->rounds++ > 0 && each < ONE_KEY_ROWS)
        each = ONE_KEY_ROWS; /* most of them do not fit */
    const struct audit_span span = span_of(x, &x->last, each);

    m->count = 0;
    m->cut = false;
    for (size_t i = 0; i < m->key_count && e == SP_OK; i++) {
        m->rows = 0;
        e = x->audit->find(x->st, m->keys[i], &span, on_posting, m);
        x->postings -= m->rows < x->postings ? m->rows : x->postings;
        if (m->rows == each && (!m->cut || in_order(x, &m->tail, &m->horizon) < 0)) {
            m->cut = true;
            m->horizon = m->tail;
        }
    }
    sort(m);
    return e == SP_OK ? m->e : e;
}

static bool take_row(void *arg, const struct audit_row *row)
{
    (void)on_row(arg, row); /* there is one */
    return false;
}

/* Reads what was gathered, up to the horizon. */
static sp_error give(struct merge *m)
{
    struct finding *x = m->x;
    sp_error e = SP_OK;

    size_t i = 0;

    for (; i < m->count && e == SP_OK && x->want > 0 && x->looked > 0; i++) {
        const struct posting_row *p = &m->at[i];
        if (m->cut && in_order(x, p, &m->horizon) > 0)
            break;
        if (i > 0 && in_order(x, p, &m->at[i - 1]) == 0)
            continue;
        e = x->audit->get(x->st, p->shard, p->seq, take_row, x);
        e = e == SP_ERR_NOT_FOUND ? SP_OK : e;
    }
    if (e != SP_OK || (i < m->count && !m->cut) || (m->cut && (x->want == 0 || x->looked == 0)))
        return e;
    if (m->cut)
        reach(x, m->horizon.at, m->horizon.shard, m->horizon.seq);
    else
        x->ended = true;
    return SP_OK;
}

static sp_error merge_all(struct merge *m)
{
    struct finding *x = m->x;
    sp_error e = SP_OK;

    while (e == SP_OK && !x->ended && x->want > 0 && x->looked > 0 && x->postings > 0)
        if ((e = gather(m)) == SP_OK)
            e = give(m);
    free(m->at);
    m->at = NULL;
    return e;
}

static bool count_posting(void *arg, const struct posting_row *row)
{
    (void)row;
    ++*(size_t *)arg;
    return true;
}

/* Of two keys the one with fewer rows. */
static sp_error narrower(struct finding *x, int64_t a, int64_t b, int64_t *out)
{
    const struct audit_row begin = {0};
    const struct audit_span span = span_of(x, &begin, FEW);
    const int64_t keys[] = {a, b};
    size_t rows[2] = {0, 0};
    sp_error e = SP_OK;

    for (size_t i = 0; i < 2 && e == SP_OK; i++)
        e = x->audit->find(x->st, keys[i], &span, count_posting, &rows[i]);
    *out = rows[0] <= rows[1] ? a : b;
    return e;
}

/* The keys that the filter names; none: every record may fit. */
static sp_error keys_of(struct finding *x, struct merge *m)
{
    bool user = !id_is_zero(x->f->user), app = !id_is_zero(x->f->app);
    sp_error e = SP_OK;

    if (user || app) {
        m->key_count = 1;
        m->keys[0] = audit_key(user ? x->f->user : x->f->app);
        if (user && app)
            e = narrower(x, m->keys[0], audit_key(x->f->app), &m->keys[0]);
        return e;
    }
    for (int64_t code = 0; x->some_codes && code < CODE_TOP; code++)
        if (x->codes[code] && m->key_count < CODES_MAX)
            m->keys[m->key_count++] = code;
    return e;
}

static sp_error by_filter(struct finding *x)
{
    struct merge m = {.x = x};
    sp_error e = keys_of(x, &m);

    if (e != SP_OK)
        return e;
    if (x->some_codes && m.key_count == 0) { /* no such action */
        x->ended = true;
        return SP_OK;
    }
    return m.key_count == 0 ? walk(x) : merge_all(&m);
}

/* ---- texts ---- */

static bool on_request(void *arg, const struct audit_row *row)
{
    struct merge *m = arg;
    const struct finding *x = m->x;
    const struct posting_row here = {.at = row->at, .shard = row->shard, .seq = row->seq};
    const struct posting_row edge = {.at = x->last.at, .shard = x->last.shard, .seq = x->last.seq};

    return row->at < x->f->from || row->at >= x->f->to ||
           (edge.seq != 0 && in_order(x, &here, &edge) <= 0) || keep_posting(m, &here);
}

/* q may be a request id: its records are few, and nothing else has it. */
static sp_error by_request(struct finding *x)
{
    struct merge m = {.x = x};
    char id[sizeof x->f->q];
    size_t n = strlen(x->f->q);
    sp_error e;

    if (n < 3 || strncasecmp(x->f->q, "R-", 2) != 0)
        return SP_OK;
    for (size_t i = 0; i <= n; i++)
        id[i] = (char)(x->f->q[i] >= 'a' && x->f->q[i] <= 'z' ? x->f->q[i] - 32 : x->f->q[i]);
    e = x->audit->by_request(x->st, id, on_request, &m);
    if (e == SP_OK && (e = m.e) == SP_OK && m.count > 0) {
        sort(&m);
        e = give(&m);
    }
    x->exact = m.count > 0;
    free(m.at);
    return e;
}

/* Records by the names that stand in them; `*some`: there are such names, and not too many. */
static sp_error by_name(struct finding *x, bool *some)
{
    struct merge m = {.x = x};
    size_t count = 0;
    sp_error e = x->audit->names(x->st, x->f->q, m.keys, FIND_NAMES_MAX, &count);

    *some = e == SP_OK && count > 0 && count < FIND_NAMES_MAX;
    if (!*some)
        return e;
    m.key_count = count;
    return merge_all(&m);
}

/*
 * Names first, among all records; sentences in what fits the page beside them. A q that is no name,
 * or part of very many, is looked for in the records as they come.
 */
static sp_error by_text(struct finding *x)
{
    bool some = false;
    sp_error e;

    if (x->texts_alone)
        return by_filter(x);
    if ((e = by_request(x)) != SP_OK || x->exact || (e = by_name(x, &some)) != SP_OK)
        return e;
    if (some) {
        if (!x->ended)
            return SP_OK;
        x->ended = x->refused = false;
        x->texts_alone = true;
        x->last = (struct audit_row){0};
        if (x->want == 0)
            return SP_OK;
    }
    x->looked = FIND_TEXTS_READ;
    return by_filter(x);
}

static int newer_kept(const void *a, const void *b)
{
    const struct audit_row *x = &((const struct kept *)a)->row, *y = &((const struct kept *)b)->row;
    const struct posting_row p = {.at = x->at, .shard = x->shard, .seq = x->seq};
    const struct posting_row q = {.at = y->at, .shard = y->shard, .seq = y->seq};

    return newest_first(&p, &q);
}

static int older_kept(const void *a, const void *b)
{
    return -newer_kept(a, b);
}

static void give_kept(struct finding *x, bool give)
{
    if (x->kept == NULL)
        return; /* texts alone are kept */
    if (x->kept_count > 1)
        qsort(x->kept, x->kept_count, sizeof *x->kept,
              x->s->order == AUDIT_NEWEST_FIRST ? newer_kept : older_kept);
    for (size_t i = 0; i < x->kept_count; i++) {
        if (give)
            x->s->take(x->s->arg, &x->kept[i].row);
        free((void *)(uintptr_t)x->kept[i].row.text.at);
    }
    free(x->kept);
}

/* ---- the whole ---- */

sp_error audit_find(struct store *st, const struct audit_search *s, struct audit_place *next,
                    bool *more)
{
    struct audit_filter f = *s->filter;
    struct finding *x = calloc(1, sizeof *x);
    size_t most = s->looked_at == 0 ? FIND_LOOKED_AT : s->looked_at;
    sp_error e;

    if (x == NULL)
        return SP_ERR_NOMEM;
    f.to = f.to == 0 ? INT64_MAX : f.to;
    *x = (struct finding){.st = st,
                          .audit = store_services(st)->audit,
                          .s = s,
                          .f = &f,
                          .want = s->want,
                          .looked =
                              f.q[0] != '\0' && most > FIND_TEXTS_READ ? FIND_TEXTS_READ : most,
                          .postings = most > FIND_POSTINGS_MAX ? most : FIND_POSTINGS_MAX,
                          .last = s->from.edge,
                          .raw = is_raw(f.q),
                          .texts_alone = s->from.texts_alone};
    read_codes(x);
    if (f.q[0] != '\0' && (x->kept = calloc(s->want + 1, sizeof *x->kept)) == NULL)
        e = SP_ERR_NOMEM;
    else
        e = f.q[0] != '\0' ? by_text(x) : by_filter(x);
    give_kept(x, e == SP_OK);
    if (e == SP_OK) {
        *next = (struct audit_place){.edge = x->last, .texts_alone = x->texts_alone};
        *more = !x->ended;
    }
    free(x);
    return e;
}
