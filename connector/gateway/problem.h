#ifndef SP_GATEWAY_PROBLEM_H
#define SP_GATEWAY_PROBLEM_H

/*
 * problem: our own answers: RFC 9457 problem details, or a short page where a browser prefers one.
 * No software name, no version, no value of the request in either. Pure.
 */

#include "connector/gateway/pipeline.h"

struct problem_options {
    bool html;          /* the Accept field prefers it */
    bool close;         /* the connection ends after it */
    bool head;          /* the request was HEAD: no body */
    int minor;          /* of the client's HTTP/1 */
    unsigned allowed;   /* 405: methods of the path, 1u << enum gw_method; 0: none known */
    struct view origin; /* whose scripts may read it (CORS); empty: none */
};

/* The status of a verdict: its own, or its reason's. */
int problem_status(const struct gw_verdict *v);

/* Appends the whole answer, head and body.   SP_ERR_LIMIT, SP_ERR_NOMEM from `out` */
SP_MUST sp_error gw_problem_write(const struct gw_verdict *v, const char *decision,
                                  const struct problem_options *o, struct buf *out);

/* Whether an Accept value names text/html before any JSON: what browsers send for a page. */
bool problem_prefers_html(struct view accept);

#endif
