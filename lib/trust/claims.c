#include "lib/trust/claims.h"

#include "lib/base/encode.h"
#include "lib/crypto/paseto.h"

/* `{"kid":"0123456789abcdef"}` */
enum { FOOTER_LEN = 8 + KEY_KID_TEXT + 2 };

enum { CLAIM_FIELD_MAX = 64 };
_Static_assert(sizeof(struct key_public) <= CLAIM_FIELD_MAX, "the largest field");

/* One claim into its field. */
static bool take_one(const struct json *value, const struct claim *row, uint8_t *field)
{
    struct view text = json_str(value);
    int64_t n = 0;

    switch (row->kind) {
    case CLAIM_VERSION:
        return json_integer(value, &n) && n == row->max;
    case CLAIM_ID: {
        struct sp_id *id = (struct sp_id *)(void *)field;
        return id_parse(text, id) == SP_OK && !id_is_zero(*id);
    }
    case CLAIM_KEY:
        return key_parse(text, (struct key_public *)(void *)field) == SP_OK;
    case CLAIM_HASH:
        return decode_base64url_exact(text, field, HASH_BYTES) == SP_OK;
    case CLAIM_INT:
        if (!json_integer(value, &n) || n < 0 || n > row->max)
            return false;
        memcpy(field, &n, sizeof n);
        return true;
    case CLAIM_TEXT:
        if (json_kind(value) != JSON_STRING || text.len > (size_t)row->max)
            return false;
        memcpy(field, &text, sizeof text);
        return true;
    case CLAIM_JSON:
        if (json_kind(value) != JSON_ARRAY || json_len(value) > (size_t)row->max)
            return false;
        memcpy(field, &value, sizeof value);
        return true;
    }
    return false;
}

sp_error claims_take(const struct json *object, const struct claim rows[], size_t count, void *out)
{
    /* The parser refused doubled members: all rows there and as many members means no others. */
    if (json_kind(object) != JSON_OBJECT || json_len(object) != count)
        return SP_ERR_MALFORMED;
    for (size_t i = 0; i < count; i++)
        if (!take_one(json_get(object, rows[i].name), &rows[i], (uint8_t *)out + rows[i].offset))
            return SP_ERR_MALFORMED;
    return SP_OK;
}

static struct json *give_one(const struct claim *row, const uint8_t *field)
{
    int64_t n;
    struct view text;
    struct json *j;
    struct id_text id;
    struct key_text key;
    struct buf b;

    switch (row->kind) {
    case CLAIM_VERSION:
        return json_new_int(row->max);
    case CLAIM_ID:
        id = id_text(*(const struct sp_id *)(const void *)field);
        return json_new_str(view_str(id.s));
    case CLAIM_KEY:
        key = key_text((const struct key_public *)(const void *)field);
        return json_new_str(view_str(key.s));
    case CLAIM_HASH:
        buf_init(&b, 64);
        encode_base64url((struct view){field, HASH_BYTES}, &b);
        j = json_new_str(buf_view(&b));
        buf_deinit(&b);
        return j;
    case CLAIM_INT:
        memcpy(&n, field, sizeof n);
        return json_new_int(n);
    case CLAIM_TEXT:
        memcpy(&text, field, sizeof text);
        return json_new_str(text);
    case CLAIM_JSON:
        memcpy(&j, field, sizeof j);
        return j == NULL ? json_array() : json_ref(j);
    }
    return NULL;
}

struct json *claims_give(const struct claim rows[], size_t count, const void *in)
{
    struct json *object = json_object();

    for (size_t i = 0; i < count; i++) {
        const uint8_t *field = (const uint8_t *)in + rows[i].offset;
        json_set(object, rows[i].name, give_one(&rows[i], field));
    }
    /* What the reader would refuse is refused here: one set of rules. */
    for (size_t i = 0; i < count; i++) {
        _Alignas(16) uint8_t scratch[CLAIM_FIELD_MAX];
        if (!take_one(json_get(object, rows[i].name), &rows[i], scratch)) {
            json_free(object);
            return NULL;
        }
    }
    return object;
}

void claims_assertion(const char *kind, struct buf *out)
{
    buf_addf(out, "sallyport/%s/1", kind);
}

sp_error claims_kid(struct view token, struct key_kid *out)
{
    struct key_kid kid = {{0}};
    struct buf footer;
    sp_error e;

    buf_init(&footer, PASETO_FOOTER_MAX);
    if ((e = paseto_footer(token, &footer)) != SP_OK || footer.len != FOOTER_LEN ||
        memcmp(footer.at, "{\"kid\":\"", 8) != 0 ||
        memcmp(footer.at + FOOTER_LEN - 2, "\"}", 2) != 0) {
        buf_deinit(&footer);
        return e == SP_ERR_NOMEM ? e : SP_ERR_MALFORMED;
    }
    memcpy(kid.s, footer.at + 8, KEY_KID_TEXT);
    buf_deinit(&footer);
    for (size_t i = 0; i < KEY_KID_TEXT; i++)
        if (!((kid.s[i] >= '0' && kid.s[i] <= '9') || (kid.s[i] >= 'a' && kid.s[i] <= 'f')))
            return SP_ERR_MALFORMED;
    *out = kid;
    return SP_OK;
}

sp_error claims_open(struct view token, const char *kind, size_t max,
                     const struct key_public *signer, struct json **out)
{
    struct buf implicit, message;
    struct key_kid kid, want = key_kid(signer);
    sp_error e;

    if (token.len > max)
        return SP_ERR_LIMIT;
    if ((e = claims_kid(token, &kid)) != SP_OK)
        return e;
    if (memcmp(kid.s, want.s, sizeof kid.s) != 0)
        return SP_ERR_MALFORMED;
    buf_init(&implicit, 64);
    buf_init(&message, max);
    claims_assertion(kind, &implicit);
    if ((e = buf_error(&implicit)) == SP_OK &&
        (e = paseto_verify(signer, token, buf_view(&implicit), &message)) == SP_OK)
        e = json_parse(buf_view(&message), max, NULL, out);
    buf_deinit(&message);
    buf_deinit(&implicit);
    return e == SP_ERR_LIMIT ? SP_ERR_MALFORMED : e;
}
