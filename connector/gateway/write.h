#ifndef SP_GATEWAY_WRITE_H
#define SP_GATEWAY_WRITE_H

/*
 * write: messages written anew from their parsed form. What a peer sent goes nowhere as it was:
 * the framing is ours, hop-by-hop fields are gone, reserved names are only ours.
 */

#include "connector/gateway/request.h"

/* Fields of our own, after the peer's; values may hold no control character. */
struct write_fields {
    const struct gw_field *at;
    size_t n;
};

/* Where a request goes. Borrowed for the call. */
struct write_to {
    struct view prefix; /* put before the path */
    struct view host;   /* Host field, or :authority */
    bool secure;        /* https there; only HTTP/2 says so */
};

/*
 * The head of `r` for the application. `r->body` says how the body is framed. Websocket upgrades
 * are asked for where r->websocket.   SP_ERR_LIMIT, SP_ERR_NOMEM from `out`
 */
SP_MUST sp_error write_request(const struct gw_request *r, const struct write_to *to,
                               struct write_fields own, struct buf *out);

/* How the answer goes to the client. */
struct write_answer {
    enum gw_method method; /* of the request */
    int minor;             /* of the client's HTTP/1 */
    bool close;            /* the connection ends with it */
};

/* How the body of `r` is framed for that client: chunked, by its length, or by the end of the
 * connection (GW_BODY_NONE while there is a body: `until_close`). */
enum gw_body_kind write_body_kind(const struct gw_response *r, const struct write_answer *to,
                                  bool until_close);
SP_MUST sp_error write_response(const struct gw_response *r, const struct write_answer *to,
                                enum gw_body_kind body, struct write_fields own, struct buf *out);

/* Around a piece of a chunked body; the last one. */
enum { WRITE_CHUNK_HEAD_MAX = 18 };
void write_chunk_head(size_t len, struct buf *out);
void write_chunk_tail(struct buf *out);
void write_chunk_last(struct buf *out);

#endif
