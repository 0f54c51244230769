#ifndef SP_TLS_AUTHORITY_H
#define SP_TLS_AUTHORITY_H

/*
 * authority: a certificate authority for one evaluation: it signs one server certificate and is
 * forgotten, so that no file of `sallyport-broker dev` can make a second one.
 *
 * P-256, since browsers know no Ed25519 certificates. The CA certificate is for importing; the
 * server certificate names hosts and addresses (subjectAltName), may serve only (extended key
 * usage serverAuth) and lasts as long as the CA.
 */

#include "lib/base/buf.h"

enum { AUTHORITY_NAMES_MAX = 8, AUTHORITY_DAYS_MAX = 397, AUTHORITY_PEM_MAX = 8192 };

struct authority_spec {
    const char *organisation;               /* in both subjects, at most 60 bytes */
    const char *names[AUTHORITY_NAMES_MAX]; /* host names and literal addresses; unused ones NULL */
    int days;
};

/*
 * Appends PEM texts; `key` is a secret (PKCS#8): wipe it. Takes a few milliseconds.
 *   SP_ERR_INVALID  no name, a name over 253 bytes, days outside 1..AUTHORITY_DAYS_MAX
 *   SP_ERR_TLS      the library failed
 *   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error authority_make(const struct authority_spec *spec, struct buf *ca,
                                struct buf *chain, struct buf *key);

#endif
