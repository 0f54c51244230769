#include "lib/tls/foreign.h"
#include "lib/tls/tls_internal.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

/* Where a context keeps the name that its connections check; -1: the library gave none. */
static int name_index = -1;
static pthread_once_t name_index_once = PTHREAD_ONCE_INIT;

static void make_name_index(void)
{
    name_index = wolfSSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* Runs for each connection that a server accepts, before anything of it is negotiated. */
static int on_server_certificate(WOLFSSL *ssl, void *arg)
{
    (void)arg;
    wolfSSL_KeepArrays(ssl);
    return 1;
}

sp_error tls_foreign_server(void *ssl_ctx)
{
    int groups[] = {WOLFSSL_X25519MLKEM768, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1,
                    WOLFSSL_ECC_SECP384R1};

    wolfSSL_CTX_set_cert_cb(ssl_ctx, on_server_certificate, NULL);
    return wolfSSL_CTX_SetMinVersion(ssl_ctx, WOLFSSL_TLSV1_3) == WOLFSSL_SUCCESS &&
                   wolfSSL_CTX_set_groups(ssl_ctx, groups, 4) == WOLFSSL_SUCCESS
               ? SP_OK
               : SP_ERR_TLS;
}

/*
 * wolfSSL_check_domain_name refuses literal addresses, and the address check compares nothing in a
 * build without WOLFSSL_IP_ALT_NAME. So a literal is compared with the dNSNames, where
 * authority.c puts it too; a certificate that has it as iPAddress only is refused.
 */
bool tls_expect_name(WOLFSSL *ssl, const char *name)
{
    uint8_t address[16];

    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return wolfSSL_X509_VERIFY_PARAM_set1_host(wolfSSL_get0_param(ssl), name,
                                                   (unsigned)strlen(name)) == WOLFSSL_SUCCESS;
    return wolfSSL_check_domain_name(ssl, name) == WOLFSSL_SUCCESS;
}

/* libwebsockets gives vhosts of like settings one SSL_CTX: the name is kept once, with its users.
 */
struct expected {
    unsigned users;
    char name[];
};

/* Runs at each step of a client's handshake; the first one is before the hello leaves. */
static void on_client_step(const WOLFSSL *const_ssl, int where, int ret)
{
    WOLFSSL *ssl = (WOLFSSL *)(uintptr_t)const_ssl;
    const struct expected *expected = wolfSSL_CTX_get_ex_data(wolfSSL_get_SSL_CTX(ssl), name_index);

    (void)where;
    (void)ret;
    wolfSSL_KeepArrays(ssl);
    /* Should this fail (no memory), an impossible name keeps the connection from being trusted. */
    if (expected == NULL || !tls_expect_name(ssl, expected->name))
        wolfSSL_set_verify(ssl, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           tls_judge_peer); /* with no tls_conn behind it: refuses all */
}

sp_error tls_foreign_client(void *ssl_ctx, const char *name, const struct tls_named *named,
                            struct sp_why *why)
{
    sp_error e;

    (void)pthread_once(&name_index_once, make_name_index);
    if (name == NULL || name[0] == '\0')
        return SP_ERR_INVALID;
    if (name_index < 0)
        return SP_ERR_TLS;
    if ((e = tls_trust(ssl_ctx, named, why)) != SP_OK)
        return e;

    struct expected *expected = wolfSSL_CTX_get_ex_data(ssl_ctx, name_index);
    if (expected != NULL) {
        if (strcmp(expected->name, name) != 0)
            return sp_why_say(why, SP_ERR_EXISTS, "this TLS context is for %s already",
                              expected->name);
        expected->users++;
        return SP_OK;
    }
    size_t size = strlen(name) + 1;
    if ((expected = calloc(1, sizeof *expected + size)) == NULL)
        return SP_ERR_NOMEM;
    expected->users = 1;
    memcpy(expected->name, name, size);
    if (wolfSSL_CTX_set_ex_data(ssl_ctx, name_index, expected) != WOLFSSL_SUCCESS) {
        free(expected);
        return SP_ERR_TLS;
    }
    wolfSSL_CTX_set_info_callback(ssl_ctx, on_client_step);
    return SP_OK;
}

void tls_foreign_client_done(void *ssl_ctx)
{
    struct expected *expected =
        ssl_ctx != NULL && name_index >= 0 ? wolfSSL_CTX_get_ex_data(ssl_ctx, name_index) : NULL;

    if (expected == NULL || --expected->users > 0)
        return;
    wolfSSL_CTX_set_info_callback(ssl_ctx, NULL);
    (void)wolfSSL_CTX_set_ex_data(ssl_ctx, name_index, NULL);
    free(expected);
}

sp_error tls_foreign_binding(void *ssl, uint8_t out[TLS_EXPORT_BYTES])
{
    static const char label[] = "EXPORTER-Channel-Binding";

    if (wolfSSL_version(ssl) != TLS1_3_VERSION ||
        wolfSSL_export_keying_material(ssl, out, TLS_EXPORT_BYTES, label, sizeof label - 1, NULL, 0,
                                       0) != WOLFSSL_SUCCESS)
        return SP_ERR_TLS;
    return SP_OK;
}

void tls_foreign_socket(void *ssl, int fd)
{
    if (ssl != NULL && fd >= 0 && wolfSSL_get_fd(ssl) < 0)
        wolfSSL_set_fd(ssl, fd);
}

enum tls_refusal tls_foreign_refusal(void *ssl)
{
    return tls_refusal_of(wolfSSL_get_error(ssl, 0));
}
