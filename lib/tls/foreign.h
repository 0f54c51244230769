#ifndef SP_TLS_FOREIGN_H
#define SP_TLS_FOREIGN_H

/*
 * foreign: what a TLS connection that another library made on our wolfSSL still lacks.
 *
 * libwebsockets hands its SSL_CTX and SSL as void pointers; they are wolfSSL's. Without these
 * calls the exporter fails (wolfSSL_KeepArrays comes too late) and a client accepts a certificate
 * for any name (DATAPATH, facts 1 and 2).
 */

#include "lib/base/why.h"
#include "lib/tls/conn.h"

/* In LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS: its connections keep the exporter, speak
 * TLS 1.3 and nothing below, and share keys over the groups of lib/tls/context alone (TLS-1).
 *   SP_ERR_TLS  it must not serve */
SP_MUST sp_error tls_foreign_server(void *ssl_ctx);

/*
 * In LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS. Its connections keep the exporter, trust
 * what `named` says, and refuse every certificate that is not for `name`; one context a name,
 * however many vhosts share it. `name` is copied. The handshake then fails inside libwebsockets.
 *   as tls_named_client
 *   SP_ERR_EXISTS  the context is for another name already: it must not be shared
 */
SP_MUST sp_error tls_foreign_client(void *ssl_ctx, const char *name, const struct tls_named *named,
                                    struct sp_why *why);
/* Whether the peer's certificate is for `name` where that is a literal address, which the handshake
 * itself does not ask: in LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER, before anything is sent.
 * True for every other name, which was checked. */
bool tls_foreign_fits(void *ssl, const char *name);
/* Undoes one tls_foreign_client; once for each, before the vhost is destroyed. */
void tls_foreign_client_done(void *ssl_ctx);

/* The channel binding of PROTOCOL section 4 (RFC 9266, TLS 1.3 only).   SP_ERR_TLS */
SP_MUST sp_error tls_foreign_binding(void *ssl, uint8_t out[TLS_EXPORT_BYTES]);

/*
 * Gives `ssl` its socket, which libwebsockets' client ends by SSL_get_fd: wolfSSL does not learn it
 * from the BIO that libwebsockets sets, so that each connection would leave a descriptor behind.
 * When the connection ends, before libwebsockets closes it. NULL and -1 are allowed.
 */
void tls_foreign_socket(void *ssl, int fd);

/* Why a foreign handshake failed, from ssl's last error. */
enum tls_refusal tls_foreign_refusal(void *ssl);

#endif
