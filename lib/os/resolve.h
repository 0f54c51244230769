#ifndef SP_OS_RESOLVE_H
#define SP_OS_RESOLVE_H

/*
 * resolve: a name to addresses, once, and what kind of address each is (TM-12).
 */

#include "lib/os/sock.h"

enum { RESOLVE_NAME_MAX = 253, RESOLVE_ADDRESSES_MAX = 16 };

/* What an address is for. Everything but ADDRESS_PUBLIC and ADDRESS_PRIVATE needs to be listed
 * by name in a connector's floor before it may be dialled. */
enum address_class {
    ADDRESS_UNUSABLE = 0, /* 0/8, 240/4, broadcast, ::, documentation of no use, not IP */
    ADDRESS_LOOPBACK,     /* 127/8, ::1 */
    ADDRESS_LINK_LOCAL,   /* 169.254/16, fe80::/10 */
    ADDRESS_METADATA,     /* 169.254.169.254, fd00:ec2::254: cloud metadata services */
    ADDRESS_MULTICAST,
    ADDRESS_PRIVATE, /* RFC 1918, 100.64/10, 198.18/15, fc00::/7 */
    ADDRESS_PUBLIC
};

/* v4-mapped (::ffff:0:0/96), 6to4, NAT64 (64:ff9b::/96) are judged by the IPv4 address inside. */
enum address_class address_class(const struct address *a);
/* The IPv4 address that a v4-mapped, 6to4 or NAT64 address carries, with the port; else false. */
bool address_embedded(const struct address *a, struct address *out);
const char *address_class_name(enum address_class c);

/*
 * true: a host name of letters, digits, '-' and '.', 1 to 253 bytes, labels 1 to 63, whose last
 * label is no number, or a canonical IPv4 or IPv6 literal. Refused: 0x7f.1, 2130706433, 127.1,
 * blanks, zone ids.
 */
bool resolve_name_valid(struct view name);

/*
 * Worker: blocks (getaddrinfo). Literals need no lookup. Fills up to RESOLVE_ADDRESSES_MAX.
 *   SP_ERR_INVALID    not a valid name
 *   SP_ERR_NOT_FOUND  no address
 *   SP_ERR_TIMEOUT    the resolver did not answer
 *   SP_ERR_IO
 */
SP_MUST sp_error resolve_blocking(struct view name, uint16_t port,
                                  struct address out[RESOLVE_ADDRESSES_MAX], size_t *count);

#endif
