#ifndef SP_CLIENT_IPC_LINES_H
#define SP_CLIENT_IPC_LINES_H

/*
 * lines: JSON objects one a line, found in and written to a buf. Pure; fuzzed by
 * tests/fuzz/fuzz_ipc.c. Shared by both ends of the socket.
 */

#include "lib/base/buf.h"
#include "lib/base/json.h"

/*
 * Takes the first whole line off `in`. `*out` is owned by the caller.
 *   SP_ERR_AGAIN      no whole line yet
 *   SP_ERR_LIMIT      more than IPC_LINE_MAX bytes without an end
 *   SP_ERR_MALFORMED  no JSON object
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error lines_take(struct buf *in, struct json **out);
bool lines_waiting(const struct buf *in);

/* Appends one line. Takes `line`. SP_ERR_LIMIT, SP_ERR_NOMEM; `out` is then as it was. */
SP_MUST sp_error lines_put(struct json *line, struct buf *out);

#endif
