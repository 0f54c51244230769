#include "lib/edge/tarball.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, STORED_MAX = 65535 };

sp_error tarball_add(struct buf *tar, const char *name, struct view content, int64_t unix_ms)
{
    static const uint8_t zeros[BLOCK];
    char head[BLOCK] = {0};
    unsigned sum = 0;

    if (strlen(name) > 99 || content.len > 0x3fffffff)
        return SP_ERR_LIMIT;
    memcpy(head, name, strlen(name));
    memcpy(head + 100, "0000600", 7); /* mode */
    memcpy(head + 108, "0000000", 7); /* uid, gid: nobody's */
    memcpy(head + 116, "0000000", 7);
    snprintf(head + 124, 12, "%011llo", (unsigned long long)content.len);
    snprintf(head + 136, 12, "%011llo", (unsigned long long)(unix_ms / 1000) & 077777777777);
    memset(head + 148, ' ', 8); /* the checksum counts itself as blanks */
    head[156] = '0';            /* a regular file */
    memcpy(head + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (uint8_t)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    buf_add(tar, (struct view){(const uint8_t *)head, BLOCK});
    buf_add(tar, content);
    if (content.len % BLOCK != 0)
        buf_add(tar, (struct view){zeros, BLOCK - content.len % BLOCK});
    return buf_error(tar);
}

void tarball_end(struct buf *tar)
{
    static const uint8_t zeros[2 * BLOCK];

    buf_add(tar, (struct view){zeros, sizeof zeros});
}

static uint32_t crc32_of(struct view v)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < v.len; i++) {
        crc ^= v.at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return crc ^ 0xffffffff;
}

static void add_le(struct buf *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add_byte(out, (uint8_t)(value >> 8 * i));
}

void tarball_gzip(struct view tar, struct buf *out)
{
    static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3}; /* RFC 1952 */

    buf_add(out, (struct view){head, sizeof head});
    for (size_t at = 0; at == 0 || at < tar.len; at += STORED_MAX) { /* RFC 1951, 3.2.4 */
        size_t n = tar.len - at < STORED_MAX ? tar.len - at : STORED_MAX;

        buf_add_byte(out, at + n == tar.len);
        add_le(out, (uint32_t)n, 2);
        add_le(out, ~(uint32_t)n, 2);
        buf_add(out, view_slice(tar, at, n));
    }
    add_le(out, crc32_of(tar), 4);
    add_le(out, (uint32_t)tar.len, 4);
}
