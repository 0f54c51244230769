/* FUZ-16, GW-3: an API document, or a JSON Schema, of anyone's making. */
#include "fuzz.h"

#include "lib/schema/openapi.h"

#include <stdlib.h>

static void look(const struct api_document *d)
{
    for (size_t i = 0; i < api_operation_count(d); i++) {
        const struct api_operation *op = api_operation_at(d, i);
        if (op->method == NULL || op->path == NULL || op->path[0] != '/')
            abort();
        for (size_t k = 0; k < op->security_count; k++) {
            if (op->security[k].count > 0 && op->security[k].schemes == NULL)
                abort();
        }
    }
    if (api_bases(d).count == 0 || api_title(d) == NULL || api_bytes(d) == 0)
        abort();
}

static void load(struct view text)
{
    struct api_notes notes = {0};
    struct api_document *d = NULL;
    sp_error e = api_load(text, NULL, &notes, &d);

    if ((e == SP_OK) != (d != NULL) || (e == SP_OK && notes.errors > 0) ||
        (e == SP_ERR_INVALID && notes.errors == 0))
        abort();
    if (d != NULL)
        look(d);
    api_notes_deinit(&notes);
    api_free(d);
}

static void compile(struct view text, bool old)
{
    struct schema_options options = {.openapi_30 = old, .assert_formats = true};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct schema_program *p = NULL;
    sp_error e = schema_compile(text, &options, &why, &p);

    if ((e == SP_OK) != (p != NULL) || (e == SP_ERR_INVALID && why.text[0] == '\0'))
        abort();
    schema_program_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {data, size};

    load(text);
    compile(text, false);
    compile(text, true);
    return 0;
}
