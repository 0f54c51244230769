#include "client/agent/state.h"

#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/http/url.h"
#include "lib/os/file.h"
#include "lib/trust/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_JSON_MAX = 1024 * 1024 };

static sp_error fits(int written, size_t size)
{
    return written > 0 && (size_t)written < size ? SP_OK : SP_ERR_LIMIT;
}

sp_error state_folder(char out[STATE_PATH_MAX])
{
    const char *given = getenv("SALLYPORT_STATE_DIR");
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (given != NULL && given[0] == '/')
        return fits(snprintf(out, STATE_PATH_MAX, "%s", given), STATE_PATH_MAX);
    if (xdg != NULL && xdg[0] == '/')
        return fits(snprintf(out, STATE_PATH_MAX, "%s/sallyport", xdg), STATE_PATH_MAX);
    if (home != NULL && home[0] == '/')
        return fits(snprintf(out, STATE_PATH_MAX, "%s/.local/state/sallyport", home),
                    STATE_PATH_MAX);
    return SP_ERR_NOT_FOUND;
}

static sp_error in_dir(const struct state *s, const char *name, char out[STATE_PATH_MAX])
{
    size_t dir = strlen(s->dir), file = strlen(name);

    if (dir + 1 + file >= STATE_PATH_MAX)
        return SP_ERR_LIMIT;
    memcpy(out, s->dir, dir);
    out[dir] = '/';
    memcpy(out + dir + 1, name, file + 1);
    return SP_OK;
}

static sp_error device_key(struct state *s, struct sp_why *why)
{
    char path[STATE_PATH_MAX];
    struct buf text;
    sp_error e = in_dir(s, "device.key", path);

    if (e != SP_OK)
        return e;
    buf_init(&text, 4096);
    e = file_read_secret(path, 4096, &text, why);
    if (e == SP_ERR_NOT_FOUND) {
        if (why != NULL)
            *why = (struct sp_why){0}; /* no key yet is no fault */
        if ((e = key_secret_new(KEY_ED25519, &s->device)) == SP_OK &&
            (e = key_secret_encode(s->device, &text)) == SP_OK)
            e = file_create_secret(path, buf_view(&text), why);
    } else if (e == SP_OK && (e = key_secret_decode(buf_view(&text), &s->device)) != SP_OK) {
        e = sp_why_say(why, e == SP_ERR_MALFORMED ? SP_ERR_CORRUPT : e,
                       "%s is damaged. Remove it and sign in again: this machine is then a new "
                       "device.",
                       path);
    }
    buf_wipe(&text);
    return e;
}

static sp_error tunnel_key(struct state *s)
{
    sp_error e = key_secret_new(KEY_ED25519, &s->tunnel);

    return e != SP_OK ? e
                      : proof_tunnel_sign(s->device, key_secret_public(s->tunnel), s->tunnel_sig);
}

/* "https://HOST[:PORT]" into host and port. */
static sp_error split(struct state *s, struct sp_why *why)
{
    struct url u;

    if (url_parse(view_str(s->broker), &u) != SP_OK || !u.https || u.host.len == 0)
        return sp_why_say(why, SP_ERR_INVALID, "%s is no https address of a broker", s->broker);
    snprintf(s->host, sizeof s->host, "%.*s", VIEW_ARG(u.host));
    s->port = u.port;
    return SP_OK;
}

static void copy(const struct json *j, const char *name, char *out, size_t size)
{
    struct view v;

    if (json_get_str(j, name, size - 1, &v) == SP_OK)
        snprintf(out, size, "%.*s", VIEW_ARG(v));
}

static void read_addresses(struct state *s, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        struct sp_id app;
        int64_t low;

        if (json_get_id(one, "app", &app) == SP_OK &&
            json_get_int(one, "low", 1, 65534, &low) == SP_OK)
            sp_ignore(address_restore(&s->addresses, app, (uint16_t)low)); /* double: the first */
    }
}

static sp_error read_json(struct state *s, const struct json *j, struct sp_why *why)
{
    char pin[KEY_TEXT_MAX + 1] = "";

    copy(j, "broker", s->broker, sizeof s->broker);
    copy(j, "expected", s->expected.s, sizeof s->expected.s);
    copy(j, "pin", pin, sizeof pin);
    s->l7 = json_is_true(json_get(j, "l7"));
    if (json_get_int(j, "epoch", 0, INT64_MAX, &s->epoch) != SP_OK)
        s->epoch = 0;
    if (json_get_id(j, "device", &s->device_id) != SP_OK)
        s->device_id = (struct sp_id){0};
    if (json_is_true(json_get(j, "ca")))
        sp_ignore(in_dir(s, "ca.pem", s->ca)); /* fits: agent.json is in the same folder */
    read_addresses(s, json_get(j, "addresses"));
    if (s->broker[0] == '\0')
        return SP_OK;
    /* A pin that can't be read must not become "no pin". */
    if (pin[0] != '\0' && key_parse(view_str(pin), &s->pin) != SP_OK)
        return sp_why_say(why, SP_ERR_CORRUPT, "%s/agent.json: the broker's key is damaged",
                          s->dir);
    return split(s, why);
}

static sp_error read_file(struct state *s, struct sp_why *why)
{
    char path[STATE_PATH_MAX];
    struct json *j = NULL;
    struct buf text;
    sp_error e = in_dir(s, "agent.json", path);

    if (e != SP_OK)
        return e;
    buf_init(&text, STATE_JSON_MAX);
    e = file_read_secret(path, STATE_JSON_MAX, &text, why);
    if (e == SP_ERR_NOT_FOUND) {
        if (why != NULL)
            *why = (struct sp_why){0};
        e = SP_OK;
    } else if (e == SP_OK) {
        if (json_parse(buf_view(&text), STATE_JSON_MAX, NULL, &j) != SP_OK)
            e = sp_why_say(why, SP_ERR_CORRUPT, "%s is damaged", path);
        else
            e = read_json(s, j, why);
    }
    json_free(j);
    buf_deinit(&text);
    return e;
}

sp_error state_open(const char *dir, struct sp_why *why, struct state **out)
{
    struct state *s = calloc(1, sizeof *s);
    char path[STATE_PATH_MAX];
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->lock = -1;
    if ((e = fits(snprintf(s->dir, sizeof s->dir, "%s", dir), sizeof s->dir)) != SP_OK ||
        (e = file_make_dir(dir, why)) != SP_OK || (e = in_dir(s, "lock", path)) != SP_OK ||
        (e = file_lock(path, &s->lock, why)) != SP_OK || (e = device_key(s, why)) != SP_OK ||
        (e = tunnel_key(s)) != SP_OK || (e = read_file(s, why)) != SP_OK) {
        state_free(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

void state_free(struct state *s)
{
    if (s == NULL)
        return;
    key_secret_free(s->device);
    key_secret_free(s->tunnel);
    address_table_free(&s->addresses);
    if (s->lock >= 0)
        close(s->lock);
    free(s);
}

sp_error state_save(struct state *s, struct sp_why *why)
{
    struct json *j = json_object(), *list = json_array();
    char path[STATE_PATH_MAX];
    struct buf text;
    sp_error e = in_dir(s, "agent.json", path);

    json_set_cstr(j, "broker", s->broker);
    json_set_cstr(j, "expected", s->expected.s);
    json_set_cstr(j, "pin", key_text(&s->pin).s);
    json_set_int(j, "epoch", s->epoch);
    if (!id_is_zero(s->device_id))
        json_set_id(j, "device", s->device_id);
    json_set_bool(j, "ca", s->ca[0] != '\0');
    json_set_bool(j, "l7", s->l7);
    for (size_t i = 0; i < s->addresses.count; i++) {
        struct json *one = json_object();

        json_set_id(one, "app", s->addresses.entries[i].app);
        json_set_int(one, "low", s->addresses.entries[i].low);
        json_push(list, one);
    }
    json_set(j, "addresses", list);
    buf_init(&text, STATE_JSON_MAX);
    if (e == SP_OK && (e = json_write_pretty(j, &text)) == SP_OK)
        e = file_write_secret(path, buf_view(&text), why);
    buf_deinit(&text);
    json_free(j);
    return e;
}

/* A CA inside the login address comes as DER; the file is PEM like any other. */
static void pem_of(const struct enrol_address *a, struct buf *out)
{
    struct buf text;

    buf_init(&text, 3 * ENROL_CA_MAX);
    encode_base64((struct view){a->ca, a->ca_len}, &text);
    buf_add_str(out, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < text.len; at += 64) {
        buf_add(out, view_slice(buf_view(&text), at, 64));
        buf_add_byte(out, '\n');
    }
    buf_add_str(out, "-----END CERTIFICATE-----\n");
    buf_deinit(&text);
}

static sp_error keep_ca(struct state *s, struct view pem, struct sp_why *why)
{
    char path[STATE_PATH_MAX];
    sp_error e = in_dir(s, "ca.pem", path);

    if (e == SP_OK && (e = file_write_secret(path, pem, why)) == SP_OK)
        memcpy(s->ca, path, sizeof path);
    return e;
}

sp_error state_set_broker(struct state *s, const struct enrol_address *a, struct view pem, bool l7,
                          struct sp_why *why)
{
    bool other = strcmp(s->broker, a->url) != 0;
    struct buf from_address;
    sp_error e;

    if (other) {
        s->pin = (struct key_public){0};
        s->epoch = 0;
        s->device_id = (struct sp_id){0};
        s->ca[0] = '\0';
        s->l7 = false;
        s->expected = (struct key_fingerprint){0};
    }
    snprintf(s->broker, sizeof s->broker, "%s", a->url);
    if (a->fingerprint.s[0] != '\0')
        s->expected = a->fingerprint;
    s->l7 = s->l7 || l7 || a->front_l7;
    if ((e = split(s, why)) != SP_OK)
        return e;
    buf_init(&from_address, 4 * ENROL_CA_MAX);
    if (pem.len == 0 && a->ca_len > 0) {
        pem_of(a, &from_address);
        pem = buf_view(&from_address);
    }
    if (pem.len > 0)
        e = keep_ca(s, pem, why);
    buf_deinit(&from_address);
    return e != SP_OK ? e : state_save(s, why);
}
