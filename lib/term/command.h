#ifndef SP_TERM_COMMAND_H
#define SP_TERM_COMMAND_H

/*
 * command: the table of commands that each of our programs is, and all that follows from it.
 *
 * From the one table: parsing, `help [TOPIC]`, `--help`, `version`, `completion bash|zsh|fish`, and
 * the man page (`help --man`). Every command takes --json (ECOSYSTEM section 3). Options may
 * stand before or after arguments; `--` ends them; `--name=value` and `--name value` are the same.
 * An option that the command does not list is a mistake, exit 2, with the nearest one named.
 * One thread, before or without a loop.
 */

#include "lib/base/error.h"
#include "lib/base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* The exit codes of every program, with their sentence (docs/exit-codes.md). */
#define EXIT_CODES(X)                                                     \
    X(EXIT_OK, 0, "ok")                                                   \
    X(EXIT_ERROR, 1, "error")                                             \
    X(EXIT_USAGE, 2, "usage or bad file")                                 \
    X(EXIT_LOGIN, 4, "login needed")                                      \
    X(EXIT_DENIED, 5, "denied by policy")                                 \
    X(EXIT_STEP_UP, 6, "step-up needed")                                  \
    X(EXIT_POSTURE, 7, "posture failing")                                 \
    X(EXIT_UNREACHABLE, 8, "unreachable (broker, relay, connector, app)") \
    X(EXIT_SESSION, 9, "session revoked or expired")                      \
    X(EXIT_INTEGRITY, 10, "integrity check failed")                       \
    X(EXIT_INTERRUPTED, 130, "ended by Ctrl-C")
#define EXIT_CODES_ENUM(name, code, text) name = code,
enum exit_code { EXIT_CODES(EXIT_CODES_ENUM) };

enum { COMMAND_OPTIONS_MAX = 16, COMMAND_ARGS_MAX = 256 };

struct command_option {
    const char *name;  /* "broker" for --broker */
    const char *value; /* "URL" when it takes one; NULL: a switch */
    const char *help;  /* one line */
};

struct command_call;

struct command {
    const char *name;    /* "login", or two words for noun and verb: "policy apply" */
    const char *args;    /* as printed: "APP [--local ADDR:PORT]" */
    const char *summary; /* one line, lower case, no full stop */
    const char *manual;  /* paragraphs for the man page and `help NAME`; NULL: none */
    const char *exits;   /* codes besides 0, 1 and 2: "4 5 6 8"; "" */
    struct command_option
        options[COMMAND_OPTIONS_MAX]; /* ended by a NULL name; --json is implied */
    size_t args_min, args_max;
    int (*run)(const struct command_call *call); /* returns an exit code */
};

struct program {
    const char *name;    /* "sallyport" */
    const char *summary; /* one line */
    const char *manual;  /* what the man page says first; NULL */
    const struct command *commands;
    size_t count;
    void (*version)(const struct command_call *call, struct json *parts); /* NULL; adds members */
    void *arg; /* borrowed; for run functions */
};

/* One parsed command line; lives during run(). */
struct command_call {
    const struct program *program;
    const struct command *command;
    char **args; /* borrowed from argv, without options */
    size_t count;
    bool json;
    void *arg; /* the program's */
    const char
        *values[COMMAND_OPTIONS_MAX]; /* by the table's order; "" for a switch; NULL: absent */
};

/* NULL when absent. A name that the table lacks is a defect and ends the program. */
const char *command_value(const struct command_call *call, const char *option);
bool command_given(const struct command_call *call, const char *option);

/* The whole of main(): returns the exit code. `help`, `version`, `completion` are added here. */
int program_main(const struct program *program, int argc, char **argv);
/* The exit code, after a sentence, where the program could not give up what lib/os/sandbox.h names:
 * it does nothing then. */
int program_unsafe(const struct program *program);

/*
 * One refusal as people need it: what happened, why, what to do next, the broker's request id.
 * Members may be NULL. Control characters of foreign text are escaped (TM-22).
 */
struct command_failure {
    enum exit_code exit;
    const char *code;    /* stable word: "posture", "not_visible", "unreachable" */
    const char *what;    /* "Denied: payroll." */
    const char *why;     /* "Disk encryption: off, says the device management (4 h ago)." */
    const char *next;    /* "To fix: turn encryption on, then: sallyport posture --send". NULL: for
                          * codes 2, 4, 8 and 10 what is usual there (help, login, doctor, compare) */
    const char *more;    /* an app: "Why in full: PROGRAM why APP" stands beside the request's id */
    const char *request; /* "R-7Q2M4K" */
};

/* Writes it to standard error and, with --json, as {"schema":"sallyport.error/v1",…} to standard
 * output. Returns failure->exit, so that a command ends with: return command_fail(call, &f); */
int command_fail(const struct command_call *call, const struct command_failure *failure);

/* Writes {"schema":"sallyport.NAME/v1", members of `object`…} as one line to standard output.
 * Takes `object`. Returns EXIT_OK, or EXIT_ERROR when standard output takes no more. */
int command_json(const char *schema, struct json *object);

#endif
