#ifndef SP_CLIENT_LOGIN_BROWSER_H
#define SP_CLIENT_LOGIN_BROWSER_H

/*
 * browser: opens the user's own browser at an address, or says why it should not be tried.
 *
 * No shell; the address is one argument. Never as root, never another user's (C-037). The opener
 * runs in a session of its own with /dev/null for all three, so neither a hanging nor a chatty one
 * disturbs a ProxyCommand. Whoever calls has printed the address before.
 */

#include "lib/base/error.h"

#include <stdbool.h>
#include <sys/types.h>

enum browser_advice {
    BROWSER_NONE = 0, /* no display, or nothing that opens addresses */
    BROWSER_ROOT,     /* root, or sudo for somebody */
    BROWSER_TRY
};

/* Judges by the environment (getenv in the product) and by `uid`. Looks for an opener on PATH. */
enum browser_advice browser_advise(const char *(*get)(const char *name), uid_t uid);
const char *browser_getenv(const char *name);

/*
 * Starts the first opener that exists: those of $BROWSER, xdg-open, gio open, sensible-browser,
 * x-www-browser, wslview. Only https, and http to a loopback literal, are opened.
 *   SP_ERR_INVALID    another address
 *   SP_ERR_NOT_FOUND  no opener
 *   SP_ERR_IO
 */
SP_MUST sp_error browser_open(const char *url, pid_t *pid);

/* Without waiting. true: it ended with a failure, so no page came up. Clears `*pid` at its end. */
bool browser_failed(pid_t *pid);

#endif
