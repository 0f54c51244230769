#ifndef SP_TRUST_PROOF_H
#define SP_TRUST_PROOF_H

/*
 * proof: a key's signature over this one connection (PROTOCOL section 4).
 *
 * Signed bytes  PAE("sallyport/proof/1", role, client nonce, server nonce, binding, server key,
 *               tunnel key), so no part can pass for another. The server's `hello` leaves out
 *               the tunnel key and has the role "server".
 * Binding       32 bytes of the exporter EXPORTER-Channel-Binding (RFC 9266), or, only where the
 *               edge's own state says front: l7, `front-l7` || identity key.
 * Life          one channel: both nonces are fresh, the listener's clock of 10 s closes late ones.
 * Pure. Any thread.
 */

#include "lib/base/id.h"
#include "lib/crypto/key.h"

enum { PROOF_NONCE_BYTES = 32, PROOF_EXPORTER_BYTES = 32, PROOF_BINDING_MAX = 8 + KEY_BYTES_MAX };
#define PROOF_EXPORTER_LABEL "EXPORTER-Channel-Binding"

/* Who signs. A zeroed role signs and verifies nothing. */
enum proof_role {
    PROOF_NOBODY = 0,
    PROOF_SERVER, /* broker with its identity key, relay with its TLS key */
    PROOF_DEVICE,
    PROOF_CONNECTOR,
    PROOF_RELAY
};

struct proof_binding {
    uint8_t bytes[PROOF_BINDING_MAX];
    size_t len; /* 0: none, refused */
};
struct proof_binding proof_binding_exporter(const uint8_t exporter[PROOF_EXPORTER_BYTES]);
struct proof_binding proof_binding_front_l7(const struct key_public *identity);

/* The connection as both ends see it. */
struct proof {
    enum proof_role role;
    uint8_t client_nonce[PROOF_NONCE_BYTES], server_nonce[PROOF_NONCE_BYTES];
    struct proof_binding binding;
    struct key_public server; /* the key that signed `hello` */
    struct key_public tunnel; /* PROOF_DEVICE: the agent's tunnel key of this start; else none */
};

/*
 *   SP_ERR_INVALID  no role, no binding, no server key; a device without a tunnel key
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error proof_sign(const struct proof *p, const struct key_secret *k,
                            uint8_t signature[KEY_SIGNATURE_BYTES]);
/*   SP_ERR_SIGNATURE  not `k`'s over exactly this connection; or what proof_sign refuses
 *   SP_ERR_NOMEM */
SP_MUST sp_error proof_verify(const struct proof *p, const struct key_public *k,
                              struct view signature);

/* "device", "connector", "relay", "server"; NULL for nobody. The reader takes the first three. */
const char *proof_role_name(enum proof_role r);
enum proof_role proof_role_parse(struct view text);

/*
 * The device key's word for a tunnel key, independent of any connection: `device_sig` of the
 * agent's bind message (PROTOCOL sections 1 and 7). Errors as above.
 */
SP_MUST sp_error proof_tunnel_sign(const struct key_secret *device, const struct key_public *tunnel,
                                   uint8_t signature[KEY_SIGNATURE_BYTES]);
SP_MUST sp_error proof_tunnel_verify(const struct key_public *device,
                                     const struct key_public *tunnel, struct view signature);

#endif
