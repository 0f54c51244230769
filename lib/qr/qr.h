#ifndef SP_QR_QR_H
#define SP_QR_QR_H

/*
 * qr: QR codes (ISO/IEC 18004, level M) for pages and terminals; libqrencode ends here.
 *
 * Never fetched, never linked: the text may hold a secret (a TOTP seed), so it is drawn in place
 * and the buffers that held it are wiped. Pure; any thread.
 *   SP_ERR_LIMIT  longer than QR_TEXT_MAX, or than `columns` can show
 *   SP_ERR_INVALID empty text
 *   SP_ERR_NOMEM
 */

#include "lib/base/buf.h"

enum { QR_TEXT_MAX = 1024, QR_QUIET = 4 /* modules of margin that the standard wants */ };

/* One <svg> element with viewBox, role and title; attributes only, no inline style (CSP). */
SP_MUST sp_error qr_svg(struct view text, const char *title, struct buf *out);

/* Half blocks, two modules a character, dark on light whatever the terminal's colours are; lines
 * end with LF. Without `colour` the margin is drawn in blocks and dark modules are blanks. */
SP_MUST sp_error qr_terminal(struct view text, unsigned columns, bool colour, struct buf *out);

#endif
