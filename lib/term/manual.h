#ifndef SP_TERM_MANUAL_H
#define SP_TERM_MANUAL_H

/*
 * manual: what a command table says about itself: help texts, man page, shell completion.
 *
 * Read by command.c and by tests. Every text comes from the table, so it can't be wrong about an
 * option. Writes to `to`; failures of the stream are seen by whoever closes it.
 */

#include "lib/term/command.h"

#include <stdio.h>

void manual_overview(const struct program *program, FILE *to);
void manual_command(const struct program *program, const struct command *command, FILE *to);
/* All commands of a noun ("policy"). false: no command begins with it. */
bool manual_noun(const struct program *program, const char *noun, FILE *to);
void manual_exit_codes(FILE *to);
/* Roff with the man macros; `section` is 1 for people's commands, 8 for daemons. */
void manual_roff(const struct program *program, int section, FILE *to);
/* `shell` is bash, zsh or fish; false for others. */
bool manual_completion(const struct program *program, const char *shell, FILE *to);
/* {"commands":[{name,args,summary,exits,options}]}; owned by the caller. */
struct json *manual_json(const struct program *program);

#endif
