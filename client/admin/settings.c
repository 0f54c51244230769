#include "client/admin/broker.h"

#include "lib/os/file.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at, room;
} members[] = {
    {"broker", offsetof(struct settings, broker), sizeof(((struct settings *)NULL)->broker)},
    {"ca", offsetof(struct settings, ca), sizeof(((struct settings *)NULL)->ca)},
    {"token_file", offsetof(struct settings, token_file),
     sizeof(((struct settings *)NULL)->token_file)},
};

enum { MEMBERS = sizeof members / sizeof *members };

sp_error settings_path(struct buf *out)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    buf_reset(out);
    if (base != NULL && base[0] == '/')
        buf_addf(out, "%s/sallyport/admin.json", base);
    else if (home != NULL && home[0] == '/')
        buf_addf(out, "%s/.config/sallyport/admin.json", home);
    else
        return SP_ERR_NOT_FOUND;
    return buf_error(out);
}

static sp_error take(const struct json *j, struct settings *out, struct sp_why *why)
{
    static const char *const names[] = {"broker", "ca", "token_file", NULL};
    struct settings s = {0};
    sp_error e = json_only(j, names, why);

    for (size_t i = 0; e == SP_OK && i < MEMBERS; i++) {
        struct view v;
        sp_error got = json_get_str(j, members[i].name, members[i].room - 1, &v);

        if (got == SP_OK)
            view_copy((char *)&s + members[i].at, members[i].room, v);
        else if (got != SP_ERR_NOT_FOUND)
            e = sp_why_say(why, SP_ERR_MALFORMED, "%s is no text of at most %zu bytes",
                           members[i].name, members[i].room - 1);
    }
    if (e == SP_OK)
        *out = s;
    return e;
}

sp_error settings_read(const char *path, struct settings *out, struct sp_why *why)
{
    struct json *j = NULL;
    struct buf text;
    sp_error e;

    buf_init(&text, SETTINGS_BYTES_MAX);
    e = file_read_owned(path, SETTINGS_BYTES_MAX, &text, why);
    if (e == SP_ERR_NOT_FOUND) {
        *out = (struct settings){0};
        e = SP_OK;
    } else if (e == SP_OK &&
               (e = json_parse(buf_view(&text), SETTINGS_BYTES_MAX, why, &j)) == SP_OK) {
        e = take(j, out, why);
    }
    json_free(j);
    buf_deinit(&text);
    return e;
}

sp_error settings_write(const char *path, const struct settings *s, struct sp_why *why)
{
    struct json *j = json_object();
    struct buf text, folder;
    const char *slash = strrchr(path, '/');
    sp_error e;

    buf_init(&text, SETTINGS_BYTES_MAX);
    buf_init(&folder, 4096);
    for (size_t i = 0; i < MEMBERS; i++) {
        const char *value = (const char *)s + members[i].at;

        if (value[0] != '\0')
            json_set_cstr(j, members[i].name, value);
    }
    buf_add(&folder, (struct view){(const uint8_t *)path, (size_t)(slash - path)});
    e = json_write_pretty(j, &text);
    buf_add_byte(&text, '\n');
    if (e == SP_OK && (e = buf_error(&text)) == SP_OK && (e = buf_error(&folder)) == SP_OK &&
        (e = file_make_dir(buf_cstr(&folder), why)) == SP_OK)
        e = file_write(path, buf_view(&text), 0600, why);
    buf_deinit(&folder);
    buf_deinit(&text);
    json_free(j);
    return e;
}
