#ifndef SP_CLIENT_AGENT_REFUSAL_H
#define SP_CLIENT_AGENT_REFUSAL_H

/*
 * refusal: why something was not given, as the command line prints it: exit code, stable word,
 * what, why, what to do next, the broker's request id.
 *
 * Made by control, sessions and local; sent over the agent's socket as the "error" of an answer.
 * Text of the broker is copied as it came; whoever prints escapes it (TM-22). Any thread.
 */

#include "lib/base/json.h"
#include "lib/channel/dialer.h"
#include "lib/proto/session.h"
#include "lib/term/command.h"
#include "lib/tunnel/end.h"

struct refusal {
    enum exit_code exit; /* EXIT_OK: nothing was refused */
    char code[48], what[256], why[640], next[256], request[48];
};

struct refusal refusal_make(enum exit_code exit, const char *code, const char *what,
                            const char *why, const char *next);

/* The broker's decision on an app: deny (5, or 7 when only device and posture objected) or
 * step-up (6). */
struct refusal refusal_decision(const char *app, const struct session_open_answer *answer);

/* The session is paused until a proof comes; `step_up` is the broker's word for which. */
struct refusal refusal_pause(const char *step_up);

/* An error answer or none: `m` as call_done has it. */
struct refusal refusal_call(const char *what, sp_error e, const struct envelope *m);

/* No channel to the broker. */
struct refusal refusal_offline(const char *broker, const struct dialer_lost *lost);

/* A tunnel ended: 9 when the session had opened and was cut or ran out, else 5, 8 or 10. */
struct refusal refusal_tunnel(const char *app, const struct tunnel_report *r);

/* The connector's answer to one stream (lib/tunnel/streams.h); EXIT_OK for 200. */
struct refusal refusal_stream(int status);

/* {exit,code,what,why,next,request}; owned by the caller. */
struct json *refusal_json(const struct refusal *r);

#endif
