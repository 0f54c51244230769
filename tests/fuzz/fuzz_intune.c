/* Pages of Microsoft Graph's managed devices: the next one stays on its origin. */
#include "broker/feeds/intune.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char next[URL_BYTES_MAX + 1] = "";
    struct feed_records r = {0};
    struct sp_why why = {0};
    struct url origin, to;

    if (url_parse(view_str("https://graph.microsoft.com"), &origin) != SP_OK)
        abort();
    if (intune_read_page((struct view){data, size}, &origin, &why, &r, next) == SP_OK) {
        if (next[0] != '\0' &&
            (url_parse(view_str(next), &to) != SP_OK || !url_same_origin(&to, &origin)))
            abort();
        for (size_t i = 0; i < r.count; i++)
            if (r.at[i].id[0] == '\0' || r.at[i].count > FEED_VALUES_MAX)
                abort();
    } else if (why.text[0] == '\0') {
        abort();
    }
    feed_records_free(&r);
    return 0;
}
