#include "connector/admit.h"

#include "lib/crypto/random.h"
#include "lib/trust/mint.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW INT64_C(1764043200000)
#define HOUR INT64_C(3600000)

struct scene {
    struct key_secret *grants, *stranger, *connector, *device;
    struct keyset keys;
    struct records records;
    struct floor *floor;
    struct map cut;
    struct once *spent;
    struct grant g;
    struct apprec app;
    struct admit_facts facts;
};

/* A grant that everything speaks for; each test then takes one thing away. */
static void make(struct scene *s)
{
    struct buf record;
    struct sp_id site = random_id();

    *s = (struct scene){0};
    assert_int_equal(key_secret_new(KEY_ED25519, &s->grants), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &s->stranger), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &s->connector), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &s->device), SP_OK);
    s->keys.count = 2;
    s->keys.keys[0] =
        (struct keyset_key){KEYSET_GRANT, *key_secret_public(s->grants), 0, INT64_MAX};
    s->keys.keys[1] =
        (struct keyset_key){KEYSET_RECORD, *key_secret_public(s->grants), 0, INT64_MAX};
    assert_int_equal(floor_parse(view_str("allow wiki.internal:443\n"), NULL, &s->floor), SP_OK);
    assert_int_equal(once_new(8, &s->spent), SP_OK);
    s->app = (struct apprec){.id = random_id(),
                             .site = site,
                             .version = 3,
                             .name = "wiki",
                             .type = APPREC_TCP,
                             .host_count = 1,
                             .port_count = 1,
                             .hosts = {"wiki.internal"},
                             .ports = {443},
                             .streams_max = 7};
    buf_init(&record, APPREC_MAX);
    assert_int_equal(apprec_mint(&s->app, s->grants, &record), SP_OK);
    struct record_judge by = {.keys = &s->keys, .floor = s->floor, .site = site, .now = NOW};
    assert_int_equal(records_put(&s->records, buf_view(&record), &by, NULL), SP_OK);
    /* the same version again, and the floor's signers */
    assert_int_equal(records_put(&s->records, buf_view(&record), &by, NULL), SP_ERR_REPLAY);
    by.floor = NULL;
    assert_int_equal(records_put(&s->records, buf_view(&record), &by, NULL), SP_ERR_DENIED);
    by.floor = s->floor;
    by.site = random_id();
    assert_int_equal(records_put(&s->records, buf_view(&record), &by, NULL), SP_ERR_AUDIENCE);
    buf_deinit(&record);
    s->g = (struct grant){.id = random_id(),
                          .session = random_id(),
                          .app = s->app.id,
                          .user = random_id(),
                          .device = *key_secret_public(s->device),
                          .connector = *key_secret_public(s->connector),
                          .relay = random_id(),
                          .relay_boot = random_id(),
                          .issued = NOW,
                          .open_until = NOW + GRANT_OPEN_MS_MAX,
                          .deadline = NOW + 8 * HOUR,
                          .policy_version = 1};
    s->facts = (struct admit_facts){.keys = &s->keys,
                                    .own = s->g.connector,
                                    .relay = s->g.relay,
                                    .now = NOW + 10,
                                    .records = &s->records,
                                    .floor = s->floor,
                                    .cut = &s->cut};
}

static void end(struct scene *s)
{
    once_free(s->spent);
    floor_free(s->floor);
    records_deinit(&s->records);
    map_deinit(&s->cut);
    key_secret_free(s->device);
    key_secret_free(s->connector);
    key_secret_free(s->stranger);
    key_secret_free(s->grants);
}

static const char *ask(struct scene *s, const struct key_secret *signer, struct admitted *out)
{
    struct buf token;

    buf_init(&token, GRANT_MAX);
    assert_int_equal(grant_mint(&s->g, signer, &token), SP_OK);
    sp_error log = SP_OK;
    const char *code = admit(buf_view(&token), &s->facts, s->spent, &log, out);
    assert_int_equal(log == SP_OK, code == NULL); /* the log has a reason too */
    if (code != NULL)                             /* and none is needed */
        assert_string_equal(admit(buf_view(&token), &s->facts, s->spent, NULL, out), code);
    buf_deinit(&token);
    return code;
}

static void E2E_6_a_grant_needs_everything_and_opens_once(void **state)
{
    struct admitted a = {0};
    struct scene s;
    int any = 1;

    (void)state;
    make(&s);
    s.facts.draining = true;
    assert_string_equal(ask(&s, s.grants, &a), "draining");
    s.facts.draining = false;
    s.facts.audit_tight = true;
    assert_string_equal(ask(&s, s.stranger, &a), "policy"); /* a stranger hears nothing of it */
    assert_string_equal(ask(&s, s.grants, &a), "audit");
    s.facts.audit_tight = false;
    assert_string_equal(ask(&s, s.stranger, &a), "policy"); /* not a key of the set */
    s.facts.relay = random_id();                            /* handed down by another relay */
    assert_string_equal(ask(&s, s.grants, &a), "policy");
    s.facts.relay = s.g.relay;
    s.facts.own = *key_secret_public(s.stranger); /* for another connector */
    assert_string_equal(ask(&s, s.grants, &a), "policy");
    s.facts.own = s.g.connector;
    s.facts.now = s.g.open_until + 1;
    assert_string_equal(ask(&s, s.grants, &a), "policy");
    s.facts.now = 0; /* no broker time yet */
    assert_string_equal(ask(&s, s.grants, &a), "policy");
    s.facts.now = NOW + 10;
    assert_int_equal(map_put(&s.cut, s.g.session, &any), SP_OK);
    assert_string_equal(ask(&s, s.grants, &a), "killed");
    map_remove(&s.cut, s.g.session);
    s.facts.floor = NULL;
    assert_string_equal(ask(&s, s.grants, &a), "floor");
    struct floor *denying = NULL; /* every host of the record by its name */
    assert_int_equal(floor_parse(view_str("allow a:1\ndeny wiki.internal\n"), NULL, &denying),
                     SP_OK);
    s.facts.floor = denying;
    assert_string_equal(ask(&s, s.grants, &a), "floor");
    floor_free(denying);
    s.facts.floor = s.floor;
    s.facts.keys = NULL; /* no key set yet */
    assert_string_equal(ask(&s, s.grants, &a), "policy");
    s.facts.keys = &s.keys;
    struct sp_id app = s.g.app;
    s.g.app = random_id();
    assert_string_equal(ask(&s, s.grants, &a), "record");
    s.g.app = app;
    /* none of the refusals has spent it */
    assert_null(ask(&s, s.grants, &a));
    assert_true(id_equal(a.session, s.g.session));
    assert_int_equal(a.streams, 7);
    assert_true(a.deadline == s.g.deadline);
    assert_string_equal(ask(&s, s.grants, &a), "replay");
    assert_int_equal(records_drop(&s.records, s.app.id, 3), SP_OK);
    assert_string_equal(ask(&s, s.grants, &a), "record");
    end(&s);
}

static void E2E_6_the_earliest_deadline_counts(void **state)
{
    struct floor *strict = NULL;
    struct admitted a = {0};
    struct scene s;

    (void)state;
    make(&s);
    assert_int_equal(
        floor_parse(view_str("allow wiki.internal:443\nmax-deadline 1h\n"), NULL, &strict), SP_OK);
    s.facts.floor = strict;
    assert_null(ask(&s, s.grants, &a));
    assert_true(a.deadline == s.facts.now + HOUR);
    floor_free(strict);
    end(&s);

    /* and the longest session of the signed record */
    make(&s);
    struct buf record;
    s.app.version = 4;
    s.app.session_ms_max = HOUR / 2;
    buf_init(&record, APPREC_MAX);
    assert_int_equal(apprec_mint(&s.app, s.grants, &record), SP_OK);
    const struct record_judge by = {
        .keys = &s.keys, .floor = s.floor, .site = s.app.site, .now = NOW};
    assert_int_equal(records_put(&s.records, buf_view(&record), &by, NULL), SP_OK);
    buf_deinit(&record);
    assert_null(ask(&s, s.grants, &a));
    assert_true(a.deadline == s.facts.now + HOUR / 2);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(E2E_6_a_grant_needs_everything_and_opens_once),
        cmocka_unit_test(E2E_6_the_earliest_deadline_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
