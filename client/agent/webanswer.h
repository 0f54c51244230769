#ifndef SP_CLIENT_AGENT_WEBANSWER_H
#define SP_CLIENT_AGENT_WEBANSWER_H

/*
 * webanswer: what stands in a browser's window, or comes back to its script, in place of an http
 * app that is not given: the session ended, the policy says no, a code is asked for, nothing can be
 * reached.
 *
 * A page (text/html) for whoever navigates, a problem (RFC 9457) for everything else: 401 for what
 * a sign-in or a code opens, 403 for a denial, 503 for what can't be reached, 502 for another end
 * than the one that was named. The page has no script and loads nothing; its links are the same
 * address again and, for a denial, the broker's page that checks again (/denied). Every text is
 * escaped. Pure.
 */

#include "client/agent/hosthead.h"
#include "client/agent/refusal.h"

enum { WEBANSWER_MAX = 16 * 1024 };

struct webanswer {
    const char *app;
    const char *broker;  /* "https://access.example.org"; "": none is known */
    struct sp_id device; /* zero: not known to the broker */
    struct refusal why;
};

/*
 * The whole answer, head and body; a body that `asks` wants none of is left out. Appends to `out`.
 *   SP_ERR_LIMIT, SP_ERR_NOMEM  `out` is then no answer
 */
SP_MUST sp_error webanswer_write(const struct webanswer *w, struct hosthead_asks asks,
                                 struct buf *out);

#endif
