#include "lib/trust/mint.h"

#include "lib/crypto/paseto.h"
#include "lib/trust/tables.h"

/* Signs an object and appends the token. Takes `claims`; NULL is what claims_give refused. */
static sp_error mint(struct json *claims, const char *kind, size_t max, const struct key_secret *k,
                     struct buf *out)
{
    struct buf message, implicit, footer;
    size_t before = out->len;
    sp_error e;

    if (claims == NULL)
        return SP_ERR_INVALID;
    buf_init(&message, max);
    buf_init(&implicit, 64);
    buf_init(&footer, 64);
    claims_assertion(kind, &implicit);
    buf_addf(&footer, "{\"kid\":\"%s\"}", key_kid(key_secret_public(k)).s);
    if ((e = json_write(claims, &message)) == SP_OK && (e = buf_error(&implicit)) == SP_OK &&
        (e = buf_error(&footer)) == SP_OK &&
        (e = paseto_sign(k, buf_view(&message), buf_view(&footer), buf_view(&implicit), out)) ==
            SP_OK &&
        out->len - before > max) {
        out->len = before;
        e = SP_ERR_LIMIT;
    }
    json_free(claims);
    buf_deinit(&footer);
    buf_deinit(&implicit);
    buf_deinit(&message);
    return e;
}

sp_error grant_mint(const struct grant *g, const struct key_secret *k, struct buf *out)
{
    if (!grant_sound(g))
        return SP_ERR_INVALID;
    return mint(claims_give(grant_claims, GRANT_CLAIMS, g), "grant", GRANT_MAX, k, out);
}

sp_error stand_mint(const struct stand *s, const struct key_secret *k, struct buf *out)
{
    if (!stand_sound(s))
        return SP_ERR_INVALID;
    return mint(claims_give(stand_claims, STAND_CLAIMS, s), "stand", STAND_MAX, k, out);
}

static struct json *keyset_json(const struct keyset *s)
{
    struct keyset_flat flat = {.epoch = s->epoch, .issued = s->issued, .keys = json_array()};
    struct json *claims;

    for (size_t i = 0; i < s->count; i++) {
        const struct keyset_key *k = &s->keys[i];
        struct keyset_row row = {view_str(keyset_purpose_name(k->purpose)), k->key, k->from,
                                 k->until};
        json_push(flat.keys, claims_give(keyset_row_claims, KEYSET_ROW_CLAIMS, &row));
    }
    claims = claims_give(keyset_claims, KEYSET_CLAIMS, &flat);
    json_free(flat.keys);
    return claims;
}

sp_error keyset_mint(const struct keyset *s, const struct key_secret *k,
                     const struct key_secret *old, struct buf *out)
{
    size_t before = out->len;
    sp_error e = SP_OK;

    if (!keyset_sound(s) || !key_equal(key_secret_public(k), &s->identity) ||
        (old != NULL && key_equal(key_secret_public(old), &s->identity)))
        return SP_ERR_INVALID;
    if (old != NULL) {
        e = mint(keyset_json(s), "keys", KEYSET_MAX, old, out);
        buf_add_byte(out, ' ');
    }
    if (e == SP_OK)
        e = mint(keyset_json(s), "keys", KEYSET_MAX, k, out);
    if (e == SP_OK && out->len - before > KEYSET_MAX)
        e = SP_ERR_LIMIT;
    if (e != SP_OK)
        out->len = before;
    return e;
}

sp_error apprec_mint(const struct apprec *a, const struct key_secret *k, struct buf *out)
{
    struct apprec_flat flat = {.id = a->id,
                               .site = a->site,
                               .version = a->version,
                               .session_ms_max = a->session_ms_max,
                               .streams_max = a->streams_max,
                               .name = view_str(a->name),
                               .type = view_str(apprec_type_name(a->type))};
    struct json *claims;

    if (!apprec_sound(a))
        return SP_ERR_INVALID;
    flat.hosts = json_array();
    flat.ports = json_array();
    for (size_t i = 0; i < a->host_count; i++)
        json_push(flat.hosts, json_new_str(view_str(a->hosts[i])));
    for (size_t i = 0; i < a->port_count; i++)
        json_push(flat.ports, json_new_int(a->ports[i]));
    flat.gateway = view_str(a->gateway);
    claims = a->gateway == NULL ? claims_give(apprec_claims, APPREC_CLAIMS, &flat)
                                : claims_give(apprec_claims_2, APPREC_CLAIMS_2, &flat);
    json_free(flat.hosts);
    json_free(flat.ports);
    return mint(claims, "app", APPREC_MAX, k, out);
}

sp_error person_mint(const struct person *p, const struct key_secret *k, struct buf *out)
{
    if (!person_sound(p))
        return SP_ERR_INVALID;
    return mint(claims_give(person_claims, PERSON_CLAIMS, p), "identity", PERSON_MAX, k, out);
}
