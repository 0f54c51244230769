#include "connector/gateway/grpc.h"

#include "lib/base/num.h"

static const char type[] = "application/grpc";

bool grpc_is_type(struct view media_type)
{
    size_t n = sizeof type - 1;

    return media_type.len >= n && memcmp(media_type.at, type, n) == 0 &&
           (media_type.len == n || media_type.at[n] == '+');
}

enum grpc_status grpc_status_of(int http_status)
{
    static const struct {
        int http;
        enum grpc_status grpc;
    } rows[] = {
        {400, GRPC_INVALID_ARGUMENT},   {401, GRPC_UNAUTHENTICATED},
        {403, GRPC_PERMISSION_DENIED},  {404, GRPC_UNIMPLEMENTED},
        {405, GRPC_UNIMPLEMENTED},      {408, GRPC_DEADLINE_EXCEEDED},
        {410, GRPC_UNIMPLEMENTED},      {413, GRPC_RESOURCE_EXHAUSTED},
        {415, GRPC_INVALID_ARGUMENT},   {422, GRPC_INVALID_ARGUMENT},
        {429, GRPC_RESOURCE_EXHAUSTED}, {431, GRPC_RESOURCE_EXHAUSTED},
        {502, GRPC_UNAVAILABLE},        {503, GRPC_UNAVAILABLE},
        {504, GRPC_DEADLINE_EXCEEDED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].http == http_status)
            return rows[i].grpc;
    return GRPC_UNKNOWN;
}

int grpc_http_status(struct view status)
{
    static const int http[] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                               412, 409, 400, 404, 500, 503, 500, 401};
    uint64_t n;

    if (num_uint(status, sizeof http / sizeof http[0] - 1, &n) != SP_OK)
        return 500;
    return http[n];
}

/* The prefix is whole. */
SP_MUST static sp_error begin_message(struct grpc_messages *m, uint64_t max)
{
    const uint8_t *p = m->prefix;

    m->have = 0;
    m->left = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    m->count++;
    m->largest = m->left > m->largest ? m->left : m->largest;
    if (p[0] > 1) /* compressed or not */
        return SP_ERR_MALFORMED;
    return m->left > max ? SP_ERR_LIMIT : SP_OK;
}

sp_error grpc_read(struct grpc_messages *m, struct view data, uint64_t max)
{
    size_t at = 0;

    while (at < data.len) {
        if (m->left > 0) {
            size_t n = data.len - at < m->left ? data.len - at : m->left;
            m->left -= (uint32_t)n;
            at += n;
            continue;
        }
        m->prefix[m->have++] = data.at[at++];
        if (m->have == sizeof m->prefix) {
            sp_error e = begin_message(m, max);
            if (e != SP_OK)
                return e;
        }
    }
    return SP_OK;
}

sp_error grpc_timeout(struct view text, int64_t *ms)
{
    static const struct {
        uint8_t unit;
        int64_t times, parts; /* of a millisecond */
    } units[] = {{'H', 3600000, 1}, {'M', 60000, 1}, {'S', 1000, 1},
                 {'m', 1, 1},       {'u', 1, 1000},  {'n', 1, 1000000}};
    uint64_t n;

    if (text.len < 2 || text.len > 9 || /* eight digits at most */
        num_uint(view_slice(text, 0, text.len - 1), 99999999, &n) != SP_OK)
        return SP_ERR_MALFORMED;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].unit != text.at[text.len - 1])
            continue;
        *ms = ((int64_t)n * units[i].times + units[i].parts - 1) / units[i].parts;
        return SP_OK;
    }
    return SP_ERR_MALFORMED;
}
