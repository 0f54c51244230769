#include "connector/gateway/dpop.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"
#include "lib/http/url.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { NONCE_KEY_BYTES = 32, NONCE_BYTES = 24, NONCES_GOOD = 3 };

/* 128 bits of SHA-256; all zero: empty. */
struct seen {
    uint64_t high, low;
};

struct generation {
    struct seen *slots; /* owned, twice d->entries; NULL until the first proof */
    size_t count;
};

struct dpop {
    struct generation young, old;
    size_t entries; /* a power of two */
    sp_boot_ms young_since;
    uint8_t nonce_key[NONCE_KEY_BYTES];
};

sp_error dpop_new(size_t entries, struct dpop **out)
{
    struct dpop *d;

    if ((entries & (entries - 1)) != 0)
        return SP_ERR_INVALID;
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return SP_ERR_NOMEM;
    d->entries = entries > 0 ? entries : DPOP_ENTRIES;
    random_bytes(d->nonce_key, sizeof d->nonce_key);
    *out = d;
    return SP_OK;
}

void dpop_free(struct dpop *d)
{
    if (d == NULL)
        return;
    free(d->young.slots);
    free(d->old.slots);
    secret_wipe(d->nonce_key, sizeof d->nonce_key);
    free(d);
}

static bool same(struct seen a, struct seen b)
{
    return a.high == b.high && a.low == b.low;
}

/* Where it is, or where it would go: half of the slots stay empty, so there always is one. */
static struct seen *slot_of(const struct dpop *d, const struct generation *g, struct seen s)
{
    for (size_t i = s.low;; i++) {
        struct seen *at = &g->slots[i & (2 * d->entries - 1)];
        if (same(*at, s) || same(*at, (struct seen){0, 0}))
            return at;
    }
}

static bool holds(const struct dpop *d, const struct generation *g, struct seen s)
{
    return g->slots != NULL && same(*slot_of(d, g, s), s);
}

/* The young one becomes old after two minutes; after four, both are forgotten. */
static void turn(struct dpop *d, sp_boot_ms now)
{
    if (now - d->young_since < DPOP_GENERATION_MS)
        return;
    bool both = now - d->young_since >= 2 * DPOP_GENERATION_MS;
    struct generation emptied = d->old;
    d->old = d->young;
    d->young = emptied;
    d->young.count = 0;
    if (d->young.slots != NULL)
        memset(d->young.slots, 0, 2 * d->entries * sizeof *d->young.slots);
    if (both && d->old.slots != NULL) {
        d->old.count = 0;
        memset(d->old.slots, 0, 2 * d->entries * sizeof *d->old.slots);
    }
    d->young_since = now;
}

static sp_error spend(struct dpop *d, const struct hash *key, struct view jti, sp_boot_ms now,
                      struct sp_why *why)
{
    struct hash_stream stream = {{0}};
    struct seen s;

    hash_sha256_start(&stream);
    hash_sha256_more(&stream, hash_view(key));
    hash_sha256_more(&stream, jti);
    struct hash h = hash_sha256_end(&stream);
    memcpy(&s, h.bytes, sizeof s);
    s.high |= 1; /* never the empty one */
    turn(d, now);
    if (holds(d, &d->young, s) || holds(d, &d->old, s))
        return sp_why_say(why, SP_ERR_REPLAY, "the proof was used before");
    if (d->young.count >= d->entries)
        return sp_why_say(why, SP_ERR_FULL, "too many proofs at once");
    if (d->young.slots == NULL &&
        (d->young.slots = calloc(2 * d->entries, sizeof *d->young.slots)) == NULL)
        return SP_ERR_NOMEM;
    *slot_of(d, &d->young, s) = s;
    d->young.count++;
    return SP_OK;
}

static struct dpop_nonce nonce_of(const struct dpop *d, int64_t minute)
{
    uint8_t bytes[NONCE_BYTES];
    struct dpop_nonce out;
    struct buf text;

    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)minute >> (56 - 8 * i));
    struct hash h =
        hash_keyed((struct view){d->nonce_key, sizeof d->nonce_key}, (struct view){bytes, 8});
    memcpy(bytes + 8, h.bytes, NONCE_BYTES - 8);
    buf_init(&text, DPOP_NONCE_TEXT);
    encode_base64url((struct view){bytes, sizeof bytes}, &text);
    view_copy(out.s, sizeof out.s, buf_view(&text));
    buf_deinit(&text);
    return out;
}

struct dpop_nonce dpop_nonce(const struct dpop *d, sp_unix_ms now)
{
    return nonce_of(d, now / DPOP_NONCE_MS);
}

static sp_error check_nonce(const struct dpop *d, const struct json *claims, sp_unix_ms now,
                            struct sp_why *why)
{
    struct view given = json_str(json_get(claims, "nonce"));

    for (int64_t back = 0; back < NONCES_GOOD; back++) {
        struct dpop_nonce good = nonce_of(d, now / DPOP_NONCE_MS - back);
        if (secret_equal(given, view_str(good.s)))
            return SP_OK;
    }
    return sp_why_say(why, SP_ERR_STEP_UP, "the proof needs the nonce of this answer");
}

static bool same_letters(struct view a, struct view b)
{
    return ascii_equal(a, b);
}

/* Scheme and authority without case, the path byte for byte; query and fragment of htu are not
 * compared (RFC 9449 section 4.3, item 9). A port that is the scheme's may be left out on either
 * side. */
static bool uri_fits(struct view htu, const struct dpop_expect *x)
{
    struct url made, asked;
    struct buf text;
    bool fits;

    buf_init(&text, URL_BYTES_MAX);
    buf_add(&text, x->scheme);
    buf_add_str(&text, "://");
    buf_add(&text, x->host);
    fits = buf_error(&text) == SP_OK && url_parse(htu, &made) == SP_OK &&
           url_parse(buf_view(&text), &asked) == SP_OK && made.https == asked.https &&
           same_letters(made.host, asked.host) && made.port == asked.port;
    if (fits) {
        struct view path = made.path.len > 0 ? made.path : view_str("/");
        fits = view_equal(path, x->path);
    }
    buf_deinit(&text);
    return fits;
}

static sp_error need_text(const struct json *c, const char *name, size_t max, struct sp_why *why,
                          struct view *out)
{
    if (json_get_str(c, name, max, out) == SP_OK && out->len > 0)
        return SP_OK;
    return sp_why_say(why, SP_ERR_MALFORMED, "the proof's %s is missing, no text or too long",
                      name);
}

static sp_error check_request(const struct json *c, const struct dpop_expect *x, struct sp_why *why)
{
    struct view htm, htu;
    sp_error e;

    if ((e = need_text(c, "htm", 32, why, &htm)) != SP_OK ||
        (e = need_text(c, "htu", URL_BYTES_MAX, why, &htu)) != SP_OK)
        return e;
    if (!view_equal(htm, x->method))
        return sp_why_say(why, SP_ERR_AUDIENCE, "the proof is for another method (htm)");
    if (!uri_fits(htu, x))
        return sp_why_say(why, SP_ERR_AUDIENCE, "the proof is for another URI (htu)");
    return SP_OK;
}

static sp_error check_token(const struct json *c, const struct hash *key,
                            const struct dpop_expect *x, struct sp_why *why)
{
    struct hash made, asked = hash_sha256(x->token);

    if (json_get_base64url(c, "ath", made.bytes, HASH_BYTES) != SP_OK)
        return sp_why_say(why, SP_ERR_MALFORMED, "the proof's ath is missing or no SHA-256");
    if (!secret_equal(hash_view(&made), hash_view(&asked)))
        return sp_why_say(why, SP_ERR_INTEGRITY, "the proof is for another token (ath)");
    if (!secret_equal(hash_view(key), hash_view(&x->key)))
        return sp_why_say(why, SP_ERR_INTEGRITY, "the proof is of another key than the token's");
    return SP_OK;
}

static sp_error check_time(const struct json *c, sp_unix_ms now, struct sp_why *why)
{
    double t;

    if (!json_number(json_get(c, "iat"), &t) || !(t > 0 && t < 1e12))
        return sp_why_say(why, SP_ERR_MALFORMED, "the proof's iat is missing or no time");
    sp_unix_ms made = (sp_unix_ms)(t * 1000);
    if (made < now - DPOP_IAT_MS || made > now + DPOP_IAT_MS)
        return sp_why_say(why, SP_ERR_EXPIRED, "the proof is %lld s old (iat)",
                          (long long)((now - made) / 1000));
    return SP_OK;
}

sp_error dpop_check(struct dpop *d, struct view proof, const struct dpop_expect *x,
                    struct sp_why *why)
{
    struct json *claims = NULL;
    struct hash key;
    struct view jti;
    sp_error e;

    if (proof.len > DPOP_BYTES_MAX)
        return sp_why_say(why, SP_ERR_LIMIT, "the proof is longer than %d bytes", DPOP_BYTES_MAX);
    if ((e = jwt_verify_own(proof, JWT_KIND_DPOP, JWT_ALG_ALL, why, &key, &claims)) != SP_OK)
        return e;
    if ((e = need_text(claims, "jti", DPOP_JTI_MAX, why, &jti)) == SP_OK &&
        (e = check_request(claims, x, why)) == SP_OK &&
        (e = check_token(claims, &key, x, why)) == SP_OK &&
        (e = check_time(claims, x->now, why)) == SP_OK &&
        (!x->nonce || (e = check_nonce(d, claims, x->now, why)) == SP_OK))
        e = spend(d, &key, jti, x->boot, why);
    json_free(claims);
    return e;
}
