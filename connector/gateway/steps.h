#ifndef SP_GATEWAY_STEPS_H
#define SP_GATEWAY_STEPS_H

/* steps: those that need nothing but the exchange and the app's configuration. */

#include "connector/gateway/pipeline.h"

gw_step step_session;   /* 2: alive, inside its deadline */
gw_step step_method;    /* 5: a method that the app has */
gw_step step_size;      /* 8: a body that is announced larger than the app takes; 411 */
gw_step step_pollution; /* 9: one name with two values; in the head and again with a body; 400 */
gw_step step_record;    /* 16: the record of a refusal */

#endif
