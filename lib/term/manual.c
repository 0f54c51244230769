#include "lib/term/manual.h"

#include <string.h>

static const struct {
    int code;
    const char *text;
} exit_texts[] = {
#define EXIT_CODES_ROW(name, code, text) {code, text},
    EXIT_CODES(EXIT_CODES_ROW)};

enum { EXIT_TEXTS = sizeof exit_texts / sizeof *exit_texts };

static int name_width(const struct program *program)
{
    size_t width = strlen("completion");

    for (size_t i = 0; i < program->count; i++)
        width =
            strlen(program->commands[i].name) > width ? strlen(program->commands[i].name) : width;
    return (int)width;
}

void manual_overview(const struct program *program, FILE *to)
{
    int width = name_width(program);

    fprintf(to, "%s: %s\n\nUsage: %s COMMAND [ARGUMENTS] [--json]\n\n", program->name,
            program->summary, program->name);
    for (size_t i = 0; i < program->count; i++)
        fprintf(to, "  %-*s  %s\n", width, program->commands[i].name, program->commands[i].summary);
    fprintf(to, "  %-*s  %s\n", width, "version",
            "all parts, the TLS library, the sandbox's state");
    fprintf(to, "  %-*s  %s\n", width, "completion", "write completion for bash, zsh or fish");
    fprintf(to, "  %-*s  %s\n", width, "help", "a command's manual; topics: exit-codes");
}

static bool lists_code(const char *exits, int code)
{
    char word[8];
    size_t len = (size_t)snprintf(word, sizeof word, "%d", code);

    for (const char *at = exits; (at = strstr(at, word)) != NULL; at += len)
        if ((at == exits || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static void command_exits(const struct command *command, FILE *to)
{
    for (size_t i = 0; i < EXIT_TEXTS; i++)
        if (exit_texts[i].code <= 2 || lists_code(command->exits, exit_texts[i].code))
            fprintf(to, "  %-3d  %s\n", exit_texts[i].code, exit_texts[i].text);
}

void manual_command(const struct program *program, const struct command *command, FILE *to)
{
    const char *args = command->args == NULL ? "" : command->args;

    fprintf(to, "%s %s: %s\n\nUsage: %s %s%s%s [--json]\n", program->name, command->name,
            command->summary, program->name, command->name, args[0] == '\0' ? "" : " ", args);
    if (command->manual != NULL)
        fprintf(to, "\n%s\n", command->manual);
    fputs("\nOptions\n", to);
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name != NULL; i++) {
        char left[64];
        const struct command_option *o = &command->options[i];

        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value == NULL ? "" : " ",
                 o->value == NULL ? "" : o->value);
        fprintf(to, "  %-22s  %s\n", left, o->help);
    }
    fprintf(to, "  %-22s  %s\n", "--json", "one JSON object on standard output");
    fputs("\nExit codes\n", to);
    command_exits(command, to);
}

bool manual_noun(const struct program *program, const char *noun, FILE *to)
{
    bool found = false;
    size_t len = strlen(noun);

    for (size_t i = 0; i < program->count; i++) {
        const struct command *c = &program->commands[i];

        if (strncmp(c->name, noun, len) != 0 || c->name[len] != ' ')
            continue;
        found = true;
        fprintf(to, "  %s %s %s\n      %s\n", program->name, c->name,
                c->args == NULL ? "" : c->args, c->summary);
    }
    return found;
}

void manual_exit_codes(FILE *to)
{
    for (size_t i = 0; i < EXIT_TEXTS; i++)
        fprintf(to, "%-3d  %s\n", exit_texts[i].code, exit_texts[i].text);
}

/* Text of the table as roff: a leading dot or quote and every backslash are made literal. */
static void roff_text(const char *text, FILE *to)
{
    bool line_start = true;

    for (; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        line_start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else if (*text == '\n' && text[1] == '\n')
            fputs("\n.PP", to);
        else
            fputc(*text, to);
    }
}

static void roff_command(const struct program *program, const struct command *c, FILE *to)
{
    fputs(".SS \"", to);
    roff_text(program->name, to);
    fputc(' ', to);
    roff_text(c->name, to);
    if (c->args != NULL && c->args[0] != '\0') {
        fputc(' ', to);
        roff_text(c->args, to);
    }
    fputs("\"\n", to);
    roff_text(c->summary, to);
    fputs(".\n", to);
    if (c->manual != NULL) {
        fputs(".PP\n", to);
        roff_text(c->manual, to);
        fputc('\n', to);
    }
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->options[i].name != NULL; i++) {
        fputs(".TP\n\\fB\\-\\-", to);
        roff_text(c->options[i].name, to);
        fputs("\\fR", to);
        if (c->options[i].value != NULL)
            fprintf(to, " \\fI%s\\fR", c->options[i].value);
        fputc('\n', to);
        roff_text(c->options[i].help, to);
        fputc('\n', to);
    }
    if (c->exits[0] != '\0')
        fprintf(to, ".PP\nExit codes besides 0, 1 and 2: %s.\n", c->exits);
}

/* The other programs, for SEE ALSO. */
static void roff_others(const struct program *program, FILE *to)
{
    static const struct {
        const char *name;
        int section;
    } pages[] = {{"sallyport", 1},
                 {"sallyport-admin", 1},
                 {"sallyport-broker", 8},
                 {"sallyport-relay", 8},
                 {"sallyport-connector", 8}};
    const char *before = "";

    fputs(".SH \"SEE ALSO\"\n", to);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(pages[i].name, program->name) == 0)
            continue;
        fputs(before, to);
        fputs("\\fB", to);
        roff_text(pages[i].name, to);
        fprintf(to, "\\fR(%d)", pages[i].section);
        before = ",\n";
    }
    fputc('\n', to);
}

void manual_roff(const struct program *program, int section, FILE *to)
{
    fputs(".TH \"", to);
    for (const char *p = program->name; *p != '\0'; p++)
        fputc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, to);
    fprintf(to, "\" %d \"\" \"Sallyport %s\" \"Sallyport\"\n.SH NAME\n", section, SP_VERSION);
    roff_text(program->name, to);
    fputs(" \\- ", to);
    roff_text(program->summary, to);
    fputs("\n.SH SYNOPSIS\n\\fB", to);
    roff_text(program->name, to);
    fputs("\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR] [\\fB\\-\\-json\\fR]\n", to);
    if (program->manual != NULL) {
        fputs(".SH DESCRIPTION\n", to);
        roff_text(program->manual, to);
        fputc('\n', to);
    }
    fputs(".SH COMMANDS\n", to);
    for (size_t i = 0; i < program->count; i++)
        roff_command(program, &program->commands[i], to);
    fputs(".SH \"EXIT CODES\"\n", to);
    for (size_t i = 0; i < EXIT_TEXTS; i++)
        fprintf(to, ".TP\n\\fB%d\\fR\n%s\n", exit_texts[i].code, exit_texts[i].text);
    roff_others(program, to);
}

struct json *manual_json(const struct program *program)
{
    struct json *whole = json_object(), *commands = json_array();

    for (size_t i = 0; i < program->count; i++) {
        const struct command *c = &program->commands[i];
        struct json *one = json_object(), *options = json_array();

        json_set_cstr(one, "name", c->name);
        json_set_cstr(one, "args", c->args == NULL ? "" : c->args);
        json_set_cstr(one, "summary", c->summary);
        json_set_cstr(one, "exits", c->exits);
        for (size_t k = 0; k < COMMAND_OPTIONS_MAX && c->options[k].name != NULL; k++)
            json_push(options, json_new_str(view_str(c->options[k].name)));
        json_set(one, "options", options);
        json_push(commands, one);
    }
    json_set_cstr(whole, "program", program->name);
    json_set(whole, "commands", commands);
    return whole;
}
