#ifndef SP_RELAY_STAND_H
#define SP_RELAY_STAND_H

/*
 * stand: the connectors that stand at this relay: their channels, tickets and spare tunnels
 * (PROTOCOL sections 4 and 6).
 *
 * Loop thread.
 */

#include "lib/proto/relay.h"
#include "lib/trust/grant.h"
#include "relay/relay.h"

struct stander;

enum { SPARES_WAITING = 2, SPARES_WAITING_MAX = 8, SPARES_MAX = 1024, TICKET_MS = 5 * 60 * 1000 };

SP_MUST sp_error stands_new(struct relay *relay, struct stands **out);
void stands_free(struct stands *s);

struct arrival;
/* A leg that asked for /stand: takes it, and `unproven`, which is kept until it has proved itself.
 */
void stands_channel(struct stands *s, struct leg *leg, const struct upgrade_request *r,
                    const char *address, struct arrival *unproven);
/* A leg that asked for /tunnel with a ticket: takes it; refuses an unknown ticket. */
void stands_spare(struct stands *s, struct leg *leg, const struct upgrade_request *r);

/* NULL: this connector does not stand here. */
struct stander *stands_find(struct stands *s, const struct key_public *connector);
struct sp_id stander_id(const struct stander *st);

/*
 * A spare for a session. `got` comes once: inside the call when one waits, else from the loop
 * when one was dialled for it, or with a NULL leg after SPARE_WAIT_MS. The taker owns the leg,
 * which is open, and sets its events at once.
 */
enum { SPARE_WAIT_MS = 5000 };
struct spare_wait;
typedef void spare_got(void *arg, struct leg *leg, struct sp_id ticket, bool cut_through);
/* `*out` is NULL when `got` was called inside.   SP_ERR_NOMEM, SP_ERR_BUSY */
SP_MUST sp_error stands_take(struct stands *s, struct stander *st, spare_got *got, void *arg,
                             struct spare_wait **out);
void spare_wait_cancel(struct spare_wait *w); /* NULL is allowed */

/* "open" to the connector; its refusal comes back by grant session.   SP_ERR_CLOSED, SP_ERR_BUSY */
SP_MUST sp_error stander_open(struct stander *st, struct view grant, struct sp_id session,
                              struct sp_id ticket, bool cut);
/* "cut" of one session, when the connector stands here: a bare direction has no frame that could
 * say why. */
void stands_cut(struct stands *s, const struct key_public *connector, struct sp_id session,
                const char *why);

void stands_drain(struct stands *s, sp_unix_ms until);
size_t stands_count(const struct stands *s);
size_t stands_spares(const struct stands *s);
/* Fills one page of stand.at from `*from`, and moves it; false: no more. */
bool stands_page(const struct stands *s, size_t *from, struct stand_at *out);

#endif
