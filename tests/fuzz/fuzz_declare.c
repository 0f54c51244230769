#include "client/admin/declare.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* What is read is written so that it reads as the same, and differs from itself in nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *doc = NULL, *again = NULL, *changes = NULL;
    struct sp_why why = {0};
    struct buf out;

    buf_init(&out, 8 * DECLARE_BYTES_MAX);
    if (declare_read((struct view){data, size}, &why, &doc) == SP_OK) {
        declare_write(doc, &out);
        if (buf_error(&out) == SP_OK &&
            (declare_read(buf_view(&out), &why, &again) != SP_OK || !json_equal(doc, again)))
            abort();
        changes = declare_changes(doc, again == NULL ? doc : again, true);
        if (json_len(changes) != 0)
            abort();
    } else if (doc != NULL) {
        abort();
    }
    json_free(changes);
    json_free(again);
    json_free(doc);
    buf_deinit(&out);
    return 0;
}
