#ifndef SP_TLS_EXPIRY_H
#define SP_TLS_EXPIRY_H

/* expiry: when a certificate that we show ends, for a word before it does. Any thread. */

#include "lib/base/clock.h"
#include "lib/base/view.h"

/* Of the first certificate of a PEM chain, which is the one that is shown.
 *   SP_ERR_MALFORMED  no certificate, or no time that has a year */
SP_MUST sp_error tls_expires(struct view pem, sp_unix_ms *out);

#endif
