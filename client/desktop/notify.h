#ifndef SP_CLIENT_DESKTOP_NOTIFY_H
#define SP_CLIENT_DESKTOP_NOTIFY_H

/*
 * notify: notices as desktop notifications (org.freedesktop.Notifications 1.2).
 *
 * Connects to the session bus when the first notice comes, and again after it was lost: an agent
 * may run before its desktop does, or without one. Text that the notification server would read as
 * markup is escaped. Loop thread only.
 */

#include "client/desktop/notices.h"
#include "lib/base/error.h"

struct loop;
struct notify;

/* The person pressed the button of the notice with that key. From the loop. */
typedef void notify_chosen(void *arg, const char *key);

/* Borrows `loop` and `arg` until notify_free. SP_ERR_NOMEM. */
SP_MUST sp_error notify_new(struct loop *loop, notify_chosen *chosen, void *arg,
                            struct notify **out);
void notify_free(struct notify *n); /* what is shown stays; NULL is allowed */

/* Shows, replaces or takes away. Where no desktop is, nothing happens. */
void notify_show(struct notify *n, const struct notice *notice);

/* The one end of a try: SP_OK, and the server's name; else why nothing was shown. */
typedef void notify_tried(void *arg, sp_error e, const char *server);

/*
 * Shows a sentence and tells whether the desktop took it. `tried` runs from the loop, unless
 * notify_forget was called.
 *   SP_ERR_UNSUPPORTED, SP_ERR_NOT_FOUND, SP_ERR_UNREACHABLE  as bus_new
 *   SP_ERR_BUSY  one is under way
 */
SP_MUST sp_error notify_try(struct notify *n, notify_tried *tried, void *arg);
void notify_forget(struct notify *n, void *arg);

#endif
