#ifndef SP_GATEWAY_STRICT_H
#define SP_GATEWAY_STRICT_H

/*
 * strict: the second opinion on how a message is framed. llhttp reads the same bytes; what either
 * of them doubts is refused with 400, and both must see the same body (RFC 9112 section 11.2).
 *
 * Here is what llhttp lets through: a second empty line before a request, two spaces around the
 * target, a fragment, a backslash or a raw byte above 0x7e in it, an empty first coding, chunked
 * with HTTP/1.0, a Content-Length with leading zeros, a chunk size of more than 16 digits, a Host
 * that is absent, twice there or no host. Pure; the two readers keep their place in a struct of
 * the caller's that begins zeroed, so that bytes may come in any pieces.
 * Fuzzed by tests/fuzz/fuzz_http1.c.
 */

#include "connector/gateway/fields.h"

enum {
    STRICT_CHUNK_DIGITS = 16,
    STRICT_CHUNK_EXTENSIONS = 256, /* bytes of all extensions of one chunk */
    STRICT_TRAILERS = 8 * 1024     /* bytes of all trailers; they are dropped */
};

/* Reads the request line from raw bytes; bytes after it are not looked at. */
struct strict_line {
    uint8_t state;
};
/*   SP_ERR_MALFORMED */
SP_MUST sp_error strict_line(struct strict_line *s, struct view in);

/* Reads a chunked body (RFC 9112 section 7.1). */
struct strict_chunk {
    uint8_t state, digits;
    bool ended; /* the empty line after the last chunk was read */
    uint64_t left;
    size_t extensions, trailers;
};
/*
 * From the front of `in` to the end of the next piece of data, of the message, or of `in`;
 * `*used` bytes were read, the last of them are `*data`, which is empty when there is none.
 *   SP_ERR_MALFORMED
 *   SP_ERR_LIMIT      extensions or trailers
 */
SP_MUST sp_error strict_chunk(struct strict_chunk *s, struct view in, size_t *used,
                              struct view *data);

/*
 * What the fields say of the body. `minor` is that of HTTP/1. A message without either field has
 * GW_BODY_NONE.
 *   SP_ERR_MALFORMED  Transfer-Encoding beside Content-Length, twice, other than "chunked", or
 *                     with HTTP/1.0; Content-Length twice or in another form than its shortest
 */
SP_MUST sp_error strict_framing(const struct field_roles *roles, int minor, enum gw_body_kind *kind,
                                uint64_t *length);

/* One Host field, which is a name or address with or without a port (RFC 9110 section 7.2).
 *   SP_ERR_MALFORMED */
SP_MUST sp_error strict_host(const struct field_roles *roles, struct view *host);
bool strict_host_form(struct view host);

#endif
