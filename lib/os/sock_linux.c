/* The owner of a loopback connection, asked of the kernel: sock_diag(7). */
#include "lib/os/sock.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <unistd.h>

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 ask;
};

/* An IPv4 address in the four words of inet_diag_sockid, or all of an IPv6 one. */
static void put_address(__be32 words[4], const struct sockaddr_storage *at, int family)
{
    if (family == AF_INET)
        memcpy(words, &((const struct sockaddr_in *)at)->sin_addr, 4);
    else
        memcpy(words, &((const struct sockaddr_in6 *)at)->sin6_addr, 16);
}

/* The peer's socket has our remote address as its source and ours as its destination. */
static void fill(struct question *q, const struct address *ours, const struct address *peer)
{
    int family = peer->at.ss_family;

    *q = (struct question){
        .head = {.nlmsg_len = sizeof *q,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST,
                 .nlmsg_seq = (uint32_t)clock_boot_us()},
        .ask = {.sdiag_family = (uint8_t)family,
                .sdiag_protocol = IPPROTO_TCP,
                .idiag_states = UINT32_MAX},
    };
    q->ask.id.idiag_sport = htons(address_port(peer));
    q->ask.id.idiag_dport = htons(address_port(ours));
    put_address(q->ask.id.idiag_src, &peer->at, family);
    put_address(q->ask.id.idiag_dst, &ours->at, family);
    q->ask.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    q->ask.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

static sp_error read_answer(const uint8_t *at, size_t len, const struct question *q, uid_t *out)
{
    struct nlmsghdr head;
    struct inet_diag_msg m;

    if (len < sizeof head)
        return SP_ERR_IO;
    memcpy(&head, at, sizeof head);
    if (head.nlmsg_seq != q->head.nlmsg_seq)
        return SP_ERR_IO; /* of a question that went wrong before */
    if (head.nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr fault;
        if (len < sizeof head + sizeof fault)
            return SP_ERR_IO;
        memcpy(&fault, at + NLMSG_HDRLEN, sizeof fault);
        return fault.error == -ENOENT  ? SP_ERR_NOT_FOUND
               : fault.error == -EPERM ? SP_ERR_PERMISSION
                                       : SP_ERR_IO;
    }
    if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || len < NLMSG_HDRLEN + sizeof m)
        return SP_ERR_IO;
    memcpy(&m, at + NLMSG_HDRLEN, sizeof m);
    /* The kernel also answers with a listener on that port: only the very connection counts. */
    if (m.id.idiag_sport != q->ask.id.idiag_sport || m.id.idiag_dport != q->ask.id.idiag_dport ||
        memcmp(m.id.idiag_dst, q->ask.id.idiag_dst, sizeof m.id.idiag_dst) != 0)
        return SP_ERR_NOT_FOUND;
    *out = m.idiag_uid;
    return SP_OK;
}

sp_error sock_diag_open(int *out)
{
    int nl = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (nl < 0)
        return errno == EACCES || errno == EPERM ? SP_ERR_PERMISSION : SP_ERR_IO;
    *out = nl;
    return SP_OK;
}

/* The kernel answers within the send: what can't be received then is an error, not a wait. */
static sp_error ask_kernel(int nl, const struct question *q, uid_t *out)
{
    uint8_t room[1024];
    ssize_t n;

    if (send(nl, q, sizeof *q, 0) != (ssize_t)sizeof *q)
        return SP_ERR_IO;
    n = recv(nl, room, sizeof room, MSG_DONTWAIT);
    return n > 0 ? read_answer(room, (size_t)n, q, out) : SP_ERR_IO;
}

sp_error sock_diag_owner(int diag_fd, int accepted_fd, uid_t *out)
{
    struct address ours, peer;
    struct question q;
    sp_error e;

    if ((e = sock_local(accepted_fd, &ours)) != SP_OK ||
        (e = sock_peer(accepted_fd, &peer)) != SP_OK)
        return e;
    if (peer.at.ss_family != AF_INET && peer.at.ss_family != AF_INET6)
        return SP_ERR_NOT_FOUND;
    fill(&q, &ours, &peer);
    return ask_kernel(diag_fd, &q, out);
}

sp_error sock_tcp_owner(int accepted_fd, uid_t *out)
{
    int nl;
    sp_error e = sock_diag_open(&nl);

    if (e != SP_OK)
        return e;
    e = sock_diag_owner(nl, accepted_fd, out);
    close(nl);
    return e;
}
