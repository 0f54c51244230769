#ifndef SP_BROKER_RUN_H
#define SP_BROKER_RUN_H

/*
 * run: the broker from its configuration to its end: opens the store, starts every service, fills
 * the structs that handlers use, serves until it is told to stop, and takes all down again.
 *
 * Main thread; one broker a process.
 */

#include "broker/config.h"

struct broker;
struct buf;
struct loop;

/* What `sallyport-broker dev` adds. Zero: an ordinary broker. */
struct run_hooks {
    bool evaluation; /* the banner on every page */
    /* Everything serves; from the loop. May end the broker with broker_stop. NULL: nothing. */
    void (*ready)(void *arg, struct broker *b);
    /* Everything still stands, but the loop does not run any more. NULL: nothing. */
    void (*end)(void *arg);
    void *arg; /* borrowed */
};

/*
 * Blocks until SIGTERM, SIGINT or broker_stop.
 *   SP_ERR_…  what could not start; `why` says which part and what would mend it
 */
SP_MUST sp_error broker_run(const struct broker_config *config, const struct run_hooks *hooks,
                            struct sp_why *why);
void broker_stop(struct broker *b);

struct loop *broker_loop(struct broker *b);
/* "https://127.0.0.1:8443": as configured, with the port that the kernel chose for 0. */
const char *broker_origin(const struct broker *b);

/* Worker or main: a fresh enrolment line for a connector of `site` (made when it is not there) or,
 * with NULL, for a relay; appended to `out`, which the caller wipes. Errors of registry/sites.h. */
SP_MUST sp_error broker_enrolment(struct broker *b, const char *site, struct buf *out);

struct accounts;
struct accounts *broker_accounts(struct broker *b);

#endif
