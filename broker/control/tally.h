#ifndef SP_CONTROL_TALLY_H
#define SP_CONTROL_TALLY_H

/*
 * tally: what connectors told since this broker started, for metrics: what their gateways counted,
 * by app, what each of them holds now, and what waits in their audit spools. At most TALLY_APPS
 * apps and TALLY_SPOOLS connectors; further ones are not counted. Words are the connectors' own:
 * one that is no word of ours, or one too many, is counted as "other". Any thread.
 */

#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/proto/gateway.h"

#include <pthread.h>

enum {
    TALLY_APPS = 64,
    TALLY_CAUSES = 6,
    TALLY_REASONS = 48,
    TALLY_REASON_MAX = 31,
    TALLY_SPOOLS = 256,
    TALLY_CONNECTORS = 16 /* of an app; gauges of further ones are not kept */
};

struct tally_reason {
    char word[TALLY_REASON_MAX + 1];
    uint64_t blocked, monitor;
};

struct tally_times {
    uint64_t us, buckets[API_BUCKETS];
};

struct tally_held {
    struct sp_id connector; /* zero: it is not there now */
    struct api_gauges gauges;
};

struct tally_app {
    struct sp_id app;
    uint64_t requests[API_CLASSES]; /* by the class of their answer */
    uint64_t read, read_bytes;
    uint64_t unread[TALLY_CAUSES]; /* by tally_causes */
    struct tally_times own, upstream;
    size_t reason_count;
    struct tally_reason reasons[TALLY_REASONS]; /* the last may be "other" */
    size_t held_count;
    struct tally_held held[TALLY_CONNECTORS];
};
extern const char *const tally_causes[TALLY_CAUSES]; /* "not_asked", "oversize", … */

struct tally_spool {
    struct sp_id connector;
    int64_t waiting, dropped; /* records, as it said last */
    sp_unix_ms oldest;        /* 0: none waits */
};

struct tally {
    pthread_mutex_t lock;
    size_t spool_count;
    struct tally_spool spools[TALLY_SPOOLS];
    size_t count;
    struct tally_app apps[TALLY_APPS];
};

void tally_init(struct tally *t);
void tally_deinit(struct tally *t);
void tally_add(struct tally *t, struct sp_id connector, const struct api_report *r);
void tally_spool(struct tally *t, const struct tally_spool *said);
bool tally_next_spool(struct tally *t, size_t at, struct tally_spool *out); /* as tally_next */
/* A copy of the one at `at`, from 0. false: there are no more. */
bool tally_next(struct tally *t, size_t at, struct tally_app *out);

#endif
