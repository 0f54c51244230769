/* What a provider's keys and documents become over time: rotated, withdrawn, emptied, down. */
#include "tests/unit/broker/identity/provider.h"

static void RP_17_key_rotation_just_before_signing(void **state)
{
    (void)state;
    struct key_secret *fresh = NULL;

    accepted();
    assert_int_equal(op.key_calls, 1);
    assert_int_equal(key_secret_new(KEY_P256, &fresh), SP_OK);
    key_secret_free(op.key);
    op.key = fresh;
    op.kid = op.published_kid = "k2";
    op.userinfo_calls = 0;
    accepted();
    assert_int_equal(op.key_calls, 2);
}

static void another_key(void)
{
    key_secret_free(op.key);
    assert_int_equal(key_secret_new(KEY_P256, &op.key), SP_OK);
}

/* The kid stays, the key is another one: refused with the old keys, and the new ones are fetched,
 * at the pace of IDT-06. What they do not verify stays refused. */
static void RP_17_FLT_11_another_key_under_the_same_kid_fails_closed_and_is_fetched(void **state)
{
    (void)state;

    accepted();
    another_key();
    op.userinfo_calls = 0;
    accepted();
    assert_int_equal(op.key_calls, 2);
    another_key(); /* again, within the 30 s */
    op.userinfo_calls = 0;
    for (int i = 0; i < 3; i++)
        refused(SP_ERR_SIGNATURE);
    assert_int_equal(op.key_calls, 2);
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_REFETCH_MS);
    accepted();
    assert_int_equal(op.key_calls, 3);
    op.foreign_signature = true;
    op.userinfo_calls = 0;
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_REFETCH_MS);
    refused(SP_ERR_SIGNATURE);
    assert_int_equal(op.key_calls, 4);
}

/* A key that the provider has withdrawn verifies until the cache ends, and never after. */
static void FLT_11_a_withdrawn_key_is_refused_after_the_refresh(void **state)
{
    (void)state;

    accepted();
    op.published_kid = "k2"; /* the set has another one now; somebody still signs with k1 */
    op.userinfo_calls = 0;
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_FRESH_MAX_MS);
    refused(SP_ERR_NOT_FOUND);
    refused(SP_ERR_NOT_FOUND);
}

static void IDT_06_an_unknown_kid_causes_one_refetch_in_30_s(void **state)
{
    (void)state;

    accepted();
    op.userinfo_calls = 0;
    op.kid = "never-published";
    refused(SP_ERR_NOT_FOUND);
    assert_int_equal(op.key_calls, 2);
    for (int i = 0; i < 5; i++)
        refused(SP_ERR_NOT_FOUND);
    assert_int_equal(op.key_calls, 2);
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_REFETCH_MS);
    refused(SP_ERR_NOT_FOUND);
    assert_int_equal(op.key_calls, 3);
}

static void FLT_11_an_empty_set_does_not_replace_a_good_one(void **state)
{
    (void)state;

    accepted();
    op.empty_keys = true;
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_FRESH_MAX_MS);
    op.userinfo_calls = 0;
    accepted();
    assert_int_equal(op.key_calls, 2);
    assert_int_equal(provider_state(corp()).keys_error, SP_ERR_PROTOCOL);
    clock_set_for_test(clock_unix(),
                       clock_boot() + DISCOVERY_FRESH_MAX_MS + DISCOVERY_STALE_MS_MAX);
    op.userinfo_calls = 0;
    refused(SP_ERR_PROTOCOL);
}

static void IDT_22_endpoints_are_https_and_documents_bounded(void **state)
{
    (void)state;
    struct sp_why why = {0};
    struct identity i = {0};

    op.http_endpoint = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_non_null(strstr(why.text, "token_endpoint"));
    op.http_endpoint = false;
    op.huge = true;
    clock_set_for_test(clock_unix(), clock_boot() + DISCOVERY_RETRY_MS);
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_non_null(strstr(why.text, "longer than"));
}

static void FLT_10_a_provider_that_is_down_costs_one_call_in_5_s_and_recovers(void **state)
{
    (void)state;
    struct sp_why why = {0};
    struct identity i = {0};
    sp_boot_ms now = clock_boot();

    clock_set_for_test(clock_unix(), now);
    op.page = true;
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    op.page = false; /* well again, but nobody asks yet */
    assert_int_equal(log_in(NULL, &why, &i), SP_ERR_PROTOCOL);
    assert_int_equal(op.discovery_calls, 0);
    clock_set_for_test(clock_unix(), now + DISCOVERY_RETRY_MS);
    accepted();
    assert_int_equal(op.discovery_calls, 1);
    /* down again: the last good documents serve on for an hour beyond their time */
    op.page = true;
    clock_set_for_test(clock_unix(), now + DISCOVERY_FRESH_MAX_MS + DISCOVERY_RETRY_MS);
    struct metadata m;
    assert_int_equal(discovery_metadata(corp()->discovery, &why, &m), SP_OK);
    clock_set_for_test(clock_unix(), now + 2 * (DISCOVERY_FRESH_MAX_MS + DISCOVERY_STALE_MS_MAX));
    assert_int_equal(discovery_metadata(corp()->discovery, &why, &m), SP_ERR_PROTOCOL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(RP_17_key_rotation_just_before_signing),
        CASE(RP_17_FLT_11_another_key_under_the_same_kid_fails_closed_and_is_fetched),
        CASE(FLT_11_a_withdrawn_key_is_refused_after_the_refresh),
        CASE(IDT_06_an_unknown_kid_causes_one_refetch_in_30_s),
        CASE(FLT_11_an_empty_set_does_not_replace_a_good_one),
        CASE(IDT_22_endpoints_are_https_and_documents_bounded),
        CASE(FLT_10_a_provider_that_is_down_costs_one_call_in_5_s_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
