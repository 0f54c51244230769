/* Connectors and relays: enrolled once with a token, then a state. */
#include "broker/registry/sites.h"

#include "broker/registry/change.h"
#include "lib/base/failpoint.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"

#include <stdio.h>

/* ---- enrolment ---------------------------------------------------------------------------- */

struct enrol_job {
    const struct store_services *s;
    struct hash token;
    bool relay; /* which of the two rows is made */
    struct connector_row connector;
    struct relay_row relay_row;
    const struct snapshot *snapshot; /* held by the caller */
    struct change_record record;
};

static size_t connectors_at(const struct snapshot *s, struct sp_id site)
{
    size_t count = 0;

    for (size_t i = 0; i < s->connector_count; i++)
        count += id_equal(s->connectors[i].site, site) && s->connectors[i].state != EDGE_REVOKED;
    return count;
}

static sp_error make_connector(struct store_tx *tx, struct enrol_job *job, struct sp_id site)
{
    struct connector_row *row = &job->connector;

    if (id_is_zero(site)) /* a relay's token */
        return SP_ERR_DENIED;
    if (connectors_at(job->snapshot, site) >= SITE_CONNECTORS_MAX)
        return SP_ERR_LIMIT;
    row->site = job->record.r.site = site;
    row->created = row->seen = tx_now(tx);
    row->ver = 0;
    return job->s->registry->connector_put(tx, row);
}

static sp_error make_relay(struct store_tx *tx, struct enrol_job *job, struct sp_id site)
{
    struct relay_row *row = &job->relay_row;

    if (!id_is_zero(site))
        return SP_ERR_DENIED;
    row->created = row->seen = tx_now(tx);
    row->ver = 0;
    return job->s->registry->relay_put(tx, row);
}

/* INC-2: the token is spent in the transaction that makes what it was for; a failure gives it
 * back by undoing both. */
static sp_error enrol(struct store_tx *tx, void *arg)
{
    struct enrol_job *job = arg;
    struct sp_id edge = job->relay ? job->relay_row.id : job->connector.id, site = {{0}};
    bool won = false;
    sp_error e = job->s->once->enrol_consume(tx, job->token.bytes, tx_now(tx), edge, &site, &won);

    if (e == SP_OK && !won)
        e = SP_ERR_DENIED;
    FAILPOINT("enrol:consumed");
    if (e == SP_OK)
        e = job->relay ? make_relay(tx, job, site) : make_connector(tx, job, site);
    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

/* A refusal leaves a record of its own; who asked is nobody yet. */
static void record_refusal(struct registry *r, const struct enrol_job *job, sp_error e)
{
    struct audit_record refused = job->record.r;

    refused.event = AUDIT_TOKEN_REFUSE;
    refused.result = AUDIT_DENIED;
    refused.actor_kind = AUDIT_ACTOR_NOBODY;
    refused.actor = refused.object = refused.connector = refused.relay = (struct sp_id){0};
    refused.text = e == SP_ERR_DENIED   ? "the token is unknown, expired or used"
                   : e == SP_ERR_EXISTS ? "the key is enrolled already"
                                        : "the site has too many connectors";
    sp_ignore(audit_now(registry_store(r), &refused)); /* it is refused whatever happens here */
}

static sp_error run_enrol(struct registry *r, struct enrol_job *job)
{
    job->snapshot = registry_hold(r);
    FAILPOINT("enrol:asked");
    sp_error e = store_commit(registry_store(r), enrol, job);
    FAILPOINT("enrol:done");
    registry_release(r, job->snapshot);
    if (e == SP_ERR_DENIED || e == SP_ERR_EXISTS || e == SP_ERR_LIMIT)
        record_refusal(r, job, e);
    return e;
}

static void set_text(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

/* A name of its own choosing where it is a name, else one made from the id. */
static void set_name(char out[ROW_NAME_MAX + 1], const char *name, const char *kind,
                     struct sp_id id)
{
    if (name != NULL && registry_name(view_str(name), NULL) == SP_OK)
        set_text(out, ROW_NAME_MAX + 1, name);
    else
        (void)snprintf(out, ROW_NAME_MAX + 1, "%s-%02x%02x%02x", kind, id.bytes[0], id.bytes[1],
                       id.bytes[2]);
}

sp_error connectors_enrol(struct registry *r, const uint8_t secret[SITES_TOKEN_BYTES],
                          const struct newcomer *who, const char *software,
                          struct connector_row *out)
{
    struct enrol_job job = {.s = store_services(registry_store(r)),
                            .token = hash_sha256((struct view){secret, SITES_TOKEN_BYTES})};
    struct connector_row *row = &job.connector;
    struct audit_record by = {.actor_kind = AUDIT_ACTOR_CONNECTOR, .address = who->address};

    *row = (struct connector_row){.id = random_id(), .key = who->key, .state = EDGE_ACTIVE};
    set_name(row->name, who->name, "connector", row->id);
    set_text(row->software, sizeof row->software, software);
    by.actor = row->id;
    by.actor_name = row->name;
    change_record(&job.record, &by, AUDIT_CONNECTOR_ENROL, "connector", row->id, row->name,
                  "enrolled");
    job.record.r.connector = row->id;
    sp_error e = run_enrol(r, &job);
    if (e == SP_OK)
        *out = *row;
    return e;
}

sp_error relays_enrol(struct registry *r, const uint8_t secret[SITES_TOKEN_BYTES],
                      const struct newcomer *who, const uint8_t spki_hash[ROW_HASH_BYTES],
                      const char *addresses, struct relay_row *out)
{
    struct enrol_job job = {.s = store_services(registry_store(r)),
                            .token = hash_sha256((struct view){secret, SITES_TOKEN_BYTES}),
                            .relay = true};
    struct relay_row *row = &job.relay_row;
    struct audit_record by = {.actor_kind = AUDIT_ACTOR_RELAY, .address = who->address};

    *row = (struct relay_row){.id = random_id(), .key = who->key, .state = EDGE_ACTIVE};
    memcpy(row->spki_hash, spki_hash, sizeof row->spki_hash);
    set_name(row->name, who->name, "relay", row->id);
    set_text(row->addresses, sizeof row->addresses, addresses);
    by.actor = row->id;
    by.actor_name = row->name;
    change_record(&job.record, &by, AUDIT_RELAY_ENROL, "relay", row->id, row->name, "enrolled");
    job.record.r.relay = row->id;
    sp_error e = run_enrol(r, &job);
    if (e == SP_OK)
        *out = *row;
    return e;
}

/* ---- states ------------------------------------------------------------------------------- */

struct edge_job {
    const struct store_services *s;
    bool relay;
    struct connector_row connector_before, connector;
    struct relay_row relay_before, relay_row;
    struct change_record record;
};

static sp_error put_edge(struct store_tx *tx, void *arg)
{
    struct edge_job *job = arg;
    sp_error e;

    job->connector = job->connector_before;
    job->relay_row = job->relay_before;
    e = job->relay ? job->s->registry->relay_put(tx, &job->relay_row)
                   : job->s->registry->connector_put(tx, &job->connector);
    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

static const char *state_text(enum edge_state state)
{
    return state == EDGE_REVOKED ? "revoked" : state == EDGE_DRAIN ? "drained" : "active again";
}

sp_error connectors_set_state(struct registry *r, struct sp_id connector, enum edge_state state,
                              const struct audit_record *by, struct connector_row *out)
{
    struct edge_job job = {.s = store_services(registry_store(r))};
    const struct snapshot *s = registry_hold(r);
    const struct connector_row *row = snapshot_connector(s, connector);

    if (row != NULL)
        job.connector_before = *row;
    registry_release(r, s);
    if (row == NULL)
        return SP_ERR_NOT_FOUND;
    if (job.connector_before.state == EDGE_REVOKED && state != EDGE_REVOKED)
        return SP_ERR_CONFLICT; /* revoked is for good */
    job.connector_before.state = state;
    change_record(&job.record, by,
                  state == EDGE_REVOKED ? AUDIT_CONNECTOR_REVOKE : AUDIT_CONNECTOR_DRAIN,
                  "connector", connector, job.connector_before.name, state_text(state));
    job.record.r.connector = connector;
    job.record.r.site = job.connector_before.site;
    sp_error e = store_commit(registry_store(r), put_edge, &job);
    if (e == SP_OK)
        *out = job.connector;
    return e;
}

static sp_error find_relay(struct registry *r, struct sp_id id, struct relay_row *out)
{
    const struct snapshot *s = registry_hold(r);
    const struct relay_row *row = snapshot_relay(s, id);

    if (row != NULL)
        *out = *row;
    registry_release(r, s);
    return row != NULL ? SP_OK : SP_ERR_NOT_FOUND;
}

sp_error relays_set_state(struct registry *r, struct sp_id relay, enum edge_state state,
                          const struct audit_record *by, struct relay_row *out)
{
    struct edge_job job = {.s = store_services(registry_store(r)), .relay = true};
    sp_error e = find_relay(r, relay, &job.relay_before);

    if (e != SP_OK)
        return e;
    if (job.relay_before.state == EDGE_REVOKED && state != EDGE_REVOKED)
        return SP_ERR_CONFLICT;
    job.relay_before.state = state;
    change_record(&job.record, by, AUDIT_RELAY_REVOKE, "relay", relay, job.relay_before.name,
                  state_text(state));
    job.record.r.relay = relay;
    e = store_commit(registry_store(r), put_edge, &job);
    if (e == SP_OK)
        *out = job.relay_row;
    return e;
}

sp_error relays_set_addresses(struct registry *r, struct sp_id relay, const char *addresses)
{
    struct edge_job job = {.s = store_services(registry_store(r)), .relay = true};
    struct audit_record by = {.actor_kind = AUDIT_ACTOR_RELAY, .actor = relay};
    sp_error e = find_relay(r, relay, &job.relay_before);

    if (e != SP_OK || strcmp(job.relay_before.addresses, addresses) == 0)
        return e;
    set_text(job.relay_before.addresses, sizeof job.relay_before.addresses, addresses);
    by.actor_name = job.relay_before.name;
    change_record(&job.record, &by, AUDIT_RELAY_UP, "relay", relay, job.relay_before.name,
                  "has new addresses");
    job.record.r.relay = relay;
    return store_commit(registry_store(r), put_edge, &job);
}
