#include "lib/base/encode.h"

#include "lib/base/banned.h"

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/*
 * The radix-64 and radix-32 readers run over secrets too (keys, TOTP seeds), so a digit is found
 * by arithmetic over ranges, not by a table look-up whose address would be the secret.
 * Returns 0xff for what is no digit.
 */
static unsigned in_range(unsigned c, unsigned from, unsigned to)
{
    return ((from - 1 - c) & (c - to - 1)) >> 8 & 0xff; /* 0xff if from <= c <= to, else 0 */
}

static unsigned digit64(unsigned c, unsigned c62, unsigned c63)
{
    unsigned known = 0, value = 0, hit;

    hit = in_range(c, 'A', 'Z'), known |= hit, value |= hit & (c - 'A');
    hit = in_range(c, 'a', 'z'), known |= hit, value |= hit & (c - 'a' + 26);
    hit = in_range(c, '0', '9'), known |= hit, value |= hit & (c - '0' + 52);
    hit = in_range(c, c62, c62), known |= hit, value |= hit & 62;
    hit = in_range(c, c63, c63), known |= hit, value |= hit & 63;
    return value | (~known & 0xff);
}

static unsigned digit32(unsigned c)
{
    unsigned known = 0, value = 0, hit;

    hit = in_range(c, 'A', 'Z'), known |= hit, value |= hit & (c - 'A');
    hit = in_range(c, 'a', 'z'), known |= hit, value |= hit & (c - 'a');
    hit = in_range(c, '2', '7'), known |= hit, value |= hit & (c - '2' + 26);
    return value | (~known & 0xff);
}

static void write_radix64(struct view v, const char *alphabet, bool pad, struct buf *out)
{
    for (size_t i = 0; i < v.len; i += 3) {
        size_t n = v.len - i < 3 ? v.len - i : 3;
        uint32_t group = (uint32_t)v.at[i] << 16;
        char text[4] = {'=', '=', '=', '='};

        if (n > 1)
            group |= (uint32_t)v.at[i + 1] << 8;
        if (n > 2)
            group |= v.at[i + 2];
        for (size_t k = 0; k <= n; k++)
            text[k] = alphabet[group >> (18 - 6 * k) & 63];
        buf_add(out, (struct view){(const uint8_t *)text, pad ? 4 : n + 1});
    }
}

/*
 * Digits without padding into `at`, which has room for text.len * 3 / 4. Length 1 mod 4 carries
 * no whole byte, and left-over bits must be zero: else two texts would name one value.
 */
static sp_error read_radix64(struct view text, unsigned c62, unsigned c63, uint8_t *at)
{
    uint32_t group = 0;
    unsigned bits = 0, bad = 0;

    if (text.len % 4 == 1)
        return SP_ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = digit64(text.at[i], c62, c63);
        bad |= digit & 0xc0;
        group = group << 6 | (digit & 63);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *at++ = (uint8_t)(group >> bits);
        }
    }
    if (bad != 0 || (group & ((1u << bits) - 1)) != 0)
        return SP_ERR_MALFORMED;
    return SP_OK;
}

/* Decodes behind what `out` holds; a failed text leaves no trace beyond its length. */
static sp_error append_radix64(struct view text, unsigned c62, unsigned c63, struct buf *out)
{
    size_t bytes = text.len / 4 * 3 + (text.len % 4 * 3) / 4;
    sp_error e;

    if (text.len % 4 == 1)
        return SP_ERR_MALFORMED;
    if (bytes == 0)
        return SP_OK;
    if ((e = buf_reserve(out, bytes)) != SP_OK ||
        (e = read_radix64(text, c62, c63, out->at + out->len)) != SP_OK)
        return e;
    out->len += bytes;
    return SP_OK;
}

void encode_base64url(struct view bytes, struct buf *out)
{
    write_radix64(bytes, url_alphabet, false, out);
}

sp_error decode_base64url(struct view text, struct buf *out)
{
    return append_radix64(text, '-', '_', out);
}

sp_error decode_base64url_exact(struct view text, uint8_t *out, size_t len)
{
    uint8_t scratch[512];
    sp_error e;

    if (len > sizeof scratch || text.len != len / 3 * 4 + (len % 3 == 0 ? 0 : len % 3 + 1))
        return SP_ERR_MALFORMED;
    e = read_radix64(text, '-', '_', scratch);
    if (e == SP_OK && len > 0)
        memcpy(out, scratch, len);
    explicit_bzero(scratch, sizeof scratch);
    return e;
}

void encode_base64(struct view bytes, struct buf *out)
{
    write_radix64(bytes, std_alphabet, true, out);
}

sp_error decode_base64(struct view text, struct buf *out)
{
    if (text.len % 4 != 0)
        return SP_ERR_MALFORMED;
    for (int i = 0; i < 2 && text.len > 0 && text.at[text.len - 1] == '='; i++)
        text.len--;
    return append_radix64(text, '+', '/', out);
}

void encode_hex(struct view bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        const uint8_t pair[2] = {(uint8_t) "0123456789abcdef"[bytes.at[i] >> 4],
                                 (uint8_t) "0123456789abcdef"[bytes.at[i] & 15]};
        buf_add(out, (struct view){pair, 2});
    }
}

static unsigned digit16(unsigned c)
{
    unsigned known = 0, value = 0, hit;

    hit = in_range(c, '0', '9'), known |= hit, value |= hit & (c - '0');
    hit = in_range(c, 'a', 'f'), known |= hit, value |= hit & (c - 'a' + 10);
    hit = in_range(c, 'A', 'F'), known |= hit, value |= hit & (c - 'A' + 10);
    return value | (~known & 0xff);
}

sp_error decode_hex_exact(struct view text, uint8_t *out, size_t len)
{
    unsigned bad = 0;

    if (len > SIZE_MAX / 2 || text.len != len * 2)
        return SP_ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++)
        bad |= digit16(text.at[i]) & 0xf0;
    if (bad != 0)
        return SP_ERR_MALFORMED;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(digit16(text.at[2 * i]) << 4 | digit16(text.at[2 * i + 1]));
    return SP_OK;
}

void encode_base32(struct view bytes, struct buf *out)
{
    uint32_t group = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        group = group << 8 | bytes.at[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            buf_add_byte(out, (uint8_t)b32_alphabet[group >> bits & 31]);
        }
    }
    if (bits > 0)
        buf_add_byte(out, (uint8_t)b32_alphabet[group << (5 - bits) & 31]);
}

sp_error decode_base32(struct view text, struct buf *out)
{
    size_t before = out->len, digits = 0;
    uint32_t group = 0;
    unsigned bits = 0, bad = 0;
    sp_error e = SP_OK;

    for (size_t i = 0; i < text.len && e == SP_OK; i++) {
        if (text.at[i] == ' ')
            continue; /* people type seeds in groups of four */
        unsigned digit = digit32(text.at[i]);
        bad |= digit & 0xe0;
        group = group << 5 | (digit & 31);
        bits += 5;
        digits++;
        if (bits >= 8) {
            bits -= 8;
            e = buf_append(out, (struct view){&(uint8_t){(uint8_t)(group >> bits)}, 1});
        }
    }
    /* 1, 3 and 6 digits in the last group of eight carry bits of no byte (RFC 4648 section 6) */
    size_t last = digits % 8;
    if (e == SP_OK &&
        (bad != 0 || last == 1 || last == 3 || last == 6 || (group & ((1u << bits) - 1)) != 0))
        e = SP_ERR_MALFORMED;
    if (e != SP_OK)
        out->len = before;
    return e;
}
