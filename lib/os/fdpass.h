#ifndef SP_OS_FDPASS_H
#define SP_OS_FDPASS_H

/*
 * fdpass: a descriptor and a short message over a unix SEQPACKET socket (SCM_RIGHTS).
 */

#include "lib/base/view.h"

enum { FDPASS_MESSAGE_MAX = 8 * 1024 + 256 }; /* an enrolment string and a word */

/*
 * Sends `message` and, unless -1, `fd`, which stays the caller's.
 *   SP_ERR_LIMIT   message empty or too long
 *   SP_ERR_AGAIN   the peer's queue is full
 *   SP_ERR_CLOSED  the peer is gone
 *   SP_ERR_IO
 */
SP_MUST sp_error fdpass_send(int sock, struct view message, int fd);

/*
 * Receives one message into `room` (at least FDPASS_MESSAGE_MAX bytes). `*fd` is -1 when none
 * came; it is close-on-exec and the caller's.
 *   SP_ERR_AGAIN      nothing waits
 *   SP_ERR_CLOSED     the peer is gone
 *   SP_ERR_MALFORMED  truncated, or more than one descriptor (all are closed)
 *   SP_ERR_IO
 */
SP_MUST sp_error fdpass_receive(int sock, uint8_t *room, size_t *len, int *fd);

#endif
