#ifndef SP_HTTP_HTML_H
#define SP_HTTP_HTML_H

/*
 * html: writes pages so that text stays text.
 *
 * html_f takes a format of which only three directives exist, so a page reads like its HTML and
 * nothing reaches it unescaped by mistake:
 *   %s   const char *   escaped for text and double-quoted attributes
 *   %v   struct view *  escaped the same way
 *   %d   int
 *   %%   a percent sign
 * Escaped are & < > " ' as entities; control and bidi characters and invalid UTF-8 as visible
 * escapes (TM-22); a line feed stays.
 * Anything else after % marks the buf SP_ERR_INVALID: the page is then answered as 500.
 * Markup that is trusted (an SVG from lib/qr, a part built by html_f before) goes through
 * buf_add. Errors stick in the buf (buf_error). Any thread.
 */

#include "lib/base/buf.h"

void html_text(struct buf *out, struct view text);
void html_f(struct buf *out, const char *format, ...);

#endif
