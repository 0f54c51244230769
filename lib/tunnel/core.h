#ifndef SP_TUNNEL_CORE_H
#define SP_TUNNEL_CORE_H

/*
 * core: one end of a tunnel without its socket and timers: outer websocket, inner TLS, bind,
 * switch and streams over one wire; bytes in, bytes out.
 *
 * end.c drives it with a socket, the tests in memory at every split. One thread.
 */

#include "lib/tunnel/end.h"
#include "lib/tunnel/outer.h"

struct core;

enum core_state {
    CORE_ENDED = 0,
    CORE_OUTER,   /* outer TLS and upgrade */
    CORE_WAITING, /* connector: a spare; pings are answered, nothing else is read */
    CORE_INNER,   /* inner handshake */
    CORE_BIND,    /* our bind is out, the peer's awaited */
    CORE_UP
};

/* Called from core_run and core_flush, but for `output`, which any call may cause. None of them
 * may free the core. */
struct core_hooks {
    void (*waiting)(void *arg);
    void (*up)(void *arg, const struct tunnel_limits *limits, const struct json *said);
    void (*stream)(void *arg, struct stream *s, unsigned port);
    void (*output)(void *arg); /* core_flush has something to do, once until it ran */
    void (*ponged)(void *arg);
};

struct core_config {
    bool agent;
    struct tunnel_thread *thread; /* borrowed, as wire, until core_free */
    struct wire *wire;
    struct tls_context *outer, *inner;
    const struct tls_expect *expect;   /* of the relay; borrowed for the call */
    const struct upgrade_request *ask; /* borrowed for the call; NULL: see core_begin */
    const struct core_hooks *hooks;    /* borrowed until core_free, as arg */
    void *arg;
};

/* A connector's spare, or an agent's end that waits in the outer TLS for core_begin.
 *   SP_ERR_INVALID, SP_ERR_NOMEM, SP_ERR_TLS */
SP_MUST sp_error core_new(const struct core_config *c, struct core **out);
/* Agent, once: what to ask the relay for, and the session. All borrowed for the call; core_run
 * must follow.   SP_ERR_CLOSED, SP_ERR_INVALID, SP_ERR_NOMEM, SP_ERR_TLS */
SP_MUST sp_error core_begin(struct core *c, const struct upgrade_request *ask,
                            const struct tunnel_session *session,
                            const struct tunnel_agent_says *says);
/* Streams end with SP_ERR_RESET first. NULL is allowed. */
void core_free(struct core *c);

/* As tunnel_end_serve. core_run must follow: frames may have come already. */
SP_MUST sp_error core_serve(struct core *c, const struct tunnel_session *session,
                            const struct tunnel_limits *limits, bool bare);

/*
 * Takes what the wire holds, as far as it goes.
 *   SP_OK           all is taken that can be
 *   else            CORE_ENDED: core_report() says why; what is still in the wire's output may be
 *                   sent (a close frame, a close_notify)
 */
SP_MUST sp_error core_run(struct core *c);

/* Fills the wire's output up to a batch from the streams. As core_run. */
SP_MUST sp_error core_flush(struct core *c);

/* The socket ended (FIN) or broke (`e`). Clean only if the inner TLS said so before. */
void core_eof(struct core *c, sp_error e);

enum core_state core_state(const struct core *c);
void core_report(const struct core *c, struct tunnel_report *out);
struct tunnel_figures core_figures(const struct core *c);

/* Agent; at any time before the end.   as tunnel_end_stream */
SP_MUST sp_error core_stream(struct core *c, unsigned port, struct stream **out);

/* HTTP/2 PING between the ends when UP, websocket ping to the relay before. */
SP_MUST sp_error core_ping(struct core *c);
/* Boot clock: when the peer was heard last: any frame before UP, any inner record after. */
sp_boot_ms core_heard(const struct core *c);

void core_drain(struct core *c);
/* Ends it here for `why`: the last words are in the wire's output. */
void core_stop(struct core *c, enum tunnel_why why, const char *code);
/* After the end: the streams end with SP_ERR_RESET now, before the owner hears of it. */
void core_abandon(struct core *c);
/* Streams that are not over; 0 and draining: core_stop(TUNNEL_DONE) is due. */
unsigned core_live(const struct core *c);

/* Tests: new inner keys (CT-10), and what was negotiated. */
struct tls_conn *core_inner(struct core *c);

#endif
