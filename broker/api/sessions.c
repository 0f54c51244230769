#include "broker/session/sessions.h"

#include "broker/api/call.h"
#include "broker/api/cuts.h"
#include "broker/api/feed.h"
#include "broker/api/names.h"
#include "broker/session/cut.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const state_words[] = {
    [SESSION_NONE] = "ended",    [SESSION_GRANTED] = "granted", [SESSION_RUNNING] = "live",
    [SESSION_PAUSED] = "paused", [SESSION_CUTTING] = "cutting",
};

struct json *api_session_object(struct api *api, const struct names *n, const struct session *s,
                                const char *state)
{
    struct json *o = json_object();

    json_set_id(o, "id", s->id);
    set_ref(o, "user", s->user, s->user_name);
    set_ref(o, "device", s->device, s->device_name);
    set_ref(o, "app", s->app, s->app_name);
    set_connector(o, "connector", n, s->connector);
    set_relay(o, "relay", n, s->relay);
    json_set_cstr(o, "state", state != NULL ? state : state_words[s->state]);
    json_set_time(o, "opened", s->opened);
    set_time(o, "deadline", s->deadline);
    set_ms(o, "idle_ms", s->idle_ms > 0 ? s->idle_ms : -1);
    json_set_int(o, "bytes_up", (int64_t)s->bytes_up);
    json_set_int(o, "bytes_down", (int64_t)s->bytes_down);
    json_set_int(o, "policy_version", (int64_t)s->policy_version);
    json_set_cstr(o, "rule", s->rule);
    set_text_or_null(o, "request_id", s->request);
    set_text_or_null(o, "address", s->address);
    json_set(o, "cut", cut_of_session(api, s));
    return o;
}

/* ---- the list ----------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct session *x = a, *y = b;

    if (x->opened != y->opened)
        return x->opened > y->opened ? -1 : 1;
    return id_compare(x->id, y->id);
}

/* What the filter names, the narrowest index first. */
static enum live_key narrowest(const struct sp_id ids[4], struct sp_id *id)
{
    static const enum live_key keys[] = {LIVE_USER, LIVE_DEVICE, LIVE_CONNECTOR, LIVE_APP};

    for (size_t i = 0; i < 4; i++)
        if (!id_is_zero(ids[i])) {
            *id = ids[i];
            return keys[i];
        }
    return LIVE_ALL;
}

static bool wanted(const struct session *s, const struct sp_id ids[4], const struct page *p)
{
    return (id_is_zero(ids[0]) || id_equal(ids[0], s->user)) &&
           (id_is_zero(ids[1]) || id_equal(ids[1], s->device)) &&
           (id_is_zero(ids[2]) || id_equal(ids[2], s->connector)) &&
           (id_is_zero(ids[3]) || id_equal(ids[3], s->app)) &&
           (listing_matches(p, s->user_name) || listing_matches(p, s->app_name) ||
            listing_matches(p, s->device_name));
}

/* A cursor that rises along the list: newest first, so the time counts down. */
static void cursor_of(const struct session *s, char out[48])
{
    snprintf(out, 48, "%016llx.%s", (unsigned long long)(INT64_MAX - s->opened), id_text(s->id).s);
}

sp_error api_session_list(struct api *api, struct api_call *c)
{
    static const char *const filters[] = {"user", "device", "connector", "app"};
    struct sp_id ids[4], id = {{0}};
    struct page p;
    sp_error e;

    for (size_t i = 0; i < 4; i++)
        if ((e = call_id(c, filters[i], &ids[i])) != SP_OK)
            return e;
    if ((e = listing_begin(c, &p)) != SP_OK)
        return e;

    enum live_key by = narrowest(ids, &id);
    size_t count = live_find(api->live, by, id, NULL, 0), room = count + 64;
    if (room > COUNT_EXACT_MAX + 1)
        room = COUNT_EXACT_MAX + 1;
    struct session *all = calloc(room, sizeof *all);
    if (all == NULL) {
        listing_drop(&p);
        return SP_ERR_NOMEM;
    }
    count = live_find(api->live, by, id, all, room);
    if (count > room)
        count = room;
    qsort(all, count, sizeof *all, newest_first);

    struct names n = names_hold(api);
    for (size_t i = 0; i < count; i++) {
        char key[48];
        cursor_of(&all[i], key);
        if (wanted(&all[i], ids, &p) && listing_wants(&p, key))
            listing_push(&p, api_session_object(api, &n, &all[i], NULL));
    }
    names_release(&n);
    free(all);
    struct json *o = listing_object(&p);
    json_set(o, "cuts_24h", cuts_day(api->cuts, clock_unix()));
    response_json(c->res, 200, o);
    return SP_OK;
}

sp_error api_session_get(struct api *api, struct api_call *c)
{
    struct session s;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = live_get(api->live, id, &s)) != SP_OK)
        return e;
    struct names n = names_hold(api);
    response_json(c->res, 200, api_session_object(api, &n, &s, NULL));
    names_release(&n);
    return SP_OK;
}

/* ---- killing ------------------------------------------------------------------------------ */

static sp_error kill_matching(struct api *api, struct api_call *c, const struct kill_target *target,
                              enum live_key by, struct sp_id id, const char *reason)
{
    struct cut_watch w;
    size_t count = 0;

    cuts_watch(api->live, by, id, &w);
    sp_error e = sessions_kill(api->sessions, target, reason, &c->by, &count);
    if (e == SP_OK)
        response_json(c->res, 200, cuts_answer(api, &w));
    cut_watch_free(&w);
    return e;
}

sp_error api_session_kill(struct api *api, struct api_call *c)
{
    char reason[CALL_TEXT_MAX + 1];
    struct kill_target target = {0};
    sp_error e;

    if ((e = request_id(c->req, "id", &target.session)) != SP_OK ||
        (e = call_reason(c, reason)) != SP_OK)
        return e;
    return kill_matching(api, c, &target, LIVE_SESSION, target.session, reason);
}

sp_error api_session_kill_many(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"by", "id", "reason", NULL};
    struct kill_target target = {0};
    const struct {
        const char *word;
        enum live_key key;
        struct sp_id *id;
    } kinds[] = {
        {"user", LIVE_USER, &target.user},
        {"device", LIVE_DEVICE, &target.device},
        {"connector", LIVE_CONNECTOR, &target.connector},
        {"app", LIVE_APP, &target.app},
    };
    char reason[CALL_TEXT_MAX + 1];
    struct view by, text;
    struct sp_id id;
    struct json *body;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    if ((e = member_text(c, body, "by", 1, 16, &by)) == SP_OK &&
        (e = member_id(c, body, "id", &id)) == SP_OK &&
        (e = member_text(c, body, "reason", 1, 500, &text)) == SP_OK) {
        memcpy(reason, text.at, text.len);
        reason[text.len] = '\0';
        sp_why_field(&c->why, "by");
        e = sp_why_say(&c->why, SP_ERR_INVALID, "by is user, device, connector or app");
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (view_is(by, kinds[i].word)) {
                *kinds[i].id = id;
                e = kill_matching(api, c, &target, kinds[i].key, id, reason);
                break;
            }
    }
    json_free(body);
    return e;
}
