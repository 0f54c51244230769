#include "lib/os/proxied.h"

enum { SIGNATURE = 12, LOCAL = 0, PROXY = 1, TCP4 = 0x11, TCP6 = 0x21, TLV_CRC32C = 3 };

static const uint8_t signature[SIGNATURE] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                             0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* Castagnoli, reflected; a header is short, so bit by bit is fast enough. */
static uint32_t crc32c(uint32_t crc, struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        crc ^= v.at[i];
        for (int b = 0; b < 8; b++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    }
    return crc;
}

/* The checksum is over the whole header with the four bytes of its own value taken as zero. */
static bool crc_fits(struct view header, struct view value)
{
    static const uint8_t zeros[4];
    size_t at = (size_t)(value.at - header.at);
    struct cursor c = cur_over(value, SP_ERR_MALFORMED);
    uint32_t crc = crc32c(UINT32_MAX, view_slice(header, 0, at));

    crc = crc32c(crc, (struct view){zeros, sizeof zeros});
    crc = crc32c(crc, view_slice(header, at + sizeof zeros, header.len));
    return (crc ^ UINT32_MAX) == cur_uint(&c, 4);
}

static sp_error check_tlvs(struct view header, struct cursor *c)
{
    bool summed = false;

    while (c->rest.len > 0) {
        uint64_t type = cur_uint(c, 1), len = cur_uint(c, 2);
        struct view value = cur_take(c, (size_t)len);

        if (c->err != SP_OK)
            return c->err;
        if (type != TLV_CRC32C)
            continue;
        if (summed || value.len != 4)
            return SP_ERR_MALFORMED;
        summed = true;
        if (!crc_fits(header, value))
            return SP_ERR_INTEGRITY;
    }
    return SP_OK;
}

/* Nobody connects from there: unspecified, multicast, broadcast, port 0. */
static bool is_source(const struct address *a)
{
    static const uint8_t none[16];
    struct view v = address_bytes(a);

    if (address_port(a) == 0 || memcmp(v.at, none, v.len) == 0)
        return false;
    return v.len == 4 ? v.at[0] != 0 && v.at[0] < 224 : v.at[0] != 0xff;
}

static sp_error read_addresses(struct cursor *c, size_t size, struct address *from)
{
    struct view source = cur_take(c, size), target = cur_take(c, size);
    uint64_t source_port = cur_uint(c, 2), target_port = cur_uint(c, 2);
    struct address a;
    sp_error e;

    (void)target; /* where it was sent to is ours to know */
    (void)target_port;
    if (c->err != SP_OK)
        return c->err;
    if ((e = address_from_bytes(source, (uint16_t)source_port, &a)) != SP_OK)
        return e;
    if (!is_source(&a))
        return SP_ERR_MALFORMED;
    *from = a;
    return SP_OK;
}

static sp_error read_proxy(struct view header, unsigned family, struct cursor *c,
                           struct proxied *out)
{
    sp_error e;

    if (family != TCP4 && family != TCP6)
        return SP_ERR_UNSUPPORTED;
    if ((e = read_addresses(c, family == TCP4 ? 4 : 16, &out->from)) != SP_OK)
        return e;
    return check_tlvs(header, c);
}

sp_error proxied_parse(struct view in, struct proxied *out, size_t *need)
{
    struct proxied p = {0};
    size_t known = in.len < SIGNATURE ? in.len : SIGNATURE;

    *need = PROXIED_BYTES_MIN;
    if (known > 0 && memcmp(in.at, signature, known) != 0)
        return SP_ERR_MALFORMED;
    if (in.len < PROXIED_BYTES_MIN)
        return SP_ERR_AGAIN;
    struct cursor c = cur_over(view_slice(in, SIGNATURE, in.len), SP_ERR_MALFORMED);
    uint64_t version = cur_uint(&c, 1), family = cur_uint(&c, 1), len = cur_uint(&c, 2);
    if (version >> 4 != 2)
        return SP_ERR_UNSUPPORTED;
    if ((version & 15) != LOCAL && (version & 15) != PROXY)
        return SP_ERR_MALFORMED;
    p.len = PROXIED_BYTES_MIN + (size_t)len;
    if (p.len > PROXIED_BYTES_MAX)
        return SP_ERR_LIMIT;
    *need = p.len;
    if (in.len < p.len)
        return SP_ERR_AGAIN;
    p.local = (version & 15) == LOCAL; /* what follows is for nobody then */
    c = cur_over(view_slice(in, PROXIED_BYTES_MIN, (size_t)len), SP_ERR_MALFORMED);
    if (!p.local) {
        sp_error e = read_proxy(view_slice(in, 0, p.len), (unsigned)family, &c, &p);
        if (e != SP_OK)
            return e;
    }
    *out = p;
    return SP_OK;
}
