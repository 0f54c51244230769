#include "lib/config/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct target {
    char *host;
    int64_t port;
};

struct house {
    char *listen;
    int64_t drain_ms, batch, workers;
    bool strict;
    int mode;
    struct config_strings names;
    struct {
        int cut;
        char *note;
    } tunnel;
    struct config_blocks targets;
};

static sp_error even(struct view v, struct sp_why *why)
{
    if (v.len > 0 && (v.at[v.len - 1] - '0') % 2 == 0)
        return SP_OK;
    return sp_why_say(why, SP_ERR_INVALID, "%.*s is odd; expected an even number", VIEW_ARG(v));
}

static const char *const modes[] = {"auto", "off", NULL};
static const struct config_field target_fields[] = {
    {.name = "host", .kind = CONFIG_STRING, .at = offsetof(struct target, host), .required = true},
    {.name = "port",
     .kind = CONFIG_INT,
     .at = offsetof(struct target, port),
     .min = 1,
     .max = 65535},
    {0},
};
static const struct config_field tunnel_fields[] = {
    {.name = "cut_through", .kind = CONFIG_WORD, .at = 0, .words = modes, .preset = "off"},
    {.name = "note", .kind = CONFIG_STRING, .at = sizeof(char *)},
    {0},
};
static const struct config_field fields[] = {
    {.name = "listen",
     .kind = CONFIG_STRING,
     .at = offsetof(struct house, listen),
     .required = true,
     .expected = "an address and port such as 0.0.0.0:443"},
    {.name = "drain_max",
     .kind = CONFIG_DURATION,
     .at = offsetof(struct house, drain_ms),
     .preset = "1h",
     .max = 86400000},
    {.name = "batch", .kind = CONFIG_SIZE, .at = offsetof(struct house, batch), .preset = "64KiB"},
    {.name = "workers", .kind = CONFIG_INT, .at = offsetof(struct house, workers), .check = even},
    {.name = "strict", .kind = CONFIG_BOOL, .at = offsetof(struct house, strict)},
    {.name = "mode", .kind = CONFIG_WORD, .at = offsetof(struct house, mode), .words = modes},
    {.name = "names", .kind = CONFIG_STRINGS, .at = offsetof(struct house, names), .max = 8},
    {.name = "tunnel",
     .kind = CONFIG_BLOCK,
     .at = offsetof(struct house, tunnel),
     .fields = tunnel_fields},
    {.name = "targets",
     .kind = CONFIG_BLOCKS,
     .at = offsetof(struct house, targets),
     .fields = target_fields,
     .size = sizeof(struct target)},
    {0},
};

static void test_a_whole_file(void **state)
{
    static const char text[] =
        "listen: 0.0.0.0:443\nworkers: 4\nstrict: true\nmode: off\n"
        "names: [a, b]\nbatch: 1MiB\ntunnel:\n  note: hi\n"
        "targets:\n  - host: wiki\n    port: 80\n  - {host: db, port: 5432}\n";
    struct house h = {0};
    struct sp_why why = {{0}, {0}, 0, 0};

    (void)state;
    if (config_read(view_str(text), "t.yaml", fields, &h, &why) != SP_OK)
        fail_msg("%s", why.text);
    assert_string_equal(h.listen, "0.0.0.0:443");
    assert_int_equal(h.drain_ms, 3600000);
    assert_int_equal(h.batch, 1 << 20);
    assert_int_equal(h.workers, 4);
    assert_true(h.strict);
    assert_int_equal(h.mode, 1);
    assert_int_equal(h.names.count, 2);
    assert_string_equal(h.names.items[1], "b");
    assert_int_equal(h.tunnel.cut, 1); /* its preset */
    assert_string_equal(h.tunnel.note, "hi");
    assert_int_equal(h.targets.count, 2);
    const struct target *targets = h.targets.items;
    assert_string_equal(targets[1].host, "db");
    assert_int_equal(targets[1].port, 5432);
    config_free(fields, &h);
    assert_null(h.listen);
    config_free(fields, &h); /* a freed one may be freed */
}

static void test_each_mistake_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *says, *field;
    } cases[] = {
        {"", "t.yaml: listen: it is missing; expected an address and port", "listen"},
        {"listen: a\nmodus: off\n",
         "t.yaml:2:1: modus: there is no such setting; did you mean "
         "\"mode\"?",
         "modus"},
        {"listen: a\nzzzzzzzzz: 1\n", "possible are listen, drain_max", "zzzzzzzzz"},
        {"listen: [a]\n", "t.yaml:1:1: listen: array was found; expected an address", "listen"},
        {"listen: a\nmode: maybe\n", "expected one of auto, off", "mode"},
        {"listen: a\nmode: true\n", "boolean was found", "mode"},
        {"listen: a\ndrain_max: 25h\n", "outside 0 to 86400000 ms", "drain_max"},
        {"listen: a\ndrain_max: 90\n", "integer was found; expected a duration", "drain_max"},
        {"listen: a\nworkers: 3\n", "is odd", "workers"},
        {"listen: a\nnames: [toolongname]\n", "not right", "names"},
        {"listen: a\nnames: [1]\n", "item 1 is integer", "names"},
        {"listen: a\ntunnel: {cut: 1}\n", "t.yaml:2:10: tunnel.cut", "tunnel.cut"},
        {"listen: a\ntargets:\n  - host: x\n    port: 0\n",
         "t.yaml:4:5: targets[0].port: \"0\" is outside 1 to 65535", "targets[0].port"},
        {"listen: a\ntargets:\n  - host: x\n  - port: 5\n",
         "t.yaml:4:5: targets[1].host: it is missing", "targets[1].host"},
        {"listen: a\ntargets: x\n", "a list was expected", "targets"},
        {"- a\n", "names and values were expected", ""},
        {"listen: a\nlisten: b\n", "t.yaml:2:1: \"listen\" stands here a second time", ""},
        {"listen: a\nbatch: 1KB\n", "expected a size", "batch"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct house h = {0};
        struct sp_why why = {{0}, {0}, 0, 0};

        assert_int_not_equal(config_read(view_str(cases[i].text), "t.yaml", fields, &h, &why),
                             SP_OK);
        if (strstr(why.text, cases[i].says) == NULL || strcmp(why.field, cases[i].field) != 0)
            fail_msg("%s\n-> %s (%s)", cases[i].text, why.text, why.field);
        config_free(fields, &h);
    }
}

static void test_flags_and_environment_override(void **state)
{
    struct house h = {0};
    struct sp_why why = {{0}, {0}, 0, 0};

    (void)state;
    assert_int_equal(config_read(view_str("listen: a\nnames: [x]\n"), "t", fields, &h, NULL),
                     SP_OK);
    assert_int_equal(config_set(fields, &h, "tunnel.cut_through", "auto", NULL), SP_OK);
    assert_int_equal(h.tunnel.cut, 0);
    assert_int_equal(config_set(fields, &h, "names", "p,q", NULL), SP_OK);
    assert_int_equal(h.names.count, 2);
    assert_int_equal(config_set(fields, &h, "tunnel", "x", &why), SP_ERR_INVALID);
    assert_int_equal(config_set(fields, &h, "targets", "x", &why), SP_ERR_INVALID);
    assert_int_equal(config_set(fields, &h, "tunnel.cut_through.x", "x", &why), SP_ERR_INVALID);
    setenv("SPTEST_TUNNEL_CUT_THROUGH", "off", 1);
    setenv("SPTEST_LISTEN", "b", 1);
    assert_int_equal(config_environment(fields, &h, "SPTEST_", &why), SP_OK);
    assert_int_equal(h.tunnel.cut, 1);
    assert_string_equal(h.listen, "b");
    setenv("SPTEST_DRAIN_MAX", "soon", 1);
    why = (struct sp_why){{0}, {0}, 0, 0};
    assert_int_equal(config_environment(fields, &h, "SPTEST_", &why), SP_ERR_INVALID);
    assert_non_null(strstr(why.text, "environment: SPTEST_DRAIN_MAX: \"soon\""));
    config_free(fields, &h);
}

static void test_a_missing_file(void **state)
{
    struct house h = {0};
    struct sp_why why = {{0}, {0}, 0, 0};

    (void)state;
    assert_int_equal(config_load("/nonexistent/x.yaml", fields, &h, &why), SP_ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "/nonexistent/x.yaml"));
    config_free(fields, &h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_each_mistake_is_told_with_its_place),
        cmocka_unit_test(test_flags_and_environment_override),
        cmocka_unit_test(test_a_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
