#include "lib/trust/person.h"

#include "lib/trust/tables.h"

#define AT(field) offsetof(struct person, field)
const struct claim person_claims[PERSON_CLAIMS] = {
    {"v", CLAIM_VERSION, 0, 1},
    {"session", CLAIM_ID, AT(session), 0},
    {"app", CLAIM_ID, AT(app), 0},
    {"name", CLAIM_TEXT, AT(name), PERSON_TEXT_MAX},
    {"email", CLAIM_TEXT, AT(email), PERSON_TEXT_MAX},
    {"groups", CLAIM_JSON, AT(groups), PERSON_GROUPS_MAX},
    {"attributes", CLAIM_JSON, AT(attributes), PERSON_GROUPS_MAX},
    {"until", CLAIM_INT, AT(until), CLAIM_TIME_MAX},
};

bool person_sound(const struct person *p)
{
    for (size_t i = 0; i < json_len(p->groups); i++)
        if (json_kind(json_at(p->groups, i)) != JSON_STRING)
            return false;
    for (size_t i = 0; i < json_len(p->attributes); i++) {
        const struct json *pair = json_at(p->attributes, i);
        if (json_kind(pair) != JSON_ARRAY || json_len(pair) != 2 ||
            json_kind(json_at(pair, 0)) != JSON_STRING ||
            json_kind(json_at(pair, 1)) != JSON_STRING)
            return false;
    }
    return true;
}

sp_error person_verify(struct view token, const struct key_public *record, struct sp_id session,
                       sp_unix_ms now, struct person *out)
{
    struct person p = {0};
    sp_error e = claims_open(token, "identity", PERSON_MAX, record, &p.claims);

    if (e == SP_OK)
        e = claims_take(p.claims, person_claims, PERSON_CLAIMS, &p);
    if (e == SP_OK && !person_sound(&p))
        e = SP_ERR_MALFORMED;
    if (e == SP_OK && !id_equal(p.session, session))
        e = SP_ERR_AUDIENCE;
    if (e == SP_OK && now > p.until)
        e = SP_ERR_EXPIRED;
    if (e != SP_OK)
        person_deinit(&p);
    else
        *out = p;
    return e;
}

void person_deinit(struct person *p)
{
    json_free(p->claims);
    *p = (struct person){0};
}
