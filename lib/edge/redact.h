#ifndef SP_EDGE_REDACT_H
#define SP_EDGE_REDACT_H

/*
 * redact: text for a bug report, without secrets and, where asked for, without names. Pure.
 *
 * Secrets: words that begin as our statements and tokens do (v4.public. v4.local. spe_ spt_ sat_
 * sas_ eyJ); what follows "Bearer " or "Basic "; the password of a URL; the value of a member or
 * variable whose name holds password, secret, token, cookie, ticket, grant, seed, verifier,
 * authorization or private: to its closing quote, else to the word's or the line's end; a PEM
 * private key, to its END line. Each becomes [redacted].
 * Names: each given one becomes <user>, <host>, … wherever it stands as a word of its own.
 */

#include "lib/base/buf.h"

struct redact_name {
    const char *name; /* what it is: "user" */
    const char *text; /* what is replaced; "" or NULL: nothing */
};

/* Appends. Fails only by `out`'s limit. */
void redact(struct view text, const struct redact_name names[], size_t count, struct buf *out);

#endif
