#ifndef SP_REGISTRY_ACCESS_H
#define SP_REGISTRY_ACCESS_H

/*
 * access: requests for access and their answers. A person asks for an app that they may see and
 * may not open; someone with the role answers; while an approval lives it is an allow rule for that
 * person and app, and beats neither a deny rule nor a requirement (ECOSYSTEM.md section 1.5).
 *
 * Life      waiting → approved (with an end) | refused | withdrawn; approved → ended, before its
 *           time. What waits longer than ACCESS_WAIT_MS is lapsed: nobody can approve it any more.
 *           What is over stays as history.
 * Nobody answers their own request. Each step is one transaction with its audit record and a
 * change row, so live sessions that hang on it are decided again at once. Workers.
 */

#include "broker/registry/registry.h"

enum {
    ACCESS_WAIT_MS = 7 * 24 * 3600 * 1000,
    ACCESS_WAITING_MAX = 10, /* of one person at a time */
    ACCESS_FOR_MIN_MS = 60 * 1000
};
#define ACCESS_FOR_MAX_MS (INT64_C(30) * 24 * 3600 * 1000)
#define ACCESS_FOR_DEFAULT_MS (INT64_C(4) * 3600 * 1000)

/* A waiting one that nobody answered in time. */
bool access_lapsed(const struct access_row *row, sp_unix_ms now);
/* Approved, and its end has not come. */
bool access_lives(const struct access_row *row, sp_unix_ms now);

/*
 * Files it. `row` names user, device, app, ref, reason, denied and for_ms; the rest is filled.
 *   SP_ERR_EXISTS  this person waits for an answer about this app already: `row` is that one
 *   SP_ERR_LIMIT   ACCESS_WAITING_MAX of this person wait
 */
SP_MUST sp_error access_ask(struct registry *r, struct access_row *row, const char *app_name,
                            const struct audit_record *by);

/* What an answer turns a request into. */
struct access_answer {
    enum access_state state; /* any but waiting */
    sp_unix_ms until;        /* ACCESS_APPROVED */
    struct sp_id by;
    const char *text; /* reason, for who asked; "": none */
};

/*
 * Answers, withdraws or ends it; `row` is how it stands now, and then.
 *   SP_ERR_CONFLICT  it is not in a state that this follows on, lapsed, or changed meanwhile
 *   SP_ERR_DENIED    who approves or refuses is who asked; who withdraws is not
 */
SP_MUST sp_error access_answer(struct registry *r, struct access_row *row,
                               const struct access_answer *a, const char *app_name,
                               const struct audit_record *by);

#endif
