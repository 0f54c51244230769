#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/crypto/paseto.h"
#include "lib/crypto/random.h"
#include "lib/trust/claims.h"
#include "lib/trust/mint.h"

#define NOW INT64_C(1764043200000)

struct scene {
    struct key_secret *broker, *device, *connector, *other;
    struct grant g;
    struct buf token;
    struct grant_reader relay, at_connector, agent;
};

static struct scene scene;

static int setup(void **state)
{
    struct scene *s = &scene;
    bool bad = key_secret_new(KEY_ED25519, &s->broker) != SP_OK ||
               key_secret_new(KEY_ED25519, &s->device) != SP_OK ||
               key_secret_new(KEY_P256, &s->connector) != SP_OK ||
               key_secret_new(KEY_ED25519, &s->other) != SP_OK;
    if (bad)
        return -1;
    s->g = (struct grant){.id = random_id(),
                          .session = random_id(),
                          .app = random_id(),
                          .user = random_id(),
                          .device = *key_secret_public(s->device),
                          .connector = *key_secret_public(s->connector),
                          .relay = random_id(),
                          .relay_boot = random_id(),
                          .issued = NOW,
                          .open_until = NOW + GRANT_OPEN_MS_MAX,
                          .deadline = NOW + 3600 * 1000,
                          .idle_ms = 1800 * 1000,
                          .reverify_ms = 900 * 1000,
                          .policy_version = 7};
    s->relay = (struct grant_reader){GRANT_RELAY, s->g.relay, s->g.relay_boot, {0}};
    s->at_connector = (struct grant_reader){.kind = GRANT_CONNECTOR, .key = s->g.connector};
    s->agent = (struct grant_reader){.kind = GRANT_AGENT, .key = s->g.device};
    buf_init(&s->token, 4096);
    *state = s;
    return grant_mint(&s->g, s->broker, &s->token) == SP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    key_secret_free(s->broker);
    key_secret_free(s->device);
    key_secret_free(s->connector);
    key_secret_free(s->other);
    buf_deinit(&s->token);
    return 0;
}

static sp_error verify(struct scene *s, const struct grant_reader *me, sp_unix_ms now)
{
    struct grant out;
    return grant_verify(buf_view(&s->token), key_secret_public(s->broker), me, now, &out);
}

static void a_grant_opens_for_the_three_it_names(void **state)
{
    struct scene *s = *state;
    struct grant out = {0};

    assert_true(s->token.len <= 800); /* PROTOCOL section 3: about 735 bytes */
    assert_int_equal(
        grant_verify(buf_view(&s->token), key_secret_public(s->broker), &s->relay, NOW, &out),
        SP_OK);
    assert_memory_equal(&out, &s->g, sizeof out);
    assert_int_equal(verify(s, &s->at_connector, NOW), SP_OK);
    assert_int_equal(verify(s, &s->agent, NOW), SP_OK);
}

static void JWT_04_a_grant_for_another_is_refused(void **state)
{
    struct scene *s = *state;
    struct grant_reader nobody = {0}, r;

    assert_int_equal(verify(s, &nobody, NOW), SP_ERR_AUDIENCE);
    nobody = s->relay;
    *(int *)&nobody.kind = GRANT_AGENT + 1; /* a kind that there is not */
    assert_int_equal(verify(s, &nobody, NOW), SP_ERR_AUDIENCE);
    r = s->relay;
    r.relay = random_id();
    assert_int_equal(verify(s, &r, NOW), SP_ERR_AUDIENCE);
    r = s->relay;
    r.relay_boot = random_id(); /* from before the relay's start */
    assert_int_equal(verify(s, &r, NOW), SP_ERR_CONFLICT);
    r = s->at_connector;
    r.key = *key_secret_public(s->other);
    assert_int_equal(verify(s, &r, NOW), SP_ERR_AUDIENCE);
    r.key = s->g.device; /* the device is not the connector */
    assert_int_equal(verify(s, &r, NOW), SP_ERR_AUDIENCE);
    r = s->agent;
    r.key = s->g.connector;
    assert_int_equal(verify(s, &r, NOW), SP_ERR_AUDIENCE);
    r.key = (struct key_public){0};
    assert_int_equal(verify(s, &r, NOW), SP_ERR_AUDIENCE);
}

static void E2E_T7_a_grant_lives_from_issued_to_open_until(void **state)
{
    struct scene *s = *state;
    static const struct {
        int64_t at;
        sp_error want;
    } rows[] = {{-GRANT_LEEWAY_MS - 1, SP_ERR_EXPIRED},
                {-GRANT_LEEWAY_MS, SP_OK},
                {0, SP_OK},
                {GRANT_OPEN_MS_MAX, SP_OK},
                {GRANT_OPEN_MS_MAX + 1, SP_ERR_EXPIRED}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(verify(s, &s->relay, NOW + rows[i].at), rows[i].want);
}

static void E2E_T7_another_key_or_kind_does_not_pass(void **state)
{
    struct scene *s = *state;
    struct grant out;
    struct stand stand;
    struct stand real = {.connector = random_id(),
                         .site = random_id(),
                         .relay = s->g.relay,
                         .key = s->g.connector,
                         .generation = 1,
                         .issued = NOW,
                         .until = NOW + 1000};

    assert_int_equal(
        grant_verify(buf_view(&s->token), key_secret_public(s->other), &s->relay, NOW, &out),
        SP_ERR_MALFORMED); /* its kid names another key */
    assert_int_equal(
        stand_verify(buf_view(&s->token), key_secret_public(s->broker), s->g.relay, NOW, &stand),
        SP_ERR_SIGNATURE); /* the kind is signed with the bytes (JWT-3) */
    buf_reset(&s->token);
    assert_int_equal(stand_mint(&real, s->broker, &s->token), SP_OK);
    assert_int_equal(verify(s, &s->relay, NOW), SP_ERR_SIGNATURE);
}

static void a_grant_that_breaks_its_limits_is_not_made(void **state)
{
    struct scene *s = *state;
    struct grant g;

    buf_reset(&s->token);
#define REFUSED(change)                                                         \
    do {                                                                        \
        g = s->g;                                                               \
        change;                                                                 \
        assert_int_equal(grant_mint(&g, s->broker, &s->token), SP_ERR_INVALID); \
        assert_int_equal(s->token.len, 0);                                      \
    } while (0)
    REFUSED(g.open_until = g.issued + GRANT_OPEN_MS_MAX + 1);
    REFUSED(g.open_until = g.issued);
    REFUSED(g.deadline = g.open_until - 1);
    REFUSED(g.id = (struct sp_id){0});
    REFUSED(g.device = (struct key_public){0});
    REFUSED(g.idle_ms = -1);
    REFUSED(g.policy_version = -1);
    REFUSED(g.issued = -1);
#undef REFUSED
}

/* Signs claims text of the test's own as a grant. */
static sp_error verify_text(struct scene *s, const char *text)
{
    struct buf footer, implicit;

    buf_init(&footer, 64);
    buf_init(&implicit, 64);
    buf_addf(&footer, "{\"kid\":\"%s\"}", key_kid(key_secret_public(s->broker)).s);
    claims_assertion("grant", &implicit);
    buf_reset(&s->token);
    assert_int_equal(
        paseto_sign(s->broker, view_str(text), buf_view(&footer), buf_view(&implicit), &s->token),
        SP_OK);
    buf_deinit(&footer);
    buf_deinit(&implicit);
    return verify(s, &s->relay, NOW);
}

/* Signed by the right key and unsound: a broker that was made to sign anything is not obeyed. */
static void E2E_T7_a_signed_grant_that_breaks_its_limits_is_refused(void **state)
{
    struct scene *s = *state;
    static const struct {
        int64_t open_until, deadline;
        sp_error want;
    } rows[] = {{NOW + GRANT_OPEN_MS_MAX, NOW + 3600 * 1000, SP_OK},
                {NOW + GRANT_OPEN_MS_MAX + 1, NOW + 3600 * 1000, SP_ERR_MALFORMED},
                {NOW, NOW + 3600 * 1000, SP_ERR_MALFORMED},
                {NOW + 1000, NOW + 999, SP_ERR_MALFORMED}};
    struct buf text, changed;
    struct json *j = NULL;

    buf_init(&text, 4096);
    buf_init(&changed, 4096);
    assert_int_equal(paseto_unverified(buf_view(&s->token), &text), SP_OK);
    assert_int_equal(json_parse(buf_view(&text), 4096, NULL, &j), SP_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_set_int(j, "open_until", rows[i].open_until);
        json_set_int(j, "deadline", rows[i].deadline);
        buf_reset(&changed);
        assert_int_equal(json_write(j, &changed), SP_OK);
        assert_int_equal(verify_text(s, buf_cstr(&changed)), rows[i].want);
    }
    json_free(j);
    buf_deinit(&text);
    buf_deinit(&changed);
}

static void claims_missing_unknown_twice_or_of_another_kind_are_refused(void **state)
{
    struct scene *s = *state;
    struct buf text, changed;
    struct json *j = NULL;
    static const struct claim rows[] = {{"v", CLAIM_VERSION, 0, 1}};

    buf_init(&text, 4096);
    buf_init(&changed, 4096);
    assert_int_equal(paseto_unverified(buf_view(&s->token), &text), SP_OK);
    assert_int_equal(verify_text(s, buf_cstr(&text)), SP_OK); /* the text as it is */

    /* each member in turn: away, then of another kind */
    assert_int_equal(json_parse(buf_view(&text), 4096, NULL, &j), SP_OK);
    size_t members = 0;
    for (void *i = json_iter(j); i != NULL; i = json_iter_next(j, i), members++) {
        struct json *copy = json_copy(j);
        char name[32];

        snprintf(name, sizeof name, "%s", json_iter_name(i));
        json_remove(copy, name);
        buf_reset(&changed);
        assert_int_equal(json_write(copy, &changed), SP_OK);
        assert_int_equal(verify_text(s, buf_cstr(&changed)), SP_ERR_MALFORMED);
        json_set_bool(copy, name, true);
        buf_reset(&changed);
        assert_int_equal(json_write(copy, &changed), SP_OK);
        assert_int_equal(verify_text(s, buf_cstr(&changed)), SP_ERR_MALFORMED);
        json_free(copy);
    }
    assert_int_equal(members, 15);
    json_set_int(j, "more", 1);
    buf_reset(&changed);
    assert_int_equal(json_write(j, &changed), SP_OK);
    assert_int_equal(verify_text(s, buf_cstr(&changed)), SP_ERR_MALFORMED);
    json_free(j);

    buf_reset(&changed);
    buf_add_str(&changed, "{\"v\":1,");
    buf_add(&changed, view_slice(buf_view(&text), 1, SIZE_MAX));
    assert_int_equal(verify_text(s, buf_cstr(&changed)), SP_ERR_MALFORMED); /* v twice */
    assert_int_equal(verify_text(s, "[]"), SP_ERR_MALFORMED);
    assert_int_equal(verify_text(s, "{}"), SP_ERR_MALFORMED);
    assert_int_equal(verify_text(s, ""), SP_ERR_MALFORMED);

    /* the next version is another statement */
    assert_int_equal(json_parse(view_str("{\"v\":2}"), 64, NULL, &j), SP_OK);
    assert_int_equal(claims_take(j, rows, 1, NULL), SP_ERR_MALFORMED);
    json_free(j);
    buf_deinit(&text);
    buf_deinit(&changed);
}

static void a_token_over_the_limit_is_not_looked_at(void **state)
{
    struct scene *s = *state;

    while (s->token.len <= GRANT_MAX)
        buf_add_byte(&s->token, 'A');
    assert_int_equal(verify(s, &s->relay, NOW), SP_ERR_LIMIT);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_grant_opens_for_the_three_it_names),
        CASE(JWT_04_a_grant_for_another_is_refused),
        CASE(E2E_T7_a_grant_lives_from_issued_to_open_until),
        CASE(E2E_T7_another_key_or_kind_does_not_pass),
        CASE(a_grant_that_breaks_its_limits_is_not_made),
        CASE(claims_missing_unknown_twice_or_of_another_kind_are_refused),
        CASE(E2E_T7_a_signed_grant_that_breaks_its_limits_is_refused),
        CASE(a_token_over_the_limit_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
