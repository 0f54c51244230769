#include "lib/tls/tls_internal.h"

#include "lib/crypto/secret.h"

#include <stdlib.h>
#include <unistd.h>

#define TUNNEL_SUITES "TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256"
#define TUNNEL_SIGNATURES "ED25519:ECDSA+SHA256"

/* Debian, Fedora, openSUSE, Alpine; the first that can be read. */
static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

SP_MUST static sp_error new_context(enum tls_kind kind, bool server, struct tls_context **out)
{
    struct tls_context *c = calloc(1, sizeof *c);

    if (c == NULL)
        return SP_ERR_NOMEM;
    WOLFSSL_METHOD *method = kind == TLS_NAMED    ? wolfSSLv23_client_method()
                             : kind == TLS_SERVED ? wolfSSLv23_server_method()
                             : server             ? wolfTLSv1_3_server_method()
                                                  : wolfTLSv1_3_client_method();
    atomic_init(&c->holders, 1);
    c->kind = kind;
    c->server = server;
    c->ctx = method == NULL ? NULL : wolfSSL_CTX_new(method); /* takes method */
    if (c->ctx == NULL) {
        free(c);
        return SP_ERR_NOMEM;
    }
    *out = c;
    return SP_OK;
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
    atomic_fetch_add_explicit(&context->holders, 1, memory_order_relaxed);
    return context;
}

void tls_context_free(struct tls_context *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->holders, 1, memory_order_acq_rel) != 1)
        return;
    wolfSSL_CTX_free(c->ctx);
    free(c);
}

bool tls_serve_groups(WOLFSSL_CTX *ctx)
{
    int groups[] = {WOLFSSL_X25519MLKEM768, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1};

    return wolfSSL_CTX_set_groups(ctx, groups, 3) == WOLFSSL_SUCCESS;
}

/* A tunnel has the two that we chose; what others run may know P-384 alone. */
SP_MUST static sp_error set_groups(struct tls_context *c)
{
    int groups[] = {WOLFSSL_X25519MLKEM768, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1,
                    WOLFSSL_ECC_SECP384R1};
    bool set = c->kind == TLS_SERVED
                   ? tls_serve_groups(c->ctx)
                   : wolfSSL_CTX_set_groups(c->ctx, groups, c->kind == TLS_NAMED ? 4 : 2) ==
                         WOLFSSL_SUCCESS;

    return set ? SP_OK : SP_ERR_TLS;
}

/* What every context of ours has in common. */
SP_MUST static sp_error set_common(struct tls_context *c)
{
    bool tunnel = c->kind == TLS_PINNED || c->kind == TLS_MUTUAL;

    (void)wolfSSL_CTX_set_session_cache_mode(c->ctx, WOLFSSL_SESS_CACHE_OFF);
    if (set_groups(c) != SP_OK)
        return SP_ERR_TLS;
    if (c->server && wolfSSL_CTX_no_ticket_TLSv13(c->ctx) != 0)
        return SP_ERR_TLS;
    if (!tunnel)
        return wolfSSL_CTX_SetMinVersion(c->ctx, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS ? SP_OK
                                                                                     : SP_ERR_TLS;
    if (wolfSSL_CTX_set_cipher_list(c->ctx, TUNNEL_SUITES) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set1_sigalgs_list(c->ctx, TUNNEL_SIGNATURES) != WOLFSSL_SUCCESS)
        return SP_ERR_TLS;
    return SP_OK;
}

SP_MUST static sp_error set_alpn(struct tls_context *c, const char *const *alpn)
{
    size_t at = 0;

    for (; alpn != NULL && *alpn != NULL; alpn++) {
        size_t n = strlen(*alpn);
        if (n == 0 || at + n + 2 > sizeof c->alpn)
            return SP_ERR_INVALID;
        if (at > 0)
            c->alpn[at++] = ',';
        memcpy(c->alpn + at, *alpn, n);
        at += n;
    }
    return SP_OK;
}

/* ---- named and served --------------------------------------------------------------------- */

SP_MUST static sp_error load_ca_file(WOLFSSL_CTX *ctx, const char *file, struct sp_why *why)
{
    if (access(file, R_OK) != 0)
        return sp_why_say(why, SP_ERR_NOT_FOUND, "the CA file %s can't be read", file);
    if (wolfSSL_CTX_load_verify_locations(ctx, file, NULL) != WOLFSSL_SUCCESS)
        return sp_why_say(why, SP_ERR_INVALID, "%s holds no usable PEM certificate", file);
    return SP_OK;
}

/* One expired root of the distribution must not cost us all others. */
SP_MUST static sp_error load_system_store(WOLFSSL_CTX *ctx, struct sp_why *why)
{
    for (size_t i = 0; i < sizeof system_bundles / sizeof system_bundles[0]; i++)
        if (access(system_bundles[i], R_OK) == 0 &&
            wolfSSL_CTX_load_verify_locations_ex(
                ctx, system_bundles[i], NULL,
                WOLFSSL_LOAD_FLAG_IGNORE_ERR | WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY) == WOLFSSL_SUCCESS)
            return SP_OK;
    return sp_why_say(why, SP_ERR_NOT_FOUND,
                      "no system certificate store was found; install ca-certificates, or name "
                      "CA files");
}

sp_error tls_trust(WOLFSSL_CTX *ctx, const struct tls_named *named, struct sp_why *why)
{
    bool own = named->ca_pem.len > 0 || named->ca_files[0] != NULL;
    struct sp_why none = {0};
    sp_error e;

    /* Without a distribution's store the configured CAs may be all that is needed. */
    if (!named->without_system_store && (e = load_system_store(ctx, own ? &none : why)) != SP_OK &&
        !own)
        return e;
    for (size_t i = 0; i < TLS_CA_FILES_MAX && named->ca_files[i] != NULL; i++)
        if ((e = load_ca_file(ctx, named->ca_files[i], why)) != SP_OK)
            return e;
    if (named->ca_pem.len > 0 &&
        wolfSSL_CTX_load_verify_buffer(ctx, named->ca_pem.at, (long)named->ca_pem.len,
                                       WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        return sp_why_say(why, SP_ERR_INVALID, "the given CA text holds no usable certificate");
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, NULL);
    return SP_OK;
}

SP_MUST static sp_error load_identity(WOLFSSL_CTX *ctx, const char *chain_file,
                                      const char *key_file, struct sp_why *why)
{
    if (access(chain_file, R_OK) != 0)
        return sp_why_say(why, SP_ERR_NOT_FOUND, "the certificate %s can't be read", chain_file);
    if (access(key_file, R_OK) != 0)
        return sp_why_say(why, SP_ERR_NOT_FOUND, "the key %s can't be read", key_file);
    if (wolfSSL_CTX_use_certificate_chain_file(ctx, chain_file) != WOLFSSL_SUCCESS)
        return sp_why_say(why, SP_ERR_INVALID, "%s holds no usable PEM certificate", chain_file);
    if (wolfSSL_CTX_use_PrivateKey_file(ctx, key_file, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        return sp_why_say(why, SP_ERR_INVALID, "%s holds no usable PEM key", key_file);
    if (wolfSSL_CTX_check_private_key(ctx) != WOLFSSL_SUCCESS)
        return sp_why_say(why, SP_ERR_INVALID, "%s is not the key of %s", key_file, chain_file);
    return SP_OK;
}

/* The peer's key is known besides its chain, or instead of one. */
SP_MUST static sp_error pin(struct tls_context *c, const struct tls_named *named,
                            struct sp_why *why)
{
    sp_error e = SP_OK;

    memcpy(c->pin, named->pin, TLS_PIN_BYTES);
    c->pinned = true;
    c->pin_only =
        named->without_system_store && named->ca_files[0] == NULL && named->ca_pem.len == 0;
    if (!c->pin_only)
        e = tls_trust(c->ctx, named, why);
    wolfSSL_CTX_set_verify(c->ctx, WOLFSSL_VERIFY_PEER, c->pin_only ? tls_judge_peer : NULL);
    return e;
}

SP_MUST static sp_error show_identity(WOLFSSL_CTX *ctx, const struct tls_named *named,
                                      struct sp_why *why)
{
    return named->chain_file == NULL ? SP_OK
                                     : load_identity(ctx, named->chain_file, named->key_file, why);
}

sp_error tls_named_client(const struct tls_named *named, struct sp_why *why,
                          struct tls_context **out)
{
    struct tls_context *c;
    sp_error e;

    if ((e = new_context(TLS_NAMED, false, &c)) != SP_OK)
        return e;
    if ((e = set_common(c)) != SP_OK || (e = set_alpn(c, named->alpn)) != SP_OK ||
        (e = named->pin != NULL ? pin(c, named, why) : tls_trust(c->ctx, named, why)) != SP_OK ||
        (e = show_identity(c->ctx, named, why)) != SP_OK) {
        tls_context_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

sp_error tls_served(const char *chain_file, const char *key_file, const char *const *alpn,
                    struct sp_why *why, struct tls_context **out)
{
    struct tls_context *c;
    sp_error e;

    if ((e = new_context(TLS_SERVED, true, &c)) != SP_OK)
        return e;
    if ((e = set_common(c)) != SP_OK || (e = set_alpn(c, alpn)) != SP_OK ||
        (e = load_identity(c->ctx, chain_file, key_file, why)) != SP_OK) {
        tls_context_free(c);
        return e;
    }
    wolfSSL_CTX_set_verify(c->ctx, WOLFSSL_VERIFY_NONE, NULL);
    *out = c;
    return SP_OK;
}

/* ---- pinned and mutual -------------------------------------------------------------------- */

/*
 * wolfSSL 5.7 and 5.9 read the public half of an Ed25519 key only in their own spelling: [1] with
 * 32 bytes, without the BIT STRING's count of unused bits that RFC 5958 has, and refuse a key
 * without it. Other keys stay as they are.
 */
SP_MUST static sp_error spell_for_wolfssl(enum key_kind kind, struct buf *der)
{
    enum { HEAD = 16, SEED = 32, PUBLIC_AT = HEAD + SEED, WHOLE = PUBLIC_AT + 3 + 32 };
    static const uint8_t public_head[] = {0x81, 33, 0};

    if (kind != KEY_ED25519)
        return SP_OK;
    if (der->len != WHOLE || der->at[1] != WHOLE - 2 ||
        memcmp(der->at + PUBLIC_AT, public_head, sizeof public_head) != 0)
        return SP_ERR_UNSUPPORTED;
    der->at[1] = WHOLE - 3;
    der->at[PUBLIC_AT + 1] = 32;
    memmove(der->at + PUBLIC_AT + 2, der->at + PUBLIC_AT + 3, 32);
    der->len--;
    return SP_OK;
}

/* The envelope of our key, and the key. */
SP_MUST static sp_error use_key(WOLFSSL_CTX *ctx, const struct key_secret *own)
{
    struct buf certificate, der;
    sp_error e;

    buf_init(&certificate, TLS_ENVELOPE_MAX);
    buf_init(&der, KEY_DER_MAX);
    if ((e = tls_envelope(key_secret_public(own), &certificate)) == SP_OK &&
        (e = key_secret_der(own, &der)) == SP_OK &&
        (e = spell_for_wolfssl(key_secret_public(own)->kind, &der)) == SP_OK &&
        (wolfSSL_CTX_use_certificate_buffer(ctx, certificate.at, (long)certificate.len,
                                            WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
         wolfSSL_CTX_use_PrivateKey_buffer(ctx, der.at, (long)der.len, WOLFSSL_FILETYPE_ASN1) !=
             WOLFSSL_SUCCESS))
        e = SP_ERR_TLS;
    buf_deinit(&certificate);
    buf_wipe(&der);
    return e;
}

SP_MUST static sp_error tunnel_context(enum tls_kind kind, bool server,
                                       const struct key_secret *own, const char *alpn,
                                       struct tls_context **out)
{
    const char *const one[] = {alpn, NULL};
    struct tls_context *c;
    sp_error e;

    if ((e = new_context(kind, server, &c)) != SP_OK)
        return e;
    if ((e = set_common(c)) != SP_OK || (e = set_alpn(c, one)) != SP_OK ||
        (own != NULL && (e = use_key(c->ctx, own)) != SP_OK)) {
        tls_context_free(c);
        return e;
    }
    /* No CA is loaded, so every certificate comes to tls_judge_peer, and nothing passes it that
     * is not the key we expect. A pinned server's clients prove themselves inside. */
    if (kind == TLS_PINNED && server)
        wolfSSL_CTX_set_verify(c->ctx, WOLFSSL_VERIFY_NONE, NULL);
    else
        wolfSSL_CTX_set_verify(c->ctx, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                               tls_judge_peer);
    *out = c;
    return SP_OK;
}

sp_error tls_pinned_client(const char *alpn, struct tls_context **out)
{
    return tunnel_context(TLS_PINNED, false, NULL, alpn, out);
}

sp_error tls_pinned_server(const struct key_secret *own, const char *alpn, struct tls_context **out)
{
    return tunnel_context(TLS_PINNED, true, own, alpn, out);
}

sp_error tls_mutual_client(const struct key_secret *own, struct tls_context **out)
{
    return tunnel_context(TLS_MUTUAL, false, own, NULL, out);
}

sp_error tls_mutual_server(const struct key_secret *own, struct tls_context **out)
{
    return tunnel_context(TLS_MUTUAL, true, own, NULL, out);
}

const char *tls_library(void)
{
    return wolfSSL_lib_version();
}
