#include "lib/trust/stand.h"

#include "lib/trust/tables.h"

#define AT(field) offsetof(struct stand, field)
const struct claim stand_claims[STAND_CLAIMS] = {
    {"v", CLAIM_VERSION, 0, 1},
    {"connector", CLAIM_ID, AT(connector), 0},
    {"site", CLAIM_ID, AT(site), 0},
    {"relay", CLAIM_ID, AT(relay), 0},
    {"key", CLAIM_KEY, AT(key), 0},
    {"generation", CLAIM_INT, AT(generation), CLAIM_TIME_MAX},
    {"issued", CLAIM_INT, AT(issued), CLAIM_TIME_MAX},
    {"until", CLAIM_INT, AT(until), CLAIM_TIME_MAX},
};

bool stand_sound(const struct stand *s)
{
    return s->until > s->issued && s->until - s->issued <= STAND_LIFE_MS;
}

sp_error stand_verify(struct view token, const struct key_public *record, struct sp_id relay,
                      sp_unix_ms now, struct stand *out)
{
    struct json *claims = NULL;
    struct stand s = {0};
    sp_error e = claims_open(token, "stand", STAND_MAX, record, &claims);

    if (e == SP_OK)
        e = claims_take(claims, stand_claims, STAND_CLAIMS, &s);
    json_free(claims);
    if (e != SP_OK)
        return e;
    if (!stand_sound(&s))
        return SP_ERR_MALFORMED;
    if (!id_equal(s.relay, relay))
        return SP_ERR_AUDIENCE;
    if (now < s.issued - STAND_LEEWAY_MS || now > s.until)
        return SP_ERR_EXPIRED;
    *out = s;
    return SP_OK;
}
