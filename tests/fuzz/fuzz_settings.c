#include "client/settings/settings.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* First byte: which key, and whether it is set or taken out. The rest: the file before. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const values[SETTINGS_COUNT] = {"https://a.example", "/a b\"c", "l7", "off",
                                                       "127.0.0.1:2",       "off"};
    struct sp_why why = {0};
    struct buf once, twice;
    enum setting key;
    struct view value;
    sp_error e;

    if (size == 0)
        return 0;
    key = (enum setting)(data[0] % SETTINGS_COUNT);
    value = view_str(data[0] & 0x80 ? values[key] : "");
    buf_init(&once, SETTING_FILE_MAX);
    buf_init(&twice, SETTING_FILE_MAX);
    e = settings_edit((struct view){data + 1, size - 1}, key, value, &why, &once);
    if (e != SP_OK && e != SP_ERR_NOMEM && why.text[0] == '\0' && e != SP_ERR_LIMIT)
        abort(); /* a person has to mend it */
    /* What came out is a settings file, and setting the same again changes nothing. */
    if (e == SP_OK && (settings_edit(buf_view(&once), key, value, &why, &twice) != SP_OK ||
                       !view_equal(buf_view(&once), buf_view(&twice))))
        abort();
    buf_deinit(&once);
    buf_deinit(&twice);
    return 0;
}
