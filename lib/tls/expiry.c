#include "lib/tls/expiry.h"

#include "lib/tls/tls_internal.h"

#include <time.h>

static int number(const uint8_t *at, int digits, bool *sound)
{
    int n = 0;

    for (int i = 0; i < digits; i++) {
        *sound = *sound && at[i] >= '0' && at[i] <= '9';
        n = 10 * n + (at[i] - '0');
    }
    return n;
}

/* ASN.1's UTCTime or GeneralizedTime, behind tag and length. RFC 5280: both end with seconds and Z.
 */
static sp_error read_time(const uint8_t *at, sp_unix_ms *out)
{
    if (at == NULL)
        return SP_ERR_MALFORMED;
    bool two = at[0] == 0x17, sound = true;
    const uint8_t *rest = at + (two ? 4 : 6);
    if (at[1] != (two ? 13 : 15))
        return SP_ERR_MALFORMED;
    int year = number(at + 2, two ? 2 : 4, &sound);
    if (two)
        year += year < 50 ? 2000 : 1900;
    struct tm t = {.tm_year = year - 1900,
                   .tm_mon = number(rest, 2, &sound) - 1,
                   .tm_mday = number(rest + 2, 2, &sound),
                   .tm_hour = number(rest + 4, 2, &sound),
                   .tm_min = number(rest + 6, 2, &sound),
                   .tm_sec = number(rest + 8, 2, &sound)};
    if (!sound)
        return SP_ERR_MALFORMED;
    *out = (sp_unix_ms)timegm(&t) * 1000;
    return SP_OK;
}

sp_error tls_expires(struct view pem, sp_unix_ms *out)
{
    WOLFSSL_X509 *x;
    sp_error e;

    if (pem.len == 0 || pem.len > INT32_MAX)
        return SP_ERR_MALFORMED;
    x = wolfSSL_X509_load_certificate_buffer(pem.at, (int)pem.len, WOLFSSL_FILETYPE_PEM);
    if (x == NULL)
        return SP_ERR_MALFORMED;
    e = read_time(wolfSSL_X509_notAfter(x), out);
    wolfSSL_X509_free(x);
    return e;
}
