#include "lib/tls/tls_internal.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>

#include "lib/crypto/secret.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>

struct tls_conn {
    WOLFSSL *ssl;                /* owned */
    struct tls_context *context; /* one share of it is ours */
    struct tls_wire wire;
    enum tls_refusal refusal;
    bool done;   /* the handshake */
    bool judged; /* pinned, mutual: the peer's certificate was the expected one */
    bool failed;
    uint16_t expected_len; /* mutual: bytes in expected */
    /* mutual: the peer's envelope; pinned client: the pin; named: the literal address that it
     * dials, as text ("": a name); else nothing */
    uint8_t expected[];
};

static const char *const refusal_texts[] = {
    [TLS_REFUSAL_NONE] = "none",
    [TLS_REFUSAL_NAME] = "the certificate is for another name",
    [TLS_REFUSAL_ISSUER] = "no trusted authority signed the certificate",
    [TLS_REFUSAL_DATE] = "the certificate has expired or is not valid yet",
    [TLS_REFUSAL_KEY] = "the peer does not hold the expected key",
    [TLS_REFUSAL_PEER] = "the peer refused the connection",
    [TLS_REFUSAL_PROTOCOL] = "the TLS protocol failed",
};

const char *tls_refusal_text(enum tls_refusal r)
{
    return refusal_texts[r];
}

enum tls_refusal tls_refusal_of(int wolfssl_error)
{
    switch (wolfssl_error) {
    case DOMAIN_NAME_MISMATCH:
    case IPADDR_MISMATCH:
        return TLS_REFUSAL_NAME;
    case ASN_NO_SIGNER_E:
    case ASN_SELF_SIGNED_E:
    case ASN_PATHLEN_INV_E:
    case ASN_PATHLEN_SIZE_E:
    case ASN_SIG_CONFIRM_E:
    case NOT_CA_ERROR:
        return TLS_REFUSAL_ISSUER;
    case ASN_BEFORE_DATE_E:
    case ASN_AFTER_DATE_E:
        return TLS_REFUSAL_DATE;
    case VERIFY_CERT_ERROR:
    case NO_PEER_CERT:
    case NO_PEER_VERIFY:
    case SIG_VERIFY_E:
        return TLS_REFUSAL_KEY;
    case FATAL_ERROR:
        return TLS_REFUSAL_PEER;
    default:
        return TLS_REFUSAL_PROTOCOL;
    }
}

/* ---- who the peer is ---------------------------------------------------------------------- */

static bool is_expected_envelope(const struct tls_conn *c, struct view certificate)
{
    return secret_equal(certificate, (struct view){c->expected, c->expected_len});
}

static bool has_key(struct view certificate, const uint8_t pin[TLS_PIN_BYTES])
{
    uint8_t spki[1024]; /* RSA-4096 has 550: whatever comes, it is compared by its hash */
    word32 len = sizeof spki;

    if (wc_GetSubjectPubKeyInfoDerFromCert(certificate.at, (word32)certificate.len, spki, &len) !=
        0)
        return false;
    struct hash h = hash_sha256((struct view){spki, len});
    return secret_equal(hash_view(&h), (struct view){pin, TLS_PIN_BYTES});
}

static bool is_pinned_key(const struct tls_conn *c, struct view certificate)
{
    return has_key(certificate, c->expected);
}

/* A named peer whose chain nobody here trusts, but whose own key is the pinned one. Every other
 * fault, of its name or its dates, stays one. */
static bool is_pinned_stranger(const struct tls_conn *c, const WOLFSSL_X509_STORE_CTX *store)
{
    struct view leaf = {store->certs[0].buffer, store->certs[0].length};

    return c->context->pin_only &&
           (store->error == ASN_NO_SIGNER_E || store->error == ASN_SELF_SIGNED_E) &&
           store->error_depth == 0 && has_key(leaf, c->context->pin);
}

/* Whatever its chain is: with a pin, the key must be that one. */
static bool named_key_fits(const struct tls_conn *c)
{
    WOLFSSL_X509 *leaf;
    const unsigned char *der;
    bool fits = false;
    int len = 0;

    if (!c->context->pinned)
        return true;
    if ((leaf = wolfSSL_get_peer_certificate(c->ssl)) == NULL)
        return false;
    if ((der = wolfSSL_X509_get_der(leaf, &len)) != NULL && len > 0)
        fits = has_key((struct view){der, (size_t)len}, c->context->pin);
    wolfSSL_X509_free(leaf);
    return fits;
}

/*
 * The library found no CA (we load none) and asks. It may ask twice for one leaf, so the answer
 * is a flag and not a count. Everything is refused but one lone certificate with the right key;
 * TLS then proves that the peer holds it.
 */
int tls_judge_peer(int verified, WOLFSSL_X509_STORE_CTX *store)
{
    struct tls_conn *c = store->userCtx;
    bool right = false;

    if (c == NULL)
        return 0;
    if (c->context->kind == TLS_NAMED) {
        bool known = verified == 1 || (store->totalCerts > 0 && is_pinned_stranger(c, store));
        if (!known)
            c->refusal = tls_refusal_of(store->error);
        return known ? 1 : 0;
    }
    if (store->totalCerts == 1 && store->error_depth == 0) {
        struct view certificate = {store->certs[0].buffer, store->certs[0].length};
        right = c->context->kind == TLS_MUTUAL   ? is_expected_envelope(c, certificate)
                : c->context->kind == TLS_PINNED ? is_pinned_key(c, certificate)
                                                 : false;
    }
    if (!right)
        c->refusal = TLS_REFUSAL_KEY;
    c->judged = right;
    return right ? 1 : 0;
}

/* ---- ciphertext --------------------------------------------------------------------------- */

static int on_take(WOLFSSL *ssl, char *to, int n, void *arg)
{
    struct tls_conn *c = arg;

    (void)ssl;
    if (n <= 0)
        return WOLFSSL_CBIO_ERR_GENERAL;
    size_t got = c->wire.take(c->wire.arg, (uint8_t *)to, (size_t)n);
    return got == 0 ? WOLFSSL_CBIO_ERR_WANT_READ : (int)got;
}

static int on_give(WOLFSSL *ssl, char *record, int n, void *arg)
{
    struct tls_conn *c = arg;

    (void)ssl;
    if (n <= 0 || !c->wire.give(c->wire.arg, (struct view){(uint8_t *)record, (size_t)n}))
        return WOLFSSL_CBIO_ERR_GENERAL;
    return n;
}

/* ---- life --------------------------------------------------------------------------------- */

static bool is_address(const char *name)
{
    uint8_t address[16];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

SP_MUST static sp_error expect_name(struct tls_conn *c, const char *name, bool checked)
{
    if (!is_address(name) && wolfSSL_UseSNI(c->ssl, WOLFSSL_SNI_HOST_NAME, name,
                                            (unsigned short)strlen(name)) != WOLFSSL_SUCCESS)
        return SP_ERR_TLS;
    if (checked && !tls_expect_name(c->ssl, name))
        return SP_ERR_TLS;
    if (checked && is_address(name))
        memcpy(c->expected, name, strnlen(name, INET6_ADDRSTRLEN - 1));
    return SP_OK;
}

SP_MUST static sp_error expect_peer(struct tls_conn *c, const struct key_public *peer)
{
    struct buf envelope;
    sp_error e;

    buf_init(&envelope, TLS_ENVELOPE_MAX);
    if ((e = tls_envelope(peer, &envelope)) == SP_OK) {
        memcpy(c->expected, envelope.at, envelope.len);
        c->expected_len = (uint16_t)envelope.len;
    }
    buf_deinit(&envelope);
    return e;
}

/* A relay has thousands of connections that expect nobody. */
static size_t expected_room(const struct tls_context *context)
{
    return context->kind == TLS_MUTUAL                       ? TLS_ENVELOPE_MAX
           : context->kind == TLS_NAMED                      ? INET6_ADDRSTRLEN
           : context->kind == TLS_PINNED && !context->server ? TLS_PIN_BYTES
                                                             : 0;
}

/* Nobody is trusted by leaving something out. */
SP_MUST static sp_error set_expectation(struct tls_conn *c, const struct tls_expect *expect)
{
    static const struct tls_expect nothing = {0};
    const struct tls_expect *x = expect == NULL ? &nothing : expect;

    wolfSSL_SetCertCbCtx(c->ssl, c);
    switch (c->context->kind) {
    case TLS_SERVED:
        return SP_OK;
    case TLS_NAMED:
        return x->name == NULL || x->name[0] == '\0' ? SP_ERR_INVALID
                                                     : expect_name(c, x->name, true);
    case TLS_PINNED:
        if (c->context->server)
            return SP_OK;
        if (x->pin == NULL)
            return SP_ERR_INVALID;
        memcpy(c->expected, x->pin, TLS_PIN_BYTES);
        return x->name == NULL ? SP_OK : expect_name(c, x->name, false);
    case TLS_MUTUAL:
        return x->peer == NULL ? SP_ERR_INVALID : expect_peer(c, x->peer);
    }
    return SP_ERR_INVALID;
}

sp_error tls_conn_new(struct tls_context *context, const struct tls_expect *expect,
                      const struct tls_wire *wire, struct tls_conn **out)
{
    struct tls_conn *c = calloc(1, sizeof *c + expected_room(context));
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->context = tls_context_hold(context);
    c->wire = *wire;
    if ((c->ssl = wolfSSL_new(context->ctx)) == NULL) {
        tls_conn_free(c);
        return SP_ERR_NOMEM;
    }
    wolfSSL_SSLSetIORecv(c->ssl, on_take);
    wolfSSL_SSLSetIOSend(c->ssl, on_give);
    wolfSSL_SetIOReadCtx(c->ssl, c);
    wolfSSL_SetIOWriteCtx(c->ssl, c);
    wolfSSL_KeepArrays(c->ssl); /* before the handshake ends, or there is no exporter */
    if ((e = set_expectation(c, expect)) == SP_OK && context->alpn[0] != '\0' &&
        wolfSSL_UseALPN(c->ssl, context->alpn, (unsigned)strlen(context->alpn),
                        WOLFSSL_ALPN_FAILED_ON_MISMATCH) != WOLFSSL_SUCCESS)
        e = SP_ERR_TLS;
    if (e != SP_OK) {
        tls_conn_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void tls_conn_free(struct tls_conn *c)
{
    if (c == NULL)
        return;
    wolfSSL_free(c->ssl);
    tls_context_free(c->context);
    free(c);
}

/* ---- plaintext ---------------------------------------------------------------------------- */

SP_MUST static sp_error fail(struct tls_conn *c, int wolfssl_error)
{
    c->failed = true;
    if (c->refusal == TLS_REFUSAL_NONE)
        c->refusal = tls_refusal_of(wolfssl_error);
    return SP_ERR_TLS;
}

sp_error tls_conn_handshake(struct tls_conn *c)
{
    if (c->done)
        return SP_OK;
    if (c->failed)
        return SP_ERR_TLS;

    int r = c->context->server ? wolfSSL_accept(c->ssl) : wolfSSL_connect(c->ssl);
    if (r != WOLFSSL_SUCCESS) {
        int err = wolfSSL_get_error(c->ssl, r);
        return err == WOLFSSL_ERROR_WANT_READ ? SP_ERR_AGAIN : fail(c, err);
    }
    bool must_judge =
        c->context->kind == TLS_MUTUAL || (c->context->kind == TLS_PINNED && !c->context->server);
    if (must_judge && !c->judged) {
        c->refusal = TLS_REFUSAL_KEY;
        return fail(c, VERIFY_CERT_ERROR);
    }
    if (c->context->kind == TLS_NAMED && !tls_address_fits(c->ssl, (const char *)c->expected)) {
        c->refusal = TLS_REFUSAL_NAME;
        return fail(c, IPADDR_MISMATCH);
    }
    if (c->context->kind == TLS_NAMED && !named_key_fits(c)) {
        c->refusal = TLS_REFUSAL_KEY;
        return fail(c, VERIFY_CERT_ERROR);
    }
    c->done = true;
    return SP_OK;
}

sp_error tls_conn_read(struct tls_conn *c, uint8_t *to, size_t room, size_t *got)
{
    if (!c->done || c->failed)
        return SP_ERR_TLS;

    int r = wolfSSL_read(c->ssl, to, room > INT_MAX ? INT_MAX : (int)room);
    if (r > 0) {
        *got = (size_t)r;
        return SP_OK;
    }
    int err = wolfSSL_get_error(c->ssl, r);
    if (err == WOLFSSL_ERROR_WANT_READ)
        return SP_ERR_AGAIN;
    if (err == WOLFSSL_ERROR_ZERO_RETURN &&
        (wolfSSL_get_shutdown(c->ssl) & WOLFSSL_RECEIVED_SHUTDOWN) != 0)
        return SP_ERR_CLOSED;
    return fail(c, err);
}

size_t tls_conn_pending(const struct tls_conn *c)
{
    int n = wolfSSL_pending(c->ssl);

    return n > 0 ? (size_t)n : 0;
}

sp_error tls_conn_write(struct tls_conn *c, struct view plain)
{
    if (!c->done || c->failed)
        return SP_ERR_TLS;
    if (plain.len == 0)
        return SP_OK;
    if (plain.len > INT_MAX)
        return SP_ERR_TLS;

    int r = wolfSSL_write(c->ssl, plain.at, (int)plain.len);
    return r == (int)plain.len ? SP_OK : fail(c, wolfSSL_get_error(c->ssl, r));
}

void tls_conn_close_notify(struct tls_conn *c)
{
    if (c->done && !c->failed)
        (void)wolfSSL_shutdown(c->ssl); /* sends; does not wait for the peer's */
}

sp_error tls_conn_update_keys(struct tls_conn *c)
{
    if (!c->done || c->failed)
        return SP_ERR_TLS;
    int r = wolfSSL_update_keys(c->ssl);
    return r == WOLFSSL_SUCCESS ? SP_OK : fail(c, wolfSSL_get_error(c->ssl, r));
}

/* ---- what else it knows ------------------------------------------------------------------- */

sp_error tls_conn_export(struct tls_conn *c, const char *label, struct view context,
                         bool with_context, uint8_t out[TLS_EXPORT_BYTES])
{
    uint8_t secret[TLS_EXPORT_BYTES];

    if (!c->done || c->failed ||
        wolfSSL_export_keying_material(c->ssl, secret, sizeof secret, label, strlen(label),
                                       context.at, context.len, with_context) != WOLFSSL_SUCCESS)
        return SP_ERR_TLS;
    memcpy(out, secret, sizeof secret);
    secret_wipe(secret, sizeof secret);
    return SP_OK;
}

void tls_conn_exports_done(struct tls_conn *c)
{
    wolfSSL_FreeArrays(c->ssl);
}

enum tls_refusal tls_conn_refusal(const struct tls_conn *c)
{
    return c->refusal;
}

const char *tls_conn_group(struct tls_conn *c)
{
    const char *s = wolfSSL_get_curve_name(c->ssl);

    return s == NULL ? "" : s;
}

const char *tls_conn_cipher(struct tls_conn *c)
{
    const char *s = wolfSSL_get_cipher_name(c->ssl);

    return s == NULL ? "" : s;
}

const char *tls_conn_alpn(struct tls_conn *c)
{
    char *name = NULL;
    unsigned short len = 0;

    if (wolfSSL_ALPN_GetProtocol(c->ssl, &name, &len) != WOLFSSL_SUCCESS || name == NULL)
        return "";
    return name;
}
