#ifndef SP_GATEWAY_INTROSPECT_H
#define SP_GATEWAY_INTROSPECT_H

/*
 * introspect: tokens that only their issuer understands (RFC 7662).
 *
 * One question at a time for each token, however many requests carry it; INTROSPECT_AT_ONCE
 * questions in all. Answers go into `seen`: good ones for the configured time (at most 60 s, never
 * past `exp`), `active: false` for INTROSPECT_BAD_MS. INTROSPECT_FAILS failures in a row open the
 * circuit for INTROSPECT_OPEN_MS: requests get 503 at once, then one question tries again.
 * Unreachable is never open. Only where the floor lists the host as an issuer.
 * Loop thread; the questions run on the pool.
 */

#include "connector/gateway/outside.h"
#include "connector/gateway/seen.h"

enum {
    INTROSPECT_AT_ONCE = 64,
    INTROSPECT_BAD_MS = 10 * 1000,
    INTROSPECT_FAILS = 5,
    INTROSPECT_OPEN_MS = 10 * 1000,
    INTROSPECT_FAILED_MS = 1000, /* who waited for a failed question is told so for this long */
    INTROSPECT_SECRET_MAX = 1024
};

struct introspect;

/* Borrows `conf` and `seen` until introspect_free, copies `outside`; reads the secret file, which
 * must be 0600. `why` names the file.
 *   SP_ERR_NOMEM, and what file_read_secret says */
SP_MUST sp_error introspect_new(const struct gwconf_introspection *conf,
                                const struct outside *outside, struct seen_tokens *seen,
                                struct sp_why *why, struct introspect **out);
/* Who still waits is woken. NULL is allowed. */
void introspect_free(struct introspect *i);

enum introspect_answer {
    INTROSPECT_DOWN = 0, /* can't be asked now, or just failed; introspect_why says more */
    INTROSPECT_COMING    /* wait; then look into `seen` again */
};

/* Asks, unless the same is under way. `w` is added when INTROSPECT_COMING is returned. */
enum introspect_answer introspect_ask(struct introspect *i, struct view token,
                                      const struct hash *name, sp_boot_ms now, struct waiter *w);

const char *introspect_why(const struct introspect *i);
bool introspect_is_open(const struct introspect *i, sp_boot_ms now); /* the circuit, for metrics */

#endif
