#ifndef SP_CLIENT_DESKTOP_BUS_H
#define SP_CLIENT_DESKTOP_BUS_H

/*
 * bus: this user's session bus on our loop.
 *
 * The address is $DBUS_SESSION_BUS_ADDRESS, else $XDG_RUNTIME_DIR/bus. Connects without blocking;
 * what is sent before the bus has said hello waits inside sd-bus. Loop thread only.
 */

#include "client/desktop/sdbus.h"

#include <stdbool.h>

struct bus;
struct loop;

/* The connection ended; nothing works on it any more. From the loop. */
typedef void bus_lost(void *arg);

/*
 * Borrows `loop` and `arg` until bus_free.
 *   SP_ERR_UNSUPPORTED  no sd-bus on this machine
 *   SP_ERR_NOT_FOUND    no session bus is named
 *   SP_ERR_UNREACHABLE  none answers there
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error bus_new(struct loop *loop, bus_lost *lost, void *arg, struct bus **out);
void bus_free(struct bus *b); /* NULL is allowed */

/* The functions, and the connection that they take. */
const struct sdbus *bus_api(const struct bus *b);
sd_bus *bus_handle(const struct bus *b);

/*
 * Sends `m` (taken, NULL is allowed) and lets go of it. A call with `answer`: as sdbus_handler,
 * once, unless *slot (may be NULL) is unreferenced before.
 */
void bus_send(struct bus *b, sd_bus_message *m);
void bus_call(struct bus *b, sd_bus_message *m, sdbus_handler *answer, void *arg,
              sd_bus_slot **slot);

/* Text for a desktop: control characters, bidi controls and bytes that are no UTF-8 made visible,
 * as D-Bus demands and people need (TM-22); cut at `size`. */
void bus_text(const char *text, char *out, size_t size);

#endif
