#ifndef SP_BROKER_FRONT_H
#define SP_BROKER_FRONT_H

/*
 * front: the public port. Accepts, looks at the ClientHello without taking it (lib/tls/peek.h),
 * and steers: a hello whose ALPN is exactly the tunnel's goes to the relay, everything else to
 * the HTTP server.
 *
 * A connection of one of `proxies` (load balancers that pass TCP through) begins with a PROXY
 * header of version 2, always; whom it names is the peer from there on. From anyone else such a
 * header is what no ClientHello is.
 *
 * Refused without a word: what is no ClientHello, and connections beyond FRONT_PEEKS_MAX that
 * have not finished theirs, or FRONT_PEEKS_A_SOURCE of one peer (/64 for IPv6). Out of
 * descriptors: accepting pauses for FRONT_PAUSE_MS, one log line says so.
 * Loop thread.
 */

#include "lib/base/why.h"
#include "lib/config/load.h"
#include "lib/os/prefix.h"

struct front;
struct loop;

enum { FRONT_PEEKS_MAX = 4096, FRONT_PEEKS_A_SOURCE = 64, FRONT_PAUSE_MS = 100 };

/* Both take `fd`, unread. `peer` is who connected, also from behind a proxy. */
struct front_targets {
    const struct prefixes *proxies; /* borrowed until front_free; NULL: none */
    void (*tunnel)(void *arg, int fd, const struct address *peer);
    void (*http)(void *arg, int fd, const struct address *peer);
    void *arg; /* borrowed until front_free */
};

/*
 * Listens on every address of `listen`.
 *   SP_ERR_EXISTS, SP_ERR_PERMISSION, SP_ERR_IO  `why` names the address
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error front_new(struct loop *loop, const struct config_strings *listen,
                           const struct front_targets *targets, struct sp_why *why,
                           struct front **out);
void front_free(struct front *f); /* NULL is fine */

/* The first address that it listens on, with the port that the kernel chose. */
struct address front_address(const struct front *f);

struct front_counts {
    uint64_t accepted, tunnels, refused; /* since start */
    size_t peeking;                      /* now */
};
struct front_counts front_counts(const struct front *f);

#endif
