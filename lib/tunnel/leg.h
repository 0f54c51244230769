#ifndef SP_TUNNEL_LEG_H
#define SP_TUNNEL_LEG_H

/*
 * leg: a socket with a websocket of the tunnel engine on it, driven by the loop: outer TLS,
 * upgrade, frames, pings, back-pressure, deadlines. Standing channels (lib/channel/over) use it
 * as it is, for whole messages; the relay's tunnels and tunnel_end build on it.
 *
 * Loop thread only. Callbacks come from the loop, never from inside a call of this header;
 * `ended` comes once and last, and only there or later the owner calls leg_free.
 */

#include "lib/tls/conn.h"
#include "lib/tunnel/limits.h"
#include "lib/tunnel/thread.h"
#include "lib/tunnel/upgrade.h"

struct loop;
struct leg;

/* How a leg ended. */
struct leg_report {
    sp_error error;           /* SP_ERR_CLOSED: a close frame or FIN; SP_ERR_TLS, _PROTOCOL, … */
    enum tls_refusal refusal; /* with SP_ERR_TLS */
    unsigned status;          /* client: HTTP status of a refused upgrade, SP_ERR_REFUSED */
    unsigned retry_after_s;
    unsigned close; /* close code that the peer sent; 0: none */
    char code[32];  /* Sallyport-Code or close reason; "" */
};

struct leg_events {
    /* Server: a well-formed request, borrowed for the call. Answer with leg_accept or leg_refuse,
     * now or later; unanswered, the leg ends after OUTER_TLS_MS. */
    void (*asked)(void *arg, const struct upgrade_request *r);
    /* The websocket is open. `cut_through`: the extension was agreed. */
    void (*opened)(void *arg, bool cut_through);
    /* A whole binary message of at most MESSAGE_MAX, borrowed for the call. */
    void (*message)(void *arg, struct view bytes);
    void (*ended)(void *arg, const struct leg_report *r);
};

struct leg_config {
    struct loop *loop; /* borrowed until leg_free, as is thread */
    struct tunnel_thread *thread;
    struct tls_context *tls;         /* kept alive */
    const struct leg_events *events; /* borrowed until leg_free or leg_events_set */
    void *arg;
};

/* A client. Takes `fd`, connected and non-blocking, also when it fails. `expect` and `ask` are
 * borrowed for the call; ask->key is made here.   SP_ERR_INVALID, SP_ERR_NOMEM, SP_ERR_IO,
 * SP_ERR_TLS */
SP_MUST sp_error leg_client(const struct leg_config *c, int fd, const struct tls_expect *expect,
                            const struct upgrade_request *ask, struct leg **out);
/* A server, on a fresh or a peeked socket.   SP_ERR_NOMEM, SP_ERR_IO, SP_ERR_TLS */
SP_MUST sp_error leg_server(const struct leg_config *c, int fd, struct leg **out);

void leg_accept(struct leg *l, bool cut_through);
/* As upgrade_write_refusal; `ended` follows with SP_ERR_REFUSED when it is written. */
void leg_refuse(struct leg *l, unsigned status, const char *code, unsigned retry_after_s);

/* Another owner from here on (a relay learns only from the request what the leg will be). */
void leg_events_set(struct leg *l, const struct leg_events *events, void *arg);

/* Bytes of messages that the peer may send before this is raised to MESSAGE_MAX each; starts at
 * MESSAGE_UNPROVEN_MAX in all (WS-15). */
void leg_proven(struct leg *l);

/*
 * One binary message of at most MESSAGE_MAX, copied.
 *   SP_ERR_LIMIT   too long
 *   SP_ERR_BUSY    a batch is unsent: the peer does not read; try again or give up
 *   SP_ERR_CLOSED  not open
 */
SP_MUST sp_error leg_send(struct leg *l, struct view message);

/* Close handshake with a code of enum tunnel_close and a word as reason (or NULL); `ended`
 * follows within 2 s. */
void leg_close(struct leg *l, unsigned code, const char *reason);

/* RFC 9266 binding of the outer TLS, once open.   SP_ERR_TLS */
SP_MUST sp_error leg_binding(struct leg *l, uint8_t out[TLS_EXPORT_BYTES]);

/*
 * For the relay's pairs (relay/pair.c): from here on payload is the taker's own. The leg goes on
 * with pings, deadlines and the socket; instead of `message` it calls these. `ended` stays.
 */
struct leg_raw {
    void (*fed)(void *arg);     /* bytes are in the wire */
    void (*drained)(void *arg); /* the wire's output may take a batch again */
};
void leg_raw(struct leg *l, const struct leg_raw *raw, void *arg); /* borrowed until leg_free */
struct outer;
struct drive;
struct outer *leg_outer(struct leg *l); /* NULL: shed */
struct drive *leg_drive(struct leg *l);

/* Both directions are bare: gives back the websocket and its timer. */
void leg_shed(struct leg *l);
/* Ends it now, with RST where `reset`; `ended` does not come. */
void leg_abort(struct leg *l, bool reset);

void leg_free(struct leg *l); /* closes without a word; NULL is allowed */

#endif
