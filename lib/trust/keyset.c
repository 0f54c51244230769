#include "lib/trust/keyset.h"

#include "lib/crypto/paseto.h"
#include "lib/trust/tables.h"

#define AT(field) offsetof(struct keyset_flat, field)
const struct claim keyset_claims[KEYSET_CLAIMS] = {
    {"v", CLAIM_VERSION, 0, 1},
    {"epoch", CLAIM_INT, AT(epoch), CLAIM_TIME_MAX},
    {"issued", CLAIM_INT, AT(issued), CLAIM_TIME_MAX},
    {"keys", CLAIM_JSON, AT(keys), KEYSET_KEYS_MAX},
};
#undef AT
#define AT(field) offsetof(struct keyset_row, field)
const struct claim keyset_row_claims[KEYSET_ROW_CLAIMS] = {
    {"purpose", CLAIM_TEXT, AT(purpose), 16},
    {"key", CLAIM_KEY, AT(key), 0},
    {"from", CLAIM_INT, AT(from), CLAIM_TIME_MAX},
    {"until", CLAIM_INT, AT(until), CLAIM_TIME_MAX},
};

static const char *const purposes[] = {[KEYSET_NOTHING] = "",
                                       [KEYSET_IDENTITY] = "identity",
                                       [KEYSET_GRANT] = "grant",
                                       [KEYSET_RECORD] = "record"};

const char *keyset_purpose_name(enum keyset_purpose p)
{
    return purposes[p];
}

bool keyset_sound(const struct keyset *s)
{
    size_t identities = 0;

    if (s->epoch < 1 || s->count > KEYSET_KEYS_MAX)
        return false;
    for (size_t i = 0; i < s->count; i++) {
        const struct keyset_key *k = &s->keys[i];

        if (k->purpose == KEYSET_NOTHING || k->key.kind != KEY_ED25519 || k->until <= k->from)
            return false;
        for (size_t other = 0; other < i; other++)
            if (key_equal(&k->key, &s->keys[other].key))
                return false; /* one key, one purpose */
        identities += k->purpose == KEYSET_IDENTITY;
        if (k->purpose == KEYSET_IDENTITY && !key_equal(&k->key, &s->identity))
            return false;
    }
    return identities == 1;
}

static sp_error take_row(const struct json *entry, struct keyset *s)
{
    struct keyset_key *k = &s->keys[s->count];
    struct keyset_row row = {0};
    sp_error e = claims_take(entry, keyset_row_claims, KEYSET_ROW_CLAIMS, &row);

    if (e != SP_OK)
        return e;
    *k = (struct keyset_key){.key = row.key, .from = row.from, .until = row.until};
    for (enum keyset_purpose p = KEYSET_IDENTITY; p <= KEYSET_RECORD; p++)
        if (view_is(row.purpose, purposes[p]))
            k->purpose = p;
    if (k->purpose == KEYSET_IDENTITY)
        s->identity = k->key;
    s->count++;
    return SP_OK;
}

/* A message whose signature is not looked at yet, as a set. */
static sp_error take_set(struct view message, struct keyset *out)
{
    struct json *claims = NULL;
    struct keyset_flat flat = {0};
    struct keyset s = {0};
    sp_error e = json_parse(message, KEYSET_MAX, NULL, &claims);

    if (e == SP_OK)
        e = claims_take(claims, keyset_claims, KEYSET_CLAIMS, &flat);
    for (size_t i = 0; e == SP_OK && i < json_len(flat.keys); i++)
        e = take_row(json_at(flat.keys, i), &s);
    json_free(claims);
    if (e != SP_OK)
        return e == SP_ERR_NOMEM ? e : SP_ERR_MALFORMED;
    s.epoch = flat.epoch;
    s.issued = flat.issued;
    if (!keyset_sound(&s))
        return SP_ERR_MALFORMED;
    *out = s;
    return SP_OK;
}

/* "TOKEN" or "TOKEN TOKEN". */
struct tokens {
    struct view one, two; /* two: empty when there is one */
};

static sp_error split(struct view text, struct tokens *out)
{
    const uint8_t *blank;

    if (text.len > KEYSET_MAX)
        return SP_ERR_LIMIT;
    blank = text.len == 0 ? NULL : memchr(text.at, ' ', text.len);
    out->one = view_slice(text, 0, blank == NULL ? text.len : (size_t)(blank - text.at));
    out->two = view_slice(text, out->one.len + 1, SIZE_MAX);
    return blank != NULL && out->two.len == 0 ? SP_ERR_MALFORMED : SP_OK;
}

/* Does one of the tokens carry `k`'s signature? Its message is appended. */
static sp_error signed_by(const struct tokens *t, const struct key_public *k, struct buf *message)
{
    struct buf implicit;
    sp_error e;

    buf_init(&implicit, 64);
    claims_assertion("keys", &implicit);
    if ((e = buf_error(&implicit)) == SP_OK &&
        (e = paseto_verify(k, t->one, buf_view(&implicit), message)) == SP_ERR_SIGNATURE &&
        t->two.len > 0)
        e = paseto_verify(k, t->two, buf_view(&implicit), message);
    buf_deinit(&implicit);
    return e;
}

sp_error keyset_read(struct view text, const struct key_public *pinned, int64_t epoch,
                     struct keyset *out)
{
    struct tokens t = {0};
    struct buf message, again;
    struct keyset s;
    sp_error e = split(text, &t);

    if (e != SP_OK)
        return e;
    buf_init(&message, KEYSET_MAX);
    buf_init(&again, KEYSET_MAX);
    if ((e = signed_by(&t, pinned, &message)) != SP_OK ||
        (e = take_set(buf_view(&message), &s)) != SP_OK)
        goto out;
    /* The pin moves only to a key that has signed the very same claims. */
    if ((e = signed_by(&t, &s.identity, &again)) != SP_OK)
        goto out;
    if (!view_equal(buf_view(&message), buf_view(&again)))
        e = SP_ERR_MALFORMED;
    else if (s.epoch < epoch)
        e = SP_ERR_REPLAY;
    else
        *out = s;
out:
    buf_deinit(&again);
    buf_deinit(&message);
    return e;
}

sp_error keyset_read_first(struct view text, struct keyset *out)
{
    struct tokens t = {0};
    struct key_kid kid;
    struct buf payload;
    struct keyset s;
    sp_error e = split(text, &t);

    if (e != SP_OK || (e = claims_kid(t.one, &kid)) != SP_OK)
        return e;
    /* The claims name the key that they are then verified with. */
    buf_init(&payload, KEYSET_MAX);
    e = paseto_unverified(t.one, &payload);
    if (e == SP_OK)
        e = take_set(buf_view(&payload), &s);
    buf_deinit(&payload);
    if (e != SP_OK)
        return e;
    return keyset_read(text, &s.identity, 0, out);
}

sp_error keyset_signer(const struct keyset *s, struct view token, enum keyset_purpose purpose,
                       sp_unix_ms now, const struct key_public **out)
{
    struct key_kid kid;
    sp_error e = claims_kid(token, &kid);

    if (e != SP_OK)
        return e;
    for (size_t i = 0; i < s->count; i++) {
        const struct keyset_key *k = &s->keys[i];
        struct key_kid have = key_kid(&k->key);

        if (purpose == KEYSET_NOTHING || k->purpose != purpose ||
            memcmp(have.s, kid.s, sizeof kid.s) != 0)
            continue;
        if (now < k->from || now > k->until)
            return SP_ERR_EXPIRED;
        *out = &k->key;
        return SP_OK;
    }
    return SP_ERR_SIGNATURE;
}
