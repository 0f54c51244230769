#ifndef SP_HTTP_PROBLEM_H
#define SP_HTTP_PROBLEM_H

/*
 * problem: RFC 9457 bodies, the one form of an error over HTTP.
 *
 *   {"type":"https://sallyport.invalid/problems/CODE","title":…,"status":…,"detail":…,
 *    "code":…,"reasons":[{"code","text"}],"remedies":[…],"request_id":…,"errors":[{"field",…}]}
 * An unexpected error shows code and request id only (LOG-5, ASVS 16.5.1); a refusal shows the
 * reasons that ECOSYSTEM §1 lets the person see, chosen by the caller.
 */

#include "lib/base/why.h"
#include "lib/http/message.h"

enum { PROBLEM_LIST_MAX = 16 };

struct problem {
    int status;
    const char *code;   /* "not_found", "requirement": stable word, [a-z_]; borrowed */
    const char *title;  /* NULL: the status' own phrase; borrowed */
    const char *detail; /* a sentence for people, or NULL; borrowed */
    struct {
        const char *code, *text; /* borrowed */
    } reasons[PROBLEM_LIST_MAX];
    size_t reason_count;
    const char *remedies[PROBLEM_LIST_MAX]; /* borrowed */
    size_t remedy_count;
    const struct sp_why *why; /* of a refused input: field, line, column; or NULL */
};

/* Content type application/problem+json, request id from `req`. Replaces what `res` held.
 * 401 with code "step_up" gets WWW-Authenticate … insufficient_user_authentication (RFC 9470). */
void problem_write(const struct problem *p, const struct request *req, struct response *res);

/*
 * The problem of a plain sp_error: one table, so the same error has the same status everywhere.
 *   INVALID, MALFORMED 400 · UNAUTHENTICATED 401 · STEP_UP 401 · DENIED 403 · NOT_FOUND 404 ·
 *   EXISTS, CONFLICT 409 · EXPIRED 410 · LIMIT 413 · UNSUPPORTED 415 · BUSY 429, 503 for
 *   UNREACHABLE and TIMEOUT · FULL 507 · everything else 500 with nothing but the request id.
 * `why` (or NULL) gives detail and field to those below 500.
 */
struct problem problem_of(sp_error e, const struct sp_why *why);

#endif
