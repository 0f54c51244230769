#include "lib/http/proxy_answer.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <stdio.h>

#include "lib/base/banned.h"

/* The next line without its end (CRLF, or LF alone as old proxies write); false: none is whole. */
static bool next_line(struct view *rest, struct view *line)
{
    const uint8_t *lf = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);

    if (lf == NULL)
        return false;
    size_t n = (size_t)(lf - rest->at);
    *line = view_slice(*rest, 0, n > 0 && rest->at[n - 1] == '\r' ? n - 1 : n);
    *rest = view_slice(*rest, n + 1, rest->len);
    return true;
}

/* "HTTP/1.x NNN", then nothing or a blank and any text. */
static sp_error read_status(struct view line, int *out)
{
    uint64_t status;

    if (line.len < 12 || memcmp(line.at, "HTTP/1.", 7) != 0 || line.at[7] < '0' ||
        line.at[7] > '9' || line.at[8] != ' ' || (line.len > 12 && line.at[12] != ' ') ||
        num_uint(view_slice(line, 9, 3), 599, &status) != SP_OK || status < 100)
        return SP_ERR_MALFORMED;
    *out = (int)status;
    return SP_OK;
}

static bool token_byte(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* One challenge a field is what proxies send: the scheme is its first token. */
static void note_scheme(struct view value, struct proxy_answer *out)
{
    size_t n = 0, used = strlen(out->schemes);

    while (n < value.len && token_byte(value.at[n]))
        n++;
    if (n == 0 || n > 24)
        return;
    if (ascii_is(view_slice(value, 0, n), "Basic"))
        out->basic = true;
    if (used + 2 + n < sizeof out->schemes)
        snprintf(out->schemes + used, sizeof out->schemes - used, "%s%.*s", used > 0 ? ", " : "",
                 (int)n, (const char *)value.at);
}

static void read_field(struct view line, struct proxy_answer *out)
{
    struct view value;

    if (ascii_field(line, "proxy-authenticate", &value))
        note_scheme(value, out);
}

sp_error proxy_answer_parse(struct view in, struct proxy_answer *out, size_t *head)
{
    struct view rest = view_slice(in, 0, PROXY_ANSWER_MAX), line;
    const sp_error short_of = in.len >= PROXY_ANSWER_MAX ? SP_ERR_LIMIT : SP_ERR_AGAIN;
    struct proxy_answer answer = {0};
    sp_error e;

    if (!next_line(&rest, &line))
        return short_of;
    if ((e = read_status(line, &answer.status)) != SP_OK)
        return e;
    do {
        if (!next_line(&rest, &line))
            return short_of;
        read_field(line, &answer);
    } while (line.len > 0);
    *out = answer;
    *head = (size_t)(rest.at - in.at);
    return SP_OK;
}

void proxy_connect_write(const char *host, uint16_t port, const char *user, const char *password,
                         struct buf *out)
{
    const char *open = strchr(host, ':') != NULL ? "[" : "", *close = open[0] != '\0' ? "]" : "";

    buf_addf(out, "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n", open, host, close, port,
             open, host, close, port);
    if (user != NULL && user[0] != '\0') {
        struct buf pair;
        buf_init(&pair, 1024);
        buf_addf(&pair, "%s:%s", user, password != NULL ? password : "");
        buf_add_str(out, "Proxy-Authorization: Basic ");
        encode_base64(buf_view(&pair), out);
        buf_add_str(out, "\r\n");
        buf_wipe(&pair);
    }
    buf_add_str(out, "\r\n");
}
