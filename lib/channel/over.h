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

/* The edge. Takes `fd`, connected and non-blocking, also when it fails; `host` for the Host
 * header; `config` and `expect` are borrowed until the end (expect->pin: the relay's SPKI hash;
 * edge->pin must be the same key). */
SP_MUST sp_error over_dial(struct loop *loop, struct tunnel_thread *thread, struct tls_context *tls,
                           int fd, const char *host, const struct tls_expect *expect,
                           const struct opening_edge_config *edge, const struct over_events *events,
                           void *arg, struct over **out);

/* The relay, inside leg_events.asked of a leg whose request has a nonce: takes the leg, also when
 * it fails, and accepts the upgrade. */
SP_MUST sp_error over_serve(struct loop *loop, struct leg *leg, const struct upgrade_request *r,
                            const struct opening_server_config *server, const char *address,
                            const struct over_events *events, void *arg, struct over **out);

void over_welcome(struct over *o, const struct opening_welcome *w);
void over_refuse(struct over *o, enum channel_close code, const char *reason);

struct channel *over_channel(struct over *o);               /* NULL: not open */
const struct opening_edge *over_edge(const struct over *o); /* the dialling side's; for its time */
void over_free(struct over *o);                             /* NULL is allowed */

#endif
