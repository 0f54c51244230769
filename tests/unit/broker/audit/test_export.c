/* Whom an exported record names: its own word, or what the person of a sign-in is called today. */
#include "broker/audit/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "tests/unit/broker/store/temp.h"

#include <string.h>

static sp_error put_user(struct store_tx *tx, void *arg)
{
    struct user_row *row = arg;

    return store_services(NULL)->registry->user_put(tx, row);
}

/* The person `name` of the registry; called again with another one, renamed. */
static void person(struct temp *t, struct user_row *row, const char *name)
{
    (void)snprintf(row->iss, sizeof row->iss, "https://id.example.test");
    (void)snprintf(row->sub, sizeof row->sub, "1");
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    assert_int_equal(store_commit(t->st, put_user, row), SP_OK);
}

static struct json *written(const struct audit_record *r)
{
    struct json *j = NULL;
    struct buf text;

    buf_init(&text, AUDIT_RECORD_MAX);
    audit_write(r, &text);
    assert_int_equal(json_parse(buf_view(&text), AUDIT_RECORD_MAX, NULL, &j), SP_OK);
    buf_deinit(&text);
    return j;
}

static void expect(struct temp *t, const struct audit_record *r, const char *want)
{
    static const uint8_t hash[32] = {1};
    struct user_row row;
    struct json *j = written(r), *o;
    const char *name = audit_actor_name(t->st, j, &row);
    char cell[128];
    struct buf out;

    assert_string_equal(name, want);
    buf_init(&out, AUDIT_RECORD_MAX);
    audit_csv(j, name, 1, 2, &out);
    (void)snprintf(cell, sizeof cell, "\"login.ok\",\"SP-A001I\",\"ok\",\"%s\",", want);
    if (strstr(buf_cstr(&out), cell) == NULL)
        fail_msg("no %s in %s", cell, buf_cstr(&out));
    buf_deinit(&out);

    o = audit_ocsf(j, name, 1, 2, hash);
    const struct json *user = json_get(json_get(o, "actor"), "user");
    assert_string_equal(json_cstr(json_get(user, "name")), want);
    /* what was hashed is passed on as it was */
    assert_true(json_equal(json_get(o, "unmapped"), j));
    json_free(o);
    json_free(j);
}

static void a_sign_in_names_the_person_of_today_and_other_records_whom_they_say(void **state)
{
    struct user_row anna = {.id = {{1, 2, 3}}};
    const struct sp_id stranger = {{9}};
    struct temp t;

    (void)state;
    temp_new(&t);
    struct audit_record r = {
        .event = AUDIT_LOGIN_OK, .actor_kind = AUDIT_ACTOR_USER, .actor = anna.id, .user = anna.id};

    expect(&t, &r, ""); /* of a person whom the registry does not know */
    person(&t, &anna, "anna@example.test");
    expect(&t, &r, "anna@example.test");
    person(&t, &anna, "anna.b@example.test");
    expect(&t, &r, "anna.b@example.test");
    r.actor_name = "anna of then";
    expect(&t, &r, "anna of then");
    r.actor_name = NULL;
    r.actor = stranger;
    expect(&t, &r, "");
    /* the id of a connector is no person's, and of nobody there is no id */
    r.actor = anna.id;
    r.actor_kind = AUDIT_ACTOR_CONNECTOR;
    expect(&t, &r, "");
    r.actor_kind = AUDIT_ACTOR_NOBODY;
    r.actor = (struct sp_id){{0}};
    expect(&t, &r, "");
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sign_in_names_the_person_of_today_and_other_records_whom_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
