#include "broker/registry/users.h"

#include "broker/api/call.h"
#include "broker/api/cuts.h"
#include "broker/api/names.h"
#include "broker/identity/mfa.h"
#include "broker/session/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t devices_of(struct api *api, struct sp_id user)
{
    struct store *st = registry_store(api->registry);
    struct device_filter f = {.user = user};
    size_t count = 0;

    /* Not countable now is shown as none; the page of devices says why. */
    sp_ignore(store_services(st)->registry->device_count(st, &f, COUNT_EXACT_MAX, &count));
    return count;
}

static void set_groups(struct api *api, struct json *o, const struct user_row *row)
{
    struct user_groups groups = {0};
    struct json *list = json_array();
    bool known = row->groups == GROUPS_KNOWN;

    if (known && users_groups(api->registry, row->id, &groups) == SP_OK) {
        for (size_t i = 0; i < groups.count; i++)
            json_push(list, json_new_str(view_str(groups.names[i])));
        users_groups_free(&groups);
    } else {
        known = false;
    }
    json_set(o, "groups", list);
    json_set_bool(o, "groups_known", known);
}

static void set_factor(struct api *api, struct json *o, struct sp_id user)
{
    struct mfa_state state = {0};
    bool some = mfa_state(api->mfa, user, &state) == SP_OK && state.enrolled;
    bool locked = state.locked_until > clock_unix();

    json_set_cstr(o, "factor", !some ? "none" : locked ? "totp_locked" : "totp");
    set_ms(o, "recovery_left", some ? (int64_t)state.recovery_left : -1);
}

static struct json *user_object(struct api *api, const struct user_row *row)
{
    struct json *o = json_object();
    enum api_role role = ROLE_PERSON;

    sp_ignore(api_role_of(api, row->id, &role)); /* unreadable groups give no role */
    json_set_id(o, "id", row->id);
    json_set_cstr(o, "name", row->name);
    json_set_cstr(o, "display", row->display);
    json_set_cstr(o, "email", row->email);
    json_set_cstr(o, "provider", row->idp);
    json_set_cstr(o, "subject", row->sub);
    json_set_cstr(o, "state", row->state == USER_LOCKED ? "locked" : "active");
    json_set_cstr(o, "role", api_role_word(role));
    set_groups(api, o, row);
    set_factor(api, o, row->id);
    json_set_int(o, "devices", (int64_t)devices_of(api, row->id));
    json_set_int(o, "sessions_live", (int64_t)live_find(api->live, LIVE_USER, row->id, NULL, 0));
    set_time(o, "signed_in_at", row->seen);
    return o;
}

/* Rows are kept and shaped after the reading: shaping reads the store itself. */
struct user_rows {
    struct user_row *at; /* owned */
    size_t count;
};

static bool keep_user(void *arg, const struct user_row *row)
{
    struct user_rows *rows = arg;

    rows->at[rows->count++] = *row;
    return true;
}

/* The cursor is the name; in the order of sign-in "SEEN.NAME". */
static sp_error read_edge(struct api_call *c, const struct user_filter *f, const char *after,
                          struct user_row *edge)
{
    sp_error e = SP_OK;

    *edge = (struct user_row){.name = ""};
    if (f->sort == SORT_SEEN)
        e = call_cursor(c, after, &edge->seen, &after);
    if (e == SP_OK)
        snprintf(edge->name, sizeof edge->name, "%.*s", (int)sizeof edge->name - 1, after);
    return e;
}

static void write_edge(struct page *p, const struct user_filter *f, const struct user_row *row)
{
    if (f->sort == SORT_SEEN)
        snprintf(p->next, sizeof p->next, "%lld.%s", (long long)row->seen, row->name);
    else
        snprintf(p->next, sizeof p->next, "%s", row->name);
}

static sp_error answer_users(struct api *api, struct api_call *c, const struct user_filter *f,
                             struct page *p)
{
    struct store *st = registry_store(api->registry);
    struct user_rows rows = {.at = calloc(p->limit + 1, sizeof *rows.at)};
    struct user_row edge;
    sp_error e = rows.at == NULL ? SP_ERR_NOMEM : read_edge(c, f, p->after, &edge);

    if (e == SP_OK)
        e = store_services(st)->registry->user_list(st, f, p->after[0] ? &edge : NULL, p->limit + 1,
                                                    keep_user, &rows);
    if (e == SP_OK)
        e = store_services(st)->registry->user_count(st, f, COUNT_EXACT_MAX + 1, &p->total);
    p->more = rows.count > p->limit;
    for (size_t i = 0; e == SP_OK && i < rows.count && i < p->limit; i++) {
        listing_push(p, user_object(api, &rows.at[i]));
        write_edge(p, f, &rows.at[i]);
    }
    free(rows.at);
    if (e == SP_OK)
        response_json(c->res, 200, listing_object(p));
    return e;
}

/* Exactly this name: one user or none. */
static sp_error answer_named(struct api *api, struct api_call *c, const char *name, struct page *p)
{
    struct store *st = registry_store(api->registry);
    struct user_row row;
    sp_error e = store_services(st)->registry->user_by_name(st, name, &row);

    if (e == SP_OK && listing_wants(p, row.name))
        listing_push(p, user_object(api, &row));
    if (e != SP_OK && e != SP_ERR_NOT_FOUND)
        return e;
    response_json(c->res, 200, listing_object(p));
    return SP_OK;
}

sp_error api_user_list(struct api *api, struct api_call *c)
{
    char group[CALL_TEXT_MAX], name[ROW_NAME_MAX + 1];
    static const char *const states[] = {"", "active", "locked", NULL};
    size_t state = 0;
    struct user_filter f = {0};
    struct page p;
    sp_error e;

    if ((e = call_text(c, "group", group, sizeof group)) != SP_OK ||
        (e = call_text(c, "name", name, sizeof name)) != SP_OK ||
        (e = call_choice(c, "state", states, &state)) != SP_OK ||
        (e = call_sort(c, &f.sort, &f.down)) != SP_OK || (e = listing_begin(c, &p)) != SP_OK)
        return e;
    f.q = p.q[0] ? p.q : NULL;
    f.group = group[0] ? group : NULL;
    f.state = state == 1 ? USER_ACTIVE : state == 2 ? USER_LOCKED : USER_NONE;
    e = name[0] ? answer_named(api, c, name, &p) : answer_users(api, c, &f, &p);
    if (e != SP_OK)
        listing_drop(&p);
    return e;
}

sp_error api_user_get(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct user_row row;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) == SP_OK &&
        (e = store_services(st)->registry->user_get(st, id, &row)) == SP_OK)
        response_json(c->res, 200, user_object(api, &row));
    return e;
}

/* ---- acts --------------------------------------------------------------------------------- */

static sp_error lock(struct api *api, struct sp_id user, const struct audit_record *by)
{
    struct user_row row;

    return users_set_state(api->registry, user, USER_LOCKED, by, &row);
}

static sp_error sign_out(struct api *api, struct sp_id user, const struct audit_record *by)
{
    return users_sign_out(api->registry, user, by);
}

/* AAL-9: whoever holds the old factor must not stay in on the strength of it. */
static sp_error reset(struct api *api, struct sp_id user, const struct audit_record *by)
{
    sp_error e = mfa_reset(api->mfa, user, by);

    return e == SP_OK ? users_sign_out(api->registry, user, by) : e;
}

sp_error api_user_lock(struct api *api, struct api_call *c)
{
    struct sp_id id;

    /* The last way in must not be locked from inside by a slip of the hand. */
    if (request_id(c->req, "id", &id) == SP_OK && id_equal(id, c->caller.user.id)) {
        c->problem = (struct problem){
            .status = 409, .code = "conflict", .detail = "You can't lock yourself out."};
        return SP_ERR_INVALID;
    }
    return cuts_act(api, c, LIVE_USER, lock);
}

sp_error api_user_sign_out(struct api *api, struct api_call *c)
{
    return cuts_act(api, c, LIVE_USER, sign_out);
}

sp_error api_user_reset_totp(struct api *api, struct api_call *c)
{
    return cuts_act(api, c, LIVE_USER, reset);
}

sp_error api_user_recovery_codes(struct api *api, struct api_call *c)
{
    char reason[CALL_TEXT_MAX + 1];
    struct mfa_recovery codes;
    struct json *o, *list;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = call_reason(c, reason)) != SP_OK)
        return e;
    c->by.text = reason;
    if ((e = mfa_recovery_new(api->mfa, id, &c->by, &codes)) != SP_OK)
        return e;
    o = json_object();
    list = json_array();
    for (size_t i = 0; i < MFA_RECOVERY_CODES; i++)
        json_push(list, json_new_str(view_str(codes.codes[i])));
    json_set(o, "codes", list);
    response_json(c->res, 201, o);
    explicit_bzero(&codes, sizeof codes);
    return SP_OK;
}

sp_error api_user_unlock(struct api *api, struct api_call *c)
{
    struct user_row row;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) == SP_OK &&
        (e = users_set_state(api->registry, id, USER_ACTIVE, &c->by, &row)) == SP_OK)
        response_empty(c->res, 204);
    return e;
}

/* ---- groups ------------------------------------------------------------------------------- */

struct group_reader {
    struct page *page;
    size_t batch;
    char last[ROW_NAME_MAX + 1];
};

static bool read_group(void *arg, const struct group_row *row)
{
    struct group_reader *r = arg;
    const char *slash = strchr(row->name, '/');

    r->batch++;
    memcpy(r->last, row->name, sizeof r->last);
    if (!listing_matches(r->page, row->name) || !listing_wants(r->page, row->name))
        return r->page->total <= COUNT_EXACT_MAX;
    struct json *o = json_object();
    json_set_cstr(o, "name", row->name);
    json_set_str(o, "provider",
                 (struct view){(const uint8_t *)row->name,
                               slash ? (size_t)(slash - row->name) : strlen(row->name)});
    json_set_int(o, "members", (int64_t)row->members);
    listing_push(r->page, o);
    return true;
}

sp_error api_group_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct group_reader r = {0};
    struct page p;
    sp_error e = listing_begin(c, &p);

    if (e != SP_OK)
        return e;
    r.page = &p;
    do {
        r.batch = 0;
        e = store_services(st)->registry->group_list(st, r.last, STORE_PAGE_MAX, read_group, &r);
    } while (e == SP_OK && r.batch == STORE_PAGE_MAX && p.total <= COUNT_EXACT_MAX);
    if (e != SP_OK) {
        listing_drop(&p);
        return e;
    }
    response_json(c->res, 200, listing_object(&p));
    return SP_OK;
}
