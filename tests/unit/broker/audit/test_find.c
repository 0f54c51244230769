/* What a filter finds is what somebody would who reads all of the log, whatever the way to it. */
#include "broker/audit/find.h"

#include "broker/audit/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

#include <sqlite3.h>
#include <string.h>

enum { RECORDS = 200, PEOPLE = 5, APPS = 3, BEGAN = 1000000, STEP = 1000 };

static struct sp_id person(unsigned n)
{
    return (struct sp_id){{(uint8_t)(0x10 + n), 7, (uint8_t)n}};
}

static struct sp_id app(unsigned n)
{
    return (struct sp_id){{(uint8_t)(0x80 + n), 9, (uint8_t)n}};
}

static const char *const people[] = {"anna", "boris", "chen", "Joanna", "dilek"};
static const char *const apps[] = {"wiki", "payroll", "annual-report"};

struct batch {
    const struct store_services *s;
    unsigned from, count;
};

static sp_error write_some(struct store_tx *tx, void *arg)
{
    static const struct {
        enum audit_event event;
        enum audit_result result;
        const char *text, *reason;
    } kinds[] = {{AUDIT_SESSION_OPEN, AUDIT_OK, "allowed by team/members", NULL},
                 {AUDIT_SESSION_DENY, AUDIT_DENIED, "disk_encryption is unknown", "requirement"},
                 {AUDIT_LOGIN_FAIL, AUDIT_DENIED, "wrong password", NULL},
                 {AUDIT_USER_LOCK, AUDIT_OK, "left, says Anna", NULL},
                 {AUDIT_APP_TEST, AUDIT_ERROR, "", NULL}};
    const struct batch *b = arg;
    sp_error e = SP_OK;

    for (unsigned i = b->from; i < b->from + b->count && e == SP_OK; i++) {
        unsigned k = i * 7 % 5, who = i * i % PEOPLE, to = i % APPS;
        char request[24], detail[64];
        (void)snprintf(request, sizeof request, "R-%05u", i / 2);
        (void)snprintf(detail, sizeof detail, "{\"reason\":\"%s\"}",
                       kinds[k].reason ? kinds[k].reason : "");
        struct audit_record r = {.event = kinds[k].event,
                                 .result = kinds[k].result,
                                 .actor_kind = AUDIT_ACTOR_USER,
                                 .actor = person(who),
                                 .actor_name = people[who],
                                 .request = request,
                                 .text = kinds[k].text,
                                 .reason = kinds[k].reason,
                                 .detail = view_str(kinds[k].reason ? detail : "")};
        if (kinds[k].event == AUDIT_LOGIN_FAIL)
            r.actor = (struct sp_id){{0}}; /* somebody who only says so */
        if (kinds[k].event == AUDIT_USER_LOCK) {
            r.object = person((who + 1) % PEOPLE);
            r.object_name = people[(who + 1) % PEOPLE];
        } else if (kinds[k].event != AUDIT_LOGIN_FAIL) {
            r.user = r.actor;
            r.app = r.object = app(to);
            r.object_name = apps[to];
        }
        e = audit_append(tx, b->s, &r);
    }
    return e;
}

/* Several records of one moment, some moments. */
static void fill(struct temp *t)
{
    for (unsigned i = 0; i < RECORDS; i += 5) {
        struct batch b = {t->s, i, 5};
        clock_set_for_test(BEGAN + i / 5 * STEP, -1);
        assert_int_equal(store_commit(t->st, write_some, &b), SP_OK);
    }
    clock_set_for_test(-1, -1);
}

/* ---- the reader of everything ---- */

static bool has(const char *text, const char *part)
{
    return text != NULL && strcasestr(text, part) != NULL;
}

static bool is(const struct json *o, const char *member, struct sp_id id)
{
    struct sp_id found;
    return json_get_id(o, member, &found) == SP_OK && id_equal(found, id);
}

static bool fits(const struct audit_filter *f, const struct audit_row *row)
{
    struct json *r = NULL;

    assert_int_equal(json_parse(row->text, AUDIT_RECORD_MAX, NULL, &r), SP_OK);
    const char *action = json_cstr(json_get(r, "action"));
    const struct json *actor = json_get(r, "actor"), *object = json_get(r, "object");
    bool family = f->action[0] != '\0' && f->action[strlen(f->action) - 1] == '.';
    bool yes = (f->action[0] == '\0' || (family ? strncmp(action, f->action, strlen(f->action)) == 0
                                                : strcmp(action, f->action) == 0)) &&
               (f->result[0] == '\0' || strcmp(json_cstr(json_get(r, "result")), f->result) == 0) &&
               row->at >= f->from && (f->to == 0 || row->at < f->to) &&
               (id_is_zero(f->user) || is(r, "user", f->user) || is(actor, "id", f->user) ||
                is(object, "id", f->user)) &&
               (id_is_zero(f->app) || is(r, "app", f->app) || is(object, "id", f->app)) &&
               (f->q[0] == '\0' || has(json_cstr(json_get(r, "text")), f->q) ||
                has(json_cstr(json_get(actor, "name")), f->q) ||
                has(json_cstr(json_get(object, "name")), f->q) ||
                has(json_cstr(json_get(r, "request")), f->q) ||
                has(json_cstr(json_get(json_get(r, "detail"), "reason")), f->q));
    json_free(r);
    return yes;
}

struct expected {
    const struct audit_filter *f;
    bool want[RECORDS + 1];
    size_t count;
};

static bool expect(void *arg, const struct audit_row *row)
{
    struct expected *x = arg;

    x->want[row->seq] = fits(x->f, row);
    x->count += x->want[row->seq];
    return true;
}

struct found {
    bool seen[RECORDS + 1];
    size_t count, page;
    uint64_t last;
    enum audit_order order;
};

static void take(void *arg, const struct audit_row *row)
{
    struct found *f = arg;

    assert_false(f->seen[row->seq]); /* no record twice, over all pages */
    f->seen[row->seq] = true;
    if (f->page++ > 0) /* each page in its order; sequence and time rise together here */
        assert_true(f->order == AUDIT_NEWEST_FIRST ? row->seq < f->last : row->seq > f->last);
    f->last = row->seq;
    f->count++;
}

static void compare(struct temp *t, const struct audit_filter *f, enum audit_order order,
                    size_t want, size_t looked_at)
{
    struct expected x = {.f = f};
    struct found found = {.order = order};
    struct audit_search s = {.filter = f,
                             .order = order,
                             .want = want,
                             .looked_at = looked_at,
                             .take = take,
                             .arg = &found};
    bool more = true;

    assert_int_equal(t->s->audit->walk(t->st, 1, 1, RECORDS, expect, &x), SP_OK);
    for (int pages = 0; more; pages++) {
        found.page = 0;
        assert_int_equal(audit_find(t->st, &s, &s.from, &more), SP_OK);
        assert_true(found.page <= want);
        assert_true(pages < 2 * RECORDS);
    }
    if (found.count != x.count)
        fail_msg("action '%s' result '%s' q '%s': %zu found of %zu", f->action, f->result, f->q,
                 found.count, x.count);
    assert_memory_equal(found.seen, x.want, sizeof x.want);
}

static void every_filter_finds_what_a_reader_of_all_would(void **state)
{
    static const char *const actions[] = {"",         "session.deny", "session.",
                                          "app.test", "site.create",  "no.such"};
    static const char *const results[] = {"", "denied", "error"};
    static const char *const texts[] = {"",        "anna", "ANNUAL",  "requirement", "R-00007",
                                        "r-00007", "000",  "left, s", "disk_enc",    "nothing",
                                        "100%",    "\"",   "team/m"};
    struct temp t;
    (void)state;

    temp_new(&t);
    fill(&t);
    for (size_t a = 0; a < sizeof actions / sizeof *actions; a++)
        for (size_t r = 0; r < sizeof results / sizeof *results; r++)
            for (size_t q = 0; q < sizeof texts / sizeof *texts; q++)
                for (unsigned who = 0; who < 6; who++) {
                    struct audit_filter f = {0};
                    (void)snprintf(f.action, sizeof f.action, "%s", actions[a]);
                    (void)snprintf(f.result, sizeof f.result, "%s", results[r]);
                    (void)snprintf(f.q, sizeof f.q, "%s", texts[q]);
                    if (who & 1)
                        f.user = person(who);
                    if (who & 2)
                        f.app = app(who % APPS);
                    if (who & 4) {
                        f.from = BEGAN + 20 * STEP;
                        f.to = BEGAN + 60 * STEP;
                    }
                    compare(&t, &f, (a + q) & 1 ? AUDIT_OLDEST_FIRST : AUDIT_NEWEST_FIRST,
                            who == 0 ? 200 : 7, who == 3 ? 0 : 40);
                }
    temp_free(&t);
}

/* ---- records of before ---- */

static void sql(struct temp *t, const char *text)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int number(struct temp *t, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *s;

    assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

/* A store that was written before there were postings gets the same rows at its next start. */
static void older_records_become_findable_as_if_written_today(void **state)
{
    static const char *const tables[] = {"audit_find", "audit_name", "audit_hour"};
    struct temp t;
    char text[256];
    (void)state;

    temp_new(&t);
    fill(&t);
    store_close(t.st);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof text, "CREATE TABLE was_%s AS SELECT * FROM %s; DELETE FROM %s",
                       tables[i], tables[i], tables[i]);
        sql(&t, text);
    }
    sql(&t, "DELETE FROM meta WHERE k LIKE 'postings%'");
    temp_open(&t);
    store_close(t.st);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof text,
                       "SELECT (SELECT count(*) FROM %s) > 0 AND NOT EXISTS (SELECT * FROM %s "
                       "EXCEPT SELECT * FROM was_%s) AND NOT EXISTS (SELECT * FROM was_%s EXCEPT "
                       "SELECT * FROM %s)",
                       tables[i], tables[i], tables[i], tables[i], tables[i]);
        if (number(&t, text) != 1)
            fail_msg("%s is not as it was: %s", tables[i], t.path);
    }
    temp_open(&t);
    temp_free(&t);
}

/* A transaction that was undone takes its names along: the next one writes them again. */
static sp_error write_and_fail(struct store_tx *tx, void *arg)
{
    sp_error e = write_some(tx, arg);
    return e == SP_OK ? SP_ERR_CONFLICT : e;
}

static void a_name_that_was_undone_is_written_again(void **state)
{
    struct batch b;
    int64_t keys[8];
    size_t count = 0;
    struct temp t;
    (void)state;

    temp_new(&t);
    b = (struct batch){t.s, 0, 5};
    assert_int_equal(store_commit(t.st, write_and_fail, &b), SP_ERR_CONFLICT);
    assert_int_equal(t.s->audit->names(t.st, "wiki", keys, 8, &count), SP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(store_commit(t.st, write_some, &b), SP_OK);
    assert_int_equal(t.s->audit->names(t.st, "wiki", keys, 8, &count), SP_OK);
    assert_int_equal(count, 1);
    temp_free(&t);
}

struct tally {
    int64_t all, denied_for;
};

static bool add_hour(void *arg, const struct hour_row *row)
{
    struct tally *n = arg;

    assert_int_equal(row->from % (3600 * 1000), 0);
    n->all += row->count;
    if (row->code == audit_code_number(AUDIT_SESSION_DENY, AUDIT_DENIED) &&
        strcmp(row->reason, "requirement") == 0)
        n->denied_for += row->count;
    return true;
}

static void hours_count_every_record_once(void **state)
{
    struct tally n = {0, 0};
    struct temp t;
    (void)state;

    temp_new(&t);
    fill(&t);
    assert_int_equal(t.s->audit->hours(t.st, 0, add_hour, &n), SP_OK);
    assert_int_equal(n.all, RECORDS);
    assert_int_equal(n.denied_for, RECORDS / 5);
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_finds_what_a_reader_of_all_would),
        cmocka_unit_test(older_records_become_findable_as_if_written_today),
        cmocka_unit_test(a_name_that_was_undone_is_written_again),
        cmocka_unit_test(hours_count_every_record_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
