/* The command table, the rows of act.c and the contract of the API say the same. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/config/tree.h"
#include "lib/os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Operations of commands that have a function of their own, with the command. */
static const struct {
    const char *method, *path, *command;
} own[] = {
    {"get", "/me", "whoami"},
    {"post", "/bootstrap", "login"},
    {"delete", "/bootstrap", "logout"},
    {"post", "/apps", "app add"},
    {"put", "/apps/{}", "app set"},
    {"get", "/policies/{}", "policy show"},
    {"put", "/policies/{}", "policy apply"},
    {"get", "/policy", "policy show"},
    {"put", "/policy", "policy apply"},
    {"post", "/policy/check", "policy check"},
    {"post", "/policy/simulate", "policy simulate"},
    {"post", "/policy/replay", "policy replay"},
    {"get", "/policy/versions/{}", "policy show"},
    {"post", "/policy/versions/{}/rollback", "policy rollback"},
    {"post", "/policy/drafts", "draft save"},
    {"put", "/policy/drafts/{}", "draft save"},
    {"post", "/policy/drafts/{}/approve", "draft approve"},
    {"post", "/sites", "site add"},
    {"post", "/sites/{}/tokens", "connector token"},
    {"post", "/relays/tokens", "relay token"},
    {"post", "/users/{}/recovery-codes", "user recovery-codes"},
    {"post", "/sessions/{}/kill", "session kill"},
    {"post", "/sessions/kill", "session kill"},
    {"post", "/requests/{}/approve", "request approve"},
    {"post", "/incidents/{}/expect", "incident expect"},
    {"put", "/endpoints/{}/expected", "endpoint expect"},
    {"delete", "/endpoints/{}/expected", "endpoint unexpect"},
    {"post", "/endpoints/{}/retire", "endpoint retire"},
    {"post", "/endpoints/{}/limit", "endpoint limit"},
    {"post", "/endpoints/{}/split", "endpoint split"},
    {"post", "/endpoints/{}/merge", "endpoint merge"},
    {"put", "/apps/{}/gateway/mode", "gateway mode"},
    {"get", "/apps/{}/draft", "gateway draft"},
    {"put", "/apps/{}/document", "gateway upload"},
    {"post", "/apps/{}/documents/{}/restore", "gateway restore"},
    {"get", "/audit/export", "audit export"},
    {"get", "/audit/verification", "audit verify"},
    {"post", "/audit/verification", "audit verify"},
    {"get", "/why/{}", "why"},
    {"get", "/why", "why"},
    {"put", "/feeds/{}", "feed add"},
    {"post", "/feeds/{}/secret", "feed secret"},
};
/* What is for other programs, belongs to a browser's login, is a person's own (sallyport request),
 * a page's, or no answer that ends.
 */
static const char *const not_here[] = {
    "/connectors/{}/jwks.json", "/me/factor", "/me/sign-out", "/live", "/me/requests",
    "/me/requests/{}",          "/views",     "/views/{}"};

/* "/apps/{id}" and "/apps/{app}" are one shape: "/apps/{}"; a query is not part of it. */
static void shape_of(const char *path, char out[128])
{
    size_t n = 0;
    bool inside = false;

    if (strncmp(path, "/api/v1", 7) == 0)
        path += 7;
    for (; *path != '\0' && *path != '?' && n < 126; path++) {
        inside = inside && *path != '}';
        if (!inside)
            out[n++] = *path;
        inside = inside || *path == '{';
    }
    out[n] = '\0';
}

static const struct command *command_of(const char *name)
{
    for (size_t i = 0; i < admin_program.count; i++)
        if (strcmp(admin_program.commands[i].name, name) == 0)
            return &admin_program.commands[i];
    return NULL;
}

static bool has_option(const struct command *c, const char *name)
{
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->options[i].name != NULL; i++)
        if (strcmp(c->options[i].name, name) == 0)
            return true;
    return false;
}

static bool served(const char *method, const char *shape)
{
    for (size_t i = 0; i < acts_count; i++) {
        const char *word = acts[i].method == METHOD_GET      ? "get"
                           : acts[i].method == METHOD_POST   ? "post"
                           : acts[i].method == METHOD_DELETE ? "delete"
                                                             : "put";
        char mine[128];

        shape_of(acts[i].path, mine);
        if (strcmp(word, method) == 0 && strcmp(mine, shape) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i].method, method) == 0 && strcmp(own[i].path, shape) == 0)
            return command_of(own[i].command) != NULL;
    for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++)
        if (strcmp(not_here[i], shape) == 0)
            return true;
    return false;
}

static struct tree *contract(void)
{
    struct sp_why why = {0};
    struct tree *t = NULL;
    struct buf text;
    char path[4096];

    assert_non_null(getenv("SP_SRCDIR"));
    snprintf(path, sizeof path, "%s/broker/api/openapi.yaml", getenv("SP_SRCDIR"));
    buf_init(&text, TREE_BYTES_MAX);
    assert_int_equal(file_read(path, TREE_BYTES_MAX, &text, &why), SP_OK);
    assert_int_equal(tree_parse(buf_view(&text), TREE_BYTES_MAX, &why, &t), SP_OK);
    buf_deinit(&text);
    return t;
}

static void every_operation_of_the_contract_is_a_command(void **state)
{
    static const char *const methods[] = {"get", "post", "put", "delete"};
    struct tree *t = contract();
    const struct json *paths = json_get(tree_root(t), "paths");
    size_t seen = 0;

    (void)state;
    for (void *i = json_iter(paths); i != NULL; i = json_iter_next(paths, i)) {
        char shape[128];

        if (strncmp(json_iter_name(i), "/api/v1", 7) != 0)
            continue;
        shape_of(json_iter_name(i), shape);
        for (size_t m = 0; m < 4; m++)
            if (json_get(json_iter_value(i), methods[m]) != NULL && ++seen > 0 &&
                !served(methods[m], shape))
                fail_msg("no command does %s %s", methods[m], shape);
    }
    assert_true(seen > 50);
    tree_free(t);
}

static void every_row_is_an_operation_of_the_contract(void **state)
{
    struct tree *t = contract();
    const struct json *paths = json_get(tree_root(t), "paths");

    (void)state;
    for (size_t k = 0; k < acts_count; k++) {
        char mine[128], shape[128];
        bool found = false;

        shape_of(acts[k].path, mine);
        for (void *i = json_iter(paths); i != NULL; i = json_iter_next(paths, i)) {
            shape_of(json_iter_name(i), shape);
            found = found || strcmp(shape, mine) == 0;
        }
        if (!found)
            fail_msg("%s: the contract has no %s", acts[k].command, acts[k].path);
    }
    tree_free(t);
}

static void a_row_and_its_command_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < acts_count; i++) {
        const struct act *a = &acts[i];
        const struct command *c = command_of(a->command);
        size_t braces = 0;

        if (c == NULL)
            fail_msg("no command %s", a->command);
        for (const char *p = a->path; (p = strchr(p, '{')) != NULL; p++)
            braces++;
        if (c->run != act_run || c->args_min != braces || c->args_max != braces)
            fail_msg("%s takes other arguments than its path", a->command);
        assert_int_equal(a->reason, has_option(c, "reason"));
        assert_int_equal(a->shape == ACT_PAGES, has_option(c, "limit"));
        assert_int_equal(a->shape == ACT_PAGES || a->shape == ACT_ITEMS, a->columns != NULL);
        assert_int_equal(a->shape == ACT_NONE || a->shape == ACT_CUT, a->done != NULL);
        assert_true(a->done == NULL || c->args_min > 0); /* what it was done to is named */
        for (size_t q = 0; q < ACT_QUERY_MAX && a->query[q].option != NULL; q++)
            if (!has_option(c, a->query[q].option))
                fail_msg("%s lacks --%s", a->command, a->query[q].option);
    }
}

static void every_command_has_its_row_or_a_function_and_the_three_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < admin_program.count; i++) {
        const struct command *c = &admin_program.commands[i];

        if (c->run == act_run && act_find(c->name) == NULL)
            fail_msg("%s has no row", c->name);
        if (c->run == verb_gateway)
            continue; /* offline: it asks no broker */
        if (!has_option(c, "broker") || !has_option(c, "ca") || !has_option(c, "token-file"))
            fail_msg("%s can't be told where the broker is", c->name);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(c->name, admin_program.commands[k].name);
    }
}

static void a_problem_has_its_exit_code(void **state)
{
    static const struct {
        int status;
        const char *code;
        enum exit_code exit;
    } rows[] = {
        {401, "login", EXIT_LOGIN},
        {401, "step_up", EXIT_STEP_UP},
        {403, "role", EXIT_DENIED},
        {403, "cross_site", EXIT_DENIED},
        {404, "not_found", EXIT_ERROR},
        {409, "conflict", EXIT_ERROR},
        {409, "exists", EXIT_ERROR},
        {400, "malformed", EXIT_USAGE},
        {422, "invalid", EXIT_USAGE},
        {503, "unavailable", EXIT_UNREACHABLE},
        {503, "unreachable", EXIT_UNREACHABLE},
        {500, "internal", EXIT_ERROR},
        {401, NULL, EXIT_LOGIN},
        {403, "a word of tomorrow", EXIT_DENIED},
        {502, NULL, EXIT_UNREACHABLE},
        {418, NULL, EXIT_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(broker_exit(rows[i].status, rows[i].code), rows[i].exit);
}

static void values_are_shown_in_words(void **state)
{
    static const struct {
        const char *json;
        enum show_form form;
        const char *shown;
    } rows[] = {
        {"{\"v\":\"wiki\"}", SHOW_TEXT, "wiki"},
        {"{\"v\":null}", SHOW_TEXT, ""},
        {"{}", SHOW_TEXT, ""},
        {"{\"v\":true}", SHOW_TEXT, "yes"},
        {"{\"v\":7}", SHOW_TEXT, "7"},
        {"{\"v\":41}", SHOW_MS, "41 ms"},
        {"{\"v\":180000}", SHOW_MS, "3 min"},
        {"{\"v\":1023}", SHOW_BYTES, "1023 B"},
        {"{\"v\":1024}", SHOW_BYTES, "1.0 KiB"},
        {"{\"v\":1610612736}", SHOW_BYTES, "1.5 GiB"},
        {"{\"v\":\"2026-11-25T10:11:12.345Z\"}", SHOW_TIME, "2026-11-25 10:11:12Z"},
        {"{\"v\":\"soon\"}", SHOW_TIME, "soon"},
        {"{\"v\":[\"a\",\"b\"]}", SHOW_TEXT, "a, b"},
        {"{\"v\":[]}", SHOW_TEXT, ""},
        {"{\"v\":{\"id\":\"x\",\"name\":\"anna\"}}", SHOW_TEXT, "anna"},
        {"{\"v\":{\"env\":\"prod\",\"tier\":\"internal\"}}", SHOW_TEXT, "env=prod, tier=internal"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *j = NULL;
        struct buf out;

        buf_init(&out, 1024);
        assert_int_equal(json_parse(view_str(rows[i].json), 1024, NULL, &j), SP_OK);
        show_value(json_get(j, "v"), rows[i].form, &out);
        assert_string_equal(buf_cstr(&out), rows[i].shown);
        buf_deinit(&out);
        json_free(j);
    }
}

static void settings_come_back_as_they_were_kept(void **state)
{
    char folder[] = "/tmp/sp-admin-XXXXXX", path[128];
    struct settings s = {.broker = "https://b.example", .token_file = "/t"}, back;
    struct sp_why why = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sallyport/admin.json", folder);
    assert_int_equal(settings_read(path, &back, &why), SP_OK); /* none yet */
    assert_string_equal(back.broker, "");
    assert_int_equal(settings_write(path, &s, &why), SP_OK);
    assert_int_equal(settings_read(path, &back, &why), SP_OK);
    assert_string_equal(back.broker, s.broker);
    assert_string_equal(back.ca, "");
    assert_string_equal(back.token_file, s.token_file);
    assert_int_equal(file_write(path, view_str("{\"broker\":7}"), 0600, &why), SP_OK);
    assert_int_equal(settings_read(path, &back, &why), SP_ERR_MALFORMED);
    assert_int_equal(file_write(path, view_str("{\"token\":\"x\"}"), 0600, &why), SP_OK);
    assert_int_not_equal(settings_read(path, &back, &why), SP_OK);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_of_the_contract_is_a_command),
        cmocka_unit_test(every_row_is_an_operation_of_the_contract),
        cmocka_unit_test(a_row_and_its_command_fit),
        cmocka_unit_test(every_command_has_its_row_or_a_function_and_the_three_options),
        cmocka_unit_test(a_problem_has_its_exit_code),
        cmocka_unit_test(values_are_shown_in_words),
        cmocka_unit_test(settings_come_back_as_they_were_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
