/* FUZ-7. First byte: a line that brings an edge to its broker, a key's text, a secret key's file,
 * or the claims of each broker statement. */
#include "lib/trust/enrol.h"
#include "lib/trust/tables.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void fuzz_line(struct view line)
{
    struct enrol_address a, again;
    struct buf text;

    if (enrol_address_parse(line, NULL, &a) != SP_OK)
        return;
    buf_init(&text, ENROL_LINE_MAX * 2);
    enrol_address_write(&a, &text);
    /* What was read is written in the one form that is read as the same. */
    if (buf_error(&text) != SP_OK || enrol_address_parse(buf_view(&text), NULL, &again) != SP_OK ||
        memcmp(&a, &again, sizeof a) != 0)
        abort();
    buf_deinit(&text);
}

static void fuzz_key(struct view text)
{
    struct key_public k = {0};

    if (key_parse(text, &k) == SP_OK) {
        struct key_text again = key_text(&k);
        if (!view_is(text, again.s)) /* one key, one text */
            abort();
    } else if (k.kind != KEY_NONE) {
        abort();
    }
}

static void fuzz_file(struct view text)
{
    struct key_secret *k = NULL;

    if (key_secret_decode(text, &k) == SP_OK)
        key_secret_free(k);
    else if (k != NULL)
        abort();
}

static void fuzz_statement(struct view text)
{
    struct json *j = NULL, *again;
    struct grant g = {0};
    struct stand s = {0};
    struct keyset_flat set = {0};
    struct apprec_flat app = {0};
    struct person p = {0};

    if (json_parse(text, APPREC_MAX, NULL, &j) != SP_OK)
        return;
    if (claims_take(j, grant_claims, GRANT_CLAIMS, &g) == SP_OK) {
        /* What the reader takes, the writer gives back. */
        again = claims_give(grant_claims, GRANT_CLAIMS, &g);
        if (again == NULL || !json_equal(j, again))
            abort();
        json_free(again);
    }
    sp_ignore(claims_take(j, stand_claims, STAND_CLAIMS, &s)); /* only that they end */
    sp_ignore(claims_take(j, keyset_claims, KEYSET_CLAIMS, &set));
    sp_ignore(claims_take(j, apprec_claims, APPREC_CLAIMS, &app));
    if (claims_take(j, person_claims, PERSON_CLAIMS, &p) == SP_OK)
        person_sound(&p);
    json_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest;

    if (size == 0)
        return 0;
    rest = (struct view){data + 1, size - 1};
    if (data[0] == 'l')
        fuzz_line(rest);
    else if (data[0] == 'k')
        fuzz_key(rest);
    else if (data[0] == 'f')
        fuzz_file(rest);
    else if (data[0] == 's')
        fuzz_statement(rest);
    return 0;
}
