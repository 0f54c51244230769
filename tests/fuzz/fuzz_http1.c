/*
 * FUZ-1, FUZ-2, FUZ-3. Requests (first byte even) or answers, whole and in pieces of the size that
 * the second byte says: the same number of messages, the same body bytes, the same refusal.
 */
#include "connector/gateway/http1.h"
#include "connector/gateway/target.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

struct seen {
    unsigned messages;
    uint64_t bytes;
    bool refused;
};

static const struct http1_limits limits = {.line = 512, .block = 4096, .fields = 16};

static bool head(struct http1 *p, bool requests, struct arena *a)
{
    static const struct target_options strict = {0};
    struct gw_request r;
    struct gw_response answer;
    struct view target;
    bool until_close;

    if (!requests)
        return http1_response(p, a, GW_GET, &answer, &until_close) == SP_OK;
    return http1_request(p, a, &r, &target) == SP_OK &&
           target_parse(target, r.host, r.method, &strict, a, &r.target) == SP_OK;
}

static void feed(struct http1 *p, bool requests, struct arena **a, struct arena_pool *pool,
                 struct view in, struct seen *s)
{
    struct view data;
    size_t used;

    while (in.len > 0 && !s->refused) {
        sp_error e;
        if (*a == NULL) {
            e = http1_head(p, in, &used);
            if (e == SP_ERR_AGAIN)
                return;
            s->refused =
                e != SP_OK || arena_new(pool, 1 << 16, a) != SP_OK || !head(p, requests, *a);
        } else {
            e = http1_body(p, in, &used, &data);
            s->refused = e != SP_OK;
            if (e == SP_OK && used == 0)
                abort(); /* it would never end */
            s->bytes += e == SP_OK ? data.len : 0;
        }
        if (s->refused)
            return;
        if (used > in.len)
            abort();
        in = view_slice(in, used, in.len);
        if (http1_ended(p)) {
            arena_free(*a);
            *a = NULL;
            s->messages++;
            http1_next(p);
        }
    }
}

static struct seen read_all(struct view in, bool requests, size_t step)
{
    struct arena_pool pool = {.max = 1 << 20};
    struct arena *a = NULL;
    struct seen s = {0};
    struct http1 *p;

    if (http1_new(requests ? HTTP1_REQUESTS : HTTP1_RESPONSES, &limits, &p) != SP_OK)
        return s;
    for (size_t at = 0; at < in.len && !s.refused; at += step)
        feed(p, requests, &a, &pool, view_slice(in, at, step), &s);
    arena_free(a);
    http1_free(p);
    if (pool.in_use != 0)
        abort();
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct view in = {data + 2, size - 2};
    struct seen whole = read_all(in, data[0] % 2 == 0, in.len == 0 ? 1 : in.len);
    struct seen pieces = read_all(in, data[0] % 2 == 0, (size_t)data[1] % 17 + 1);
    if (whole.messages != pieces.messages || whole.refused != pieces.refused)
        abort();
    if (!whole.refused && whole.bytes != pieces.bytes)
        abort();
    return 0;
}
