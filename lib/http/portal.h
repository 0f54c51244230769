#ifndef SP_HTTP_PORTAL_H
#define SP_HTTP_PORTAL_H

/*
 * portal: whether the network answers in a host's place (RFC 8952, "captive portal"): where TLS
 * does not come through, plain HTTP often gets a redirect to a page of the network's own, or 511
 * (RFC 6585, section 6). Blocking, for doctors; up to PORTAL_MS. Nothing of ours is in the request.
 */

#include "lib/http/proxy.h"
#include "lib/http/url.h"

#include <stdbool.h>
#include <stdint.h>

enum { PORTAL_MS = 3 * 1000, PORTAL_PORT = 80 };

/* true: `where` has the host to which it sends people, or "status 511". `host` is a name or an
 * address without brackets. false: nobody answers, or with something else. */
bool portal_look(const char *host, uint16_t port, const struct proxy_env *proxy,
                 char where[URL_HOST_MAX + 1]);

#endif
