#include "lib/tls/authority.h"
#include "lib/os/sock.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

#include <stdio.h>

enum { DER_MAX = 4096, NAME_BYTES_MAX = 253 };

struct pair {
    WC_RNG rng;
    ecc_key ca, server;
    bool rng_up, ca_up, server_up;
};

static sp_error pair_make(struct pair *p)
{
    if (wc_InitRng(&p->rng) != 0)
        return SP_ERR_TLS;
    p->rng_up = true;
    if (wc_ecc_init(&p->ca) != 0)
        return SP_ERR_TLS;
    p->ca_up = true;
    if (wc_ecc_init(&p->server) != 0)
        return SP_ERR_TLS;
    p->server_up = true;
    if (wc_ecc_make_key_ex(&p->rng, 32, &p->ca, ECC_SECP256R1) != 0 ||
        wc_ecc_make_key_ex(&p->rng, 32, &p->server, ECC_SECP256R1) != 0)
        return SP_ERR_TLS;
    return SP_OK;
}

/* Wipes both keys: wc_ecc_free zeroes the private part. */
static void pair_drop(struct pair *p)
{
    if (p->ca_up)
        wc_ecc_free(&p->ca);
    if (p->server_up)
        wc_ecc_free(&p->server);
    if (p->rng_up)
        wc_FreeRng(&p->rng);
}

/* A tag and a length in DER's only form: one byte below 128, else 0x81 or 0x82 and the rest. */
static void put_head(struct buf *out, uint8_t tag, size_t len)
{
    buf_add_byte(out, tag);
    if (len >= 128)
        buf_add_byte(out, len < 256 ? 0x81 : 0x82);
    buf_add_uint(out, len, len < 256 ? 1 : 2);
}

/*
 * GeneralNames (RFC 5280 4.2.1.6): dNSName [2], iPAddress [7]. A literal address stands there as
 * both: browsers and we look for the iPAddress, libcurl on wolfSSL compares dNSNames only.
 */
static void put_name(struct buf *out, const char *text)
{
    struct view name = view_str(text), bytes;
    struct address literal;

    put_head(out, 0x82, name.len);
    buf_add(out, name);
    if (address_from_host(name, 0, &literal) != SP_OK)
        return;
    bytes = address_bytes(&literal);
    put_head(out, 0x87, bytes.len);
    buf_add(out, bytes);
}

static sp_error put_names(const struct authority_spec *spec, Cert *cert)
{
    struct buf names, all;
    sp_error e;

    buf_init(&names, sizeof cert->altNames);
    buf_init(&all, sizeof cert->altNames);
    for (size_t n = 0; n < AUTHORITY_NAMES_MAX && spec->names[n] != NULL; n++)
        put_name(&names, spec->names[n]);
    put_head(&all, 0x30, names.len);
    buf_add(&all, buf_view(&names));
    if ((e = buf_error(&names)) == SP_OK && (e = buf_error(&all)) == SP_OK) {
        memcpy(cert->altNames, all.at, all.len);
        cert->altNamesSz = (int)all.len;
    }
    buf_deinit(&names);
    buf_deinit(&all);
    return e;
}

static sp_error subject_init(Cert *cert, const struct authority_spec *spec, const char *common)
{
    if (wc_InitCert(cert) != 0)
        return SP_ERR_TLS;
    snprintf(cert->subject.org, sizeof cert->subject.org, "%.60s", spec->organisation);
    snprintf(cert->subject.commonName, sizeof cert->subject.commonName, "%.60s", common);
    cert->sigType = CTC_SHA256wECDSA;
    cert->daysValid = spec->days;
    return SP_OK;
}

static sp_error to_pem(const uint8_t *der, int len, int type, struct buf *out)
{
    uint8_t pem[AUTHORITY_PEM_MAX];
    int n = len <= 0 ? len : wc_DerToPem(der, (word32)len, pem, sizeof pem, type);
    sp_error e = n <= 0 ? SP_ERR_TLS : buf_append(out, (struct view){pem, (size_t)n});

    wc_ForceZero(pem, sizeof pem);
    return e;
}

/* The CA's certificate as DER, and its length; negative: the library's error. */
static int make_ca(struct pair *p, const struct authority_spec *spec, uint8_t der[DER_MAX])
{
    Cert cert;

    if (subject_init(&cert, spec, "Sallyport evaluation CA") != SP_OK)
        return -1;
    cert.isCA = 1;
    cert.selfSigned = 1;
    if (wc_SetKeyUsage(&cert, "keyCertSign,cRLSign") != 0 ||
        wc_SetSubjectKeyIdFromPublicKey_ex(&cert, ECC_TYPE, &p->ca) != 0)
        return -1;
    if (wc_MakeCert(&cert, der, DER_MAX, NULL, &p->ca, &p->rng) < 0)
        return -1;
    return wc_SignCert(cert.bodySz, cert.sigType, der, DER_MAX, NULL, &p->ca, &p->rng);
}

static int make_server(struct pair *p, const struct authority_spec *spec, const uint8_t *ca,
                       int ca_len, uint8_t der[DER_MAX])
{
    Cert cert;

    if (subject_init(&cert, spec, spec->names[0]) != SP_OK || put_names(spec, &cert) != SP_OK ||
        wc_SetIssuerBuffer(&cert, ca, ca_len) != 0 ||
        wc_SetKeyUsage(&cert, "digitalSignature") != 0 ||
        wc_SetExtKeyUsage(&cert, "serverAuth") != 0 ||
        wc_SetSubjectKeyIdFromPublicKey_ex(&cert, ECC_TYPE, &p->server) != 0 ||
        wc_SetAuthKeyIdFromPublicKey_ex(&cert, ECC_TYPE, &p->ca) != 0 ||
        wc_MakeCert(&cert, der, DER_MAX, NULL, &p->server, &p->rng) < 0)
        return -1;
    return wc_SignCert(cert.bodySz, cert.sigType, der, DER_MAX, NULL, &p->ca, &p->rng);
}

static sp_error put_key(struct pair *p, struct buf *key)
{
    uint8_t der[DER_MAX];
    word32 room = sizeof der;
    int n = wc_EccKeyToPKCS8(&p->server, der, &room);
    sp_error e = to_pem(der, n < 0 ? n : (int)room, PKCS8_PRIVATEKEY_TYPE, key);

    wc_ForceZero(der, sizeof der);
    return e;
}

static sp_error make_all(struct pair *p, const struct authority_spec *spec, struct buf *ca,
                         struct buf *chain, struct buf *key)
{
    uint8_t ca_der[DER_MAX], server_der[DER_MAX];
    sp_error e = pair_make(p);

    if (e != SP_OK)
        return e;
    int ca_len = make_ca(p, spec, ca_der);
    int server_len = ca_len <= 0 ? -1 : make_server(p, spec, ca_der, ca_len, server_der);
    if ((e = to_pem(server_der, server_len, CERT_TYPE, chain)) != SP_OK ||
        (e = to_pem(ca_der, ca_len, CERT_TYPE, ca)) != SP_OK)
        return e;
    return put_key(p, key);
}

sp_error authority_make(const struct authority_spec *spec, struct buf *ca, struct buf *chain,
                        struct buf *key)
{
    struct pair p = {0};

    if (spec->names[0] == NULL || spec->days < 1 || spec->days > AUTHORITY_DAYS_MAX)
        return SP_ERR_INVALID;
    for (size_t n = 0; n < AUTHORITY_NAMES_MAX && spec->names[n] != NULL; n++)
        if (strlen(spec->names[n]) > NAME_BYTES_MAX)
            return SP_ERR_INVALID;
    sp_error e = make_all(&p, spec, ca, chain, key);
    pair_drop(&p);
    return e;
}
