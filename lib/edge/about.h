#ifndef SP_EDGE_ABOUT_H
#define SP_EDGE_ABOUT_H

/*
 * about: what `version` says beside the version itself: compiler and machine, the libraries that
 * matter to whoever judges a report of a weakness, and what the process has given up. For
 * struct program's `version`.
 */

#include "lib/term/command.h"

void about_parts(const struct command_call *call, struct json *parts);

#endif
