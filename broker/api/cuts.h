#ifndef SP_API_CUTS_H
#define SP_API_CUTS_H

/*
 * cuts: what the last cuts took, as relay and connector reported it; acts that cut wait here for
 * their edges. Beside them what the last openings took, from the grant to the first edge's word.
 *
 * Follows the live set as a listener (live_listen), keeps the last CUTS_KEPT cut sessions and the
 * times of the last day in memory; a restart forgets them, the audit log does not. Any thread;
 * locks inside.
 */

#include "broker/session/live.h"
#include "lib/base/json.h"

struct api;
struct api_call;
struct audit_record;
struct cuts;

enum { CUTS_KEPT = 1024, CUTS_TIMES_KEPT = 4096, CUT_WAIT_MS = 2000, CUT_NAMED_MAX = 500 };

/* Borrows `live` until cuts_free, which is called when nothing changes the live set any more. */
SP_MUST sp_error cuts_new(struct live *live, struct cuts **out);
void cuts_free(struct cuts *c);

/* The sessions that an act is about to cut. */
struct cut_watch {
    struct session *sessions; /* owned: at most CUT_NAMED_MAX of them */
    size_t count, named;      /* matching; held in sessions */
    sp_boot_ms began;
};
/* Before the act. No memory: the answer counts, and names none. */
void cuts_watch(struct live *live, enum live_key by, struct sp_id id, struct cut_watch *out);
/*
 * After it: waits up to CUT_WAIT_MS for both edges of every session, then gives the answer that
 * openapi.yaml calls Cut. Owned by the caller.
 */
struct json *cuts_answer(struct api *api, const struct cut_watch *w);
void cut_watch_free(struct cut_watch *w);

/* An act on what the path parameter `id` names; `by` has the actor and the reason. */
typedef sp_error cutting_act(struct api *api, struct sp_id id, const struct audit_record *by);
/*
 * The whole handler of such an act: reads id and reason, acts, and answers with what was cut among
 * the sessions that `key` finds for the id.
 *   SP_ERR_NOT_FOUND, SP_ERR_INVALID  from the path and the body; else what `act` returns
 */
SP_MUST sp_error cuts_act(struct api *api, struct api_call *c, enum live_key key, cutting_act *act);

/* The member `cut` of a session: CutOne, or JSON null when it is not being cut. */
struct json *cut_of_session(struct api *api, const struct session *s);

/* {count, median_ms, worst_ms} of the last 24 hours. */
struct json *cuts_day(struct cuts *c, sp_unix_ms now);
/* {count, median_ms, p95_ms} of the sessions that opened in the last 24 hours, of at most the last
 * CUTS_TIMES_KEPT; those of an earlier start of the broker are not known. */
struct json *opens_day(struct cuts *c, sp_unix_ms now);

#endif
