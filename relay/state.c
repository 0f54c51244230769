#include "relay/state.h"

#include "lib/base/json.h"
#include "lib/crypto/random.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <unistd.h>

enum { STATE_FILE_MAX = 32 * 1024 };

/* ---- the key ------------------------------------------------------------------------------ */

SP_MUST static sp_error make_key(const char *path, struct key_secret **out, struct sp_why *why)
{
    struct key_secret *key;
    struct buf text;
    sp_error e;

    if ((e = key_secret_new(KEY_P256, &key)) != SP_OK)
        return sp_why_say(why, e, "no key could be made");
    buf_init(&text, STATE_FILE_MAX);
    if ((e = key_secret_encode(key, &text)) == SP_OK)
        e = file_create_secret(path, buf_view(&text), why);
    buf_wipe(&text);
    if (e != SP_OK) {
        key_secret_free(key);
        return e;
    }
    *out = key;
    return SP_OK;
}

SP_MUST static sp_error read_key(const char *dir, struct key_secret **out, struct sp_why *why)
{
    struct buf path, text;
    sp_error e;

    buf_init(&path, 512);
    buf_init(&text, STATE_FILE_MAX);
    const char *at = file_path(&path, dir, "key");
    if (at == NULL)
        return SP_ERR_LIMIT;
    e = file_read_secret(at, STATE_FILE_MAX, &text, why);
    if (e == SP_ERR_NOT_FOUND)
        e = make_key(at, out, why);
    else if (e == SP_OK && (e = key_secret_decode(buf_view(&text), out)) != SP_OK)
        e = sp_why_say(why, SP_ERR_CORRUPT, "%s is no key of ours", at);
    buf_wipe(&text);
    buf_deinit(&path);
    return e;
}

/* ---- the broker --------------------------------------------------------------------------- */

SP_MUST static sp_error read_members(const struct json *j, struct relay_state *s)
{
    static const char *const members[] = {"id", "identity", "epoch", "address", NULL};
    struct view line, key;
    sp_error e;

    if ((e = json_only(j, members, NULL)) != SP_OK)
        return e;
    if ((e = json_get_str(j, "address", ENROL_LINE_MAX, &line)) != SP_OK ||
        (e = enrol_address_parse(line, NULL, &s->broker)) != SP_OK ||
        (e = json_get_int(j, "epoch", 0, INT64_MAX, &s->epoch)) != SP_OK)
        return e;
    if ((e = json_get_id(j, "id", &s->id)) != SP_OK && e != SP_ERR_NOT_FOUND)
        return e;
    e = json_get_str(j, "identity", KEY_TEXT_MAX, &key);
    if (e == SP_ERR_NOT_FOUND)
        return SP_OK;
    return e == SP_OK ? key_parse(key, &s->identity) : e;
}

SP_MUST static sp_error read_broker(struct relay_state *s, struct sp_why *why)
{
    struct buf path, text;
    struct json *j = NULL;
    sp_error e;

    buf_init(&path, 512);
    buf_init(&text, STATE_FILE_MAX);
    const char *at = file_path(&path, s->dir, "broker.json");
    if (at == NULL)
        return SP_ERR_LIMIT;
    e = file_read_secret(at, STATE_FILE_MAX, &text, why);
    if (e == SP_OK && ((e = json_parse(buf_view(&text), STATE_FILE_MAX, NULL, &j)) != SP_OK ||
                       (e = read_members(j, s)) != SP_OK))
        e = sp_why_say(why, SP_ERR_CORRUPT, "%s is damaged; enrol this relay again", at);
    json_free(j);
    buf_wipe(&text);
    buf_deinit(&path);
    return e == SP_ERR_NOT_FOUND ? SP_OK : e;
}

sp_error relay_state_save(const struct relay_state *s, struct sp_why *why)
{
    struct json *j = json_object();
    struct buf path, text, line;
    sp_error e;

    buf_init(&path, 512);
    buf_init(&text, STATE_FILE_MAX);
    buf_init(&line, ENROL_LINE_MAX);
    enrol_address_write(&s->broker, &line);
    json_set_str(j, "address", buf_view(&line));
    if (!id_is_zero(s->id))
        json_set_id(j, "id", s->id);
    if (s->identity.kind != KEY_NONE)
        json_set_cstr(j, "identity", key_text(&s->identity).s);
    json_set_int(j, "epoch", s->epoch);
    const char *at = file_path(&path, s->dir, "broker.json");
    if (at == NULL)
        e = SP_ERR_LIMIT;
    else if ((e = buf_error(&line)) == SP_OK && (e = json_write_pretty(j, &text)) == SP_OK)
        e = file_write_secret(at, buf_view(&text), why);
    json_free(j);
    buf_wipe(&line);
    buf_wipe(&text);
    buf_deinit(&path);
    return e;
}

/* ---- life --------------------------------------------------------------------------------- */

SP_MUST static sp_error take_lock(struct relay_state *s, struct sp_why *why)
{
    struct buf path;
    sp_error e = SP_ERR_LIMIT;

    buf_init(&path, 512);
    const char *at = file_path(&path, s->dir, "lock");
    if (at != NULL)
        e = file_lock(at, &s->lock, why);
    buf_deinit(&path);
    return e;
}

sp_error relay_state_open(const char *dir, bool run, struct relay_state *out, struct sp_why *why)
{
    struct relay_state s = {.lock = -1};
    sp_error e;

    int n = snprintf(s.dir, sizeof s.dir, "%s", dir);
    if (n < 0 || (size_t)n >= sizeof s.dir)
        return sp_why_say(why, SP_ERR_LIMIT, "the state folder's path is too long");
    s.boot = random_id();
    if ((e = file_make_dir(dir, why)) != SP_OK || (run && (e = take_lock(&s, why)) != SP_OK) ||
        (e = read_key(dir, &s.key, why)) != SP_OK || (e = read_broker(&s, why)) != SP_OK) {
        relay_state_close(&s);
        return e;
    }
    *out = s;
    return SP_OK;
}

void relay_state_close(struct relay_state *s)
{
    key_secret_free(s->key);
    enrol_address_wipe(&s->broker);
    if (s->lock >= 0)
        close(s->lock);
    *s = (struct relay_state){.lock = -1};
}

bool relay_state_has_broker(const struct relay_state *s)
{
    return s->broker.url[0] != '\0';
}
