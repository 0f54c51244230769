/* FUZ-7. Control messages: the envelope, then every table of lib/proto on its members. What a table
 * reads it also writes, and reads again. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/lib/proto/tables.h"

#include <stdlib.h>

/* Room for the largest struct, live_delta. */
static _Alignas(16) uint8_t room[256 * 1024], again[256 * 1024];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct envelope m;

    if (envelope_parse((struct view){data, size}, &m) != SP_OK)
        return 0;
    if (m.i < 1 || (m.re == 0) != (m.type[0] != '\0'))
        abort();
    for (size_t i = 0; !m.is_error && i < sizeof message_tables / sizeof *message_tables; i++) {
        struct sp_why why = {0};
        struct json *written;

        if (fields_read(m.members, message_tables[i], &why, room) != SP_OK)
            continue;
        written = fields_write(message_tables[i], room);
        if (written == NULL || fields_read(written, message_tables[i], NULL, again) != SP_OK)
            abort();
        json_free(written);
    }
    envelope_deinit(&m);
    return 0;
}
