#ifndef SP_GATEWAY_GUARD_H
#define SP_GATEWAY_GUARD_H

/*
 * guard: the exact rules of an app on who may ask what and how often: retired endpoints, rows of
 * `operations`, limits, access tokens, input rules. One for each app in force, with the state of
 * its limits and what it found out of tokens.
 *
 * The steps below are rows of pipeline.c; the functions with a guard are what they call, so that
 * tests need no app. What a request holds (places in flight, its token) is in x->guard_note and
 * given back by guard_account, which runs once for every request, also for a refused one.
 * Loop thread.
 */

#include "connector/gateway/outside.h"
#include "connector/gateway/pipeline.h"
#include "connector/gateway/rate.h"

struct guard;

struct guard_options {
    const struct gwconf *conf; /* borrowed until guard_free */
    struct outside outside;    /* copied */
    size_t rate_entries;       /* 0: RATE_ENTRIES */
};

/* `why` names what is wrong.
 *   SP_ERR_NOMEM; what file_read_secret says of introspection's secret_file */
SP_MUST sp_error guard_new(const struct guard_options *o, struct sp_why *why, struct guard **out);
void guard_free(struct guard *g); /* after its requests; NULL is allowed */

/* For leases and metrics. Never NULL. */
struct rate *guard_rate(struct guard *g);
size_t guard_token_bytes(const struct guard *g); /* of tokens that it has seen */

/* `now` is the broker's time, `now_ns` of the boot clock. */
struct gw_verdict guard_retired(struct guard *g, struct gw_exchange *x, sp_unix_ms now);
struct gw_verdict guard_access(struct guard *g, struct gw_exchange *x, sp_unix_ms now);
struct gw_verdict guard_limit(struct guard *g, struct gw_exchange *x, enum rate_pass pass,
                              int64_t now_ns);
struct gw_verdict guard_token(struct guard *g, struct gw_exchange *x, sp_unix_ms now);
struct gw_verdict guard_input(struct guard *g, struct gw_exchange *x);
/* For a check of the request against its document, in the same phase: the texts that the schema
 * leaves free are judged while it runs, and guard_input judges no other for SQL and HTML. Told
 * afterwards whether the check read what it was given. */
struct api_strictness;
void guard_listen(struct guard *g, struct gw_exchange *x, struct api_strictness *strict);
void guard_listened(struct guard *g, struct gw_exchange *x, bool read);
void guard_answer(struct guard *g, struct gw_exchange *x);
void guard_account(struct guard *g, struct gw_exchange *x, int64_t now_ns);

gw_step step_retired;     /* 4: 410 after a sunset */
gw_step step_access;      /* 5: 403, or 401 for a newer factor */
gw_step step_limit;       /* 6: 429 on the session's keys */
gw_step step_token;       /* 7: 401, 403, 503; parks */
gw_step step_limit_token; /* 7: 429 on the token's client */
gw_step step_input;       /* 10: 403; in the head and again with a body */
gw_step step_deprecated;  /* 15: Deprecation, Sunset, Link */
gw_step step_settle;      /* 16: places back, response_mib charged */

#endif
