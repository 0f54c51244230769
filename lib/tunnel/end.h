#ifndef SP_TUNNEL_END_H
#define SP_TUNNEL_END_H

/*
 * tunnel_end: one end of one tunnel, at an agent or a connector: the socket to the relay, outer
 * TLS and websocket, inner TLS and bind, the switch to bare records, streams, pings.
 *
 *   agent       tunnel_end_agent(fd) → tunnel_end_begin(grant, …) → up → tunnel_end_stream()
 *   connector   tunnel_end_spare(fd, ticket)   → waiting → tunnel_end_serve(grant, …) → up →
 * stream…
 *
 * The owner checks grants; this room checks that the peer has the key that was named, and that
 * both ends mean the same grant, app and version (E2E-4). Loop thread only. All callbacks come
 * from the loop, never from inside a call of this header, but `ended` may follow any of them. The
 * owner calls tunnel_end_free in `ended`, or outside of all callbacks at any time.
 */

#include "lib/base/clock.h"
#include "lib/tls/conn.h"
#include "lib/tunnel/limits.h"
#include "lib/tunnel/streams.h"
#include "lib/tunnel/thread.h"

struct loop;
struct json;
struct tunnel_end;

/* Why a tunnel ended. The zero value is a plain fault. */
enum tunnel_why {
    TUNNEL_FAULT = 0,   /* connection broken or protocol broken: `error` says more */
    TUNNEL_UNTRUSTED,   /* outer or inner TLS: not the peer that was named; `refusal` */
    TUNNEL_REFUSED,     /* HTTP answer: `status` and `code` */
    TUNNEL_CUT,         /* 4403, or tunnel_end_cut here: `code` is the reason */
    TUNNEL_CLOSED_CODE, /* another close code: `close` */
    TUNNEL_DONE,        /* a clean end: close_notify of the peer, or our own drain */
    TUNNEL_LOST,        /* two pings unanswered */
    TUNNEL_LATE,        /* a limit of PROTOCOL section 10 passed while opening */
    TUNNEL_IDLE,        /* no application byte for the session's idle time (connector) */
    TUNNEL_DEADLINE
};
const char *tunnel_why_text(enum tunnel_why w);

struct tunnel_report {
    enum tunnel_why why;
    sp_error error;
    enum tls_refusal refusal;
    unsigned status; /* HTTP status of a refused upgrade; 0: none */
    unsigned retry_after_s;
    unsigned close;    /* close code from the relay; 0: none */
    char code[32];     /* Sallyport-Code, or the reason of a close; "" */
    bool was_up;       /* the session had opened: exit 9, not 5 */
    uint64_t up, down; /* application bytes: up to the relay, down from it */
};

/* What the connector tells the agent in its bind, and what both then keep. 0: none. */
struct tunnel_limits {
    int64_t deadline; /* unix ms, broker time: the session's last byte; for display */
    int64_t idle_ms;  /* kept by the connector */
    unsigned streams; /* at most STREAMS_MAX; 0 means that */
};

struct tunnel_end_events {
    void (*waiting)(void *arg); /* connector: the spare stands at the relay. May be NULL */
    /* Both ends have proved themselves: streams may open. `said` is the connector's limits (at
     * the agent) or the agent's whole bind object, borrowed for the call (at the connector). */
    void (*up)(void *arg, const struct tunnel_limits *limits, const struct json *said);
    /* Connector: the agent asks for a stream to port index `port`. Takes over `s`: answer with
     * stream_accept or stream_refuse at any time, stream_free in the end. */
    void (*stream)(void *arg, struct stream *s, unsigned port);
    void (*ended)(void *arg, const struct tunnel_report *r); /* once */
};

struct tunnel_end_config {
    struct loop *loop; /* borrowed until _free, as is thread */
    struct tunnel_thread *thread;
    struct tls_context *outer; /* pinned or named client; kept alive */
    struct tls_context *inner; /* mutual client (agent) or server (connector); kept alive */
    const char *host;          /* SNI, Host header, and the name of a named context */
    const uint8_t *pin;        /* the relay's TLS_PIN_BYTES; NULL with a named context */
    bool cut_through;          /* a spare offers it: configuration `auto` and no L7 front */
    const struct tunnel_end_events *events; /* borrowed until _free */
    void *arg;                              /* borrowed until _free */
};

/* What both ends must agree on. Views are borrowed for the call. */
struct tunnel_session {
    struct view grant; /* the token, letter by letter */
    struct sp_id app;
    struct key_public device, connector; /* device: the tunnel key of PROTOCOL section 1 */
};

/* What only the agent says, in its bind. */
struct tunnel_agent_says {
    struct view device_sig; /* the device key's signature over the tunnel key */
    struct view identity;   /* the broker's identity statement, or empty */
};

/*
 * Both take `fd`, a connected TCP socket in non-blocking mode, also when they fail. An agent's end
 * stops after the outer TLS until tunnel_end_begin: an agent may shake hands with a relay while
 * its broker still decides.
 *   SP_ERR_INVALID   a member that must be set is not
 *   SP_ERR_NOMEM, SP_ERR_IO, SP_ERR_TLS
 */
SP_MUST sp_error tunnel_end_agent(const struct tunnel_end_config *c, int fd,
                                  struct tunnel_end **out);
SP_MUST sp_error tunnel_end_spare(const struct tunnel_end_config *c, int fd,
                                  const uint8_t ticket[16], struct tunnel_end **out);

/*
 * Agent, once: asks the relay with the grant for its session. `host` and `cut_through` as in the
 * config. The time for opening begins anew.
 *   SP_ERR_CLOSED    it has ended, or begun
 *   SP_ERR_INVALID, SP_ERR_NOMEM, SP_ERR_TLS
 */
SP_MUST sp_error tunnel_end_begin(struct tunnel_end *t, const char *host, bool cut_through,
                                  const struct tunnel_session *session,
                                  const struct tunnel_agent_says *says);

/*
 * Connector, once, after `waiting`: serves the session whose `open` named this spare. `bare` is
 * the order's mode: true for `cut`. Nothing of the peer's was read before.
 *   SP_ERR_INVALID   not a waiting spare, or `bare` where the relay did not accept the extension
 *   SP_ERR_NOMEM, SP_ERR_TLS
 */
SP_MUST sp_error tunnel_end_serve(struct tunnel_end *t, const struct tunnel_session *session,
                                  const struct tunnel_limits *limits, bool bare);

/*
 * Agent: opens a stream to the app's port index `port`. May be called before `up`; it is sent
 * when the connector's bind was checked.
 *   SP_ERR_LIMIT    too many streams
 *   SP_ERR_CLOSED   draining or ended
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error tunnel_end_stream(struct tunnel_end *t, unsigned port, struct stream **out);

/* No new streams; `ended` with TUNNEL_DONE when the last one is over. */
void tunnel_end_drain(struct tunnel_end *t);

/* Ends at once: streams are reset, the socket closes; `ended` with TUNNEL_CUT and `code` comes
 * from the loop. A word of PROTOCOL section 10. */
void tunnel_end_cut(struct tunnel_end *t, const char *code);

/* For reports and metrics. */
struct tunnel_figures {
    bool up, bare_up, bare_down; /* bare: that direction is cut through */
    unsigned streams;
    uint64_t bytes_up, bytes_down; /* application bytes */
    sp_boot_ms last_byte;          /* boot clock; 0: none yet */
    size_t piled;                  /* bytes that local sockets have not taken */
};
struct tunnel_figures tunnel_end_figures(const struct tunnel_end *t);

/* Closes what is open without a word; streams that live on have ended with SP_ERR_RESET and are
 * still their owners' to free. NULL is allowed. */
void tunnel_end_free(struct tunnel_end *t);

#endif
