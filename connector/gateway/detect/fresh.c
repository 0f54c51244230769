#include "connector/gateway/detect/detect_internal.h"

/* Objects that were seen here first, for those who see the app's other users. */

enum { TAG_BITS = 16 };

/* A detector that shares knows no more of an object than it tells; the filter wants all 64 bits. */
uint64_t fresh_object(const struct detect *d, uint64_t object)
{
    return d->options.shared ? detect_mix(object >> TAG_BITS, 0) : object;
}

void fresh_add(struct detect *d, uint64_t object, uint16_t tag)
{
    if (d->options.shared && d->fresh_count < DETECT_FRESH_MAX)
        d->fresh[d->fresh_count++] = object >> TAG_BITS << TAG_BITS | tag;
}

size_t detect_fresh(struct detect *d, uint64_t out[DETECT_FRESH_MAX])
{
    size_t n = d->fresh_count;

    memcpy(out, d->fresh, n * sizeof *out);
    d->fresh_count = 0;
    return n;
}

void detect_learn(struct detect *d, size_t n, const uint64_t objects[])
{
    for (size_t i = 0; i < n; i++) {
        uint64_t object = fresh_object(d, objects[i]);
        if (!cuckoo_look(d->objects, object).known)
            cuckoo_use(d->objects, object, (uint16_t)objects[i]);
    }
}
