#ifndef SP_HTTP_PROXY_ANSWER_H
#define SP_HTTP_PROXY_ANSWER_H

/*
 * proxy_answer: what an HTTP proxy says to CONNECT (RFC 9110 sections 9.3.6 and 11.7), and the
 * request for it. HTTP/1.0 and 1.1, any reason text (C-025).
 *
 * Pure. Fuzzed by tests/fuzz/fuzz_proxy_answer.c.
 */

#include "lib/base/buf.h"

enum { PROXY_ANSWER_MAX = 16 * 1024, PROXY_SCHEMES_MAX = 128 };

struct proxy_answer {
    int status;                      /* 100 to 599 */
    bool basic;                      /* 407: Basic is among the schemes */
    char schemes[PROXY_SCHEMES_MAX]; /* 407: "Negotiate, NTLM": all that it names, as far as fits */
};

/*
 * Reads the head of the answer at the front of `in`; what follows it is not looked at.
 *   SP_ERR_AGAIN      `in` ends inside the head
 *   SP_ERR_LIMIT      the head is longer than PROXY_ANSWER_MAX
 *   SP_ERR_MALFORMED  no HTTP/1.x answer
 * `out` and `*head` (its length) are written on SP_OK only.
 */
SP_MUST sp_error proxy_answer_parse(struct view in, struct proxy_answer *out, size_t *head);

/* Appends the request. `user` is NULL or empty without credentials. The caller wipes `out`. */
void proxy_connect_write(const char *host, uint16_t port, const char *user, const char *password,
                         struct buf *out);

#endif
