#ifndef SP_HTTP_URL_H
#define SP_HTTP_URL_H

/*
 * url: absolute http and https URLs, read strictly (RFC 3986, the part that we use).
 *
 * Accepted: scheme://host[:port][/path][?query][#fragment]; scheme http or https; host a DNS name
 * of letters, digits, '-', '_' and '.', an IPv4 address, or an IPv6 address in brackets. Refused:
 * user information, an empty host, a port of 0 or with leading zeros, control characters, blanks,
 * backslashes, broken percent escapes, non-ASCII. Pure. Fuzzed by tests/fuzz/fuzz_url.c.
 */

#include "lib/base/buf.h"

enum { URL_BYTES_MAX = 4096, URL_HOST_MAX = 255 };

struct url {
    bool https;
    struct view host;     /* without brackets, as written; compare with ascii_equal */
    bool host_is_ipv6;    /* was in brackets */
    uint16_t port;        /* the scheme's where none was written */
    struct view path;     /* raw; empty or begins with '/' */
    struct view query;    /* raw, without '?' */
    struct view fragment; /* raw, without '#' */
    bool has_query, has_fragment;
};

/*
 * `out` borrows `text`.
 *   SP_ERR_LIMIT      longer than URL_BYTES_MAX or a host over URL_HOST_MAX
 *   SP_ERR_MALFORMED
 *   SP_ERR_UNSUPPORTED  another scheme
 */
SP_MUST sp_error url_parse(struct view text, struct url *out);

/* The same scheme, host (ASCII case apart) and port. */
bool url_same_origin(const struct url *a, const struct url *b);

/* The host is 127.0.0.0/8, ::1 or "localhost": RFC 8252 loopback redirects. */
bool url_is_loopback(const struct url *u);

/* Appends "https://host[:port]" with the port only where it is not the scheme's; host in lower
 * case. */
void url_write_origin(const struct url *u, struct buf *out);

/*
 * Appends `text` with its percent escapes decoded. With `plus` a '+' is a blank (forms).
 *   SP_ERR_MALFORMED  broken escape, an encoded NUL, or the result is not UTF-8
 *   SP_ERR_LIMIT, SP_ERR_NOMEM  from the buf
 * `out` is as it was on failure.
 */
SP_MUST sp_error url_decode(struct view text, bool plus, struct buf *out);

/* Appends "?name=value", or "&name=value" once `*first` is false; both percent-encoded. */
void url_add_query(struct buf *url, bool *first, const char *name, struct view value);

#endif
