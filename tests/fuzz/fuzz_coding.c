/* GW-03: what is undone stays inside of its limits and is the same when it is coded again. */
#include "connector/gateway/coding.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <zlib.h>

enum { MAX = 64 * 1024 };

static void same_again(struct view plain, struct arena *a)
{
    uLongf n = compressBound((uLong)plain.len);
    uint8_t *coded = malloc(n);
    struct view out;

    if (coded == NULL || compress(coded, &n, plain.at, (uLong)plain.len) != Z_OK)
        abort();
    sp_error e = coding_undo(view_str("deflate"), (struct view){coded, n}, MAX, a, &out);
    if (e == SP_OK ? !view_equal(out, plain) : plain.len <= CODING_FREE)
        abort();
    free(coded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codings[] = {"gzip", "deflate", "br", ""};
    struct arena_pool pool = {.max = 64 * 1024 * 1024};
    struct arena *a;
    struct view out;

    if (size == 0 || size > MAX || arena_new(&pool, pool.max, &a) != SP_OK)
        return 0;
    struct view in = {data + 1, size - 1};
    bool coded = data[0] % 4 < 2;
    sp_error e = coding_undo(view_str(codings[data[0] % 4]), in, MAX, a, &out);
    if (coded && e == SP_OK &&
        (out.len > MAX || (out.len > CODING_FREE && out.len > in.len * CODING_RATIO)))
        abort();
    if (coded && e == SP_OK)
        same_again(out, a);
    arena_free(a);
    return 0;
}
