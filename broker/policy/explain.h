#ifndef SP_POLICY_EXPLAIN_H
#define SP_POLICY_EXPLAIN_H

/*
 * explain: why a decision is as it is, for the person (sentences) and for the record (trace).
 *
 * Pure but for the memory of its results. Worker threads. The sentences are those of ECOSYSTEM.md
 * section 1.7. A person gets reasons only through explain_sentences(), which gives nothing but the
 * sentence of an unknown app when the app is not visible to them (TM-05); the trace is for the
 * audit log and for admins.
 */

#include "broker/policy/decide.h"
#include "lib/base/json.h"

enum { EXPLAIN_LINES_MAX = 8, EXPLAIN_TEXT_MAX = 320 };

struct sentences {
    size_t count; /* pairs; at least one for deny and step_up, 0 for allow */
    struct {
        char reason[EXPLAIN_TEXT_MAX];
        char remedy[EXPLAIN_TEXT_MAX]; /* "": none */
    } at[EXPLAIN_LINES_MAX];
};

/* `request` is the request id that the person may quote ("R-7Q2M4K"). */
void explain_sentences(const struct policy_doc *doc, const struct facts *facts,
                       const struct decision *d, const char *request, struct sentences *out);

/*
 * The whole trace as the text of one JSON object appended to `out`: result, reason, decided_by,
 * policy_version, require, allow and deny (every rule of the covering policies with the value of
 * each condition, its fact, source, assurance and age), limits, changes_it, facts. Errors are
 * sticky in `out`. TRACE_RECORD is what the audit log keeps; TRACE_PEOPLE says besides what each
 * condition asks for in words, nearest allow rules first (Condition, TraceRule of openapi.yaml).
 */
enum trace_form { TRACE_RECORD = 0, TRACE_PEOPLE };
void explain_trace_text(const struct policy_doc *doc, const struct facts *facts,
                        const struct decision *d, enum trace_form form, struct buf *out);
/* The same as a tree. Owned by the caller; NULL: out of memory. */
struct json *explain_trace(const struct policy_doc *doc, const struct facts *facts,
                           const struct decision *d, enum trace_form form);

/* "allow via payroll/hr and payroll/auditor", "deny requirement baseline/require[0]". */
void explain_line(const struct policy_doc *doc, const struct facts *facts, const struct decision *d,
                  struct buf *out);

/* The decision in one line of plain words, for records and lists: the sentences that the person
 * read, one after the other; of an allowance its rules, as explain_line. Whoever may not know of
 * the app must not see it. */
void explain_words(const struct policy_doc *doc, const struct facts *facts,
                   const struct decision *d, struct buf *out);

/* The exit code of the command line for a denial or step-up (ECOSYSTEM.md section 3.2): 0, 5, 6
 * or 7. */
int explain_exit_code(const struct decision *d);

/* step_up: the weakest proof that would do, and how new it must be (0: one for this session;
 * INT64_MAX: any age). */
void explain_need(const struct facts *facts, const struct decision *d, enum mfa_kind *kind,
                  int64_t *every_ms);

#endif
