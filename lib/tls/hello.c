#include "lib/tls/hello.h"

enum {
    RECORD_HEADER = 5,
    RECORD_HANDSHAKE = 22,
    RECORD_MAX = 16384,
    MESSAGE_HEADER = 4,
    MESSAGE_MIN = 42,
    CLIENT_HELLO = 1,
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ALPN = 16,
    EXTENSIONS_MAX = 64,
    SESSION_ID_MAX = 32
};

/* The handshake message, joined over its records. */
struct joined {
    uint8_t at[HELLO_MESSAGE_MAX];
    size_t len;
    size_t want; /* whole message with its header; 0: not known yet */
};

/* Checks what is there of the record header, so that garbage is refused at its first byte. */
SP_MUST static sp_error record_head(struct view in, size_t *len)
{
    if ((in.len > 0 && in.at[0] != RECORD_HANDSHAKE) || (in.len > 1 && in.at[1] != 3))
        return SP_ERR_MALFORMED;
    if (in.len < RECORD_HEADER)
        return SP_ERR_AGAIN;
    *len = (size_t)in.at[3] << 8 | in.at[4];
    return *len >= 1 && *len <= RECORD_MAX ? SP_OK : SP_ERR_MALFORMED;
}

SP_MUST static sp_error message_head(struct joined *m, struct view fragment)
{
    if (m->want != 0)
        return SP_OK;
    if (fragment.len < MESSAGE_HEADER)
        return SP_ERR_AGAIN;
    if (fragment.at[0] != CLIENT_HELLO)
        return SP_ERR_MALFORMED;
    m->want = MESSAGE_HEADER +
              ((size_t)fragment.at[1] << 16 | (size_t)fragment.at[2] << 8 | fragment.at[3]);
    if (m->want > HELLO_MESSAGE_MAX)
        return SP_ERR_LIMIT;
    return m->want >= MESSAGE_MIN ? SP_OK : SP_ERR_MALFORMED;
}

/* Joins records until the message is whole. RFC 8446 5.1 lets a handshake message span records;
 * wolfSSL wants its 4-byte header inside the first one, so we ask for the same. */
SP_MUST static sp_error join(struct view in, struct joined *m, size_t *need)
{
    size_t pos = 0;
    sp_error e;

    for (unsigned records = 0; m->want == 0 || m->len < m->want; records++) {
        size_t len = 0;
        struct view rest = view_slice(in, pos, in.len);

        if (records == HELLO_RECORDS_MAX)
            return SP_ERR_LIMIT;
        *need = pos + RECORD_HEADER;
        if ((e = record_head(rest, &len)) != SP_OK)
            return e;
        if (records == 0 && len < MESSAGE_HEADER)
            return SP_ERR_MALFORMED;
        *need = pos + RECORD_HEADER + len;

        struct view fragment = view_slice(rest, RECORD_HEADER, len);
        if ((e = message_head(m, fragment)) != SP_OK)
            return e;
        if (len > m->want - m->len)
            return SP_ERR_MALFORMED; /* bytes behind the message */
        if (fragment.len < len)
            return SP_ERR_AGAIN;
        memcpy(m->at + m->len, fragment.at, len);
        m->len += len;
        pos += RECORD_HEADER + len;
    }
    return pos == in.len ? SP_OK : SP_ERR_MALFORMED;
}

/* RFC 7301 3.1. A tunnel client offers one protocol; any mix is a browser's or a stranger's. */
static void read_alpn(struct view body, struct cursor *whole, struct hello *out)
{
    struct cursor c = cur_over(body, SP_ERR_MALFORMED);
    struct cursor list = cur_over(cur_take(&c, (size_t)cur_uint(&c, 2)), SP_ERR_MALFORMED);
    unsigned entries = 0;

    while (list.err == SP_OK && list.rest.len > 0) {
        struct view name = cur_take(&list, (size_t)cur_uint(&list, 1));
        if (name.len == 0)
            cur_fail(&list, SP_ERR_MALFORMED);
        out->tunnel = ++entries == 1 && view_is(name, HELLO_TUNNEL_ALPN);
    }
    if (c.err != SP_OK || c.rest.len != 0 || list.err != SP_OK || entries == 0)
        cur_fail(whole, SP_ERR_MALFORMED);
}

static bool name_byte(uint8_t b)
{
    return (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') || b == '-' || b == '.' || b == '_';
}

/* RFC 6066 3: one host_name. */
static void read_name(struct view body, struct cursor *whole, struct hello *out)
{
    struct cursor c = cur_over(body, SP_ERR_MALFORMED);
    struct cursor list = cur_over(cur_take(&c, (size_t)cur_uint(&c, 2)), SP_ERR_MALFORMED);
    uint64_t type = cur_uint(&list, 1);
    struct view name = cur_take(&list, (size_t)cur_uint(&list, 2));

    if (c.err != SP_OK || c.rest.len != 0 || list.err != SP_OK || list.rest.len != 0 || type != 0 ||
        name.len == 0 || name.len > HELLO_NAME_MAX) {
        cur_fail(whole, SP_ERR_MALFORMED);
        return;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t b = name.at[i];
        if (b >= 'A' && b <= 'Z')
            b = (uint8_t)(b - 'A' + 'a');
        if (!name_byte(b))
            cur_fail(whole, SP_ERR_MALFORMED);
        out->name[i] = (char)b;
    }
    out->name[name.len] = '\0';
}

/* RFC 8446 4.2: no extension twice. */
static void note_extension(uint16_t seen[EXTENSIONS_MAX], size_t *count, uint16_t type,
                           struct cursor *c)
{
    for (size_t i = 0; i < *count; i++)
        if (seen[i] == type)
            cur_fail(c, SP_ERR_MALFORMED);
    if (*count == EXTENSIONS_MAX)
        cur_fail(c, SP_ERR_LIMIT);
    else
        seen[(*count)++] = type;
}

static void read_extensions(struct cursor *c, struct hello *out)
{
    struct cursor list = cur_over(cur_take(c, (size_t)cur_uint(c, 2)), SP_ERR_MALFORMED);
    uint16_t seen[EXTENSIONS_MAX];
    size_t count = 0;

    while (c->err == SP_OK && list.err == SP_OK && list.rest.len > 0) {
        uint16_t type = (uint16_t)cur_uint(&list, 2);
        struct view body = cur_take(&list, (size_t)cur_uint(&list, 2));

        if (list.err != SP_OK)
            break;
        note_extension(seen, &count, type, c);
        if (type == EXTENSION_ALPN)
            read_alpn(body, c, out);
        if (type == EXTENSION_SERVER_NAME)
            read_name(body, c, out);
    }
    if (list.err != SP_OK)
        cur_fail(c, list.err);
}

/* RFC 8446 4.1.2, and the older hellos of the same shape. */
SP_MUST static sp_error read_message(struct view message, struct hello *out)
{
    struct cursor c = cur_over(message, SP_ERR_MALFORMED);
    struct hello h = {0};

    cur_take(&c, MESSAGE_HEADER);
    if (cur_uint(&c, 1) != 3) /* legacy_version 3.x */
        cur_fail(&c, SP_ERR_MALFORMED);
    cur_take(&c, 1 + 32); /* its minor; random */
    if (cur_take(&c, (size_t)cur_uint(&c, 1)).len > SESSION_ID_MAX)
        cur_fail(&c, SP_ERR_MALFORMED);
    struct view suites = cur_take(&c, (size_t)cur_uint(&c, 2));
    if (suites.len == 0 || suites.len % 2 != 0)
        cur_fail(&c, SP_ERR_MALFORMED);
    if (cur_take(&c, (size_t)cur_uint(&c, 1)).len == 0) /* compression methods */
        cur_fail(&c, SP_ERR_MALFORMED);
    if (c.err == SP_OK && c.rest.len > 0)
        read_extensions(&c, &h);
    if (c.err == SP_OK && c.rest.len > 0)
        cur_fail(&c, SP_ERR_MALFORMED);
    if (c.err == SP_OK)
        *out = h;
    return c.err;
}

sp_error hello_parse(struct view in, struct hello *out, size_t *need)
{
    struct joined m; /* its bytes are written before they are read */
    sp_error e;

    m.len = m.want = 0;
    *need = HELLO_BYTES_MIN;
    if ((e = join(in, &m, need)) != SP_OK)
        return e;
    return read_message((struct view){m.at, m.len}, out);
}
