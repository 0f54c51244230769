/* One login after the other: the OIDF basic plan's cases (RP-nn) by name, and groups (C-001, C-002,
 * C-008). */
#include "tests/unit/broker/identity/provider.h"

static void OA_01_OA_02_OA_03_RP_13_the_address_has_pkce_state_nonce_and_one_uri(void **state)
{
    (void)state;
    struct oidc_attempt a, b;
    struct sp_why why = {0};
    struct buf url, challenge;
    struct form q;
    struct url u;

    buf_init(&url, 8192);
    buf_init(&challenge, 64);
    assert_int_equal(oidc_begin(corp(), 300, &a, &url, &why), SP_OK);
    assert_int_equal(url_parse(buf_view(&url), &u), SP_OK);
    assert_int_equal(form_parse(u.query, &q), SP_OK);
    struct hash h = hash_sha256(view_str(a.verifier));
    encode_base64url(hash_view(&h), &challenge);
    assert_true(view_is(form_get(&q, "tenant"), "1")); /* the endpoint's own query stays */
    assert_true(view_is(form_get(&q, "response_type"), "code"));
    assert_true(view_is(form_get(&q, "client_id"), "sallyport"));
    assert_true(
        view_is(form_get(&q, "redirect_uri"), "https://access.example.test/login/callback/corp"));
    assert_true(view_is(form_get(&q, "scope"), "openid profile email groups"));
    assert_true(view_is(form_get(&q, "state"), a.state));
    assert_true(view_is(form_get(&q, "nonce"), a.nonce));
    assert_true(view_equal(form_get(&q, "code_challenge"), buf_view(&challenge)));
    assert_true(view_is(form_get(&q, "code_challenge_method"), "S256"));
    assert_true(view_is(form_get(&q, "max_age"), "300"));
    form_deinit(&q);
    buf_reset(&url);
    assert_int_equal(oidc_begin(corp(), 0, &b, &url, &why), SP_OK);
    assert_string_not_equal(a.state, b.state);
    assert_string_not_equal(a.nonce, b.nonce);
    assert_string_not_equal(a.verifier, b.verifier);
    buf_deinit(&challenge);
    buf_deinit(&url);
}

static void RP_01_RP_14_happy_path_with_token_and_userinfo(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};

    op.member = "groups";
    op.value = "[\"staff\",\"on call, night\"]";
    assert_int_equal(log_in(NULL, &why, &i), SP_OK);
    assert_string_equal(i.preferred, "kim");
    assert_string_equal(i.email, "kim@example.test"); /* from userinfo */
    assert_int_equal(i.groups_state, GROUPS_KNOWN);
    assert_int_equal(i.group_count, 2);
    assert_string_equal(i.groups[0], "corp/staff");
    assert_string_equal(i.groups[1], "corp/on call, night");
    identity_deinit(&i);
    /* RP-14: Basic with both halves encoded, Bearer in the header */
    assert_string_equal(op.basic, "Basic c2FsbHlwb3J0OnMzY3IlM0F0");
    assert_string_equal(op.bearer, "Bearer at-1");
    assert_int_equal(op.userinfo_calls, 1);
}

static void RP_02_invalid_iss(void **state)
{
    (void)state;
    op.member = "iss";
    op.value = "\"https://evil.example\"";
    refused(SP_ERR_AUDIENCE);
}

static void RP_03_missing_sub(void **state)
{
    (void)state;
    op.member = "sub";
    refused(SP_ERR_MALFORMED);
}

static void RP_04_invalid_aud(void **state)
{
    (void)state;
    op.member = "aud";
    op.value = "\"another-client\"";
    refused(SP_ERR_AUDIENCE);
}

static void RP_05_missing_iat(void **state)
{
    (void)state;
    op.member = "iat";
    refused(SP_ERR_MALFORMED);
}

static void RP_06_kid_absent_single_jwks(void **state)
{
    (void)state;
    op.no_kid = true;
    accepted();
}

static void RP_07_kid_absent_multiple_jwks(void **state)
{
    (void)state;
    op.no_kid = op.two_keys = true;
    accepted();
}

static void INC_10_RP_10_invalid_signature(void **state)
{
    (void)state;
    op.foreign_signature = true;
    refused(SP_ERR_SIGNATURE);
}

static void RP_11_IDT_17_userinfo_of_another_person_is_dropped(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};

    op.wrong_userinfo_sub = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_OK);
    assert_string_equal(i.email, "");
    identity_deinit(&i);
    oidc_free(rp);
    make_rp(NULL, 0, true); /* its groups were needed: unreadable, not none */
    op.userinfo_groups = "[\"admins\"]";
    assert_int_equal(log_in(NULL, &why, &i), SP_OK);
    assert_int_equal(i.groups_state, GROUPS_UNREADABLE);
    assert_int_equal(i.group_count, 0);
    identity_deinit(&i);
}

/* RP-20: what came beside the token is not what the provider gave with it; either may be missing.
 */
static void RP_20_IDT_15_a_wrong_at_hash_or_c_hash_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *claim, *of;
        bool right;
    } rows[] = {{"at_hash", "at-1", true}, {"c_hash", "c-1", true}, {"at_hash", "c-1", false},
                {"c_hash", "at-1", false}, {"at_hash", "", false},  {"c_hash", "", false}};
    char quoted[64];

    accepted(); /* neither */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf half;
        buf_init(&half, 64);
        if (rows[i].of[0] != '\0')
            jwt_half_hash(view_str(rows[i].of), &half);
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", buf_cstr(&half));
        buf_deinit(&half);
        op.member = rows[i].claim;
        op.value = quoted;
        op.userinfo_calls = 0;
        if (rows[i].right)
            accepted();
        else
            refused(SP_ERR_INTEGRITY);
    }
    op.userinfo_calls = 0;
    op.value = "7";
    refused(SP_ERR_INTEGRITY);
}

/* IDT-18: nothing is refreshed: no scope asks for it, and a token for it that comes unasked is
 * neither kept nor used. What a login says stays what it said until the person signs in anew. */
static void IDT_18_a_refresh_token_that_nobody_asked_for_is_not_used(void **state)
{
    (void)state;
    struct oidc_attempt a;
    struct identity i = {0};
    struct sp_why why = {0};
    struct buf url;

    buf_init(&url, 8192);
    assert_int_equal(oidc_begin(corp(), 0, &a, &url, &why), SP_OK);
    assert_null(strstr(buf_cstr(&url), "offline_access"));
    assert_null(strstr(buf_cstr(&url), "prompt=consent"));
    buf_deinit(&url);
    op.gives_refresh_token = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_OK);
    assert_string_equal(op.grant_type, "authorization_code");
    assert_null(memmem(&i, sizeof i, "rt-canary", 9));
    identity_deinit(&i);
    assert_int_equal(op.token_calls, 1);
    clock_set_for_test(clock_unix() + INT64_C(9) * 3600 * 1000, clock_boot() + 9 * 3600 * 1000);
    accepted(); /* nine hours later the next login is a whole one */
    assert_string_equal(op.grant_type, "authorization_code");
    assert_int_equal(op.token_calls, 2);
}

/* JWT-8: a subject counts only with its own issuer: whole, as a token of this provider's key that
 * names another issuer, and as a subject that spells one. */
static void JWT_08_a_subject_of_a_foreign_issuer_is_refused(void **state)
{
    (void)state;
    static const char *const foreign[] = {"\"https://accounts.example.test\"",
                                          "[\"https://accounts.example.test\"]", "\"\"", "null",
                                          "{}"};
    struct identity i = {0};
    struct sp_why why = {0};

    op.member = "iss";
    for (size_t n = 0; n < sizeof foreign / sizeof foreign[0]; n++) {
        op.value = foreign[n];
        if (log_in(NULL, &why, &i) == SP_OK)
            fail_msg("taken: iss %s", foreign[n]);
    }
    op.value = NULL; /* no issuer at all */
    assert_int_not_equal(log_in(NULL, &why, &i), SP_OK);
    op.member = "sub";
    op.value = "\"https://accounts.example.test|u-17\"";
    op.no_userinfo = true;
    oidc_free(rp);
    make_rp(NULL, 0, false);
    assert_int_equal(log_in(NULL, &why, &i), SP_OK); /* a text as any other, of this issuer */
    assert_string_equal(i.sub, "https://accounts.example.test|u-17");
    identity_deinit(&i);
}

static void RP_12_nonce_invalid(void **state)
{
    (void)state;
    op.member = "nonce";
    op.value = "\"another\"";
    refused(SP_ERR_REPLAY);
}

static void RP_16_discovery_issuer_mismatch(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};

    op.says_issuer_wrong = true; /* C-003: one slash more */
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_non_null(strstr(why.text, "provider:   https://localhost"));
    assert_non_null(strstr(why.text, "configured: https://localhost"));
}

static void IDT_20_the_iss_parameter_is_compared_before_the_token_call(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};

    assert_int_equal(log_in("&iss=https%3A%2F%2Fevil.example", &why, &i), SP_ERR_PROTOCOL);
    assert_int_equal(log_in("", &why, &i), SP_ERR_PROTOCOL); /* advertised, so it must be there */
    assert_int_equal(op.token_calls, 0);
}

static void IDT_21_code_and_error_together_are_refused(void **state)
{
    (void)state;
    struct identity i = {0};
    struct sp_why why = {0};
    char more[160];
    struct buf iss;

    buf_init(&iss, 128);
    encode_percent(view_str(op.issuer), &iss);
    (void)snprintf(more, sizeof more, "&error=access_denied&iss=%s", buf_cstr(&iss));
    assert_int_equal(log_in(more, &why, &i), SP_ERR_PROTOCOL);
    assert_int_equal(op.token_calls, 0);
    buf_deinit(&iss);
}

static void RP_19_an_error_is_shown_made_visible(void **state)
{
    (void)state;
    struct oidc_attempt a = {{0}, {0}, {0}};
    struct identity i = {0};
    struct sp_why why = {0};
    struct form form;
    struct buf q;

    buf_init(&q, 512);
    buf_add_str(&q, "error=access_denied&error_description=no%1b%5b31m&iss=");
    encode_percent(view_str(op.issuer), &q);
    assert_int_equal(form_parse(buf_view(&q), &form), SP_OK);
    assert_int_equal(oidc_finish(corp(), &a, 0, &form, &why, &i), SP_ERR_DENIED);
    assert_non_null(strstr(why.text, "access_denied"));
    assert_null(strchr(why.text, 0x1b));
    form_deinit(&form);
    buf_deinit(&q);
}

static void a_token_endpoint_that_says_no_is_a_refusal(void **state)
{
    (void)state;
    struct sp_why why = {0};
    struct identity i = {0};

    op.token_error = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_non_null(strstr(why.text, "invalid_grant"));
}

/* ---- groups: pure -------------------------------------------------------------------------- */

struct groups_row {
    const char *claims;
    enum groups_state state;
    const char *first, *detail; /* NULL: none; a part of the detail */
    size_t count;
};

static void run_groups(const struct groups_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct json *claims = NULL;
        struct identity who = {0};

        assert_int_equal(json_parse(view_str(rows[i].claims), 8192, NULL, &claims), SP_OK);
        assert_int_equal(oidc_identity(corp(), claims, NULL, &who), SP_OK);
        if (who.groups_state != rows[i].state || who.group_count != rows[i].count ||
            (rows[i].first != NULL && strcmp(who.groups[0], rows[i].first) != 0) ||
            (rows[i].detail != NULL && strstr(who.groups_detail, rows[i].detail) == NULL))
            fail_msg("%s: %zu groups, detail '%s'", rows[i].claims, who.group_count,
                     who.groups_detail);
        identity_deinit(&who);
        json_free(claims);
    }
}

static void C_001_only_a_json_string_names_a_group(void **state)
{
    (void)state;
    static const struct groups_row rows[] = {
        {"{\"sub\":\"x\",\"groups\":\"engineering\"}", GROUPS_KNOWN, "corp/engineering", NULL, 1},
        {"{\"sub\":\"x\",\"groups\":[\"engineering\"]}", GROUPS_KNOWN, "corp/engineering", NULL, 1},
        {"{\"sub\":\"x\",\"groups\":\"engineering,admins\"}", GROUPS_KNOWN,
         "corp/engineering,admins", NULL, 1},
        {"{\"sub\":\"x\",\"groups\":true}", GROUPS_UNREADABLE, NULL, "bool", 0},
        {"{\"sub\":\"x\",\"groups\":null}", GROUPS_UNREADABLE, NULL, "null", 0},
        {"{\"sub\":\"x\",\"groups\":{\"a\":1}}", GROUPS_UNREADABLE, NULL, "object", 0},
        {"{\"sub\":\"x\",\"groups\":7}", GROUPS_UNREADABLE, NULL, "claim groups of provider corp",
         0},
        {"{\"sub\":\"x\",\"groups\":\"\"}", GROUPS_KNOWN, NULL, NULL, 0},
        {"{\"sub\":\"x\",\"groups\":[]}", GROUPS_KNOWN, NULL, NULL, 0},
        {"{\"sub\":\"x\",\"groups\":[\"engineering\",7,null,{\"name\":\"admins\"}]}", GROUPS_KNOWN,
         "corp/engineering", NULL, 1},
        {"{\"sub\":\"x\"}", GROUPS_UNREADABLE, NULL, "missing", 0},
    };
    run_groups(rows, sizeof rows / sizeof rows[0]);
}

static void C_002_roles_of_this_client_two_levels_down(void **state)
{
    (void)state;
    static const char *const path[] = {"resource_access", "sallyport", "roles"};
    static const struct groups_row rows[] = {
        {"{\"sub\":\"x\",\"resource_access\":{\"sallyport\":{\"roles\":[\"db-reader\"]},"
         "\"other-app\":{\"roles\":[\"admin\"]}}}",
         GROUPS_KNOWN, "corp/db-reader", NULL, 1},
        {"{\"sub\":\"x\",\"resource_access\":{\"other-app\":{\"roles\":[\"admin\"]}}}",
         GROUPS_UNREADABLE, NULL, "resource_access.sallyport.roles", 0},
        {"{\"sub\":\"x\",\"resource_access\":\"sallyport\"}", GROUPS_UNREADABLE, NULL, NULL, 0},
        {"{\"sub\":\"x\",\"resource_access\":{\"sallyport\":[\"admin\"]}}", GROUPS_UNREADABLE, NULL,
         NULL, 0},
    };

    oidc_free(rp);
    make_rp(path, 3, false);
    run_groups(rows, sizeof rows / sizeof rows[0]);
}

static void C_008_overage_is_unknown_and_says_so(void **state)
{
    (void)state;
    static const struct groups_row rows[] = {
        {"{\"sub\":\"u-1\",\"_claim_names\":{\"groups\":\"src1\"},\"_claim_sources\":{\"src1\":"
         "{\"endpoint\":\"https://graph.example.test/x\"}}}",
         GROUPS_UNREADABLE, NULL, "(overage)", 0},
        {"{\"sub\":\"u-2\",\"hasgroups\":true}", GROUPS_UNREADABLE, NULL, "(overage)", 0},
    };
    run_groups(rows, sizeof rows / sizeof rows[0]);
}

static void a_group_name_too_long_makes_groups_unreadable(void **state)
{
    (void)state;
    char claims[512], name[200];
    struct json *j = NULL;
    struct identity who = {0};

    memset(name, 'g', sizeof name);
    name[sizeof name - 1] = '\0';
    (void)snprintf(claims, sizeof claims, "{\"sub\":\"x\",\"groups\":[\"a\",\"%s\"]}", name);
    assert_int_equal(json_parse(view_str(claims), sizeof claims, NULL, &j), SP_OK);
    assert_int_equal(oidc_identity(corp(), j, NULL, &who), SP_OK);
    assert_int_equal(who.groups_state, GROUPS_UNREADABLE);
    assert_int_equal(who.group_count, 0);
    identity_deinit(&who);
    json_free(j);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(OA_01_OA_02_OA_03_RP_13_the_address_has_pkce_state_nonce_and_one_uri),
        CASE(RP_01_RP_14_happy_path_with_token_and_userinfo),
        CASE(RP_02_invalid_iss),
        CASE(RP_03_missing_sub),
        CASE(RP_04_invalid_aud),
        CASE(RP_05_missing_iat),
        CASE(RP_06_kid_absent_single_jwks),
        CASE(RP_07_kid_absent_multiple_jwks),
        CASE(INC_10_RP_10_invalid_signature),
        CASE(RP_11_IDT_17_userinfo_of_another_person_is_dropped),
        CASE(RP_20_IDT_15_a_wrong_at_hash_or_c_hash_is_refused),
        CASE(IDT_18_a_refresh_token_that_nobody_asked_for_is_not_used),
        CASE(JWT_08_a_subject_of_a_foreign_issuer_is_refused),
        CASE(RP_12_nonce_invalid),
        CASE(RP_16_discovery_issuer_mismatch),
        CASE(RP_19_an_error_is_shown_made_visible),
        CASE(IDT_20_the_iss_parameter_is_compared_before_the_token_call),
        CASE(IDT_21_code_and_error_together_are_refused),
        CASE(a_token_endpoint_that_says_no_is_a_refusal),
        CASE(C_001_only_a_json_string_names_a_group),
        CASE(C_002_roles_of_this_client_two_levels_down),
        CASE(C_008_overage_is_unknown_and_says_so),
        CASE(a_group_name_too_long_makes_groups_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
