#include "broker/registry/sites.h"

#include "broker/registry/change.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"
#include "lib/trust/enrol.h"

#include <stdio.h>

_Static_assert((int)SITES_TOKEN_BYTES == (int)ENROL_SECRET_BYTES, "one token, one length");

/* ---- sites -------------------------------------------------------------------------------- */

struct site_job {
    const struct store_services *s;
    struct site_row before, row;
    struct change_record record;
};

static sp_error put_site(struct store_tx *tx, void *arg)
{
    struct site_job *job = arg;
    sp_error e;

    job->row = job->before;
    if ((e = job->s->registry->site_put(tx, &job->row)) != SP_OK)
        return e;
    return audit_append(tx, job->s, &job->record.r);
}

sp_error sites_create(struct registry *r, struct view name, const struct audit_record *by,
                      struct sp_why *why, struct site_row *out)
{
    struct site_job job = {.s = store_services(registry_store(r)), .before.id = random_id()};
    sp_error e = registry_name(name, why);

    if (e != SP_OK)
        return e;
    memcpy(job.before.name, name.at, name.len);
    change_record(&job.record, by, AUDIT_SITE_CREATE, "site", job.before.id, job.before.name,
                  "added");
    job.record.r.site = job.before.id;
    e = store_commit(registry_store(r), put_site, &job);
    if (e == SP_ERR_EXISTS) {
        sp_why_field(why, "name");
        return sp_why_say(why, e, "a site of this name exists");
    }
    if (e == SP_OK)
        *out = job.row;
    return e;
}

static sp_error drop_site(struct store_tx *tx, void *arg)
{
    struct site_job *job = arg;
    sp_error e = job->s->registry->site_remove(tx, job->before.id, job->before.ver);

    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

/* What keeps a site from going. */
static void count_in(const struct snapshot *s, struct sp_id site, size_t *apps, size_t *connectors)
{
    *apps = *connectors = 0;
    for (size_t i = 0; i < s->app_count; i++)
        *apps += id_equal(s->apps[i].site, site);
    for (size_t i = 0; i < s->connector_count; i++)
        *connectors +=
            id_equal(s->connectors[i].site, site) && s->connectors[i].state != EDGE_REVOKED;
}

sp_error sites_remove(struct registry *r, struct sp_id site, const struct audit_record *by,
                      struct sp_why *why)
{
    struct site_job job = {.s = store_services(registry_store(r))};
    const struct snapshot *s = registry_hold(r);
    const struct site_row *row = snapshot_site_by_id(s, site);
    size_t apps, connectors;

    count_in(s, site, &apps, &connectors);
    if (row != NULL)
        job.before = *row;
    registry_release(r, s);
    if (row == NULL)
        return SP_ERR_NOT_FOUND;
    if (apps > 0 || connectors > 0)
        return sp_why_say(why, SP_ERR_BUSY, "the site still has %zu apps and %zu connectors", apps,
                          connectors);
    change_record(&job.record, by, AUDIT_SITE_REMOVE, "site", site, job.before.name, "removed");
    job.record.r.site = site;
    return store_commit(registry_store(r), drop_site, &job);
}

/* ---- tokens ------------------------------------------------------------------------------- */

struct token_job {
    const struct store_services *s;
    struct enrol_row row;
    int64_t life_ms;
    struct change_record record;
};

static sp_error add_token(struct store_tx *tx, void *arg)
{
    struct token_job *job = arg;
    sp_error e;

    job->row.created = tx_now(tx);
    job->row.expires = job->row.created + job->life_ms;
    if ((e = job->s->once->enrol_add(tx, &job->row)) != SP_OK)
        return e;
    return audit_append(tx, job->s, &job->record.r);
}

sp_error sites_token_new(struct registry *r, const struct token_ask *q,
                         const struct audit_record *by, uint8_t secret[SITES_TOKEN_BYTES],
                         struct enrol_row *out)
{
    struct token_job job = {
        .s = store_services(registry_store(r)), .row.site = q->site, .life_ms = q->life_ms};
    bool for_relay = id_is_zero(q->site);
    const struct snapshot *s = registry_hold(r);
    bool known = for_relay || snapshot_site_by_id(s, q->site) != NULL;

    registry_release(r, s);
    if (!known)
        return SP_ERR_NOT_FOUND;
    if (q->life_ms <= 0 || q->life_ms > SITES_TOKEN_LIFE_MS_MAX)
        return SP_ERR_INVALID;
    random_bytes(secret, SITES_TOKEN_BYTES);
    struct hash hash = hash_sha256((struct view){secret, SITES_TOKEN_BYTES});
    memcpy(job.row.hash, hash.bytes, sizeof job.row.hash);
    (void)snprintf(job.row.note, sizeof job.row.note, "%s", q->note != NULL ? q->note : "");
    change_record(&job.record, by, AUDIT_TOKEN_CREATE, for_relay ? "relay" : "site", q->site,
                  job.row.note, for_relay ? "token for a relay" : "token for a connector");
    job.record.r.site = q->site;
    sp_error e = store_commit(registry_store(r), add_token, &job);
    if (e == SP_OK)
        *out = job.row;
    else
        secret_wipe(secret, SITES_TOKEN_BYTES);
    return e;
}

static sp_error drop_token(struct store_tx *tx, void *arg)
{
    struct token_job *job = arg;
    sp_error e = job->s->once->enrol_remove(tx, job->row.hash);

    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

sp_error sites_token_revoke(struct registry *r, const uint8_t hash[ROW_HASH_BYTES],
                            const struct audit_record *by)
{
    struct token_job job = {.s = store_services(registry_store(r))};

    memcpy(job.row.hash, hash, sizeof job.row.hash);
    change_record(&job.record, by, AUDIT_TOKEN_REVOKE, "token", (struct sp_id){0}, NULL, "revoked");
    return store_commit(registry_store(r), drop_token, &job);
}

void sites_token_line(const struct enrol_address *base, const uint8_t secret[SITES_TOKEN_BYTES],
                      struct buf *out)
{
    struct enrol_address address = *base;

    enrol_token_write(secret, address.token);
    enrol_address_write(&address, out);
    enrol_address_wipe(&address);
}
