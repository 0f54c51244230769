#ifndef SP_CMD_PIPE_H
#define SP_CMD_PIPE_H

/* pipe: one connection to an app through the agent, as a program of the command line uses it. */

#include "client/ipc/ipc.h"
#include "lib/term/command.h"

struct pipe {
    struct json *opened; /* the agent's answer; owned */
    struct buf early;    /* what the app said already */
    int fd;              /* owned; -1: none */
};

/* `port` 0: the app's own. A refusal is printed; its exit code. Close it in every case. */
int pipe_open(const struct command_call *call, const char *app, uint16_t port, struct pipe *out);
/* Moves bytes between it and `in`, `out` until both directions ended: exit code, as for --stdio. */
int pipe_join(const struct command_call *call, struct pipe *p, int in, int out);
void pipe_close(struct pipe *p);

/* All of it to a blocking descriptor; false: it takes no more. */
bool pipe_write(int fd, const void *bytes, size_t len);

#endif
