#include "client/login/loopback.h"

#include "lib/base/ascii.h"
#include "lib/base/buf.h"
#include "lib/crypto/secret.h"
#include "lib/http/url.h"

#include <stdio.h>
#include <string.h>

/* "GET TARGET HTTP/1.x" */
static sp_error read_target(struct view line, struct view *target)
{
    static const char method[] = "GET ";
    size_t end = line.len;

    if (line.len < 14 || memcmp(line.at, method, 4) != 0)
        return SP_ERR_MALFORMED;
    while (end > 4 && line.at[end - 1] != ' ')
        end--;
    struct view version = view_slice(line, end, line.len);
    if (end <= 5 || (!view_is(version, "HTTP/1.1") && !view_is(version, "HTTP/1.0")))
        return SP_ERR_MALFORMED;
    *target = view_slice(line, 4, end - 5);
    for (size_t i = 0; i < target->len; i++)
        if (target->at[i] <= 0x20 || target->at[i] >= 0x7f)
            return SP_ERR_MALFORMED;
    return SP_OK;
}

/* Host must be ours, letter by letter: a page on a rebound name has another one (TM-13). */
static sp_error check_headers(struct view rest, uint16_t port)
{
    char host[32];
    struct view line, value;
    unsigned hosts = 0;

    snprintf(host, sizeof host, "127.0.0.1:%u", port);
    while (ascii_line(&rest, &line) && line.len > 0) {
        if (line.at[0] == ' ' || line.at[0] == '\t' || memchr(line.at, ':', line.len) == NULL)
            return SP_ERR_MALFORMED;
        if (ascii_field(line, "Host", &value)) {
            if (++hosts > 1)
                return SP_ERR_MALFORMED;
            if (!view_is(value, host))
                return SP_ERR_DENIED;
        }
        /* A navigation by redirect has none, or the opaque one; a script's request has its own. */
        if (ascii_field(line, "Origin", &value) && !view_is(value, "null"))
            return SP_ERR_DENIED;
        if ((ascii_field(line, "Content-Length", &value) && !view_is(value, "0")) ||
            ascii_field(line, "Transfer-Encoding", &value))
            return SP_ERR_DENIED;
    }
    return hosts == 1 ? SP_OK : SP_ERR_DENIED;
}

/* The one value of a query parameter. SP_ERR_MALFORMED: twice, too long or badly escaped. */
static sp_error parameter(struct view query, const char *name, char *out, size_t size, bool *has)
{
    size_t len = strlen(name);

    *has = false;
    while (query.len > 0) {
        const uint8_t *end = memchr(query.at, '&', query.len);
        struct view part = {query.at, end == NULL ? query.len : (size_t)(end - query.at)};
        struct buf value;
        sp_error e = SP_OK;

        query = view_slice(query, part.len + (end != NULL), query.len);
        if (part.len <= len || part.at[len] != '=' || memcmp(part.at, name, len) != 0)
            continue;
        if (*has)
            return SP_ERR_MALFORMED;
        buf_init(&value, size - 1);
        e = url_decode(view_slice(part, len + 1, part.len), true, &value);
        if (e == SP_OK)
            snprintf(out, size, "%s", buf_cstr(&value));
        buf_wipe(&value);
        if (e != SP_OK)
            return SP_ERR_MALFORMED;
        *has = true;
    }
    return SP_OK;
}

sp_error loopback_judge(struct view head, const struct loopback_expect *expect,
                        struct loopback_hit *out)
{
    char state[LOOPBACK_CODE_MAX + 1] = "";
    struct loopback_hit hit = {0};
    struct view line, target, path, query, rest = head;
    bool has_state, has_code, has_error;
    sp_error e;

    if (head.len < 4 || memmem(head.at, head.len, "\r\n\r\n", 4) == NULL)
        return SP_ERR_AGAIN;
    if (!ascii_line(&rest, &line) || (e = read_target(line, &target)) != SP_OK)
        return SP_ERR_MALFORMED;
    if ((e = check_headers(rest, expect->port)) != SP_OK)
        return e;
    const uint8_t *mark = memchr(target.at, '?', target.len);
    path = view_slice(target, 0, mark == NULL ? target.len : (size_t)(mark - target.at));
    query = mark == NULL ? (struct view){0} : view_slice(target, path.len + 1, target.len);
    if (path.len < 2 || path.at[0] != '/' ||
        !secret_equal(view_slice(path, 1, path.len), view_str(expect->path)))
        return SP_ERR_NOT_FOUND;
    if ((e = parameter(query, "state", state, sizeof state, &has_state)) != SP_OK ||
        (e = parameter(query, "code", hit.code, sizeof hit.code, &has_code)) != SP_OK ||
        (e = parameter(query, "error", hit.error, sizeof hit.error, &has_error)) != SP_OK)
        return e;
    if (!has_state || !secret_equal(view_str(state), view_str(expect->state)))
        return SP_ERR_SIGNATURE;
    if (has_code == has_error || (has_code ? hit.code : hit.error)[0] == '\0')
        return SP_ERR_INVALID;
    *out = hit;
    return SP_OK;
}
