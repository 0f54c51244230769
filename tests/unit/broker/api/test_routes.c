/* INC-13: the route table is the contract, row by row. The handlers here are never called: what
 * is compared is the table. */
#include "broker/api/api.h"
#include "broker/api/assets.h"
#include "lib/config/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define H(name)                                              \
    sp_error api_##name(struct api *api, struct api_call *c) \
    {                                                        \
        (void)api;                                           \
        (void)c;                                             \
        return SP_ERR_INTERNAL;                              \
    }
#include "tests/unit/broker/api/handlers.h"
/* clang-format off */
H(bootstrap_spend)
H(bootstrap_end)
H(live)
/* clang-format on */

static const struct {
    enum http_method method;
    const char *word;
} methods[] = {
    {METHOD_GET, "get"}, {METHOD_POST, "post"}, {METHOD_PUT, "put"}, {METHOD_DELETE, "delete"}};

static const char *const classes[] = {"none", "open", "ticket", "browser"};
static const char *const roles[] = {"nobody", "public", "person", "viewer", "operator", "admin"};

static struct tree *contract(void)
{
    const struct asset *yaml = asset_find(view_str("/api/openapi.yaml"));
    struct sp_why why = {0};
    struct tree *t;

    assert_non_null(yaml);
    if (tree_parse(yaml->plain, TREE_BYTES_MAX, &why, &t) != SP_OK)
        fail_msg("openapi.yaml:%u: %s", why.line, why.text);
    return t;
}

static const struct json *operation(const struct tree *t, const struct route *r)
{
    const struct json *item = json_get(json_get(tree_root(t), "paths"), r->path);

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i].method == r->method)
            return json_get(item, methods[i].word);
    return NULL;
}

static void INC_13_every_route_is_in_the_contract_with_its_class_role_and_record(void **state)
{
    (void)state;
    struct tree *t = contract();

    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        const struct json *op = operation(t, r), *auth = json_get(op, "x-auth");
        const char *where = r->path;
        if (op == NULL)
            fail_msg("%s %s is not in openapi.yaml", http_method_name(r->method), where);
        if (strcmp(json_cstr(json_get(auth, "class")), classes[r->class]) != 0 ||
            strcmp(json_cstr(json_get(auth, "role")), roles[r->role]) != 0 ||
            json_is_true(json_get(auth, "fresh")) != r->fresh)
            fail_msg("%s %s: class, role or fresh differ", http_method_name(r->method), where);
        const char *said = json_cstr(json_get(op, "x-audit"));
        const char *event = r->record == RECORD_NOTHING ? "-" : audit_event_name(r->event);
        if (strcmp(said, event) != 0)
            fail_msg("%s %s: records %s, the contract says %s", http_method_name(r->method), where,
                     event, said);
    }
    tree_free(t);
}

static void INC_13_every_operation_of_the_contract_has_a_route(void **state)
{
    (void)state;
    struct tree *t = contract();
    const struct json *paths = json_get(tree_root(t), "paths");
    size_t count = 0;

    for (void *i = json_iter(paths); i != NULL; i = json_iter_next(paths, i))
        for (size_t m = 0; m < sizeof methods / sizeof *methods; m++)
            count += json_get(json_iter_value(i), methods[m].word) != NULL;
    assert_int_equal(count, api_route_count);
    tree_free(t);
}

static void INC_13_no_row_serves_without_class_and_role_and_no_change_goes_unrecorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        bool reads = r->method == METHOD_GET || strcmp(r->path, "/api/v1/policy/check") == 0 ||
                     strcmp(r->path, "/api/v1/policy/replay") == 0 ||
                     strcmp(r->path, "/api/v1/policy/simulate") == 0;
        assert_true(r->class != CLASS_NONE && r->role != ROLE_NOBODY && r->handler != NULL);
        assert_int_equal(r->class == CLASS_OPEN, r->role == ROLE_PUBLIC);
        if (!reads)
            assert_true(r->record != RECORD_NOTHING);
        if (r->record != RECORD_NOTHING)
            assert_true(r->event != AUDIT_UNNAMED);
        for (size_t k = 0; k < i; k++)
            assert_false(api_routes[k].method == r->method &&
                         strcmp(api_routes[k].path, r->path) == 0);
    }
}

static void only_the_contract_the_bootstrap_token_and_public_keys_are_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++)
        if (api_routes[i].class == CLASS_OPEN)
            assert_true(strcmp(api_routes[i].path, "/api/openapi.json") == 0 ||
                        strcmp(api_routes[i].path, "/api/v1/connectors/{id}/jwks.json") == 0 ||
                        (strcmp(api_routes[i].path, "/api/v1/bootstrap") == 0 &&
                         api_routes[i].method == METHOD_POST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(INC_13_every_route_is_in_the_contract_with_its_class_role_and_record),
        cmocka_unit_test(INC_13_every_operation_of_the_contract_has_a_route),
        cmocka_unit_test(INC_13_no_row_serves_without_class_and_role_and_no_change_goes_unrecorded),
        cmocka_unit_test(only_the_contract_the_bootstrap_token_and_public_keys_are_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
