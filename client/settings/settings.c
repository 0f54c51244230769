#include "client/settings/settings.h"

#include "lib/base/encode.h"
#include "lib/config/load.h"
#include "lib/http/proxy.h"
#include "lib/os/file.h"
#include "lib/os/resolve.h"
#include "lib/trust/enrol.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One file, or the environment, as lib/config reads it: NULL is absent. */
struct layer {
    char *values[SETTINGS_COUNT]; /* owned */
};

/* ---- values ------------------------------------------------------------------------------- */

static sp_error check_broker(struct view v, struct sp_why *why)
{
    struct enrol_address a;
    sp_error e = enrol_address_parse(v, why, &a);

    if (e == SP_OK && a.token[0] != '\0')
        e = sp_why_say(why, SP_ERR_INVALID, "an enrolment string is no address to sign in at");
    enrol_address_wipe(&a);
    return e == SP_OK ? SP_OK : SP_ERR_INVALID;
}

static sp_error check_path(struct view v, struct sp_why *why)
{
    return v.len > 0 && v.at[0] == '/'
               ? SP_OK
               : sp_why_say(why, SP_ERR_INVALID, "the path has to begin with '/'");
}

static sp_error check_ca_file(struct view v, struct sp_why *why)
{
    return check_path(v, why);
}

static sp_error check_proxy_login(struct view v, struct sp_why *why)
{
    return check_path(v, why);
}

/* What it says is printed by `get`, and may stand in the environment: no place for a password. */
static sp_error check_proxy(struct view v, struct sp_why *why)
{
    struct proxy_env env = {.url = ""};
    struct proxy_choice way;

    if (memchr(v.at, '@', v.len) != NULL)
        return sp_why_say(why, SP_ERR_INVALID,
                          "a login stands in a file of mode 0600 that proxy_login names");
    if (v.len >= sizeof env.url || !view_is(view_slice(v, 0, 7), "http://"))
        return sp_why_say(why, SP_ERR_INVALID, "it has to begin with http://");
    view_copy(env.url, sizeof env.url, v);
    return proxy_choose(&env, "broker.invalid", 443, why, &way) == SP_OK ? SP_OK : SP_ERR_INVALID;
}

static sp_error one_of(struct view v, const char *a, const char *b, struct sp_why *why)
{
    return view_is(v, a) || view_is(v, b)
               ? SP_OK
               : sp_why_say(why, SP_ERR_INVALID, "it has to be %s or %s", a, b);
}

static sp_error check_front(struct view v, struct sp_why *why)
{
    return one_of(v, "direct", "l7", why);
}

static sp_error check_browser(struct view v, struct sp_why *why)
{
    return one_of(v, "auto", "off", why);
}

static sp_error check_listen(struct view v, struct sp_why *why)
{
    struct address a;

    return address_parse(v, &a) == SP_OK && address_class(&a) == ADDRESS_LOOPBACK
               ? SP_OK
               : sp_why_say(why, SP_ERR_INVALID, "it has to be a loopback ADDRESS:PORT");
}

static sp_error check_notify(struct view v, struct sp_why *why)
{
    return one_of(v, "on", "off", why);
}

static const struct {
    const char *name, *preset, *expected;
    sp_error (*check)(struct view value, struct sp_why *why);
} keys[SETTINGS_COUNT] = {
#define SETTINGS_ROW(key, name, preset, expected) [key] = {#name, preset, expected, check_##name},
    SETTINGS(SETTINGS_ROW)};

#define SETTINGS_FIELD(key, key_name, key_preset, key_expected)     \
    {.name = #key_name,                                             \
     .kind = CONFIG_STRING,                                         \
     .at = offsetof(struct layer, values) + (key) * sizeof(char *), \
     .max = SETTING_VALUE_MAX,                                      \
     .expected = (key_expected),                                    \
     .check = check_##key_name},
static const struct config_field fields[] = {SETTINGS(SETTINGS_FIELD){0}};

const char *settings_name(enum setting key)
{
    return keys[key].name;
}

const char *settings_expected(enum setting key)
{
    return keys[key].expected;
}

enum setting settings_find(struct view name)
{
    size_t key = 0;

    while (key < SETTINGS_COUNT && !view_is(name, keys[key].name))
        key++;
    return (enum setting)key;
}

const char *settings_value(const struct settings *s, enum setting key)
{
    return s->of[key].value;
}

sp_error settings_check(enum setting key, struct view value, struct sp_why *why)
{
    struct sp_why inner = {0};
    bool may_be_secret = value.len > 0 && memchr(value.at, '@', value.len) != NULL;

    if (value.len <= SETTING_VALUE_MAX && keys[key].check(value, &inner) == SP_OK)
        return SP_OK;
    if (may_be_secret)
        value = view_str("...@...");
    return sp_why_say(why, SP_ERR_INVALID, "%s: \"%.*s\" is wrong: %s; write %s", keys[key].name,
                      value.len > 80 ? 80 : VIEW_ARG(value),
                      inner.text[0] != '\0' ? inner.text : "too long", keys[key].expected);
}

/* ---- reading ------------------------------------------------------------------------------ */

static void lay(struct settings *s, const struct layer *l, enum settings_layer from)
{
    for (size_t k = 0; k < SETTINGS_COUNT; k++) {
        if (l->values[k] == NULL || l->values[k][0] == '\0')
            continue;
        view_copy(s->of[k].value, sizeof s->of[k].value, view_str(l->values[k]));
        s->of[k].from = from;
    }
}

static sp_error read_file(const char *path, struct settings *s, enum settings_layer from,
                          struct sp_why *why)
{
    struct layer l = {{0}};
    struct buf text;
    sp_error e;

    if (path[0] == '\0')
        return SP_OK;
    buf_init(&text, SETTING_FILE_MAX);
    if ((e = file_read_owned(path, SETTING_FILE_MAX, &text, why)) == SP_OK &&
        (e = config_read(buf_view(&text), path, fields, &l, why)) == SP_OK)
        lay(s, &l, from);
    config_free(fields, &l);
    buf_deinit(&text);
    return e == SP_ERR_NOT_FOUND ? SP_OK : e;
}

static void name_files(struct settings *s)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const char *more = "";

    snprintf(s->machine, sizeof s->machine, "/etc/sallyport/config.yaml");
    if (base == NULL || base[0] != '/') {
        base = home;
        more = "/.config";
    }
    if (base != NULL && base[0] == '/' && strlen(base) < SETTING_VALUE_MAX)
        snprintf(s->person, sizeof s->person, "%s%s/sallyport/config.yaml", base, more);
}

sp_error settings_load(struct settings *out, struct sp_why *why)
{
    struct settings s = {.machine = ""};
    struct layer environment = {{0}};
    struct sp_why said = {0};
    sp_error e;

    for (size_t k = 0; k < SETTINGS_COUNT; k++)
        view_copy(s.of[k].value, sizeof s.of[k].value, view_str(keys[k].preset));
    name_files(&s);
    if ((e = read_file(s.machine, &s, SETTINGS_MACHINE, &said)) == SP_OK &&
        (e = read_file(s.person, &s, SETTINGS_PERSON, &said)) == SP_OK &&
        (e = config_environment(fields, &environment, "SALLYPORT_", &said)) == SP_OK)
        lay(&s, &environment, SETTINGS_ENVIRONMENT);
    config_free(fields, &environment);
    if (e == SP_OK)
        *out = s;
    else if (why != NULL)
        *why = said;
    return e;
}

/* ---- changing ----------------------------------------------------------------------------- */

/* Bytes of the line break that stands at `at`, as YAML 1.1 counts lines (5.4); 0: none. */
static size_t break_len(struct view text, size_t at)
{
    static const char *const breaks[] = {"\r\n",     "\r",           "\n",
                                         "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++)
        if (view_is(view_slice(text, at, strlen(breaks[i])), breaks[i]))
            return strlen(breaks[i]);
    return 0;
}

/* Behind the break of the line that `at` stands in. */
static size_t line_end(struct view text, size_t at)
{
    while (at < text.len && break_len(text, at) == 0)
        at++;
    return at < text.len ? at + break_len(text, at) : at;
}

/* Where line `n` (from 1) of a text begins and ends, with its break. */
static void find_line(struct view text, unsigned n, size_t *from, size_t *to)
{
    size_t at = 0;

    for (unsigned line = 1; line < n && at < text.len; line++)
        at = line_end(text, at);
    *from = at;
    *to = line_end(text, at);
}

static unsigned line_of(struct view text, const char *name)
{
    struct tree *t = NULL;
    unsigned line = 0, column;

    if (tree_parse(text, SETTING_FILE_MAX, NULL, &t) == SP_OK &&
        json_get(tree_root(t), name) != NULL)
        tree_place_member(t, tree_root(t), name, &line, &column);
    tree_free(t);
    return line;
}

/* The text says what it said before, but for this key. */
static sp_error proven(struct view before, struct view after, enum setting key, struct view value,
                       struct sp_why *why)
{
    struct layer was = {{0}}, is = {{0}};
    sp_error e;
    bool same = true;

    if ((e = config_read(before, "config.yaml", fields, &was, why)) == SP_OK &&
        (e = config_read(after, "config.yaml", fields, &is, NULL)) != SP_OK)
        same = false;
    for (size_t k = 0; e == SP_OK && same && k < SETTINGS_COUNT; k++) {
        struct view want = k == key                ? value
                           : was.values[k] == NULL ? view_str("")
                                                   : view_str(was.values[k]);

        same = is.values[k] == NULL ? want.len == 0 : view_is(want, is.values[k]);
    }
    config_free(fields, &was);
    config_free(fields, &is);
    return same ? e
                : sp_why_say(why, SP_ERR_INVALID,
                             "the file is not written one key a line; change %s there by hand",
                             keys[key].name);
}

sp_error settings_edit(struct view text, enum setting key, struct view value, struct sp_why *why,
                       struct buf *out)
{
    unsigned line = line_of(text, keys[key].name);
    size_t from = text.len, to = text.len, before = out->len;
    sp_error e;

    if (value.len > 0 && (e = settings_check(key, value, why)) != SP_OK)
        return e;
    if (line > 0)
        find_line(text, line, &from, &to);
    sp_ignore(buf_append(out, view_slice(text, 0, from))); /* asked below */
    if (value.len > 0 && line == 0 && from > 0 && text.at[from - 1] != '\n')
        buf_add_byte(out, '\n');
    if (value.len > 0) {
        buf_addf(out, "%s: ", keys[key].name);
        encode_json_string(value, out); /* a JSON string is a YAML string */
        buf_add_byte(out, '\n');
    }
    sp_ignore(buf_append(out, view_slice(text, to, SIZE_MAX)));
    if ((e = buf_error(out)) == SP_OK)
        e = proven(text, view_slice(buf_view(out), before, SIZE_MAX), key, value, why);
    return e;
}

sp_error settings_set(const struct settings *s, enum setting key, struct view value,
                      struct sp_why *why)
{
    char folder[SETTING_PATH_MAX];
    struct buf before, after;
    sp_error e;

    if (s->person[0] == '\0')
        return sp_why_say(why, SP_ERR_NOT_FOUND, "there is no home folder: HOME is not set");
    snprintf(folder, sizeof folder, "%s", s->person);
    *strrchr(folder, '/') = '\0';
    buf_init(&before, SETTING_FILE_MAX);
    buf_init(&after, SETTING_FILE_MAX);
    e = file_read_owned(s->person, SETTING_FILE_MAX, &before, why);
    if (e == SP_ERR_NOT_FOUND)
        e = SP_OK;
    if (e == SP_OK && (e = settings_edit(buf_view(&before), key, value, why, &after)) == SP_OK &&
        (e = file_make_dir(folder, why)) == SP_OK)
        e = file_write(s->person, buf_view(&after), 0600, why);
    buf_deinit(&before);
    buf_deinit(&after);
    return e;
}
