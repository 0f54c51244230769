#ifndef SP_HTTP_LIVE_H
#define SP_HTTP_LIVE_H

/*
 * live: events from the loop to open console pages, over a websocket.
 *
 * A page opens GET /api/v1/live with subprotocol sallyport-live.1 and its login cookie, and sends
 * {"after":N} with the id of the last event it saw (0: none). It then gets what it missed, as far
 * as the ring of LIVE_RING_EVENTS still holds it, else {"reset":true,"id":N} (load the lists anew),
 * then each event as one text message {"id":N,"t":"session.open","d":{…}}. A page that reads too
 * slowly for the ring gets a reset too: memory is bounded by the ring, whatever pages do.
 * Admission is asked right after the upgrade, before anything is sent, and again each
 * LIVE_RECHECK_MS, on a worker, by the `admit` function; refused: close 4401. A login that ended
 * ends its page's feed. Foreign Origin is refused (WS-14).
 * Loop thread only, but live_post (any thread).
 */

#include "lib/http/engine.h"
#include "lib/http/message.h"

struct live_feed;
struct pool;
struct lws_protocols;

enum {
    LIVE_RING_EVENTS = 4096,
    LIVE_EVENT_BYTES_MAX = 8 * 1024,
    LIVE_RECHECK_MS = 60 * 1000,
    LIVE_PAGES_MAX = 1024
};

/* On a worker: may the login of this request (its cookie) see live events? */
typedef bool live_admit(void *arg, const struct request *req);

struct live_options {
    struct pool *pool;  /* borrowed */
    const char *origin; /* "https://access.example.org": the only Origin; copied */
    live_admit *admit;
    void *arg; /* borrowed */
};

SP_MUST sp_error live_feed_new(struct engine *engine, const struct live_options *o,
                               struct live_feed **out);
/* After server_free of the server that carries it. */
void live_feed_free(struct live_feed *f);

/* For server_options.endpoints. Borrowed until live_feed_free. */
const struct lws_protocols *live_protocol(struct live_feed *f);

/* Sends an event to all pages. Takes `data`. `type` is a short word, borrowed for the call. Any
 * thread. Never fails to the caller: an event too long to send becomes a "reset". */
void live_post(struct live_feed *f, const char *type, struct json *data);

#endif
