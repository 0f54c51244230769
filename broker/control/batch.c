/*
 * Records of connectors' spools: each number once, and acknowledged when it is durable. The number
 * up to which a spool is told stands in the store beside the records, in one transaction: a broker
 * that dies between the two either has both, or neither, and the connector says them again.
 */
#include "broker/control/witness.h"

#include "lib/base/log.h"

#include <stdlib.h>

struct keeping {
    const struct store_services *services;
    struct sp_id connector;
    struct audit_batch batch;
    struct testimony heard[AUDIT_BATCH_MAX];
    bool known[AUDIT_BATCH_MAX]; /* the others are of an action that this broker can't record */
    int64_t told;
};

static sp_error keep(struct store_tx *tx, void *arg)
{
    struct keeping *k = arg;
    const struct audit_batch *b = &k->batch;
    int64_t before = 0;
    sp_error e = k->services->spools->told(tx, k->connector, b->spool, &before);

    k->told = before; /* from scratch, should this run again */

    for (size_t i = 0; e == SP_OK && i < b->record_count; i++) {
        int64_t number = b->first + (int64_t)i;
        if (number <= before)
            continue; /* told before; only the answer was lost */
        if (k->known[i])
            e = witness_keep(tx, k->services, &k->heard[i]);
        k->told = number;
    }
    return e == SP_OK && k->told > before
               ? k->services->spools->tell(tx, k->connector, b->spool, k->told)
               : e;
}

static void hear(struct turn *t, const struct snapshot *snapshot, struct keeping *k)
{
    for (size_t i = 0; i < k->batch.record_count; i++) {
        k->known[i] = witness_hear(t, snapshot, &k->batch.records[i], &k->heard[i]);
        if (!k->known[i])
            log_event(LOG_WARN, "control.audit", "a connector's record is of an unknown action",
                      "connector", LOG_ID(t->peer->id), NULL);
    }
}

/* What will wait there once this batch is told. */
static void note_spool(struct turn *t, const struct keeping *k)
{
    int64_t left = k->batch.waiting - (int64_t)k->batch.record_count;
    const struct tally_spool said = {.connector = k->connector,
                                     .waiting = left > 0 ? left : 0,
                                     .dropped = k->batch.dropped,
                                     .oldest = left > 0 ? k->batch.oldest : 0};

    tally_spool(&t->control->tally, &said);
}

void control_spools(struct control *c, each_spool *each, void *arg)
{
    const struct snapshot *s = registry_hold(c->o.registry);
    struct tally_spool one;

    for (size_t i = 0; tally_next_spool(&c->tally, i, &one); i++) {
        const struct connector_row *row = snapshot_connector(s, one.connector);
        if (row != NULL)
            each(arg, row->name, &one);
    }
    registry_release(c->o.registry, s);
}

void connector_audit_batch(struct turn *t)
{
    struct store *st = registry_store(t->control->o.registry);
    struct keeping *k = calloc(1, sizeof *k);
    sp_error e;

    if (k == NULL) {
        turn_refuse(t, SP_ERR_NOMEM, NULL);
        return;
    }
    if (!turn_read(t, audit_batch_fields, &k->batch)) {
        free(k);
        return;
    }
    k->services = store_services(st);
    k->connector = t->peer->id;
    const struct snapshot *snapshot = registry_hold(t->control->o.registry);
    if (!minute_takes(&t->peer->audit, clock_boot(), k->batch.record_count,
                      AUDIT_BATCH_A_MINUTE)) { /* what comes beyond it waits there */
        e = SP_ERR_BUSY;
    } else {
        hear(t, snapshot, k);
        e = store_commit(st, keep, k);
    }
    registry_release(t->control->o.registry, snapshot);
    const struct audit_batch_answer answer = {.told = k->told};
    if (e == SP_OK)
        note_spool(t, k);
    if (e == SP_OK)
        turn_answer(t, audit_batch_answer_fields, &answer);
    else
        turn_refuse(t, e, NULL);
    for (size_t i = 0; i < k->batch.record_count; i++)
        witness_end(&k->heard[i]);
    free(k);
}

/* ---- one record without a number, of an earlier version ------------------------------------- */

struct keeping_one {
    const struct store_services *services;
    struct testimony heard;
};

static sp_error keep_one(struct store_tx *tx, void *arg)
{
    const struct keeping_one *k = arg;

    return witness_keep(tx, k->services, &k->heard);
}

void connector_audit(struct turn *t)
{
    struct store *st = registry_store(t->control->o.registry);
    struct edge_audit m;

    if (!turn_read(t, edge_audit_fields, &m))
        return;
    if (!minute_takes(&t->peer->audit, clock_boot(), 1, EDGE_AUDIT_A_MINUTE)) {
        log_event(LOG_WARN, "control.audit", "a connector's record is not taken", "connector",
                  LOG_ID(t->peer->id), "why", "too many in this minute", NULL);
        return;
    }
    const struct snapshot *snapshot = registry_hold(t->control->o.registry);
    struct keeping_one k = {.services = store_services(st)};
    sp_error e = witness_hear(t, snapshot, &m, &k.heard) ? store_commit(st, keep_one, &k)
                                                         : SP_ERR_UNSUPPORTED;
    if (e != SP_OK)
        log_event(LOG_ERROR, "control.audit", sp_error_text(e), "connector", LOG_ID(t->peer->id),
                  NULL);
    witness_end(&k.heard);
    registry_release(t->control->o.registry, snapshot);
}
