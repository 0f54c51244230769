#ifndef SP_RELAY_CONTROL_H
#define SP_RELAY_CONTROL_H

/*
 * control: this relay's channel to its broker: enrolment, key sets, orders (PROTOCOL section 5).
 *
 * A lost channel leaves all tunnels as they are. Loop thread.
 */

#include "relay/relay.h"

SP_MUST sp_error control_new(struct relay *relay, struct sp_why *why, struct control **out);
void control_free(struct control *c);

/* An enrolment line from the front, or from `enrol`: taken when we have no broker yet. */
void control_enrol(struct relay *r, struct view line);

bool control_up(const struct control *c);
/* `enrol` waits for this: enrolled, or why not. */
bool control_enrolled(const struct control *c);
const char *control_trouble(const struct control *c); /* "" when there is none */

#endif
