#ifndef SP_GATEWAY_MESSAGE2_H
#define SP_GATEWAY_MESSAGE2_H

/*
 * message2: what the header blocks of HTTP/2 mean (RFC 9113 section 8), read as strictly as
 * strict.h reads those of HTTP/1, since the request goes on in HTTP/1 where the application speaks
 * that. nghttp2 has read them before; what either of them doubts is refused.
 *
 * Refused: pseudo fields that are unknown, twice, missing, empty or behind others; names that are
 * no token in lower case; values with controls or outer white space; connection, keep-alive,
 * proxy-connection, transfer-encoding, upgrade; TE other than "trailers"; Host unless it says what
 * :authority says; a length twice, in another form than its shortest, or with a body that has
 * ended already; another scheme than that of the connection.
 * Pure. Fuzzed by tests/fuzz/fuzz_http2.c.
 */

#include "connector/gateway/http2.h"
#include "connector/gateway/verdict.h"

/* The header block that begins a message, as http2_fields() gives it. A zeroed one is none:
 * SP_ERR_MALFORMED. */
struct message2_head {
    struct gw_field *fields; /* in the arena of the call; they are moved, and some go on */
    size_t n;
    bool end; /* of the stream: there is no body */
};

/*
 * `secure`: whether the connection is. out->fields are some of the head's. Cookie crumbs become one
 * field (section 8.2.3).
 *   SP_ERR_MALFORMED, SP_ERR_LIMIT, SP_ERR_NOMEM  *reason says which refusal
 */
SP_MUST sp_error message2_request(const struct message2_head *head, bool secure, struct arena *a,
                                  struct gw_request *out, struct view *target,
                                  enum gw_reason *reason);

/* The head of an answer to `method`; 1xx too.   SP_ERR_MALFORMED, SP_ERR_LIMIT, SP_ERR_NOMEM */
SP_MUST sp_error message2_response(const struct message2_head *head, enum gw_method method,
                                   struct arena *a, struct gw_response *out);

/* Trailers, in place: what goes on of them.   SP_ERR_MALFORMED */
SP_MUST sp_error message2_trailers(struct gw_field *fields, size_t *n);

/*
 * A request for an application that speaks HTTP/2, as write_request() says it.
 *   SP_ERR_LIMIT, SP_ERR_NOMEM from `a`
 */
SP_MUST sp_error message2_write(const struct gw_request *r, const struct write_to *to,
                                struct write_fields own, struct arena *a, struct write_fields *out);

/* The decimal text of a content-length, in `room`. */
struct view message2_number(uint64_t n, char room[24]);

#endif
