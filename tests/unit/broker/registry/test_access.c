/* Requests for access: who may do what, in which state, and what is written down. */
#include "broker/registry/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

enum { HOUR_MS = 3600 * 1000 };

static const struct sp_id anna = {{1}}, root = {{2}}, wiki = {{7}};
static const struct audit_record by = {
    .actor_kind = AUDIT_ACTOR_USER, .actor = {{1}}, .actor_name = "anna", .request = "R-7"};

struct fixture {
    struct temp t;
    struct registry *r;
};

static void begin(struct fixture *f)
{
    temp_new(&f->t);
    assert_int_equal(registry_new(f->t.st, &f->r), SP_OK);
}

static void end(struct fixture *f)
{
    registry_free(f->r);
    temp_free(&f->t);
}

static sp_error ask(struct fixture *f, struct sp_id app, struct access_row *row)
{
    *row = (struct access_row){.user = anna,
                               .app = app,
                               .for_ms = HOUR_MS,
                               .ref = "R-7",
                               .reason = "on call",
                               .denied = "deny no_allow p/r"};
    return access_ask(f->r, row, "wiki", &by);
}

static sp_error to(struct fixture *f, struct access_row *row, enum access_state state,
                   struct sp_id who)
{
    const struct access_answer a = {
        .state = state, .until = clock_unix() + HOUR_MS, .by = who, .text = "fine"};

    return access_answer(f->r, row, &a, "wiki", &by);
}

struct living {
    size_t count;
    struct access_row last;
};

static bool keep(void *arg, const struct access_row *row)
{
    struct living *l = arg;

    l->count++;
    l->last = *row;
    return true;
}

static size_t lives(struct fixture *f, sp_unix_ms at)
{
    struct living l = {0};

    assert_int_equal(f->t.s->access->live(f->t.st, anna, at, keep, &l), SP_OK);
    return l.count;
}

static void an_approved_request_lives_until_its_end_and_no_longer(void **state)
{
    (void)state;
    struct fixture f;
    struct access_row row;

    begin(&f);
    assert_int_equal(ask(&f, wiki, &row), SP_OK);
    assert_int_equal(lives(&f, clock_unix()), 0);
    assert_int_equal(to(&f, &row, ACCESS_APPROVED, root), SP_OK);
    assert_true(access_lives(&row, clock_unix()));
    assert_int_equal(lives(&f, row.until - 1), 1);
    assert_int_equal(lives(&f, row.until), 0);
    assert_false(access_lives(&row, row.until));
    end(&f);
}

static void nobody_answers_their_own_and_nobody_else_withdraws(void **state)
{
    (void)state;
    struct fixture f;
    struct access_row row;

    begin(&f);
    assert_int_equal(ask(&f, wiki, &row), SP_OK);
    assert_int_equal(to(&f, &row, ACCESS_APPROVED, anna), SP_ERR_DENIED);
    assert_int_equal(to(&f, &row, ACCESS_REFUSED, anna), SP_ERR_DENIED);
    assert_int_equal(to(&f, &row, ACCESS_WITHDRAWN, root), SP_ERR_DENIED);
    assert_int_equal(lives(&f, clock_unix()), 0);
    assert_int_equal(to(&f, &row, ACCESS_WITHDRAWN, anna), SP_OK);
    end(&f);
}

static void every_state_follows_on_the_right_one_only(void **state)
{
    (void)state;
    static const bool may[6][6] = {
        [ACCESS_WAITING] =
            {[ACCESS_APPROVED] = true, [ACCESS_REFUSED] = true, [ACCESS_WITHDRAWN] = true},
        [ACCESS_APPROVED] = {[ACCESS_ENDED] = true},
    };
    struct fixture f;

    begin(&f);
    for (enum access_state from = ACCESS_WAITING; from <= ACCESS_ENDED; from++)
        for (enum access_state next = ACCESS_NONE; next <= ACCESS_ENDED; next++) {
            struct sp_id app = {{(uint8_t)from, (uint8_t)next, 1}};
            struct access_row row;
            assert_int_equal(ask(&f, app, &row), SP_OK);
            if (from == ACCESS_ENDED)
                assert_int_equal(to(&f, &row, ACCESS_APPROVED, root), SP_OK);
            if (from != ACCESS_WAITING)
                assert_int_equal(to(&f, &row, from, from == ACCESS_WITHDRAWN ? anna : root), SP_OK);
            sp_error e = to(&f, &row, next, next == ACCESS_WITHDRAWN ? anna : root);
            if ((e == SP_OK) != may[from][next])
                fail_msg("%d to %d: %d", from, next, e);
            if (row.state == ACCESS_WAITING) /* makes room for the next */
                assert_int_equal(to(&f, &row, ACCESS_REFUSED, root), SP_OK);
        }
    end(&f);
}

static void an_answer_to_what_changed_meanwhile_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct access_row row, old;

    begin(&f);
    assert_int_equal(ask(&f, wiki, &row), SP_OK);
    old = row; /* as another administrator's page has it */
    assert_int_equal(to(&f, &row, ACCESS_REFUSED, root), SP_OK);
    assert_int_equal(to(&f, &old, ACCESS_APPROVED, root), SP_ERR_CONFLICT);
    assert_int_equal(lives(&f, clock_unix()), 0);
    end(&f);
}

static void one_waits_an_app_and_ten_a_person(void **state)
{
    (void)state;
    struct fixture f;
    struct access_row row, first;

    begin(&f);
    assert_int_equal(ask(&f, wiki, &first), SP_OK);
    assert_int_equal(ask(&f, wiki, &row), SP_ERR_EXISTS);
    assert_true(id_equal(row.id, first.id));
    for (uint8_t i = 1; i < ACCESS_WAITING_MAX; i++)
        assert_int_equal(ask(&f, (struct sp_id){{100, i}}, &row), SP_OK);
    assert_int_equal(ask(&f, (struct sp_id){{200}}, &row), SP_ERR_LIMIT);
    end(&f);
}

static void what_nobody_answered_for_a_week_lapses(void **state)
{
    (void)state;
    struct fixture f;
    struct access_row row;

    begin(&f);
    assert_int_equal(ask(&f, wiki, &row), SP_OK);
    assert_false(access_lapsed(&row, row.created + ACCESS_WAIT_MS - 1));
    assert_true(access_lapsed(&row, row.created + ACCESS_WAIT_MS));
    row.created -= ACCESS_WAIT_MS;
    assert_int_equal(to(&f, &row, ACCESS_APPROVED, root), SP_ERR_CONFLICT);
    end(&f);
}

static bool count_action(void *arg, const struct audit_row *row)
{
    static const char *const actions[] = {"access.ask", "access.approve", "access.end"};
    size_t *counts = arg;
    struct json *j = NULL;

    assert_int_equal(json_parse(row->text, AUDIT_RECORD_MAX, NULL, &j), SP_OK);
    for (size_t i = 0; i < 3; i++)
        counts[i] += strcmp(json_cstr(json_get(j, "action")), actions[i]) == 0;
    json_free(j);
    return true;
}

static void each_step_has_its_record_and_its_change_row(void **state)
{
    (void)state;
    size_t counts[3] = {0};
    uint64_t before[CHANGE_SCOPES], after[CHANGE_SCOPES], moved = 0;
    struct fixture f;
    struct access_row row;

    begin(&f);
    assert_int_equal(f.t.s->changes->heads(f.t.st, before), SP_OK);
    assert_int_equal(ask(&f, wiki, &row), SP_OK);
    assert_int_equal(to(&f, &row, ACCESS_APPROVED, root), SP_OK);
    assert_int_equal(to(&f, &row, ACCESS_ENDED, anna), SP_OK);
    assert_int_equal(f.t.s->changes->heads(f.t.st, after), SP_OK);
    for (size_t i = 0; i < CHANGE_SCOPES; i++)
        moved += after[i] - before[i];
    assert_int_equal(moved, 3);
    assert_int_equal(f.t.s->audit->walk(f.t.st, 1, 1, 100, count_action, counts), SP_OK);
    assert_int_equal(counts[0] == 1 && counts[1] == 1 && counts[2] == 1, 1);
    assert_int_equal(lives(&f, clock_unix()), 0);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_approved_request_lives_until_its_end_and_no_longer),
        cmocka_unit_test(nobody_answers_their_own_and_nobody_else_withdraws),
        cmocka_unit_test(every_state_follows_on_the_right_one_only),
        cmocka_unit_test(an_answer_to_what_changed_meanwhile_is_refused),
        cmocka_unit_test(one_waits_an_app_and_ten_a_person),
        cmocka_unit_test(what_nobody_answered_for_a_week_lapses),
        cmocka_unit_test(each_step_has_its_record_and_its_change_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
