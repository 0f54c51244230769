#ifndef SP_GATEWAY_HTTP2_INTERNAL_H
#define SP_GATEWAY_HTTP2_INTERNAL_H

/* The parts of a connection that http2.c (frames, bytes) and http2_stream.c (streams, header
 * blocks, data) share. */

#include "connector/gateway/calm.h"
#include "connector/gateway/http2.h"

#include <nghttp2/nghttp2.h>

/* Where a field's name and value stand in `text`. */
struct span {
    uint32_t at, name, value;
};

struct http2_stream {
    struct http2 *h2; /* borrowed */
    int32_t id;
    void *user; /* borrowed; NULL: nobody hears of it */
    struct http2_stream *next, **from;
    struct buf text; /* of the header block */
    struct span *spans;
    size_t span_count, span_cap, list;
    bool malformed, too_large, block_read;
    bool head_told; /* a head that was no 1xx */
    bool peer_ended, ended, reset;
    struct buf out;
    size_t out_at;
    struct gw_field *trailers; /* owned, with their text */
    size_t trailer_count;
    size_t owed; /* bytes of the peer that http2_took() has not given back */
    int32_t window;
    size_t since_growth;
};

struct http2 {
    nghttp2_session *session;
    enum http2_side side;
    const struct http2_limits *limits; /* borrowed */
    const struct http2_events *events; /* borrowed */
    void *arg;
    struct calm calm;
    struct http2_stream *streams;
    size_t live;
    bool restless, leaving, freeing;
};

/* ---- http2_stream.c ---- */
struct http2_stream *http2_stream_of(const struct http2 *h, int32_t id); /* NULL: none */
struct http2_stream *http2_stream_new(struct http2 *h, int32_t id);      /* NULL: no memory */
void http2_stream_free(struct http2_stream *s);
void http2_stream_close(struct http2_stream *s, uint32_t code); /* tells, and frees */
void http2_block_forget(struct http2_stream *s);
SP_MUST sp_error http2_block_add(struct http2_stream *s, struct view name, struct view value);

#endif
