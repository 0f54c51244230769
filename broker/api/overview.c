/* GET /overview: figures of now and of the last day, and what waits for an admin. */
#include "broker/api/apps.h"
#include "broker/api/call.h"
#include "broker/api/cuts.h"
#include "broker/api/figures.h"
#include "broker/api/names.h"
#include "broker/api/records.h"
#include "broker/api/sites.h"
#include "broker/feeds/feeds.h"
#include "broker/feeds/vendor.h"
#include "broker/identity/oidc.h"
#include "broker/registry/access.h"
#include "broker/session/edges.h"
#include "broker/session/live.h"

#include <stdio.h>

enum { DAY_MS = 24 * 3600 * 1000, DENIALS = 8, NEEDS_MAX = 50 };
enum { CERTIFICATE_SOON_MS = 14 * DAY_MS };

struct need {
    const char *code, *severity, *title, *detail, *link;
    sp_unix_ms since; /* 0: not known */
};

static void add_need(struct json *list, const struct need *n)
{
    if (json_len(list) >= NEEDS_MAX)
        return;
    struct json *o = json_object();
    json_set_cstr(o, "code", n->code);
    json_set_cstr(o, "severity", n->severity);
    json_set_cstr(o, "title", n->title);
    json_set_cstr(o, "detail", n->detail);
    set_time(o, "since", n->since);
    json_set_cstr(o, "link", n->link);
    json_push(list, o);
}

/* ---- devices and users -------------------------------------------------------------------- */

static void need_approval(const struct device_counts *n, const struct device_row *oldest,
                          struct json *needs)
{
    char title[64], detail[ROW_NAME_MAX + 32];

    if (n->pending == 0)
        return;
    snprintf(title, sizeof title, "%zu device%s for approval", n->pending,
             n->pending == 1 ? " waits" : "s wait");
    snprintf(detail, sizeof detail, "Oldest: %s", oldest->name);
    add_need(needs, &(struct need){.code = "device_pending",
                                   .severity = "warn",
                                   .title = title,
                                   .detail = detail,
                                   .since = oldest->created,
                                   .link = "/devices?state=pending"});
}

static sp_error set_devices(struct api *api, struct json *o, struct json *needs)
{
    struct store *st = registry_store(api->registry);
    struct device_counts n = {0};
    struct device_row oldest = {.name = ""};
    struct posture_tally t = {0};
    sp_error e;

    if ((e = store_services(st)->registry->device_tally(st, &n, &oldest)) != SP_OK ||
        (e = figures_devices(api->figures, api->judge, clock_unix(), &t)) != SP_OK)
        return e;
    struct json *d = json_object();
    json_set_int(d, "approved", (int64_t)n.approved);
    json_set_int(d, "pending", (int64_t)n.pending);
    json_set_int(d, "blocked", (int64_t)n.blocked);
    json_set_int(d, "passing", (int64_t)t.passing);
    json_set_int(d, "failing", (int64_t)t.failing);
    json_set_int(d, "unknown", (int64_t)t.unknown);
    json_set(o, "devices", d);
    need_approval(&n, &oldest, needs);
    return SP_OK;
}

static bool keep_oldest(void *arg, const struct access_row *row)
{
    *(sp_unix_ms *)arg = row->created;
    return false;
}

/* Only what still can be answered waits. */
static sp_error need_answers(struct api *api, struct json *needs)
{
    struct store *st = registry_store(api->registry);
    const struct store_access *access = store_services(st)->access;
    const struct access_filter f = {.state = ACCESS_WAITING,
                                    .created_from = clock_unix() - ACCESS_WAIT_MS + 1};
    sp_unix_ms oldest = 0;
    size_t count = 0;
    char title[64];
    sp_error e = access->count(st, &f, COUNT_EXACT_MAX, &count);

    if (e != SP_OK || count == 0 ||
        (e = access->waiting(st, f.created_from, keep_oldest, &oldest)) != SP_OK)
        return e;
    snprintf(title, sizeof title, "%zu request%s for access", count,
             count == 1 ? " waits" : "s wait");
    add_need(needs, &(struct need){.code = "request_waiting",
                                   .severity = "warn",
                                   .title = title,
                                   .detail = "Who asked is shut out until someone answers.",
                                   .since = oldest,
                                   .link = "/requests?state=waiting"});
    return SP_OK;
}

static sp_error set_users(struct api *api, struct json *o)
{
    struct store *st = registry_store(api->registry);
    size_t count = 0;
    sp_error e = store_services(st)->registry->user_count(st, NULL, SIZE_MAX, &count);

    json_set_int(o, "users", (int64_t)count);
    return e;
}

/* ---- network and policies ----------------------------------------------------------------- */

/* One that stops takes the whole site with it. */
static void need_spare(const struct site_row *site, struct json *needs)
{
    char title[ROW_NAME_MAX + 48], link[64];

    snprintf(title, sizeof title, "Site %s has no spare connector", site->name);
    snprintf(link, sizeof link, "/sites/%s/enrol", id_text(site->id).s);
    add_need(needs, &(struct need){.code = "site_without_spare",
                                   .severity = "info",
                                   .title = title,
                                   .detail = "When its one connector stops, its apps are closed.",
                                   .since = 0,
                                   .link = link});
}

static void need_connectors(struct api *api, const struct names *n, struct json *needs)
{
    struct edge_info info;
    char title[ROW_NAME_MAX + 32], link[64];

    for (size_t i = 0; i < n->s->connector_count; i++) {
        const struct connector_row *k = &n->s->connectors[i];
        if (k->state == EDGE_REVOKED ||
            edges_find(api->edges, EDGE_CONNECTOR, k->id, &info) == SP_OK)
            continue;
        snprintf(title, sizeof title, "Connector %s is silent", k->name);
        snprintf(link, sizeof link, "/connectors/%s", id_text(k->id).s);
        add_need(needs, &(struct need){.code = "connector_silent",
                                       .severity = "bad",
                                       .title = title,
                                       .detail = "Its host or its way out is down.",
                                       .since = k->seen,
                                       .link = link});
    }
    for (size_t i = 0; i < n->s->site_count; i++) {
        size_t enrolled, online;
        site_connectors(api, n, n->s->sites[i].id, &enrolled, &online);
        if (enrolled == 1)
            need_spare(&n->s->sites[i], needs);
        if (enrolled > 0)
            continue;
        snprintf(title, sizeof title, "Site %s has no connector", n->s->sites[i].name);
        snprintf(link, sizeof link, "/sites/%s/enrol", id_text(n->s->sites[i].id).s);
        add_need(needs, &(struct need){.code = "site_without_connector",
                                       .severity = "warn",
                                       .title = title,
                                       .detail = "Nothing there can be reached.",
                                       .since = 0,
                                       .link = link});
    }
}

enum { APPS_ONE_BY_ONE = 3 };

/* Each its own line; more than a few are one, with the list behind it. */
static void need_policies(struct api *api, const struct names *n, struct json *needs)
{
    const struct rules_version *v = rules_hold(api->rules);
    char title[ROW_NAME_MAX + 48], link[64];
    const struct app_row *found[APPS_ONE_BY_ONE];
    sp_unix_ms since = INT64_MAX;
    size_t count = 0;

    for (size_t i = 0; i < n->s->app_count; i++) {
        const struct app_row *row = &n->s->apps[i];
        if (app_may_be_asked_for(v, row))
            continue;
        if (count < APPS_ONE_BY_ONE)
            found[count] = row;
        since = row->updated < since ? row->updated : since;
        count++;
    }
    for (size_t i = 0; count <= APPS_ONE_BY_ONE && i < count; i++) {
        snprintf(title, sizeof title, "Nobody may ask for %s", found[i]->name);
        snprintf(link, sizeof link, "/apps/%s", id_text(found[i]->id).s);
        add_need(needs, &(struct need){.code = "app_without_policy",
                                       .severity = "info",
                                       .title = title,
                                       .detail = "No policy has an allow rule for it.",
                                       .since = found[i]->updated,
                                       .link = link});
    }
    if (count > APPS_ONE_BY_ONE) {
        snprintf(title, sizeof title, "Nobody may ask for %zu apps", count);
        add_need(needs, &(struct need){.code = "app_without_policy",
                                       .severity = "info",
                                       .title = title,
                                       .detail = "No policy has an allow rule for them.",
                                       .since = since,
                                       .link = "/apps?asked=nobody"});
    }
    rules_release(api->rules, v);
}

static void need_first_steps(const struct names *n, struct json *needs)
{
    if (n->s->site_count == 0)
        add_need(
            needs,
            &(struct need){
                .code = "first_steps",
                .severity = "info",
                .title = "Add a site",
                .detail = "A site is a network with apps; a connector stands there and dials out.",
                .since = 0,
                .link = "/sites"});
    else if (n->s->app_count == 0)
        add_need(
            needs,
            &(struct need){
                .code = "first_steps",
                .severity = "info",
                .title = "Add an app",
                .detail =
                    "A name, a site, a host and a port: people reach it and nothing beside it.",
                .since = 0,
                .link = "/apps"});
}

static struct json *sites_of(struct api *api, const struct names *n)
{
    struct json *list = json_array();

    for (size_t i = 0; i < n->s->site_count && i < PAGE_LIMIT_MAX; i++)
        json_push(list, api_site_object(api, n, &n->s->sites[i]));
    return list;
}

/* ---- drafts and the certificate ------------------------------------------------------------ */

struct drafts_due {
    struct sp_id me;
    size_t count;
    sp_unix_ms oldest;
};

static bool count_due(void *arg, const struct draft_row *row)
{
    struct drafts_due *d = arg;

    if (id_equal(row->author, d->me))
        return true;
    d->count++;
    if (d->oldest == 0 || row->created < d->oldest)
        d->oldest = row->created;
    return true;
}

/* What others wrote and this admin may put in force. */
static sp_error need_drafts(struct api *api, const struct api_call *c, struct json *needs)
{
    struct store *st = registry_store(api->registry);
    struct drafts_due d = {.me = c->caller.user.id};
    char title[64];
    sp_error e;

    if (c->caller.role < ROLE_ADMIN)
        return SP_OK;
    if ((e = store_services(st)->drafts->list(st, count_due, &d)) != SP_OK || d.count == 0)
        return e;
    snprintf(title, sizeof title, "%zu draft%s for approval", d.count,
             d.count == 1 ? " waits" : "s wait");
    add_need(needs, &(struct need){.code = "draft_waiting",
                                   .severity = "warn",
                                   .title = title,
                                   .detail = "It decides nothing until an admin puts it in force.",
                                   .since = d.oldest,
                                   .link = "/policies?tab=drafts"});
    return SP_OK;
}

static void need_certificate(struct api *api, sp_unix_ms now, struct json *needs)
{
    sp_unix_ms ends = 0;
    char title[80];

    if (api->ports.certificate_ends == NULL ||
        api->ports.certificate_ends(api->ports.arg, &ends) != SP_OK ||
        ends - now >= CERTIFICATE_SOON_MS)
        return;
    int64_t days = (ends - now) / DAY_MS;
    if (ends <= now)
        snprintf(title, sizeof title, "The broker's certificate has ended");
    else if (days == 0)
        snprintf(title, sizeof title, "The broker's certificate ends within a day");
    else
        snprintf(title, sizeof title, "The broker's certificate ends in %lld day%s",
                 (long long)days, days == 1 ? "" : "s");
    add_need(needs,
             &(struct need){.code = "certificate_ends",
                            .severity = ends <= now ? "bad" : "warn",
                            .title = title,
                            .detail = "Nobody can sign in when it has ended. Renew the file.",
                            .since = 0,
                            .link = "/settings"});
}

/* Whoever signs in through it stays outside. `since` is its last good answer. */
static void need_providers(struct api *api, struct json *needs)
{
    char title[ROW_NAME_MAX + 48];

    for (size_t i = 0; i < oidc_count(api->oidc); i++) {
        struct provider *p = oidc_at(api->oidc, i);
        struct discovery_state state = provider_state(p);
        if (state.metadata_error == SP_OK && state.keys_error == SP_OK)
            continue;
        snprintf(title, sizeof title, "Identity provider %.100s fails", provider_name(p));
        add_need(needs, &(struct need){.code = "provider_failing",
                                       .severity = "bad",
                                       .title = title,
                                       .detail = state.why.text[0] != '\0'
                                                     ? state.why.text
                                                     : "Nobody can sign in through it.",
                                       .since = state.metadata_at,
                                       .link = "/integrations"});
    }
}

/* What it said ages, and past its end counts as unknown. */
static void need_feed(void *arg, const struct feed_view *v)
{
    char title[64];

    if (v->state != FEED_FAILS)
        return;
    snprintf(title, sizeof title, "Posture feed %s fails", vendor_of(v->vendor)->title);
    add_need(arg, &(struct need){.code = "feed_failing",
                                 .severity = "bad",
                                 .title = title,
                                 .detail = v->row.result,
                                 .since = v->row.failing_since,
                                 .link = "/integrations"});
}

/* ---- all of it ---------------------------------------------------------------------------- */

static sp_error fill(struct api *api, const struct api_call *c, struct json *o, struct json *needs,
                     struct json *denials)
{
    sp_unix_ms now = clock_unix();
    sp_error e;

    json_set_time(o, "at", now);
    json_set_int(o, "sessions_live", (int64_t)live_count(api->live));
    if ((e = figures_day(api->figures, now, o)) != SP_OK || (e = set_users(api, o)) != SP_OK ||
        (e = set_devices(api, o, needs)) != SP_OK || (e = need_answers(api, needs)) != SP_OK ||
        (e = need_drafts(api, c, needs)) != SP_OK ||
        (e = records_newest(api, "session.deny", now - DAY_MS, DENIALS, denials)) != SP_OK)
        return e;
    struct names n = names_hold(api);
    json_set_int(o, "apps", (int64_t)n.s->app_count);
    need_certificate(api, now, needs);
    need_providers(api, needs);
    feeds_each(api->feeds, need_feed, needs);
    need_connectors(api, &n, needs);
    need_policies(api, &n, needs);
    need_first_steps(&n, needs);
    json_set(o, "sites", sites_of(api, &n));
    names_release(&n);
    json_set(o, "cuts_24h", cuts_day(api->cuts, now));
    json_set(o, "opens_24h", opens_day(api->cuts, now));
    json_set(o, "chain", chain_object(api));
    return SP_OK;
}

sp_error api_overview(struct api *api, struct api_call *c)
{
    struct json *o = json_object(), *needs = json_array(), *denials = json_array();
    sp_error e = fill(api, c, o, needs, denials);

    json_set(o, "needs", needs);
    json_set(o, "denials", denials);
    if (e != SP_OK) {
        json_free(o);
        return e;
    }
    response_json(c->res, 200, o);
    return SP_OK;
}
