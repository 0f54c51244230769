/* The document in force and its history; simulation. */
#include "broker/session/open.h"

#include "broker/api/names.h"
#include "broker/api/policies.h"
#include "broker/api/slice.h"
#include "broker/api/trace.h"
#include "broker/session/rules.h"
#include "lib/base/num.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- versions ----------------------------------------------------------------------------- */

struct version_reader {
    struct names names;
    uint64_t in_force;
    bool with_text;
    struct json *one;  /* the last one read; owned */
    struct page *page; /* or the page that they join */
    uint64_t last;
};

static struct json *version_object(const struct version_reader *r, const struct policy_row *row)
{
    struct json *o = json_object();

    json_set_int(o, "version", (int64_t)row->ver);
    set_time(o, "at", row->at != 0 ? row->at : 1);
    set_user(o, "by", &r->names, row->author);
    json_set_cstr(o, "note", row->note);
    if (r->with_text)
        json_set_str(o, "text", row->text);
    else
        set_null(o, "text");
    json_set_bool(o, "in_force", row->ver == r->in_force);
    return o;
}

static bool read_version(void *arg, const struct policy_row *row)
{
    struct version_reader *r = arg;

    if (r->page == NULL) {
        json_free(r->one);
        r->one = version_object(r, row);
        return true;
    }
    if (json_len(r->page->items) == r->page->limit) {
        r->page->more = true;
        return false;
    }
    listing_push(r->page, version_object(r, row));
    r->last = row->ver;
    return true;
}

/* The version `ver` as an object; 0: the one in force. Version 0 itself is the empty document
 * that denies everything: what is in force before anything was saved. */
static sp_error version_get(struct api *api, uint64_t ver, struct json **out, uint64_t *which)
{
    struct store *st = registry_store(api->registry);
    struct version_reader r = {.names = names_hold(api), .with_text = true};
    sp_error e = SP_OK;

    r.in_force = r.names.s->policy.ver;
    *which = ver != 0 ? ver : r.in_force;
    if (*which == 0)
        r.one = version_object(&r, &(struct policy_row){0});
    else
        e = store_services(st)->registry->policy_get(st, *which, read_version, &r);
    names_release(&r.names);
    if (e == SP_OK && r.one == NULL)
        e = SP_ERR_NOT_FOUND;
    if (e != SP_OK)
        json_free(r.one);
    else
        *out = r.one;
    return e;
}

sp_error api_policy_document(struct api *api, struct api_call *c)
{
    struct json *o;
    uint64_t version;
    sp_error e = version_get(api, 0, &o, &version);

    if (e != SP_OK)
        return e;
    response_json(c->res, 200, o);
    answer_etag(c, version);
    return SP_OK;
}

sp_error api_policy_version(struct api *api, struct api_call *c)
{
    struct json *o;
    uint64_t version;
    sp_error e;

    if ((e = call_number(c, "version", &version)) != SP_OK)
        return e;
    if (version == 0)
        return SP_ERR_NOT_FOUND;
    if ((e = version_get(api, version, &o, &version)) == SP_OK)
        response_json(c->res, 200, o);
    return e;
}

sp_error api_policy_history(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct version_reader r = {0};
    uint64_t before = 0;
    struct page p;
    sp_error e = listing_begin(c, &p);

    if (e != SP_OK)
        return e;
    if (p.after[0] != '\0' && num_uint(view_str(p.after), INT64_MAX, &before) != SP_OK) {
        listing_drop(&p);
        return SP_ERR_INVALID;
    }
    r.names = names_hold(api);
    r.in_force = r.names.s->policy.ver;
    r.page = &p;
    p.total = r.in_force;
    e = store_services(st)->registry->policy_list(st, before, p.limit + 1, read_version, &r);
    names_release(&r.names);
    if (e != SP_OK) {
        listing_drop(&p);
        return e;
    }
    snprintf(p.next, sizeof p.next, "%llu", (unsigned long long)r.last);
    response_json(c->res, 200, listing_object(&p));
    return SP_OK;
}

static bool copy_text(void *arg, const struct policy_row *row)
{
    struct buf *text = arg;

    buf_reset(text);
    buf_add(text, row->text);
    return true;
}

sp_error api_policy_rollback(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    char reason[CALL_TEXT_MAX + 1], note[CALL_TEXT_MAX + 64];
    uint64_t expected, version;
    struct buf text;
    sp_error e;

    if ((e = call_number(c, "version", &version)) != SP_OK ||
        (e = call_if_match(c, &expected)) != SP_OK || (e = call_reason(c, reason)) != SP_OK)
        return e;
    snprintf(note, sizeof note, "back to version %llu: %s", (unsigned long long)version, reason);
    buf_init(&text, POLICY_DOC_BYTES_MAX);
    if ((e = policy_direct(api, c)) == SP_OK)
        e = store_services(st)->registry->policy_get(st, version, copy_text, &text);
    if (e == SP_OK)
        e = buf_error(&text);
    if (e == SP_OK)
        e = policy_put_whole(api, c, buf_view(&text), expected, c->caller.user.id, note);
    buf_deinit(&text);
    return e == SP_OK ? api_policy_document(api, c) : e;
}

/* ---- simulation --------------------------------------------------------------------------- */

struct asked {
    struct sp_id user, app, device;
    const struct json *facts;  /* borrowed from the body */
    struct view draft, policy; /* `policy`: the draft is that one's, not the whole document's */
};

static sp_error read_asked(struct api_call *c, const struct json *body, struct asked *out)
{
    sp_error e;

    if ((e = member_id(c, body, "user", &out->user)) != SP_OK ||
        (e = member_id(c, body, "app", &out->app)) != SP_OK)
        return e;
    if (json_kind(json_get(body, "device")) == JSON_STRING &&
        (e = member_id(c, body, "device", &out->device)) != SP_OK)
        return e;
    if (json_kind(json_get(body, "text")) == JSON_STRING)
        out->draft = json_str(json_get(body, "text"));
    if (json_kind(json_get(body, "policy")) == JSON_STRING &&
        (e = member_text(c, body, "policy", 1, POLICY_NAME_MAX, &out->policy)) != SP_OK)
        return e;
    if (json_kind(json_get(body, "facts")) == JSON_OBJECT)
        out->facts = json_get(body, "facts");
    return SP_OK;
}

/* A draft of one policy decides together with all the others that are in force. */
static sp_error complete_draft(struct api *api, struct asked *q, struct buf *whole)
{
    const struct snapshot *s;
    unsigned line;
    sp_error e;

    if (q->policy.len == 0 || q->draft.len == 0)
        return SP_OK;
    s = registry_hold(api->registry);
    e = slice_replace(s->policy.text, q->policy, q->draft, whole, &line);
    registry_release(api->registry, s);
    q->draft = buf_view(whole);
    return e;
}

static sp_error simulate(struct api *api, struct api_call *c, const struct asked *q)
{
    struct store *st = registry_store(api->registry);
    struct names n = names_hold(api);
    const struct app_row *app = snapshot_app_by_id(n.s, q->app);
    struct user_row user;
    struct why_answer why = {0};
    sp_error e = app == NULL ? SP_ERR_NOT_FOUND : SP_OK;

    if (e == SP_OK && (e = store_services(st)->registry->user_get(st, q->user, &user)) == SP_OK) {
        const struct simulation asked = {.user = user.name,
                                         .device = q->device,
                                         .app = view_str(app->name),
                                         .facts = q->facts,
                                         .draft = q->draft};
        e = session_simulate(api->sessions, &asked, &c->why, &why);
    }
    if (e == SP_OK) {
        struct trace_about about = {.at = clock_unix(),
                                    .user = q->user,
                                    .user_name = user.name,
                                    .device = q->device,
                                    .app = q->app,
                                    .app_name = app->name};
        response_json(c->res, 200, trace_object(&n, &about, why.trace, &why.sentences));
        why_answer_free(&why);
    }
    names_release(&n);
    return e;
}

sp_error api_policy_simulate(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"user", "app", "device", "text", "policy", "facts", NULL};
    struct asked q = {0};
    struct json *body;
    struct buf whole;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    buf_init(&whole, POLICY_DOC_BYTES_MAX);
    if ((e = read_asked(c, body, &q)) == SP_OK && (e = complete_draft(api, &q, &whole)) == SP_OK)
        e = simulate(api, c, &q);
    buf_deinit(&whole);
    json_free(body);
    return e;
}

sp_error api_why_now(struct api *api, struct api_call *c)
{
    struct asked q = {0};
    sp_error e;

    if ((e = call_id(c, "user", &q.user)) != SP_OK || (e = call_id(c, "app", &q.app)) != SP_OK ||
        (e = call_id(c, "device", &q.device)) != SP_OK)
        return e;
    if (id_is_zero(q.user) || id_is_zero(q.app))
        return sp_why_say(&c->why, SP_ERR_INVALID, "user and app are needed");
    return simulate(api, c, &q);
}
