/* The live sessions under a draft: what would be cut if it came into force now. */
#include "broker/session/cut.h"
#include "broker/session/sessions_internal.h"

#include <stdlib.h>

/* As revise.c judges a session, but nothing comes of it. */
static void judge_draft(struct sessions *s, const struct policy_doc *doc, const struct session *n,
                        const struct gather_ask *ask, would_cut *told, void *arg)
{
    struct gathered *g = calloc(1, sizeof *g); /* too large for a stack */
    struct sentences said;

    if (g == NULL || gather(s, ask, g) != SP_OK) {
        free(g); /* its end, or a store that can't be read, is not the draft's doing */
        return;
    }
    struct decision d = decide(doc, g->app == NULL ? NULL : &g->app->limits, &g->facts);
    bool cut =
        d.verdict == VERDICT_DENY || (d.verdict == VERDICT_STEP_UP && n->state == SESSION_GRANTED);
    if (cut) {
        explain_sentences(doc, &g->facts, &d, "", &said);
        told(arg, n, said.count > 0 ? said.at[0].reason : "");
    }
    gathered_free(s, g);
    free(g);
}

size_t session_would_cut(struct sessions *s, const struct policy_doc *doc, size_t max,
                         would_cut *told, void *arg)
{
    struct sp_id all = {{0}};
    size_t count = 0, looked = 0;
    struct session *live = live_snapshot(s->c.live, LIVE_ALL, all, &count);

    for (size_t i = 0; i < count && looked < max; i++) {
        const struct session *n = &live[i];
        if (n->state == SESSION_NONE || n->state == SESSION_CUTTING)
            continue;
        struct gather_ask ask = {.device = n->device,
                                 .app = view_str(n->app_name),
                                 .peer = &n->peer,
                                 .mfa_now = n->mfa_now,
                                 .proof_is_for_session = n->proof_is_for_session};
        looked++;
        judge_draft(s, doc, n, &ask, told, arg);
    }
    free(live);
    return looked;
}
