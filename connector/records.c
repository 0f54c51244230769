#include "connector/records.h"

#include <stdlib.h>

static sp_error slot_of(struct records *r, struct sp_id app, struct record **out)
{
    struct record *record = map_get(&r->by_app, app);
    sp_error e;

    if (record == NULL) {
        if (map_len(&r->by_app) >= RECORDS_MAX)
            return SP_ERR_FULL;
        record = calloc(1, sizeof *record);
        if (record == NULL)
            return SP_ERR_NOMEM;
        record->dropped = true; /* nothing is known of it yet */
        if ((e = map_put(&r->by_app, app, record)) != SP_OK) {
            free(record);
            return e;
        }
    }
    *out = record;
    return SP_OK;
}

sp_error records_put(struct records *r, struct view statement, const struct record_judge *by,
                     const struct record **out)
{
    const struct key_public *signer;
    struct record *record;
    struct apprec app;
    sp_error e;

    if ((e = keyset_signer(by->keys, statement, KEYSET_RECORD, by->now, &signer)) != SP_OK ||
        (e = apprec_verify(statement, signer, by->site, &app)) != SP_OK)
        return e;
    e = floor_takes_signer(by->floor, signer) ? slot_of(r, app.id, &record) : SP_ERR_DENIED;
    if (e == SP_OK && app.version <= record->app.version)
        e = SP_ERR_REPLAY;
    if (e != SP_OK) {
        apprec_deinit(&app);
        return e;
    }
    apprec_deinit(&record->app);
    *record = (struct record){.app = app, .signer = *signer};
    if (out != NULL)
        *out = record;
    return SP_OK;
}

sp_error records_drop(struct records *r, struct sp_id app, int64_t version)
{
    struct record *record;
    sp_error e;

    if ((e = slot_of(r, app, &record)) != SP_OK)
        return e;
    if (version < record->app.version)
        return SP_OK; /* a newer record is in use already */
    record->app.version = version;
    record->dropped = true;
    return SP_OK;
}

struct record *records_get(const struct records *r, struct sp_id app)
{
    struct record *record = map_get(&r->by_app, app);

    return record == NULL || record->dropped ? NULL : record;
}

void records_deinit(struct records *r)
{
    size_t at = 0;

    for (struct record *record; (record = map_next(&r->by_app, &at, NULL)) != NULL;) {
        apprec_deinit(&record->app);
        free(record);
    }
    map_deinit(&r->by_app);
}
