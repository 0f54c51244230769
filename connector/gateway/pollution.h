#ifndef SP_GATEWAY_POLLUTION_H
#define SP_GATEWAY_POLLUTION_H

/* pollution: the check of step_pollution for whoever has a configuration and no app. Query in the
 * head phase, form and JSON in every other. Resets `scratch`. Pure but for that. */

#include "connector/gateway/pipeline.h"
#include "lib/schema/scratch.h"

struct gw_verdict pollution_judge(struct gw_exchange *x, const struct gwconf *conf,
                                  struct scratch *scratch);

#endif
