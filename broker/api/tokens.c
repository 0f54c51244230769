/* Enrolment tokens: made once, shown once, watched until a connector or relay spent them. */
#include "broker/registry/sites.h"

#include "broker/api/call.h"
#include "broker/api/names.h"

/* A token is known outside by the first 16 bytes of its hash. */
static struct sp_id token_id(const struct enrol_row *row)
{
    struct sp_id id;

    memcpy(id.bytes, row->hash, sizeof id.bytes);
    return id;
}

static struct json *token_object(const struct names *n, const struct enrol_row *row)
{
    struct json *o = json_object();
    bool over = row->expires <= clock_unix();

    json_set_id(o, "id", token_id(row));
    json_set_cstr(o, "name", row->note);
    set_site(o, "site", n, row->site);
    json_set_cstr(o, "state", row->used_at != 0 ? "used" : over ? "expired" : "waiting");
    json_set_time(o, "made_at", row->created);
    json_set_time(o, "expires", row->expires);
    if (id_is_zero(row->site))
        set_relay(o, "edge", n, row->used_by);
    else
        set_connector(o, "edge", n, row->used_by);
    return o;
}

struct token_reader {
    struct names *names;
    struct json *items;  /* all, newest last; or … */
    struct sp_id wanted; /* … the one with this id */
    struct enrol_row found;
    bool is_found;
};

static bool read_token(void *arg, const struct enrol_row *row)
{
    struct token_reader *r = arg;

    if (r->items != NULL)
        json_push(r->items, token_object(r->names, row));
    else if (id_equal(token_id(row), r->wanted)) {
        r->found = *row;
        r->is_found = true;
    }
    return !r->is_found;
}

sp_error api_site_token_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct token_reader r = {0};
    struct sp_id site;
    sp_error e = request_id(c->req, "id", &site);

    if (e != SP_OK)
        return e;
    struct names n = names_hold(api);
    if (snapshot_site_by_id(n.s, site) == NULL) {
        names_release(&n);
        return SP_ERR_NOT_FOUND;
    }
    r.names = &n;
    r.items = json_array();
    e = store_services(st)->once->enrol_list(st, site, read_token, &r);
    if (e == SP_OK) {
        struct json *o = json_object();
        json_set(o, "items", r.items);
        response_json(c->res, 200, o);
    } else {
        json_free(r.items);
    }
    names_release(&n);
    return e;
}

/* Sites are few and a token lives a day: looking through all of them costs little.
 *   SP_ERR_NOT_FOUND */
static sp_error find_token(struct api *api, struct names *n, struct sp_id id, struct enrol_row *out)
{
    struct store *st = registry_store(api->registry);
    struct token_reader r = {.names = n, .wanted = id};
    sp_error e = store_services(st)->once->enrol_list(st, (struct sp_id){0}, read_token, &r);

    for (size_t i = 0; e == SP_OK && !r.is_found && i < n->s->site_count; i++)
        e = store_services(st)->once->enrol_list(st, n->s->sites[i].id, read_token, &r);
    if (e != SP_OK)
        return e;
    if (!r.is_found)
        return SP_ERR_NOT_FOUND;
    *out = r.found;
    return SP_OK;
}

sp_error api_token_get(struct api *api, struct api_call *c)
{
    struct enrol_row row;
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    if (e != SP_OK)
        return e;
    struct names n = names_hold(api);
    if ((e = find_token(api, &n, id, &row)) == SP_OK)
        response_json(c->res, 200, token_object(&n, &row));
    names_release(&n);
    return e;
}

sp_error api_token_revoke(struct api *api, struct api_call *c)
{
    struct enrol_row row;
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    if (e != SP_OK)
        return e;
    struct names n = names_hold(api);
    e = find_token(api, &n, id, &row);
    names_release(&n);
    if (e == SP_OK && (e = sites_token_revoke(api->registry, row.hash, &c->by)) == SP_OK)
        response_empty(c->res, 204);
    return e;
}

static sp_error make_token(struct api *api, struct api_call *c, struct sp_id site)
{
    static const char *const names[] = {"name", "life_ms", NULL};
    uint8_t secret[SITES_TOKEN_BYTES];
    char note[64];
    struct token_ask ask = {.site = site, .note = note};
    struct enrol_row row;
    struct json *body;
    struct view name;
    struct buf line;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    e = member_text(c, body, "name", 1, sizeof note - 1, &name);
    if (e == SP_OK &&
        json_get_int(body, "life_ms", 60 * 1000, SITES_TOKEN_LIFE_MS_MAX, &ask.life_ms) != SP_OK) {
        sp_why_field(&c->why, "life_ms");
        e = sp_why_say(&c->why, SP_ERR_INVALID, "life_ms is from a minute to a day");
    }
    if (e == SP_OK) {
        memcpy(note, name.at, name.len);
        note[name.len] = '\0';
        e = sites_token_new(api->registry, &ask, &c->by, secret, &row);
    }
    json_free(body);
    if (e != SP_OK)
        return e;

    buf_init(&line, 16 * 1024);
    sites_token_line(api->enrol, secret, &line);
    explicit_bzero(secret, sizeof secret);
    if ((e = buf_error(&line)) == SP_OK) {
        struct json *o = json_object();
        json_set_id(o, "id", token_id(&row));
        json_set_cstr(o, "name", row.note);
        json_set_time(o, "expires", row.expires);
        json_set_str(o, "enrolment", buf_view(&line));
        response_json(c->res, 201, o);
    }
    buf_wipe(&line);
    return e;
}

sp_error api_site_token_create(struct api *api, struct api_call *c)
{
    struct sp_id site;
    sp_error e = request_id(c->req, "id", &site);

    return e == SP_OK ? make_token(api, c, site) : e;
}

sp_error api_relay_token_create(struct api *api, struct api_call *c)
{
    return make_token(api, c, (struct sp_id){0});
}
