#ifndef SP_OS_SOCK_H
#define SP_OS_SOCK_H

/*
 * sock: sockets as the kernel has them: addresses, listening, connecting, who is at the other
 * end. All descriptors are non-blocking and close-on-exec. Any thread unless said.
 */

#include "lib/base/clock.h"
#include "lib/base/view.h"

#include <sys/socket.h>
#include <sys/types.h>

struct loop;
struct connecting;

/* An IPv4 or IPv6 address with its port. Zeroed: none. */
struct address {
    struct sockaddr_storage at;
    socklen_t len;
};

/* "198.18.0.7:443", "[2001:db8::1]:443", for printf within the full expression. */
struct address_text {
    char s[80];
};
struct address_text address_text(const struct address *a);
/* Without the port: "198.18.0.7", "2001:db8::1". */
struct address_text address_host_text(const struct address *a);

/*
 * A literal address and port: "127.0.0.1:8443", "[::1]:8443"; no names.
 *   SP_ERR_MALFORMED
 */
SP_MUST sp_error address_parse(struct view text, struct address *out);
/* A literal host without port, and a port.   SP_ERR_MALFORMED */
SP_MUST sp_error address_from_host(struct view host, uint16_t port, struct address *out);
/* 4 or 16 raw bytes and a port.   SP_ERR_MALFORMED  another length */
SP_MUST sp_error address_from_bytes(struct view bytes, uint16_t port, struct address *out);
uint16_t address_port(const struct address *a);
void address_set_port(struct address *a, uint16_t port);
bool address_equal(const struct address *a, const struct address *b); /* port too */
/* Raw bytes, 4 or 16; v4-mapped IPv6 is given as IPv4. */
struct view address_bytes(const struct address *a); /* borrowed from *a */
/* An address of this machine, in this network namespace: a socket may be bound to it. Where the
 * kernel lets any address be bound (ip_nonlocal_bind), all are taken for own. */
bool address_is_own(const struct address *a);

/*
 * A listening TCP socket; SO_REUSEADDR. `device` binds it to an interface ("lo", SO_BINDTODEVICE)
 * so that a neighbour's packets never reach it (TM-23); NULL: any.
 *   SP_ERR_EXISTS      the address is in use
 *   SP_ERR_PERMISSION  a low port without the privilege, or SO_BINDTODEVICE refused
 *   SP_ERR_IO
 */
SP_MUST sp_error sock_listen(const struct address *a, const char *device, int *out_fd);
/* What getsockname says: the port that the kernel chose. */
SP_MUST sp_error sock_local(int fd, struct address *out);
SP_MUST sp_error sock_peer(int fd, struct address *out);
/* No interface of this machine has the address any more: what was connected from it is dead. */
bool sock_address_gone(const struct address *local);

/* A listening unix socket of mode 0600 (type SOCK_STREAM or SOCK_SEQPACKET); a dead socket file
 * at `path` is replaced, a live one is SP_ERR_EXISTS. */
SP_MUST sp_error sock_listen_unix(const char *path, int type, int *out_fd);
/* Blocking connect to a unix socket, then non-blocking.   SP_ERR_UNREACHABLE, SP_ERR_PERMISSION */
SP_MUST sp_error sock_connect_unix(const char *path, int type, int *out_fd);

/*
 * The next waiting connection; TCP_NODELAY is set on TCP. `peer` may be NULL.
 *   SP_ERR_AGAIN  none waits
 *   SP_ERR_LIMIT  no descriptor is left
 *   SP_ERR_IO
 */
SP_MUST sp_error sock_accept(int listener, int *out_fd, struct address *peer);

/*
 * Starts to connect; `fn` gets the socket (now its own), or -1 and why, once, from the loop:
 *   SP_ERR_REFUSED      connection refused
 *   SP_ERR_UNREACHABLE  no route and the like
 *   SP_ERR_TIMEOUT      not connected at `deadline`
 * Loop thread.   SP_ERR_NOMEM, SP_ERR_LIMIT, SP_ERR_IO from connect_start itself.
 */
SP_MUST sp_error connect_start(struct loop *l, const struct address *to, sp_boot_ms deadline,
                               void (*fn)(void *arg, int fd, sp_error e), void *arg,
                               struct connecting **out);
void connect_cancel(struct connecting *c); /* NULL is allowed */

void sock_nodelay(int fd);
void sock_user_timeout(int fd, int64_t ms); /* TCP_USER_TIMEOUT */
void sock_keepalive(int fd, int idle_s, int interval_s, int count);
void sock_lowat(int fd, int bytes); /* SO_RCVLOWAT */
void sock_reset(int fd);            /* closes so that TCP sends RST */

/* Who is at the other end of a unix socket (SO_PEERCRED).   SP_ERR_IO */
SP_MUST sp_error sock_peer_uid(int fd, uid_t *out);

/*
 * Which user owns the other end of an accepted TCP connection on loopback: the kernel's socket
 * table is asked for the reversed pair of addresses (sock_diag(7), INET_DIAG). Blocks for well
 * under a millisecond; no other process can fake the answer.
 *   SP_ERR_NOT_FOUND  no such socket on this machine: the peer is not local, or gone
 *   SP_ERR_PERMISSION, SP_ERR_IO
 */
SP_MUST sp_error sock_tcp_owner(int accepted_fd, uid_t *out);

/* The same for whoever asks often: one socket to the kernel for all questions, one at a time. After
 * SP_ERR_IO close it and open another.   open: SP_ERR_PERMISSION, SP_ERR_IO */
SP_MUST sp_error sock_diag_open(int *out_fd);
SP_MUST sp_error sock_diag_owner(int diag_fd, int accepted_fd, uid_t *out);

#endif
