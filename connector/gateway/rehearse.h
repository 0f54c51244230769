#ifndef SP_GATEWAY_REHEARSE_H
#define SP_GATEWAY_REHEARSE_H

/*
 * rehearse: recorded requests against a configuration that is not in force yet: what it would
 * have refused, what it would have noted.
 *
 * Record    HAR 1.2, as browsers and proxies write it; times are those of the record.
 * Judged    target, method, retirement, operations, limits, input rules, and with a document
 *           parameters, bodies and answers; names with two values; owner rules and exposure, as
 *           far as the record has the answers; by the functions that judge in a connector. A
 *           preflight is answered by what the same path answered before, in the record.
 * Not       access tokens (their keys are at the issuer) and detectors that learn:
 *           `rehearse_unjudged` names what a configuration has of these. Requests whose answer an
 *           owner rule needs and the record lacks are counted in `owners_unknown`.
 * Pure but for memory. Any one thread.
 */

#include "connector/gateway/pipeline.h"
#include "lib/schema/openapi.h"

enum { REHEARSE_BYTES_MAX = 64 * 1024 * 1024, REHEARSE_FINDINGS_MAX = 64, REHEARSE_TEXT = 160 };

struct rehearsal_options {
    const struct gwconf *conf;
    const struct api_document *document; /* NULL: none */
    struct gw_caller caller;             /* who made the requests */
};

/* Requests that one rule would have refused. */
struct rehearsal_finding {
    char reason[32], rule[65]; /* "rate", "per-user" */
    int status;
    bool blocks; /* false: monitor */
    size_t count;
    char example[REHEARSE_TEXT]; /* "GET /v1/accounts"; no query, no value */
};

struct rehearsal {
    size_t requests, unreadable; /* unreadable: entries that are no request */
    size_t passed, blocked;
    size_t owners_unknown; /* times that nobody can tell whose it was */
    size_t finding_count;  /* more kinds than fit are counted in the last */
    struct rehearsal_finding findings[REHEARSE_FINDINGS_MAX];
};

/*
 *   SP_ERR_LIMIT      longer than REHEARSE_BYTES_MAX
 *   SP_ERR_MALFORMED  no HAR; `why` says what
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error rehearse_har(struct view text, const struct rehearsal_options *o,
                              struct sp_why *why, struct rehearsal *out);

/* Calls `say` for each part of the configuration that a rehearsal passes over. */
void rehearse_unjudged(const struct rehearsal_options *o, void (*say)(void *arg, const char *text),
                       void *arg);

#endif
