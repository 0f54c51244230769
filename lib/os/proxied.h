#ifndef SP_OS_PROXIED_H
#define SP_OS_PROXIED_H

/*
 * proxied: the PROXY protocol's binary header (haproxy, doc/proxy-protocol.txt, version 2): how a
 * load balancer that passes TCP through says who is behind it. Whether to believe the balancer is
 * asked before, by its address (prefix.h).
 *
 * Taken    LOCAL (the balancer's own health check: the connection is its own), and PROXY with
 *          TCP over IPv4 or IPv6 and a source that a TCP connection can have.
 * Refused  version 1 (text), UDP and unix sockets, PROXY without an address, a length that does
 *          not fit, TLVs that do not fill it exactly, a CRC32c TLV that is wrong or there twice.
 * Pure, allocates nothing. Fuzzed by tests/fuzz/fuzz_proxied.c.
 */

#include "lib/os/sock.h"

enum {
    PROXIED_BYTES_MIN = 16,  /* signature, version, family, length */
    PROXIED_BYTES_MAX = 2048 /* with all TLVs; balancers send 28 to some hundreds */
};

struct proxied {
    bool local;          /* `from` is not known: the connection is the balancer's own */
    struct address from; /* whom it speaks for */
    size_t len;          /* of the header; what follows is the connection's first byte */
};

/*
 * `in` is everything received so far, from the first byte.
 *   SP_ERR_AGAIN        `in` ends inside the header; `*need` is how many bytes it takes, as far as
 *                       is known
 *   SP_ERR_MALFORMED    not the header by the letter
 *   SP_ERR_UNSUPPORTED  another version, family or transport, or no address
 *   SP_ERR_LIMIT        longer than PROXIED_BYTES_MAX
 *   SP_ERR_INTEGRITY    its checksum does not match
 * `*out` is written on SP_OK only.
 */
SP_MUST sp_error proxied_parse(struct view in, struct proxied *out, size_t *need);

#endif
