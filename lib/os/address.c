#include "lib/base/num.h"
#include "lib/os/sock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

struct address_text address_host_text(const struct address *a)
{
    struct address_text t = {"none"};

    if (a->at.ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&a->at)->sin_addr, t.s, sizeof t.s);
    else if (a->at.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&a->at)->sin6_addr, t.s, sizeof t.s);
    return t;
}

struct address_text address_text(const struct address *a)
{
    struct address_text host = address_host_text(a), t = {"none"};

    if (a->at.ss_family == AF_INET)
        snprintf(t.s, sizeof t.s, "%.63s:%u", host.s, address_port(a));
    else if (a->at.ss_family == AF_INET6)
        snprintf(t.s, sizeof t.s, "[%.63s]:%u", host.s, address_port(a));
    return t;
}

sp_error address_from_host(struct view host, uint16_t port, struct address *out)
{
    char text[INET6_ADDRSTRLEN];
    struct address a = {0};

    if (host.len == 0 || host.len >= sizeof text || memchr(host.at, 0, host.len) != NULL)
        return SP_ERR_MALFORMED;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';

    struct sockaddr_in *v4 = (struct sockaddr_in *)&a.at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.at;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        a.len = sizeof *v4;
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        a.len = sizeof *v6;
    } else {
        return SP_ERR_MALFORMED;
    }
    address_set_port(&a, port);
    *out = a;
    return SP_OK;
}

sp_error address_parse(struct view text, struct address *out)
{
    const uint8_t *colon = text.len == 0 ? NULL : memrchr(text.at, ':', text.len);
    uint64_t port;

    if (colon == NULL)
        return SP_ERR_MALFORMED;
    size_t at = (size_t)(colon - text.at);
    struct view host = view_slice(text, 0, at);
    bool bracketed = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (!bracketed && host.len > 0 && memchr(host.at, ':', host.len) != NULL)
        return SP_ERR_MALFORMED; /* IPv6 without brackets: where does the port begin? */
    if (num_uint(view_slice(text, at + 1, text.len), UINT16_MAX, &port) != SP_OK)
        return SP_ERR_MALFORMED;
    if (bracketed)
        host = view_slice(host, 1, host.len - 2);
    return address_from_host(host, (uint16_t)port, out);
}

sp_error address_from_bytes(struct view bytes, uint16_t port, struct address *out)
{
    struct address a = {0};

    if (bytes.len == 4) {
        a.at.ss_family = AF_INET;
        a.len = sizeof(struct sockaddr_in);
        memcpy(&((struct sockaddr_in *)&a.at)->sin_addr, bytes.at, 4);
    } else if (bytes.len == 16) {
        a.at.ss_family = AF_INET6;
        a.len = sizeof(struct sockaddr_in6);
        memcpy(&((struct sockaddr_in6 *)&a.at)->sin6_addr, bytes.at, 16);
    } else {
        return SP_ERR_MALFORMED;
    }
    address_set_port(&a, port);
    *out = a;
    return SP_OK;
}

uint16_t address_port(const struct address *a)
{
    if (a->at.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&a->at)->sin_port);
    if (a->at.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&a->at)->sin6_port);
    return 0;
}

void address_set_port(struct address *a, uint16_t port)
{
    if (a->at.ss_family == AF_INET)
        ((struct sockaddr_in *)&a->at)->sin_port = htons(port);
    else if (a->at.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a->at)->sin6_port = htons(port);
}

struct view address_bytes(const struct address *a)
{
    if (a->at.ss_family == AF_INET)
        return (struct view){(const uint8_t *)&((const struct sockaddr_in *)&a->at)->sin_addr, 4};
    if (a->at.ss_family != AF_INET6)
        return (struct view){0};

    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)&a->at)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(v6))
        return (struct view){v6->s6_addr + 12, 4};
    return (struct view){v6->s6_addr, 16};
}

bool address_is_own(const struct address *a)
{
    struct address here = *a;
    int fd = socket(a->at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    address_set_port(&here, 0);
    bool own = bind(fd, (struct sockaddr *)&here.at, here.len) == 0;
    close(fd);
    return own;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return view_equal(address_bytes(a), address_bytes(b)) && address_port(a) == address_port(b);
}
