#include "lib/schema/format.h"
#include "lib/schema/schema.h"

#include "lib/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { ROOM = 64 * 1024 * 1024 };

static struct schema_program *compile(const char *text)
{
    struct schema_options options = {.assert_formats = true};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct schema_program *p = NULL;

    if (schema_compile(view_str(text), &options, &why, &p) != SP_OK)
        fail_msg("%.80s: %s %s", text, why.field, why.text);
    return p;
}

static enum schema_verdict run(const struct schema_program *p, const char *text,
                               struct schema_report *report)
{
    const struct value *v = NULL;
    struct scratch s;

    scratch_init(&s, ROOM);
    assert_int_equal(value_read(view_str(text), VALUE_DEPTH_MAX, &s, NULL, &v), SP_OK);
    enum schema_verdict verdict = schema_run(p, v, &s, report);
    scratch_deinit(&s);
    return verdict;
}

/* A fault says where and which keyword; what stood there is nowhere in it. */
static void faults_are_places_and_keywords(void **state)
{
    static const char schema[] =
        "{\"type\":\"object\",\"required\":[\"id\"],\"additionalProperties\":false,\"properties\":{"
        "\"id\":{\"type\":\"integer\",\"minimum\":1},"
        "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":3}},"
        "\"a/b\":{\"enum\":[1]},\"mail\":{\"type\":\"string\",\"format\":\"email\"}}}";
    static const struct {
        const char *instance;
        size_t count;
        struct {
            const char *keyword, *pointer;
        } faults[5];
    } cases[] = {
        {"{\"id\":1}", 0, {{NULL, NULL}}},
        {"{}", 1, {{"required", ""}}},
        {"[]", 1, {{"type", ""}}},
        {"{\"id\":0}", 1, {{"minimum", "/id"}}},
        {"{\"id\":1,\"x\":1}", 1, {{"additionalProperties", "/x"}}},
        {"{\"id\":1,\"a/b\":2}", 1, {{"enum", "/a~1b"}}},
        {"{\"id\":1,\"tags\":[\"abc\",\"secret\",7]}",
         2,
         {{"maxLength", "/tags/1"}, {"type", "/tags/2"}}},
        {"{\"id\":\"secret\",\"mail\":\"secret\",\"tags\":[1,2,3,4,5,6,7]}",
         5,
         {{"type", "/id"},
          {"format", "/mail"},
          {"type", "/tags/0"},
          {"type", "/tags/1"},
          {"type", "/tags/2"}}},
    };
    struct schema_program *p = compile(schema);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schema_report r = {0};
        enum schema_verdict v = run(p, cases[i].instance, &r);
        assert_int_equal(v, cases[i].count == 0 ? SCHEMA_VALID : SCHEMA_REFUSED);
        assert_int_equal(r.count, cases[i].count);
        for (size_t f = 0; f < r.count; f++) {
            assert_string_equal(r.faults[f].keyword, cases[i].faults[f].keyword);
            assert_string_equal(r.faults[f].pointer, cases[i].faults[f].pointer);
            assert_string_equal(r.faults[f].in, "body");
            assert_null(strstr(r.faults[f].pointer, "secret"));
        }
    }
    schema_program_free(p);
}

static void a_long_pointer_is_cut_between_characters(void **state)
{
    static char instance[4096];
    struct schema_program *p = compile("{\"additionalProperties\":false}");
    struct schema_report r = {0};
    size_t at = (size_t)snprintf(instance, sizeof instance, "{\"x");

    (void)state;
    for (int i = 0; i < 200; i++)
        at += (size_t)snprintf(instance + at, sizeof instance - at, "\xC3\xA9");
    snprintf(instance + at, sizeof instance - at, "\":1}");
    assert_int_equal(run(p, instance, &r), SCHEMA_REFUSED);
    assert_true(strlen(r.faults[0].pointer) < SCHEMA_POINTER_MAX);
    assert_non_null(strstr(r.faults[0].pointer, "\xC3\xA9\xE2\x80\xA6"));
    schema_program_free(p);
}

static void schemas_with_faults_are_refused_with_a_pointer(void **state)
{
    static const struct {
        const char *schema, *field, *says;
        sp_error e;
    } cases[] = {
        {"{", "", "", SP_ERR_MALFORMED},
        {"{\"a\":1,\"a\":2}", "", "twice", SP_ERR_MALFORMED},
        {"7", "", "object, true or false", SP_ERR_INVALID},
        {"{\"type\":\"strin\"}", "/type", "integer", SP_ERR_INVALID},
        {"{\"type\":[\"string\",\"x\"]}", "/type", "unknown", SP_ERR_INVALID},
        {"{\"minLength\":-1}", "/minLength", "0 or more", SP_ERR_INVALID},
        {"{\"minLength\":1.5}", "/minLength", "whole", SP_ERR_INVALID},
        {"{\"properties\":{\"a/b\":{\"maximum\":\"1\"}}}", "/properties/a~1b/maximum", "number",
         SP_ERR_INVALID},
        {"{\"multipleOf\":0}", "/multipleOf", "above 0", SP_ERR_INVALID},
        {"{\"pattern\":\"(\"}", "/pattern", "no regular expression", SP_ERR_INVALID},
        {"{\"pattern\":\"(*LIMIT_MATCH=1)a\"}", "/pattern", "no regular", SP_ERR_INVALID},
        {"{\"pattern\":\"(?C)a\"}", "/pattern", "no regular", SP_ERR_INVALID},
        {"{\"patternProperties\":{\"[\":true}}", "/patternProperties/[", "no regular",
         SP_ERR_INVALID},
        {"{\"allOf\":[]}", "/allOf", "at least one", SP_ERR_INVALID},
        {"{\"allOf\":[true,5]}", "/allOf/1", "object, true or false", SP_ERR_INVALID},
        {"{\"required\":\"a\"}", "/required", "list of names", SP_ERR_INVALID},
        {"{\"required\":[1]}", "/required", "list of names", SP_ERR_INVALID},
        {"{\"enum\":1}", "/enum", "list", SP_ERR_INVALID},
        {"{\"uniqueItems\":1}", "/uniqueItems", "true or false", SP_ERR_INVALID},
        {"{\"items\":{\"$ref\":\"#/$defs/x\"}}", "/items/$ref", "nowhere", SP_ERR_INVALID},
        {"{\"items\":{\"$ref\":\"#x\"}}", "/items/$ref", "nowhere", SP_ERR_INVALID},
        {"{\"items\":{\"$ref\":\"http://example.com/x\"}}", "/items/$ref", "nowhere",
         SP_ERR_INVALID},
        {"{\"items\":{\"$ref\":7}}", "/items/$ref", "text", SP_ERR_INVALID},
        {"{\"$ref\":\"#\"}", "", "back to itself", SP_ERR_INVALID},
        {"{\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/b\"}]},\"b\":{\"not\":{\"$ref\":"
         "\"#/$defs/a\"}}},\"$ref\":\"#/$defs/a\"}",
         "", "back to itself", SP_ERR_INVALID},
        {"{\"dependentRequired\":{\"a\":[1]}}", "/dependentRequired", "lists of names",
         SP_ERR_INVALID},
    };
    struct schema_options options = {.assert_formats = true};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        struct schema_program *p = NULL;
        sp_error e = schema_compile(view_str(cases[i].schema), &options, &why, &p);
        if (e != cases[i].e || strcmp(why.field, cases[i].field) != 0 ||
            strstr(why.text, cases[i].says) == NULL)
            fail_msg("%s: %s, %s: %s", cases[i].schema, sp_error_code(e), why.field, why.text);
        assert_null(p);
    }
}

static void a_schema_that_contains_itself_further_in_is_fine(void **state)
{
    struct schema_program *p = compile("{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":"
                                       "\"#\"}},\"additionalProperties\":false}");
    struct schema_report r = {0};

    (void)state;
    assert_int_equal(run(p, "{\"next\":{\"next\":{\"next\":{}}}}", &r), SCHEMA_VALID);
    assert_int_equal(run(p, "{\"next\":{\"next\":{\"nxt\":{}}}}", &r), SCHEMA_REFUSED);
    assert_string_equal(r.faults[0].pointer, "/next/next/nxt");
    schema_program_free(p);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 2^n ways through nested anyOf; each level asks the next twice. */
static char *nested_any(unsigned levels)
{
    struct buf b;

    buf_init(&b, 1024 * 1024);
    buf_add_str(&b, "{\"$defs\":{");
    for (unsigned i = 0; i < levels; i++)
        buf_addf(&b, "\"d%u\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%u\"},{\"$ref\":\"#/$defs/d%u\"}]},",
                 i, i + 1, i + 1);
    buf_addf(&b, "\"d%u\":{\"type\":\"null\"}},\"$ref\":\"#/$defs/d0\"}", levels);
    return buf_take_str(&b);
}

static void GW_23_exponential_branches_end_with_schema_cost(void **state)
{
    char *schema = nested_any(40);
    struct schema_program *p = compile(schema);
    struct schema_report r = {0};
    double began = seconds();

    (void)state;
    assert_int_equal(run(p, "1", &r), SCHEMA_COST);
    assert_true(seconds() - began < 0.5);
    schema_program_free(p);
    free(schema);
}

/* Patterns that backtrack for ever on the right text. */
static void GW_23_patterns_end_in_bounded_time(void **state)
{
    static const char *const patterns[] = {
        "^(a+)+$",
        "(a|a)*b",
        "(.*)*x",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(a|aa)+$",
        "a*a*a*a*a*a*b",
        "^(\\\\w+\\\\s?)*$",
        "(x+x+)+y",
        "([a-zA-Z]+)*\\\\d",
        "(?:a?){30}a{30}",
    };
    static char instance[100000], schema[256];

    (void)state;
    for (size_t len = 30; len < sizeof instance; len *= 10) {
        instance[0] = '"';
        memset(instance + 1, 'a', len);
        memcpy(instance + 1 + len, "!\"", 3);
        for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
            struct schema_report r = {0};
            snprintf(schema, sizeof schema, "{\"pattern\":\"%s\"}", patterns[i]);
            struct schema_program *p = compile(schema);
            double began = seconds();
            enum schema_verdict v = run(p, instance, &r);
            if (seconds() - began > 1.0)
                fail_msg("%s on %zu bytes took %.1f s", patterns[i], len, seconds() - began);
            assert_true(v == SCHEMA_COST || v == SCHEMA_REFUSED || v == SCHEMA_VALID);
            schema_program_free(p);
        }
    }
}

/* The same expensive pattern on thousands of strings: the budget is of the message. */
static void GW_23_many_costly_strings_share_one_budget(void **state)
{
    struct schema_program *p = compile("{\"items\":{\"pattern\":\"(a|aa)+$\"}}");
    struct schema_report r = {0};
    struct buf b;

    (void)state;
    buf_init(&b, 4 * 1024 * 1024);
    buf_add_str(&b, "[\"x\"");
    for (int i = 0; i < 5000; i++)
        buf_add_str(&b, ",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"");
    buf_add_str(&b, "]");
    double began = seconds();
    enum schema_verdict v = run(p, buf_cstr(&b), &r);
    assert_true(v == SCHEMA_COST || v == SCHEMA_REFUSED);
    assert_true(seconds() - began < 1.0);
    buf_deinit(&b);
    schema_program_free(p);
}

static void GW_23_an_enum_of_100000_is_one_look(void **state)
{
    struct schema_report r = {0};
    struct buf b;

    (void)state;
    buf_init(&b, 8 * 1024 * 1024);
    buf_add_str(&b, "{\"enum\":[null");
    for (int i = 0; i < 100000; i++)
        buf_addf(&b, i % 2 ? ",\"value %d\"" : ",%d", i);
    buf_add_str(&b, "]}");
    struct schema_program *p = compile(buf_cstr(&b));
    double began = seconds();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(run(p, "\"value 99999\"", &r), SCHEMA_VALID);
        assert_int_equal(run(p, "99998.0", &r), SCHEMA_VALID);
        assert_int_equal(run(p, "99999", &r), SCHEMA_REFUSED);
    }
    assert_true(seconds() - began < 1.0);
    schema_program_free(p);
    buf_deinit(&b);
}

static void GW_23_many_items_cost_steps(void **state)
{
    struct schema_program *p = compile("{\"uniqueItems\":true}");
    struct schema_report r = {0};
    struct buf b;

    (void)state;
    buf_init(&b, 8 * 1024 * 1024);
    buf_add_str(&b, "[0");
    for (int i = 1; i < 200000; i++)
        buf_addf(&b, ",%d", i);
    buf_add_str(&b, "]");
    assert_int_equal(run(p, buf_cstr(&b), &r), SCHEMA_COST);
    buf_deinit(&b);
    schema_program_free(p);
}

static void a_full_scratch_refuses(void **state)
{
    struct schema_program *p = compile("{\"uniqueItems\":true,\"unevaluatedItems\":false,"
                                       "\"items\":true}");
    const struct value *v = NULL;
    struct scratch values, none;
    struct schema_report r = {0};

    (void)state;
    scratch_init(&values, ROOM);
    scratch_init(&none, 0);
    assert_int_equal(
        value_read(view_str("[1,2,3,4,5,6,7,8,9,10]"), VALUE_DEPTH_MAX, &values, NULL, &v), SP_OK);
    assert_int_equal(schema_run(p, v, &none, &r), SCHEMA_NOMEM);
    scratch_deinit(&values);
    scratch_deinit(&none);
    schema_program_free(p);
}

static void formats_take_what_their_rfc_takes(void **state)
{
    static const struct {
        enum format f;
        const char *text;
        bool holds;
    } cases[] = {
        {FORMAT_DATE, "2026-03-31", true},
        {FORMAT_DATE, "2026-04-31", false},
        {FORMAT_DATE, "2024-02-29", true},
        {FORMAT_DATE, "2026-02-29", false},
        {FORMAT_DATE, "1900-02-29", false},
        {FORMAT_DATE, "2000-02-29", true},
        {FORMAT_DATE, "2026-00-10", false},
        {FORMAT_DATE, "2026-13-10", false},
        {FORMAT_DATE, "2026-01-00", false},
        {FORMAT_DATE, "2026-1-010", false},
        {FORMAT_DATE, "2026/01/01", false},
        {FORMAT_DATE, "202a-01-01", false},
        {FORMAT_DATE, "2026-01-01 ", false},
        {FORMAT_DATE, "2026-01-0", false},
        {FORMAT_TIME, "23:59:59Z", true},
        {FORMAT_TIME, "24:00:00Z", false},
        {FORMAT_TIME, "00:60:00Z", false},
        {FORMAT_TIME, "23:59:60Z", true},
        {FORMAT_TIME, "23:58:60Z", false},
        {FORMAT_TIME, "23:59:61Z", false},
        {FORMAT_TIME, "08:29:60+08:30", true},
        {FORMAT_TIME, "08:29:60.5+08:30", true},
        {FORMAT_TIME, "08:29:60-15:29", false},
        {FORMAT_TIME, "00:29:60+00:30", true},
        {FORMAT_TIME, "15:59:60-08:00", true},
        {FORMAT_TIME, "12:00:00.z", false},
        {FORMAT_TIME, "12:00:00.123456789012z", true},
        {FORMAT_TIME, "12:00:00", false},
        {FORMAT_TIME, "12:00:00+24:00", false},
        {FORMAT_TIME, "12:00:00+23:60", false},
        {FORMAT_TIME, "12:00:00+2300", false},
        {FORMAT_TIME, "12:00:00ZZ", false},
        {FORMAT_DATE_TIME, "2026-03-01T08:15:30Z", true},
        {FORMAT_DATE_TIME, "2026-03-01t08:15:30.25-07:00", true},
        {FORMAT_DATE_TIME, "2026-03-01 08:15:30Z", false},
        {FORMAT_DATE_TIME, "2026-03-01T", false},
        {FORMAT_DATE_TIME, "2026-03-01", false},
        {FORMAT_DATE_TIME, "", false},
        {FORMAT_UUID, "0f8fad5b-d9cb-469f-a165-708677289500", true},
        {FORMAT_UUID, "0F8FAD5B-D9CB-469F-A165-70867728950A", true},
        {FORMAT_UUID, "0f8fad5b-d9cb-469f-a165-70867728950g", false},
        {FORMAT_UUID, "`f8fad5b-d9cb-469f-a165-708677289500", false},
        {FORMAT_UUID, "0f8fad5b-d9cb-469f-a165-70867728950", false},
        {FORMAT_UUID, "0f8fad5b-d9cb-469f-a165-7086772895001", false},
        {FORMAT_UUID, "0f8fad5b-d9cb-469fa-165-708677289500", false},
        {FORMAT_UUID, "0f8fad5b0d9cb-469f-a165-708677289500", false},
        {FORMAT_UUID, "0f8fad5b-d9cb-469f-a165-7086772-9500", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (format_holds(cases[i].f, view_str(cases[i].text)) != cases[i].holds)
            fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_places_and_keywords),
        cmocka_unit_test(a_long_pointer_is_cut_between_characters),
        cmocka_unit_test(schemas_with_faults_are_refused_with_a_pointer),
        cmocka_unit_test(a_schema_that_contains_itself_further_in_is_fine),
        cmocka_unit_test(formats_take_what_their_rfc_takes),
        cmocka_unit_test(GW_23_exponential_branches_end_with_schema_cost),
        cmocka_unit_test(GW_23_patterns_end_in_bounded_time),
        cmocka_unit_test(GW_23_many_costly_strings_share_one_budget),
        cmocka_unit_test(GW_23_an_enum_of_100000_is_one_look),
        cmocka_unit_test(GW_23_many_items_cost_steps),
        cmocka_unit_test(a_full_scratch_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
