#include "lib/channel/opening.h"

#include "lib/base/encode.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"
#include "lib/trust/keyset.h"
#include "lib/trust/proof.h"

static const enum proof_role roles[PROVE_KINDS] = {
    [PROVE_DEVICE] = PROOF_DEVICE,
    [PROVE_CONNECTOR] = PROOF_CONNECTOR,
    [PROVE_RELAY] = PROOF_RELAY,
};

static struct proof_binding bind_to(const struct opening_binding *b,
                                    const struct key_public *server)
{
    return b->l7 ? proof_binding_front_l7(server) : proof_binding_exporter(b->exporter);
}

/* A signature as text, alive as long as `room`. */
static struct view sig_text(const uint8_t sig[KEY_SIGNATURE_BYTES], struct buf *room)
{
    buf_init(room, PROTO_SIG_TEXT_MAX);
    encode_base64url((struct view){sig, KEY_SIGNATURE_BYTES}, room);
    return buf_view(room);
}

static sp_error sig_bytes(struct view text, uint8_t sig[KEY_SIGNATURE_BYTES])
{
    return decode_base64url_exact(text, sig, KEY_SIGNATURE_BYTES) == SP_OK ? SP_OK
                                                                           : SP_ERR_SIGNATURE;
}

enum channel_close opening_close(sp_error e)
{
    switch (e) {
    case SP_ERR_VERSION:
        return CHANNEL_CLOSE_VERSION;
    case SP_ERR_SIGNATURE:
    case SP_ERR_AUDIENCE:
    case SP_ERR_REPLAY:
        return CHANNEL_CLOSE_PROOF;
    case SP_ERR_TIMEOUT:
        return CHANNEL_CLOSE_TIME;
    default:
        return CHANNEL_CLOSE_PROTOCOL;
    }
}

/* ---- edge ------------------------------------------------------------------------------------ */

void opening_edge_init(struct opening_edge *o, const struct opening_edge_config *c)
{
    o->config = c;
    o->binding = (struct opening_binding){0};
    o->server = (struct key_public){0};
    o->server_time = 0;
    o->keys_len = 0;
    random_bytes(o->nonce, sizeof o->nonce);
}

/* The key that signed hello is the one that this edge knows, or its successor. */
static sp_error check_pin(const struct opening_edge_config *c, const struct opening_hello *h,
                          const struct key_public *server)
{
    struct keyset set;

    if (c->pin != NULL && !key_equal(c->pin, server)) {
        if (h->keys.len == 0 || keyset_read(h->keys, c->pin, 0, &set) != SP_OK ||
            !key_equal(&set.identity, server))
            return SP_ERR_AUDIENCE;
    }
    if (c->pin == NULL && c->fingerprint != NULL &&
        strcmp(key_fingerprint(server).s, c->fingerprint) != 0)
        return SP_ERR_AUDIENCE;
    return SP_OK;
}

static sp_error read_hello(struct opening_edge *o, const struct envelope *m,
                           struct opening_hello *h, struct proof *p)
{
    uint8_t sig[KEY_SIGNATURE_BYTES];
    sp_error e;

    if (strcmp(m->type, "hello") != 0 || m->i != 1 ||
        fields_read(m->members, hello_fields, NULL, h) != SP_OK || h->version_count != 2 ||
        h->versions[0] > h->versions[1] || key_parse(h->id, &p->server) != SP_OK)
        return SP_ERR_PROTOCOL;
    if (h->versions[0] > PROTO_VERSION_HIGH || h->versions[1] < PROTO_VERSION_LOW)
        return SP_ERR_VERSION;
    if ((e = check_pin(o->config, h, &p->server)) != SP_OK)
        return e;
    p->role = PROOF_SERVER;
    memcpy(p->client_nonce, o->nonce, sizeof o->nonce);
    memcpy(p->server_nonce, h->nonce, sizeof h->nonce);
    p->binding = bind_to(&o->binding, &p->server);
    if ((e = sig_bytes(h->sig, sig)) != SP_OK)
        return e;
    return proof_verify(p, &p->server, (struct view){sig, sizeof sig});
}

static sp_error write_prove(const struct opening_edge_config *c, const struct opening_hello *h,
                            struct proof *p, struct buf *out)
{
    const struct key_public *own = key_secret_public(c->key);
    struct key_text key = key_text(own), tunnel = {""};
    uint8_t sig[KEY_SIGNATURE_BYTES], tunnel_sig[KEY_SIGNATURE_BYTES] = {0};
    struct buf room, tunnel_room;
    struct opening_prove v = {.kind = (int)c->kind,
                              .key = view_str(key.s),
                              .id = c->id,
                              .boot = c->boot,
                              .software = view_str(c->software),
                              .stand = c->stand};
    sp_error e;

    v.v = h->versions[1] < PROTO_VERSION_HIGH ? h->versions[1] : PROTO_VERSION_HIGH;
    memcpy(v.nonce, h->nonce, sizeof v.nonce);
    for (size_t i = 0; c->caps != NULL && c->caps[i] != NULL && i < PROTO_CAPS_MAX; i++)
        v.caps[v.cap_count++] = view_str(c->caps[i]);
    p->role = roles[c->kind];
    p->tunnel = (struct key_public){0};
    if (c->kind == PROVE_DEVICE) {
        p->tunnel = *key_secret_public(c->tunnel_key);
        if ((e = proof_tunnel_sign(c->key, &p->tunnel, tunnel_sig)) != SP_OK)
            return e;
        tunnel = key_text(&p->tunnel);
        v.tunnel_key = view_str(tunnel.s);
        v.tunnel_sig = sig_text(tunnel_sig, &tunnel_room);
    }
    if ((e = proof_sign(p, c->key, sig)) == SP_OK) {
        v.sig = sig_text(sig, &room);
        e = envelope_write("prove", 1, 0, fields_write(prove_fields, &v), out);
        buf_deinit(&room);
    }
    if (c->kind == PROVE_DEVICE)
        buf_deinit(&tunnel_room);
    return e;
}

sp_error opening_edge_hello(struct opening_edge *o, const struct envelope *m, struct buf *out)
{
    struct opening_hello h;
    struct proof p = {0};
    sp_error e;

    if ((e = read_hello(o, m, &h, &p)) != SP_OK ||
        (e = write_prove(o->config, &h, &p, out)) != SP_OK)
        return e;
    if (h.keys.len > 0)
        memcpy(o->keys, h.keys.at, h.keys.len); /* fields_read kept it to PROTO_STATEMENT_MAX */
    o->keys_len = h.keys.len;
    o->server = p.server;
    o->server_time = h.time;
    o->server_time_at = clock_boot();
    return SP_OK;
}

/* ---- server ---------------------------------------------------------------------------------- */

sp_error opening_server_hello(struct opening_server *o, const struct opening_server_config *c,
                              const uint8_t client_nonce[OPENING_NONCE_BYTES],
                              const struct opening_binding *binding, sp_unix_ms now,
                              struct buf *out)
{
    struct key_text key = key_text(key_secret_public(c->key));
    struct opening_hello h = {.versions = {PROTO_VERSION_LOW, PROTO_VERSION_HIGH},
                              .version_count = 2,
                              .time = now,
                              .id = view_str(key.s),
                              .keys = c->keys};
    struct proof p = {.role = PROOF_SERVER, .server = *key_secret_public(c->key)};
    uint8_t sig[KEY_SIGNATURE_BYTES];
    struct buf room;
    sp_error e;

    *o = (struct opening_server){.config = c, .binding = *binding};
    memcpy(o->client_nonce, client_nonce, sizeof o->client_nonce);
    random_bytes(o->nonce, sizeof o->nonce);
    memcpy(h.nonce, o->nonce, sizeof h.nonce);
    memcpy(p.client_nonce, o->client_nonce, sizeof p.client_nonce);
    memcpy(p.server_nonce, o->nonce, sizeof p.server_nonce);
    p.binding = bind_to(binding, &p.server);
    if ((e = proof_sign(&p, c->key, sig)) != SP_OK)
        return e;
    h.sig = sig_text(sig, &room);
    e = envelope_write("hello", 1, 0, fields_write(hello_fields, &h), out);
    buf_deinit(&room);
    return e;
}

static void keep(char *to, size_t room, struct view v)
{
    size_t n = v.len < room - 1 ? v.len : room - 1;

    if (n > 0)
        memcpy(to, v.at, n);
    to[n] = '\0';
}

/* What only one kind of edge may say, it must say. */
static bool fits_kind(const struct opening_prove *v)
{
    bool device = v->kind == PROVE_DEVICE, relay = v->kind == PROVE_RELAY;

    return (v->tunnel_key.len > 0) == device && (v->tunnel_sig.len > 0) == device &&
           !id_is_zero(v->boot) == relay;
}

static sp_error verify_keys(const struct opening_server *o, const struct opening_prove *v,
                            struct channel_peer *peer)
{
    struct proof p = {.role = roles[v->kind], .server = *key_secret_public(o->config->key)};
    uint8_t sig[KEY_SIGNATURE_BYTES];
    sp_error e;

    if (key_parse(v->key, &peer->key) != SP_OK)
        return SP_ERR_PROTOCOL;
    if (v->kind == PROVE_DEVICE) {
        if (key_parse(v->tunnel_key, &peer->tunnel_key) != SP_OK)
            return SP_ERR_PROTOCOL;
        if ((e = sig_bytes(v->tunnel_sig, sig)) != SP_OK ||
            (e = proof_tunnel_verify(&peer->key, &peer->tunnel_key,
                                     (struct view){sig, sizeof sig})) != SP_OK)
            return e;
        p.tunnel = peer->tunnel_key;
    }
    memcpy(p.client_nonce, o->client_nonce, sizeof p.client_nonce);
    memcpy(p.server_nonce, o->nonce, sizeof p.server_nonce);
    p.binding = bind_to(&o->binding, &p.server);
    if ((e = sig_bytes(v->sig, sig)) != SP_OK)
        return e;
    return proof_verify(&p, &peer->key, (struct view){sig, sizeof sig});
}

sp_error opening_server_prove(const struct opening_server *o, const struct envelope *m,
                              struct channel_peer *out)
{
    struct opening_prove v;
    struct channel_peer peer = {0};
    sp_error e;

    if (strcmp(m->type, "prove") != 0 || m->i != 1 ||
        fields_read(m->members, prove_fields, NULL, &v) != SP_OK || !fits_kind(&v))
        return SP_ERR_PROTOCOL;
    if (v.v < PROTO_VERSION_LOW || v.v > PROTO_VERSION_HIGH)
        return SP_ERR_VERSION;
    if (!secret_equal((struct view){v.nonce, sizeof v.nonce},
                      (struct view){o->nonce, sizeof o->nonce}))
        return SP_ERR_REPLAY;
    if ((e = verify_keys(o, &v, &peer)) != SP_OK)
        return e;
    peer.kind = (enum prove_kind)v.kind;
    peer.id = v.id;
    peer.boot = v.boot;
    peer.v = v.v;
    peer.l7 = o->binding.l7;
    keep(peer.tunnel_sig, sizeof peer.tunnel_sig, v.tunnel_sig);
    keep(peer.software, sizeof peer.software, v.software);
    keep(peer.stand, sizeof peer.stand, v.stand);
    for (; peer.cap_count < v.cap_count; peer.cap_count++)
        keep(peer.caps[peer.cap_count], sizeof peer.caps[0], v.caps[peer.cap_count]);
    *out = peer;
    return SP_OK;
}
