#include "lib/term/command.h"

#include "lib/base/encode.h"
#include "lib/base/id.h"
#include "lib/base/json_wipe.h"
#include "lib/term/manual.h"
#include "lib/term/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An empty string that marks a switch as given. */
static const char given[] = "";

static size_t option_index(const struct command *command, const char *name, size_t len)
{
    size_t i = 0;

    while (i < COMMAND_OPTIONS_MAX && command->options[i].name != NULL &&
           (strlen(command->options[i].name) != len ||
            memcmp(command->options[i].name, name, len) != 0))
        i++;
    return i < COMMAND_OPTIONS_MAX && command->options[i].name != NULL ? i : COMMAND_OPTIONS_MAX;
}

const char *command_value(const struct command_call *call, const char *option)
{
    size_t i = option_index(call->command, option, strlen(option));

    if (i == COMMAND_OPTIONS_MAX) {
        fprintf(stderr, "%s: command table lacks --%s\n", call->program->name, option);
        abort();
    }
    return call->values[i];
}

bool command_given(const struct command_call *call, const char *option)
{
    return command_value(call, option) != NULL;
}

/* Edit distance with a cap: enough to name the word that was meant. */
static size_t distance(const char *a, const char *b)
{
    enum { WORD = 32 };
    size_t row[WORD + 1], la = strlen(a), lb = strlen(b);

    if (la > WORD || lb > WORD)
        return SIZE_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[lb];
}

static void print_visible(FILE *to, const char *text)
{
    struct buf b;

    buf_init(&b, 64 * 1024);
    encode_visible(view_str(text), &b);
    fputs(buf_cstr(&b), to);
    buf_deinit(&b);
}

/* Wraps at words; what comes next is a line that can be copied whole. */
static void print_sentence(const char *program, const struct command_failure *f)
{
    const struct out o = out_on(stderr);
    bool why = f->why != NULL && f->why[0] != '\0';

    out_line(&o, "%s%s%s%s%s", program == NULL ? "" : program, program == NULL ? "" : ": ", f->what,
             why ? " " : "", why ? f->why : "");
}

static int usage_error(const struct command_call *call, const char *what, const char *subject,
                       const char *meant)
{
    char sentence[256], next[128];

    if (meant != NULL)
        snprintf(sentence, sizeof sentence, "%s \"%s\"; did you mean \"%s\"?", what, subject,
                 meant);
    else
        snprintf(sentence, sizeof sentence, subject == NULL ? "%s%s" : "%s \"%s\"", what,
                 subject == NULL ? "" : subject);
    snprintf(next, sizeof next, "%s help%s%s", call->program->name,
             call->command == NULL ? "" : " ", call->command == NULL ? "" : call->command->name);
    return command_fail(call,
                        &(struct command_failure){
                            .exit = EXIT_USAGE, .code = "usage", .what = sentence, .next = next});
}

static const char *nearest_option(const struct command *command, const char *name)
{
    const char *best = NULL;
    size_t least = 3;

    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name != NULL; i++) {
        size_t d = distance(name, command->options[i].name);
        if (d < least) {
            least = d;
            best = command->options[i].name;
        }
    }
    return best;
}

/* One option at argv[*at]; moves *at over a value that stands alone. Returns an exit code. */
static int parse_option(struct command_call *call, char **argv, int argc, int *at)
{
    const char *name = argv[*at] + 2;
    size_t len = strcspn(name, "=");
    const char *inlined = name[len] == '=' ? name + len + 1 : NULL;

    if (len == 4 && memcmp(name, "json", 4) == 0 && inlined == NULL) {
        call->json = true;
        return EXIT_OK;
    }
    size_t i = option_index(call->command, name, len);
    if (i == COMMAND_OPTIONS_MAX)
        return usage_error(call, "unknown option", argv[*at], nearest_option(call->command, name));
    if (call->values[i] != NULL)
        return usage_error(call, "given twice:", argv[*at], NULL);
    if (call->command->options[i].value == NULL) {
        if (inlined != NULL)
            return usage_error(call, "takes no value:", argv[*at], NULL);
        call->values[i] = given;
        return EXIT_OK;
    }
    if (inlined == NULL && *at + 1 >= argc)
        return usage_error(call, "lacks its value:", argv[*at], NULL);
    call->values[i] = inlined != NULL ? inlined : argv[++*at];
    return EXIT_OK;
}

/* One id in 64 begins with '-'. A word that an option could be is one. */
static bool is_id(const struct command_call *call, const char *word)
{
    struct sp_id id;

    return id_parse(view_str(word), &id) == SP_OK &&
           option_index(call->command, word + 2, strlen(word + 2)) == COMMAND_OPTIONS_MAX;
}

/* Arguments are moved to the front of argv, so that they stand together. */
static int parse(struct command_call *call, int argc, char **argv)
{
    bool options = true;

    call->args = argv;
    for (int i = 0; i < argc; i++) {
        char *word = argv[i];

        if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && is_id(call, word)) {
            argv[call->count++] = word;
        } else if (options && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            manual_command(call->program, call->command, stdout);
            return -1;
        } else if (options && word[0] == '-' && word[1] == '-') {
            int code = parse_option(call, argv, argc, &i);
            if (code != EXIT_OK)
                return code;
        } else if (options && word[0] == '-' && word[1] != '\0') {
            return usage_error(call, "unknown option", word, NULL);
        } else {
            argv[call->count++] = word;
        }
    }
    if (call->count < call->command->args_min)
        return usage_error(call, "an argument is missing:", call->command->args, NULL);
    if (call->count > call->command->args_max)
        return usage_error(call, "one argument too many:", call->args[call->command->args_max],
                           NULL);
    return EXIT_OK;
}

/* The command whose words argv begins with; `*words` says how many (1 or 2). */
static const struct command *find(const struct program *program, int argc, char **argv, int *words)
{
    for (size_t i = 0; i < program->count; i++) {
        const struct command *c = &program->commands[i];
        const char *blank = strchr(c->name, ' ');
        size_t first = blank == NULL ? strlen(c->name) : (size_t)(blank - c->name);

        if (strlen(argv[0]) != first || memcmp(argv[0], c->name, first) != 0)
            continue;
        if (blank == NULL) {
            *words = 1;
            return c;
        }
        if (argc > 1 && strcmp(argv[1], blank + 1) == 0) {
            *words = 2;
            return c;
        }
    }
    return NULL;
}

static int unknown_command(struct command_call *call, int argc, char **argv)
{
    const char *best = NULL;
    size_t least = 4;
    char said[128];

    snprintf(said, sizeof said, "%s%s%s", argv[0], argc > 1 && argv[1][0] != '-' ? " " : "",
             argc > 1 && argv[1][0] != '-' ? argv[1] : "");
    for (size_t i = 0; i < call->program->count; i++) {
        const char *name = call->program->commands[i].name;
        size_t d = distance(strchr(name, ' ') == NULL ? argv[0] : said, name);
        if (d < least) {
            least = d;
            best = name;
        }
    }
    return usage_error(call, "unknown command", best != NULL && strchr(best, ' ') ? said : argv[0],
                       best);
}

static int run_version(struct command_call *call)
{
    struct json *parts = json_object();
    int code;

    json_set_cstr(parts, "program", call->program->name);
    json_set_cstr(parts, "version", SP_VERSION);
    if (call->program->version != NULL)
        call->program->version(call, parts);
    if (call->json)
        return command_json("version", parts);
    const struct out o = out_on(stdout);
    code = printf("%s %s\n", call->program->name, SP_VERSION) < 0 ? EXIT_ERROR : EXIT_OK;
    json_remove(parts, "program");
    json_remove(parts, "version");
    out_members(&o, parts);
    json_free(parts);
    return code;
}

/* help, version and completion: every program has them. -1: none of them. */
static int built_in(struct command_call *call, int argc, char **argv)
{
    const struct program *program = call->program;
    const char *verb = argv[0];

    for (int i = 1; i < argc; i++)
        call->json = call->json || strcmp(argv[i], "--json") == 0;
    if (strcmp(verb, "version") == 0 || strcmp(verb, "--version") == 0)
        return run_version(call);
    if (strcmp(verb, "completion") == 0) {
        if (argc == 2 && manual_completion(program, argv[1], stdout))
            return EXIT_OK;
        return usage_error(call, "completion needs a shell: bash, zsh or fish", NULL, NULL);
    }
    if (strcmp(verb, "help") != 0 && strcmp(verb, "--help") != 0 && strcmp(verb, "-h") != 0)
        return -1;
    if (argc == 1 || call->json) {
        if (call->json)
            return command_json("help", manual_json(program));
        manual_overview(program, stdout);
    } else if (strcmp(argv[1], "--man") == 0) {
        manual_roff(program, argc > 2 && strcmp(argv[2], "8") == 0 ? 8 : 1, stdout);
    } else if (strcmp(argv[1], "exit-codes") == 0) {
        manual_exit_codes(stdout);
    } else {
        int words;
        const struct command *c = find(program, argc - 1, argv + 1, &words);
        if (c == NULL && !manual_noun(program, argv[1], stdout))
            return unknown_command(call, argc - 1, argv + 1);
        if (c != NULL)
            manual_command(program, c, stdout);
    }
    return EXIT_OK;
}

int program_main(const struct program *program, int argc, char **argv)
{
    struct command_call call = {.program = program, .arg = program->arg};
    int words, code;

    json_wipe_freed();
    if (argc > 1 && strcmp(argv[1], "--json") == 0) { /* also before the verb */
        call.json = true;
        argv++;
        argc--;
    }
    if (argc < 2) {
        manual_overview(program, stderr);
        return EXIT_USAGE;
    }
    if ((code = built_in(&call, argc - 1, argv + 1)) >= 0)
        return code;
    call.command = find(program, argc - 1, argv + 1, &words);
    if (call.command == NULL)
        return unknown_command(&call, argc - 1, argv + 1);
    code = parse(&call, argc - 1 - words, argv + 1 + words);
    if (code != EXIT_OK)
        return code < 0 ? EXIT_OK : code;
    code = call.command->run(&call);
    if (fflush(stdout) != 0 && code == EXIT_OK)
        code = EXIT_ERROR;
    return code;
}

int program_unsafe(const struct program *program)
{
    fprintf(stderr, "%s: the sandbox could not be entered\n", program->name);
    return EXIT_ERROR;
}

/* What to do where the caller knows nothing better: no error ends without it, but what only its
 * reason can tell. */
static const char *usual_next(const struct command_call *call, const struct command_failure *f,
                              char room[160])
{
    const char *program = call->program->name;

    if (f->what == NULL || (f->next != NULL && f->next[0] != '\0'))
        return f->next;
    switch (f->exit) {
    case EXIT_USAGE:
        snprintf(room, 160, "%s help%s%s", program, call->command == NULL ? "" : " ",
                 call->command == NULL ? "" : call->command->name);
        return room;
    case EXIT_LOGIN:
        return "sallyport login";
    case EXIT_UNREACHABLE:
        snprintf(room, 160, "%s doctor",
                 strcmp(program, "sallyport-admin") == 0 ? "sallyport" : program);
        return room;
    case EXIT_INTEGRITY:
        return "stop, and compare fingerprints with your administrator";
    default:
        return f->next;
    }
}

int command_fail(const struct command_call *call, const struct command_failure *f)
{
    char room[160];
    const char *next = usual_next(call, f, room);

    if (f->what != NULL)
        print_sentence(f->exit == EXIT_USAGE ? call->program->name : NULL, f);
    if (next != NULL && next[0] != '\0') {
        fputs(strncmp(next, "To fix", 6) == 0 ? ""
              : f->more != NULL               ? "To fix: "
                                              : "Next: ",
              stderr);
        print_visible(stderr, next);
        fputc('\n', stderr);
    }
    if (f->more != NULL) {
        fprintf(stderr, "Why in full: %s why ", call->program->name);
        print_visible(stderr, f->more);
    }
    if (f->request != NULL && f->request[0] != '\0') {
        fputs(f->more != NULL ? "      Request " : "Request ", stderr);
        print_visible(stderr, f->request);
    }
    if (f->more != NULL || (f->request != NULL && f->request[0] != '\0'))
        fputc('\n', stderr);
    if (call->json) {
        struct json *j = json_object();

        json_set_int(j, "exit", f->exit);
        json_set_cstr(j, "code", f->code == NULL ? "error" : f->code);
        json_set_cstr(j, "what", f->what);
        json_set_cstr(j, "why", f->why);
        json_set_cstr(j, "next", next);
        json_set_cstr(j, "request", f->request);
        command_json("error", j);
    }
    return (int)f->exit;
}

int command_json(const char *schema, struct json *object)
{
    struct json *whole = json_object();
    struct buf b;
    char name[64];
    sp_error e;

    buf_init(&b, 16 * 1024 * 1024);
    snprintf(name, sizeof name, "sallyport.%s/v1", schema);
    json_set_cstr(whole, "schema", name);
    for (void *i = json_iter(object); i != NULL; i = json_iter_next(object, i))
        json_set(whole, json_iter_name(i), json_ref(json_iter_value(i)));
    e = json_write(whole, &b);
    buf_add_byte(&b, '\n');
    if (e == SP_OK)
        e = buf_error(&b);
    if (e == SP_OK && (fwrite(b.at, 1, b.len, stdout) != b.len || fflush(stdout) != 0))
        e = SP_ERR_IO;
    buf_deinit(&b);
    json_free(whole);
    json_free(object);
    return e == SP_OK ? EXIT_OK : EXIT_ERROR;
}
