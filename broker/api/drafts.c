/* Drafts: texts that change a policy, or the whole document, once somebody puts them in force. */
#include "broker/registry/drafts.h"

#include "broker/api/names.h"
#include "broker/api/policies.h"
#include "broker/api/slice.h"
#include "broker/session/rules.h"
#include "lib/base/encode.h"

#include <stdio.h>

/* A draft with a text of its own. */
struct held {
    struct draft_row row; /* its text is `text` */
    struct buf text;
};

static void held_free(struct held *h)
{
    buf_deinit(&h->text);
}

static struct json *draft_object(struct api *api, const struct api_call *c, const struct names *n,
                                 const struct draft_row *row, bool with_text)
{
    bool own = id_equal(row->author, c->caller.user.id);
    struct json *o = json_object();

    json_set_id(o, "id", row->id);
    set_text_or_null(o, "policy", row->policy);
    json_set_int(o, "base", (int64_t)row->base);
    json_set_cstr(o, "note", row->note);
    if (with_text)
        json_set_str(o, "text", row->text);
    else
        set_null(o, "text");
    set_user(o, "by", n, row->author);
    json_set_bool(o, "mine", own);
    json_set_bool(o, "may_approve",
                  c->caller.role >= ROLE_ADMIN && !(api->about.second_approval && own));
    json_set_time(o, "created", row->created);
    json_set_time(o, "updated", row->updated);
    json_set_int(o, "version", (int64_t)row->ver);
    return o;
}

struct listing {
    struct api *api;
    const struct api_call *c;
    struct names names;
    struct json *items;
};

static bool push(void *arg, const struct draft_row *row)
{
    struct listing *l = arg;

    json_push(l->items, draft_object(l->api, l->c, &l->names, row, false));
    return true;
}

sp_error api_draft_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct listing l = {.api = api, .c = c, .items = json_array()};
    sp_error e;

    l.names = names_hold(api);
    e = store_services(st)->drafts->list(st, push, &l);
    names_release(&l.names);
    if (e != SP_OK) {
        json_free(l.items);
        return e;
    }
    struct json *o = json_object();
    json_set(o, "items", l.items);
    json_set_bool(o, "second_approval", api->about.second_approval);
    response_json(c->res, 200, o);
    return SP_OK;
}

static bool keep(void *arg, const struct draft_row *row)
{
    struct held *h = arg;

    h->row = *row;
    buf_add(&h->text, row->text);
    return true;
}

/* The draft of the path. Freed by held_free, also after an error. */
static sp_error find(struct api *api, struct api_call *c, struct held *out)
{
    struct store *st = registry_store(api->registry);
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    *out = (struct held){0};
    buf_init(&out->text, POLICY_DOC_BYTES_MAX);
    if (e == SP_OK)
        e = store_services(st)->drafts->get(st, id, keep, out);
    if (e == SP_OK)
        e = buf_error(&out->text);
    out->row.text = buf_view(&out->text);
    return e;
}

static sp_error answer(struct api *api, struct api_call *c, const struct draft_row *row, int status)
{
    struct names n = names_hold(api);

    response_json(c->res, status, draft_object(api, c, &n, row, true));
    names_release(&n);
    answer_etag(c, row->ver);
    return SP_OK;
}

sp_error api_draft_get(struct api *api, struct api_call *c)
{
    struct held h;
    sp_error e = find(api, c, &h);

    if (e == SP_OK)
        e = answer(api, c, &h.row, 200);
    held_free(&h);
    return e;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Text, note and the version that they were written against; the text is borrowed from the body.
 * It need not be valid: a draft may wait half done. */
static sp_error read_draft(struct api_call *c, const struct json *body, struct draft_row *row)
{
    struct view note;
    int64_t base = 0;
    sp_error e = member_text(c, body, "text", 0, POLICY_DOC_BYTES_MAX, &row->text);

    if (e != SP_OK || (e = member_text(c, body, "note", 0, ROW_TEXT_MAX, &note)) != SP_OK)
        return e;
    if (json_get_int(body, "base", 0, INT64_MAX, &base) != SP_OK) {
        sp_why_field(&c->why, "base");
        return sp_why_say(&c->why, SP_ERR_INVALID,
                          "base is the version that it was written against");
    }
    row->base = (uint64_t)base;
    view_copy(row->note, sizeof row->note, note);
    return SP_OK;
}

static sp_error read_policy(struct api_call *c, const struct json *body, struct draft_row *row)
{
    struct view name;

    if (json_kind(json_get(body, "policy")) != JSON_STRING)
        return SP_OK; /* null or absent: the whole document */
    sp_error e = member_text(c, body, "policy", 1, POLICY_NAME_MAX, &name);
    if (e == SP_OK)
        view_copy(row->policy, sizeof row->policy, name);
    return e;
}

sp_error api_draft_create(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"policy", "text", "note", "base", NULL};
    struct draft_row row = {.author = c->caller.user.id};
    struct json *body;
    sp_error e;

    if (id_is_zero(row.author))
        return SP_ERR_DENIED; /* the bootstrap session is nobody who could have written one */
    if ((e = call_body(c, names, &body)) != SP_OK)
        return e;
    if ((e = read_policy(c, body, &row)) == SP_OK && (e = read_draft(c, body, &row)) == SP_OK &&
        (e = drafts_put(api->registry, &row, &c->by)) == SP_OK)
        e = answer(api, c, &row, 201);
    json_free(body);
    return e;
}

sp_error api_draft_update(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"text", "note", "base", NULL};
    uint64_t expected;
    struct json *body;
    struct held h;
    sp_error e;

    if ((e = call_if_match(c, &expected)) != SP_OK || (e = call_body(c, names, &body)) != SP_OK)
        return e;
    e = find(api, c, &h);
    if (e == SP_OK && !id_equal(h.row.author, c->caller.user.id))
        e = sp_why_say(&c->why, SP_ERR_DENIED,
                       "a draft is its author's to change: save one of your own");
    if (e == SP_OK && (expected == 0 || expected != h.row.ver))
        e = SP_ERR_CONFLICT;
    if (e == SP_OK && (e = read_draft(c, body, &h.row)) == SP_OK &&
        (e = drafts_put(api->registry, &h.row, &c->by)) == SP_OK)
        e = answer(api, c, &h.row, 200);
    held_free(&h);
    json_free(body);
    return e;
}

sp_error api_draft_remove(struct api *api, struct api_call *c)
{
    struct held h;
    sp_error e = find(api, c, &h);

    if (e == SP_OK && (e = drafts_remove(api->registry, &h.row, "discarded", &c->by)) == SP_OK)
        response_empty(c->res, 204);
    held_free(&h);
    return e;
}

/* ---- putting in force --------------------------------------------------------------------- */

static bool take_text(void *arg, const struct policy_row *row)
{
    buf_add(arg, row->text);
    return true;
}

/* Whether the policy's text in the document that the draft was written against is still the one in
 * force: what others changed elsewhere does not stand in the way. */
static sp_error still_the_same(struct api *api, const struct draft_row *row, struct view now)
{
    struct store *st = registry_store(api->registry);
    struct view name = view_str(row->policy);
    struct buf then, was, is;
    unsigned line;
    sp_error e = SP_OK;

    buf_init(&then, POLICY_DOC_BYTES_MAX);
    buf_init(&was, POLICY_DOC_BYTES_MAX);
    buf_init(&is, POLICY_DOC_BYTES_MAX);
    if (row->base != 0)
        e = store_services(st)->registry->policy_get(st, row->base, take_text, &then);
    if (e == SP_OK) {
        sp_error a = slice_read(buf_view(&then), name, &was, &line);
        sp_error b = slice_read(now, name, &is, &line);
        e = a == b && view_equal(buf_view(&was), buf_view(&is)) ? SP_OK : SP_ERR_CONFLICT;
    }
    buf_deinit(&is);
    buf_deinit(&was);
    buf_deinit(&then);
    return e == SP_ERR_NOT_FOUND ? SP_ERR_CONFLICT : e;
}

/* The whole document that the draft would make of the one in force. */
static sp_error compose(struct api *api, struct api_call *c, const struct draft_row *row,
                        struct buf *whole, uint64_t *version)
{
    const struct snapshot *s = registry_hold(api->registry);
    struct view name = view_str(row->policy);
    unsigned line;
    sp_error e = SP_OK;

    *version = s->policy.ver;
    if (name.len == 0) {
        e = row->base == s->policy.ver ? SP_OK : SP_ERR_CONFLICT;
        buf_add(whole, row->text);
    } else if (!slice_names(row->text, name)) {
        sp_why_field(&c->why, "name");
        e = sp_why_say(&c->why, SP_ERR_INVALID, "the text must be one mapping whose name is %s",
                       row->policy);
    } else if (row->base == s->policy.ver ||
               (e = still_the_same(api, row, s->policy.text)) == SP_OK) {
        e = slice_replace(s->policy.text, name, row->text, whole, &line);
    }
    registry_release(api->registry, s);
    return e;
}

enum { NOTE_BYTES = ROW_TEXT_MAX + ROW_NAME_MAX + sizeof "; approved by " };

/* At most CALL_TEXT_MAX bytes, and no character cut in two: the note goes into JSON. */
static void write_note(const char *own, const char *approver, char note[NOTE_BYTES])
{
    int n =
        snprintf(note, NOTE_BYTES, "%s%sapproved by %s", own, own[0] != '\0' ? "; " : "", approver);
    size_t len = n < 0 ? 0 : (size_t)n < CALL_TEXT_MAX ? (size_t)n : CALL_TEXT_MAX;

    while (len > 0 && !utf8_valid((struct view){(const uint8_t *)note, len}))
        len--;
    note[len] = '\0';
}

static sp_error approve(struct api *api, struct api_call *c, const struct draft_row *row)
{
    char note[NOTE_BYTES];
    struct buf whole;
    uint64_t version;

    if (api->about.second_approval && id_equal(row->author, c->caller.user.id)) {
        c->problem = (struct problem){.status = 403,
                                      .code = "second_approval",
                                      .title = "Another admin approves it",
                                      .detail = "Who wrote a draft can't approve it."};
        return SP_ERR_DENIED;
    }
    buf_init(&whole, POLICY_DOC_BYTES_MAX);
    sp_error e = compose(api, c, row, &whole, &version);
    if (e == SP_OK)
        e = buf_error(&whole);
    write_note(row->note, c->caller.user.name, note);
    if (e == SP_OK)
        e = policy_put_whole(api, c, buf_view(&whole), version, row->author, note);
    buf_deinit(&whole);
    /* A crash between the two leaves a draft that was written against an older version. */
    return e == SP_OK ? drafts_remove(api->registry, row, "put in force", &c->by) : e;
}

sp_error api_draft_approve(struct api *api, struct api_call *c)
{
    static const char *const names[] = {NULL};
    uint64_t expected;
    struct json *body;
    struct held h;
    sp_error e;

    if ((e = call_if_match(c, &expected)) != SP_OK || (e = call_body(c, names, &body)) != SP_OK)
        return e;
    json_free(body);
    e = find(api, c, &h);
    if (e == SP_OK && (expected == 0 || expected != h.row.ver))
        e = SP_ERR_CONFLICT;
    if (e == SP_OK)
        e = approve(api, c, &h.row);
    held_free(&h);
    return e == SP_OK ? api_policy_document(api, c) : e;
}
