/* LOG-5: every tampering with the log is found. The tampering is done as an attacker with the file
 * would: with SQL, behind the broker's back. */
#include "broker/audit/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

#include <sqlite3.h>

enum { RECORDS = 12 };

static void fill(struct temp *t)
{
    for (int i = 0; i < RECORDS; i++) {
        struct audit_record r = {.event = AUDIT_LOGIN_OK, .actor_name = "anna", .request = "R-1"};
        assert_int_equal(audit_now(t->st, &r), SP_OK);
    }
}

static void sql(struct temp *t, const char *text)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void untouched_records_verify_from_any_place(void **state)
{
    (void)state;
    struct audit_verdict v;
    struct temp t;

    temp_new(&t);
    assert_int_equal(audit_verify(t.st, 0, NULL, 0, &v), SP_OK);
    assert_int_equal(v.fault, AUDIT_WHOLE);
    fill(&t);
    for (uint64_t from = 0; from <= RECORDS + 3; from++) {
        assert_int_equal(audit_verify(t.st, from, NULL, 0, &v), SP_OK);
        assert_int_equal(v.fault, AUDIT_WHOLE);
        uint64_t first = from == 0 ? 1 : from;
        assert_int_equal(v.checked, first > RECORDS ? 0 : RECORDS - first + 1);
    }
    temp_free(&t);
}

static const struct {
    const char *name, *sql;
    enum audit_fault fault;
    uint64_t bad;
} tampering[] = {
    {"a word of a record", "UPDATE audit SET rec = replace(rec, 'anna', 'carl') WHERE seq = 5",
     AUDIT_EDITED, 5},
    {"a hash", "UPDATE audit SET hash = zeroblob(32) WHERE seq = 5", AUDIT_EDITED, 5},
    {"a record in the middle", "DELETE FROM audit WHERE seq = 5", AUDIT_GAP, 5},
    {"the first record", "DELETE FROM audit WHERE seq = 1", AUDIT_GAP, 1},
    {"the last record", "DELETE FROM audit WHERE seq = 12", AUDIT_TRUNCATED, 12},
    {"the whole log", "DELETE FROM audit", AUDIT_TRUNCATED, 1},
    {"the order of two",
     "UPDATE audit SET seq = 100 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 6;"
     "UPDATE audit SET seq = 6 WHERE seq = 100",
     AUDIT_EDITED, 5},
    {"one more record",
     "INSERT INTO audit (shard, seq, ts, request, hash, rec) "
     "SELECT shard, 13, ts, request, hash, rec FROM audit WHERE seq = 12",
     AUDIT_BEYOND_HEAD, 13},
    {"the head's hash", "UPDATE audit_head SET hash = zeroblob(32)", AUDIT_EDITED, 12},
};

static void LOG_5_every_tampering_is_found_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tampering / sizeof *tampering; i++) {
        struct audit_verdict v;
        struct temp t;
        temp_new(&t);
        fill(&t);
        sql(&t, tampering[i].sql);
        assert_int_equal(audit_verify(t.st, 0, NULL, 0, &v), SP_OK);
        if (v.fault != tampering[i].fault || v.bad_seq != tampering[i].bad)
            fail_msg("%s: fault %d at %llu", tampering[i].name, v.fault,
                     (unsigned long long)v.bad_seq);
        temp_free(&t);
    }
}

/* A whole history made anew verifies by itself; a head that was kept elsewhere gives it away. */
static void LOG_5_a_witness_finds_a_log_that_was_written_anew(void **state)
{
    (void)state;
    struct audit_witness w = {.shard = 1, .seq = 7};
    struct audit_verdict v;
    struct audit_head head;
    struct temp t;

    temp_new(&t);
    fill(&t);
    assert_int_equal(t.s->audit->head(t.st, 1, &head), SP_OK);
    memset(w.hash, 0x5a, sizeof w.hash);
    assert_int_equal(audit_verify(t.st, 0, &w, 1, &v), SP_OK);
    assert_int_equal(v.fault, AUDIT_EDITED);
    assert_int_equal(v.bad_seq, 7);

    w.seq = head.seq;
    memcpy(w.hash, head.hash, sizeof w.hash);
    assert_int_equal(audit_verify(t.st, 0, &w, 1, &v), SP_OK);
    assert_int_equal(v.fault, AUDIT_WHOLE);
    w.seq++;
    assert_int_equal(audit_verify(t.st, 0, &w, 1, &v), SP_OK);
    assert_int_equal(v.fault, AUDIT_TRUNCATED);
    temp_free(&t);
}

static bool count_row(void *arg, const struct audit_row *row)
{
    (void)row;
    (*(size_t *)arg)++;
    return true;
}

static void records_are_found_by_their_request(void **state)
{
    (void)state;
    struct audit_record r = {.event = AUDIT_LOGOUT, .request = "R-OTHER"};
    size_t count = 0;
    struct temp t;

    temp_new(&t);
    fill(&t);
    assert_int_equal(audit_now(t.st, &r), SP_OK);
    assert_int_equal(t.s->audit->by_request(t.st, "R-OTHER", count_row, &count), SP_OK);
    assert_int_equal(count, 1);
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_records_verify_from_any_place),
        cmocka_unit_test(LOG_5_every_tampering_is_found_at_its_place),
        cmocka_unit_test(LOG_5_a_witness_finds_a_log_that_was_written_anew),
        cmocka_unit_test(records_are_found_by_their_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
