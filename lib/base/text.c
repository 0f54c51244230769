#include "lib/base/encode.h"

#include "lib/base/banned.h"

/*
 * One code point from the front of `v`; its length in bytes, 0 for what RFC 3629 forbids:
 * overlong forms, surrogates, beyond U+10FFFF, a sequence that is cut off.
 */
static size_t utf8_read(struct view v, uint32_t *out)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t more = 0; more < 4; more++) {
        if (v.len <= more || (v.at[0] & forms[more].mask) != forms[more].lead)
            continue;
        uint32_t c = v.at[0] & (uint32_t)(uint8_t)~forms[more].mask;
        for (size_t i = 1; i <= more; i++) {
            if ((v.at[i] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | (v.at[i] & 0x3fu);
        }
        if (c < forms[more].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return 0;
        *out = c;
        return more + 1;
    }
    return 0;
}

bool utf8_valid(struct view v)
{
    uint32_t c;

    while (v.len > 0) {
        size_t n = utf8_read(v, &c);
        if (n == 0)
            return false;
        v = view_slice(v, n, v.len);
    }
    return true;
}

/* What could move a cursor, change a colour or reorder what a person reads. */
static bool steers(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void encode_visible(struct view v, struct buf *out)
{
    while (v.len > 0) {
        uint32_t c = 0;
        size_t n = utf8_read(v, &c);

        if (n == 0) {
            buf_addf(out, "\\x%02x", v.at[0]);
            n = 1;
        } else if (!steers(c)) {
            buf_add(out, view_slice(v, 0, n));
        } else if (c < 0x80) {
            buf_addf(out, "\\x%02x", c);
        } else {
            buf_addf(out, "\\u{%x}", c);
        }
        v = view_slice(v, n, v.len);
    }
}

void encode_json_string(struct view v, struct buf *out)
{
    buf_add_byte(out, '"');
    while (v.len > 0) {
        size_t plain = 0; /* most text is: one append for a run of it */
        while (plain < v.len && v.at[plain] >= 0x20 && v.at[plain] < 0x7f && v.at[plain] != '"' &&
               v.at[plain] != '\\')
            plain++;
        buf_add(out, view_slice(v, 0, plain));
        v = view_slice(v, plain, v.len);
        if (v.len == 0)
            break;
        uint32_t c = 0;
        size_t n = utf8_read(v, &c);
        if (n == 0) {
            buf_addf(out, "\\\\x%02x", v.at[0]);
            n = 1;
        } else if (c == '"' || c == '\\') {
            buf_addf(out, "\\%c", (int)c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_addf(out, "\\u%04x", c);
        } else {
            buf_add(out, view_slice(v, 0, n));
        }
        v = view_slice(v, n, v.len);
    }
    buf_add_byte(out, '"');
}

static bool unreserved(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void encode_percent(struct view v, struct buf *out)
{
    for (size_t i = 0; i < v.len; i++) {
        if (unreserved(v.at[i]))
            buf_add_byte(out, v.at[i]);
        else
            buf_addf(out, "%%%02X", v.at[i]);
    }
}
