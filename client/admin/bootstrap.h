#ifndef SP_ADMIN_BOOTSTRAP_H
#define SP_ADMIN_BOOTSTRAP_H

/*
 * bootstrap: the token of `sallyport-broker bootstrap` at a terminal: login spends it, once, for
 * an administrator's session, and keeps that beside the settings in a file of mode 0600 until it
 * ends. Every failure is printed here and returned as an exit code. Blocking; one thread.
 */

#include "client/admin/broker.h"

/* The broker was opened with a token that is to be spent ("spt_…"). */
bool bootstrap_is_token(const struct broker *b);

/*
 * Spends it: from now on `b` asks with the session, and `path` (of `room` bytes) names the file
 * that holds it. The file is made first: a token is not spent where the session could not be kept.
 */
int bootstrap_spend(struct broker *b, char *path, size_t room);

/* The file of the session, whether or not it is there.   SP_ERR_NOT_FOUND, SP_ERR_LIMIT */
SP_MUST sp_error bootstrap_path(char *path, size_t room);

#endif
