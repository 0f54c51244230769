#include "lib/os/resolve.h"

#include "lib/base/ascii.h"

#include <netdb.h>
#include <netinet/in.h>

struct range {
    uint8_t bytes[16];
    unsigned bits;
    enum address_class class;
};

/* First match wins. RFC 6890 and the metadata addresses of the clouds. */
static const struct range v4[] = {
    {{169, 254, 169, 254}, 32, ADDRESS_METADATA},
    {{0}, 8, ADDRESS_UNUSABLE},
    {{127}, 8, ADDRESS_LOOPBACK},
    {{169, 254}, 16, ADDRESS_LINK_LOCAL},
    {{10}, 8, ADDRESS_PRIVATE},
    {{172, 16}, 12, ADDRESS_PRIVATE},
    {{192, 168}, 16, ADDRESS_PRIVATE},
    {{100, 64}, 10, ADDRESS_PRIVATE},
    {{198, 18}, 15, ADDRESS_PRIVATE},
    {{224}, 4, ADDRESS_MULTICAST},
    {{240}, 4, ADDRESS_UNUSABLE},
    {{0}, 0, ADDRESS_PUBLIC},
};
static const struct range v6[] = {
    {{0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54}, 128, ADDRESS_METADATA},
    {{[15] = 1}, 128, ADDRESS_LOOPBACK},
    {{0}, 128, ADDRESS_UNUSABLE},
    {{0xfe, 0x80}, 10, ADDRESS_LINK_LOCAL},
    {{0xfe, 0xc0}, 10, ADDRESS_UNUSABLE},
    {{0xff}, 8, ADDRESS_MULTICAST},
    {{0xfc}, 7, ADDRESS_PRIVATE},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, ADDRESS_UNUSABLE},
    {{0}, 8, ADDRESS_UNUSABLE}, /* v4-compatible and the rest of ::/8 */
    {{0}, 0, ADDRESS_PUBLIC},
};

static bool within(const uint8_t *at, const struct range *r)
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));

    return memcmp(at, r->bytes, whole) == 0 &&
           (rest == 0 || ((at[whole] ^ r->bytes[whole]) & mask) == 0);
}

static enum address_class classify(const uint8_t *at, const struct range *table)
{
    while (!within(at, table))
        table++; /* the last row holds everything */
    return table->class;
}

/* Where the IPv4 address stands in an IPv6 address of the two kinds that route to it; NULL: none.
 */
static const uint8_t *embedded(struct view v)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

    if (v.len != 16)
        return NULL;
    if (memcmp(v.at, nat64, sizeof nat64) == 0)
        return v.at + 12;
    return v.at[0] == 0x20 && v.at[1] == 0x02 ? v.at + 2 : NULL; /* 6to4 */
}

enum address_class address_class(const struct address *a)
{
    struct view v = address_bytes(a);
    const uint8_t *inner = embedded(v);

    if (v.len == 4 || inner != NULL)
        return classify(inner != NULL ? inner : v.at, v4);
    return v.len == 16 ? classify(v.at, v6) : ADDRESS_UNUSABLE;
}

bool address_embedded(const struct address *a, struct address *out)
{
    struct view v = address_bytes(a);
    const uint8_t *inner = v.len == 4 && a->at.ss_family == AF_INET6 ? v.at : embedded(v);

    return inner != NULL &&
           address_from_bytes((struct view){inner, 4}, address_port(a), out) == SP_OK;
}

const char *address_class_name(enum address_class c)
{
    static const char *const names[] = {
        [ADDRESS_UNUSABLE] = "unusable",     [ADDRESS_LOOPBACK] = "loopback",
        [ADDRESS_LINK_LOCAL] = "link-local", [ADDRESS_METADATA] = "metadata",
        [ADDRESS_MULTICAST] = "multicast",   [ADDRESS_PRIVATE] = "private",
        [ADDRESS_PUBLIC] = "public",
    };
    return names[c];
}

/* 1 to 63 letters, digits and inner hyphens. */
static bool label_valid(struct view l)
{
    for (size_t i = 0; i < l.len; i++) {
        bool inner = i > 0 && i + 1 < l.len;
        if (!ascii_letter(l.at[i]) && !ascii_digit(l.at[i]) && !(inner && l.at[i] == '-'))
            return false;
    }
    return l.len >= 1 && l.len <= 63;
}

/* WHATWG URL 3.5: a host whose last label is a number is an IPv4 address in some spelling. */
static bool label_numeric(struct view l)
{
    bool hex = l.len >= 2 && l.at[0] == '0' && (l.at[1] == 'x' || l.at[1] == 'X');

    for (size_t i = hex ? 2 : 0; i < l.len; i++)
        if (!ascii_digit(l.at[i]) && !(hex && ascii_hex(l.at[i]) >= 0))
            return false;
    return true;
}

bool resolve_name_valid(struct view name)
{
    struct address literal;
    struct view label = {0};

    if (address_from_host(name, 0, &literal) == SP_OK)
        return view_is(name, address_host_text(&literal).s);
    if (name.len == 0 || name.len > RESOLVE_NAME_MAX)
        return false;
    for (size_t from = 0; from <= name.len;) {
        const uint8_t *dot = from < name.len ? memchr(name.at + from, '.', name.len - from) : NULL;
        size_t end = dot == NULL ? name.len : (size_t)(dot - name.at);
        label = view_slice(name, from, end - from);
        if (!label_valid(label))
            return false;
        from = end + 1;
    }
    return !label_numeric(label);
}

sp_error resolve_blocking(struct view name, uint16_t port,
                          struct address out[RESOLVE_ADDRESSES_MAX], size_t *count)
{
    char text[RESOLVE_NAME_MAX + 1];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;

    if (!resolve_name_valid(name))
        return SP_ERR_INVALID;
    if (address_from_host(name, port, &out[0]) == SP_OK) {
        *count = 1;
        return SP_OK;
    }
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    int r = getaddrinfo(text, NULL, &hints, &found);
    if (r != 0)
        return r == EAI_AGAIN                       ? SP_ERR_TIMEOUT
               : r == EAI_NONAME || r == EAI_NODATA ? SP_ERR_NOT_FOUND
               : r == EAI_MEMORY                    ? SP_ERR_NOMEM
                                                    : SP_ERR_IO;
    size_t n = 0;
    for (struct addrinfo *a = found; a != NULL && n < RESOLVE_ADDRESSES_MAX; a = a->ai_next) {
        if (a->ai_addrlen > sizeof out[n].at)
            continue;
        out[n] = (struct address){.len = a->ai_addrlen};
        memcpy(&out[n].at, a->ai_addr, a->ai_addrlen);
        address_set_port(&out[n], port);
        n++;
    }
    freeaddrinfo(found);
    if (n == 0)
        return SP_ERR_NOT_FOUND;
    *count = n;
    return SP_OK;
}
