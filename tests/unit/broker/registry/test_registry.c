#include "broker/registry/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/registry/apps.h"
#include "broker/registry/devices.h"
#include "broker/registry/policies.h"
#include "broker/registry/sites.h"
#include "broker/registry/users.h"
#include "lib/crypto/random.h"
#include "lib/trust/apprec.h"
#include "lib/trust/enrol.h"
#include "tests/unit/broker/store/temp.h"

#include <pthread.h>

struct fixture {
    struct temp t;
    struct registry *r;
    struct changes *changes;
    struct key_secret *record_key;
};

static void begin(struct fixture *f)
{
    struct changes_listener l;

    temp_new(&f->t);
    assert_int_equal(registry_new(f->t.st, &f->r), SP_OK);
    assert_int_equal(changes_new(f->t.st, false, &f->changes), SP_OK);
    l = registry_listener(f->r);
    assert_int_equal(changes_listen(f->changes, &l), SP_OK);
    assert_int_equal(changes_start(f->changes), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &f->record_key), SP_OK);
}

static void end(struct fixture *f)
{
    key_secret_free(f->record_key);
    changes_free(f->changes);
    registry_free(f->r);
    temp_free(&f->t);
}

static void settled(struct fixture *f)
{
    assert_int_equal(changes_wait(f->changes, 5000), SP_OK);
}

static const struct audit_record ines = {
    .actor_kind = AUDIT_ACTOR_ADMIN, .actor = {{9}}, .actor_name = "ines", .request = "R-1"};

struct found {
    size_t count;
    char last[64];
};

static bool count_action(void *arg, const struct audit_row *row)
{
    struct found *f = arg;
    struct json *j = NULL;

    assert_int_equal(json_parse(row->text, AUDIT_RECORD_MAX, NULL, &j), SP_OK);
    if (strcmp(json_cstr(json_get(j, "action")), f->last) == 0)
        f->count++;
    json_free(j);
    return true;
}

static size_t records(struct fixture *f, const char *action)
{
    struct found found = {0};

    snprintf(found.last, sizeof found.last, "%s", action);
    assert_int_equal(f->t.s->audit->walk(f->t.st, 1, 1, 10000, count_action, &found), SP_OK);
    return found.count;
}

/* ---- people ---- */

static struct principal anna(void)
{
    static const char *const groups[] = {"corp/staff", "corp/hr"};
    return (struct principal){.iss = "https://id.example.org",
                              .sub = "00u1",
                              .idp = "corp",
                              .plain_names = true,
                              .preferred = "Anna@example.org",
                              .groups_state = GROUPS_KNOWN,
                              .groups = groups,
                              .group_count = 2};
}

static void a_person_gets_a_name_once_and_keeps_it(void **state)
{
    (void)state;
    struct principal p = anna();
    struct user_row first, again;
    struct user_groups groups;
    struct fixture f;

    begin(&f);
    assert_int_equal(users_admit(f.r, &p, &ines, &first), SP_OK);
    assert_string_equal(first.name, "anna");
    p.preferred = "other";
    assert_int_equal(users_admit(f.r, &p, &ines, &again), SP_OK);
    assert_true(id_equal(first.id, again.id));
    assert_string_equal(again.name, "anna");
    assert_int_equal(users_groups(f.r, first.id, &groups), SP_OK);
    assert_int_equal(groups.count, 2);
    assert_string_equal(groups.names[0], "corp/hr");
    users_groups_free(&groups);
    assert_int_equal(records(&f, "user.add"), 1);
    assert_int_equal(records(&f, "user.update"), 0);
    p.group_count = 1;
    assert_int_equal(users_admit(f.r, &p, &ines, &again), SP_OK);
    assert_int_equal(records(&f, "user.update"), 1);
    end(&f);
}

static void TM_19_a_second_provider_can_hand_out_no_name_of_the_first(void **state)
{
    (void)state;
    struct principal p = anna(), rogue = anna();
    struct user_row first, second, third;
    struct fixture f;

    begin(&f);
    assert_int_equal(users_admit(f.r, &p, &ines, &first), SP_OK);
    rogue.iss = "https://rogue.example";
    rogue.idp = "rogue";
    rogue.plain_names = false;
    assert_int_equal(users_admit(f.r, &rogue, &ines, &second), SP_OK);
    assert_false(id_equal(first.id, second.id));
    assert_string_equal(second.name, "anna@rogue");
    rogue.sub = "2";
    rogue.preferred = "anna@corp";
    assert_int_equal(users_admit(f.r, &rogue, &ines, &third), SP_OK);
    assert_string_equal(third.name, "anna2@rogue");
    end(&f);
}

/* INC-8: no spelling of a name that a policy knows gives it to someone else, nor its groups. */
static void INC_08_JWT_08_no_spelling_of_a_name_is_that_of_another_person(void **state)
{
    (void)state;
    static const char *const spellings[] = {"Anna",
                                            "ANNA",
                                            "anna ",
                                            " anna",
                                            "an\tna",
                                            "anna\n",
                                            "anna@evil",
                                            "anna\xe2\x80\x8b",
                                            "\xef\xbd\x81nna",
                                            "\342\200\256anna",
                                            "a\xcc\x8anna",
                                            "\xd0\xb0nna"};
    static const char *const groups[] = {"corp/Staff", "corp/staff ", "corp/\xef\xbd\x93taff"};
    struct principal p = anna();
    struct user_row first, other;
    struct user_groups held;
    struct fixture f;
    char sub[16];

    begin(&f);
    assert_int_equal(users_admit(f.r, &p, &ines, &first), SP_OK);
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        (void)snprintf(sub, sizeof sub, "other%zu", i);
        p.sub = sub;
        p.preferred = spellings[i];
        p.groups = groups;
        p.group_count = 3;
        assert_int_equal(users_admit(f.r, &p, &ines, &other), SP_OK);
        assert_false(id_equal(other.id, first.id));
        assert_string_not_equal(other.name, first.name);
        for (const char *c = other.name; *c != '\0'; c++)
            if (strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", *c) == NULL)
                fail_msg("%s became %s", spellings[i], other.name);
        assert_int_equal(users_groups(f.r, other.id, &held), SP_OK);
        for (size_t g = 0; g < held.count; g++)
            assert_string_not_equal(held.names[g], "corp/staff");
        users_groups_free(&held);
    }
    /* the subject of another issuer is another person, whatever else is equal */
    p = anna();
    p.iss = "https://id.example.org/";
    assert_int_equal(users_admit(f.r, &p, &ines, &other), SP_OK);
    assert_false(id_equal(other.id, first.id));
    end(&f);
}

static void INC_3_the_same_e_mail_and_name_at_one_provider_are_two_people(void **state)
{
    (void)state;
    struct principal p = anna(), q = anna();
    struct user_row one, two;
    struct fixture f;

    begin(&f);
    p.email = q.email = "anna@example.org";
    q.sub = "00u2";
    assert_int_equal(users_admit(f.r, &p, &ines, &one), SP_OK);
    assert_int_equal(users_admit(f.r, &q, &ines, &two), SP_OK);
    assert_false(id_equal(one.id, two.id));
    assert_string_equal(two.name, "anna2");
    q.sub = "";
    assert_int_equal(users_admit(f.r, &q, &ines, &two), SP_ERR_INVALID);
    end(&f);
}

static void a_locked_user_is_signed_out_and_not_admitted(void **state)
{
    (void)state;
    struct principal p = anna();
    struct user_row user;
    struct fixture f;

    begin(&f);
    assert_int_equal(users_admit(f.r, &p, &ines, &user), SP_OK);
    assert_int_equal(users_set_state(f.r, user.id, USER_LOCKED, &ines, &user), SP_OK);
    assert_int_equal(user.state, USER_LOCKED);
    assert_int_equal(users_admit(f.r, &p, &ines, &user), SP_ERR_DENIED);
    assert_int_equal(users_set_state(f.r, user.id, USER_ACTIVE, &ines, &user), SP_OK);
    assert_int_equal(users_admit(f.r, &p, &ines, &user), SP_OK);
    assert_int_equal(users_set_state(f.r, (struct sp_id){{5}}, USER_LOCKED, &ines, &user),
                     SP_ERR_NOT_FOUND);
    end(&f);
}

static void C_020_a_device_is_its_key_and_belongs_to_one_user(void **state)
{
    (void)state;
    struct device_claim claim = {
        .key = {.kind = KEY_ED25519, .bytes = {1}}, .name = "laptop", .user = {{1}}};
    struct device_row row, again;
    struct fixture f;

    begin(&f);
    assert_int_equal(devices_admit(f.r, &claim, &ines, &row), SP_OK);
    assert_int_equal(row.state, ROW_DEVICE_PENDING);
    claim.name = "renamed";
    assert_int_equal(devices_admit(f.r, &claim, &ines, &again), SP_OK);
    assert_true(id_equal(row.id, again.id));
    assert_string_equal(again.name, "renamed");
    claim.user = (struct sp_id){{2}};
    assert_int_equal(devices_admit(f.r, &claim, &ines, &again), SP_ERR_DENIED);
    claim.user = (struct sp_id){{1}};
    assert_int_equal(devices_set_state(f.r, row.id, ROW_DEVICE_BLOCKED, &ines, &row), SP_OK);
    assert_int_equal(devices_admit(f.r, &claim, &ines, &again), SP_ERR_DENIED);
    assert_int_equal(devices_set_state(f.r, row.id, ROW_DEVICE_NONE, &ines, &row), SP_ERR_INVALID);
    assert_int_equal(records(&f, "device.block"), 1);
    end(&f);
}

/* ---- sites, tokens ---- */

static struct site_row new_site(struct fixture *f, const char *name)
{
    struct sp_why why = {0};
    struct site_row site;

    assert_int_equal(sites_create(f->r, view_str(name), &ines, &why, &site), SP_OK);
    settled(f);
    return site;
}

/* `site`: of a connector; zero: for a relay. */
static sp_error new_token(struct fixture *f, struct sp_id site, int64_t life_ms,
                          uint8_t secret[SITES_TOKEN_BYTES], struct enrol_row *out)
{
    const struct token_ask ask = {.site = site, .life_ms = life_ms, .note = "fra-1"};

    return sites_token_new(f->r, &ask, &ines, secret, out);
}

struct race {
    struct fixture *f;
    const uint8_t *secret;
    uint8_t number;
    sp_error result;
};

static void *enrol_once(void *arg)
{
    struct race *race = arg;
    const struct newcomer who = {.key = {.kind = KEY_ED25519, .bytes = {race->number, 7}},
                                 .name = "fra-1",
                                 .address = "198.18.0.9"};
    struct connector_row row;

    race->result = connectors_enrol(race->f->r, race->secret, &who, "1.0", &row);
    return NULL;
}

static void INC_2_fifty_enrolments_with_one_token_make_one_connector(void **state)
{
    (void)state;
    enum { RACERS = 50 };
    uint8_t secret[SITES_TOKEN_BYTES];
    struct race races[RACERS];
    pthread_t threads[RACERS];
    struct enrol_row token;
    struct fixture f;
    size_t won = 0;

    begin(&f);
    struct site_row site = new_site(&f, "fra");
    assert_int_equal(new_token(&f, site.id, 60000, secret, &token), SP_OK);
    for (uint8_t i = 0; i < RACERS; i++) {
        races[i] = (struct race){&f, secret, i, SP_ERR_INTERNAL};
        assert_int_equal(pthread_create(&threads[i], NULL, enrol_once, &races[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        won += races[i].result == SP_OK;
        assert_true(races[i].result == SP_OK || races[i].result == SP_ERR_DENIED);
    }
    assert_int_equal(won, 1);
    assert_int_equal(records(&f, "connector.enrol"), 1);
    assert_int_equal(records(&f, "token.refuse"), RACERS - 1);
    settled(&f);
    const struct snapshot *s = registry_hold(f.r);
    assert_int_equal(s->connector_count, 1);
    assert_true(id_equal(s->connectors[0].site, site.id));
    registry_release(f.r, s);
    end(&f);
}

static void INC_11_a_token_is_for_its_kind_lives_a_day_at_most_and_can_be_revoked(void **state)
{
    (void)state;
    const struct newcomer c = {
        .key = {.kind = KEY_ED25519, .bytes = {3}}, .name = "c", .address = ""};
    const struct newcomer r = {
        .key = {.kind = KEY_ED25519, .bytes = {3}}, .name = "r", .address = ""};
    uint8_t secret[SITES_TOKEN_BYTES], spki[ROW_HASH_BYTES] = {0};
    struct connector_row connector;
    struct relay_row relay;
    struct enrol_row token;
    struct fixture f;

    begin(&f);
    struct site_row site = new_site(&f, "fra");
    assert_int_equal(new_token(&f, site.id, 0, secret, &token), SP_ERR_INVALID);
    assert_int_equal(new_token(&f, site.id, SITES_TOKEN_LIFE_MS_MAX + 1, secret, &token),
                     SP_ERR_INVALID);
    assert_int_equal(new_token(&f, (struct sp_id){{4}}, 1000, secret, &token), SP_ERR_NOT_FOUND);
    assert_int_equal(new_token(&f, site.id, 60000, secret, &token), SP_OK);
    assert_int_equal(relays_enrol(f.r, secret, &r, spki, "h:443", &relay), SP_ERR_DENIED);
    assert_int_equal(sites_token_revoke(f.r, token.hash, &ines), SP_OK);
    assert_int_equal(connectors_enrol(f.r, secret, &c, "", &connector), SP_ERR_DENIED);
    assert_int_equal(new_token(&f, (struct sp_id){{0}}, 60000, secret, &token), SP_OK);
    assert_int_equal(connectors_enrol(f.r, secret, &c, "", &connector), SP_ERR_DENIED);
    assert_int_equal(relays_enrol(f.r, secret, &r, spki, "h:443", &relay), SP_OK);
    end(&f);
}

static void the_enrolment_line_is_read_back_with_its_token(void **state)
{
    (void)state;
    struct enrol_address base = {.url = "https://access.example.org"}, back;
    uint8_t secret[SITES_TOKEN_BYTES], read[SITES_TOKEN_BYTES];
    struct key_secret *identity;
    struct buf line;

    assert_int_equal(key_secret_new(KEY_ED25519, &identity), SP_OK);
    base.fingerprint = key_fingerprint(key_secret_public(identity));
    random_bytes(secret, sizeof secret);
    buf_init(&line, 4096);
    sites_token_line(&base, secret, &line);
    assert_int_equal(buf_error(&line), SP_OK);
    assert_int_equal(enrol_address_parse(buf_view(&line), NULL, &back), SP_OK);
    assert_int_equal(enrol_token_read(view_str(back.token), read), SP_OK);
    assert_memory_equal(read, secret, sizeof secret);
    assert_string_equal(back.url, base.url);
    buf_deinit(&line);
    key_secret_free(identity);
}

static void a_site_goes_only_when_nothing_is_left_in_it(void **state)
{
    (void)state;
    const struct newcomer c = {
        .key = {.kind = KEY_ED25519, .bytes = {3}}, .name = "c", .address = ""};
    uint8_t secret[SITES_TOKEN_BYTES];
    struct connector_row connector;
    struct sp_why why = {0};
    struct enrol_row token;
    struct site_row twin;
    struct fixture f;

    begin(&f);
    struct site_row site = new_site(&f, "fra");
    assert_int_equal(sites_create(f.r, view_str("fra"), &ines, &why, &twin), SP_ERR_EXISTS);
    assert_int_equal(sites_create(f.r, view_str("Fra!"), &ines, &why, &twin), SP_ERR_INVALID);
    assert_int_equal(new_token(&f, site.id, 60000, secret, &token), SP_OK);
    assert_int_equal(connectors_enrol(f.r, secret, &c, "", &connector), SP_OK);
    settled(&f);
    assert_int_equal(sites_remove(f.r, site.id, &ines, &why), SP_ERR_BUSY);
    assert_int_equal(connectors_set_state(f.r, connector.id, EDGE_REVOKED, &ines, &connector),
                     SP_OK);
    settled(&f);
    assert_int_equal(connectors_set_state(f.r, connector.id, EDGE_ACTIVE, &ines, &connector),
                     SP_ERR_CONFLICT);
    assert_int_equal(sites_remove(f.r, site.id, &ines, &why), SP_OK);
    settled(&f);
    assert_int_equal(sites_remove(f.r, site.id, &ines, &why), SP_ERR_NOT_FOUND);
    end(&f);
}

/* ---- apps ---- */

static sp_error put_app(struct fixture *f, const struct app_spec *spec, struct sp_id id,
                        uint64_t expect_ver, struct app_row *out)
{
    const struct app_change change = {
        .expect_ver = expect_ver, .record_key = f->record_key, .by = &ines};
    struct sp_why why = {0};

    return apps_put(f->r, spec, id, &change, &why, out);
}

static void an_app_s_record_says_what_the_row_says_and_is_signed(void **state)
{
    (void)state;
    const struct app_change nobody = {0};
    struct app_spec spec = {.name = view_str("wiki"),
                            .host = view_str("wiki.example.internal"),
                            .type = APP_HTTP,
                            .port = 443};
    struct sp_why why = {0};
    struct app_row row, again;
    struct apprec rec;
    struct fixture f;

    begin(&f);
    spec.site = new_site(&f, "fra").id;
    assert_int_equal(put_app(&f, &spec, (struct sp_id){{0}}, 0, &row), SP_OK);
    assert_int_equal(row.ver, 1);
    settled(&f);
    const struct snapshot *s = registry_hold(f.r);
    const struct app_row *kept = snapshot_app(s, view_str("wiki"));
    assert_non_null(kept);
    assert_int_equal(apprec_verify(kept->record, key_secret_public(f.record_key), spec.site, &rec),
                     SP_OK);
    assert_string_equal(rec.hosts[0], "wiki.example.internal");
    assert_int_equal(rec.ports[0], 443);
    assert_int_equal(rec.version, 1);
    registry_release(f.r, s);

    assert_int_equal(put_app(&f, &spec, (struct sp_id){{0}}, 0, &again), SP_ERR_EXISTS);
    spec.port = 8443;
    assert_int_equal(put_app(&f, &spec, row.id, 7, &again), SP_ERR_CONFLICT);
    assert_int_equal(apps_put(f.r, &spec, row.id, &nobody, &why, &again), SP_ERR_INVALID);
    assert_int_equal(put_app(&f, &spec, row.id, 1, &again), SP_OK);
    assert_int_equal(again.ver, 2);
    settled(&f);
    assert_int_equal(apps_remove(f.r, row.id, 1, &ines), SP_ERR_CONFLICT);
    assert_int_equal(apps_remove(f.r, row.id, 2, &ines), SP_OK);
    settled(&f);
    assert_int_equal(apps_remove(f.r, row.id, 2, &ines), SP_ERR_NOT_FOUND);
    assert_int_equal(records(&f, "app.create"), 1);
    assert_int_equal(records(&f, "app.update"), 1);
    assert_int_equal(records(&f, "app.remove"), 1);
    end(&f);
}

static void what_makes_no_sense_is_refused_with_the_field_s_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *host, *labels, *limits;
        uint16_t port;
        const char *field;
    } cases[] = {
        {"Wiki", "h", NULL, NULL, 1, "name"},
        {"wiki-", "h", NULL, NULL, 1, "name"},
        {"wiki", "", NULL, NULL, 1, "host"},
        {"wiki", "http://h", NULL, NULL, 1, "host"},
        {"wiki", "h h", NULL, NULL, 1, "host"},
        {"wiki", "-h", NULL, NULL, 1, "host"},
        {"wiki", "h", NULL, NULL, 0, "port"},
        {"wiki", "h", "{\"Env\":\"prod\"}", NULL, 1, "labels.Env"},
        {"wiki", "h", "{\"env\":7}", NULL, 1, "labels.env"},
        {"wiki", "h", "[]", NULL, 1, "labels"},
        {"wiki", "h", NULL, "{\"idle\":\"soon\"}", 1, "limits.idle"},
        {"wiki", "h", NULL, "{\"idle\":\"0s\"}", 1, "limits.idle"},
        {"wiki", "h", NULL, "{\"step_up\":{\"kind\":\"otp\"}}", 1, "limits.step_up"},
        {"wiki", "h", NULL, "{\"unknown\":1}", 1, "limits"},
    };
    struct fixture f;

    begin(&f);
    struct sp_id site = new_site(&f, "fra").id;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json *labels = NULL, *limits = NULL;
        struct sp_why why = {0};
        struct app_row row;
        if (cases[i].labels)
            assert_int_equal(json_parse(view_str(cases[i].labels), 100, NULL, &labels), SP_OK);
        if (cases[i].limits)
            assert_int_equal(json_parse(view_str(cases[i].limits), 100, NULL, &limits), SP_OK);
        struct app_spec spec = {.name = view_str(cases[i].name),
                                .host = view_str(cases[i].host),
                                .type = APP_TCP,
                                .port = cases[i].port,
                                .site = site,
                                .labels = labels,
                                .limits = limits};
        const struct app_change change = {.record_key = f.record_key, .by = &ines};
        assert_int_equal(apps_put(f.r, &spec, site, &change, &why, &row), SP_ERR_INVALID);
        assert_string_equal(why.field, cases[i].field);
        json_free(labels);
        json_free(limits);
    }
    end(&f);
}

/* ---- policies, snapshots ---- */

static void the_second_of_two_writers_of_one_version_is_told(void **state)
{
    (void)state;
    const struct policy_change first = {
        .text = view_str("version: 1\n"), .author = ines.actor, .note = "first"};
    const struct policy_change second = {.text = view_str("x"), .author = ines.actor, .note = ""};
    struct fixture f;
    uint64_t ver;

    begin(&f);
    assert_int_equal(policies_put(f.r, &first, &ines, &ver), SP_OK);
    assert_int_equal(ver, 1);
    assert_int_equal(policies_put(f.r, &second, &ines, &ver), SP_ERR_CONFLICT);
    settled(&f);
    const struct snapshot *s = registry_hold(f.r);
    assert_int_equal(s->policy.ver, 1);
    assert_true(view_is(s->policy.text, "version: 1\n"));
    registry_release(f.r, s);
    end(&f);
}

static void a_held_snapshot_stays_as_it_is_when_the_world_changes(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f);
    new_site(&f, "fra");
    const struct snapshot *old = registry_hold(f.r);
    new_site(&f, "osl");
    const struct snapshot *now = registry_hold(f.r);
    assert_int_equal(old->site_count, 1);
    assert_int_equal(now->site_count, 2);
    assert_true(now->number > old->number);
    assert_string_equal(old->sites[0].name, "fra");
    registry_release(f.r, now);
    registry_release(f.r, old);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_gets_a_name_once_and_keeps_it),
        cmocka_unit_test(INC_08_JWT_08_no_spelling_of_a_name_is_that_of_another_person),
        cmocka_unit_test(TM_19_a_second_provider_can_hand_out_no_name_of_the_first),
        cmocka_unit_test(INC_3_the_same_e_mail_and_name_at_one_provider_are_two_people),
        cmocka_unit_test(a_locked_user_is_signed_out_and_not_admitted),
        cmocka_unit_test(C_020_a_device_is_its_key_and_belongs_to_one_user),
        cmocka_unit_test(INC_2_fifty_enrolments_with_one_token_make_one_connector),
        cmocka_unit_test(INC_11_a_token_is_for_its_kind_lives_a_day_at_most_and_can_be_revoked),
        cmocka_unit_test(the_enrolment_line_is_read_back_with_its_token),
        cmocka_unit_test(a_site_goes_only_when_nothing_is_left_in_it),
        cmocka_unit_test(an_app_s_record_says_what_the_row_says_and_is_signed),
        cmocka_unit_test(what_makes_no_sense_is_refused_with_the_field_s_name),
        cmocka_unit_test(the_second_of_two_writers_of_one_version_is_told),
        cmocka_unit_test(a_held_snapshot_stays_as_it_is_when_the_world_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
