#ifndef SP_TERM_ASK_H
#define SP_TERM_ASK_H

/*
 * ask: questions to the person at the terminal (/dev/tty), never to standard input.
 *
 *   SP_ERR_UNSUPPORTED  there is no terminal
 *   SP_ERR_CANCELLED    Ctrl-C or Ctrl-D; the terminal is as it was
 *   SP_ERR_LIMIT        longer than `out` takes
 *   SP_ERR_IO
 * Blocks. One thread.
 */

#include "lib/base/buf.h"

/* One line with echo, without its end, appended to `out`. */
SP_MUST sp_error ask_line(const char *prompt, struct buf *out);
/* One line without echo. Wipe `out` afterwards. */
SP_MUST sp_error ask_hidden(const char *prompt, struct buf *out);
/* y or n; Enter is no. */
SP_MUST sp_error ask_yes(const char *prompt, bool *out);

#endif
