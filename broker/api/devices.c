#include "broker/registry/devices.h"

#include "broker/api/call.h"
#include "broker/api/cuts.h"
#include "broker/api/names.h"
#include "broker/api/posture.h"
#include "broker/session/edges.h"
#include "broker/session/live.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const state_words[] = {
    [ROW_DEVICE_NONE] = "pending",      [ROW_DEVICE_PENDING] = "pending",
    [ROW_DEVICE_APPROVED] = "approved", [ROW_DEVICE_BLOCKED] = "blocked",
    [ROW_DEVICE_LOST] = "lost",
};
static const char *const owner_words[] = {
    [ROW_OWNER_NONE] = "unknown",
    [ROW_OWNER_USER] = "user",
    [ROW_OWNER_OTHER] = "other",
    [ROW_OWNER_ORGANISATION] = "organisation",
};

static struct json *device_object(struct api *api, const struct names *n,
                                  const struct device_row *row)
{
    struct edge_info info = {0};
    bool here = edges_find(api->edges, EDGE_AGENT, row->id, &info) == SP_OK;
    struct json *o = json_object(), *key = json_object();

    json_set_id(o, "id", row->id);
    json_set_cstr(o, "name", row->name);
    set_user(o, "user", n, row->user);
    json_set_cstr(o, "state", state_words[row->state]);
    json_set_cstr(o, "owner", owner_words[row->owner]);
    json_set_cstr(key, "algorithm", row->key.kind == KEY_P256 ? "p256" : "ed25519");
    json_set_cstr(key, "kind", row->hardware_key ? "hardware" : "software");
    json_set_cstr(key, "fingerprint", key_fingerprint(&row->key).s);
    json_set(o, "key", key);
    set_text_or_null(o, "os", row->os);
    set_text_or_null(o, "agent", here ? info.software : row->software);
    set_text_or_null(o, "address", info.address);
    json_set_bool(o, "online", here);
    set_time(o, "first_seen", row->created);
    set_time(o, "last_seen", here ? clock_unix() : row->seen);
    json_set(o, "posture", posture_counts(api, row->id));
    json_set_int(o, "sessions_live", (int64_t)live_find(api->live, LIVE_DEVICE, row->id, NULL, 0));
    return o;
}

/* ---- the list ----------------------------------------------------------------------------- */

struct device_reader {
    struct page *page;
    struct device_row *rows; /* owned: at most page->limit */
    size_t count, batch;
    char state[16];
    struct sp_id last;
    char last_name[ROW_NAME_MAX + 1];
};

static bool read_device(void *arg, const struct device_row *row)
{
    struct device_reader *r = arg;

    r->batch++;
    r->last = row->id;
    memcpy(r->last_name, row->name, sizeof r->last_name);
    if ((r->state[0] != '\0' && strcmp(r->state, state_words[row->state]) != 0) ||
        (!page_matches(r->page, row->name) && !page_matches(r->page, row->serials)))
        return true;
    /* In the store's order: by name, then by the bytes of the id, whose text sorts differently. */
    char key[ROW_NAME_MAX + 1 + 2 * SP_ID_BYTES + 1];
    int len = snprintf(key, sizeof key, "%s\t", row->name);
    for (size_t i = 0; len > 0 && i < SP_ID_BYTES; i++)
        (void)snprintf(key + len + 2 * i, 3, "%02x", row->id.bytes[i]);
    if (page_wants(r->page, key))
        r->rows[r->count++] = *row;
    return r->page->total <= COUNT_EXACT_MAX;
}

sp_error api_device_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct device_reader r = {0};
    struct sp_id user;
    struct page p;
    sp_error e;

    if ((e = call_id(c, "user", &user)) != SP_OK ||
        (e = call_text(c, "state", r.state, sizeof r.state)) != SP_OK ||
        (e = page_begin(c, &p)) != SP_OK)
        return e;
    const struct device_filter theirs = {.user = user};
    r.page = &p;
    r.rows = calloc(p.limit, sizeof *r.rows);
    if (r.rows == NULL) {
        page_drop(&p);
        return SP_ERR_NOMEM;
    }
    do {
        r.batch = 0;
        e = store_services(st)->registry->device_list(st, &theirs, r.last_name, r.last,
                                                      STORE_PAGE_MAX, read_device, &r);
    } while (e == SP_OK && r.batch == STORE_PAGE_MAX && p.total <= COUNT_EXACT_MAX);
    if (e == SP_OK) {
        struct names n = names_hold(api);
        for (size_t i = 0; i < r.count; i++)
            page_push(&p, device_object(api, &n, &r.rows[i]));
        names_release(&n);
        response_json(c->res, 200, page_object(&p));
    } else {
        page_drop(&p);
    }
    free(r.rows);
    return e;
}

/* ---- one device --------------------------------------------------------------------------- */

static struct json *serials_of(const struct device_row *row)
{
    struct json *list = json_array();

    for (const char *at = row->serials; *at != '\0';) {
        size_t len = strcspn(at, ";");
        while (len > 0 && *at == ' ') {
            at++;
            len--;
        }
        if (len > 0)
            json_push(list, json_new_str((struct view){(const uint8_t *)at, len}));
        at += len + (at[len] == ';');
    }
    return list;
}

sp_error api_device_get(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct device_row row;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK ||
        (e = store_services(st)->registry->device_get(st, id, &row)) != SP_OK)
        return e;
    struct names n = names_hold(api);
    struct json *o = json_object();
    json_set(o, "device", device_object(api, &n, &row));
    json_set(o, "serials", serials_of(&row));
    json_set(o, "signals", posture_signals(api, id));
    json_set(o, "apps", posture_apps(api, id));
    names_release(&n);
    response_json(c->res, 200, o);
    return SP_OK;
}

/* ---- acts --------------------------------------------------------------------------------- */

sp_error api_device_approve(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct device_row row;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK ||
        (e = store_services(st)->registry->device_get(st, id, &row)) != SP_OK)
        return e;
    if (row.state == ROW_DEVICE_LOST) {
        c->problem = (struct problem){
            .status = 409, .code = "conflict", .detail = "This device's key was revoked for good."};
        return SP_ERR_INVALID;
    }
    e = devices_set_state(api->registry, id, ROW_DEVICE_APPROVED, &c->by, &row);
    if (e != SP_OK)
        return e;
    struct names n = names_hold(api);
    response_json(c->res, 200, device_object(api, &n, &row));
    names_release(&n);
    return SP_OK;
}

static sp_error close_device(struct api *api, struct api_call *c, enum device_row_state state)
{
    char reason[CALL_TEXT_MAX + 1];
    struct device_row row;
    struct cut_watch w;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = call_reason(c, reason)) != SP_OK)
        return e;
    c->by.text = reason;
    cuts_watch(api->live, LIVE_DEVICE, id, &w);
    e = devices_set_state(api->registry, id, state, &c->by, &row);
    if (e == SP_OK)
        response_json(c->res, 200, cuts_answer(api, &w));
    cut_watch_free(&w);
    return e;
}

sp_error api_device_block(struct api *api, struct api_call *c)
{
    return close_device(api, c, ROW_DEVICE_BLOCKED);
}

sp_error api_device_revoke(struct api *api, struct api_call *c)
{
    return close_device(api, c, ROW_DEVICE_LOST);
}
