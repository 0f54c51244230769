#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "lib/trust/mint.h"

#define NOW INT64_C(1764043200000)

static struct key_secret *record;
static struct buf token;

static int setup(void **state)
{
    (void)state;
    buf_init(&token, 64 * 1024);
    return key_secret_new(KEY_ED25519, &record) == SP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    buf_deinit(&token);
    key_secret_free(record);
    return 0;
}

static struct stand a_stand(void)
{
    return (struct stand){.connector = {{1}},
                          .site = {{2}},
                          .relay = {{3}},
                          .key = *key_secret_public(record),
                          .generation = 5,
                          .issued = NOW,
                          .until = NOW + STAND_LIFE_MS};
}

static void a_stand_is_for_one_relay_and_one_day(void **state)
{
    (void)state;
    const struct key_public *k = key_secret_public(record);
    struct stand s = a_stand(), out = {.generation = 0};

    assert_int_equal(stand_mint(&s, record, &token), SP_OK);
    assert_true(token.len <= STAND_MAX);
    assert_int_equal(stand_verify(buf_view(&token), k, s.relay, NOW, &out), SP_OK);
    assert_memory_equal(&out, &s, sizeof s);
    assert_int_equal(stand_verify(buf_view(&token), k, s.site, NOW, &out), SP_ERR_AUDIENCE);
    assert_int_equal(stand_verify(buf_view(&token), k, s.relay, s.until, &out), SP_OK);
    assert_int_equal(stand_verify(buf_view(&token), k, s.relay, s.until + 1, &out), SP_ERR_EXPIRED);
    assert_int_equal(stand_verify(buf_view(&token), k, s.relay, NOW - STAND_LEEWAY_MS - 1, &out),
                     SP_ERR_EXPIRED);
    buf_reset(&token);
    s.until++;
    assert_int_equal(stand_mint(&s, record, &token), SP_ERR_INVALID);
}

static struct apprec an_app(void)
{
    struct apprec a = {.id = {{1}},
                       .site = {{2}},
                       .version = 1,
                       .name = "wiki",
                       .type = APPREC_HTTP,
                       .host_count = 2,
                       .port_count = 2,
                       .hosts = {"wiki.internal", "198.18.0.7"},
                       .ports = {80, 443},
                       .session_ms_max = 1000,
                       .streams_max = APPREC_STREAMS_MAX};
    return a;
}

static void an_app_record_is_for_its_site(void **state)
{
    (void)state;
    const struct key_public *k = key_secret_public(record);
    struct apprec a = an_app(), *out = calloc(1, sizeof *out);

    assert_non_null(out);
    assert_int_equal(apprec_mint(&a, record, &token), SP_OK);
    assert_int_equal(apprec_verify(buf_view(&token), k, a.site, out), SP_OK);
    assert_memory_equal(out, &a, sizeof a);
    assert_int_equal(apprec_verify(buf_view(&token), k, a.id, out), SP_ERR_AUDIENCE);
    free(out);
}

static void a_record_without_a_sound_target_is_not_made(void **state)
{
    (void)state;
    struct apprec a;
#define REFUSED(change)                                                    \
    do {                                                                   \
        a = an_app();                                                      \
        change;                                                            \
        assert_int_equal(apprec_mint(&a, record, &token), SP_ERR_INVALID); \
        assert_int_equal(token.len, 0);                                    \
    } while (0)
    REFUSED(a.host_count = 0);
    REFUSED(a.host_count = APPREC_HOSTS_MAX + 1);
    REFUSED(a.hosts[0][0] = '\0');
    REFUSED(a.hosts[0][4] = '\n');
    REFUSED(a.hosts[0][4] = '/');
    REFUSED(a.hosts[0][4] = '@');
    REFUSED(a.port_count = 0);
    REFUSED(a.ports[1] = 0);
    REFUSED(a.ports[1] = a.ports[0]);
    REFUSED(a.version = 0);
    REFUSED(a.type = APPREC_NONE);
    REFUSED(a.name[0] = '\0');
    REFUSED(a.streams_max = 0);
    REFUSED(a.streams_max = APPREC_STREAMS_MAX + 1);
#undef REFUSED
}

static void app_types_have_words(void **state)
{
    (void)state;
    for (enum apprec_type t = APPREC_TCP; t <= APPREC_SSH; t++)
        assert_int_equal(apprec_type_parse(view_str(apprec_type_name(t))), t);
    assert_int_equal(apprec_type_parse(view_str("")), APPREC_NONE);
    assert_int_equal(apprec_type_parse(view_str("TCP")), APPREC_NONE);
}

static void an_identity_statement_is_for_one_session(void **state)
{
    (void)state;
    const struct key_public *k = key_secret_public(record);
    struct person p = {.session = {{1}},
                       .app = {{2}},
                       .name = view_str("Kim"),
                       .email = view_str("kim@example.test"),
                       .until = NOW},
                  out;
    struct json *groups = json_array(), *bad = json_array();

    json_push(groups, json_new_str(view_str("corp/staff, all"))); /* a comma is part of a name */
    p.groups = groups;
    assert_int_equal(person_mint(&p, record, &token), SP_OK);
    assert_int_equal(person_verify(buf_view(&token), k, p.session, NOW, &out), SP_OK);
    assert_true(view_is(out.name, "Kim"));
    assert_true(view_is(json_str(json_at(out.groups, 0)), "corp/staff, all"));
    assert_int_equal(json_len(out.attributes), 0);
    person_deinit(&out);
    assert_int_equal(person_verify(buf_view(&token), k, p.app, NOW, &out), SP_ERR_AUDIENCE);
    assert_int_equal(person_verify(buf_view(&token), k, p.session, NOW + 1, &out), SP_ERR_EXPIRED);
    buf_reset(&token);
    json_push(bad, json_new_int(7));
    p.groups = bad;
    assert_int_equal(person_mint(&p, record, &token), SP_ERR_INVALID);
    p.groups = groups;
    p.attributes = bad;
    assert_int_equal(person_mint(&p, record, &token), SP_ERR_INVALID);
    json_free(groups);
    json_free(bad);
}

/* JWT-3: every reader refuses every other kind, though the same key has signed it. */
static void JWT_03_no_kind_passes_for_another(void **state)
{
    (void)state;
    const struct key_public *k = key_secret_public(record);
    struct grant_reader relay = {GRANT_RELAY, {{3}}, {{4}}, {0}};
    struct keyset set = {.epoch = 1, .issued = NOW, .count = 1, .identity = *k};
    struct grant g = {.id = {{1}},
                      .session = {{1}},
                      .app = {{1}},
                      .user = {{1}},
                      .device = *k,
                      .connector = *k,
                      .relay = {{3}},
                      .relay_boot = {{4}},
                      .issued = NOW,
                      .open_until = NOW + 1,
                      .deadline = NOW + 1};
    struct person p = {.session = {{1}}, .app = {{2}}, .until = NOW}, person_out;
    struct apprec a = an_app(), *app_out = calloc(1, sizeof *app_out);
    struct stand s = a_stand(), stand_out;
    struct grant grant_out;
    struct keyset set_out;

    assert_non_null(app_out);
    set.keys[0] = (struct keyset_key){KEYSET_IDENTITY, *k, NOW, NOW + 1};
    for (int made = 0; made < 5; made++) {
        buf_reset(&token);
        assert_int_equal(made == 0   ? grant_mint(&g, record, &token)
                         : made == 1 ? stand_mint(&s, record, &token)
                         : made == 2 ? apprec_mint(&a, record, &token)
                         : made == 3 ? person_mint(&p, record, &token)
                                     : keyset_mint(&set, record, NULL, &token),
                         SP_OK);
        struct view t = buf_view(&token);
        const sp_error got[5] = {
            grant_verify(t, k, &relay, NOW, &grant_out),
            stand_verify(t, k, s.relay, NOW, &stand_out), apprec_verify(t, k, a.site, app_out),
            person_verify(t, k, p.session, NOW, &person_out), keyset_read(t, k, 0, &set_out)};
        for (int read = 0; read < 5; read++)
            if (got[read] != (read == made ? SP_OK : SP_ERR_SIGNATURE))
                fail_msg("made %d, read %d: %s", made, read, sp_error_code(got[read]));
        if (made == 3)
            person_deinit(&person_out);
    }
    free(app_out);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_stand_is_for_one_relay_and_one_day),        CASE(an_app_record_is_for_its_site),
        CASE(a_record_without_a_sound_target_is_not_made), CASE(app_types_have_words),
        CASE(an_identity_statement_is_for_one_session),    CASE(JWT_03_no_kind_passes_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
