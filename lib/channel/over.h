#ifndef SP_CHANNEL_OVER_H
#define SP_CHANNEL_OVER_H

/*
 * over: the same channel on the tunnel engine: connectors' standing channels at relays (/stand).
 *
 * Same envelope and proof as /control (opening.h); the server proves its TLS key, which the edge
 * has pinned (stand statement), the edge proves its key and shows its stand statement. Standing
 * itself, spares and grants are the owner's. Loop thread only.
 */

#include "lib/channel/opening.h"
#include "lib/tunnel/leg.h"

struct over;

/* How it ended, once, from the loop; then over_free. */
struct over_report {
    sp_error error;
    enum channel_close close;
    struct leg_report leg;
};

struct over_events {
    /* Server side: `peer` has proved its key; answer with over_welcome or over_refuse. */
    void (*proven)(void *arg, struct over *o, const struct channel_peer *peer);
    /* Open; from here on messages. `w` NULL at the server. */
    void (*opened)(void *arg, struct over *o, struct channel *c, const struct opening_welcome *w);
    channel_message *message;
    void (*ended)(void *arg, const struct over_report *r);
};

/* An edge that goes to a relay: whom it expects there, and who it is. Without a pin that is nobody:
 * SP_ERR_INVALID. */
struct over_dial_spec {
    struct loop *loop; /* borrowed until over_free, as are thread, edge and events */
    struct tunnel_thread *thread;
    struct tls_context *tls;         /* kept alive */
    const char *host;                /* for the Host header; borrowed for the call, as is expect */
    const struct tls_expect *expect; /* expect->pin: the relay's SPKI hash */
    const struct opening_edge_config *edge; /* edge->pin must be the same key */
    const struct over_events *events;
    void *arg;
};
/* Takes `fd`, connected and non-blocking, also when it fails. Errors of leg_client. */
SP_MUST sp_error over_dial(const struct over_dial_spec *spec, int fd, struct over **out);

/* A relay that an edge came to. */
struct over_serve_spec {
    struct loop *loop;                     /* borrowed until over_free, as are server and events */
    const struct upgrade_request *request; /* borrowed for the call, as is address */
    const struct opening_server_config *server;
    const char *address; /* the edge's, for channel_peer */
    const struct over_events *events;
    void *arg;
};
/* Inside leg_events.asked of `leg`: takes it, also when it fails, and accepts the upgrade.
 *   SP_ERR_INVALID  the request has no nonce
 *   SP_ERR_NOMEM */
SP_MUST sp_error over_serve(const struct over_serve_spec *spec, struct leg *leg, struct over **out);

void over_welcome(struct over *o, const struct opening_welcome *w);
void over_refuse(struct over *o, enum channel_close code, const char *reason);

struct channel *over_channel(struct over *o);               /* NULL: not open */
const struct opening_edge *over_edge(const struct over *o); /* the dialling side's; for its time */
void over_free(struct over *o);                             /* NULL is allowed */

#endif
