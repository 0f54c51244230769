#ifndef SP_TLS_CONTEXT_H
#define SP_TLS_CONTEXT_H

/*
 * tls_context: what many TLS connections share. TLS 1.3 only on tunnels, no tickets, no session
 * cache, no early data, no post-handshake authentication; X25519MLKEM768, then X25519;
 * AES-128-GCM, then ChaCha20-Poly1305.
 *
 * Four kinds, and each says by what the peer is known:
 *   named    client; the peer by a certificate chain, its name and its dates (system store and
 *            configured CAs). TLS 1.2 is spoken too. For a proxy that ends TLS before a relay.
 *   served   server with a certificate chain and key from files; its clients stay unknown.
 *   pinned   client and server of a tunnel's outer layer: the server by the SHA-256 of its
 *            SubjectPublicKeyInfo, given for each connection; no CA, no name, no date.
 *   mutual   client and server of a tunnel's inner layer: each by its exact public key.
 *
 * pinned and mutual use the envelope: an X.509 certificate that is a pure function of one public
 * key (DATAPATH F1). No field of it but the key is trusted; possession is proved by TLS 1.3's
 * CertificateVerify.
 *
 * A context does not change after _new and may be used by any thread; connections keep it alive,
 * so it may be freed while they live.
 */

#include "lib/base/buf.h"
#include "lib/base/why.h"
#include "lib/crypto/key.h"

struct tls_context;

enum { TLS_CA_FILES_MAX = 16, TLS_PIN_BYTES = 32, TLS_ENVELOPE_MAX = 256 };

struct tls_named {
    bool without_system_store;              /* trust ca_files only */
    const char *ca_files[TLS_CA_FILES_MAX]; /* PEM, one or more each; unused ones NULL */
    struct view ca_pem;                     /* PEM from an enrolment string; may be empty */
    const char *const *alpn;                /* NULL-ended; NULL: none offered */
    const char *chain_file, *key_file;      /* what this client shows (mTLS), PEM; NULL: nothing */
    const uint8_t *pin; /* TLS_PIN_BYTES: the peer's key must be this one, besides all else; with
                           without_system_store and no CA it stands for the chain, and name and
                           dates are checked all the same. NULL: none */
};

/*
 * Reads the store and the files; `why` names a file that failed.
 *   SP_ERR_NOT_FOUND  a file can't be read
 *   SP_ERR_INVALID    a file holds no certificate, or the key is not the chain's
 *   SP_ERR_NOMEM, SP_ERR_TLS
 */
SP_MUST sp_error tls_named_client(const struct tls_named *named, struct sp_why *why,
                                  struct tls_context **out);

/*
 * A server from a PEM chain (leaf first) and its PEM key. `alpn` (NULL-ended, or NULL) is what it
 * chooses from; a client whose ALPN holds none of them is refused.
 *   SP_ERR_NOT_FOUND  a file can't be read
 *   SP_ERR_INVALID    no certificate, no key, or they don't belong together
 *   SP_ERR_NOMEM, SP_ERR_TLS
 */
SP_MUST sp_error tls_served(const char *chain_file, const char *key_file, const char *const *alpn,
                            struct sp_why *why, struct tls_context **out);

/*
 * The outer layer. `alpn` is one protocol. The server's key is a P-256 or Ed25519 secret.
 *   SP_ERR_UNSUPPORTED  a key of another kind
 *   SP_ERR_NOMEM, SP_ERR_TLS
 */
SP_MUST sp_error tls_pinned_client(const char *alpn, struct tls_context **out);
SP_MUST sp_error tls_pinned_server(const struct key_secret *own, const char *alpn,
                                   struct tls_context **out);

/* The inner layer; `own` proves this end. Errors as above. */
SP_MUST sp_error tls_mutual_client(const struct key_secret *own, struct tls_context **out);
SP_MUST sp_error tls_mutual_server(const struct key_secret *own, struct tls_context **out);

/* One more holder; returns `context`. */
struct tls_context *tls_context_hold(struct tls_context *context);
/* Gives back one holder's share. NULL is allowed. */
void tls_context_free(struct tls_context *context);

/* The TLS library's own version: "5.9.2". For `version`. Any thread. */
const char *tls_library(void);

/*
 * The envelope of a key, appended to `out`: DER version 3, serial 1, issuer = subject = CN "s",
 * 1970 to 9999, the key, no extensions, a constant signature. At most TLS_ENVELOPE_MAX bytes.
 *   SP_ERR_UNSUPPORTED  neither Ed25519 nor P-256
 *   SP_ERR_NOMEM, SP_ERR_LIMIT
 */
SP_MUST sp_error tls_envelope(const struct key_public *key, struct buf *out);

/* SHA-256 of the key's SubjectPublicKeyInfo: what `session.open` and `stand` call key hash. */
SP_MUST sp_error tls_pin(const struct key_public *key, uint8_t out[TLS_PIN_BYTES]);

#endif
