#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connector/gateway/inventory/inventory.h"

static const sp_unix_ms NOW = 1764000000000, DAY = 24 * 60 * 60 * 1000;

static struct inventory *new_inventory(size_t bytes)
{
    struct inventory_options o = {.key = "a test's own key", .bytes_max = bytes, .began = NOW};
    struct inventory *v = NULL;

    assert_int_equal(inventory_new(&o, &v), SP_OK);
    return v;
}

struct seen_call {
    enum gw_method method;
    const char *path, *names; /* names parted by commas; NULL: no JSON */
    int status;
    bool token;
    sp_unix_ms at;
};

static size_t cut(const char *text, char by, struct view *out, size_t max)
{
    size_t n = 0;

    while (text != NULL && *text != '\0' && n < max) {
        const char *end = strchr(text, by);
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);
        out[n++] = (struct view){(const uint8_t *)text, len};
        text = end == NULL ? NULL : end + 1;
    }
    return n;
}

static struct endpoint *see(struct inventory *v, struct seen_call c)
{
    struct view segments[32], names[INVENTORY_NAMES_MAX];
    struct inventory_name properties[INVENTORY_NAMES_MAX];
    struct inventory_call call = {.at = c.at == 0 ? NOW : c.at,
                                  .method = c.method,
                                  .segments = segments,
                                  .status = c.status,
                                  .token = c.token,
                                  .user = 7,
                                  .latency_us = 1500,
                                  .response_bytes = 300,
                                  .properties = properties};

    call.segment_count = cut(c.path + 1, '/', segments, 32);
    call.property_count = cut(c.names, ',', names, INVENTORY_NAMES_MAX);
    call.shape = c.names == NULL ? SHAPE_NONE : SHAPE_OBJECT;
    for (size_t i = 0; i < call.property_count; i++)
        properties[i] = (struct inventory_name){names[i], VALUE_WORD};
    return inventory_see(v, &call);
}

static struct endpoint *ok(struct inventory *v, const char *path, const char *names)
{
    return see(v, (struct seen_call){GW_GET, path, names, 200, false, 0});
}

static const char *template_of(struct inventory *v, const struct endpoint *e)
{
    static char text[INVENTORY_TEMPLATE_MAX];

    assert_non_null(e);
    endpoint_template(v, e, text, sizeof text);
    return text;
}

static struct endpoint *find(struct inventory *v, const char *path)
{
    struct view segments[32];

    return inventory_find(v, GW_GET, cut(path + 1, '/', segments, 32), segments);
}

static void values_are_parameters_at_once_and_named_after_their_parent(void **state)
{
    struct inventory *v = new_inventory(0);
    size_t at[4];

    (void)state;
    assert_string_equal(template_of(v, ok(v, "/users/17", "id")), "/users/{user_id}");
    assert_string_equal(template_of(v, ok(v, "/users/18", "id")), "/users/{user_id}");
    assert_string_equal(template_of(v, ok(v, "/v1/policies/7/boxes/8", "a")),
                        "/v1/policies/{policy_id}/boxes/{box_id}");
    assert_string_equal(template_of(v, ok(v, "/status/1", "a")), "/status/{status_id}");
    assert_string_equal(template_of(v, ok(v, "/users/17/users/3", "id")),
                        "/users/{user_id}/users/{user_id2}");
    struct endpoint *e = find(v, "/users/17/users/3");
    assert_int_equal(endpoint_parameters(v, e, at, 4), 2);
    assert_true(at[0] == 1 && at[1] == 3);
    assert_int_equal(endpoint_parameters(v, e, at, 1), 1);
    assert_true(at[0] == 1);
    assert_string_equal(template_of(v, ok(v, "/", "a")), "/");
    inventory_free(v);
}

static void words_that_behave_alike_become_one_parameter_above_16(void **state)
{
    struct inventory *v = new_inventory(0);
    char path[64];

    (void)state;
    for (int i = 0; i < INVENTORY_GROUP; i++) {
        snprintf(path, sizeof path, "/people/name%c/orders", 'a' + i);
        ok(v, path, "id,total");
        snprintf(path, sizeof path, "/people/name%c", 'a' + i);
        ok(v, path, "login,mail");
    }
    ok(v, "/people/search", "hits,page");
    inventory_sweep(v, NOW);
    assert_string_equal(template_of(v, find(v, "/people/namea/orders")), "/people/namea/orders");
    ok(v, "/people/seventeenth/orders", "id,total");
    ok(v, "/people/seventeenth", "login,mail");
    inventory_sweep(v, NOW);
    assert_string_equal(template_of(v, find(v, "/people/namea/orders")),
                        "/people/{people_id}/orders");
    assert_string_equal(template_of(v, find(v, "/people/search")), "/people/search");
    /* A later word joins by the same test, without another sweep. */
    assert_string_equal(template_of(v, ok(v, "/people/late/orders", "id,total")),
                        "/people/{people_id}/orders");
    assert_string_equal(template_of(v, ok(v, "/people/export", "rows,link")), "/people/export");
    inventory_free(v);
}

static void see_reports(struct inventory *v)
{
    char path[64];

    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "/reports/kind%c", 'a' + i);
        ok(v, path, "rows,total");
    }
    inventory_sweep(v, NOW);
}

/* The broker has it by another path: it need not wait for its next call. */
static void what_was_merged_is_told_at_once(void **state)
{
    static const char *const below[] = {"", "/rows"};
    struct inventory *v = new_inventory(0);
    struct endpoint *e;
    char path[64];

    (void)state;
    for (int i = 0; i < 20; i++)
        for (size_t k = 0; k < 2; k++) {
            snprintf(path, sizeof path, "/reports/kind%c%s", 'a' + i, below[k]);
            endpoint_told(ok(v, path, "rows,total"), NOW);
        }
    assert_false(endpoint_is_news(find(v, "/reports/kindb"), NOW));
    uint64_t before = inventory_losses(v);
    inventory_sweep(v, NOW);
    assert_int_equal(inventory_losses(v), before + 40); /* none of the old paths is right */
    for (size_t k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "/reports/kindb%s", below[k]);
        assert_non_null(e = find(v, path));
        assert_true(endpoint_is_news(e, NOW));
        endpoint_told(e, NOW);
        assert_false(endpoint_is_news(e, NOW));
    }
    inventory_free(v);
}

static void an_admins_split_is_remembered(void **state)
{
    static const char *const paths[] = {"/nothing", "/reports"};
    struct inventory *v = new_inventory(0);

    (void)state;
    see_reports(v);
    assert_string_equal(template_of(v, find(v, "/reports/kindb")), "/reports/{report_id}");
    struct json *j = endpoint_json(v, find(v, "/reports/kindb"), NOW);
    assert_string_equal(json_cstr(json_at(json_get(j, "merged"), 0)), "/reports");
    assert_int_equal(json_len(json_get(j, "split")), 0);
    json_free(j);

    assert_int_equal(inventory_split(v, 2, paths), SP_OK);
    assert_null(find(v, "/reports/kindb"));
    see_reports(v);
    assert_string_equal(template_of(v, find(v, "/reports/kindb")), "/reports/kindb");
    j = endpoint_json(v, find(v, "/reports/kindb"), NOW);
    assert_string_equal(json_cstr(json_at(json_get(j, "split"), 0)), "/reports");
    assert_int_equal(json_len(json_get(j, "merged")), 0);
    json_free(j);

    assert_int_equal(inventory_split(v, 0, NULL), SP_OK); /* undone */
    inventory_sweep(v, NOW);
    assert_string_equal(template_of(v, find(v, "/reports/kindb")), "/reports/{report_id}");
    inventory_free(v);
}

/* A connector that knows nothing yet: the list counts from its first sweep on. */
static void a_split_counts_before_its_path_is_known(void **state)
{
    static const char *const paths[] = {"/reports"};
    struct inventory *v = new_inventory(0);

    (void)state;
    assert_int_equal(inventory_split(v, 1, paths), SP_OK);
    see_reports(v);
    assert_string_equal(template_of(v, find(v, "/reports/kindb")), "/reports/kindb");
    inventory_free(v);
}

static void templates_of_the_document_come_first(void **state)
{
    struct inventory *v = new_inventory(0);

    (void)state;
    assert_int_equal(inventory_document(v, GW_GET, view_str("/accounts/{id}"), false), SP_OK);
    assert_int_equal(inventory_document(v, GW_GET, view_str("/accounts/mine"), false), SP_OK);
    assert_int_equal(inventory_document(v, GW_GET, view_str("/accounts/{id}/log"), false), SP_OK);
    assert_int_equal(inventory_document(v, GW_GET, view_str("accounts"), false), SP_ERR_INVALID);
    assert_int_equal(inventory_document(v, GW_GET, view_str("/a//b"), false), SP_ERR_INVALID);
    assert_string_equal(template_of(v, ok(v, "/accounts/mine", "a")), "/accounts/mine");
    assert_string_equal(template_of(v, ok(v, "/accounts/word", "a")), "/accounts/{id}");
    /* The literal leads nowhere: the template does. */
    assert_string_equal(template_of(v, ok(v, "/accounts/mine/log", "a")), "/accounts/{id}/log");
    assert_true(endpoint_documented(find(v, "/accounts/mine/log")));
    struct endpoint *e = ok(v, "/accounts/5/secret", "a");
    assert_string_equal(template_of(v, e), "/accounts/{id}/secret");
    assert_false(endpoint_documented(e));
    inventory_free(v);
}

static void GW_42_states_follow_from_what_was_seen(void **state)
{
    struct inventory *v = new_inventory(0);
    struct view names[] = {view_str("id"), view_str("owner")};
    struct gwmatch old;

    (void)state;
    assert_int_equal(inventory_document(v, GW_GET, view_str("/v1/items/{id}"), false), SP_OK);
    assert_int_equal(inventory_document(v, GW_GET, view_str("/v2/items/{id}"), false), SP_OK);
    assert_int_equal(inventory_document(v, GW_GET, view_str("/v2/unused"), false), SP_OK);
    assert_int_equal(inventory_document(v, GW_GET, view_str("/v2/legacy"), true), SP_OK);
    assert_int_equal(inventory_expect(v, GW_GET, view_str("/v2/items/{id}"), 2, names), SP_OK);
    assert_int_equal(inventory_expect(v, GW_GET, view_str("/none"), 2, names), SP_ERR_NOT_FOUND);

    /* Where the document has a parameter a word is a value, also below paths that nobody knows. */
    struct view unknown[4] = {view_str("v2"), view_str("items"), view_str("anna"),
                              view_str("card")};
    assert_int_equal(inventory_values(v, 4, unknown), 1u << 2);

    struct endpoint *e = ok(v, "/v2/items/1", "id,owner");
    assert_int_equal(endpoint_states(v, e, NOW), ENDPOINT_DOCUMENTED);
    ok(v, "/v2/items/1", "id,owner,password");
    assert_int_equal(endpoint_states(v, e, NOW), ENDPOINT_DOCUMENTED | ENDPOINT_DRIFT);
    assert_int_equal(endpoint_states(v, ok(v, "/v1/items/1", "id"), NOW),
                     ENDPOINT_DOCUMENTED | ENDPOINT_ZOMBIE);
    assert_int_equal(endpoint_states(v, ok(v, "/v2/legacy", "id"), NOW),
                     ENDPOINT_DOCUMENTED | ENDPOINT_ZOMBIE);
    assert_int_equal(endpoint_states(v, ok(v, "/internal/debug", "id"), NOW), ENDPOINT_SHADOW);
    assert_int_equal(endpoint_states(v, find(v, "/v2/unused"), NOW + 29 * DAY),
                     ENDPOINT_DOCUMENTED);
    assert_int_equal(endpoint_states(v, find(v, "/v2/unused"), NOW + 31 * DAY),
                     ENDPOINT_DOCUMENTED | ENDPOINT_ORPHAN);

    e = see(v, (struct seen_call){GW_GET, "/v2/plain", "id", 200, true, 0});
    assert_int_equal(endpoint_states(v, e, NOW), ENDPOINT_SHADOW);
    ok(v, "/v2/plain", "id");
    assert_int_equal(endpoint_states(v, e, NOW), ENDPOINT_SHADOW | ENDPOINT_UNAUTHENTICATED);

    assert_int_equal(gwmatch_parse(view_str("/internal/**"), NULL, &old), SP_OK);
    inventory_retire(v, &old, NOW - DAY, NOW + DAY);
    assert_true(endpoint_states(v, find(v, "/internal/debug"), NOW) & ENDPOINT_ZOMBIE);
    inventory_free(v);
}

static void GW_41_a_million_unknown_paths_make_no_node(void **state)
{
    static const int refused[] = {404, 405, 400, 429};
    struct inventory *v = new_inventory(0);
    char path[96];

    (void)state;
    size_t before = inventory_figures(v).nodes, bytes = inventory_figures(v).bytes;
    for (unsigned i = 0; i < 1000000; i++) {
        snprintf(path, sizeof path, "/%x/%u/admin%u", i * 2654435761u, i % 977, i);
        assert_null(see(v, (struct seen_call){GW_GET, path, NULL, refused[i % 4], false, 0}));
    }
    struct inventory_figures f = inventory_figures(v);
    assert_true(f.nodes == before && f.endpoints == 0 && f.bytes == bytes && f.calls == 0);
    inventory_free(v);
}

static void nothing_grows_beyond_its_limit(void **state)
{
    struct inventory *v = new_inventory(0);
    char path[96], names[64];

    (void)state;
    /* Answers that differ from one another, so that nothing is merged. */
    for (unsigned i = 0; i < 40000; i++) {
        snprintf(path, sizeof path, "/x%c%u/y%uz", 'a' + (int)(i % 26), i, i);
        snprintf(names, sizeof names, "n%u,m%u", i, i * 7);
        ok(v, path, names);
    }
    struct inventory_figures f = inventory_figures(v);
    assert_true(f.nodes <= INVENTORY_NODES_MAX && f.endpoints <= INVENTORY_ENDPOINTS_MAX);
    assert_true(f.bytes <= 8u << 20);
    assert_true(f.not_kept > 0);
    /* Single calls make room for what is used. */
    inventory_sweep(v, NOW + 1);
    for (int i = 0; i < 3; i++)
        assert_non_null(ok(v, "/real/thing", "id"));
    /* Too long and too deep are not looked at. */
    char longest[INVENTORY_SEGMENT_BYTES_MAX + 4] = "/";
    memset(longest + 1, 'a', INVENTORY_SEGMENT_BYTES_MAX + 1);
    assert_null(ok(v, longest, "id"));
    longest[INVENTORY_SEGMENT_BYTES_MAX + 1] = '\0';
    assert_non_null(ok(v, longest, "id"));
    assert_null(ok(v, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21", "id"));
    inventory_free(v);
}

static void single_calls_are_forgotten_after_seven_days(void **state)
{
    struct inventory *v = new_inventory(0);

    (void)state;
    ok(v, "/once/only", "id");
    ok(v, "/twice/seen", "id");
    ok(v, "/twice/seen", "id");
    inventory_sweep(v, NOW + 6 * DAY);
    assert_non_null(find(v, "/once/only"));
    inventory_sweep(v, NOW + 8 * DAY);
    assert_null(find(v, "/once/only"));
    assert_non_null(find(v, "/twice/seen"));
    inventory_free(v);
}

static void fill(struct inventory *v)
{
    char path[64];

    for (int i = 0; i < 400; i++) {
        snprintf(path, sizeof path, "/shop/goods%c%c/parts/%d", 'a' + i % 26, 'a' + i / 26, i);
        ok(v, path, i % 2 ? "id,name,price" : "id,name");
        see(v, (struct seen_call){GW_POST, path, "id", 201, true, NOW + i});
    }
    inventory_sweep(v, NOW);
}

static struct buf text_of(struct inventory *v)
{
    struct json *all = json_array();
    struct endpoint *e;
    struct buf text;
    size_t at = 0;

    while ((e = inventory_next(v, &at)) != NULL)
        json_push(all, endpoint_json(v, e, NOW));
    buf_init(&text, 1 << 20);
    assert_int_equal(json_write(all, &text), SP_OK);
    json_free(all);
    return text;
}

static void GW_64_a_snapshot_comes_back_whole_or_not_at_all(void **state)
{
    struct inventory *a = new_inventory(0), *b = new_inventory(0);
    struct buf saved, before, after;

    (void)state;
    fill(a);
    buf_init(&saved, 1 << 20);
    assert_int_equal(inventory_save(a, &saved), SP_OK);
    for (size_t n = 0; n < saved.len; n += n < 200 || n + 200 > saved.len ? 1 : 97) {
        assert_int_equal(inventory_load(b, view_slice(buf_view(&saved), 0, n)), SP_ERR_MALFORMED);
        assert_int_equal(inventory_figures(b).endpoints, 0);
    }
    for (size_t n = 0; n < saved.len; n += 101) {
        saved.at[n] ^= 0x40;
        assert_int_equal(inventory_load(b, buf_view(&saved)), SP_ERR_MALFORMED);
        saved.at[n] ^= 0x40;
    }
    assert_int_equal(inventory_load(b, buf_view(&saved)), SP_OK);
    before = text_of(a);
    after = text_of(b);
    assert_int_equal(before.len, after.len);
    assert_int_equal(inventory_figures(b).nodes, inventory_figures(a).nodes);
    assert_string_equal(template_of(b, find(b, "/shop/goodsab/parts/7")),
                        "/shop/{shop_id}/parts/{part_id}");
    buf_deinit(&saved);
    buf_deinit(&before);
    buf_deinit(&after);
    inventory_free(a);
    inventory_free(b);
}

static void an_endpoint_is_shown_with_its_figures(void **state)
{
    struct inventory *v = new_inventory(0);

    (void)state;
    fill(v);
    struct json *o = endpoint_json(v, find(v, "/shop/goodsab/parts/7"), NOW);
    assert_true(view_is(json_str(json_get(o, "path")), "/shop/{shop_id}/parts/{part_id}"));
    assert_true(view_is(json_str(json_get(o, "method")), "GET"));
    int64_t n = 0;
    assert_true(json_integer(json_get(o, "calls"), &n) && n == 400);
    assert_true(json_integer(json_get(json_get(o, "latency_us"), "p50"), &n));
    assert_in_range(n, 1400, 1600);
    struct json *properties = json_get(o, "properties");
    assert_int_equal(json_len(properties), 3);
    assert_true(json_is_true(json_get(json_at(properties, 0), "always")));
    assert_false(json_is_true(json_get(json_at(properties, 2), "always")));
    json_free(o);

    struct json *draft = inventory_draft(v, view_str("shop"));
    struct json *item = json_get(json_get(draft, "paths"), "/shop/{shop_id}/parts/{part_id}");
    assert_non_null(json_get(item, "get"));
    struct json *parameters = json_get(json_get(item, "post"), "parameters");
    assert_int_equal(json_len(parameters), 2);
    assert_true(view_is(json_str(json_get(json_at(parameters, 1), "name")), "part_id"));
    assert_true(
        view_is(json_str(json_get(json_get(json_at(parameters, 1), "schema"), "type")), "integer"));
    json_free(draft);
    inventory_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_parameters_at_once_and_named_after_their_parent),
        cmocka_unit_test(words_that_behave_alike_become_one_parameter_above_16),
        cmocka_unit_test(what_was_merged_is_told_at_once),
        cmocka_unit_test(an_admins_split_is_remembered),
        cmocka_unit_test(a_split_counts_before_its_path_is_known),
        cmocka_unit_test(templates_of_the_document_come_first),
        cmocka_unit_test(GW_42_states_follow_from_what_was_seen),
        cmocka_unit_test(GW_41_a_million_unknown_paths_make_no_node),
        cmocka_unit_test(nothing_grows_beyond_its_limit),
        cmocka_unit_test(single_calls_are_forgotten_after_seven_days),
        cmocka_unit_test(GW_64_a_snapshot_comes_back_whole_or_not_at_all),
        cmocka_unit_test(an_endpoint_is_shown_with_its_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
