#ifndef SP_GATEWAY_HTTP1_H
#define SP_GATEWAY_HTTP1_H

/*
 * http1: HTTP/1.1 messages of one side of one connection, one after another: bytes in, head and
 * body out. llhttp reads with no lenient flag; strict.h reads the same bytes besides, and only
 * what both read alike is given out.
 *
 *   http1_head()    with bytes, until it gives SP_OK: the head is whole
 *   http1_request() or http1_response(): what it says, in the message's arena
 *   http1_body()    with bytes, until http1_ended()
 *   http1_next()    and again from the beginning
 * After an error nothing but http1_free may follow: the connection ends. No I/O. One thread.
 * Fuzzed by tests/fuzz/fuzz_http1.c.
 */

#include "connector/gateway/fields.h"
#include "connector/gateway/verdict.h"

enum http1_side { HTTP1_REQUESTS, HTTP1_RESPONSES };

/* Bytes of the first line with its end, bytes of the rest of the head, fields. */
struct http1_limits {
    size_t line, block, fields;
};

struct http1;

/* Borrows `limits` until http1_free.   SP_ERR_NOMEM */
SP_MUST sp_error http1_new(enum http1_side side, const struct http1_limits *limits,
                           struct http1 **out);
void http1_free(struct http1 *p); /* NULL is allowed */

/* Nothing of a message has come yet: the connection is idle. */
bool http1_idle(const struct http1 *p);

/*
 * Takes `*used` bytes of the head from the front of `in`.
 *   SP_ERR_AGAIN      the head is not whole; all of `in` was taken
 *   SP_ERR_MALFORMED  http1_reason() is GW_REASON_FRAMING or GW_REASON_METHOD
 *   SP_ERR_LIMIT      http1_reason() is GW_REASON_TARGET_SIZE or GW_REASON_HEADER_SIZE
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error http1_head(struct http1 *p, struct view in, size_t *used);
enum gw_reason http1_reason(const struct http1 *p);

/*
 * The head of a request. `target` is as it was sent, for target.h; out->target stays empty.
 * Everything is copied into `a`, which becomes out->arena. Errors of the head's meaning are told
 * as those of http1_head are; SP_ERR_LIMIT besides when the arena is spent.
 */
SP_MUST sp_error http1_request(struct http1 *p, struct arena *a, struct gw_request *out,
                               struct view *target);

/*
 * The head of an answer to `method`. A status of 1xx other than 101 has no body and is followed
 * by another answer. *until_close: the body ends with the connection.
 */
SP_MUST sp_error http1_response(struct http1 *p, struct arena *a, enum gw_method method,
                                struct gw_response *out, bool *until_close);

/*
 * Takes `*used` bytes of the body's form from the front of `in`; `*data`, perhaps empty, is the
 * piece of the body among them. Zero bytes are taken once the body has ended.
 *   SP_ERR_MALFORMED, SP_ERR_LIMIT
 */
SP_MUST sp_error http1_body(struct http1 *p, struct view in, size_t *used, struct view *data);
bool http1_ended(const struct http1 *p); /* the whole message was taken */

/* The connection has ended, and with it a body that lasts until then.
 *   SP_ERR_CLOSED  in the middle of a message */
SP_MUST sp_error http1_close(struct http1 *p);

void http1_next(struct http1 *p);
/* Other limits, while it is idle; borrowed as those before. */
void http1_limit(struct http1 *p, const struct http1_limits *limits);

/* All that is kept between messages; for the memory of idle connections. */
size_t http1_held(const struct http1 *p);

#endif
