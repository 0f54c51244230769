#include "lib/http/forwarded.h"

#include "lib/base/ascii.h"

/* "198.18.0.7", "2001:db8::7"; some proxies add the port: "198.18.0.7:4711", "[2001:db8::7]:4711",
 * and some the brackets alone. */
static sp_error read_entry(struct view v, struct address *out)
{
    if (address_from_host(v, 0, out) == SP_OK)
        return SP_OK;
    if (v.len > 2 && v.at[0] == '[' && v.at[v.len - 1] == ']')
        return address_from_host(view_slice(v, 1, v.len - 2), 0, out);
    return address_parse(v, out);
}

/* Takes the last entry off the list. */
static struct view last(struct view *list)
{
    const uint8_t *comma = list->len == 0 ? NULL : memrchr(list->at, ',', list->len);
    size_t at = comma == NULL ? 0 : (size_t)(comma - list->at);
    struct view v = view_slice(*list, comma == NULL ? 0 : at + 1, list->len);

    list->len = at;
    return ascii_trim(v);
}

sp_error forwarded_parse(struct view header, const struct prefixes *proxies, struct address *out)
{
    struct address a = {0};

    if (ascii_trim(header).len == 0)
        return SP_ERR_NOT_FOUND;
    do {
        if (read_entry(last(&header), &a) != SP_OK)
            return SP_ERR_MALFORMED;
    } while (header.len > 0 && prefixes_hold(proxies, &a));
    *out = a;
    return SP_OK;
}
