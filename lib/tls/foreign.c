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
    wolfSSL_CTX_set_cert_cb(ssl_ctx, on_server_certificate, NULL);
    return wolfSSL_CTX_SetMinVersion(ssl_ctx, WOLFSSL_TLSV1_3) == WOLFSSL_SUCCESS &&
                   tls_serve_groups(ssl_ctx)
               ? SP_OK
               : SP_ERR_TLS;
}

static size_t literal(const char *name, uint8_t out[16])
{
    return inet_pton(AF_INET, name, out) == 1 ? 4 : inet_pton(AF_INET6, name, out) == 1 ? 16 : 0;
}

bool tls_expect_name(WOLFSSL *ssl, const char *name)
{
    uint8_t address[16];

    return literal(name, address) > 0 || wolfSSL_check_domain_name(ssl, name) == WOLFSSL_SUCCESS;
}

enum { IP_ADDRESS = 7 }; /* the tag of iPAddress among GeneralNames */

static bool has_address(WOLFSSL_X509 *leaf, struct view address)
{
    WOLFSSL_GENERAL_NAMES *names = wolfSSL_X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; !found && i < wolfSSL_sk_GENERAL_NAME_num(names); i++) {
        const WOLFSSL_GENERAL_NAME *n = wolfSSL_sk_GENERAL_NAME_value(names, i);
        if (n == NULL || n->type != IP_ADDRESS || n->d.iPAddress == NULL ||
            n->d.iPAddress->length < 0)
            continue;
        const struct view one = {(const uint8_t *)n->d.iPAddress->data,
                                 (size_t)n->d.iPAddress->length};
        found = view_equal(one, address);
    }
    wolfSSL_sk_GENERAL_NAME_pop_free(names, wolfSSL_GENERAL_NAME_free);
    return found;
}

bool tls_address_fits(WOLFSSL *ssl, const char *name)
{
    uint8_t bytes[16];
    size_t len = literal(name, bytes);
    WOLFSSL_X509 *leaf;

    if (len == 0)
        return true;
    if ((leaf = wolfSSL_get_peer_certificate(ssl)) == NULL)
        return false;
    bool fits = has_address(leaf, (struct view){bytes, len});
    wolfSSL_X509_free(leaf);
    return fits;
}

bool tls_foreign_fits(void *ssl, const char *name)
{
    return ssl != NULL && tls_address_fits(ssl, name);
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
