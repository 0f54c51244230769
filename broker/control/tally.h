#ifndef SP_CONTROL_TALLY_H
#define SP_CONTROL_TALLY_H

/*
 * tally: what the gateways of connectors counted since this broker started, by app, for metrics. At
 * most TALLY_APPS apps; further ones are not counted. Any thread.
 */

#include "lib/base/id.h"
#include "lib/proto/gateway.h"

#include <pthread.h>

enum { TALLY_APPS = 64, TALLY_CAUSES = 6 };

struct tally_app {
    struct sp_id app;
    uint64_t requests, blocked, monitor, read;
    uint64_t unread[TALLY_CAUSES]; /* by tally_causes */
};
extern const char *const tally_causes[TALLY_CAUSES]; /* "not_asked", "oversize", … */

struct tally {
    pthread_mutex_t lock;
    size_t count;
    struct tally_app apps[TALLY_APPS];
};

void tally_init(struct tally *t);
void tally_deinit(struct tally *t);
void tally_add(struct tally *t, const struct api_report *r);
/* A copy of the one at `at`, from 0. false: there are no more. */
bool tally_next(struct tally *t, size_t at, struct tally_app *out);

#endif
