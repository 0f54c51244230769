/* A form that was read is written and read again as the same fields. */
#include "lib/http/form.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct form f, again;
    struct buf text;
    char name[256];

    if (form_parse((struct view){data, size}, &f) != SP_OK)
        return 0;
    buf_init(&text, 4 * FORM_BYTES_MAX);
    for (size_t i = 0; i < f.count; i++) {
        struct view whole = buf_view(&f.text);
        snprintf(name, sizeof name, "%.*s",
                 VIEW_ARG(view_slice(whole, f.fields[i].name_at, f.fields[i].name_len)));
        form_add(&text, name, view_slice(whole, f.fields[i].value_at, f.fields[i].value_len));
        if (f.fields[i].name_len >= sizeof name)
            goto out;
    }
    if (text.len <= FORM_BYTES_MAX) {
        if (form_parse(buf_view(&text), &again) != SP_OK || again.count != f.count ||
            !view_equal(buf_view(&again.text), buf_view(&f.text)))
            abort();
        form_deinit(&again);
    }
out:
    buf_deinit(&text);
    form_deinit(&f);
    return 0;
}
