/* Small changes of a gateway's text: the rest stays byte for byte as its author wrote it. */
#include "lib/gateway/edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_text(struct buf *out, sp_error e, const char *right)
{
    struct gwconf *conf = NULL;
    struct sp_why why = {0};

    assert_int_equal(e, SP_OK);
    assert_string_equal(buf_cstr(out), right);
    if (gwconf_parse(buf_view(out), &why, &conf) != SP_OK)
        fail_msg("%s\n%s", why.text, right);
    gwconf_free(conf);
    buf_deinit(out);
}

static void set(const char *text, const char *part, const char *key, const char *value,
                const char *right)
{
    struct buf out;

    buf_init(&out, GWCONF_MAX);
    sp_error e = gwedit_set(view_str(text), part, key, value, &out);
    expect_text(&out, e, right);
}

static void a_mode_is_set_and_nothing_else_moves(void **state)
{
    (void)state;
    set("# ours\ndetectors: {bola: monitor, scanner: block} # \xc3\xa4\n", "detectors", "bola",
        "block", "# ours\ndetectors: {bola: block, scanner: block} # \xc3\xa4\n");
    set("detectors:\n  # \xc3\xa4\xc3\xb6\n  bola: 'monitor'   # look\n\nrate: []\n", "detectors",
        "bola", "block", "detectors:\n  # \xc3\xa4\xc3\xb6\n  bola: block   # look\n\nrate: []\n");
    set("subject: {match: \"GET /\xc3\xa4\", pointer: /id}\ninput_rules: {mode: \"monitor\", sqli: "
        "free-text}\n",
        "input_rules", "mode", "block",
        "subject: {match: \"GET /\xc3\xa4\", pointer: /id}\ninput_rules: {mode: block, sqli: "
        "free-text}\n");
    set("{\n  \"detectors\": {\n    \"bola\": \"off\"\n  }\n}", "detectors", "bola", "block",
        "{\n  \"detectors\": {\n    \"bola\": block\n  }\n}");
}

static void what_is_missing_is_added_in_front(void **state)
{
    (void)state;
    set("", "detectors", "bola", "block", "detectors: {bola: block}\n");
    set("# none\n", "detectors", "bola", "block", "detectors: {bola: block}\n# none\n");
    set("# ours\nidentity: {headers: true}\n", "detectors", "bola", "block",
        "# ours\ndetectors: {bola: block}\nidentity: {headers: true}\n");
    set("detectors: {}\n", "detectors", "bola", "block", "detectors: {bola: block}\n");
    set("detectors: {scanner: block}\n", "detectors", "bola", "block",
        "detectors: {bola: block, scanner: block}\n");
    set("detectors:\n   scanner: block\n", "detectors", "bola", "block",
        "detectors:\n   bola: block\n   scanner: block\n");
    set("{}", "detectors", "bola", "block", "{detectors: {bola: block}}");
}

#define OWNER(mode) \
    "{match: \"GET /a/{id}\", from: {response: /o}, equals: \"${user.email}\"" mode "}"

static void items(const char *text, struct gwedit_items which, const char *right)
{
    struct buf out;

    buf_init(&out, GWCONF_MAX);
    sp_error e = gwedit_set_items(view_str(text), &which, "mode", "block", &out);
    expect_text(&out, e, right);
}

static void items_of_a_list_are_set_together_or_by_name(void **state)
{
    (void)state;
    const struct gwedit_items limit_b = {.part = "rate", .named = "b"};
    struct buf out;

    items("owner:\n  - " OWNER(", mode: monitor") " # one\n  - " OWNER("") "\n  - " OWNER(
              ", mode: off") "\n",
          (struct gwedit_items){.part = "owner"},
          "owner:\n  - " OWNER(", mode: block") " # one\n"
                                                "  - {mode: block, match: \"GET /a/{id}\", from: "
                                                "{response: /o}, equals: \"${user.email}\"}\n"
                                                "  - " OWNER(", mode: off") "\n");
    items("rate:\n  - {name: a, key: [user], rate: 5/s, burst: 9, mode: monitor}\n"
          "  - {name: b, key: [user], rate: 5/s, burst: 9, mode: monitor}\n",
          limit_b,
          "rate:\n  - {name: a, key: [user], rate: 5/s, burst: 9, mode: monitor}\n"
          "  - {name: b, key: [user], rate: 5/s, burst: 9, mode: block}\n");
    items("detectors:\n  budget:\n    - match: GET /x\n      bytes: 1MiB\n",
          (struct gwedit_items){.part = "detectors", .list = "budget"},
          "detectors:\n  budget:\n    - mode: block\n      match: GET /x\n      bytes: 1MiB\n");
    buf_init(&out, GWCONF_MAX);
    assert_int_equal(gwedit_set_items(view_str("rate: []\n"), &limit_b, "mode", "block", &out),
                     SP_ERR_NOT_FOUND);
    buf_deinit(&out);
}

static void add(const char *text, const char *right)
{
    struct buf out;

    buf_init(&out, GWCONF_MAX);
    sp_error e = gwedit_add(view_str(text), "retire",
                            view_str("{match: 'GET /v1', sunset: 2026-12-31}"), &out);
    expect_text(&out, e, right);
}

static void a_retire_rule_is_added_to_the_list(void **state)
{
    (void)state;
    add("", "retire: [{match: 'GET /v1', sunset: 2026-12-31}]\n");
    add("retire: []\n", "retire: [{match: 'GET /v1', sunset: 2026-12-31}]\n");
    add("retire: [ {match: /v0, sunset: 2025-12-31} ]\n",
        "retire: [{match: 'GET /v1', sunset: 2026-12-31},  {match: /v0, sunset: 2025-12-31} ]\n");
    add("retire:\n  - match: /v0\n    sunset: 2025-12-31\n",
        "retire:\n  - {match: 'GET /v1', sunset: 2026-12-31}\n  - match: /v0\n    sunset: "
        "2025-12-31\n");
}

static void who_decides_is_found_with_its_mode(void **state)
{
    (void)state;
    static const char text[] = "openapi: {file: a.yaml, request: block, response: monitor}\n"
                               "owner: [" OWNER(", mode: block") ", " OWNER(
                                   "") "]\n"
                                       "rate: [{name: a, key: [user], rate: 5/s, burst: 9}]\n"
                                       "detectors: {bola: off}\n";
    static const struct {
        const char *reason, *rule, *part, *key;
        enum gw_mode mode;
    } cases[] = {
        {"schema", "", "openapi", "request", GW_BLOCK},
        {"schema", "response", "openapi", "response", GW_MONITOR},
        {"owner", "owner", "owner", "mode", GW_MONITOR}, /* one of two */
        {"rate", "a", "rate", "mode", GW_BLOCK},
        {"bola", "bola", "detectors", "bola", GW_OFF},
        {"volume", "exfiltration", "detectors", "exfiltration", GW_MONITOR},
        {"input", "ssrf", "input_rules", "mode", GW_MONITOR},
    };
    struct gwconf *conf = NULL;
    struct gw_decider d;

    assert_int_equal(gwconf_parse(view_str(text), NULL, &conf), SP_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(gwedit_decider(conf, cases[i].reason, cases[i].rule, &d));
        assert_string_equal(d.part, cases[i].part);
        assert_string_equal(d.key, cases[i].key);
        if (d.mode != cases[i].mode)
            fail_msg("%s: mode %d", cases[i].reason, (int)d.mode);
    }
    assert_false(gwedit_decider(conf, "session_ended", "", &d));
    gwconf_free(conf);
}

static void drop(const char *text, const char *value, const char *right)
{
    struct buf out;

    buf_init(&out, GWCONF_MAX);
    sp_error e = gwedit_drop(view_str(text), "split", view_str(value), &out);
    expect_text(&out, e, right);
}

static void an_item_goes_and_nothing_else_moves(void **state)
{
    (void)state;
    drop("split: ['/a', \"/b\", /c] # ours\n", "/a", "split: [\"/b\", /c] # ours\n");
    drop("split: ['/a', \"/b\", /c] # ours\n", "/b", "split: ['/a', /c] # ours\n");
    drop("split: ['/a', \"/b\", /c] # ours\n", "/c", "split: ['/a', \"/b\"] # ours\n");
    drop("split: ['/a']\nrate: []\n", "/a", "split: []\nrate: []\n");
    drop("split:\n  - /a # one\n  - '/b'\n  # end\nrate: []\n", "/a",
         "split:\n  - '/b'\n  # end\nrate: []\n");
    drop("split:\n  - /a\n  - '/b'", "/b", "split:\n  - /a\n");
    drop("split:\n  - /a # one\nrate: []\n", "/a", "split:\n  [] # one\nrate: []\n");
}

static void what_is_not_there_cannot_go(void **state)
{
    static const char *const texts[] = {"", "split: []\n", "split: ['/ab']\n", "rate: []\n"};
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_init(&out, GWCONF_MAX);
        assert_int_equal(gwedit_drop(view_str(texts[i]), "split", view_str("/a"), &out),
                         SP_ERR_NOT_FOUND);
        buf_deinit(&out);
    }
    buf_init(&out, GWCONF_MAX);
    assert_int_equal(
        gwedit_drop(view_str("split: [\"/\\u0061\"]\n"), "split", view_str("/a"), &out),
        SP_ERR_MALFORMED);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_goes_and_nothing_else_moves),
        cmocka_unit_test(what_is_not_there_cannot_go),
        cmocka_unit_test(a_mode_is_set_and_nothing_else_moves),
        cmocka_unit_test(what_is_missing_is_added_in_front),
        cmocka_unit_test(items_of_a_list_are_set_together_or_by_name),
        cmocka_unit_test(a_retire_rule_is_added_to_the_list),
        cmocka_unit_test(who_decides_is_found_with_its_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
