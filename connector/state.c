#include "connector/state.h"

#include "lib/base/json.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { KEY_FILE_MAX = 512, STATE_FILE_MAX = 64 * 1024 };

const char *state_path(const struct connector_state *s, struct buf *out, const char *name)
{
    if (out->max == 0)
        buf_init(out, sizeof s->dir + 64);
    return file_path(out, s->dir, name);
}

static sp_error load_key(struct connector_state *s, struct sp_why *why)
{
    struct buf path = {0}, text;
    const char *file = state_path(s, &path, "key");
    sp_error e = SP_ERR_LIMIT;

    buf_init(&text, KEY_FILE_MAX);
    if (file != NULL && (e = file_read_secret(file, KEY_FILE_MAX, &text, why)) == SP_OK &&
        key_secret_decode(buf_view(&text), &s->key) != SP_OK)
        e = sp_why_say(why, SP_ERR_CORRUPT, "%s is no key of ours", file);
    buf_wipe(&text);
    buf_deinit(&path);
    return e;
}

static sp_error make_key(struct connector_state *s, struct sp_why *why)
{
    struct buf path = {0}, text;
    const char *file = state_path(s, &path, "key");
    sp_error e = SP_ERR_LIMIT;

    buf_init(&text, KEY_FILE_MAX);
    if (file != NULL && (e = key_secret_new(KEY_ED25519, &s->key)) == SP_OK &&
        (e = key_secret_encode(s->key, &text)) == SP_OK)
        e = file_create_secret(file, buf_view(&text), why);
    buf_wipe(&text);
    buf_deinit(&path);
    return e;
}

/* Copies a text member; an absent one leaves "". */
static sp_error read_text(const struct json *j, const char *name, char *out, size_t room)
{
    struct view v = {0};
    sp_error e = json_get_str(j, name, room - 1, &v);

    if (e != SP_OK)
        return e;
    snprintf(out, room, "%.*s", VIEW_ARG(v));
    return SP_OK;
}

static sp_error read_json(const struct json *j, struct connector_state *s)
{
    static const char *const names[] = {"broker", "port", "front_l7",  "ca",   "identity", "epoch",
                                        "id",     "site", "site_name", "name", NULL};
    char identity[KEY_TEXT_MAX + 1] = "";
    int64_t port;
    sp_error e;

    if ((e = json_only(j, names, NULL)) != SP_OK ||
        (e = read_text(j, "broker", s->host, sizeof s->host)) != SP_OK ||
        (e = json_get_int(j, "port", 1, UINT16_MAX, &port)) != SP_OK ||
        (e = json_get_bool(j, "front_l7", &s->front_l7)) != SP_OK ||
        (e = json_get_bool(j, "ca", &s->has_ca)) != SP_OK ||
        (e = read_text(j, "identity", identity, sizeof identity)) != SP_OK ||
        (e = json_get_int(j, "epoch", 0, INT64_MAX, &s->epoch)) != SP_OK ||
        (e = json_get_id(j, "id", &s->id)) != SP_OK ||
        (e = json_get_id(j, "site", &s->site)) != SP_OK ||
        (e = read_text(j, "site_name", s->site_name, sizeof s->site_name)) != SP_OK ||
        (e = read_text(j, "name", s->name, sizeof s->name)) != SP_OK)
        return e;
    s->port = (uint16_t)port;
    return key_parse(view_str(identity), &s->identity);
}

sp_error state_load(const char *dir, struct connector_state *out, struct sp_why *why)
{
    struct buf path = {0}, text;
    struct json *j = NULL;
    sp_error e;

    *out = (struct connector_state){0};
    snprintf(out->dir, sizeof out->dir, "%s", dir);
    buf_init(&text, STATE_FILE_MAX);
    const char *file = state_path(out, &path, "state.json");
    if (file == NULL || access(file, F_OK) != 0)
        e = sp_why_say(why, SP_ERR_NOT_FOUND,
                       "%s holds no enrolment; first run: sallyport-connector enrol --token-file "
                       "FILE --state %s",
                       dir, dir);
    else if ((e = file_read_secret(file, STATE_FILE_MAX, &text, why)) == SP_OK &&
             (json_parse(buf_view(&text), STATE_FILE_MAX, NULL, &j) != SP_OK ||
              read_json(j, out) != SP_OK))
        e = sp_why_say(why, SP_ERR_CORRUPT, "%s is damaged: enrol this connector anew", file);
    if (e == SP_OK)
        e = load_key(out, why);
    json_free(j);
    buf_deinit(&text);
    buf_deinit(&path);
    return e;
}

sp_error state_save(const struct connector_state *s, struct sp_why *why)
{
    struct json *j = json_object();
    struct buf path = {0}, text;
    sp_error e;

    buf_init(&text, STATE_FILE_MAX);
    json_set_cstr(j, "broker", s->host);
    json_set_int(j, "port", s->port);
    json_set_bool(j, "front_l7", s->front_l7);
    json_set_bool(j, "ca", s->has_ca);
    json_set_cstr(j, "identity", key_text(&s->identity).s);
    json_set_int(j, "epoch", s->epoch);
    json_set_id(j, "id", s->id);
    json_set_id(j, "site", s->site);
    json_set_cstr(j, "site_name", s->site_name);
    json_set_cstr(j, "name", s->name);
    const char *file = state_path(s, &path, "state.json");
    if (file == NULL)
        e = SP_ERR_LIMIT;
    else if ((e = json_write_pretty(j, &text)) == SP_OK)
        e = file_write_secret(file, buf_view(&text), why);
    json_free(j);
    buf_deinit(&text);
    buf_deinit(&path);
    return e;
}

sp_error state_prepare(const char *dir, struct connector_state *out, struct sp_why *why)
{
    sp_error e;

    *out = (struct connector_state){0};
    if (strlen(dir) >= sizeof out->dir)
        return sp_why_say(why, SP_ERR_LIMIT, "the path of the state folder is too long");
    snprintf(out->dir, sizeof out->dir, "%s", dir);
    if ((e = file_make_dir(dir, why)) != SP_OK)
        return e;
    struct sp_why said = {{0}, {0}, 0, 0};
    if ((e = load_key(out, &said)) == SP_ERR_NOT_FOUND)
        return make_key(out, why);
    return e == SP_OK ? e : sp_why_say(why, e, "%s", said.text);
}

void state_end(struct connector_state *s)
{
    key_secret_free(s->key);
    s->key = NULL;
}
