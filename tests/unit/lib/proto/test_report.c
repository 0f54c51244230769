/* What a connector's gateway reports: whole, bounded, and nothing that people could not be shown.
 */
#include "lib/proto/gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define APP "AAAAAAAAAAAAAAAAAAAAAQ"

static struct api_report report;
static struct sp_why why;

static sp_error read_text(const char *text)
{
    static struct json *kept;
    struct json *j = NULL;

    assert_int_equal(json_parse(view_str(text), 256 * 1024, NULL, &j), SP_OK);
    why = (struct sp_why){0};
    sp_error e = api_report_read(j, &why, &report);
    json_free(kept);
    kept = j; /* the report's views borrow it */
    return e;
}

#define ROW(members) "{\"app\":\"" APP "\",\"round\":7,\"rows\":[{" members "}]}"

static void a_report_goes_there_and_back(void **state)
{
    (void)state;
    struct json *detail = json_object();
    static struct api_report in;

    json_set_cstr(detail, "shape", "object");
    in = (struct api_report){.app = {{1}},
                             .round = 5,
                             .ended = true,
                             .row_count = 1,
                             .hit_count = 1,
                             .coverage_count = 1,
                             .coverage = {{.requests = 9,
                                           .read = 3,
                                           .streaming = 1,
                                           .classes = {0, 9},
                                           .class_count = API_CLASSES,
                                           .own = {[API_BUCKETS - 1] = 9},
                                           .own_count = API_BUCKETS}},
                             .gauge_count = 1,
                             .gauges = {{.inventory = 77, .limits_used = 1000000}},
                             .documented = true};
    in.rows[0] = (struct api_row){.method = view_str("GET"),
                                  .path = view_str("/users/{user_id}"),
                                  .states = 3,
                                  .first = 1,
                                  .last = 2,
                                  .calls = 4,
                                  .detail = detail};
    in.hits[0] = (struct api_hit){
        .session = {{2}}, .reason = view_str("rate"), .rule = view_str("per-user"), .monitor = 3};
    struct json *j = fields_write(api_report_fields, &in);

    assert_non_null(j);
    assert_int_equal(api_report_read(j, NULL, &report), SP_OK);
    assert_true(report.ended && report.documented && !report.full);
    assert_int_equal(report.row_count, 1);
    assert_true(view_is(report.rows[0].path, "/users/{user_id}"));
    assert_int_equal(report.rows[0].states, 3);
    assert_true(view_is(json_str(json_get(report.rows[0].detail, "shape")), "object"));
    assert_true(view_is(report.hits[0].rule, "per-user"));
    assert_int_equal(report.hits[0].monitor, 3);
    assert_int_equal(report.coverage[0].read, 3);
    assert_int_equal(report.coverage[0].classes[1], 9);
    assert_int_equal(report.coverage[0].own[API_BUCKETS - 1], 9);
    assert_int_equal(report.coverage[0].upstream_count, 0);
    assert_int_equal(report.gauges[0].inventory, 77);
    json_free(j);
    json_free(detail);
}

static void what_is_no_endpoint_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sp_error e;
    } rows[] = {
        {ROW("\"method\":\"GET\",\"path\":\"/a\",\"first\":1,\"last\":1"), SP_OK},
        {ROW("\"method\":\"get\",\"path\":\"/a\""), SP_ERR_MALFORMED},
        {ROW("\"method\":\"GET\",\"path\":\"a\""), SP_ERR_MALFORMED},
        {ROW("\"method\":\"GET\",\"path\":\"/a\\u0007\""), SP_ERR_MALFORMED},
        {ROW("\"method\":\"GET\",\"path\":\"/a\",\"states\":64"), SP_ERR_LIMIT},
        {ROW("\"method\":\"GET\",\"path\":\"/a\",\"calls\":-1"), SP_ERR_LIMIT},
        {ROW("\"method\":\"GET\",\"path\":\"/a\",\"first\":2,\"last\":1"), SP_ERR_MALFORMED},
        {ROW("\"method\":\"GET\",\"path\":\"/a\",\"detail\":[]"), SP_ERR_MALFORMED},
        {ROW("\"method\":\"GET\",\"path\":\"/a\",\"name\":\"b\""), SP_ERR_MALFORMED},
        {ROW("\"method\":\"CONNECTED\",\"path\":\"/a\""), SP_ERR_LIMIT},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sp_error e = read_text(rows[i].text);
        if (rows[i].e == SP_ERR_LIMIT ? e != SP_ERR_LIMIT && e != SP_ERR_MALFORMED : e != rows[i].e)
            fail_msg("row %zu: %s (%s)", i, sp_error_text(e), why.text);
    }
}

static void a_report_has_its_limits(void **state)
{
    (void)state;
    struct buf text;

    buf_init(&text, 256 * 1024);
    for (size_t rows = API_ROWS_MAX; rows <= API_ROWS_MAX + 1; rows++) {
        buf_reset(&text);
        buf_add_str(&text, "{\"app\":\"" APP "\",\"round\":7,\"rows\":[");
        for (size_t i = 0; i < rows; i++)
            buf_addf(&text, "%s{\"method\":\"GET\",\"path\":\"/a%zu\"}", i > 0 ? "," : "", i);
        buf_add_str(&text, "]}");
        assert_int_equal(read_text(buf_cstr(&text)), rows == API_ROWS_MAX ? SP_OK : SP_ERR_LIMIT);
    }
    for (size_t len = API_PATH_MAX; len <= API_PATH_MAX + 1; len++) {
        buf_reset(&text);
        buf_add_str(&text,
                    "{\"app\":\"" APP "\",\"round\":7,\"rows\":[{\"method\":\"GET\",\"path\":\"");
        for (size_t i = 0; i < len; i++)
            buf_add_byte(&text, i == 0 ? '/' : 'a');
        buf_add_str(&text, "\"}]}");
        assert_int_equal(read_text(buf_cstr(&text)), len == API_PATH_MAX ? SP_OK : SP_ERR_LIMIT);
    }
    for (size_t n = API_BUCKETS; n <= API_BUCKETS + 1; n++) {
        buf_reset(&text);
        buf_add_str(&text, "{\"app\":\"" APP "\",\"round\":7,\"coverage\":[{\"own\":[");
        for (size_t i = 0; i < n; i++)
            buf_add_str(&text, i > 0 ? ",1" : "1");
        buf_add_str(&text, "]}]}");
        assert_int_equal(read_text(buf_cstr(&text)), n == API_BUCKETS ? SP_OK : SP_ERR_LIMIT);
    }
    assert_int_equal(read_text("{\"app\":\"" APP "\",\"round\":7,\"gauges\":[{\"limits_used\":"
                               "1000001}]}"),
                     SP_ERR_MALFORMED);
    buf_reset(&text);
    buf_add_str(&text,
                "{\"app\":\"" APP "\",\"round\":7,\"rows\":[{\"method\":\"GET\",\"path\":\"/a\","
                "\"detail\":{\"x\":\"");
    for (size_t i = 0; i < API_DETAIL_MAX; i++)
        buf_add_byte(&text, 'x');
    buf_add_str(&text, "\"}}]}");
    assert_int_equal(read_text(buf_cstr(&text)), SP_ERR_LIMIT);
    buf_deinit(&text);
}

static sp_error read_keys(const char *text)
{
    struct json *j = NULL;
    struct api_keys keys;

    assert_int_equal(json_parse(view_str(text), 64 * 1024, NULL, &j), SP_OK);
    sp_error e = api_keys_read(j, NULL, &keys);
    json_free(j);
    return e;
}

static void a_private_key_is_never_taken_for_a_public_one(void **state)
{
    (void)state;
    assert_int_equal(
        read_keys("{\"jwks\":{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\",\"x\":\"A\"}]}}"), SP_OK);
    assert_int_equal(
        read_keys("{\"jwks\":{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\",\"d\":\"A\"}]}}"),
        SP_ERR_MALFORMED);
    assert_int_equal(
        read_keys("{\"jwks\":{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"A\"}]}}"),
        SP_ERR_MALFORMED);
    assert_int_equal(read_keys("{\"jwks\":{\"keys\":[]}}"), SP_ERR_MALFORMED);
    assert_int_equal(read_keys("{\"jwks\":[]}"), SP_ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_goes_there_and_back),
        cmocka_unit_test(what_is_no_endpoint_is_refused),
        cmocka_unit_test(a_report_has_its_limits),
        cmocka_unit_test(a_private_key_is_never_taken_for_a_public_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
