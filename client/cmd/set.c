/* set, get: what was decided once for all commands (client/settings). */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "lib/term/out.h"

#include <stdio.h>
#include <string.h>

static int fail(const struct command_call *call, sp_error e, const char *what, const char *why)
{
    bool own = e == SP_ERR_IO || e == SP_ERR_FULL || e == SP_ERR_NOMEM;

    return command_fail(call, &(struct command_failure){.exit = own ? EXIT_ERROR : EXIT_USAGE,
                                                        .code = "settings",
                                                        .what = what,
                                                        .why = why,
                                                        .next = "sallyport help set"});
}

int talk_settings(const struct command_call *call, struct settings *out)
{
    struct sp_why why = {0};
    sp_error e = settings_load(out, &why);

    return e == SP_OK ? EXIT_OK
                      : fail(call, e, "The settings can't be read.",
                             why.text[0] != '\0' ? why.text : sp_error_text(e));
}

static const char *origin_of(const struct settings *s, enum setting key, char variable[64])
{
    switch (s->of[key].from) {
    case SETTINGS_DEFAULT:
        return "default";
    case SETTINGS_MACHINE:
        return s->machine;
    case SETTINGS_PERSON:
        return s->person;
    case SETTINGS_ENVIRONMENT:
        break;
    }
    snprintf(variable, 64, "SALLYPORT_%s", settings_name(key));
    for (char *c = variable; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    return variable;
}

/* The keys that `wanted` says, as a table or as an object. */
static int print(const struct command_call *call, const struct settings *s,
                 const bool wanted[SETTINGS_COUNT])
{
    static const char *const heads[] = {"KEY", "VALUE", "FROM"};
    struct out out = out_on(stdout);
    struct out_table *t = out_table_new(heads, 3);
    struct json *j = json_object(), *list = json_array();
    int code;

    for (size_t k = 0; k < SETTINGS_COUNT; k++) {
        enum setting key = (enum setting)k;
        const char *value = settings_value(s, key), *name = settings_name(key);
        char variable[64];
        const char *origin = origin_of(s, key, variable);
        struct out_cell cells[3] = {
            {name, OUT_PLAIN}, {value[0] != '\0' ? value : NULL, OUT_PLAIN}, {origin, OUT_PLAIN}};
        struct json *one;

        if (!wanted[k])
            continue;
        if (t != NULL)
            out_table_row(t, cells);
        one = json_object();
        json_set_cstr(one, "key", name);
        json_set_cstr(one, "value", value[0] != '\0' ? value : NULL);
        json_set_cstr(one, "from", origin);
        json_push(list, one);
    }
    json_set(j, "settings", list);
    if (call->json) {
        code = command_json("settings", j);
    } else {
        code = t != NULL && out_table_print(t, &out) == SP_OK ? EXIT_OK : EXIT_ERROR;
        json_free(j);
    }
    out_table_free(t);
    return code;
}

static int unknown_key(const struct command_call *call)
{
    char why[256] = "the keys are";
    size_t n = strlen(why);

    for (size_t k = 0; k < SETTINGS_COUNT && n < sizeof why; k++)
        n += (size_t)snprintf(why + n, sizeof why - n, "%s %s", k > 0 ? "," : "",
                              settings_name((enum setting)k));
    return fail(call, SP_ERR_INVALID, "There is no such setting.", why);
}

int cmd_get(const struct command_call *call)
{
    bool wanted[SETTINGS_COUNT] = {false};
    struct settings s;
    int code = talk_settings(call, &s);

    for (size_t k = 0; k < SETTINGS_COUNT; k++)
        wanted[k] = call->count == 0;
    if (code != EXIT_OK)
        return code;
    if (call->count > 0) {
        enum setting key = settings_find(view_str(call->args[0]));

        if (key == SETTINGS_COUNT)
            return unknown_key(call);
        wanted[key] = true;
    }
    return print(call, &s, wanted);
}

/* All are judged before the first is written: a mistake changes nothing. */
static int judge(const struct command_call *call, const struct settings *s,
                 enum setting keys[COMMAND_ARGS_MAX])
{
    for (size_t i = 0; i < call->count; i++) {
        struct view text = view_str(call->args[i]);
        const uint8_t *equals = memchr(text.at, '=', text.len);
        size_t n = equals == NULL ? text.len : (size_t)(equals - text.at);
        struct view value = view_slice(text, n + 1, SIZE_MAX);
        struct sp_why why = {0};
        sp_error e = SP_OK;

        if (equals == NULL)
            return fail(call, SP_ERR_INVALID, "set needs KEY=VALUE.",
                        "KEY= with nothing behind it takes the key out again");
        if ((keys[i] = settings_find(view_slice(text, 0, n))) == SETTINGS_COUNT)
            return unknown_key(call);
        if (value.len > 0 && (e = settings_check(keys[i], value, &why)) != SP_OK)
            return fail(call, e, "Nothing was set.", why.text);
        if (s->person[0] == '\0')
            return fail(call, SP_ERR_NOT_FOUND, "Nothing was set.", "HOME names no folder");
    }
    return EXIT_OK;
}

int cmd_set(const struct command_call *call)
{
    enum setting keys[COMMAND_ARGS_MAX];
    bool wanted[SETTINGS_COUNT] = {false};
    struct settings s;
    int code;

    if ((code = talk_settings(call, &s)) != EXIT_OK || (code = judge(call, &s, keys)) != EXIT_OK)
        return code;
    for (size_t i = 0; i < call->count; i++) {
        struct sp_why why = {0};
        const char *value = strchr(call->args[i], '=') + 1;
        sp_error e = settings_set(&s, keys[i], view_str(value), &why);

        if (e != SP_OK)
            return fail(call, e, "The settings can't be written.",
                        why.text[0] != '\0' ? why.text : sp_error_text(e));
        wanted[keys[i]] = true;
    }
    if ((code = talk_settings(call, &s)) != EXIT_OK)
        return code;
    for (size_t k = 0; k < SETTINGS_COUNT && !call->json; k++)
        if (wanted[k] && s.of[k].from == SETTINGS_ENVIRONMENT)
            fprintf(stderr, "%s is set in the environment, which goes before the file.\n",
                    settings_name((enum setting)k));
    return print(call, &s, wanted);
}
