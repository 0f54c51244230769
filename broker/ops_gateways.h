#ifndef SP_BROKER_OPS_GATEWAYS_H
#define SP_BROKER_OPS_GATEWAYS_H

/*
 * ops_gateways: the metrics of API gateways, as connectors tell them. Labels are names of apps and
 * words of ours: never a user, never a path. Any thread.
 */

#include "broker/control/control.h"
#include "broker/control/tally.h"
#include "lib/base/buf.h"

/* Who has the figures: calls `each` for every app. */
typedef void each_gateway_app(void *source, each_tally *each, void *arg);

/* Appends every family, one after the other, since a family's lines stand together. */
void ops_gateways(struct buf *b, each_gateway_app *of, void *source);

#endif
