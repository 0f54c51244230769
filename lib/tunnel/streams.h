#ifndef SP_TUNNEL_STREAMS_H
#define SP_TUNNEL_STREAMS_H

/*
 * streams: the TCP connections inside a session, as HTTP/2 CONNECT streams (nghttp2, no I/O).
 *
 * `:authority` is the app id in text and the port index: "22chars:0", never a host. FIN of a
 * side is END_STREAM of that side, RST is RST_STREAM (C-022). The agent is the HTTP/2 client.
 *
 * Credit: a peer may send what its window allows. The window of a stream begins at
 * STREAM_FIRST_BYTES, is raised to STREAM_PILE_BYTES as soon as the stream is known here, and grows
 * to STREAM_WINDOW_MAX only as far as the local socket's kernel buffer has room (stream_io.room),
 * so that what piles up in this process for a reader that stopped stays at STREAM_PILE_BYTES. What
 * lies above the first window is lent from SESSION_LENT_BYTES of the session: a quarter at most of
 * what is left, so that later streams get less when many readers stand still, and none of them
 * nothing. The session as a whole holds at most SESSION_PILE_BYTES.
 *
 * One thread. Bytes in (streams_take), bytes out (streams_give): tunnel_end drives it.
 */

#include "lib/base/buf.h"
#include "lib/base/id.h"
#include "lib/tunnel/limits.h"

struct streams;
struct stream;

/* How a stream meets its local side; pump.h fills it for a socket. Called from streams_*; none of
 * them may free the stream. */
struct stream_io {
    /* Bytes to send: SP_OK with *got > 0; SP_ERR_AGAIN: none now, stream_readable() will say;
     * SP_ERR_CLOSED: end of file; else: the local side broke, the stream is reset. */
    sp_error (*read)(void *arg, uint8_t *to, size_t room, size_t *got);
    /* Bytes from the peer: *took <= len are gone. The rest is kept and offered again after
     * stream_writable(). An error resets the stream. */
    sp_error (*write)(void *arg, struct view bytes, size_t *took);
    /* How many more bytes the kernel would take beyond what it holds; grants window. */
    size_t (*room)(void *arg);
    void (*finished)(void *arg);             /* the peer ended its side and all of it was written */
    void (*answered)(void *arg, int status); /* agent: the connector's answer, 200 or 403…504 */
    void (*ended)(void *arg, sp_error why);  /* both sides over (SP_OK), SP_ERR_RESET, …; once */
};

/* Sets the local side; `io` and `arg` are borrowed until stream_free. What had come already is
 * offered from the loop. Before this, bytes pile up within the first window. */
void stream_attach(struct stream *s, const struct stream_io *io, void *arg);
void stream_readable(struct stream *s); /* read may have bytes again */
void stream_writable(struct stream *s); /* write may take bytes again */

/* The local side broke: RST_STREAM to the peer; `ended` follows. */
void stream_abort(struct stream *s, sp_error why);

/* Connector: the answer to a new stream. Refusals: 403 floor, 404 port, 502 refused, 504 late. */
void stream_accept(struct stream *s);
void stream_refuse(struct stream *s, int status);

/* Tells the peer RST and frees; a stream that is over just goes. NULL is allowed. */
void stream_free(struct stream *s);

unsigned stream_port(const struct stream *s);
uint64_t stream_sent(const struct stream *s);     /* application bytes to the peer */
uint64_t stream_received(const struct stream *s); /* from the peer, written locally */
size_t stream_piled(const struct stream *s);

enum streams_role { STREAMS_AGENT, STREAMS_CONNECTOR };

struct streams_hooks {
    /* Connector: a CONNECT for our app. Takes over `s`. */
    void (*opened)(void *arg, struct stream *s, unsigned port);
    void (*output)(void *arg); /* streams_give has something; called at most once until then */
    void (*ponged)(void *arg); /* the answer to streams_ping */
};

/*
 * `app` is the only one that CONNECT may name; `max` streams at a time.
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error streams_new(enum streams_role role, struct sp_id app, unsigned max,
                             const struct streams_hooks *hooks, void *arg, struct streams **out);
void streams_free(struct streams *s); /* its streams end with SP_ERR_RESET first */

/*
 * Agent: a stream to port index `port`; HEADERS go out with the next streams_give.
 *   SP_ERR_LIMIT, SP_ERR_CLOSED, SP_ERR_NOMEM
 */
SP_MUST sp_error streams_open(struct streams *s, unsigned port, struct stream **out);

/* Plaintext of the inner TLS.   SP_ERR_PROTOCOL  the peer broke HTTP/2 or a window;  SP_ERR_NOMEM
 */
SP_MUST sp_error streams_take(struct streams *s, struct view plain);

/* The next bytes to send, at most about TUNNEL_BATCH_BYTES, valid until the next call; empty when
 * there are none.   SP_ERR_PROTOCOL, SP_ERR_NOMEM */
SP_MUST sp_error streams_give(struct streams *s, struct view *out);

/* Agent: the connector has proved itself, so application bytes may leave. Before this only
 * requests do. A connector may call it at once. */
void streams_allow_data(struct streams *s);

SP_MUST sp_error streams_ping(struct streams *s);
void streams_drain(struct streams *s); /* GOAWAY: no new ones */
unsigned streams_live(const struct streams *s);
size_t streams_piled(const struct streams *s); /* bytes, all streams */
uint64_t streams_sent(const struct streams *s);
uint64_t streams_received(const struct streams *s);

#endif
