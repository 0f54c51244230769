#ifndef SP_POLICY_OPPOSITE_H
#define SP_POLICY_OPPOSITE_H

/*
 * opposite: a smallest set of facts that would turn a decision: what must become true for a denial
 * or a step-up to be an allowance, what must end for an allowance to be a denial. Pure.
 *
 * Facts are counted by condition, and in posture by signal. Each is true on its own or not: that
 * two ages hang on one report is not known here. A limit's step_up is no fact and is not in it.
 */

#include "broker/policy/decide.h"

enum { OPPOSITE_MAX = 32 };

struct opposite_fact {
    bool ends;                         /* it holds now and would have to end */
    const struct condition *condition; /* borrowed from the document */
    const struct signal_test *test;    /* of a posture condition; else NULL */
};

struct opposite {
    size_t count; /* 0: no fact alone turns it (no allow rule covers the app, or more than
                     OPPOSITE_MAX would have to change) */
    struct opposite_fact at[OPPOSITE_MAX];
};

void opposite_of(const struct policy_doc *doc, const struct facts *facts, const struct decision *d,
                 struct opposite *out);

#endif
