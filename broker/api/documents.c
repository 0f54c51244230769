/* OpenAPI documents of apps: upload, history, and an earlier one in force again. */
#include "broker/api/gateways.h"
#include "broker/registry/gateways.h"
#include "lib/base/encode.h"
#include "lib/http/problem.h"

#include <stdlib.h>

#include "lib/base/banned.h"

static void set_hash(struct json *o, const char *member, const uint8_t sha256[32])
{
    struct buf hex;

    buf_init(&hex, 64);
    encode_hex((struct view){sha256, 32}, &hex);
    json_set_str(o, member, buf_view(&hex));
    buf_deinit(&hex);
}

struct history {
    struct names names;
    struct json *items;
    char in_force[256]; /* "sha256:HEX", the name of a file on the connector, "": none */
};

static bool push(void *arg, const struct document_row *row)
{
    struct history *h = arg;
    struct json *o = json_object();

    set_hash(o, "sha256", row->sha256);
    json_set_int(o, "version", (int64_t)row->ver);
    json_set_cstr(o, "title", row->title);
    json_set_cstr(o, "document_version", row->version);
    json_set_int(o, "size", row->size);
    json_set_int(o, "operations", row->operations);
    json_set_int(o, "warnings", row->warnings);
    json_set_cstr(o, "note", row->note);
    set_user(o, "by", &h->names, row->author);
    set_time(o, "at", row->at);
    bool named = strncmp(h->in_force, "sha256:", strlen("sha256:")) == 0; /* else a file's name */
    json_set_bool(o, "in_force",
                  named &&
                      view_is(json_str(json_get(o, "sha256")), h->in_force + strlen("sha256:")));
    json_push(h->items, o);
    return true;
}

sp_error api_document_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct history h = {.items = json_array()};
    struct json *o = json_object();
    struct sp_id app;
    sp_error e = request_id(c->req, "id", &app);

    json_set(o, "items", h.items);
    h.names = names_hold(api);
    const struct app_row *row = e == SP_OK ? snapshot_app_by_id(h.names.s, app) : NULL;
    if (row == NULL) {
        e = SP_ERR_NOT_FOUND;
    } else {
        gateways_document(row, h.in_force, sizeof h.in_force);
        e = store_services(st)->documents->list(st, app, push, &h);
    }
    names_release(&h.names);
    if (e == SP_OK)
        response_json(c->res, 200, o);
    else
        json_free(o);
    return e;
}

/* The app's history has it: a document of another app is no matter of this one. */
struct wanted {
    uint8_t sha256[32];
    bool found;
};

static bool look(void *arg, const struct document_row *row)
{
    struct wanted *w = arg;

    w->found = memcmp(row->sha256, w->sha256, sizeof w->sha256) == 0;
    return !w->found;
}

sp_error api_document_get(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct wanted w = {.found = false};
    struct sp_id app;
    struct buf text;
    sp_error e = request_id(c->req, "id", &app);

    if (e != SP_OK || decode_hex_exact(request_param(c->req, "sha256"), w.sha256, 32) != SP_OK)
        return SP_ERR_NOT_FOUND;
    e = store_services(st)->documents->list(st, app, look, &w);
    if (e != SP_OK || !w.found)
        return e != SP_OK ? e : SP_ERR_NOT_FOUND;
    buf_init(&text, REGISTRY_DOCUMENT_MAX);
    if ((e = store_services(st)->documents->get(st, w.sha256, &text)) == SP_OK) {
        struct json *o = json_object();
        set_hash(o, "sha256", w.sha256);
        json_set_str(o, "text", buf_view(&text));
        response_json(c->res, 200, o);
    }
    buf_deinit(&text);
    return e;
}

/* ---- changes ------------------------------------------------------------------------------ */

static struct json *faults_object(const struct gateway_faults *f)
{
    struct json *list = json_array();

    for (size_t i = 0; i < f->count; i++) {
        struct json *o = json_object();
        json_set_bool(o, "error", f->list[i].error);
        json_set_cstr(o, "pointer", f->list[i].pointer);
        json_set_cstr(o, "text", f->list[i].text);
        json_push(list, o);
    }
    return list;
}

static sp_error answer_changed(struct api *api, struct api_call *c, struct sp_id app,
                               const struct gateway_faults *faults, int64_t received)
{
    struct json *o = json_object();
    struct names n;
    char name[256] = "";

    settle(api);
    n = names_hold(api);
    const struct app_row *row = snapshot_app_by_id(n.s, app);
    if (row != NULL)
        gateways_document(row, name, sizeof name);
    set_app(o, "app", &n, app);
    json_set_int(o, "version", row == NULL ? 0 : (int64_t)row->ver);
    json_set_cstr(o, "document", name);
    json_set(o, "warnings", faults_object(faults));
    json_set_int(o, "received", received);
    names_release(&n);
    response_json(c->res, 200, o);
    return SP_OK;
}

/* 400 with every fault and its place, as far as they are kept. */
static void refuse_document(struct api_call *c, sp_error e, const struct gateway_faults *faults)
{
    struct problem p = problem_of(e, &c->why);

    p.status = 400;
    p.code = "document";
    p.more_name = "faults";
    p.more = faults_object(faults);
    problem_write(&p, c->req, c->res);
    json_free(p.more);
}

/* What a call brings: the whole document, or `text` from byte `at` on of one of `size` bytes. */
struct upload {
    struct view text, note;
    int64_t at, size;
    struct buf whole; /* owned: the parts before and this one, where it is the last of several */
};

static sp_error read_upload(struct api_call *c, const struct json *body, struct upload *u)
{
    static const char *const names[] = {"text", "note", "at", "size", NULL};
    sp_error e = json_only(body, names, &c->why);

    if (e == SP_OK && (e = member_text(c, body, "text", 1, API_PART_MAX, &u->text)) == SP_OK)
        e = member_text(c, body, "note", 1, ROW_TEXT_MAX, &u->note);
    u->size = (int64_t)u->text.len;
    if (e == SP_OK && json_get(body, "size") != NULL &&
        (json_get_int(body, "size", 1, REGISTRY_DOCUMENT_MAX, &u->size) != SP_OK ||
         json_get_int(body, "at", 0, REGISTRY_DOCUMENT_MAX, &u->at) != SP_OK)) {
        sp_why_field(&c->why, "size");
        return sp_why_say(&c->why, SP_ERR_INVALID,
                          "size is that of the whole document, at most "
                          "%d bytes, and at where text begins in it",
                          REGISTRY_DOCUMENT_MAX);
    }
    if (e == SP_OK && u->at > u->size - (int64_t)u->text.len) {
        sp_why_field(&c->why, "text");
        return sp_why_say(&c->why, SP_ERR_INVALID, "text goes beyond size");
    }
    return e;
}

/* The parts that came before, with this one. */
static sp_error assemble(struct api *api, struct api_call *c, struct sp_id app, struct upload *u)
{
    sp_error e;

    if (u->at == 0)
        return SP_OK;
    if ((e = gateways_parts(api->registry, app, c->by.actor, &u->whole)) != SP_OK)
        return e;
    if ((int64_t)u->whole.len != u->at)
        return sp_why_say(&c->why, SP_ERR_CONFLICT, "%zu bytes came before it: begin anew",
                          u->whole.len);
    e = buf_append(&u->whole, u->text);
    u->text = buf_view(&u->whole);
    return e;
}

static sp_error take_upload(struct api *api, struct api_call *c, struct sp_id app, uint64_t version,
                            struct upload *u, struct gateway_faults *faults)
{
    const struct snapshot *s = registry_hold(api->registry);
    const struct app_row *row = snapshot_app_by_id(s, app);
    const struct app_change change = {
        .expect_ver = version, .record_key = api->record_key, .by = &c->by};
    sp_error e = row == NULL ? SP_ERR_NOT_FOUND : row->ver != version ? SP_ERR_CONFLICT : SP_OK;

    if (e == SP_OK && u->at + (int64_t)u->text.len < u->size)
        e = gateways_part(api->registry, app, c->by.actor, u->at, u->text);
    else if (e == SP_OK && (e = assemble(api, c, app, u)) == SP_OK)
        e = gateways_upload(api->registry, row, u->text, &change, faults, &c->why);
    registry_release(api->registry, s);
    return e;
}

sp_error api_document_put(struct api *api, struct api_call *c)
{
    struct gateway_faults *faults = calloc(1, sizeof *faults);
    char said[ROW_TEXT_MAX + 1];
    struct json *body = NULL;
    struct upload u = {.at = 0};
    struct sp_id app = {0};
    uint64_t version = 0;
    sp_error e = faults == NULL ? SP_ERR_NOMEM : request_id(c->req, "id", &app);

    buf_init(&u.whole, REGISTRY_DOCUMENT_MAX);
    if (e == SP_OK)
        e = call_if_match(c, &version);
    if (e == SP_OK && (e = request_json(c->req, REQUEST_BODY_BYTES_MAX, &c->why, &body)) == SP_OK &&
        (e = read_upload(c, body, &u)) == SP_OK) {
        int64_t received = u.at + (int64_t)u.text.len;
        view_copy(said, sizeof said, u.note);
        c->by.text = said;
        if ((e = take_upload(api, c, app, version, &u, faults)) == SP_OK)
            e = answer_changed(api, c, app, faults, received);
    }
    json_free(body);
    buf_deinit(&u.whole);
    if (e != SP_OK && faults != NULL && faults->errors > 0) {
        refuse_document(c, e, faults);
        e = SP_OK; /* it is answered */
    }
    free(faults);
    return e;
}

sp_error api_document_restore(struct api *api, struct api_call *c)
{
    const struct gateway_faults none = {0};
    char reason[CALL_TEXT_MAX + 1];
    uint8_t sha256[32];
    struct sp_id app;
    uint64_t version;
    sp_error e;

    if ((e = request_id(c->req, "id", &app)) != SP_OK ||
        (e = call_if_match(c, &version)) != SP_OK || (e = call_reason(c, reason)) != SP_OK)
        return e;
    if (decode_hex_exact(request_param(c->req, "sha256"), sha256, sizeof sha256) != SP_OK)
        return SP_ERR_NOT_FOUND;
    c->by.text = reason;
    const struct app_change change = {
        .expect_ver = version, .record_key = api->record_key, .by = &c->by};
    const struct snapshot *s = registry_hold(api->registry);
    const struct app_row *row = snapshot_app_by_id(s, app);
    e = row == NULL    ? SP_ERR_NOT_FOUND
        : version == 0 ? SP_ERR_CONFLICT
                       : gateways_restore(api->registry, row, sha256, &change, &c->why);
    registry_release(api->registry, s);
    return e == SP_OK ? answer_changed(api, c, app, &none, 0) : e;
}
