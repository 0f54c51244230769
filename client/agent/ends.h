#ifndef SP_CLIENT_AGENT_ENDS_H
#define SP_CLIENT_AGENT_ENDS_H

/*
 * ends: why the last sessions and piped connections ended, for a program that saw no more than
 * the end of its socket (`connect --stdio`).
 *
 * A ring of each; what fell out of it is not known any more. A pipe is numbered so that an agent
 * that was started anew never takes the number of an earlier one's for its own. Loop thread.
 */

#include "client/agent/refusal.h"
#include "lib/base/id.h"

enum { ENDS_SESSIONS = 64, ENDS_PIPES = 256 };

struct ends {
    struct {
        struct sp_id session;
        struct refusal why;
    } sessions[ENDS_SESSIONS];
    size_t next_session;
    struct {
        int64_t pipe; /* 0: none */
        bool broken;  /* false: both directions ended as they should */
    } pipes[ENDS_PIPES];
    size_t next_ended;
    int64_t first_pipe, next_pipe;
};

/* `start` is different for each start of the agent on this machine: its time, Unix ms. */
void ends_init(struct ends *e, int64_t start);

void ends_session(struct ends *e, struct sp_id session, const struct refusal *why);
/* NULL: it did not end, or long ago. Borrowed until the next ends_session. */
const struct refusal *ends_why(const struct ends *e, struct sp_id session);

int64_t ends_new_pipe(struct ends *e);
void ends_pipe(struct ends *e, int64_t pipe, bool broken);

enum pipe_end {
    PIPE_UNKNOWN = 0, /* not of this agent, or long ago */
    PIPE_OPEN,
    PIPE_CLEAN,
    PIPE_BROKEN
};
enum pipe_end ends_of_pipe(const struct ends *e, int64_t pipe);

#endif
