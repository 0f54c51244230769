#include "lib/crypto/totp.h"

#include "lib/base/encode.h"
#include "lib/crypto/secret.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/hmac.h>

static const struct {
    int type;
    size_t len;
} hashes[] = {[TOTP_SHA1] = {WC_SHA, WC_SHA_DIGEST_SIZE},
              [TOTP_SHA256] = {WC_SHA256, WC_SHA256_DIGEST_SIZE},
              [TOTP_SHA512] = {WC_SHA512, WC_SHA512_DIGEST_SIZE}};

sp_error totp_hotp(struct view secret, uint64_t counter, enum totp_hash hash, unsigned digits,
                   char out[10])
{
    uint8_t mac[WC_SHA512_DIGEST_SIZE], text[8];
    uint32_t power = 1;
    Hmac hmac;
    int bad;

    if (digits < 1 || digits > 9 || hash > TOTP_SHA512 || secret.len == 0 || secret.len > 128)
        return SP_ERR_INVALID;
    for (int i = 7; i >= 0; i--, counter >>= 8)
        text[i] = (uint8_t)counter;
    for (unsigned i = 0; i < digits; i++)
        power *= 10;

    if (wc_HmacInit(&hmac, NULL, INVALID_DEVID) != 0)
        return SP_ERR_INTERNAL;
    bad = wc_HmacSetKey(&hmac, hashes[hash].type, secret.at, (word32)secret.len) != 0 ||
          wc_HmacUpdate(&hmac, text, sizeof text) != 0 || wc_HmacFinal(&hmac, mac) != 0;
    wc_HmacFree(&hmac);
    if (bad)
        return SP_ERR_INTERNAL;

    size_t at = mac[hashes[hash].len - 1] & 0xf; /* RFC 4226 section 5.3 */
    uint32_t n = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
                 (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    n %= power;
    out[digits] = '\0';
    for (unsigned i = digits; i > 0; i--, n /= 10)
        out[i - 1] = (char)('0' + n % 10);
    secret_wipe(mac, sizeof mac);
    return SP_OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

sp_error totp_read(struct view typed, char out[TOTP_DIGITS + 1])
{
    char digits[TOTP_DIGITS + 1] = {0};
    size_t count = 0;
    bool blank_inside = false;

    while (typed.len > 0 && is_space(typed.at[0]))
        typed = view_slice(typed, 1, SIZE_MAX);
    while (typed.len > 0 && is_space(typed.at[typed.len - 1]))
        typed.len--;
    for (size_t i = 0; i < typed.len; i++) {
        if (typed.at[i] == ' ' && !blank_inside) {
            blank_inside = true;
            continue;
        }
        if (typed.at[i] < '0' || typed.at[i] > '9' || count == TOTP_DIGITS)
            return SP_ERR_MALFORMED;
        digits[count++] = (char)typed.at[i];
    }
    if (count != TOTP_DIGITS)
        return SP_ERR_MALFORMED;
    memcpy(out, digits, sizeof digits);
    return SP_OK;
}

/* Which step's code this is, or INT64_MIN. All steps of the window are computed and compared,
 * whatever was typed; of several the nearest to now counts (order: 0, -1, +1, -2, +2, …). */
static int64_t find_step(struct view secret, const char code[TOTP_DIGITS + 1], int64_t now_step)
{
    int64_t found = INT64_MIN;

    for (int64_t i = 0; i <= 2 * TOTP_HINT_STEPS; i++) {
        int64_t offset = i % 2 == 0 ? i / 2 : -(i + 1) / 2;
        int64_t step = now_step + offset;
        char want[10] = {0};

        if (step < 0 || totp_hotp(secret, (uint64_t)step, TOTP_SHA1, TOTP_DIGITS, want) != SP_OK)
            continue;
        bool same = secret_equal((struct view){(const uint8_t *)want, TOTP_DIGITS},
                                 (struct view){(const uint8_t *)code, TOTP_DIGITS});
        if (same && found == INT64_MIN)
            found = step;
    }
    return found;
}

struct totp_result totp_check(struct view secret, struct view typed, sp_unix_ms now,
                              int64_t last_step)
{
    /* What cannot be read is compared as a text that no code has, in the same time (OTP-7). */
    char code[TOTP_DIGITS + 1] = "------";
    int64_t now_step = now / (TOTP_STEP_S * 1000);

    sp_ignore(totp_read(typed, code)); /* untouched on failure: matches nothing */
    int64_t step = find_step(secret, code, now_step);
    secret_wipe(code, sizeof code);

    if (step == INT64_MIN)
        return (struct totp_result){.verdict = TOTP_WRONG};
    if (step < now_step - TOTP_WINDOW) {
        int64_t seconds = (now_step - step) * TOTP_STEP_S;
        unsigned minutes = (unsigned)((seconds + 30) / 60);
        return (struct totp_result){.verdict = TOTP_BEHIND, .minutes_behind = minutes};
    }
    if (step > now_step + TOTP_WINDOW)
        return (struct totp_result){.verdict = TOTP_AHEAD};
    if (step <= last_step)
        return (struct totp_result){.verdict = TOTP_USED};
    return (struct totp_result){.verdict = TOTP_RIGHT, .step = step};
}

sp_error totp_uri(struct view secret, struct view issuer, struct view account, struct buf *out)
{
    size_t before = out->len;
    sp_error e;

    buf_add_str(out, "otpauth://totp/");
    encode_percent(issuer, out);
    buf_add_byte(out, ':');
    encode_percent(account, out);
    buf_add_str(out, "?secret=");
    encode_base32(secret, out);
    buf_add_str(out, "&issuer=");
    encode_percent(issuer, out);
    if ((e = buf_error(out)) != SP_OK)
        out->len = before;
    return e;
}
