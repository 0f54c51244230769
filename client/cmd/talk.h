#ifndef SP_CLIENT_CMD_TALK_H
#define SP_CLIENT_CMD_TALK_H

/*
 * talk: how a command asks the agent: starts one where none answers, sends one request, reads its
 * lines, turns its errors into exit codes. Blocking; one thread.
 */

#include "client/ipc/ipc.h"
#include "client/settings/settings.h"
#include "lib/term/command.h"

enum { TALK_WAIT_MS = 70 * 1000, TALK_START_MS = 10 * 1000 };

/* A request with its verb; the caller adds members. */
struct json *talk_request(const char *verb);

/* Sends `request` (taken). EXIT_OK, or the failure was printed and is the command's exit code.
 * Without `spawn` no agent is started. */
int talk_open(const struct command_call *call, struct json *request, struct ipc_client **out);

/* The next line: EXIT_OK and `*out` (owned) is an event or the last answer. Errors of the agent
 * are printed. `wait_ms` as ipc_client_read; EXIT_UNREACHABLE after it. */
int talk_read(const struct command_call *call, struct ipc_client *c, int64_t wait_ms,
              struct json **out);

/* One request, one answer. */
int talk_ask(const struct command_call *call, struct json *request, struct json **out);
/* As talk_ask, but says nothing: for what is tried again. */
int talk_try(struct json *request, struct json **out);

/* Prints {exit,code,what,why,next,request} of the agent; the exit code. */
int talk_fail(const struct command_call *call, const struct json *error);

/* Text members as C strings; "" when missing. Borrowed. */
const char *talk_text(const struct json *object, const char *name);
int64_t talk_int(const struct json *object, const char *name);

/* "22:14", with the date when it is another day. For the full expression. */
struct talk_time {
    char s[32];
};
struct talk_time talk_time(int64_t unix_ms);

/* Prints the answer as schema NAME and frees it. */
int talk_json(const char *schema, struct json *answer);

/* What files and environment say. EXIT_OK, or the failure was printed. set.c */
int talk_settings(const struct command_call *call, struct settings *out);

/* Asks the person for the code of their authenticator and shows it to the broker. EXIT_OK: proved;
 * EXIT_STEP_UP: nobody is at a terminal; else said. Blocks on the terminal. */
int talk_prove(const struct command_call *call);

/* This program's own path. false when it can't be told, or has a character that a shell takes for
 * more than itself: it is written where ssh hands it to one. */
bool talk_self(char out[4096]);

#endif
