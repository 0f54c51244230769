#ifndef SP_CLIENT_SETTINGS_SETTINGS_H
#define SP_CLIENT_SETTINGS_SETTINGS_H

/*
 * settings: what a person, or whoever set up the machine, decided once for all commands.
 *
 * Order    environment SALLYPORT_KEY, then $XDG_CONFIG_HOME/sallyport/config.yaml (else
 *          ~/.config/…), then /etc/sallyport/config.yaml, then the default. A flag of a command
 *          beats them all; that is the command's matter. An empty value is none.
 * Form     YAML, one mapping of the keys below to text. Strict: another key, kind or value refuses
 *          the file with line and column (lib/config/load.h), and so does a file that someone else
 *          may write: it says which broker is asked.
 * Not here what an agent keeps (client/agent/state.h) and what sallyport-admin keeps.
 * Any thread; the environment is read once, in settings_load.
 */

#include "lib/base/buf.h"
#include "lib/base/why.h"

enum { SETTING_FILE_MAX = 64 * 1024, SETTING_VALUE_MAX = 1024, SETTING_PATH_MAX = 1100 };

/* Key, default ("": none), what is right. */
#define SETTINGS(X)                                                                              \
    X(SETTING_BROKER, broker, "", "the broker's address such as https://access.example.org")     \
    X(SETTING_CA_FILE, ca_file, "", "the absolute path of a private CA in PEM")                  \
    X(SETTING_FRONT, front, "direct", "direct or l7")                                            \
    X(SETTING_BROWSER, browser, "auto", "auto or off")                                           \
    X(SETTING_LISTEN, listen, "127.0.0.1:1080",                                                  \
      "a loopback address and port such as 127.0.0.1:1080")                                      \
    X(SETTING_NOTIFY, notify, "on", "on or off")                                                 \
    X(SETTING_PROXY, proxy, "", "http://HOST:PORT; the login stands in the file of proxy_login") \
    X(SETTING_PROXY_LOGIN, proxy_login, "",                                                      \
      "the absolute path of a file of mode 0600 that holds USER:PASSWORD")
#define SETTINGS_ENUM(key, name, preset, expected) key,
enum setting { SETTINGS(SETTINGS_ENUM) SETTINGS_COUNT };

enum settings_layer {
    SETTINGS_DEFAULT = 0,
    SETTINGS_MACHINE,
    SETTINGS_PERSON,
    SETTINGS_ENVIRONMENT
};

struct settings {
    struct {
        char value[SETTING_VALUE_MAX + 1];
        enum settings_layer from;
    } of[SETTINGS_COUNT];
    char machine[SETTING_PATH_MAX], person[SETTING_PATH_MAX]; /* the files; "": no home */
};

/*
 * Files that are not there are empty.
 *   SP_ERR_INVALID, SP_ERR_MALFORMED  `why` begins with FILE:LINE:COLUMN, or "environment: "
 *   SP_ERR_PERMISSION                 someone else may write the file
 *   SP_ERR_LIMIT, SP_ERR_IO, SP_ERR_NOMEM
 */
SP_MUST sp_error settings_load(struct settings *out, struct sp_why *why);

/* Value of a key, "" when there is none. Borrowed. */
const char *settings_value(const struct settings *s, enum setting key);
/* "broker"; and back, SETTINGS_COUNT: no such key. */
const char *settings_name(enum setting key);
enum setting settings_find(struct view name);
/* What a right value is, for people. */
const char *settings_expected(enum setting key);

/* One value by itself. SP_ERR_INVALID */
SP_MUST sp_error settings_check(enum setting key, struct view value, struct sp_why *why);

/*
 * The person's file with this key set, or without it when `value` is empty; every other line stays
 * as it was. `text` is the file's text before, `out` after. Pure. Fuzzed by
 * tests/fuzz/fuzz_settings.c.
 *   SP_ERR_INVALID    the value; or the text is not one key a line, so a person has to change it
 *   SP_ERR_MALFORMED  the text is no settings file; `why` has line and column
 */
SP_MUST sp_error settings_edit(struct view text, enum setting key, struct view value,
                               struct sp_why *why, struct buf *out);

/* Sets one key in the person's file, which is made when it is missing (0600).
 *   SP_ERR_NOT_FOUND  no home; else as settings_edit and lib/os/file */
SP_MUST sp_error settings_set(const struct settings *s, enum setting key, struct view value,
                              struct sp_why *why);

#endif
