/* FUZ-4. What target_parse takes, it takes again in the form in which it goes on, with the same
 * segments; and no dangerous segment is ever among them. */
#include "connector/gateway/target.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct target_options strict = {0};
    struct arena_pool pool = {.max = 1 << 22};
    struct gw_target t, again;
    struct arena *a;

    if (size > 8192 || arena_new(&pool, 1 << 20, &a) != SP_OK)
        return 0;
    if (target_parse((struct view){data, size}, view_str("h"), GW_GET, &strict, a, &t) == SP_OK) {
        if (target_parse(t.path, view_str("h"), GW_GET, &strict, a, &again) != SP_OK ||
            !view_equal(t.path, again.path) || t.segment_count != again.segment_count)
            abort();
        for (size_t i = 0; i < t.segment_count; i++) {
            struct view s = t.segments[i];
            if (s.len == 0 || view_is(s, ".") || view_is(s, "..") ||
                memchr(s.at, '/', s.len) != NULL || memchr(s.at, '\\', s.len) != NULL ||
                memchr(s.at, '\0', s.len) != NULL || !view_equal(s, again.segments[i]))
                abort();
        }
    }
    arena_free(a);
    return 0;
}
