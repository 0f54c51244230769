#include "lib/term/manual.h"

#include "lib/term/out_internal.h"

#include <stdarg.h>
#include <string.h>

static const struct {
    int code;
    const char *text;
} exit_texts[] = {
#define EXIT_CODES_ROW(name, code, text) {code, text},
    EXIT_CODES(EXIT_CODES_ROW)};

enum { EXIT_TEXTS = sizeof exit_texts / sizeof *exit_texts };

enum { INDENT = 2, GAP = 2, BELOW = 6 };

static void line(const struct out *o, size_t indent, const char *text)
{
    out_blanks(o, indent);
    out_wrapped(o, view_str(text), indent, OUT_PLAIN);
}

/* What it is called, `column` wide, and what it does; that goes below where there is no room. */
static void item(const struct out *o, size_t column, const char *name, const char *text)
{
    size_t at = INDENT + column + GAP;

    out_blanks(o, INDENT);
    if (o->width > 0 && o->width < at + OUT_NARROW / 2) {
        line(o, 0, name);
        line(o, BELOW, text);
        return;
    }
    fprintf(o->file, "%-*s", (int)(column + GAP), name);
    out_wrapped(o, view_str(text), at, OUT_PLAIN);
}

static void usage(const struct out *o, const char *text, ...) SP_PRINTF(2, 3);
static void usage(const struct out *o, const char *text, ...)
{
    char words[512];
    va_list args;

    va_start(args, text);
    (void)vsnprintf(words, sizeof words, text, args);
    va_end(args);
    fputs("Usage: ", o->file);
    out_wrapped(o, view_str(words), strlen("Usage: "), OUT_PLAIN);
}

static size_t name_width(const struct program *program)
{
    size_t width = strlen("completion");

    for (size_t i = 0; i < program->count; i++)
        width =
            strlen(program->commands[i].name) > width ? strlen(program->commands[i].name) : width;
    return width;
}

static void title(const struct out *o, const struct program *program, const struct command *c)
{
    char words[512];

    (void)snprintf(words, sizeof words, "%s%s%s: %s", program->name, c == NULL ? "" : " ",
                   c == NULL ? "" : c->name, c == NULL ? program->summary : c->summary);
    line(o, 0, words);
    fputc('\n', o->file);
}

void manual_overview(const struct program *program, FILE *to)
{
    const struct out o = out_on(to);
    size_t width = name_width(program);

    title(&o, program, NULL);
    usage(&o, "%s COMMAND [ARGUMENTS] [--json]", program->name);
    fputc('\n', to);
    for (size_t i = 0; i < program->count; i++)
        item(&o, width, program->commands[i].name, program->commands[i].summary);
    item(&o, width, "version", "all parts, the TLS library, the sandbox's state");
    item(&o, width, "completion", "write completion for bash, zsh or fish");
    item(&o, width, "help", "a command's manual; topics: exit-codes");
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

static void exit_code(const struct out *o, size_t indent, size_t i)
{
    enum { CODE = 3 };

    out_blanks(o, indent);
    fprintf(o->file, "%-*d", CODE + GAP, exit_texts[i].code);
    out_wrapped(o, view_str(exit_texts[i].text), indent + CODE + GAP, OUT_PLAIN);
}

static void option_name(const struct command_option *option, char name[64])
{
    (void)snprintf(name, 64, "--%s%s%s", option->name, option->value == NULL ? "" : " ",
                   option->value == NULL ? "" : option->value);
}

static void options(const struct out *o, const struct command *command)
{
    char name[64];
    size_t width = strlen("--json"), count = 0;

    for (; count < COMMAND_OPTIONS_MAX && command->options[count].name != NULL; count++) {
        option_name(&command->options[count], name);
        width = strlen(name) > width ? strlen(name) : width;
    }
    fputs("\nOptions\n", o->file);
    for (size_t i = 0; i < count; i++) {
        option_name(&command->options[i], name);
        item(o, width, name, command->options[i].help);
    }
    item(o, width, "--json", "one JSON object on standard output");
}

void manual_command(const struct program *program, const struct command *command, FILE *to)
{
    const struct out o = out_on(to);
    const char *args = command->args == NULL ? "" : command->args;

    title(&o, program, command);
    usage(&o, "%s %s%s%s [--json]", program->name, command->name, args[0] == '\0' ? "" : " ", args);
    if (command->manual != NULL) {
        fputc('\n', to);
        line(&o, 0, command->manual);
    }
    options(&o, command);
    fputs("\nExit codes\n", to);
    for (size_t i = 0; i < EXIT_TEXTS; i++)
        if (exit_texts[i].code <= 2 || lists_code(command->exits, exit_texts[i].code))
            exit_code(&o, INDENT, i);
}

bool manual_noun(const struct program *program, const char *noun, FILE *to)
{
    const struct out o = out_on(to);
    bool found = false;
    size_t len = strlen(noun);

    for (size_t i = 0; i < program->count; i++) {
        const struct command *c = &program->commands[i];
        char words[512];

        if (strncmp(c->name, noun, len) != 0 || c->name[len] != ' ')
            continue;
        found = true;
        const char *args = c->args == NULL ? "" : c->args;
        (void)snprintf(words, sizeof words, "%s %s%s%s", program->name, c->name,
                       args[0] == '\0' ? "" : " ", args);
        out_blanks(&o, INDENT);
        out_wrapped(&o, view_str(words), BELOW + GAP, OUT_PLAIN);
        line(&o, BELOW, c->summary);
    }
    return found;
}

void manual_exit_codes(FILE *to)
{
    const struct out o = out_on(to);

    for (size_t i = 0; i < EXIT_TEXTS; i++)
        exit_code(&o, 0, i);
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
