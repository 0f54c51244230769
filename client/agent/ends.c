#include "client/agent/ends.h"

enum { PIPES_A_MS = 1024 }; /* numbers that one millisecond of starts sets apart */

void ends_init(struct ends *e, int64_t start)
{
    *e = (struct ends){.first_pipe = start * PIPES_A_MS, .next_pipe = start * PIPES_A_MS};
}

void ends_session(struct ends *e, struct sp_id session, const struct refusal *why)
{
    e->sessions[e->next_session].session = session;
    e->sessions[e->next_session].why = *why;
    e->next_session = (e->next_session + 1) % ENDS_SESSIONS;
}

const struct refusal *ends_why(const struct ends *e, struct sp_id session)
{
    for (size_t i = 0; i < ENDS_SESSIONS; i++)
        if (!id_is_zero(session) && id_equal(e->sessions[i].session, session))
            return &e->sessions[i].why;
    return NULL;
}

int64_t ends_new_pipe(struct ends *e)
{
    return e->next_pipe++;
}

void ends_pipe(struct ends *e, int64_t pipe, bool broken)
{
    e->pipes[e->next_ended].pipe = pipe;
    e->pipes[e->next_ended].broken = broken;
    e->next_ended = (e->next_ended + 1) % ENDS_PIPES;
}

enum pipe_end ends_of_pipe(const struct ends *e, int64_t pipe)
{
    if (pipe < e->first_pipe || pipe >= e->next_pipe)
        return PIPE_UNKNOWN;
    for (size_t i = 0; i < ENDS_PIPES; i++)
        if (e->pipes[i].pipe == pipe)
            return e->pipes[i].broken ? PIPE_BROKEN : PIPE_CLEAN;
    return PIPE_OPEN;
}
