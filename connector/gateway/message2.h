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

/*
 * `fields` are those of http2_fields(), in `a`; out->fields are some of them. `end`: there is no
 * body. Cookie crumbs become one field (section 8.2.3).
 *   SP_ERR_MALFORMED, SP_ERR_LIMIT, SP_ERR_NOMEM  *reason says which refusal
 */
SP_MUST sp_error message2_request(struct gw_field *fields, size_t n, bool end, bool secure,
                                  struct arena *a, struct gw_request *out, struct view *target,
                                  enum gw_reason *reason);

/* The head of an answer to `method`; 1xx too.   SP_ERR_MALFORMED, SP_ERR_LIMIT, SP_ERR_NOMEM */
SP_MUST sp_error message2_response(struct gw_field *fields, size_t n, bool end,
                                   enum gw_method method, struct arena *a, struct gw_response *out);

/* Trailers, in place: what goes on of them.   SP_ERR_MALFORMED */
SP_MUST sp_error message2_trailers(struct gw_field *fields, size_t *n);

/*
 * A request for an application that speaks HTTP/2, as write_request() says it.
 *   SP_ERR_LIMIT, SP_ERR_NOMEM from `a`
 */
SP_MUST sp_error message2_write(const struct gw_request *r, struct view prefix, struct view host,
                                bool secure, struct write_fields own, struct arena *a,
                                struct write_fields *out);

/* The decimal text of a content-length, in `room`. */
struct view message2_number(uint64_t n, char room[24]);

#endif
