#ifndef SP_TLS_LOOK_H
#define SP_TLS_LOOK_H

/*
 * look: one handshake for `doctor`, to say who signed a certificate that is refused. Trusts exactly
 * what a named client trusts, and never sends a byte of application data. Blocks.
 */

#include "lib/base/clock.h"
#include "lib/base/why.h"
#include "lib/tls/conn.h"
#include "lib/tls/context.h"

struct tls_seen {
    enum tls_refusal refusal;          /* TLS_REFUSAL_NONE: the handshake held */
    char subject[128], issuer[128];    /* common names as they came; "" when trusted or not there */
    char valid_from[20], valid_to[20]; /* "2026-11-25 15:04" in UTC; "" as above */
};

/*
 * On `fd`, a connected non-blocking socket, which stays the caller's; until `deadline`.
 *   SP_OK           `out` says what was seen, also where it was refused
 *   as tls_named_client
 *   SP_ERR_TIMEOUT  no answer until the deadline
 */
SP_MUST sp_error tls_look(int fd, const char *name, const struct tls_named *named,
                          sp_boot_ms deadline, struct sp_why *why, struct tls_seen *out);

#endif
