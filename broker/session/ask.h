#ifndef SP_SESSION_ASK_H
#define SP_SESSION_ASK_H

/*
 * ask: a person's request for access to an app, from the console's pages, the command line or a
 * denied page. Decides first, so that only what a request can help is asked for: an app that the
 * person may see and that no allow rule opens for them. Workers.
 */

#include "broker/policy/explain.h"
#include "broker/registry/access.h"
#include "broker/session/sessions.h"

struct ask_for {
    struct sp_id user, device; /* device zero: asked in a browser */
    const char *peer;          /* address, as struct request has it */
    struct view app;           /* its name */
    struct view reason;        /* 1 to ROW_TEXT_MAX bytes */
    int64_t for_ms;            /* ACCESS_FOR_MIN_MS to ACCESS_FOR_MAX_MS */
    const char *ref;           /* id of this request, "R-7Q2M4K" */
    const struct audit_record *by;
};

struct asked_for {
    struct access_row row;
    enum verdict verdict; /* SP_ERR_INVALID: as it stands without a request */
    struct sentences
        sentences; /* SP_ERR_INVALID: what stands in the way instead; 0: nothing does */
};

/*
 *   SP_ERR_NOT_FOUND        no app of this name for this person (TM-05)
 *   SP_ERR_INVALID          an allow rule opens it: a request would change nothing
 *   SP_ERR_EXISTS           one waits already: `out->row`
 *   SP_ERR_LIMIT            too many of this person wait, or were denied (TM-05)
 *   SP_ERR_UNAUTHENTICATED  the user is locked
 */
SP_MUST sp_error session_ask(struct sessions *s, const struct ask_for *q, struct asked_for *out);

#endif
