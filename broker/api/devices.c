#include "broker/registry/devices.h"

#include "broker/api/call.h"
#include "broker/api/cuts.h"
#include "broker/api/names.h"
#include "broker/api/posture.h"
#include "broker/api/standing.h"
#include "broker/session/edges.h"
#include "broker/session/live.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const state_words[] = {
    [ROW_DEVICE_NONE] = "pending",      [ROW_DEVICE_PENDING] = "pending",
    [ROW_DEVICE_APPROVED] = "approved", [ROW_DEVICE_BLOCKED] = "blocked",
    [ROW_DEVICE_LOST] = "lost",         [ROW_DEVICE_LOST + 1] = NULL,
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

/* Rows are kept and shaped after the reading: shaping reads the store itself. */
struct device_rows {
    struct device_row *at; /* owned */
    size_t count;
};

static bool keep_device(void *arg, const struct device_row *row)
{
    struct device_rows *rows = arg;

    rows->at[rows->count++] = *row;
    return true;
}

/* The cursor is "NAME ID", in the order of the last sight "SEEN.ID". */
static sp_error read_edge(struct api_call *c, const struct device_filter *f, const char *after,
                          struct device_row *edge)
{
    size_t len = strlen(after), name = len > SP_ID_TEXT ? len - SP_ID_TEXT - 1 : 0;
    const char *id = after + (len > SP_ID_TEXT ? len - SP_ID_TEXT : 0);
    sp_error e = SP_OK;

    *edge = (struct device_row){.name = ""};
    if (after[0] == '\0')
        return SP_OK;
    if (f->sort == SORT_SEEN)
        e = call_cursor(c, after, &edge->seen, &id);
    else
        snprintf(edge->name, sizeof edge->name, "%.*s", (int)name, after);
    if (e == SP_OK && (e = id_parse(view_str(id), &edge->id)) != SP_OK)
        e = call_cursor_bad(c);
    return e;
}

static void write_edge(struct page *p, const struct device_filter *f, const struct device_row *row)
{
    if (f->sort == SORT_SEEN)
        snprintf(p->next, sizeof p->next, "%lld.%s", (long long)row->seen, id_text(row->id).s);
    else
        snprintf(p->next, sizeof p->next, "%s %s", row->name, id_text(row->id).s);
}

/* One more than the page, and how many there are in all. */
static sp_error find_devices(struct api *api, const struct standing_ask *ask,
                             struct device_rows *rows, size_t *total)
{
    struct store *st = registry_store(api->registry);
    const struct store_registry *registry = store_services(st)->registry;
    sp_error e;

    if (ask->posture != STANDING_ANY)
        return standing_find(st, api->judge, ask, keep_device, rows, total);
    e = registry->device_list(st, &ask->filter, ask->edge, ask->limit, keep_device, rows);
    *total = rows->count; /* a first page that holds all of them */
    if (e == SP_OK && (rows->count == ask->limit || ask->edge != NULL))
        e = registry->device_count(st, &ask->filter, COUNT_EXACT_MAX + 1, total);
    return e;
}

static sp_error answer_devices(struct api *api, struct api_call *c, struct standing_ask *ask,
                               struct page *p)
{
    const struct device_filter *f = &ask->filter;
    struct device_rows rows = {.at = calloc(p->limit + 1, sizeof *rows.at)};
    struct device_row edge;
    sp_error e = rows.at == NULL ? SP_ERR_NOMEM : read_edge(c, f, p->after, &edge);

    ask->edge = p->after[0] ? &edge : NULL;
    ask->limit = p->limit + 1;
    if (e == SP_OK)
        e = find_devices(api, ask, &rows, &p->total);
    p->more = rows.count > p->limit;
    struct names n = names_hold(api);
    for (size_t i = 0; e == SP_OK && i < rows.count && i < p->limit; i++) {
        listing_push(p, device_object(api, &n, &rows.at[i]));
        write_edge(p, f, &rows.at[i]);
    }
    names_release(&n);
    free(rows.at);
    if (e == SP_OK)
        response_json(c->res, 200, listing_object(p));
    return e;
}

sp_error api_device_list(struct api *api, struct api_call *c)
{
    struct standing_ask ask = {0};
    struct device_filter *f = &ask.filter;
    size_t state = 0, posture = 0;
    struct page p;
    sp_error e;

    if ((e = call_id(c, "user", &f->user)) != SP_OK ||
        (e = call_choice(c, "state", state_words, &state)) != SP_OK ||
        (e = call_choice(c, "posture", standing_words, &posture)) != SP_OK ||
        (e = call_sort(c, &f->sort, &f->down)) != SP_OK || (e = listing_begin(c, &p)) != SP_OK)
        return e;
    f->q = p.q[0] ? p.q : NULL;
    f->state = (enum device_row_state)state;
    ask.posture = (enum standing)posture;
    e = answer_devices(api, c, &ask, &p);
    if (e != SP_OK)
        listing_drop(&p);
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

static sp_error block(struct api *api, struct sp_id device, const struct audit_record *by)
{
    struct device_row row;

    return devices_set_state(api->registry, device, ROW_DEVICE_BLOCKED, by, &row);
}

static sp_error revoke(struct api *api, struct sp_id device, const struct audit_record *by)
{
    struct device_row row;

    return devices_set_state(api->registry, device, ROW_DEVICE_LOST, by, &row);
}

sp_error api_device_ask(struct api *api, struct api_call *c)
{
    struct device_row row;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK ||
        (e = store_services(registry_store(api->registry))
                 ->registry->device_get(registry_store(api->registry), id, &row)) != SP_OK)
        return e;
    if (!api->ports.ask_report(api->ports.arg, id)) {
        c->problem = (struct problem){.status = 409,
                                      .code = "offline",
                                      .detail = "The device's agent is not connected: it reports "
                                                "by itself when it comes back."};
        return SP_ERR_UNREACHABLE;
    }
    response_empty(c->res, 204);
    return SP_OK;
}

sp_error api_device_block(struct api *api, struct api_call *c)
{
    return cuts_act(api, c, LIVE_DEVICE, block);
}

sp_error api_device_revoke(struct api *api, struct api_call *c)
{
    return cuts_act(api, c, LIVE_DEVICE, revoke);
}
