#include "lib/tls/look.h"

#include "lib/tls/tls_internal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* ASN.1's UTCTime or GeneralizedTime, behind tag and length. */
static void time_text(const uint8_t *at, char out[20])
{
    out[0] = '\0';
    if (at == NULL)
        return;
    const char *digits = (const char *)at + 2;
    bool two = at[0] == 0x17; /* UTCTime: 50 to 99 are of the last century */
    if (at[1] < (two ? 13 : 15) || at[1] > 20)
        return;
    snprintf(out, 20, "%s%.*s-%.2s-%.2s %.2s:%.2s",
             !two               ? ""
             : digits[0] >= '5' ? "19"
                                : "20",
             two ? 2 : 4, digits, digits + (two ? 2 : 4), digits + (two ? 4 : 6),
             digits + (two ? 6 : 8), digits + (two ? 8 : 10));
}

/* The verdict stays wolfSSL's: this only remembers what it was about. */
static int remember(int verified, WOLFSSL_X509_STORE_CTX *store)
{
    struct tls_seen *seen = store->userCtx;
    WOLFSSL_X509 *x;

    if (seen == NULL || store->totalCerts < 1)
        return verified;
    x = wolfSSL_X509_load_certificate_buffer(store->certs[0].buffer, (int)store->certs[0].length,
                                             WOLFSSL_FILETYPE_ASN1);
    if (x == NULL)
        return verified;
    if (wolfSSL_X509_NAME_get_text_by_NID(wolfSSL_X509_get_subject_name(x), NID_commonName,
                                          seen->subject, sizeof seen->subject) < 0)
        seen->subject[0] = '\0';
    if (wolfSSL_X509_NAME_get_text_by_NID(wolfSSL_X509_get_issuer_name(x), NID_commonName,
                                          seen->issuer, sizeof seen->issuer) < 0)
        seen->issuer[0] = '\0';
    time_text(wolfSSL_X509_notBefore(x), seen->valid_from);
    time_text(wolfSSL_X509_notAfter(x), seen->valid_to);
    wolfSSL_X509_free(x);
    return verified;
}

static sp_error shake_hands(WOLFSSL *ssl, int fd, sp_boot_ms deadline, struct tls_seen *out)
{
    for (;;) {
        int r = wolfSSL_connect(ssl), e = wolfSSL_get_error(ssl, r);
        int64_t left = deadline - clock_boot();
        struct pollfd p = {.fd = fd, .events = e == WOLFSSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};

        if (r == WOLFSSL_SUCCESS)
            return SP_OK;
        if (e != WOLFSSL_ERROR_WANT_READ && e != WOLFSSL_ERROR_WANT_WRITE) {
            out->refusal = tls_refusal_of(e);
            return SP_OK;
        }
        if (left <= 0 || poll(&p, 1, (int)left) != 1)
            return SP_ERR_TIMEOUT;
    }
}

sp_error tls_look(int fd, const char *name, const struct tls_named *named, sp_boot_ms deadline,
                  struct sp_why *why, struct tls_seen *out)
{
    struct tls_seen seen = {0};
    struct tls_context *context = NULL;
    WOLFSSL *ssl = NULL;
    sp_error e;

    if ((e = tls_named_client(named, why, &context)) != SP_OK)
        return e;
    wolfSSL_CTX_set_verify(context->ctx, WOLFSSL_VERIFY_PEER, remember);
    e = SP_ERR_NOMEM;
    if ((ssl = wolfSSL_new(context->ctx)) != NULL && tls_expect_name(ssl, name) &&
        wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, name, (unsigned short)strlen(name)) ==
            WOLFSSL_SUCCESS &&
        wolfSSL_set_fd(ssl, fd) == WOLFSSL_SUCCESS &&
        (context->alpn[0] == '\0' ||
         wolfSSL_UseALPN(ssl, context->alpn, (unsigned)strlen(context->alpn),
                         WOLFSSL_ALPN_FAILED_ON_MISMATCH) == WOLFSSL_SUCCESS)) {
        wolfSSL_SetCertCbCtx(ssl, &seen);
        e = shake_hands(ssl, fd, deadline, &seen);
        if (e == SP_OK && seen.refusal == TLS_REFUSAL_NONE && !tls_address_fits(ssl, name))
            seen.refusal = TLS_REFUSAL_NAME;
    }
    wolfSSL_free(ssl);
    tls_context_free(context);
    if (e == SP_OK)
        *out = seen;
    return e;
}
