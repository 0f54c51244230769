/* What vendors answer: their own words, words nobody knows, and what no vendor should say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/feeds/answer.h"
#include "broker/feeds/falcon.h"
#include "broker/feeds/intune.h"

#include <stdio.h>
#include <stdlib.h>

#define AID "0123456789abcdef0123456789abcdef"

static const struct feed_value *value_of(const struct feed_record *r, const char *signal)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->at[i].signal, signal) == 0)
            return &r->at[i];
    fail_msg("%s is not there", signal);
    return NULL;
}

/* ---- CrowdStrike -------------------------------------------------------------------------- */

static void a_page_of_ids_has_a_cursor_to_the_next(void **state)
{
    struct falcon_ids *ids = calloc(1, sizeof *ids);
    struct sp_why why = {0};

    (void)state;
    assert_non_null(ids);
    assert_int_equal(
        falcon_read_ids(view_str("{\"meta\":{\"pagination\":{\"after\":\"abc==\",\"total\":3}},"
                                 "\"resources\":[{\"aid\":\"" AID "\",\"score\":90},"
                                 "{\"aid\":\"0123456789ABCDEF0123456789ABCDEF\"},{\"aid\":\"x\"},"
                                 "{\"aid\":7},4,null]}"),
                        &why, ids),
        SP_OK);
    assert_int_equal(ids->count, 2);
    assert_string_equal(ids->at[0], AID);
    assert_string_equal(ids->at[1], AID); /* one spelling for one id */
    assert_string_equal(ids->after, "abc==");
    assert_int_equal(falcon_read_ids(view_str("{\"resources\":[]}"), &why, ids), SP_OK);
    assert_int_equal(ids->count, 0);
    assert_string_equal(ids->after, "");
    static const char *const cursors[] = {"7", "{}", "\"a\\u0001b\"", "[\"x\"]"};
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) { /* never the end of the list */
        char text[128];
        snprintf(text, sizeof text, "{\"resources\":[],\"meta\":{\"pagination\":{\"after\":%s}}}",
                 cursors[i]);
        assert_int_equal(falcon_read_ids(view_str(text), &why, ids), SP_ERR_MALFORMED);
    }
    assert_int_equal(falcon_read_ids(view_str("{\"resources\":[],\"meta\":{\"pagination\":{"
                                              "\"after\":null}}}"),
                                     &why, ids),
                     SP_OK);
    free(ids);
}

static void a_page_that_is_too_long_is_refused(void **state)
{
    struct falcon_ids *ids = calloc(1, sizeof *ids);
    struct buf b;

    (void)state;
    for (size_t n = FALCON_IDS_MAX; n <= FALCON_IDS_MAX + 1; n++) {
        struct sp_why why = {0};
        buf_init(&b, 1 << 20);
        buf_add_str(&b, "{\"resources\":[");
        for (size_t i = 0; i < n; i++)
            buf_addf(&b, "%s{\"aid\":\"" AID "\"}", i == 0 ? "" : ",");
        buf_add_str(&b, "]}");
        assert_int_equal(falcon_read_ids(buf_view(&b), &why, ids),
                         n == FALCON_IDS_MAX ? SP_OK : SP_ERR_LIMIT);
        assert_int_equal(why.text[0] != '\0', n != FALCON_IDS_MAX);
        buf_deinit(&b);
    }
    free(ids);
}

static void an_assessment_gives_its_scores(void **state)
{
    struct feed_records r = {0};
    struct sp_why why = {0};

    (void)state;
    assert_int_equal(
        falcon_read_assessments(
            view_str("{\"resources\":[{\"aid\":\"" AID "\",\"system_serial_number\":\"PF-123\","
                     "\"modified_time\":\"2026-11-25T04:05:06Z\",\"sensor_file_status\":"
                     "\"deployed\",\"assessment\":{\"os\":51,\"overall\":82,\"sensor_config\":100,"
                     "\"version\":\"3.1.0\"}},{\"assessment\":{\"overall\":1}}]}"),
            &why, &r),
        SP_OK);
    assert_int_equal(r.count, 1); /* the other one has no id */
    assert_string_equal(r.at[0].serial, "PF-123");
    assert_int_equal(r.at[0].seen_at, 1795579506000);
    assert_int_equal(value_of(&r.at[0], "falcon:overall")->kind, VALUE_NUMBER);
    assert_true(value_of(&r.at[0], "falcon:overall")->number == 82);
    assert_true(value_of(&r.at[0], "falcon:os")->number == 51);
    assert_true(value_of(&r.at[0], "falcon:sensor_config")->number == 100);
    assert_string_equal(value_of(&r.at[0], "falcon:sensor_file_status")->text, "deployed");
    assert_string_equal(value_of(&r.at[0], "falcon:version")->text, "3.1.0");
    feed_records_free(&r);
}

/* What is missing, or no score, is not told: never 0, never 100. */
static void FLT_12_a_score_that_is_none_is_unknown(void **state)
{
    static const char *const scores[] = {"",
                                         "\"overall\":null",
                                         "\"overall\":\"82\"",
                                         "\"overall\":101",
                                         "\"overall\":-1",
                                         "\"overall\":1e300",
                                         "\"overall\":[82]",
                                         "\"overall\":true"};

    (void)state;
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        struct feed_records r = {0};
        struct sp_why why = {0};
        char text[256];
        snprintf(text, sizeof text, "{\"resources\":[{\"aid\":\"" AID "\",\"assessment\":{%s}}]}",
                 scores[i]);
        assert_int_equal(falcon_read_assessments(view_str(text), &why, &r), SP_OK);
        assert_int_equal(value_of(&r.at[0], "falcon:overall")->kind, VALUE_NONE);
        assert_int_equal(r.at[0].seen_at, 0);
        feed_records_free(&r);
    }
}

/* ---- Intune ------------------------------------------------------------------------------- */

static struct url graph(void)
{
    struct url u;

    assert_int_equal(url_parse(view_str("https://graph.microsoft.com"), &u), SP_OK);
    return u;
}

static sp_error read_intune(const char *text, struct feed_records *r, char next[URL_BYTES_MAX + 1])
{
    struct url origin = graph();
    struct sp_why why = {0};
    sp_error e = intune_read_page(view_str(text), &origin, &why, r, next);

    assert_int_equal(e != SP_OK, why.text[0] != '\0');
    return e;
}

static void a_device_gives_what_intune_knows(void **state)
{
    char next[URL_BYTES_MAX + 1] = "";
    struct feed_records r = {0};

    (void)state;
    assert_int_equal(
        read_intune(
            "{\"@odata.context\":\"x\",\"@odata.nextLink\":\"https://graph.microsoft.com/v1.0/"
            "deviceManagement/managedDevices?$skiptoken=abc\",\"value\":[{\"id\":\"d1\","
            "\"serialNumber\":\"PF-123\",\"complianceState\":\"inGracePeriod\",\"isEncrypted\":"
            "false,\"jailBroken\":\"False\",\"osVersion\":\"24.04\",\"managedDeviceOwnerType\":"
            "\"company\",\"partnerReportedThreatState\":\"secured\",\"lastSyncDateTime\":"
            "\"2026-11-25T04:05:06.1234567Z\"},{\"serialNumber\":\"no id\"}]}",
            &r, next),
        SP_OK);
    assert_string_equal(
        next, "https://graph.microsoft.com/v1.0/deviceManagement/managedDevices?$skiptoken=abc");
    assert_int_equal(r.count, 1);
    assert_int_equal(r.at[0].seen_at, 1795579506123);
    assert_int_equal(value_of(&r.at[0], "disk_encryption")->kind, VALUE_PASS_FAIL);
    assert_false(value_of(&r.at[0], "disk_encryption")->pass);
    assert_string_equal(value_of(&r.at[0], "intune:compliance")->text, "inGracePeriod");
    assert_string_equal(value_of(&r.at[0], "intune:owner")->text, "company");
    assert_string_equal(value_of(&r.at[0], "intune:threat")->text, "secured");
    assert_string_equal(value_of(&r.at[0], "intune:jailbroken")->text, "False");
    assert_string_equal(value_of(&r.at[0], "intune:os_version")->text, "24.04");
    feed_records_free(&r);
}

static void FLT_12_a_word_that_nobody_knows_is_unknown(void **state)
{
    static const char *const words[] = {
        "\"unknown\"", "\"unknownFutureValue\"", "\"Compliant\"", "null", "true", "\"\""};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char next[URL_BYTES_MAX + 1] = "", text[256];
        struct feed_records r = {0};
        snprintf(text, sizeof text, "{\"value\":[{\"id\":\"d\",\"complianceState\":%s}]}",
                 words[i]);
        assert_int_equal(read_intune(text, &r, next), SP_OK);
        assert_string_equal(next, "");
        assert_int_equal(value_of(&r.at[0], "intune:compliance")->kind, VALUE_NONE);
        assert_int_equal(value_of(&r.at[0], "disk_encryption")->kind, VALUE_NONE);
        feed_records_free(&r);
    }
}

static void a_device_that_never_synced_has_no_age(void **state)
{
    char next[URL_BYTES_MAX + 1] = "";
    struct feed_records r = {0};

    (void)state;
    assert_int_equal(read_intune("{\"value\":[{\"id\":\"d\",\"isEncrypted\":true,"
                                 "\"lastSyncDateTime\":\"0001-01-01T00:00:00Z\"}]}",
                                 &r, next),
                     SP_OK);
    assert_int_equal(r.at[0].seen_at, 0);
    feed_records_free(&r);
}

/* The token goes with the next page: nobody leads it elsewhere. */
static void the_next_page_stays_on_its_origin(void **state)
{
    static const struct {
        const char *link;
        sp_error e;
    } cases[] = {{"https://graph.microsoft.com/next", SP_OK},
                 {"https://GRAPH.microsoft.com:443/next", SP_OK},
                 {"https://graph.microsoft.com.evil.example/next", SP_ERR_DENIED},
                 {"https://evil.example/next", SP_ERR_DENIED},
                 {"http://graph.microsoft.com/next", SP_ERR_DENIED},
                 {"https://graph.microsoft.com:444/next", SP_ERR_DENIED},
                 {"https://graph.microsoft.com@evil.example/", SP_ERR_MALFORMED},
                 {"//evil.example/next", SP_ERR_MALFORMED},
                 {"/next", SP_ERR_MALFORMED},
                 {"file:///etc/passwd", SP_ERR_MALFORMED},
                 {"", SP_ERR_MALFORMED}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char next[URL_BYTES_MAX + 1] = "", text[256];
        struct feed_records r = {0};
        snprintf(text, sizeof text, "{\"value\":[],\"@odata.nextLink\":\"%s\"}", cases[i].link);
        if (read_intune(text, &r, next) != cases[i].e)
            fail_msg("%s", cases[i].link);
        assert_string_equal(next, cases[i].e == SP_OK ? cases[i].link : "");
        feed_records_free(&r);
    }
    struct feed_records r = {0};
    char next[URL_BYTES_MAX + 1] = "https://graph.microsoft.com/here";
    assert_int_equal(read_intune("{\"value\":[],\"@odata.nextLink\":\"https://graph.microsoft.com/"
                                 "here\"}",
                                 &r, next),
                     SP_ERR_MALFORMED); /* in a circle */
    assert_int_equal(read_intune("{\"value\":[],\"@odata.nextLink\":7}", &r, next),
                     SP_ERR_MALFORMED);
}

/* ---- both --------------------------------------------------------------------------------- */

static void no_answer_of_that_form_is_refused_in_words(void **state)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "7",
                                        "null",
                                        "<html>",
                                        "{\"resources\":{}}",
                                        "{\"resources\":[],\"resources\":[]}",
                                        "{\"value\":\"x\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct falcon_ids *ids = calloc(1, sizeof *ids);
        char next[URL_BYTES_MAX + 1] = "";
        struct feed_records r = {0};
        struct sp_why why = {0};
        assert_int_equal(falcon_read_ids(view_str(texts[i]), &why, ids), SP_ERR_MALFORMED);
        assert_true(why.text[0] != '\0');
        assert_int_equal(falcon_read_assessments(view_str(texts[i]), &why, &r), SP_ERR_MALFORMED);
        assert_int_equal(read_intune(texts[i], &r, next), SP_ERR_MALFORMED);
        assert_int_equal(r.count, 0);
        free(ids);
    }
}

static void an_answer_of_10_MiB_is_refused(void **state)
{
    size_t size = 10 * 1024 * 1024;
    char *text = malloc(size);
    struct feed_records r = {0};
    struct sp_why why = {0};

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    memcpy(text, "{\"resources\":[]", 15);
    text[size - 1] = '}';
    assert_int_equal(falcon_read_assessments((struct view){(const uint8_t *)text, size}, &why, &r),
                     SP_ERR_LIMIT);
    free(text);
}

static void records_end_at_their_limit(void **state)
{
    struct feed_records r = {0};
    struct feed_record *one = NULL;

    (void)state;
    for (size_t i = 0; i < FEED_RECORDS_MAX; i++)
        assert_int_equal(feed_records_add(&r, &one), SP_OK);
    assert_int_equal(feed_records_add(&r, &one), SP_ERR_LIMIT);
    assert_int_equal(r.count, FEED_RECORDS_MAX);
    feed_records_free(&r);
}

static void a_token_is_what_a_header_can_carry(void **state)
{
    static const struct {
        const char *text;
        sp_error e;
    } cases[] = {
        {"{\"access_token\":\"abc.def\",\"token_type\":\"bearer\",\"expires_in\":1799}", SP_OK},
        {"{\"access_token\":\"abc\",\"token_type\":\"Bearer\"}", SP_OK},
        {"{\"access_token\":\"abc\",\"token_type\":\"mac\"}", SP_ERR_MALFORMED},
        {"{\"access_token\":\"abc\"}", SP_ERR_MALFORMED},
        {"{\"access_token\":\"\",\"token_type\":\"bearer\"}", SP_ERR_MALFORMED},
        {"{\"access_token\":\"a b\",\"token_type\":\"bearer\"}", SP_ERR_MALFORMED},
        {"{\"access_token\":\"a\\r\\nHost: x\",\"token_type\":\"bearer\"}", SP_ERR_MALFORMED},
        {"{\"access_token\":7,\"token_type\":\"bearer\"}", SP_ERR_MALFORMED},
        {"{\"token_type\":\"bearer\"}", SP_ERR_MALFORMED},
        {"broken", SP_ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct secret *token = NULL;
        struct sp_why why = {0};
        if (answer_token(view_str(cases[i].text), &why, &token) != cases[i].e)
            fail_msg("%s", cases[i].text);
        assert_int_equal(token != NULL, cases[i].e == SP_OK);
        secret_free(token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_ids_has_a_cursor_to_the_next),
        cmocka_unit_test(a_page_that_is_too_long_is_refused),
        cmocka_unit_test(an_assessment_gives_its_scores),
        cmocka_unit_test(FLT_12_a_score_that_is_none_is_unknown),
        cmocka_unit_test(a_device_gives_what_intune_knows),
        cmocka_unit_test(FLT_12_a_word_that_nobody_knows_is_unknown),
        cmocka_unit_test(a_device_that_never_synced_has_no_age),
        cmocka_unit_test(the_next_page_stays_on_its_origin),
        cmocka_unit_test(no_answer_of_that_form_is_refused_in_words),
        cmocka_unit_test(an_answer_of_10_MiB_is_refused),
        cmocka_unit_test(records_end_at_their_limit),
        cmocka_unit_test(a_token_is_what_a_header_can_carry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
