/* FUZ-7. A connector's report of its gateway, as the broker reads it: what was taken keeps every
 * limit, and is written and read again. */
#include "lib/proto/gateway.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static struct api_report report, again;

static void check_row(const struct api_row *r)
{
    if (!api_is_path(r->path) || r->method.len == 0 || r->method.len > API_METHOD_MAX ||
        r->states < 0 || r->states > API_STATES_ALL || r->first > r->last || r->calls < 0)
        abort();
    for (size_t i = 0; i < r->path.len; i++)
        if (r->path.at[i] < ' ')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *j = NULL, *written;
    struct api_keys keys;
    struct sp_why why = {0};

    if (json_parse((struct view){data, size}, 64 * 1024, NULL, &j) != SP_OK)
        return 0;
    if (api_report_read(j, &why, &report) == SP_OK) {
        if (report.row_count > API_ROWS_MAX || report.hit_count > API_HITS_MAX)
            abort();
        for (size_t i = 0; i < report.row_count; i++)
            check_row(&report.rows[i]);
        written = fields_write(api_report_fields, &report);
        if (written == NULL || api_report_read(written, NULL, &again) != SP_OK ||
            again.row_count != report.row_count || again.hit_count != report.hit_count)
            abort();
        json_free(written);
    }
    if (api_keys_read(j, &why, &keys) == SP_OK && json_len(json_get(keys.jwks, "keys")) == 0)
        abort();
    json_free(j);
    return 0;
}
