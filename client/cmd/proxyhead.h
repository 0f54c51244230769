#ifndef SP_CMD_PROXYHEAD_H
#define SP_CMD_PROXYHEAD_H

/*
 * proxyhead: what a program says to `sallyport proxy` before its bytes: a SOCKS5 greeting and
 * request (RFC 1928, no authentication, CONNECT by name) or an HTTP CONNECT head (RFC 9110 9.3.6).
 *
 * Only host names go through: an app is a name. Addresses are refused, so that nothing that a
 * program resolved by itself, wrongly, reaches an app. Pure. Fuzzed by tests/fuzz/fuzz_proxyhead.c.
 */

#include "lib/base/view.h"

enum { PROXYHEAD_BYTES_MAX = 8 * 1024, PROXYHEAD_HOST_MAX = 253 };

enum proxyhead_kind {
    PROXYHEAD_NONE = 0,
    PROXYHEAD_GREETING, /* SOCKS5 methods: answer 05 00, then read again behind `used` */
    PROXYHEAD_SOCKS,    /* a SOCKS5 request for `host` and `port` */
    PROXYHEAD_HTTP      /* CONNECT host:port */
};

struct proxyhead {
    enum proxyhead_kind kind;
    char host[PROXYHEAD_HOST_MAX + 1]; /* letters, digits, '-', '.', '_'; lower case */
    uint16_t port;
    size_t used; /* bytes of the head; what follows is the connection's */
};

/*
 * `greeted`: the SOCKS5 greeting was answered already. `out` is written on SP_OK only.
 *   SP_ERR_AGAIN        more bytes are needed
 *   SP_ERR_UNSUPPORTED  SOCKS4, another SOCKS5 command or an address, another HTTP method
 *   SP_ERR_MALFORMED, SP_ERR_LIMIT
 */
SP_MUST sp_error proxyhead_read(struct view in, bool greeted, struct proxyhead *out);

#endif
