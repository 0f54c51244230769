/* The services on a real file: rows, versions, pages, the change log, the audit chain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/store/changes.h"
#include "broker/store/store_internal.h"
#include "tests/unit/broker/store/temp.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

static struct sp_id id_of(uint8_t n)
{
    return (struct sp_id){{n, 1, 2, 3}};
}

static const struct audit_facts request_1 = {.request = "R-1"};

struct user_put {
    const struct store_services *s;
    struct user_row row;
    sp_error after; /* returned after the put: undoes it */
};

static sp_error put_user(struct store_tx *tx, void *arg)
{
    struct user_put *p = arg;
    sp_error e = p->s->registry->user_put(tx, &p->row);

    if (e == SP_OK)
        e = p->s->audit->append(tx, view_str("{\"action\":\"user.add\"}"), &request_1, NULL);
    return e != SP_OK ? e : p->after;
}

static struct user_put anna(const struct temp *t)
{
    return (struct user_put){.s = t->s,
                             .row = {.id = id_of(1),
                                     .iss = "https://idp",
                                     .sub = "1",
                                     .name = "anna",
                                     .display = "Anna B",
                                     .email = "a@x",
                                     .idp = "corp",
                                     .state = USER_ACTIVE,
                                     .groups = GROUPS_KNOWN,
                                     .created = 5,
                                     .seen = 6}};
}

/* Member by member: the bytes between members mean nothing and differ between compilers. */
static void assert_same_user(const struct user_row *a, const struct user_row *b)
{
    assert_true(id_equal(a->id, b->id));
    assert_string_equal(a->iss, b->iss);
    assert_string_equal(a->sub, b->sub);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->display, b->display);
    assert_string_equal(a->email, b->email);
    assert_string_equal(a->idp, b->idp);
    assert_string_equal(a->groups_detail, b->groups_detail);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->groups, b->groups);
    assert_int_equal(a->created, b->created);
    assert_int_equal(a->seen, b->seen);
    assert_int_equal(a->ver, b->ver);
}

static void rows_come_back_as_they_were(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct user_put p = anna(&t);
    struct user_row got;

    assert_int_equal(store_commit(t.st, put_user, &p), SP_OK);
    assert_int_equal(p.row.ver, 1);
    assert_int_equal(t.s->registry->user_get(t.st, id_of(1), &got), SP_OK);
    assert_same_user(&got, &p.row);
    assert_int_equal(t.s->registry->user_by_principal(t.st, "https://idp", "1", &got), SP_OK);
    assert_int_equal(t.s->registry->user_by_name(t.st, "anna", &got), SP_OK);
    assert_int_equal(t.s->registry->user_get(t.st, id_of(2), &got), SP_ERR_NOT_FOUND);
    assert_int_equal(t.s->registry->user_by_principal(t.st, "https://idp/", "1", &got),
                     SP_ERR_NOT_FOUND);
    temp_free(&t);
}

static void a_stale_version_conflicts_and_a_taken_name_exists(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct user_put p = anna(&t), other = anna(&t);

    assert_int_equal(store_commit(t.st, put_user, &p), SP_OK);
    assert_int_equal(store_commit(t.st, put_user, &p), SP_OK);
    assert_int_equal(p.row.ver, 2);
    struct user_put stale = anna(&t);
    stale.row.ver = 1;
    assert_int_equal(store_commit(t.st, put_user, &stale), SP_ERR_CONFLICT);
    other.row.id = id_of(2);
    assert_int_equal(store_commit(t.st, put_user, &other), SP_ERR_EXISTS);
    snprintf(other.row.sub, sizeof other.row.sub, "2");
    assert_int_equal(store_commit(t.st, put_user, &other), SP_ERR_EXISTS); /* the name */
    temp_free(&t);
}

static void count_audit(struct temp *t, uint64_t *out)
{
    struct audit_head h = {0};

    assert_int_equal(t->s->audit->head(t->st, 1, &h), SP_OK);
    *out = h.seq;
}

static void what_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct user_put p = anna(&t);
    struct user_row got;
    uint64_t heads[CHANGE_SCOPES], seq = 0;

    p.after = SP_ERR_DENIED;
    assert_int_equal(store_commit(t.st, put_user, &p), SP_ERR_DENIED);
    assert_int_equal(t.s->registry->user_get(t.st, id_of(1), &got), SP_ERR_NOT_FOUND);
    assert_int_equal(t.s->changes->heads(t.st, heads), SP_OK);
    for (size_t i = 0; i < CHANGE_SCOPES; i++)
        assert_int_equal(heads[i], 0);
    count_audit(&t, &seq);
    assert_int_equal(seq, 0);
    temp_free(&t);
}

struct names {
    char all[256];
};

static bool add_name(void *arg, const struct user_row *row)
{
    struct names *n = arg;
    size_t len = strlen(n->all);
    (void)snprintf(n->all + len, sizeof n->all - len, "%s ", row->name);
    return true;
}

static bool add_text(void *arg, struct view text)
{
    struct names *n = arg;
    size_t len = strlen(n->all);
    (void)snprintf(n->all + len, sizeof n->all - len, "%.*s ", VIEW_ARG(text));
    return true;
}

struct groups_set {
    const struct store_services *s;
    struct sp_id user;
    enum groups_state state;
    const char *groups[3];
    size_t count;
};

static sp_error set_groups(struct store_tx *tx, void *arg)
{
    struct groups_set *g = arg;
    return g->s->registry->user_groups_set(tx, g->user, g->state, "why", g->groups, g->count);
}

static void lists_are_paged_and_narrowed(void **state)
{
    static const struct user_row second = {.name = "user2"};
    (void)state;
    struct temp t;
    temp_new(&t);
    struct names all = {""}, page = {""}, found = {""}, members = {""}, groups = {""};
    size_t n = 0;

    for (uint8_t i = 1; i <= 5; i++) {
        struct user_put p = anna(&t);
        p.row.id = id_of(i);
        (void)snprintf(p.row.sub, sizeof p.row.sub, "%d", i);
        (void)snprintf(p.row.name, sizeof p.row.name, "user%d", i);
        (void)snprintf(p.row.display, sizeof p.row.display, i == 3 ? "Zo\u00eb 100%%_X" : "Plain");
        assert_int_equal(store_commit(t.st, put_user, &p), SP_OK);
    }
    struct groups_set g = {t.s, id_of(2), GROUPS_KNOWN, {"corp/b", "corp/a", "corp/b"}, 3};
    assert_int_equal(store_commit(t.st, set_groups, &g), SP_OK);
    assert_int_equal(t.s->registry->user_list(t.st, NULL, NULL, 10, add_name, &all), SP_OK);
    assert_string_equal(all.all, "user1 user2 user3 user4 user5 ");
    assert_int_equal(t.s->registry->user_list(t.st, NULL, &second, 2, add_name, &page), SP_OK);
    assert_string_equal(page.all, "user3 user4 ");
    struct user_filter percent = {.q = "100%_x"}, q = {.q = "PLAIN"}, wild = {.q = "%_"},
                       in = {.group = "corp/a"};
    assert_int_equal(t.s->registry->user_count(t.st, &q, 3, &n), SP_OK);
    assert_int_equal(n, 3); /* counting stops */
    assert_int_equal(t.s->registry->user_count(t.st, &wild, 100, &n), SP_OK);
    assert_int_equal(n, 1); /* wildcards of the question stand for themselves */
    assert_int_equal(t.s->registry->user_count(t.st, &percent, 100, &n), SP_OK);
    assert_int_equal(n, 1);
    assert_int_equal(t.s->registry->user_list(t.st, &in, NULL, 10, add_name, &found), SP_OK);
    assert_string_equal(found.all, "user2 ");
    assert_int_equal(t.s->registry->group_members(t.st, "corp/b", add_name, &members), SP_OK);
    assert_string_equal(members.all, "user2 ");
    g.state = GROUPS_UNREADABLE;
    assert_int_equal(store_commit(t.st, set_groups, &g), SP_OK);
    assert_int_equal(t.s->registry->user_groups(t.st, id_of(2), add_text, &groups), SP_OK);
    assert_string_equal(groups.all, ""); /* what could not be read is not kept as if it could */
    temp_free(&t);
}

static sp_error put_app(struct store_tx *tx, void *arg)
{
    struct app_row *row = arg;
    static const struct store_services *s;
    s = store_services(NULL);
    return s->registry->app_put(tx, row);
}

struct heard {
    uint64_t rows, settled, reloads;
    struct change_row last;
};

static void see_row(void *arg, const struct change_row *row)
{
    struct heard *h = arg;
    h->rows++;
    h->last = *row;
}

static void on_settled(void *arg)
{
    ((struct heard *)arg)->settled++;
}

static void on_reload(void *arg)
{
    ((struct heard *)arg)->reloads++;
}

static void SC_3_every_change_is_heard_once_in_order(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct changes *c = NULL;
    struct heard h = {0};
    struct changes_listener l = {see_row, on_settled, on_reload, &h};

    assert_int_equal(changes_new(t.st, false, &c), SP_OK);
    assert_int_equal(changes_listen(c, &l), SP_OK);
    assert_int_equal(changes_start(c), SP_OK);
    struct app_row app = {.id = id_of(9),
                          .site = id_of(8),
                          .type = APP_TCP,
                          .port = 22,
                          .name = "ssh",
                          .host = "h",
                          .spec = view_str("{}"),
                          .record = view_str("v4.public.x")};
    for (int i = 0; i < 50; i++)
        assert_int_equal(store_commit(t.st, put_app, &app), SP_OK);
    assert_int_equal(app.ver, 50);
    assert_int_equal(changes_wait(c, 5000), SP_OK);
    assert_int_equal(h.rows, 50);
    assert_true(h.settled >= 1);
    assert_int_equal(h.reloads, 0);
    assert_int_equal(h.last.kind, CHANGE_APP);
    assert_int_equal(h.last.ver, 50);
    assert_true(id_equal(h.last.subject, id_of(9)));
    changes_free(c);
    temp_free(&t);
}

/* A snapshot that is swapped at `settled` must be new before the next listener acts on a row. */
struct turns {
    uint64_t kept;   /* rows that the first has seen */
    uint64_t stands; /* of these, settled */
    bool stale;      /* the second saw a row that the first had not settled */
    uint64_t rows;
};

static void first_row(void *arg, const struct change_row *row)
{
    struct turns *t = arg;
    t->kept = row->ver;
}

static void first_settled(void *arg)
{
    struct turns *t = arg;
    t->stands = t->kept;
}

static void second_row(void *arg, const struct change_row *row)
{
    struct turns *t = arg;
    t->rows++;
    t->stale = t->stale || row->ver > t->stands;
}

static void a_listener_sees_rows_that_those_before_it_have_settled(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct changes *c = NULL;
    struct turns turns = {0};
    const struct changes_listener first = {first_row, first_settled, NULL, &turns};
    const struct changes_listener second = {second_row, NULL, NULL, &turns};
    struct app_row app = {.id = id_of(9), .type = APP_TCP, .port = 22, .name = "ssh", .host = "h"};
    app.spec = app.record = view_str("{}");

    assert_int_equal(changes_new(t.st, false, &c), SP_OK);
    assert_int_equal(changes_listen(c, &first), SP_OK);
    assert_int_equal(changes_listen(c, &second), SP_OK);
    assert_int_equal(changes_start(c), SP_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(store_commit(t.st, put_app, &app), SP_OK);
    assert_int_equal(changes_wait(c, 5000), SP_OK);
    assert_int_equal(turns.rows, 20);
    assert_false(turns.stale);
    changes_free(c);
    temp_free(&t);
}

static bool add_seq(void *arg, const struct audit_row *row)
{
    struct names *n = arg;
    size_t len = strlen(n->all);
    (void)snprintf(n->all + len, sizeof n->all - len, "%llu ", (unsigned long long)row->seq);
    return true;
}

static void audit_pages_and_requests(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct names down = {""}, rest = {""}, by = {""};
    const struct audit_span newest = {.order = AUDIT_NEWEST_FIRST, .limit = 2};
    const struct audit_span oldest = {.order = AUDIT_OLDEST_FIRST, .limit = 2};

    for (int i = 0; i < 3; i++) {
        struct user_put p = anna(&t);
        p.row.ver = (uint64_t)i;
        assert_int_equal(store_commit(t.st, put_user, &p), SP_OK);
    }
    assert_int_equal(t.s->audit->page(t.st, &newest, add_seq, &down), SP_OK);
    assert_string_equal(down.all, "3 2 ");
    assert_int_equal(t.s->audit->page(t.st, &oldest, add_seq, &rest), SP_OK);
    assert_string_equal(rest.all, "1 2 ");
    assert_int_equal(t.s->audit->by_request(t.st, "R-1", add_seq, &by), SP_OK);
    assert_string_equal(by.all, "1 2 3 ");
    temp_free(&t);
}

static void the_file_is_private_and_held_by_one_process(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct store *second = NULL;
    struct store_config config = {.path = t.path};
    struct sp_why why = {0};
    struct stat s;

    assert_int_equal(stat(t.path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_int_equal(store_open(&config, &why, &second), SP_ERR_BUSY);
    store_close(t.st);
    assert_int_equal(chmod(t.path, 0644), 0);
    assert_int_equal(store_open(&config, &why, &second), SP_ERR_PERMISSION);
    assert_non_null(strstr(why.text, "0600"));
    assert_int_equal(chmod(t.path, 0600), 0);
    t.st = NULL;
    temp_free(&t);
}

static void a_newer_schema_is_left_alone(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct store_config config = {.path = t.path};
    struct sp_why why = {0};
    sqlite3 *db = NULL;

    store_close(t.st);
    t.st = NULL;
    assert_int_equal(sqlite3_open(t.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE meta SET v = x'0000000000000063' WHERE k = 'schema'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_open(&config, &why, &t.st), SP_ERR_VERSION);
    assert_null(t.st);
    temp_free(&t);
}

static bool on_feed(void *arg, const struct feed_row *row)
{
    struct feed_row *out = arg;

    assert_true(view_is(row->secret, "sealed"));
    *out = *row;
    return true;
}

struct feed_write {
    const struct store_services *s;
    struct feed_row row;
    enum { FEED_PUT, FEED_MARK, FEED_DROP } what;
};

static sp_error write_feed(struct store_tx *tx, void *arg)
{
    struct feed_write *w = arg;

    return w->what == FEED_PUT    ? w->s->feeds->put(tx, &w->row)
           : w->what == FEED_MARK ? w->s->feeds->mark(tx, &w->row)
                                  : w->s->feeds->remove(tx, w->row.name);
}

/* A store of before schema 10 gets the table of feeds, and keeps what it had. */
static void a_store_of_schema_9_learns_of_feeds(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    struct user_put p = anna(&t);
    struct user_row got;
    struct feed_row row = {0};
    sqlite3 *db = NULL;

    assert_int_equal(store_commit(t.st, put_user, &p), SP_OK);
    store_close(t.st);
    assert_int_equal(sqlite3_open(t.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE feed; UPDATE meta SET v = x'0000000000000009' "
                                  "WHERE k = 'schema'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    temp_open(&t);
    assert_int_equal(t.s->registry->user_get(t.st, p.row.id, &got), SP_OK);
    struct feed_write w = {.s = t.s,
                           .row = {.name = "intune",
                                   .base_url = "https://graph.example",
                                   .secret = view_str("sealed"),
                                   .interval_ms = 300000}};
    assert_int_equal(store_commit(t.st, write_feed, &w), SP_OK);
    assert_int_equal(w.row.ver, 1);
    struct feed_write again = w;
    again.row.ver = 0;
    assert_int_equal(store_commit(t.st, write_feed, &again), SP_ERR_EXISTS);
    again.row.ver = 7;
    assert_int_equal(store_commit(t.st, write_feed, &again), SP_ERR_CONFLICT);
    w.what = FEED_MARK;
    w.row.failures = 3;
    w.row.joined = 12;
    assert_int_equal(store_commit(t.st, write_feed, &w), SP_OK);
    assert_int_equal(t.s->feeds->list(t.st, on_feed, &row), SP_OK);
    assert_string_equal(row.base_url, "https://graph.example");
    assert_int_equal(row.failures, 3);
    assert_int_equal(row.joined, 12);
    assert_int_equal(row.ver, 1);
    w.what = FEED_DROP;
    assert_int_equal(store_commit(t.st, write_feed, &w), SP_OK);
    assert_int_equal(store_commit(t.st, write_feed, &w), SP_ERR_NOT_FOUND);
    temp_free(&t);
}

static void FLT_07_backup_and_restore(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    char copy[128];
    struct sp_why why = {0};
    struct user_put p = anna(&t), later = anna(&t);
    struct user_row got;
    struct sp_id before, after;

    (void)snprintf(copy, sizeof copy, "%s/copy.db", t.folder);
    assert_int_equal(store_commit(t.st, put_user, &p), SP_OK);
    assert_int_equal(store_epoch(t.st, &before), SP_OK);
    assert_int_equal(store_backup(t.path, copy, &why), SP_OK); /* while it runs */
    assert_int_equal(store_backup(t.path, copy, &why), SP_ERR_EXISTS);
    later.row.id = id_of(2);
    (void)snprintf(later.row.sub, sizeof later.row.sub, "2");
    (void)snprintf(later.row.name, sizeof later.row.name, "later");
    assert_int_equal(store_commit(t.st, put_user, &later), SP_OK);
    assert_int_equal(store_restore(copy, t.path, &why), SP_ERR_BUSY);
    store_close(t.st);
    assert_int_equal(store_restore(copy, t.path, &why), SP_OK);
    temp_open(&t);
    assert_int_equal(t.s->registry->user_get(t.st, id_of(1), &got), SP_OK);
    assert_int_equal(t.s->registry->user_get(t.st, id_of(2), &got), SP_ERR_NOT_FOUND);
    assert_int_equal(store_epoch(t.st, &after), SP_OK);
    assert_false(id_equal(before, after));
    assert_int_equal(store_check(t.st, &why), SP_OK);
    char command[160];
    (void)snprintf(command, sizeof command, "rm -f %s/store.db.before-restore-*", t.folder);
    FILE *rm = popen(command, "r");
    assert_non_null(rm);
    pclose(rm);
    temp_free(&t);
}

static void a_damaged_backup_is_refused(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    char copy[128];
    struct sp_why why = {0};

    (void)snprintf(copy, sizeof copy, "%s/copy.db", t.folder);
    assert_int_equal(store_backup(t.path, copy, &why), SP_OK);
    store_close(t.st);
    FILE *f = fopen(copy, "r+b");
    assert_non_null(f);
    fseek(f, 8192, SEEK_SET);
    for (int i = 0; i < 4096; i++)
        fputc(0xa5, f);
    fclose(f);
    sp_error e = store_restore(copy, t.path, &why);
    assert_true(e == SP_ERR_CORRUPT);
    temp_open(&t); /* the store itself is untouched */
    temp_free(&t);
}

static bool keep_int(void *arg, const struct columns *c)
{
    *(int64_t *)arg = column_int(c, 0);
    return false;
}

static int64_t pragma(struct conn *c, const char *sql)
{
    int64_t value = -1;

    assert_int_equal(conn_run(c, sql, NULL, 0, keep_int, &value, NULL), SP_OK);
    return value;
}

/* SQLite up to 3.51.2 may lose a commit where two connections write or move the log. */
static void DEP_3_one_connection_writes_and_readers_cannot(void **state)
{
    struct temp t;

    (void)state;
    temp_new(&t);
    assert_int_equal(pragma(t.st->writer, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(pragma(t.st->writer, "PRAGMA wal_autocheckpoint"), 0);
    assert_true(t.st->reader_count > 0);
    for (size_t i = 0; i < t.st->reader_count; i++) {
        struct conn *reader = t.st->readers[i].conn;
        assert_int_equal(pragma(reader, "PRAGMA query_only"), 1);
        assert_int_equal(pragma(reader, "PRAGMA wal_autocheckpoint"), 0);
        assert_int_not_equal(
            conn_run(reader, "DELETE FROM user_account", NULL, 0, NULL, NULL, NULL), SP_OK);
    }
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_as_they_were),
        cmocka_unit_test(a_stale_version_conflicts_and_a_taken_name_exists),
        cmocka_unit_test(what_fails_leaves_nothing_behind),
        cmocka_unit_test(lists_are_paged_and_narrowed),
        cmocka_unit_test(SC_3_every_change_is_heard_once_in_order),
        cmocka_unit_test(a_listener_sees_rows_that_those_before_it_have_settled),
        cmocka_unit_test(audit_pages_and_requests),
        cmocka_unit_test(the_file_is_private_and_held_by_one_process),
        cmocka_unit_test(a_newer_schema_is_left_alone),
        cmocka_unit_test(a_store_of_schema_9_learns_of_feeds),
        cmocka_unit_test(FLT_07_backup_and_restore),
        cmocka_unit_test(a_damaged_backup_is_refused),
        cmocka_unit_test(DEP_3_one_connection_writes_and_readers_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
