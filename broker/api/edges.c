/* Connectors and relays as the console sees them: what the registry knows of them, and what
 * hangs here now. */
#include "broker/session/edges.h"

#include "broker/api/call.h"
#include "broker/api/cuts.h"
#include "broker/api/names.h"
#include "broker/registry/sites.h"
#include "broker/session/live.h"

static const char *state_word(enum edge_state state, bool here)
{
    if (state == EDGE_REVOKED)
        return "revoked";
    if (!here)
        return "silent";
    return state == EDGE_DRAIN ? "draining" : "online";
}

static struct json *relays_of(struct api *api, const struct names *n, struct sp_id connector)
{
    struct sp_id at[EDGE_STANDS_MAX];
    size_t count = edges_stands(api->edges, connector, at);
    struct json *list = json_array();

    for (size_t i = 0; i < count; i++) {
        struct json *holder = json_object();
        set_relay(holder, "r", n, at[i]);
        json_push(list, json_ref(json_get(holder, "r")));
        json_free(holder);
    }
    return list;
}

/* The best round trip to a relay that it stands at; -1: never measured. */
static int64_t best_rtt_ms(struct api *api, struct sp_id connector)
{
    struct sp_id at[EDGE_STANDS_MAX];
    size_t count = edges_stands(api->edges, connector, at);
    uint32_t best = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t us = edges_rtt_us(api->edges, EDGE_CONNECTOR, connector, at[i]);
        if (us != 0 && (best == 0 || us < best))
            best = us;
    }
    return best == 0 ? -1 : ((int64_t)best + 999) / 1000;
}

static struct json *connector_object(struct api *api, const struct names *n,
                                     const struct connector_row *row)
{
    struct edge_info info = {0};
    bool here = edges_find(api->edges, EDGE_CONNECTOR, row->id, &info) == SP_OK;
    struct json *o = json_object();

    json_set_id(o, "id", row->id);
    json_set_cstr(o, "name", row->name);
    set_site(o, "site", n, row->site);
    json_set_cstr(o, "state", state_word(row->state, here));
    json_set_cstr(o, "fingerprint", key_fingerprint(&row->key).s);
    set_text_or_null(o, "software", here ? info.software : row->software);
    set_text_or_null(o, "address", info.address);
    set_time(o, "online_since", here ? info.since : 0);
    set_time(o, "last_seen", here ? clock_unix() : row->seen);
    set_ms(o, "rtt_ms", best_rtt_ms(api, row->id));
    json_set(o, "relays", relays_of(api, n, row->id));
    json_set_int(o, "sessions_live",
                 (int64_t)live_find(api->live, LIVE_CONNECTOR, row->id, NULL, 0));
    set_time(o, "enrolled_at", row->created);
    return o;
}

sp_error api_connector_list(struct api *api, struct api_call *c)
{
    struct sp_id site;
    struct page p;
    sp_error e;

    if ((e = call_id(c, "site", &site)) != SP_OK || (e = listing_begin(c, &p)) != SP_OK)
        return e;
    struct names n = names_hold(api);
    for (size_t i = 0; i < n.s->connector_count; i++) {
        const struct connector_row *row = &n.s->connectors[i];
        if ((!id_is_zero(site) && !id_equal(site, row->site)) || !listing_matches(&p, row->name))
            continue;
        if (listing_wants(&p, id_text(row->id).s))
            listing_push(&p, connector_object(api, &n, row));
    }
    names_release(&n);
    response_json(c->res, 200, listing_object(&p));
    return SP_OK;
}

sp_error api_connector_get(struct api *api, struct api_call *c)
{
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    if (e != SP_OK)
        return e;
    struct names n = names_hold(api);
    const struct connector_row *row = snapshot_connector(n.s, id);
    if (row != NULL)
        response_json(c->res, 200, connector_object(api, &n, row));
    names_release(&n);
    return row != NULL ? SP_OK : SP_ERR_NOT_FOUND;
}

static sp_error revoke_connector(struct api *api, struct sp_id id, const struct audit_record *by)
{
    struct connector_row row;

    return connectors_set_state(api->registry, id, EDGE_REVOKED, by, &row);
}

sp_error api_connector_revoke(struct api *api, struct api_call *c)
{
    return cuts_act(api, c, LIVE_CONNECTOR, revoke_connector);
}

static struct json *relay_object(struct api *api, const struct relay_row *row)
{
    struct edge_info info = {0};
    bool here = edges_find(api->edges, EDGE_RELAY, row->id, &info) == SP_OK;
    struct json *o = json_object(), *addresses = json_array();

    for (const char *at = row->addresses; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (len > 0)
            json_push(addresses, json_new_str((struct view){(const uint8_t *)at, len}));
        at += len + (at[len] == ' ');
    }
    json_set_id(o, "id", row->id);
    json_set_cstr(o, "name", row->name);
    json_set_cstr(o, "region", row->region);
    json_set_cstr(o, "state", state_word(row->state, here));
    json_set(o, "addresses", addresses);
    set_ms(o, "tunnels", here ? (int64_t)edges_relay_load(api->edges, row->id).tunnels : -1);
    json_set_int(o, "sessions_live", (int64_t)live_find(api->live, LIVE_RELAY, row->id, NULL, 0));
    set_time(o, "last_seen", here ? clock_unix() : row->seen);
    set_text_or_null(o, "software", info.software);
    return o;
}

sp_error api_relay_list(struct api *api, struct api_call *c)
{
    struct names n = names_hold(api);
    struct json *o = json_object(), *items = json_array();

    for (size_t i = 0; i < n.s->relay_count; i++)
        json_push(items, relay_object(api, &n.s->relays[i]));
    names_release(&n);
    json_set(o, "items", items);
    response_json(c->res, 200, o);
    return SP_OK;
}

static sp_error revoke_relay(struct api *api, struct sp_id id, const struct audit_record *by)
{
    struct relay_row row;

    return relays_set_state(api->registry, id, EDGE_REVOKED, by, &row);
}

sp_error api_relay_revoke(struct api *api, struct api_call *c)
{
    return cuts_act(api, c, LIVE_RELAY, revoke_relay);
}
