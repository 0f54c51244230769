#include "client/ipc/ipc.h"
#include "client/ipc/lines.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *line;
    struct buf in;
    size_t before;

    buf_init(&in, IPC_LINE_MAX);
    if (size <= IPC_LINE_MAX && buf_append(&in, (struct view){data, size}) == SP_OK)
        while (before = in.len, lines_take(&in, &line) == SP_OK) {
            if (in.len >= before || json_kind(line) != JSON_OBJECT)
                abort(); /* each line is one object, and is taken off */
            json_free(line);
        }
    buf_deinit(&in);
    return 0;
}
