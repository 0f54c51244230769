#ifndef SP_POLICY_DECIDE_H
#define SP_POLICY_DECIDE_H

/*
 * decide: facts in, decision out (ECOSYSTEM.md section 1.5, step by step).
 *
 * Pure: no clock, no store, no allocation, cannot fail. Same arguments, same answer, on any
 * thread. A zeroed decision denies.
 */

#include "broker/policy/policy.h"

enum verdict { VERDICT_DENY = 0, VERDICT_STEP_UP, VERDICT_ALLOW };

enum reason {
    REASON_ERROR = 0,      /* deny: something inside failed */
    REASON_NOT_VISIBLE,    /* deny: the same for an app that does not exist (TM-05) */
    REASON_GROUPS_UNKNOWN, /* deny: the user's groups could not be read */
    REASON_DENY_RULE,      /* deny: `rule` holds, or is unknown and says or_unknown */
    REASON_REQUIREMENT,    /* deny: `rule` is not met */
    REASON_NO_ALLOW,       /* deny: `rule` is the visible allow rule that lacks least */
    REASON_STEP_UP,        /* step_up: a better or newer proof would do */
    REASON_NONE            /* allow: `rule` is the first of those that allow, by name */
};

struct decision {
    enum verdict verdict;
    enum reason reason;
    const struct policy *policy; /* whose rule; NULL: none, or only a request lets in */
    const struct rule *rule;     /* borrowed from the document; among several, the first by name */
    /* Bit set of condition kinds that stand in the way (requirement, no_allow): exit code 7 when
     * only device, posture and score are in it (ECOSYSTEM.md section 1.5). */
    uint32_t lacking;
    struct limits limits; /* merged; meant for allow and step_up */
    bool by_access;       /* allow, step_up: no rule of the document lets in, a request does */
    bool no_allow;        /* visible, and no allow rule holds whatever the proof: a request would */
    bool step_up_by_limit; /* step_up: the proof lacks for limits.step_up */
    bool step_up_by_rule;  /* step_up: an mfa condition of a rule or requirement lacks it */
    sp_unix_ms deadline;   /* allow only: facts->now + limits.session_max_ms; by_access: not later
                              than the request's end */
    uint64_t policy_version;
};

enum { DEFAULT_SESSION_MAX_MS = 12 * 3600 * 1000, DEFAULT_IDLE_MS = 30 * 60 * 1000 };

/*
 * Policies in mode enforce only. Where neither document, policy, rule nor app set one, the
 * session ends after DEFAULT_SESSION_MAX_MS and is idle for DEFAULT_IDLE_MS at most (AAL-1).
 * `app_limits` are those of the app record; NULL: none.
 */
SP_MUST struct decision decide(const struct policy_doc *doc, const struct limits *app_limits,
                               const struct facts *facts);

/* The same with the policies in mode shadow taken as enforced: what would follow from them. */
SP_MUST struct decision decide_with_shadow(const struct policy_doc *doc,
                                           const struct limits *app_limits,
                                           const struct facts *facts);

/*
 * The first moment after facts->now at which some condition of a policy that covers the app may
 * have another value though no fact changes: an end of a time window, an expiry, a max_age. 0:
 * never. The age of MFA is not among them (it is measured at open and at each reverify).
 */
sp_unix_ms decide_again_at(const struct policy_doc *doc, const struct facts *facts);

/* For explain.c, lint.c and tests: one rule under one reading of the facts. */
enum reading {
    READ_AS_IS = 0,
    READ_MFA_GIVEN, /* every mfa condition is true */
    READ_VISIBLE    /* only users and groups as they are; all others and every `not` true */
};
enum tri condition_value(const struct condition *c, const struct facts *f, enum reading as);
enum tri rule_value(const struct rule *r, const struct facts *f, enum reading as);
enum tri signal_test_value(const struct signal_test *t, const struct facts *f);
/* The value that decides a test, also where it is too old or expired; VALUE_NONE: only
 * sources that could not tell; NULL: never reported. */
const struct fact_value *signal_test_evidence(const struct signal_test *t, const struct facts *f);
/* How many conditions of the rule are not true, as the facts are. */
size_t rule_lacks(const struct rule *r, const struct facts *f, uint32_t *kinds);

/* Strictest of both; 0 and MFA_NONE are "not set". */
struct limits limits_strictest(struct limits a, struct limits b);

const char *verdict_word(enum verdict v); /* "deny", "step_up", "allow" */
const char *reason_word(enum reason r);   /* "not_visible", "deny_rule", … */

#endif
