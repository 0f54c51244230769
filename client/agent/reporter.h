#ifndef SP_CLIENT_AGENT_REPORTER_H
#define SP_CLIENT_AGENT_REPORTER_H

/*
 * reporter: keeps the broker's picture of this machine's posture fresh.
 *
 * Collects on a worker every REPORTER_LOOK_MS; reports every REPORTER_EVERY_MS, at once when a
 * signal changed, when the channel opened, when the broker or the person asks. A report is bound
 * to a nonce of the broker, numbered and signed (TM-11). Loop thread.
 */

#include "client/agent/control.h"
#include "client/posture/collect.h"
#include "lib/os/pool.h"
#include "lib/proto/posture.h"

struct reporter;

enum {
    REPORTER_LOOK_MS = 60 * 1000,
    REPORTER_EVERY_MS = 5 * 60 * 1000,
    REPORTER_RETRY_MS = 20 * 1000
};

/* What the broker made of the last report, one for each signal it named. */
struct reporter_verdict {
    char signal[64], text[256];
    enum signal_verdict verdict;
};

struct reporter_view {
    const struct signals *signals; /* last collected; count 0: none yet */
    const struct reporter_verdict *verdicts;
    size_t verdict_count;
    sp_unix_ms reported; /* 0: never accepted */
    int64_t sequence;
};

SP_MUST sp_error reporter_new(struct loop *loop, struct pool *pool, struct control *control,
                              struct state *state, struct reporter **out);
void reporter_free(struct reporter *r); /* NULL is allowed */

/* Collect and report now. `done` (or NULL) runs once, with EXIT_OK's refusal when accepted. */
typedef void reporter_done(void *arg, const struct refusal *r);
void reporter_now(struct reporter *r, reporter_done *done, void *arg);
/* Whoever waits with this arg is gone. */
void reporter_forget(struct reporter *r, void *arg);

/* The channel opened: report. */
void reporter_opened(struct reporter *r);

struct reporter_view reporter_view(const struct reporter *r);

#endif
