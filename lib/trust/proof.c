#include "lib/trust/proof.h"

#include "lib/crypto/paseto.h"

enum { PROOF_BYTES_MAX = 1024 };

static const char *const roles[] = {[PROOF_NOBODY] = NULL,
                                    [PROOF_SERVER] = "server",
                                    [PROOF_DEVICE] = "device",
                                    [PROOF_CONNECTOR] = "connector",
                                    [PROOF_RELAY] = "relay"};

const char *proof_role_name(enum proof_role r)
{
    return roles[r];
}

enum proof_role proof_role_parse(struct view text)
{
    for (enum proof_role r = PROOF_DEVICE; r <= PROOF_RELAY; r++)
        if (view_is(text, roles[r]))
            return r;
    return PROOF_NOBODY;
}

struct proof_binding proof_binding_exporter(const uint8_t exporter[PROOF_EXPORTER_BYTES])
{
    struct proof_binding b = {.len = PROOF_EXPORTER_BYTES};

    memcpy(b.bytes, exporter, PROOF_EXPORTER_BYTES);
    return b;
}

struct proof_binding proof_binding_front_l7(const struct key_public *identity)
{
    struct proof_binding b = {{0}, 0};

    if (identity->kind == KEY_NONE)
        return b;
    memcpy(b.bytes, "front-l7", 8);
    memcpy(b.bytes + 8, identity->bytes, key_len(identity));
    b.len = 8 + key_len(identity);
    return b;
}

static sp_error signed_bytes(const struct proof *p, struct buf *out)
{
    struct key_text server = key_text(&p->server), tunnel = key_text(&p->tunnel);
    bool device = p->role == PROOF_DEVICE;

    if (p->role == PROOF_NOBODY || p->role > PROOF_RELAY || p->binding.len == 0 ||
        p->binding.len > PROOF_BINDING_MAX || p->server.kind == KEY_NONE ||
        device != (p->tunnel.kind != KEY_NONE))
        return SP_ERR_INVALID;
    const struct view parts[] = {
        view_str("sallyport/proof/1"),
        view_str(roles[p->role]),
        {p->client_nonce, PROOF_NONCE_BYTES},
        {p->server_nonce, PROOF_NONCE_BYTES},
        {p->binding.bytes, p->binding.len},
        view_str(server.s),
        view_str(tunnel.s),
    };
    size_t count = sizeof parts / sizeof parts[0];

    paseto_pae(out, parts, device ? count : count - 1);
    return buf_error(out);
}

sp_error proof_sign(const struct proof *p, const struct key_secret *k,
                    uint8_t signature[KEY_SIGNATURE_BYTES])
{
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, PROOF_BYTES_MAX);
    if ((e = signed_bytes(p, &bytes)) == SP_OK)
        e = key_sign(k, buf_view(&bytes), signature);
    buf_deinit(&bytes);
    return e;
}

sp_error proof_verify(const struct proof *p, const struct key_public *k, struct view signature)
{
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, PROOF_BYTES_MAX);
    e = signed_bytes(p, &bytes);
    if (e == SP_OK)
        e = key_verify(k, buf_view(&bytes), signature);
    else if (e != SP_ERR_NOMEM)
        e = SP_ERR_SIGNATURE;
    buf_deinit(&bytes);
    return e;
}

static sp_error tunnel_bytes(const struct key_public *tunnel, struct buf *out)
{
    struct key_text text = key_text(tunnel);
    const struct view parts[] = {view_str("sallyport/tunnel-key/1"), view_str(text.s)};

    if (tunnel->kind == KEY_NONE)
        return SP_ERR_INVALID;
    paseto_pae(out, parts, 2);
    return buf_error(out);
}

sp_error proof_tunnel_sign(const struct key_secret *device, const struct key_public *tunnel,
                           uint8_t signature[KEY_SIGNATURE_BYTES])
{
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, PROOF_BYTES_MAX);
    if ((e = tunnel_bytes(tunnel, &bytes)) == SP_OK)
        e = key_sign(device, buf_view(&bytes), signature);
    buf_deinit(&bytes);
    return e;
}

sp_error proof_tunnel_verify(const struct key_public *device, const struct key_public *tunnel,
                             struct view signature)
{
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, PROOF_BYTES_MAX);
    e = tunnel_bytes(tunnel, &bytes);
    if (e == SP_OK)
        e = key_verify(device, buf_view(&bytes), signature);
    else if (e != SP_ERR_NOMEM)
        e = SP_ERR_SIGNATURE;
    buf_deinit(&bytes);
    return e;
}
