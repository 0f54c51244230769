#ifndef SP_GATEWAY_PROBLEM_H
#define SP_GATEWAY_PROBLEM_H

/*
 * problem: our own answers: RFC 9457 problem details, or a short page where a browser prefers one.
 * No software name, no version, no value of the request in either. Pure.
 */

#include "connector/gateway/pipeline.h"

struct problem_options {
    bool html;          /* the Accept field prefers it */
    bool head;          /* the request was HEAD: no body */
    bool grpc;          /* a call of gRPC: 200, with its status among the fields, and no body */
    unsigned allowed;   /* 405: methods of the path, 1u << enum gw_method; 0: none known */
    struct view origin; /* whose scripts may read it (CORS); empty: none */
};

/* The status of a verdict: its own, or its reason's. */
int problem_status(const struct gw_verdict *v);

enum { GW_PROBLEM_FIELDS = 20 };

/* An answer of ours. Views borrow from itself, so it is not copied, and from what it was made of.
 */
struct gw_problem {
    int status;
    size_t field_count;
    struct gw_field fields[GW_PROBLEM_FIELDS]; /* content-length among them */
    struct buf body;
    bool head; /* the body is not sent */
    char grpc[8], length[24], retry[24], allow[128];
};

/*   SP_ERR_LIMIT, SP_ERR_NOMEM; gw_problem_deinit() in any case */
SP_MUST sp_error gw_problem_make(const struct gw_verdict *v, const char *decision,
                                 const struct problem_options *o, struct gw_problem *out);
void gw_problem_deinit(struct gw_problem *p);

/* The number of grpc-status that stands for the verdict, in `room`. */
struct view gw_problem_grpc_status(const struct gw_verdict *v, char room[8]);

/* Appends the whole answer in HTTP/1; `close`: the connection ends after it; `minor` is the
 * client's.   SP_ERR_LIMIT, SP_ERR_NOMEM from `out` */
SP_MUST sp_error gw_problem_write(const struct gw_problem *p, bool close, int minor,
                                  struct buf *out);

/* Whether an Accept value names text/html before any JSON: what browsers send for a page. */
bool problem_prefers_html(struct view accept);

#endif
