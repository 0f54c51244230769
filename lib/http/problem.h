#ifndef SP_HTTP_PROBLEM_H
#define SP_HTTP_PROBLEM_H

/*
 * problem: RFC 9457 bodies, the one form of an error over HTTP.
 *
 *   {"type":"https://sallyport.invalid/problems/CODE","title","status","detail","code",
 *    "reasons":[…],"remedies":[…],"request_id","resume","role","field","line","column", …}
 * The members and codes are those of broker/api/openapi.yaml, schema Problem.
 * An unexpected error shows code and request id only (LOG-5, ASVS 16.5.1); a refusal shows the
 * reasons that ECOSYSTEM §1 lets the person see, chosen by the caller.
 */

#include "lib/base/why.h"
#include "lib/http/message.h"

enum { PROBLEM_LIST_MAX = 16 };

struct problem {
    int status;
    const char *code;   /* "not_found": stable word, [a-z_]; borrowed, as all text here */
    const char *title;  /* NULL: the status' own phrase */
    const char *detail; /* a sentence for people, or NULL */
    const char *reasons[PROBLEM_LIST_MAX];
    size_t reason_count;
    const char *remedies[PROBLEM_LIST_MAX];
    size_t remedy_count;
    const char *resume;       /* where a browser signs in, or NULL */
    const char *role;         /* that would be needed, or NULL */
    int64_t retry_after_ms;   /* 0: none */
    const struct sp_why *why; /* of a refused input: field, line, column; or NULL */
    const char *more_name;    /* one more member (a policy check), or NULL */
    struct json *more;        /* its value; borrowed */
};

/* Content type application/problem+json, request id from `req`. Replaces what `res` held.
 * 401 with code "step_up" gets WWW-Authenticate … insufficient_user_authentication (RFC 9470). */
void problem_write(const struct problem *p, const struct request *req, struct response *res);

/*
 * The problem of a plain sp_error: one table, so the same error has the same status everywhere.
 *   INVALID, MALFORMED 400 · UNAUTHENTICATED, STEP_UP 401 · DENIED 403 · NOT_FOUND 404 ·
 *   EXISTS, CONFLICT, REPLAY 409 · EXPIRED 410 · LIMIT 413 · UNSUPPORTED 415 · BUSY 429 ·
 *   UNREACHABLE, TIMEOUT, FULL 503 · everything else 500 with nothing but the request id
 * `why` (or NULL) gives detail and field to those below 500.
 */
struct problem problem_of(sp_error e, const struct sp_why *why);

#endif
