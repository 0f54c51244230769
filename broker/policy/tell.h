#ifndef SP_POLICY_TELL_H
#define SP_POLICY_TELL_H

/*
 * tell: one explanation under way: pairs of reason and remedy for a person. Inside of explain.
 */

#include "broker/policy/explain.h"

enum { LINE_BYTES = EXPLAIN_TEXT_MAX - 1 };

struct teller {
    const struct policy_doc *doc;
    const struct facts *f;
    const char *request;
    struct sentences *out;
    struct buf app; /* the app's name, control characters visible */
};

/* Takes both; the same reason is said once. */
void tell(struct teller *t, struct buf *reason, struct buf *remedy);
/* A fixed reason; the remedy is `before`, `name`, `after`. */
void tell_text(struct teller *t, const char *reason, const char *before, const char *name,
               const char *after);
/* The app's name; capital: at the beginning of a sentence. */
void tell_app(const struct teller *t, bool capital, struct buf *out);
/* All conditions of a rule that are not met; mfa_too: second factors among them. */
void tell_rule(struct teller *t, const struct rule *r, bool mfa_too);
/* `every` 0: one proof for this session; INT64_MAX: of any age. */
void tell_proof(struct teller *t, enum mfa_kind kind, int64_t every);

#endif
