/*
 * FUZ-20. The otpauth URI of names that people chose, and its QR code. Input: the length of the
 * issuer in one byte, the issuer, the account.
 */
#include "lib/base/buf.h"
#include "lib/crypto/totp.h"
#include "lib/qr/qr.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* No name ends the label, adds a parameter or puts more than URI characters into the text. */
static void check_uri(struct view uri)
{
    unsigned question = 0, equal = 0, and = 0;

    for (size_t i = 0; i < uri.len; i++) {
        uint8_t c = uri.at[i];
        if (c <= ' ' || c >= 127 || strchr("\"'<>\\#", c) != NULL)
            abort();
        question += c == '?', equal += c == '=', and += c == '&';
    }
    if (question != 1 || equal != and+1)
        abort();
}

static void draw(struct view uri)
{
    struct buf svg, text;

    buf_init(&svg, 1 << 20);
    buf_init(&text, 1 << 20);
    if (qr_svg(uri, "a <title> & \"more\"", &svg) == SP_OK &&
        (svg.len < 5 || memcmp(svg.at, "<svg ", 5) != 0))
        abort();
    sp_error e = qr_terminal(uri, 200, true, &text);
    if (e != SP_OK && e != SP_ERR_LIMIT && e != SP_ERR_NOMEM)
        abort();
    buf_deinit(&svg);
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[TOTP_SECRET_BYTES] = {1, 2, 3};
    struct buf uri;

    if (size == 0)
        return 0;
    size_t n = data[0] < size - 1 ? data[0] : size - 1;
    buf_init(&uri, 4096);
    if (totp_uri((struct view){secret, sizeof secret}, (struct view){data + 1, n},
                 (struct view){data + 1 + n, size - 1 - n}, &uri) == SP_OK) {
        check_uri(buf_view(&uri));
        draw(buf_view(&uri));
    }
    buf_deinit(&uri);
    return 0;
}
