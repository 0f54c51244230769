#include "broker/api/assets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct request get(const char *path, const struct http_header *headers, size_t count)
{
    return (struct request){
        .method = METHOD_GET, .path = view_str(path), .headers = headers, .header_count = count};
}

static void the_console_s_addresses_are_pages_and_nothing_else_is(void **state)
{
    (void)state;
    static const char *const yes[] = {"/",      "/apps", "/apps/x", "/why/R-1", "/sites/a/enrol",
                                      "/audit", "/users"};
    static const char *const no[] = {"",       "/app",          "/appsx", "/login", "/api/v1/apps",
                                     "/home",  "/assets/x.css", "//apps", "apps",   "/totp",
                                     "/Apps/x"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(assets_is_page(view_str(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(assets_is_page(view_str(no[i])));
}

static void the_table_has_no_name_twice_and_plain_and_gzip_differ(void **state)
{
    (void)state;
    assert_true(asset_count >= 3);
    for (size_t i = 0; i < asset_count; i++) {
        const struct asset *a = &asset_table[i];
        assert_ptr_equal(asset_find(view_str(a->path)), a);
        assert_true(a->plain.len > 0 && a->gzip.len > 18);
        assert_int_equal(a->gzip.at[0], 0x1f);
        assert_int_equal(a->gzip.at[1], 0x8b);
        assert_int_equal(a->etag[0], '"');
    }
}

static void a_browser_that_takes_gzip_gets_it_and_one_that_has_the_file_gets_304(void **state)
{
    (void)state;
    const struct asset *a = asset_find(view_str("/assets/style.css"));
    struct response res;

    assert_non_null(a);
    struct http_header packed[] = {{view_str("accept-encoding"), view_str("br, gzip;q=0.9")}};
    struct request req = get("/assets/style.css", packed, 1);
    response_init(&res);
    assert_true(assets_serve(&req, &res));
    assert_int_equal(res.status, 200);
    assert_ptr_equal(res.fixed.at, a->gzip.at);
    response_deinit(&res);

    req = get("/assets/style.css", NULL, 0);
    response_init(&res);
    assert_true(assets_serve(&req, &res));
    assert_ptr_equal(res.fixed.at, a->plain.at);
    response_deinit(&res);

    char seen[80];
    snprintf(seen, sizeof seen, "\"other\", W/%s", a->etag);
    struct http_header has[] = {{view_str("if-none-match"), view_str(seen)}};
    req = get("/assets/style.css", has, 1);
    response_init(&res);
    assert_true(assets_serve(&req, &res));
    assert_int_equal(res.status, 304);
    assert_int_equal(res.fixed.len, 0);
    response_deinit(&res);
}

static void what_changes_nothing_else_is_served_and_posts_are_left_to_others(void **state)
{
    (void)state;
    struct response res;
    struct request req = get("/assets/style.css", NULL, 0);

    req.method = METHOD_POST;
    response_init(&res);
    assert_false(assets_serve(&req, &res));
    req = get("/assets/nosuch.js", NULL, 0);
    assert_false(assets_serve(&req, &res));
    req = get("/api/openapi.yaml", NULL, 0); /* in the table, but the API serves it */
    assert_false(assets_serve(&req, &res));
    assert_int_equal(res.status, 0);
    response_deinit(&res);
}

static void TM_15_console_pages_are_not_kept_and_carry_the_console_s_policy(void **state)
{
    (void)state;
    struct response res;
    struct request req = get("/sessions", NULL, 0);

    response_init(&res);
    assert_true(assets_serve(&req, &res));
    if (asset_find(view_str("/index.html"))) {
        assert_int_equal(res.status, 200);
        assert_int_equal(res.policy, RESPONSE_CONSOLE);
    } else {
        assert_int_equal(res.status, 404);
    }
    response_deinit(&res);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_console_s_addresses_are_pages_and_nothing_else_is),
        cmocka_unit_test(the_table_has_no_name_twice_and_plain_and_gzip_differ),
        cmocka_unit_test(a_browser_that_takes_gzip_gets_it_and_one_that_has_the_file_gets_304),
        cmocka_unit_test(what_changes_nothing_else_is_served_and_posts_are_left_to_others),
        cmocka_unit_test(TM_15_console_pages_are_not_kept_and_carry_the_console_s_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
