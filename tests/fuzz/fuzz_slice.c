/* A policy that is read out of a document and put back leaves every byte as it was, and the one
 * that is removed is gone; whatever the document is. */
#include "broker/api/slice.h"
#include "lib/config/tree.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view document = {data, size};
    struct buf text, whole;
    struct tree *t;
    unsigned line, again;

    if (tree_parse(document, TREE_BYTES_MAX, NULL, &t) != SP_OK)
        return 0;
    struct view name = json_str(json_get(json_at(json_get(tree_root(t), "policies"), 0), "name"));
    buf_init(&text, 1 << 20);
    buf_init(&whole, 1 << 20);
    if (name.len > 0 && slice_read(document, name, &text, &line) == SP_OK) {
        if (slice_replace(document, name, buf_view(&text), &whole, &again) != SP_OK ||
            line != again)
            abort();
        buf_reset(&whole);
        if (slice_remove(document, name, &whole) == SP_OK && whole.len >= size)
            abort();
    }
    buf_deinit(&text);
    buf_deinit(&whole);
    tree_free(t);
    return 0;
}
