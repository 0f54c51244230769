#ifndef SP_CONNECTOR_DIAL_H
#define SP_CONNECTOR_DIAL_H

/*
 * dial: one stream of a session joined with one TCP connection to the app, to the end of both.
 *
 * The app is dialled as soon as the stream opens, since a server may speak first (C-023). FIN
 * travels as FIN, RST as RST (lib/tunnel/pump.h). Loop thread.
 */

#include "lib/os/sock.h"
#include "lib/tunnel/streams.h"

struct dial;
struct loop;

enum { DIAL_CONNECT_MS = 5 * 1000 }; /* PROTOCOL section 7: 504 afterwards */

/* From the loop, never inside dial_new. */
struct dial_events {
    void (*connected)(void *arg); /* the app has answered */
    /* The one end. Call dial_free in it. `connected`: the app had answered; else `why` is why it
     * had not, and the agent has its status already. */
    void (*ended)(void *arg, struct dial *d, sp_error why, bool connected);
};

/*
 * Takes `stream`, also when it fails. `to` is the address that the session resolved and the floor
 * allowed; it is copied. Borrows `loop`, `events` and `arg` until dial_free.
 *   SP_ERR_NOMEM, SP_ERR_LIMIT, SP_ERR_IO
 */
SP_MUST sp_error dial_new(struct loop *loop, struct stream *stream, const struct address *to,
                          const struct dial_events *events, void *arg, struct dial **out);

/* Held, no byte moves either way; the app sees a peer that is slow. */
void dial_hold(struct dial *d, bool held);

/* Cancels what is pending; the app's socket is reset and so is the stream. NULL is allowed. */
void dial_free(struct dial *d);

/* The answer to the agent for an app that could not be reached: 502 or 504. */
int dial_status(sp_error e);
/* The same for `status` and app.test: refused, timeout, unreachable; static. */
const char *dial_word(sp_error e);

#endif
