#include "lib/os/prefix.h"

#include "lib/base/num.h"

static void mapped(struct view bytes, uint8_t out[16])
{
    static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};

    if (bytes.len == 4) {
        memcpy(out, v4, sizeof v4);
        memcpy(out + sizeof v4, bytes.at, 4);
    } else {
        memcpy(out, bytes.at, 16);
    }
}

static bool bit(const uint8_t bytes[16], unsigned n)
{
    return (bytes[n / 8] >> (7 - n % 8) & 1) != 0;
}

sp_error prefix_parse(struct view text, struct prefix *out)
{
    const uint8_t *slash = text.len == 0 ? NULL : memchr(text.at, '/', text.len);
    size_t len = slash == NULL ? text.len : (size_t)(slash - text.at);
    struct prefix p = {.bits = 128};
    struct address a;
    uint64_t bits = 0;

    if (address_from_host(view_slice(text, 0, len), 0, &a) != SP_OK)
        return SP_ERR_MALFORMED;
    bool four = a.at.ss_family == AF_INET;
    mapped(address_bytes(&a), p.bytes);
    if (slash != NULL) {
        if (num_uint(view_slice(text, len + 1, text.len), four ? 32 : 128, &bits) != SP_OK)
            return SP_ERR_MALFORMED;
        p.bits = (unsigned)bits + (four ? 96 : 0);
    }
    for (unsigned b = p.bits; b < 128; b++)
        if (bit(p.bytes, b))
            return SP_ERR_MALFORMED;
    *out = p;
    return SP_OK;
}

static bool holds(const struct prefix *p, const uint8_t bytes[16])
{
    unsigned whole = p->bits / 8;

    if (memcmp(p->bytes, bytes, whole) != 0)
        return false;
    for (unsigned b = whole * 8; b < p->bits; b++)
        if (bit(p->bytes, b) != bit(bytes, b))
            return false;
    return true;
}

bool prefixes_hold(const struct prefixes *all, const struct address *a)
{
    struct view v = address_bytes(a);
    uint8_t bytes[16];

    if (v.len == 0)
        return false;
    mapped(v, bytes);
    for (size_t i = 0; i < all->count; i++)
        if (holds(&all->at[i], bytes))
            return true;
    return false;
}

sp_error prefixes_read(const char *field, char *const *items, size_t count, struct prefixes *out,
                       struct sp_why *why)
{
    *out = (struct prefixes){0};
    sp_why_field(why, "%s", field);
    if (count > PREFIXES_MAX)
        return sp_why_say(why, SP_ERR_INVALID, "at most %d ranges", PREFIXES_MAX);
    for (size_t p = 0; p < count; p++) {
        sp_why_field(why, "%s[%zu]", field, p);
        if (prefix_parse(view_str(items[p]), &out->at[p]) != SP_OK)
            return sp_why_say(why, SP_ERR_INVALID,
                              "%s is no address or range, such as 198.18.66.0/24 or 2001:db8::7",
                              items[p]);
        if (out->at[p].bits == 0 || out->at[p].bits == 96)
            return sp_why_say(why, SP_ERR_INVALID,
                              "%s is everyone: whose word is taken may say it is anyone", items[p]);
    }
    out->count = count;
    return SP_OK;
}
