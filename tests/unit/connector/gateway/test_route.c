#include "connector/gateway/route.h"

#include "connector/gateway/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char document[] =
    "openapi: 3.0.0\n"
    "info: {title: t, version: '1'}\n"
    "servers: [{url: 'https://h.example/v1'}, {url: /old/}]\n"
    "paths:\n"
    "  /: {get: {operationId: root}}\n"
    "  /pets: {get: {operationId: list}, post: {operationId: make}}\n"
    "  /pets/mine: {get: {operationId: mine}}\n"
    "  /pets/{id}: {get: {operationId: pet}, delete: {operationId: drop}}\n"
    "  /pets/{id}/toys/{toy}: {put: {operationId: toy}}\n"
    "  /pets/mine/food: {get: {operationId: food}}\n"
    "  /files/{name}.json: {get: {operationId: json}}\n"
    "  /files/{name}: {get: {operationId: file}}\n"
    "  /range/{from}..{to}: {get: {operationId: range}}\n"
    "  /slash/: {get: {operationId: slash}}\n"
    "  /trace: {trace: {operationId: trace}}\n";

/* "pet id=7", "405 GET HEAD", "404". */
static void find(const struct routes *r, const char *method, const char *path, char out[256])
{
    struct arena_pool pool = {0, 1 << 20};
    struct gw_request q = {.method = gw_method_parse(view_str(method))};
    struct target_options o = {0};
    struct gw_route route = {0};
    size_t len;

    assert_int_equal(arena_new(&pool, 1 << 16, &q.arena), SP_OK);
    assert_int_equal(target_parse(view_str(path), view_str("h"), q.method, &o, q.arena, &q.target),
                     SP_OK);
    assert_int_equal(routes_find(r, &q, &route), SP_OK);
    if (route.operation != NULL)
        len = (size_t)snprintf(out, 256, "%.*s", VIEW_ARG(route.operation_id));
    else
        len = (size_t)snprintf(out, 256, route.allowed == 0 ? "404" : "405");
    for (size_t i = 0; i < route.parameter_count; i++)
        len +=
            (size_t)snprintf(out + len, 256 - len, " %.*s=%.*s", VIEW_ARG(route.parameters[i].name),
                             VIEW_ARG(route.parameters[i].value));
    for (enum gw_method m = GW_GET; route.operation == NULL && m < GW_METHODS; m++) {
        if ((route.allowed & 1u << m) != 0)
            len += (size_t)snprintf(out + len, 256 - len, " %s", gw_method_name(m));
    }
    arena_free(q.arena);
}

static void check_rows(const char *prefix, const char *const rows[][3], size_t count)
{
    struct api_document *d = NULL;
    struct api_notes notes = {0};
    struct routes *r = NULL;
    char found[256];

    assert_int_equal(api_load(view_str(document), NULL, &notes, &d), SP_OK);
    assert_int_equal(routes_new(d, view_str(prefix), &r), SP_OK);
    for (size_t i = 0; i < count; i++) {
        find(r, rows[i][0], rows[i][1], found);
        if (strcmp(found, rows[i][2]) != 0)
            fail_msg("%s %s: %s, not %s", rows[i][0], rows[i][1], found, rows[i][2]);
    }
    routes_free(r);
    api_free(d);
    api_notes_deinit(&notes);
}

static void a_literal_beats_a_template_and_names_are_read(void **state)
{
    static const char *const rows[][3] = {
        {"GET", "/v1", "root"},
        {"GET", "/v1/pets", "list"},
        {"GET", "/v1/pets/", "list"},
        {"POST", "/v1/pets", "make"},
        {"HEAD", "/v1/pets", "list"},
        {"PATCH", "/v1/pets", "405 GET HEAD POST"},
        {"GET", "/v1/pets/mine", "mine"},
        {"DELETE", "/v1/pets/mine", "405 GET HEAD"},
        {"GET", "/v1/pets/7", "pet id=7"},
        {"GET", "/v1/pets/a%20b", "pet id=a b"},
        {"GET", "/v1/pets/MINE", "pet id=MINE"},
        {"PUT", "/v1/pets/7/toys/8", "toy id=7 toy=8"},
        {"PUT", "/v1/pets/mine/toys/8", "toy id=mine toy=8"}, /* back from the literal */
        {"GET", "/v1/pets/mine/food", "food"},
        {"GET", "/v1/files/a.json", "json name=a"},
        {"GET", "/v1/files/a.b.json", "json name=a.b"},
        {"GET", "/v1/files/.json", "file name=.json"},
        {"GET", "/v1/files/a.xml", "file name=a.xml"},
        {"GET", "/v1/range/1..9", "range from=1 to=9"},
        {"GET", "/v1/range/1..", "404"},
        {"GET", "/v1/range/1-9", "404"},
        {"GET", "/v1/slash", "slash"},
        {"GET", "/old/pets/7", "pet id=7"},
        {"GET", "/pets", "404"},
        {"GET", "/v2/pets", "404"},
        {"GET", "/v1/pets/7/toys", "404"},
        {"GET", "/v1/trace", "404"},
    };
    (void)state;
    check_rows("", rows, sizeof rows / sizeof *rows);
}

static void a_base_that_the_gateway_adds_itself_is_not_in_requests(void **state)
{
    static const char *const rows[][3] = {
        {"GET", "/pets", "list"},
        {"GET", "/v1/pets", "404"},
        {"GET", "/old/pets", "list"},
    };
    (void)state;
    check_rows("/v1", rows, sizeof rows / sizeof *rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_beats_a_template_and_names_are_read),
        cmocka_unit_test(a_base_that_the_gateway_adds_itself_is_not_in_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
