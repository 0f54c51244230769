#include "client/agent/hosthead.h"

#include "lib/base/ascii.h"
#include "lib/base/num.h"

#include <string.h>

/* HOST[:PORT] as a browser writes it: the port may be left out where it is 80. */
static bool ours(struct view authority, const struct hosthead_expect *expect)
{
    struct view host = authority;
    uint64_t port = 80;
    const uint8_t *colon = authority.len == 0 ? NULL : memchr(authority.at, ':', authority.len);

    if (colon != NULL) {
        host.len = (size_t)(colon - authority.at);
        if (num_uint(view_slice(authority, host.len + 1, authority.len), 65535, &port) != SP_OK)
            return false;
    }
    if (port != expect->port)
        return false;
    for (size_t i = 0; i < expect->count; i++)
        if (host.len > 0 && ascii_is(host, expect->names[i]))
            return true;
    return false;
}

/* METHOD TARGET HTTP/1.x. An absolute target names a host too, and servers believe it first. */
static sp_error check_line(struct view line, const struct hosthead_expect *expect)
{
    static const char scheme[] = "http://";
    const uint8_t *blank = memchr(line.at, ' ', line.len);
    size_t last = line.len;

    while (last > 0 && line.at[last - 1] != ' ')
        last--;
    if (blank == NULL || blank == line.at || last == 0 || (size_t)(blank - line.at) + 1 >= last)
        return SP_ERR_MALFORMED;
    struct view version = view_slice(line, last, line.len);
    if (!view_is(version, "HTTP/1.1") && !view_is(version, "HTTP/1.0"))
        return SP_ERR_MALFORMED;
    struct view target =
        view_slice(line, (size_t)(blank - line.at) + 1, last - 2 - (size_t)(blank - line.at));
    if (target.len == 0)
        return SP_ERR_MALFORMED;
    if (target.at[0] == '/' || view_is(target, "*"))
        return SP_OK;
    if (!ascii_begins(target, scheme))
        return SP_ERR_DENIED;
    struct view authority = view_slice(target, strlen(scheme), target.len);
    size_t end = 0;
    while (end < authority.len && authority.at[end] != '/' && authority.at[end] != '?')
        end++;
    return ours(view_slice(authority, 0, end), expect) ? SP_OK : SP_ERR_DENIED;
}

/* A client of HTTP/2 that knows what it speaks to (RFC 9113 section 3.3). No browser is one
 * without TLS, and no page can make one send these bytes. */
static sp_error check_preface(struct view head)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t n = head.len < sizeof preface - 1 ? head.len : sizeof preface - 1;

    if (n == 0 || memcmp(head.at, preface, n) != 0)
        return SP_ERR_DENIED;
    return n == sizeof preface - 1 ? SP_OK : SP_ERR_AGAIN;
}

sp_error hosthead_check(struct view head, const struct hosthead_expect *expect)
{
    struct view rest = head, line, value;
    unsigned hosts = 0;
    sp_error e;

    if (head.len >= 3 && head.at[0] == 0x16 && head.at[1] == 3) /* TLS: a handshake record */
        return SP_OK;
    if ((e = check_preface(head)) != SP_ERR_DENIED)
        return e;
    bool whole = head.len >= 4 && memmem(head.at, head.len, "\r\n\r\n", 4) != NULL;
    if (!whole && head.len < HOSTHEAD_MAX)
        return SP_ERR_AGAIN;
    if (!ascii_line(&rest, &line))
        return whole ? SP_ERR_MALFORMED : SP_ERR_LIMIT;
    if ((e = check_line(line, expect)) != SP_OK)
        return e;
    while (ascii_line(&rest, &line) && line.len > 0) {
        const uint8_t *colon = memchr(line.at, ':', line.len);

        /* A folded line or a blank before the colon reads differently at different servers. */
        if (colon == NULL || colon == line.at || line.at[0] == ' ' || line.at[0] == '\t' ||
            colon[-1] == ' ' || colon[-1] == '\t')
            return SP_ERR_MALFORMED;
        if (!ascii_field(line, "host", &value))
            continue;
        if (++hosts > 1 || !ours(value, expect))
            return SP_ERR_DENIED;
    }
    return hosts == 1 ? SP_OK : whole ? SP_ERR_DENIED : SP_ERR_LIMIT;
}

struct hosthead_asks hosthead_asks(struct view head)
{
    static const struct hosthead_expect nobody = {.count = 0};
    struct hosthead_asks a = {.http = false};
    struct view rest = view_slice(head, 0, head.len < HOSTHEAD_MAX ? head.len : HOSTHEAD_MAX);
    struct view line, accept;

    /* A method, and not the first byte of a TLS record with words behind it. */
    if (head.len == 0 || head.at[0] < 'A' || head.at[0] > 'Z')
        return a;
    if (!ascii_line(&rest, &line) || check_line(line, &nobody) == SP_ERR_MALFORMED ||
        check_preface(head) != SP_ERR_DENIED)
        return a;
    a.http = true;
    a.head = line.len > 5 && memcmp(line.at, "HEAD ", 5) == 0;
    while (ascii_line(&rest, &line) && line.len > 0) {
        if (!ascii_field(line, "accept", &accept))
            continue;
        size_t html = ascii_find(accept, "text/html");
        a.page = html != SIZE_MAX && html < ascii_find(accept, "json");
    }
    return a;
}

struct view hosthead_answer(sp_error e)
{
#define BODY_HEAD "Content-Type: text/plain\r\nConnection: close\r\nCache-Control: no-store\r\n"
    switch (e) {
    case SP_ERR_DENIED:
        return view_str("HTTP/1.1 421 Misdirected Request\r\n" BODY_HEAD
                        "Cross-Origin-Resource-Policy: same-origin\r\nContent-Length: 55\r\n\r\n"
                        "This address answers for its own app's host name only.\n");
    case SP_ERR_LIMIT:
        return view_str("HTTP/1.1 431 Request Header Fields Too Large\r\n" BODY_HEAD
                        "Content-Length: 0\r\n\r\n");
    default:
        return view_str("HTTP/1.1 400 Bad Request\r\n" BODY_HEAD "Content-Length: 0\r\n\r\n");
    }
#undef BODY_HEAD
}
