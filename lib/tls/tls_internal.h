#ifndef SP_TLS_INTERNAL_H
#define SP_TLS_INTERNAL_H

/* wolfSSL wants its options before any other header of it. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "lib/tls/conn.h"

#include <stdatomic.h>

enum tls_kind { TLS_NAMED = 1, TLS_SERVED, TLS_PINNED, TLS_MUTUAL };

struct tls_context {
    atomic_uint holders;
    enum tls_kind kind;
    bool server;
    WOLFSSL_CTX *ctx;      /* owned */
    bool pinned, pin_only; /* named: `pin` counts; and stands for the chain */
    uint8_t pin[TLS_PIN_BYTES];
    char alpn[64]; /* comma-separated, as wolfSSL_UseALPN takes it; "": none */
};

/* Store and CAs of `named` into `ctx`. As tls_named_client. */
SP_MUST sp_error tls_trust(WOLFSSL_CTX *ctx, const struct tls_named *named, struct sp_why *why);

/* The groups that a server of ours offers (TLS-1), the hybrid first.   false: no memory */
SP_MUST bool tls_serve_groups(WOLFSSL_CTX *ctx);

/* The library's error number as a reason. */
enum tls_refusal tls_refusal_of(int wolfssl_error);

/* Called by wolfSSL for the peer's certificate of pinned and mutual connections: conn.c. */
int tls_judge_peer(int verified, WOLFSSL_X509_STORE_CTX *store);

/* Before the handshake: the peer's certificate must be for `name`. wolfSSL has no word for a
 * literal address (without WOLFSSL_IP_ALT_NAME it compares none, and with it takes a common name):
 * what is for one is told by tls_address_fits, which every client calls when the handshake is over
 * and before it sends anything. */
SP_MUST bool tls_expect_name(WOLFSSL *ssl, const char *name);
/* After it: `name` is no literal address, or the certificate has it as an iPAddress (RFC 5280
 * 4.2.1.6), byte for byte; a dNSName or a common name of that text does not count. */
SP_MUST bool tls_address_fits(WOLFSSL *ssl, const char *name);

#endif
