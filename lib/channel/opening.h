#ifndef SP_CHANNEL_OPENING_H
#define SP_CHANNEL_OPENING_H

/*
 * opening: hello → prove → welcome of PROTOCOL §4 as a machine without a socket, both sides.
 *
 * Used by dialer.c and listener.c (libwebsockets) and over.c (tunnel engine), so that the proof
 * exists once. Bytes in, bytes out, driven by tests with every wrong order. What is signed and
 * how is lib/trust/proof.h. Knows no registry: whether a proven key may do anything is its
 * owner's question, asked between `prove` and `welcome`.
 */

#include "lib/base/clock.h"
#include "lib/channel/call.h"
#include "lib/crypto/key.h"
#include "lib/proto/opening.h"

enum { OPENING_BINDING_BYTES = 32, OPENING_NONCE_BYTES = PROTO_NONCE_BYTES };

/* What ties the proof to this one connection. */
struct opening_binding {
    bool l7;                                 /* "front-l7": this side's own state says so */
    uint8_t exporter[OPENING_BINDING_BYTES]; /* RFC 9266, else */
};

/* ---- the edge's side --------------------------------------------------------------------- */

struct opening_edge_config {
    enum prove_kind kind;
    const struct key_secret *key;        /* borrowed while opening, as all pointers here */
    const struct key_secret *tunnel_key; /* device only */
    struct sp_id id;                     /* zero: none yet */
    struct sp_id boot;                   /* relay only */
    const struct key_public *pin;        /* the server's identity key; NULL: none known yet */
    const char *fingerprint;             /* of it, "SP1:…", where only that is known; NULL */
    const char *software;
    const char *const *caps; /* NULL-ended */
    struct view stand;       /* to a relay */
};

struct opening_edge {
    const struct opening_edge_config *config;
    uint8_t nonce[OPENING_NONCE_BYTES]; /* ours, sent as Sallyport-Nonce with the upgrade */
    struct opening_binding binding;
    struct key_public server; /* from hello, proven once opening_edge_hello gave SP_OK */
    int64_t server_time;      /* Unix ms of hello, and when it came by our boot clock */
    sp_boot_ms server_time_at;
    char keys[PROTO_STATEMENT_MAX]; /* the keys statement of hello; keys_len 0 from a relay */
    size_t keys_len;
};

/* ---- the server's side -------------------------------------------------------------------- */

struct opening_server_config {
    const struct key_secret *key; /* identity (relay: TLS key) */
    struct view keys;             /* keys statement, or empty; borrowed for opening_server_hello */
};

/* Who has proved itself. All of it is copied: it outlives the message. */
struct channel_peer {
    enum prove_kind kind; /* PROVE_NOBODY: nobody proved anything */
    struct key_public key;
    struct key_public tunnel_key;            /* device */
    char tunnel_sig[PROTO_SIG_TEXT_MAX + 1]; /* device: over tunnel_key, for the bind message */
    struct sp_id id;   /* as claimed; whoever admits compares it with the key's record (INC-14) */
    struct sp_id boot; /* relay */
    int64_t v;
    char software[PROTO_NAME_MAX + 1];
    char caps[PROTO_CAPS_MAX][32];
    size_t cap_count;
    char stand[1024 + 1]; /* to a relay: the statement; its reader is lib/trust/stand.h */
    char address[64];     /* of the peer, as struct request has it; filled by listener.c, over.c */
    bool l7;
};

/* A fresh nonce; the carrier fills `binding` once TLS is up. */
void opening_edge_init(struct opening_edge *o, const struct opening_edge_config *c);

/*
 * The hello in `m`, answered by the prove in `out` (text of a whole message, i = 1).
 *   SP_ERR_PROTOCOL   no well-formed hello
 *   SP_ERR_VERSION    no common version
 *   SP_ERR_AUDIENCE   another identity key than the pinned one, and no keys statement that the
 *                     pinned one signed names it as its successor
 *   SP_ERR_SIGNATURE  its proof does not hold over our nonce and this connection (OA-7)
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error opening_edge_hello(struct opening_edge *o, const struct envelope *m,
                                    struct buf *out);

struct opening_server {
    const struct opening_server_config *config;
    uint8_t client_nonce[OPENING_NONCE_BYTES], nonce[OPENING_NONCE_BYTES];
    struct opening_binding binding;
};

/* `client_nonce` from the upgrade. `out` gets the hello (i = 1). SP_ERR_NOMEM, _LIMIT, _IO. */
SP_MUST sp_error opening_server_hello(struct opening_server *o,
                                      const struct opening_server_config *c,
                                      const uint8_t client_nonce[OPENING_NONCE_BYTES],
                                      const struct opening_binding *binding, sp_unix_ms now,
                                      struct buf *out);
/*
 * The prove in `m`.
 *   SP_ERR_PROTOCOL   no well-formed prove
 *   SP_ERR_VERSION    outside our range
 *   SP_ERR_REPLAY     another nonce than this connection's
 *   SP_ERR_SIGNATURE  proof or tunnel key's signature does not hold
 */
SP_MUST sp_error opening_server_prove(const struct opening_server *o, const struct envelope *m,
                                      struct channel_peer *out);

/* The close code that a failed opening gets: 4401, or 4426 for SP_ERR_VERSION, 1002. */
enum channel_close opening_close(sp_error e);

#endif
