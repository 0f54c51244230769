/* What tls_foreign_server gives a server that another library made: which groups it shares keys
 * over. */
#include "lib/tls/foreign.h"

#include "lib/tls/context.h"
#include "tests/unit/check.h"

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct key_secret *key;

static int make_key(void **state)
{
    (void)state;
    check_ok(key_secret_new(KEY_ED25519, &key));
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    key_secret_free(key);
    return 0;
}

/* Shows the envelope of `key`. Its DER as wolfSSL spells it: lib/tls/context.c. */
static WOLFSSL_CTX *server_context(void)
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfSSLv23_server_method());
    struct buf certificate, der;

    check(ctx != NULL);
    buf_init(&certificate, TLS_ENVELOPE_MAX);
    buf_init(&der, KEY_DER_MAX);
    check_ok(tls_envelope(key_secret_public(key), &certificate));
    check_ok(key_secret_der(key, &der));
    der.at[1] = (uint8_t)(der.len - 3);
    der.at[49] = 32;
    memmove(der.at + 50, der.at + 51, 32);
    check(wolfSSL_CTX_use_certificate_buffer(ctx, certificate.at, (long)certificate.len,
                                             WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    check(wolfSSL_CTX_use_PrivateKey_buffer(ctx, der.at, (long)der.len - 1,
                                            WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    buf_deinit(&certificate);
    buf_wipe(&der);
    check_ok(tls_foreign_server(ctx));
    return ctx;
}

/* Whether a client that knows one group and one version shakes hands with that server. */
static bool shakes(WOLFSSL_METHOD *version, int group)
{
    enum { CLIENT, SERVER, ENDS };
    WOLFSSL_CTX *ctx[ENDS] = {wolfSSL_CTX_new(version), server_context()};
    bool done[ENDS] = {false};
    WOLFSSL *ssl[ENDS];
    int fds[ENDS];

    check(ctx[CLIENT] != NULL);
    wolfSSL_CTX_set_verify(ctx[CLIENT], WOLFSSL_VERIFY_NONE, NULL);
    check(wolfSSL_CTX_set_groups(ctx[CLIENT], &group, 1) == WOLFSSL_SUCCESS);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    for (int i = 0; i < ENDS; i++) {
        check((ssl[i] = wolfSSL_new(ctx[i])) != NULL);
        check(wolfSSL_set_fd(ssl[i], fds[i]) == WOLFSSL_SUCCESS);
    }
    for (int i = 0; i < 8; i++) {
        done[CLIENT] = done[CLIENT] || wolfSSL_connect(ssl[CLIENT]) == WOLFSSL_SUCCESS;
        done[SERVER] = done[SERVER] || wolfSSL_accept(ssl[SERVER]) == WOLFSSL_SUCCESS;
    }
    for (int i = 0; i < ENDS; i++) {
        wolfSSL_free(ssl[i]);
        wolfSSL_CTX_free(ctx[i]);
        close(fds[i]);
    }
    return done[CLIENT] && done[SERVER];
}

static void TLS_1_the_public_port_shares_keys_over_x25519_and_p256_alone(void **state)
{
    static const struct {
        int group;
        bool offered;
    } rows[] = {
        {WOLFSSL_X25519MLKEM768, true},
        {WOLFSSL_ECC_X25519, true},
        {WOLFSSL_ECC_SECP256R1, true},
        {WOLFSSL_ECC_SECP384R1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(shakes(wolfTLSv1_3_client_method(), rows[i].group), rows[i].offered);
}

static void TLS_1_the_public_port_speaks_nothing_below_1_3(void **state)
{
    (void)state;
    check(!shakes(wolfTLSv1_2_client_method(), WOLFSSL_ECC_X25519));
    check(!shakes(wolfTLSv1_2_client_method(), WOLFSSL_ECC_SECP256R1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TLS_1_the_public_port_shares_keys_over_x25519_and_p256_alone),
        cmocka_unit_test(TLS_1_the_public_port_speaks_nothing_below_1_3),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
