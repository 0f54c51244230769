#ifndef SP_GATEWAY_CONFIG_H
#define SP_GATEWAY_CONFIG_H

/*
 * config: the `gateway` part of an http app: what a connector checks of each request.
 *
 * Written by  admins, as YAML or JSON (which is YAML), in the app's record; the broker parses it
 *             with this same function before it signs it, so that nobody signs what no connector
 *             understands.
 * Read by     connector/gateway (in force), broker/registry (check), `sallyport-admin gateway
 *             check` (offline).
 * Every `mode` is off, monitor or block. Files are names inside the connector's gateway folder:
 * no '/', no leading '.'. Unknown keys are errors with line and column. Pure. Any thread.
 */

#include "lib/base/clock.h"
#include "lib/base/view.h"
#include "lib/base/why.h"

enum {
    GWCONF_MAX = 20 * 1024, /* text; the whole record fits APPREC_MAX */
    GWCONF_RULES_MAX = 64,  /* of each list */
    GWCONF_NAME_MAX = 64,
    GWCONF_FILE_MAX = 128,
    GWCONF_MATCH_MAX = 256,
    GWCONF_ISSUERS_MAX = 8
};

enum gw_mode { GW_OFF = 0, GW_MONITOR, GW_BLOCK };

struct gwconf;

/*
 *   SP_ERR_LIMIT      longer than GWCONF_MAX
 *   SP_ERR_MALFORMED  `why` has line, column, what is wrong and what would be right
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error gwconf_parse(struct view text, struct sp_why *why, struct gwconf **out);
void gwconf_free(struct gwconf *c); /* NULL is allowed */

#endif
