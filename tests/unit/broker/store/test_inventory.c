/* Endpoints of several connectors, refusals by person, coverage by day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

#include <stdio.h>
#include <string.h>

enum { TODAY = 20000, DOCUMENTED = 1, SHADOW = 2, ORPHAN = 4, ZOMBIE = 8 };

static struct sp_id id_of(uint8_t n)
{
    return (struct sp_id){{n, 1, 2, 3}};
}

struct job {
    const struct store_services *s;
    struct endpoint_row row;
    int64_t day;
    size_t max;
    bool sweep;
};

static sp_error run(struct store_tx *tx, void *arg)
{
    struct job *j = arg;

    return j->sweep ? j->s->inventory->sweep(tx, j->row.app, j->row.connector, j->row.round)
                    : j->s->inventory->put(tx, &j->row, j->day, j->max);
}

static struct endpoint_row row_of(uint8_t app, uint8_t connector, const char *path, int64_t calls)
{
    struct endpoint_row r = {.app = id_of(app),
                             .connector = id_of(connector),
                             .method = "GET",
                             .states = DOCUMENTED,
                             .first = 10,
                             .last = 20,
                             .calls = calls,
                             .users = 2,
                             .p95_us = 100,
                             .round = 1,
                             .body = view_str("{}")};

    (void)snprintf(r.path, sizeof r.path, "%s", path);
    return r;
}

static sp_error put(struct temp *t, struct endpoint_row *r, int64_t day)
{
    struct job j = {.s = t->s, .row = *r, .day = day, .max = 100};
    sp_error e = store_commit(t->st, run, &j);

    r->id = j.row.id;
    return e;
}

static bool keep(void *arg, const struct endpoint_row *row)
{
    *(struct endpoint_row *)arg = *row;
    return true;
}

static void endpoints_of_two_connectors_are_one(void **state)
{
    (void)state;
    struct temp t;
    struct endpoint_row a = row_of(1, 8, "/users/{id}", 10), b = row_of(1, 9, "/users/{id}", 5),
                        got;
    int64_t week[7];

    temp_new(&t);
    a.states = DOCUMENTED | ZOMBIE;
    b.states = DOCUMENTED | ORPHAN;
    b.first = 5;
    b.last = 15;
    b.p95_us = 900;
    assert_int_equal(put(&t, &a, TODAY), SP_OK);
    assert_int_equal(put(&t, &b, TODAY), SP_OK);
    assert_true(id_equal(a.id, b.id));
    assert_int_equal(t.s->inventory->get(t.st, a.id, keep, &got), SP_OK);
    assert_int_equal(got.states, DOCUMENTED | ZOMBIE | ORPHAN);
    assert_int_equal(got.calls, 15);
    assert_int_equal(got.users, 4);
    assert_int_equal(got.p95_us, 900);
    assert_int_equal(got.first, 5);
    assert_int_equal(got.last, 20);

    a.calls = 12; /* told again: the sum follows, and the day gets the difference */
    assert_int_equal(put(&t, &a, TODAY), SP_OK);
    a.calls = 3; /* a connector that began anew */
    assert_int_equal(put(&t, &a, TODAY + 1), SP_OK);
    assert_int_equal(t.s->inventory->get(t.st, a.id, keep, &got), SP_OK);
    assert_int_equal(got.calls, 8);
    assert_int_equal(t.s->inventory->week(t.st, a.id, TODAY + 1, week), SP_OK);
    assert_int_equal(week[5], 17);
    assert_int_equal(week[6], 3);
    assert_int_equal(week[0], 0);
    temp_free(&t);
}

static void what_a_round_does_not_tell_is_gone(void **state)
{
    (void)state;
    struct temp t;
    struct endpoint_row a = row_of(1, 8, "/both", 10), b = row_of(1, 9, "/both", 5);
    struct endpoint_row only = row_of(1, 8, "/one", 1), other = row_of(2, 8, "/one", 1), got;
    struct job sweep = {.row = row_of(1, 8, "", 0), .sweep = true};

    temp_new(&t);
    sweep.s = t.s;
    sweep.row.round = 2;
    assert_int_equal(put(&t, &a, TODAY), SP_OK);
    assert_int_equal(put(&t, &b, TODAY), SP_OK);
    assert_int_equal(put(&t, &only, TODAY), SP_OK);
    assert_int_equal(put(&t, &other, TODAY), SP_OK);
    assert_int_equal(store_commit(t.st, run, &sweep), SP_OK);
    assert_int_equal(t.s->inventory->get(t.st, a.id, keep, &got), SP_OK);
    assert_int_equal(got.calls, 5); /* the other connector's */
    assert_int_equal(t.s->inventory->get(t.st, only.id, keep, &got), SP_ERR_NOT_FOUND);
    assert_int_equal(t.s->inventory->get(t.st, other.id, keep, &got), SP_OK);
    temp_free(&t);
}

static void a_connector_has_no_more_endpoints_than_it_may(void **state)
{
    (void)state;
    struct temp t;
    struct endpoint_row a = row_of(1, 8, "/a", 1), b = row_of(1, 8, "/b", 1);
    struct job j;

    temp_new(&t);
    j = (struct job){.s = t.s, .row = a, .day = TODAY, .max = 1};
    assert_int_equal(store_commit(t.st, run, &j), SP_OK);
    j = (struct job){.s = t.s, .row = b, .day = TODAY, .max = 1};
    assert_int_equal(store_commit(t.st, run, &j), SP_ERR_LIMIT);
    j = (struct job){.s = t.s, .row = a, .day = TODAY, .max = 1};
    assert_int_equal(store_commit(t.st, run, &j), SP_OK); /* it is there already */
    temp_free(&t);
}

struct found {
    size_t count;
    struct endpoint_row rows[32];
};

static bool collect(void *arg, const struct endpoint_row *row)
{
    struct found *f = arg;

    f->rows[f->count++] = *row;
    return true;
}

static void lists_are_sorted_narrowed_and_paged(void **state)
{
    (void)state;
    struct temp t;
    struct found f = {0};
    struct endpoint_filter all = {.app = id_of(1)};
    size_t total = 0;

    temp_new(&t);
    for (int64_t i = 0; i < 9; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/p%lld", (long long)i);
        struct endpoint_row r = row_of(1, 8, path, (i * 7) % 9 / 2);
        r.states = i == 4 ? SHADOW : DOCUMENTED;
        assert_int_equal(put(&t, &r, TODAY), SP_OK);
    }
    for (int order = 0; order < ENDPOINT_ORDERS; order++) {
        struct endpoint_row edge;
        f.count = 0;
        for (int page = 0; page < 3; page++) {
            if (page > 0)
                edge = f.rows[f.count - 1];
            const struct endpoint_span span = {
                .order = (enum endpoint_order)order, .edge = page > 0 ? &edge : NULL, .limit = 3};
            assert_int_equal(t.s->inventory->list(t.st, &all, &span, collect, &f), SP_OK);
        }
        assert_int_equal(f.count, 9);
        for (size_t i = 1; i < f.count; i++) {
            assert_false(id_equal(f.rows[i].id, f.rows[i - 1].id));
            if (order == ENDPOINTS_BY_CALLS)
                assert_true(f.rows[i].calls <= f.rows[i - 1].calls);
            if (order == ENDPOINTS_BY_PATH)
                assert_true(strcmp(f.rows[i].path, f.rows[i - 1].path) > 0);
        }
    }
    f.count = 0;
    all.states = SHADOW;
    all.q = "P4";
    assert_int_equal(
        t.s->inventory->list(t.st, &all,
                             &(struct endpoint_span){.order = ENDPOINTS_BY_PATH, .limit = 9},
                             collect, &f),
        SP_OK);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.rows[0].path, "/p4");
    assert_int_equal(t.s->inventory->count(t.st, &all, 100, &total), SP_OK);
    assert_int_equal(total, 1);
    all.app = id_of(2);
    assert_int_equal(t.s->inventory->count(t.st, &all, 100, &total), SP_OK);
    assert_int_equal(total, 0);
    temp_free(&t);
}

struct hit_job {
    const struct store_services *s;
    struct hit_row row;
};

static sp_error add_hit(struct store_tx *tx, void *arg)
{
    struct hit_job *j = arg;

    return j->s->inventory->hit_add(tx, &j->row);
}

static void hit(struct temp *t, uint8_t user, int64_t day, const char *endpoint, int64_t monitor)
{
    struct hit_job j = {.s = t->s,
                        .row = {.app = id_of(1),
                                .user = id_of(user),
                                .day = day,
                                .reason = "owner",
                                .rule = "owner",
                                .monitor = monitor,
                                .last = day}};

    (void)snprintf(j.row.endpoint, sizeof j.row.endpoint, "%s", endpoint);
    assert_int_equal(store_commit(t->st, add_hit, &j), SP_OK);
}

struct hits {
    size_t count;
    struct hit_row rows[8];
};

static bool collect_hit(void *arg, const struct hit_row *row)
{
    struct hits *h = arg;

    h->rows[h->count++] = *row;
    return true;
}

static void refusals_are_counted_by_rule_and_by_person(void **state)
{
    (void)state;
    struct temp t;
    struct hits h = {0};

    temp_new(&t);
    hit(&t, 1, TODAY, "GET /a", 2);
    hit(&t, 1, TODAY, "GET /a", 3);
    hit(&t, 1, TODAY - 1, "GET /b", 1);
    hit(&t, 2, TODAY, "GET /a", 1);
    hit(&t, 3, TODAY - 9, "GET /a", 100); /* longer ago than a week */
    assert_int_equal(t.s->inventory->hits(t.st, id_of(1), TODAY - 6, collect_hit, &h), SP_OK);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.rows[0].people, 2);
    assert_int_equal(h.rows[0].monitor, 7);
    h.count = 0;
    struct hit_row which = {.app = id_of(1), .reason = "owner", .rule = "owner"};
    assert_int_equal(t.s->inventory->hit_people(t.st, &which, TODAY - 6, 9, collect_hit, &h),
                     SP_OK);
    assert_int_equal(h.count, 2);
    assert_true(id_equal(h.rows[0].user, id_of(1)));
    assert_int_equal(h.rows[0].monitor, 6);
    assert_int_equal(h.rows[1].monitor, 1);
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_of_two_connectors_are_one),
        cmocka_unit_test(what_a_round_does_not_tell_is_gone),
        cmocka_unit_test(a_connector_has_no_more_endpoints_than_it_may),
        cmocka_unit_test(lists_are_sorted_narrowed_and_paged),
        cmocka_unit_test(refusals_are_counted_by_rule_and_by_person),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
