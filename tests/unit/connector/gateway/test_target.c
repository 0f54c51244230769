#include "connector/gateway/target.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *path; /* as it goes on; NULL: refused */
    const char *segments[4];
    const char *query;
    bool slash;
} cases[] = {
    {"/", "/", {NULL}, "", false},
    {"/a/b", "/a/b", {"a", "b"}, "", false},
    {"/a/", "/a/", {"a"}, "", true},
    {"/a?x=1", "/a", {"a"}, "x=1", false},
    {"/?x", "/", {NULL}, "x", false},
    {"/%61%2d", "/a-", {"a-"}, "", false},
    {"/caf%c3%a9", "/caf%C3%A9", {"caf\xc3\xa9"}, "", false},
    {"/%252e%252e", "/%252e%252e", {"%2e%2e"}, "", false},
    {"/a%20b", "/a%20b", {"a b"}, "", false},
    {"/a%3bb", "/a%3Bb", {"a;b"}, "", false},
    {"/a%3fb", "/a%3Fb", {"a?b"}, "", false},
    {"/...", "/...", {"..."}, "", false},
    {"/a|{b}", "/a%7C%7Bb%7D", {"a|{b}"}, "", false},
    {"http://h/a", "/a", {"a"}, "", false},
    {"HTTP://H/a", "/a", {"a"}, "", false},
    {"http://h", "/", {NULL}, "", false},
    {"http://h?q=1", "/", {NULL}, "q=1", false},
    {"http://other/a", NULL, {NULL}, NULL, false},
    {"http://h.other/a", NULL, {NULL}, NULL, false},
    {"http://u@h/a", NULL, {NULL}, NULL, false},
    {"ftp://h/a", NULL, {NULL}, NULL, false},
    {"a", NULL, {NULL}, NULL, false},
    {"", NULL, {NULL}, NULL, false},
    {"*", NULL, {NULL}, NULL, false},
    {"/..", NULL, {NULL}, NULL, false},
    {"/a/../b", NULL, {NULL}, NULL, false},
    {"/a/%2e%2e/b", NULL, {NULL}, NULL, false},
    {"/a/.%2E/b", NULL, {NULL}, NULL, false},
    {"/a/./b", NULL, {NULL}, NULL, false},
    {"/a/%2e", NULL, {NULL}, NULL, false},
    {"//a", NULL, {NULL}, NULL, false},
    {"/a//b", NULL, {NULL}, NULL, false},
    {"/a//", NULL, {NULL}, NULL, false},
    {"/a%2fb", NULL, {NULL}, NULL, false},
    {"/a%5cb", NULL, {NULL}, NULL, false},
    {"/a\\b", NULL, {NULL}, NULL, false},
    {"/a;x", NULL, {NULL}, NULL, false},
    {"/..;/b", NULL, {NULL}, NULL, false},
    {"/a%00", NULL, {NULL}, NULL, false},
    {"/a%0a", NULL, {NULL}, NULL, false},
    {"/a%0D", NULL, {NULL}, NULL, false},
    {"/a%09", NULL, {NULL}, NULL, false},
    {"/a%7f", NULL, {NULL}, NULL, false},
    {"/%c0%ae%c0%ae", NULL, {NULL}, NULL, false},
    {"/%e0%80%ae", NULL, {NULL}, NULL, false},
    {"/%ff", NULL, {NULL}, NULL, false},
    {"/%", NULL, {NULL}, NULL, false},
    {"/%4", NULL, {NULL}, NULL, false},
    {"/%zz", NULL, {NULL}, NULL, false},
    {"/a#f", NULL, {NULL}, NULL, false},
    {"/a b", NULL, {NULL}, NULL, false},
    {"/a?x=%00", NULL, {NULL}, NULL, false},
    {"/a?x=%0d%0aSet-Cookie:1", NULL, {NULL}, NULL, false},
    {"/a?x=%z", NULL, {NULL}, NULL, false},
    {"/a?%0a=1", NULL, {NULL}, NULL, false},
};

static void SMG_18_one_decode_one_form_for_rules_and_application(void **state)
{
    static const struct target_options strict = {0};
    struct arena_pool pool = {.max = 1 << 20};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gw_target t = {0};
        struct arena *a;
        size_t n = 0;

        assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
        sp_error e = target_parse(view_str(cases[i].text), view_str("h"), GW_GET, &strict, a, &t);
        if ((e == SP_OK) != (cases[i].path != NULL))
            fail_msg("%s: %s", cases[i].text, sp_error_code(e));
        if (e == SP_OK) {
            if (!view_is(t.path, cases[i].path) || !view_is(t.query, cases[i].query) ||
                t.slash_at_end != cases[i].slash)
                fail_msg("%s: %.*s", cases[i].text, VIEW_ARG(t.path));
            while (n < 4 && cases[i].segments[n] != NULL) {
                assert_true(n < t.segment_count);
                assert_true(view_is(t.segments[n], cases[i].segments[n]));
                n++;
            }
            assert_int_equal(n, t.segment_count);
        }
        arena_free(a);
    }
    assert_int_equal(pool.in_use, 0);
}

static void an_encoded_slash_stays_inside_of_its_segment_where_allowed(void **state)
{
    static const struct target_options open = {.allow_encoded_slash = true};
    struct arena_pool pool = {.max = 1 << 20};
    struct gw_target t;
    struct arena *a;

    (void)state;
    assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
    assert_int_equal(target_parse(view_str("/a%2fb/c"), view_str("h"), GW_GET, &open, a, &t),
                     SP_OK);
    assert_true(view_is(t.path, "/a%2Fb/c"));
    assert_int_equal(t.segment_count, 2);
    assert_true(view_is(t.segments[0], "a/b"));
    assert_int_equal(target_parse(view_str("/..%2f"), view_str("h"), GW_GET, &open, a, &t), SP_OK);
    arena_free(a);
}

static void star_is_for_options_only(void **state)
{
    static const struct target_options strict = {0};
    struct arena_pool pool = {.max = 1 << 20};
    struct gw_target t;
    struct arena *a;

    (void)state;
    assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
    assert_int_equal(target_parse(view_str("*"), view_str("h"), GW_OPTIONS, &strict, a, &t), SP_OK);
    assert_int_equal(t.segment_count, 0);
    assert_int_equal(target_parse(view_str("*/x"), view_str("h"), GW_OPTIONS, &strict, a, &t),
                     SP_ERR_MALFORMED);
    arena_free(a);
}

static void pairs_are_decoded_once(void **state)
{
    struct arena_pool pool = {.max = 1 << 20};
    struct gw_pair *pairs;
    struct arena *a;
    size_t n;

    (void)state;
    assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
    assert_int_equal(target_pairs(view_str("a=1&b=%2541+c&&d&e="), a, 16, &pairs, &n), SP_OK);
    assert_int_equal(n, 4);
    assert_true(view_is(pairs[0].name, "a") && view_is(pairs[0].value, "1"));
    assert_true(view_is(pairs[1].name, "b") && view_is(pairs[1].value, "%41 c"));
    assert_true(view_is(pairs[2].name, "d") && pairs[2].value.len == 0);
    assert_true(view_is(pairs[3].name, "e") && pairs[3].value.len == 0);
    assert_int_equal(target_pairs(view_str("a&b&c"), a, 2, &pairs, &n), SP_ERR_LIMIT);
    assert_int_equal(target_pairs(view_str(""), a, 2, &pairs, &n), SP_OK);
    assert_int_equal(n, 0);
    arena_free(a);
}

static void segments_and_arena_have_limits(void **state)
{
    static const struct target_options strict = {0};
    struct arena_pool pool = {.max = 1 << 20};
    char path[2 * (GW_SEGMENTS_MAX + 1) + 1];
    struct gw_target t;
    struct arena *a;

    (void)state;
    for (size_t i = 0; i <= GW_SEGMENTS_MAX; i++)
        memcpy(path + 2 * i, "/a", 2);
    assert_int_equal(arena_new(&pool, 1 << 16, &a), SP_OK);
    struct view v = {(const uint8_t *)path, (size_t)2 * GW_SEGMENTS_MAX};
    assert_int_equal(target_parse(v, view_str("h"), GW_GET, &strict, a, &t), SP_OK);
    v.len += 2;
    assert_int_equal(target_parse(v, view_str("h"), GW_GET, &strict, a, &t), SP_ERR_LIMIT);
    arena_free(a);
    assert_int_equal(arena_new(&pool, 64, &a), SP_OK);
    assert_int_equal(target_parse(v, view_str("h"), GW_GET, &strict, a, &t), SP_ERR_LIMIT);
    assert_int_equal(arena_error(a), SP_ERR_LIMIT);
    arena_free(a);
}

static void HRD_6_arenas_share_one_cap(void **state)
{
    struct arena_pool pool = {.max = (size_t)3 * ARENA_BLOCK - 1};
    struct arena *a, *b, *none = NULL;

    (void)state;
    assert_int_equal(arena_new(&pool, SIZE_MAX, &a), SP_OK);
    assert_int_equal(arena_new(&pool, SIZE_MAX, &b), SP_OK);
    uint8_t *whole = arena_take(a, ARENA_BLOCK);
    assert_non_null(whole);
    assert_int_equal((uintptr_t)whole % ARENA_ALIGN, 0);
    assert_non_null(arena_take(b, 1));
    assert_null(arena_take(a, 1)); /* the pool lacks one byte of a third block */
    assert_int_equal(arena_new(&pool, SIZE_MAX, &none), SP_ERR_LIMIT);
    assert_null(none);
    assert_null(arena_array(a, SIZE_MAX / 2, 3));
    assert_int_equal(arena_error(a), SP_ERR_LIMIT);
    arena_free(a);
    arena_free(b);
    assert_int_equal(pool.in_use, 0);
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SMG_18_one_decode_one_form_for_rules_and_application),
        cmocka_unit_test(an_encoded_slash_stays_inside_of_its_segment_where_allowed),
        cmocka_unit_test(star_is_for_options_only),
        cmocka_unit_test(pairs_are_decoded_once),
        cmocka_unit_test(segments_and_arena_have_limits),
        cmocka_unit_test(HRD_6_arenas_share_one_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
