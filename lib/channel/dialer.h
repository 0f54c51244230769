#ifndef SP_CHANNEL_DIALER_H
#define SP_CHANNEL_DIALER_H

/*
 * dialer: an edge's control channel to its broker, kept up: connect, prove, and after a loss
 * again, with full jitter.
 *
 * wss://HOST:PORT/control over libwebsockets. The certificate is verified by name and date
 * against the system store plus `tls` (DATAPATH fact 1); on top of it the broker proves its
 * identity key (PROTOCOL §4). Through an HTTP CONNECT proxy where lib/http/proxy.h chooses one.
 * Waits between tries: lib/channel/backoff.h; after 4401 and 4426 the longest wait; after 4409
 * (replaced) never again by itself. Loop thread only.
 */

#include "lib/channel/opening.h"
#include "lib/http/engine.h"
#include "lib/http/proxy.h"
#include "lib/tls/context.h"

struct dialer;

enum { DIALER_PING_MS = 15 * 1000 /* two missed: lost */ };

/* How a try or a channel ended. */
struct dialer_lost {
    sp_error error; /* UNREACHABLE, TLS, REFUSED (proxy, HTTP status), SIGNATURE, AUDIENCE, VERSION,
                       TIMEOUT, CLOSED, PROTOCOL */
    enum channel_close close; /* the peer's code; 0: none */
    struct sp_why why;        /* for people: what, to whom, what next */
    int64_t again_ms;         /* until the next try; -1: none */
};

struct dialer_events {
    /* The channel is open. `w` and `o` are borrowed for the call. From here on messages come. */
    void (*opened)(void *arg, struct channel *c, const struct opening_welcome *w,
                   const struct opening_edge *o);
    channel_message *message;
    /* The channel (if it was open: its pending calls have ended) or the try ended. */
    void (*lost)(void *arg, const struct dialer_lost *why);
};

struct dialer_options {
    const char *host; /* DNS name or address; copied, as all text here */
    uint16_t port;
    struct pool *pool; /* looks the name up; borrowed; NULL: the loop waits for the resolver */
    const struct tls_named *tls;   /* borrowed until dialer_free */
    const struct proxy_env *proxy; /* borrowed until dialer_free; NULL: always direct */
    bool l7;                       /* this edge's state says front: l7 */
    int64_t eager_ms; /* after the loss of an open channel tries stay at most 1 s apart for so long:
                         others wait for this edge. 0: not so */
    const struct opening_edge_config *edge; /* borrowed until dialer_free; its `pin` and `id` may
                                               change between tries */
    const struct dialer_events *events;
    void *arg;
};

/* The first try starts from the loop. SP_ERR_NOMEM, SP_ERR_TLS (CA files; `why`). */
SP_MUST sp_error dialer_new(struct engine *engine, const struct dialer_options *o,
                            struct sp_why *why, struct dialer **out);
/* Closes without a word to the events. NULL is allowed. */
void dialer_free(struct dialer *d);

/* NULL while not open. */
struct channel *dialer_channel(struct dialer *d);
/* Start over now: on another network, with a new id after `enrol`. A try that is under way and an
 * open channel are dropped first, without a word to the peer. */
void dialer_again(struct dialer *d);
/* Somebody waits for the channel until then: a dialer between two tries tries now, and tries stay
 * at most 1 s apart. One that is connecting or open goes on as it is. */
void dialer_hurry(struct dialer *d, sp_boot_ms until);

/* Broker time now: hello's time plus boot clock since. 0 before the first hello. */
sp_unix_ms dialer_broker_time(const struct dialer *d);

#endif
