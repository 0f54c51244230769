/*
 * FUZ-18. What stands in a row of the store, read by those who need it: a device's signal values
 * (first byte even) and an application's spec. A store may be damaged, or another's.
 */
#include "broker/posture/judge_internal.h"
#include "broker/registry/apps.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void values(struct view row)
{
    struct device_values *d = calloc(1, sizeof *d);

    if (d == NULL)
        return;
    sp_error e = values_read(row, d);
    if (e != SP_OK && e != SP_ERR_CORRUPT && e != SP_ERR_NOMEM)
        abort();
    if (d->count > HELD_MAX)
        abort();
    for (size_t i = 0; i < d->count; i++)
        if (memchr(d->at[i].name, 0, sizeof d->at[i].name) == NULL || d->at[i].kind > VALUE_TEXT ||
            d->at[i].assurance > ASSURANCE_VENDOR)
            abort();
    values_free(d);
}

static void spec(struct view in)
{
    const struct app_row row = {.spec = in, .type = APP_HTTP};
    struct buf out;

    buf_init(&out, 1 << 20);
    if (apps_gateway(&row, &out) == SP_OK && out.len > in.len)
        abort();
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        values((struct view){data + 1, size - 1});
    else
        spec((struct view){data + 1, size - 1});
    return 0;
}
