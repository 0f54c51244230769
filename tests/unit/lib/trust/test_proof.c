#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/crypto/random.h"
#include "lib/trust/proof.h"

static struct key_secret *make(enum key_kind kind)
{
    struct key_secret *k = NULL;

    assert_int_equal(key_secret_new(kind, &k), SP_OK);
    return k;
}

static struct proof connection(enum proof_role role, const struct key_secret *server)
{
    struct proof p = {.role = role, .server = *key_secret_public(server)};
    uint8_t exporter[PROOF_EXPORTER_BYTES];

    random_bytes(p.client_nonce, sizeof p.client_nonce);
    random_bytes(p.server_nonce, sizeof p.server_nonce);
    random_bytes(exporter, sizeof exporter);
    p.binding = proof_binding_exporter(exporter);
    return p;
}

/* OA-7: replayed on another connection, by another key, for another role. */
static void OA_07_a_proof_is_for_one_connection_one_key_one_role(void **state)
{
    (void)state;
    struct key_secret *server = make(KEY_ED25519), *device = make(KEY_P256),
                      *tunnel = make(KEY_ED25519), *other = make(KEY_P256);
    struct proof p = connection(PROOF_DEVICE, server), q;
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct view sig = {signature, sizeof signature};
    const struct key_public *pub = key_secret_public(device);

    p.tunnel = *key_secret_public(tunnel);
    assert_int_equal(proof_sign(&p, device, signature), SP_OK);
    assert_int_equal(proof_verify(&p, pub, sig), SP_OK);
    assert_int_equal(proof_verify(&p, key_secret_public(other), sig), SP_ERR_SIGNATURE);
#define DIFFERS(change)                                                 \
    do {                                                                \
        q = p;                                                          \
        change;                                                         \
        assert_int_equal(proof_verify(&q, pub, sig), SP_ERR_SIGNATURE); \
    } while (0)
    DIFFERS(q.client_nonce[0] ^= 1);
    DIFFERS(q.server_nonce[31] ^= 1);
    DIFFERS(q.binding.bytes[0] ^= 1);
    DIFFERS(q.binding.len--);
    DIFFERS(q.binding = proof_binding_front_l7(&p.server));
    DIFFERS(q.server = *key_secret_public(tunnel));
    DIFFERS(q.tunnel = *key_secret_public(server));
    DIFFERS((q.role = PROOF_CONNECTOR, q.tunnel = (struct key_public){0}));
    DIFFERS(q.role = PROOF_NOBODY);
#undef DIFFERS
    key_secret_free(server);
    key_secret_free(device);
    key_secret_free(tunnel);
    key_secret_free(other);
}

static void an_unfit_proof_is_not_made(void **state)
{
    (void)state;
    struct key_secret *k = make(KEY_ED25519);
    struct proof p = connection(PROOF_CONNECTOR, k), q;
    uint8_t signature[KEY_SIGNATURE_BYTES];

    assert_int_equal(proof_sign(&p, k, signature), SP_OK);
    q = p;
    q.role = PROOF_NOBODY;
    assert_int_equal(proof_sign(&q, k, signature), SP_ERR_INVALID);
    q = p;
    q.binding.len = 0;
    assert_int_equal(proof_sign(&q, k, signature), SP_ERR_INVALID);
    q = p;
    q.server = (struct key_public){0};
    assert_int_equal(proof_sign(&q, k, signature), SP_ERR_INVALID);
    q = p;
    q.role = PROOF_DEVICE; /* without a tunnel key */
    assert_int_equal(proof_sign(&q, k, signature), SP_ERR_INVALID);
    q = p;
    q.tunnel = p.server; /* a connector has none */
    assert_int_equal(proof_sign(&q, k, signature), SP_ERR_INVALID);
    key_secret_free(k);
}

static void a_front_l7_binding_holds_the_identity_key(void **state)
{
    (void)state;
    struct key_secret *a = make(KEY_ED25519), *b = make(KEY_ED25519);
    struct key_public none = {0};
    struct proof_binding x = proof_binding_front_l7(key_secret_public(a)),
                         y = proof_binding_front_l7(key_secret_public(b));

    assert_int_equal(x.len, 40);
    assert_memory_equal(x.bytes, "front-l7", 8);
    assert_memory_not_equal(x.bytes, y.bytes, x.len);
    assert_int_equal(proof_binding_front_l7(&none).len, 0);
    key_secret_free(a);
    key_secret_free(b);
}

static void roles_are_read_by_word_and_server_is_none_that_an_edge_can_claim(void **state)
{
    (void)state;

    assert_int_equal(proof_role_parse(view_str("device")), PROOF_DEVICE);
    assert_int_equal(proof_role_parse(view_str("connector")), PROOF_CONNECTOR);
    assert_int_equal(proof_role_parse(view_str("relay")), PROOF_RELAY);
    assert_int_equal(proof_role_parse(view_str("server")), PROOF_NOBODY);
    assert_int_equal(proof_role_parse(view_str("")), PROOF_NOBODY);
    assert_int_equal(proof_role_parse(view_str("Device")), PROOF_NOBODY);
}

static void a_device_vouches_for_one_tunnel_key(void **state)
{
    (void)state;
    struct key_secret *device = make(KEY_ED25519), *tunnel = make(KEY_ED25519);
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct view sig = {signature, sizeof signature};
    struct key_public none = {0};

    assert_int_equal(proof_tunnel_sign(device, key_secret_public(tunnel), signature), SP_OK);
    assert_int_equal(proof_tunnel_verify(key_secret_public(device), key_secret_public(tunnel), sig),
                     SP_OK);
    assert_int_equal(proof_tunnel_verify(key_secret_public(device), key_secret_public(device), sig),
                     SP_ERR_SIGNATURE);
    assert_int_equal(proof_tunnel_verify(key_secret_public(tunnel), key_secret_public(tunnel), sig),
                     SP_ERR_SIGNATURE);
    assert_int_equal(proof_tunnel_verify(key_secret_public(device), &none, sig), SP_ERR_SIGNATURE);
    assert_int_equal(proof_tunnel_sign(device, &none, signature), SP_ERR_INVALID);
    key_secret_free(device);
    key_secret_free(tunnel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(OA_07_a_proof_is_for_one_connection_one_key_one_role),
        cmocka_unit_test(an_unfit_proof_is_not_made),
        cmocka_unit_test(a_front_l7_binding_holds_the_identity_key),
        cmocka_unit_test(roles_are_read_by_word_and_server_is_none_that_an_edge_can_claim),
        cmocka_unit_test(a_device_vouches_for_one_tunnel_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
