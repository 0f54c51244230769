#ifndef SP_GATEWAY_HTTP2_H
#define SP_GATEWAY_HTTP2_H

/*
 * http2: one HTTP/2 connection, either side of it (RFC 9113): bytes in, bytes out, no I/O.
 * nghttp2 reads the frames and keeps the windows; what is told here is whole header blocks, data
 * with credit, ends. What the header blocks mean is message2.h.
 *
 * A stream that breaks a rule is reset, a connection that does so, or that asks for much at little
 * cost (calm.h), ends with GOAWAY. The events are called from inside of http2_take() and
 * http2_give(); every function but those two may be called in them. One thread.
 * Fuzzed by tests/fuzz/fuzz_http2.c.
 */

#include "connector/gateway/arena.h"
#include "connector/gateway/write.h"

enum http2_side { HTTP2_SERVER, HTTP2_CLIENT };

enum {
    HTTP2_STREAMS_MAX = 100,                   /* at once, of a client */
    HTTP2_STREAM_WINDOW = 64 * 1024,           /* of the first bytes of a stream */
    HTTP2_STREAM_WINDOW_MAX = 1024 * 1024,     /* of one whose bytes are taken at once */
    HTTP2_CONNECTION_WINDOW = 4 * 1024 * 1024, /* of a client: all that can pile up here */
    HTTP2_APP_STREAM_WINDOW = 96 * 1024,       /* of an application: with ASKER_OUT_MAX a buffer of
                                                  128 KiB, for a client that takes nothing */
    HTTP2_APP_CONNECTION_WINDOW = 16 * 1024 * 1024
};

/* Codes of RFC 9113 section 7 that are asked for here. */
enum http2_code {
    HTTP2_NO_ERROR = 0,
    HTTP2_PROTOCOL_ERROR = 1,
    HTTP2_INTERNAL_ERROR = 2,
    HTTP2_REFUSED_STREAM = 7,
    HTTP2_CANCEL = 8,
    HTTP2_ENHANCE_YOUR_CALM = 11
};

/* Of one header block: bytes as RFC 9113 section 6.5.2 counts them, and fields. */
struct http2_limits {
    size_t list, fields;
};

struct http2;
struct http2_stream;

struct http2_events {
    /* A peer's request begins: its header block may still be under way. Sets the user with
     * http2_use(). Only of a server. false: no memory, it is reset. */
    bool (*begins)(void *arg, struct http2_stream *s);
    /* The header block is whole. `end`: nothing follows. */
    void (*head)(void *arg, void *user, struct http2_stream *s, bool end);
    /* All of it is taken; http2_took() gives the credit back, now or later. */
    void (*data)(void *arg, void *user, struct view data);
    /* After data: the end; trailers are in http2_fields(), perhaps none. */
    void (*end)(void *arg, void *user, struct http2_stream *s);
    /* Less than half of what may wait is waiting. */
    void (*drained)(void *arg, void *user);
    /* It broke RFC 9113 and is being reset; `closed` follows. */
    void (*broken)(void *arg, void *user);
    /* Once; the stream is gone afterwards. `code` is that of a reset, 0 without one. */
    void (*closed)(void *arg, void *user, uint32_t code);
};

/* `limits` is borrowed until http2_free.   SP_ERR_NOMEM */
SP_MUST sp_error http2_new(enum http2_side side, const struct http2_limits *limits,
                           const struct http2_events *events, void *arg, struct http2 **out);
void http2_free(struct http2 *h); /* its streams end with `closed`; NULL is allowed */

/* Bytes of the peer, all of them.   SP_ERR_PROTOCOL, SP_ERR_NOMEM: http2_give() has a last word */
SP_MUST sp_error http2_take(struct http2 *h, struct view in);
/* The next bytes for the peer, until the next call; empty: none now.   SP_ERR_NOMEM */
SP_MUST sp_error http2_give(struct http2 *h, struct view *out);
bool http2_wants_to_give(const struct http2 *h);

size_t http2_live(const struct http2 *h);                 /* streams */
bool http2_accepts(const struct http2 *h);                /* client: another request may be sent */
bool http2_leaving(const struct http2 *h);                /* GOAWAY came or went */
void http2_goaway(struct http2 *h, enum http2_code code); /* no further streams of the peer */

/* ---- streams ------------------------------------------------------------------------------- */

void http2_use(struct http2_stream *s, void *user); /* NULL: nothing more is told of it */

/* The last whole block, names and values copied into `a`; pseudo fields are among them.
 *   SP_ERR_LIMIT      more than the limits, or the arena is spent
 *   SP_ERR_MALFORMED  a name or value that no field has
 *   SP_ERR_NOMEM */
SP_MUST sp_error http2_fields(const struct http2_stream *s, struct arena *a,
                              struct gw_field **fields, size_t *n);

/* A request of a client. `end`: it has no body.   SP_ERR_NOMEM, SP_ERR_CLOSED */
SP_MUST sp_error http2_request(struct http2 *h, struct write_fields fields, bool end, void *user,
                               struct http2_stream **out);
/* The answer of a server; of 1xx others follow.   SP_ERR_NOMEM */
SP_MUST sp_error http2_answer(struct http2_stream *s, int status, struct write_fields fields,
                              struct write_fields more, bool end);

/* Both are ignored once it was ended or reset.   SP_ERR_NOMEM: it is reset */
SP_MUST sp_error http2_write(struct http2_stream *s, struct view data);
SP_MUST sp_error http2_end(struct http2_stream *s, struct write_fields trailers);
size_t http2_held(const struct http2_stream *s); /* bytes that wait for the peer */
void http2_took(struct http2_stream *s, size_t n);
void http2_reset(struct http2_stream *s, enum http2_code code);

#endif
