#ifndef SP_IDENTITY_TICKETS_H
#define SP_IDENTITY_TICKETS_H

/*
 * tickets: how sallyport-admin and the agent reach the REST API: a short-lived secret that a
 * device got over its proven control channel (PROTOCOL.md section 5, `api.ticket`).
 *
 * Form      "sat_" and base64url of 32 random bytes.
 * Kept      as SHA-256, in memory only: a restart ends them all. TICKET_LIFE_MS, then gone.
 * Means     "this is device D", nothing more: who is logged in on it, since when and with which
 *           factor is read from the device's login at each use, so a sign-out ends tickets too.
 * A full table drops the ticket that ends first. Any thread; locks inside.
 */

#include "lib/base/clock.h"
#include "lib/base/id.h"

struct tickets;

enum { TICKET_LIFE_MS = 10 * 60 * 1000, TICKET_TEXT = 47, TICKETS_HELD_MAX = 4096 };

SP_MUST sp_error tickets_new(struct tickets **out);
void tickets_free(struct tickets *t);

/* A new ticket for `device`. The caller wipes `text` after sending it. */
void tickets_issue(struct tickets *t, struct sp_id device, sp_boot_ms now,
                   char text[TICKET_TEXT + 1]);

/*
 * Whose ticket it is.
 *   SP_ERR_MALFORMED  not the form above
 *   SP_ERR_NOT_FOUND  never issued, expired or dropped
 */
SP_MUST sp_error tickets_find(struct tickets *t, struct view text, sp_boot_ms now,
                              struct sp_id *device);

#endif
