#include "client/ipc/lines.h"

#include "client/ipc/ipc.h"

#include <string.h>

bool lines_waiting(const struct buf *in)
{
    return in->len > 0 && memchr(in->at, '\n', in->len) != NULL;
}

sp_error lines_take(struct buf *in, struct json **out)
{
    const uint8_t *end = in->len == 0 ? NULL : memchr(in->at, '\n', in->len);
    struct json *line;
    sp_error e;

    if (end == NULL)
        return in->len >= IPC_LINE_MAX ? SP_ERR_LIMIT : SP_ERR_AGAIN;
    size_t len = (size_t)(end - in->at);
    if ((e = json_parse((struct view){in->at, len}, IPC_LINE_MAX, NULL, &line)) != SP_OK)
        return e;
    if (json_kind(line) != JSON_OBJECT) {
        json_free(line);
        return SP_ERR_MALFORMED;
    }
    buf_consume(in, len + 1);
    *out = line;
    return SP_OK;
}

sp_error lines_put(struct json *line, struct buf *out)
{
    size_t had = out->len;
    sp_error e = json_write(line, out);

    if (e == SP_OK)
        e = buf_append(out, view_str("\n"));
    if (e != SP_OK)
        out->len = had;
    json_free(line);
    return e;
}
