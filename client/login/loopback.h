#ifndef SP_CLIENT_LOGIN_LOOPBACK_H
#define SP_CLIENT_LOGIN_LOOPBACK_H

/*
 * loopback: the redirect's end on this machine (RFC 8252 section 7.3, OA-9, INC-4).
 *
 * 127.0.0.1 and a port of the kernel's choice, a random path, open before the browser is. One
 * valid hit ends it. Whatever else comes is answered 400 and waited on: another path or state,
 * another Host, an Origin, another method, another user's connection (TM-13, TM-14). No CORS.
 * Blocking, one thread, no loop: it lives in `sallyport login` only.
 */

#include "lib/base/clock.h"
#include "lib/base/view.h"

struct loopback;

enum {
    LOOPBACK_HEAD_MAX = 8 * 1024,
    LOOPBACK_AT_ONCE = 8,               /* connections; browsers open some in advance */
    LOOPBACK_READ_MS = 10 * 1000,       /* for one request head */
    LOOPBACK_SILENT_MS = 3 * 60 * 1000, /* without a sign of life from the login */
    LOOPBACK_CODE_MAX = 128,
    LOOPBACK_URL_MAX = 96
};

/* What a right request looks like. Borrowed text. */
struct loopback_expect {
    const char *path; /* without '/' */
    const char *state;
    uint16_t port;
};

/* What it brought: a code, or the broker's refusal. */
struct loopback_hit {
    char code[LOOPBACK_CODE_MAX + 1];  /* "" on refusal */
    char error[LOOPBACK_CODE_MAX + 1]; /* "access_denied", …; "" on success */
};

/*
 * Judges one request head (up to and with its empty line). Pure; fuzzed by
 * tests/fuzz/fuzz_loopback.c.
 *   SP_ERR_AGAIN      no empty line yet
 *   SP_ERR_MALFORMED  no HTTP/1 request of method GET, a header twice, unreadable escapes
 *   SP_ERR_DENIED     another Host, an Origin, a body
 *   SP_ERR_NOT_FOUND  another path (its favicon, say)
 *   SP_ERR_SIGNATURE  another state, or none
 *   SP_ERR_INVALID    neither code nor error, or both
 */
SP_MUST sp_error loopback_judge(struct view head, const struct loopback_expect *expect,
                                struct loopback_hit *out);

/* Opens it. Copies path and state.   SP_ERR_NOMEM, SP_ERR_IO */
SP_MUST sp_error loopback_new(const char *path, const char *state, struct loopback **out);
void loopback_free(struct loopback *l); /* NULL is allowed */

/* "http://127.0.0.1:49152/PATH". Borrowed. */
const char *loopback_url(const struct loopback *l);

/* For poll() beside other descriptors: fills up to LOOPBACK_AT_ONCE + 1, says how many. */
struct pollfd;
size_t loopback_watch(const struct loopback *l, struct pollfd *fds);

/* Handles what is ready, without waiting.
 *   SP_OK         the valid hit came: its browser was answered and the listener is closed
 *   SP_ERR_AGAIN  not yet */
SP_MUST sp_error loopback_turn(struct loopback *l, struct loopback_hit *out);

#endif
