#ifndef SP_GATEWAY_FRONT_H
#define SP_GATEWAY_FRONT_H

/*
 * front: the TLS of a client that speaks https to its local address (`frontend: tls`): ends here,
 * with a certificate and key that lie on the connector. Ciphertext in and out, plaintext in and
 * out; no socket. One thread.
 */

#include "lib/tls/conn.h"

struct front;

enum { FRONT_IN_MAX = 2 * TLS_RECORD_MAX, FRONT_OUT_MAX = 2 * TLS_RECORD_MAX + TLS_FLIGHT_MAX };

/* Keeps `context` alive.   SP_ERR_NOMEM, SP_ERR_TLS */
SP_MUST sp_error front_new(struct tls_context *context, struct front **out);
void front_free(struct front *f); /* NULL is allowed */

/* Ciphertext of the client; *took may be less: again when front_plain() made room.
 *   SP_ERR_NOMEM */
SP_MUST sp_error front_put(struct front *f, struct view cipher, size_t *took);

/*
 * What the client said and nobody took yet, at most one record; borrowed until the next call.
 *   SP_ERR_AGAIN   none now; the handshake may have left ciphertext for front_get()
 *   SP_ERR_CLOSED  its clean end
 *   SP_ERR_TLS
 */
SP_MUST sp_error front_plain(struct front *f, struct view *out);
void front_took(struct front *f, size_t n);

/* The protocol that was agreed, after the handshake; "" for none. */
const char *front_alpn(struct front *f);

/* For the client: plaintext in, as much as there is room for.   SP_ERR_TLS */
SP_MUST sp_error front_say(struct front *f, struct view plain, size_t *took);
void front_end(struct front *f); /* our close_notify, once */
/* Ciphertext for the client; 0: none. */
size_t front_get(struct front *f, uint8_t *to, size_t room);

#endif
