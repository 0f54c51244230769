#include "lib/term/manual.h"

#include <string.h>

/* Words of the table hold letters, digits, '-' and one blank only, so no shell quoting arises. */

static size_t noun_length(const struct command *c)
{
    return strcspn(c->name, " ");
}

/* Each first word once: nouns of two-word commands and verbs. */
static bool first_of_noun(const struct program *program, size_t index)
{
    size_t len = noun_length(&program->commands[index]);

    for (size_t i = 0; i < index; i++)
        if (noun_length(&program->commands[i]) == len &&
            memcmp(program->commands[i].name, program->commands[index].name, len) == 0)
            return false;
    return true;
}

static void first_words(const struct program *program, FILE *to)
{
    for (size_t i = 0; i < program->count; i++)
        if (first_of_noun(program, i))
            fprintf(to, "%.*s ", (int)noun_length(&program->commands[i]),
                    program->commands[i].name);
    fputs("help version completion", to);
}

static void options(const struct command *c, FILE *to)
{
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->options[i].name != NULL; i++)
        fprintf(to, "--%s ", c->options[i].name);
    fputs("--json --help", to);
}

static void verbs_of(const struct program *program, size_t index, FILE *to)
{
    size_t len = noun_length(&program->commands[index]);

    for (size_t i = index; i < program->count; i++)
        if (noun_length(&program->commands[i]) == len &&
            memcmp(program->commands[i].name, program->commands[index].name, len) == 0)
            fprintf(to, "%s ", program->commands[i].name + len + 1);
}

/* A shell function name from the program's: '-' becomes '_'. */
static void function_name(const struct program *program, FILE *to)
{
    for (const char *p = program->name; *p != '\0'; p++)
        fputc(*p == '-' ? '_' : *p, to);
}

static void bash(const struct program *program, FILE *to)
{
    fputc('_', to);
    function_name(program, to);
    fputs("() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
          "  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"",
          to);
    first_words(program, to);
    fputs("\"\n  else case \"${COMP_WORDS[1]}\" in\n", to);
    for (size_t i = 0; i < program->count; i++) {
        const struct command *c = &program->commands[i];

        if (c->name[noun_length(c)] == '\0') {
            fprintf(to, "    %s) words=\"", c->name);
            options(c, to);
            fputs("\" ;;\n", to);
        } else if (first_of_noun(program, i)) {
            fprintf(to, "    %.*s) words=\"", (int)noun_length(c), c->name);
            verbs_of(program, i, to);
            fputs("--json --help\" ;;\n", to);
        }
    }
    fputs("  esac; fi\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n"
          "complete -o default -F _",
          to);
    function_name(program, to);
    fprintf(to, " %s\n", program->name);
}

static void zsh(const struct program *program, FILE *to)
{
    fprintf(to, "#compdef %s\nautoload -U +X bashcompinit && bashcompinit\n", program->name);
    bash(program, to);
}

static void fish(const struct program *program, FILE *to)
{
    fprintf(to, "complete -c %s -f -n __fish_use_subcommand -a '", program->name);
    first_words(program, to);
    fputs("'\n", to);
    for (size_t i = 0; i < program->count; i++) {
        const struct command *c = &program->commands[i];
        int len = (int)noun_length(c);

        if (c->name[len] == ' ')
            fprintf(to, "complete -c %s -f -n '__fish_seen_subcommand_from %.*s' -a '%s'\n",
                    program->name, len, c->name, c->name + len + 1);
        for (size_t k = 0; k < COMMAND_OPTIONS_MAX && c->options[k].name != NULL; k++)
            fprintf(to, "complete -c %s -n '__fish_seen_subcommand_from %.*s' -l %s%s\n",
                    program->name, len, c->name, c->options[k].name,
                    c->options[k].value == NULL ? "" : " -r");
    }
}

bool manual_completion(const struct program *program, const char *shell, FILE *to)
{
    static const struct {
        const char *shell;
        void (*write)(const struct program *program, FILE *to);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shell, shells[i].shell) == 0) {
            shells[i].write(program, to);
            return true;
        }
    return false;
}
