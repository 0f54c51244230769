#include "lib/trust/grant.h"

#include "lib/trust/tables.h"

#define AT(field) offsetof(struct grant, field)
const struct claim grant_claims[GRANT_CLAIMS] = {
    {"v", CLAIM_VERSION, 0, 1},
    {"id", CLAIM_ID, AT(id), 0},
    {"session", CLAIM_ID, AT(session), 0},
    {"app", CLAIM_ID, AT(app), 0},
    {"user", CLAIM_ID, AT(user), 0},
    {"device", CLAIM_KEY, AT(device), 0},
    {"connector", CLAIM_KEY, AT(connector), 0},
    {"relay", CLAIM_ID, AT(relay), 0},
    {"boot", CLAIM_ID, AT(relay_boot), 0},
    {"issued", CLAIM_INT, AT(issued), CLAIM_TIME_MAX},
    {"open_until", CLAIM_INT, AT(open_until), CLAIM_TIME_MAX},
    {"deadline", CLAIM_INT, AT(deadline), CLAIM_TIME_MAX},
    {"idle", CLAIM_INT, AT(idle_ms), CLAIM_TIME_MAX},
    {"reverify", CLAIM_INT, AT(reverify_ms), CLAIM_TIME_MAX},
    {"policy", CLAIM_INT, AT(policy_version), CLAIM_TIME_MAX},
};

bool grant_sound(const struct grant *g)
{
    return g->open_until > g->issued && g->open_until - g->issued <= GRANT_OPEN_MS_MAX &&
           g->deadline >= g->open_until;
}

static bool is_for(const struct grant *g, const struct grant_reader *me)
{
    switch (me->kind) {
    case GRANT_NOBODY:
        return false;
    case GRANT_RELAY:
        return id_equal(g->relay, me->relay) && id_equal(g->relay_boot, me->relay_boot);
    case GRANT_CONNECTOR:
        return key_equal(&g->connector, &me->key);
    case GRANT_AGENT:
        return key_equal(&g->device, &me->key);
    }
    return false;
}

sp_error grant_verify(struct view token, const struct key_public *broker,
                      const struct grant_reader *me, sp_unix_ms now, struct grant *out)
{
    struct json *claims = NULL;
    struct grant g = {0};
    sp_error e = claims_open(token, "grant", GRANT_MAX, broker, &claims);

    if (e == SP_OK)
        e = claims_take(claims, grant_claims, GRANT_CLAIMS, &g);
    json_free(claims);
    if (e != SP_OK)
        return e;
    if (!grant_sound(&g))
        return SP_ERR_MALFORMED;
    if (me->kind == GRANT_RELAY && id_equal(g.relay, me->relay) &&
        !id_equal(g.relay_boot, me->relay_boot))
        return SP_ERR_CONFLICT;
    if (!is_for(&g, me))
        return SP_ERR_AUDIENCE;
    if (now < g.issued - GRANT_LEEWAY_MS || now > g.open_until)
        return SP_ERR_EXPIRED;
    *out = g;
    return SP_OK;
}
