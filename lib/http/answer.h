#ifndef SP_HTTP_ANSWER_H
#define SP_HTTP_ANSWER_H

/*
 * answer: the head of a response as bytes, with the headers that every answer carries. A part of
 * server.c, apart from it so that tests read it without a socket. Pure.
 */

#include "lib/http/message.h"

/*
 * Appends status line, security headers, the response's own headers, content-length, and
 * "connection: close" when `close`.   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error answer_head(const struct response *res, bool tls, bool close, struct buf *out);

/* body or fixed */
struct view answer_body(const struct response *res);

/* 204, 304: no body and no content-length. */
bool answer_bodiless(int status);

#endif
