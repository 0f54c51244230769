#ifndef SP_TLS_HELLO_H
#define SP_TLS_HELLO_H

/*
 * hello: the TLS ClientHello that opens a connection, read without taking a byte of it.
 *
 * Used by   the acceptors (broker front, relay) through peek.h: one public port for websockets,
 *           browsers and tunnels.
 * Form      RFC 8446 4.1.2 in records of 5.1, joined over at most HELLO_RECORDS_MAX records.
 * Pure, allocates nothing, keeps nothing. Fuzzed by tests/fuzz/fuzz_hello.c.
 */

#include "lib/base/view.h"

#define HELLO_TUNNEL_ALPN "sallyport-tunnel/1"

enum {
    HELLO_RECORDS_MAX = 8,
    HELLO_MESSAGE_MAX = 16384 + 4,
    HELLO_BYTES_MAX = HELLO_MESSAGE_MAX + HELLO_RECORDS_MAX * 5, /* enough for one recv(PEEK) */
    HELLO_BYTES_MIN = 5, /* a record header: the first thing to wait for */
    HELLO_NAME_MAX = 253
};

struct hello {
    bool tunnel;                   /* ALPN is exactly one entry: HELLO_TUNNEL_ALPN */
    char name[HELLO_NAME_MAX + 1]; /* SNI host_name in lower case; "" when absent */
};

/*
 * `in` is everything received so far, from the first byte.
 *   SP_ERR_AGAIN      incomplete; `*need` (always written, >= in.len + 1 or the old need) is how
 *                     many bytes from the start must be there before it makes sense to look again
 *   SP_ERR_MALFORMED  not a ClientHello by the letter: record type, version, length, order of
 *                     lengths, an extension twice, bytes behind the message
 *   SP_ERR_LIMIT      more records or bytes than above
 * `*out` is written on SP_OK only.
 */
SP_MUST sp_error hello_parse(struct view in, struct hello *out, size_t *need);

#endif
