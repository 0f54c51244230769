#include "lib/http/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct request req = {.ref = "R-7Q2M4K9C"};

static struct json *written(const struct problem *p, struct response *res)
{
    struct json *j = NULL;

    response_init(res);
    response_header(res, "set-cookie", view_str("left=over"));
    problem_write(p, &req, res);
    assert_int_equal(response_error(res), SP_OK);
    assert_int_equal(json_parse(buf_view(&res->body), 65536, NULL, &j), SP_OK);
    return j;
}

static const struct {
    sp_error e;
    int status;
    const char *code;
} rows[] = {
    {SP_ERR_INVALID, 400, "invalid"},         {SP_ERR_MALFORMED, 400, "malformed"},
    {SP_ERR_UNAUTHENTICATED, 401, "login"},   {SP_ERR_STEP_UP, 401, "step_up"},
    {SP_ERR_DENIED, 403, "denied"},           {SP_ERR_NOT_FOUND, 404, "not_found"},
    {SP_ERR_EXISTS, 409, "exists"},           {SP_ERR_CONFLICT, 409, "conflict"},
    {SP_ERR_EXPIRED, 410, "expired"},         {SP_ERR_LIMIT, 413, "too_large"},
    {SP_ERR_UNSUPPORTED, 415, "media_type"},  {SP_ERR_BUSY, 429, "busy"},
    {SP_ERR_UNREACHABLE, 503, "unreachable"}, {SP_ERR_INTERNAL, 500, "internal"},
    {SP_ERR_NOMEM, 500, "internal"},          {SP_ERR_CORRUPT, 500, "internal"},
};

static void the_same_error_has_the_same_status_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct problem p = problem_of(rows[i].e, NULL);
        assert_int_equal(p.status, rows[i].status);
        assert_string_equal(p.code, rows[i].code);
    }
}

static void ASVS_16_5_1_an_unexpected_error_shows_only_its_id(void **state)
{
    (void)state;
    struct sp_why why = {.text = "table users is damaged at page 7", .field = "db"};
    struct problem p = problem_of(SP_ERR_CORRUPT, &why);
    struct response res;
    struct json *j = written(&p, &res);

    assert_null(json_get(j, "detail"));
    assert_null(json_get(j, "field"));
    assert_string_equal(json_cstr(json_get(j, "request_id")), "R-7Q2M4K9C");
    assert_string_equal(json_cstr(json_get(j, "code")), "internal");
    json_free(j);
    response_deinit(&res);
}

static void a_refused_input_says_where(void **state)
{
    (void)state;
    struct sp_why why = {.text = "port 80800 is too large. Ports end at 65535.",
                         .field = "ports[0]",
                         .line = 3,
                         .column = 9};
    struct problem p = problem_of(SP_ERR_INVALID, &why);
    struct response res;
    struct json *j = written(&p, &res);
    int64_t n;

    assert_string_equal(json_cstr(json_get(j, "detail")), why.text);
    assert_string_equal(json_cstr(json_get(j, "field")), "ports[0]");
    assert_int_equal(json_get_int(j, "line", 0, 100, &n), SP_OK);
    assert_int_equal(n, 3);
    json_free(j);
    response_deinit(&res);
}

static void a_problem_replaces_what_the_handler_left(void **state)
{
    (void)state;
    struct problem p = problem_of(SP_ERR_DENIED, NULL);
    struct response res;
    struct json *j = written(&p, &res);

    assert_null(strstr(buf_cstr(&res.head), "left=over"));
    assert_non_null(strstr(buf_cstr(&res.head), "content-type: application/problem+json\r\n"));
    assert_int_equal(res.status, 403);
    json_free(j);
    response_deinit(&res);
}

static void a_step_up_says_so_in_www_authenticate(void **state)
{
    (void)state;
    struct problem p = problem_of(SP_ERR_STEP_UP, NULL);
    struct response res;
    struct json *j = written(&p, &res);

    assert_non_null(strstr(buf_cstr(&res.head), "insufficient_user_authentication"));
    json_free(j);
    response_deinit(&res);
}

static void reasons_and_remedies_are_lists(void **state)
{
    (void)state;
    struct problem p = {.status = 403,
                        .code = "requirement",
                        .reasons = {"Disk encryption: off", "Screen lock: unknown"},
                        .reason_count = 2,
                        .remedies = {"Turn encryption on."},
                        .remedy_count = 1};
    struct response res;
    struct json *j = written(&p, &res);

    assert_int_equal(json_len(json_get(j, "reasons")), 2);
    assert_string_equal(json_cstr(json_at(json_get(j, "remedies"), 0)), "Turn encryption on.");
    assert_string_equal(json_cstr(json_get(j, "title")), "Not allowed");
    json_free(j);
    response_deinit(&res);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_error_has_the_same_status_everywhere),
        cmocka_unit_test(ASVS_16_5_1_an_unexpected_error_shows_only_its_id),
        cmocka_unit_test(a_refused_input_says_where),
        cmocka_unit_test(a_problem_replaces_what_the_handler_left),
        cmocka_unit_test(a_step_up_says_so_in_www_authenticate),
        cmocka_unit_test(reasons_and_remedies_are_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
