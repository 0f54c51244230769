#ifndef SP_CONFIG_EVENTS_H
#define SP_CONFIG_EVENTS_H

/*
 * events: the YAML that this project takes, as libyaml's events: one document without directives,
 * anchors, tags or aliases. What tree.c makes values of and stream.c JSON text.
 *
 * Only for lib/config: it shows libyaml.
 */

#include "lib/base/view.h"
#include "lib/base/why.h"

#include <yaml.h>

/* Each event but those that are refused here. An error ends the reading. */
typedef sp_error events_taker(void *arg, const yaml_event_t *ev);

/*
 * `text` is UTF-8 without NUL: the caller has looked.
 *   SP_ERR_MALFORMED  `why` has line and column
 *   SP_ERR_NOMEM
 *   errors of `take`
 */
SP_MUST sp_error events_read(struct view text, struct sp_why *why, events_taker *take, void *arg);

/* SP_ERR_MALFORMED with that place. */
SP_MUST sp_error events_refuse(struct sp_why *why, yaml_mark_t at, const char *text);

#endif
