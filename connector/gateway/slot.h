#ifndef SP_GATEWAY_SLOT_H
#define SP_GATEWAY_SLOT_H

/*
 * slot: what a gateway holds of one app: the version of its record that is in force, the next one
 * while its certificates and its document are being read, and what outlives both.
 *
 * A record whose files are read already is in force at once. Else the one before judges until
 * workers have read the new ones, and then all of the new record is in force; a connection
 * of an app that has none yet waits for it, SLOT_PATIENCE_MS at most. What can't be in force (the
 * text, a file, the document) refuses everybody: it does not fall back to less checking. Only a
 * document that is not here yet leaves the one before in force: it is fetched. Loop thread.
 */

#include "connector/gateway/app.h"
#include "connector/gateway/lease.h"
#include "connector/gateway/outside.h"

enum { SLOT_PATIENCE_MS = 10 * 1000, SLOT_ASK_MS = 5 * 1000 };

struct slot;

SP_MUST sp_error slot_new(struct gateway *g, struct sp_id app, struct slot **out);
void slot_free(struct slot *s);

/* The record as it is now; one that is known already changes nothing. */
void slot_put(struct slot *s, const struct apprec *record);
void slot_reload(struct slot *s); /* the next slot_put reads all files anew */
/* The document of these 32 bytes is in the folder now. */
void slot_document(struct slot *s, const uint8_t sha256[32]);
void slot_tick(struct slot *s, sp_unix_ms now); /* once a second */

struct gw_app *slot_app(const struct slot *s); /* in force; NULL: nothing is. Borrowed */
/* Nothing is in force, and something will be soon: `w` is woken then, or when it will not. */
bool slot_park(struct slot *s, struct waiter *w);

/* What is remembered of the app, made when it is first asked for. NULL: none, or no memory. */
struct watch *slot_watch(struct slot *s, bool make);

#endif
