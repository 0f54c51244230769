#include "lib/term/command.h"
#include "lib/term/manual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct command_call seen;
static char seen_args[256];

static int run_seen(const struct command_call *call)
{
    seen = *call;
    seen_args[0] = '\0';
    for (size_t i = 0; i < call->count; i++) {
        strncat(seen_args, call->args[i], sizeof seen_args - strlen(seen_args) - 2);
        strncat(seen_args, "|", 2);
    }
    return EXIT_DENIED;
}

static const struct command commands[] = {
    {"login",
     "[--broker URL] [--no-browser]",
     "sign in",
     ".A line that begins with a dot, and a back\\slash.\n\nSecond paragraph.",
     "4 8",
     {{"broker", "URL", "the broker's address"}, {"no-browser", NULL, "print the address only"}},
     0,
     2,
     run_seen},
    {"policy apply",
     "FILE",
     "save policies",
     NULL,
     "",
     {{"dry-run", NULL, "check only"}},
     1,
     1,
     run_seen},
    {"policy list", "", "list policies", NULL, "", {{0}}, 0, 0, run_seen},
};
static const struct program program = {"sallyport", "a test", NULL, commands, 3, NULL, NULL};

static int run(const char *line)
{
    static char copy[512];
    char *argv[32];
    int argc = 0;

    snprintf(copy, sizeof copy, "%s", line);
    memset(&seen, 0, sizeof seen);
    for (char *save, *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    argv[argc] = NULL;
    return program_main(&program, argc, argv);
}

static void options_and_arguments_are_told_apart(void **state)
{
    static const struct {
        const char *line;
        int code;
        const char *broker, *args;
        bool no_browser, json;
    } rows[] = {
        {"sallyport login", EXIT_DENIED, NULL, "", false, false},
        {"sallyport login --broker https://b", EXIT_DENIED, "https://b", "", false, false},
        {"sallyport login --broker=https://b a --no-browser --json", EXIT_DENIED, "https://b", "a|",
         true, true},
        {"sallyport login a -- --broker", EXIT_DENIED, NULL, "a|--broker|", false, false},
        {"sallyport --json login a", EXIT_DENIED, NULL, "a|", false, true},
        {"sallyport login -", EXIT_DENIED, NULL, "-|", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(run(rows[i].line), rows[i].code);
        const char *broker = command_value(&seen, "broker");
        assert_int_equal(broker == NULL, rows[i].broker == NULL);
        if (broker != NULL)
            assert_string_equal(broker, rows[i].broker);
        assert_string_equal(seen_args, rows[i].args);
        assert_int_equal(command_given(&seen, "no-browser"), rows[i].no_browser);
        assert_int_equal(seen.json, rows[i].json);
    }
}

/* One id in 64 begins with '-', one in 4096 with "--". */
static void an_id_is_no_option(void **state)
{
    (void)state;
    assert_int_equal(run("sallyport policy apply -CLMJjoORcYeaY8M1YXj2w --dry-run"), EXIT_DENIED);
    assert_string_equal(seen_args, "-CLMJjoORcYeaY8M1YXj2w|");
    assert_int_equal(run("sallyport policy apply --LMJjoORcYeaY8M1YXj2w"), EXIT_DENIED);
    assert_string_equal(seen_args, "--LMJjoORcYeaY8M1YXj2w|");
    assert_int_equal(run("sallyport policy apply -CLMJjoORcYeaY8M1YXj2"),
                     EXIT_USAGE); /* one short: none */
}

static void what_the_table_lacks_is_usage(void **state)
{
    static const char *const lines[] = {
        "sallyport",
        "sallyport logn",
        "sallyport login --broken x",
        "sallyport login --broker",
        "sallyport login --broker a --broker b",
        "sallyport login --no-browser=1",
        "sallyport login -x",
        "sallyport login a b c",
        "sallyport policy",
        "sallyport policy aply f",
        "sallyport policy apply",
        "sallyport policy list --dry-run",
        "sallyport completion",
        "sallyport completion powershell",
        "sallyport help nosuch",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        seen.command = NULL;
        assert_int_equal(run(lines[i]), EXIT_USAGE);
        assert_null(seen.command);
    }
}

static void two_words_name_one_command(void **state)
{
    (void)state;
    assert_int_equal(run("sallyport policy apply f.yaml --dry-run"), EXIT_DENIED);
    assert_string_equal(seen.command->name, "policy apply");
    assert_string_equal(seen_args, "f.yaml|");
    assert_true(command_given(&seen, "dry-run"));
}

static char *text_of(void (*write)(FILE *to))
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    assert_non_null(to);
    write(to);
    fclose(to);
    return text;
}

static void write_roff(FILE *to)
{
    manual_roff(&program, 1, to);
}

static void write_bash(FILE *to)
{
    assert_true(manual_completion(&program, "bash", to));
}

static void write_help(FILE *to)
{
    manual_command(&program, &commands[0], to);
}

static void man_page_holds_no_request_from_the_table(void **state)
{
    char *text = text_of(write_roff);
    (void)state;
    assert_non_null(strstr(text, "\n\\&.A line that begins with a dot, and a back\\eslash."));
    assert_non_null(strstr(text, "\\-\\-broker"));
    assert_non_null(strstr(text, "policy apply"));
    free(text);
}

static void completion_knows_verbs_and_options(void **state)
{
    char *text = text_of(write_bash);
    (void)state;
    assert_non_null(strstr(text, "words=\"login policy help version completion\""));
    assert_non_null(strstr(text, "login) words=\"--broker --no-browser --json --help\""));
    assert_non_null(strstr(text, "policy) words=\"apply list --json --help\""));
    free(text);
}

static void help_lists_only_the_codes_of_the_command(void **state)
{
    char *text = text_of(write_help);
    (void)state;
    assert_non_null(strstr(text, "  4    login needed"));
    assert_non_null(strstr(text, "  8    unreachable"));
    assert_null(strstr(text, "denied by policy"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_are_told_apart),
        cmocka_unit_test(an_id_is_no_option),
        cmocka_unit_test(what_the_table_lacks_is_usage),
        cmocka_unit_test(two_words_name_one_command),
        cmocka_unit_test(man_page_holds_no_request_from_the_table),
        cmocka_unit_test(completion_knows_verbs_and_options),
        cmocka_unit_test(help_lists_only_the_codes_of_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
