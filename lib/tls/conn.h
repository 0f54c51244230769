#ifndef SP_TLS_CONN_H
#define SP_TLS_CONN_H

/*
 * tls_conn: one TLS connection without a socket. Ciphertext is pulled from and pushed to the
 * owner through two callbacks, plaintext is read and written by calls. Never blocks.
 *
 * One thread at a time. wolfSSL asks for 5 bytes of a record and then for its body, and never
 * reads beyond a record: what `take` still holds after tls_conn_read stays the caller's, which is
 * what the cut-through switch rests on.
 */

#include "lib/tls/context.h"

struct tls_conn;

/*
 * Both are called only from inside tls_conn_handshake, _read, _write and _close_notify.
 *   take  moves up to `n` bytes of ciphertext to `to` and returns how many; 0: none now.
 *   give  takes all of `record` (a few of them may come in one call); false refuses, and the
 *         connection has failed. It must have room for what the caller is about to write plus
 *         its overhead (TLS_RECORD_OVERHEAD a started TLS_RECORD_PLAIN bytes), and for
 *         TLS_FLIGHT_MAX during the handshake.
 */
struct tls_wire {
    size_t (*take)(void *arg, uint8_t *to, size_t n);
    bool (*give)(void *arg, struct view record);
    void *arg; /* borrowed until tls_conn_free */
};

enum {
    TLS_RECORD_PLAIN = 16384,
    TLS_RECORD_OVERHEAD = 5 + 1 + 16,
    TLS_RECORD_MAX = TLS_RECORD_PLAIN + TLS_RECORD_OVERHEAD,
    TLS_FLIGHT_MAX = 32 * 1024,
    TLS_EXPORT_BYTES = 32
};

/* Why the peer was not taken. For logs and `doctor`; the peer only sees an alert. */
enum tls_refusal {
    TLS_REFUSAL_NONE = 0,
    TLS_REFUSAL_NAME,    /* the certificate is for another name */
    TLS_REFUSAL_ISSUER,  /* no trusted CA signed it */
    TLS_REFUSAL_DATE,    /* expired, or not valid yet */
    TLS_REFUSAL_KEY,     /* not the pinned key, or no certificate at all */
    TLS_REFUSAL_PEER,    /* the peer refused us with an alert */
    TLS_REFUSAL_PROTOCOL /* anything else */
};
const char *tls_refusal_text(enum tls_refusal r); /* never NULL */

/* What a client expects; the unused members stay zero. */
struct tls_expect {
    const char *name;              /* named: checked; pinned: sent as SNI only; borrowed for _new */
    const uint8_t *pin;            /* pinned client: TLS_PIN_BYTES; borrowed for _new */
    const struct key_public *peer; /* mutual, both ends; borrowed for _new */
};

/*
 * Starts nothing yet. Keeps `context` alive.
 *   SP_ERR_INVALID  `expect` lacks what this kind of context needs (so nobody is trusted by
 *                   leaving something out)
 *   SP_ERR_NOMEM, SP_ERR_TLS
 */
SP_MUST sp_error tls_conn_new(struct tls_context *context, const struct tls_expect *expect,
                              const struct tls_wire *wire, struct tls_conn **out);
void tls_conn_free(struct tls_conn *c); /* sends nothing; NULL is allowed */

/*
 *   SP_OK          done, and stays so
 *   SP_ERR_AGAIN   call again when more ciphertext is there
 *   SP_ERR_TLS     failed: tls_conn_refusal() says why; an alert was given where TLS has one
 * A mutual or client-authenticated client gets SP_OK *before* the server has judged it; only a
 * message from the server inside the connection says that it was accepted.
 */
SP_MUST sp_error tls_conn_handshake(struct tls_conn *c);

/*
 * Up to `room` plaintext bytes of at most one record; `*got` > 0 on SP_OK.
 *   SP_ERR_AGAIN   no whole record is there
 *   SP_ERR_CLOSED  the peer's close_notify: a clean end
 *   SP_ERR_TLS     broken or forged record, alert, or a message that we don't allow
 */
SP_MUST sp_error tls_conn_read(struct tls_conn *c, uint8_t *to, size_t room, size_t *got);

/* Bytes that are decrypted and not read yet. */
size_t tls_conn_pending(const struct tls_conn *c);

/* All of `plain`, cut into records of at most TLS_RECORD_PLAIN.   SP_ERR_TLS */
SP_MUST sp_error tls_conn_write(struct tls_conn *c, struct view plain);

/* The clean end of our direction; later writes fail. Best effort. */
void tls_conn_close_notify(struct tls_conn *c);

/*
 * RFC 8446 section 7.5 / RFC 9266. Only after the handshake. `context` may be empty, which is
 * not the same as none: `with_context` says.   SP_ERR_TLS
 */
SP_MUST sp_error tls_conn_export(struct tls_conn *c, const char *label, struct view context,
                                 bool with_context, uint8_t out[TLS_EXPORT_BYTES]);

/* Gives back what only tls_conn_export needs; it fails afterwards. */
void tls_conn_exports_done(struct tls_conn *c);

/* Asks for new keys of the sending direction (RFC 8446 section 4.6.3); for the inner layer only:
 * the outer one must send nothing of its own beside a switch. */
SP_MUST sp_error tls_conn_update_keys(struct tls_conn *c);

enum tls_refusal tls_conn_refusal(const struct tls_conn *c);
const char *tls_conn_group(struct tls_conn *c);  /* "X25519MLKEM768", for tests and doctor */
const char *tls_conn_cipher(struct tls_conn *c); /* "TLS13-AES128-GCM-SHA256" */
const char *tls_conn_alpn(struct tls_conn *c);   /* "" when none was agreed */

#endif
