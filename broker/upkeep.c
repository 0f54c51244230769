/* Commands on the store as a whole: check, migrate, backup, restore. */

#include "broker/commands.h"
#include "broker/offline.h"
#include "lib/os/file.h"

#include <stdio.h>

static int say(const struct command_call *call, const char *schema, const char *name,
               const char *value)
{
    struct json *j;

    if (!call->json) {
        printf("%s\n", value);
        return EXIT_OK;
    }
    j = json_object();
    json_set_cstr(j, name, value);
    return command_json(schema, j);
}

int cmd_check(const struct command_call *call)
{
    struct offline o;
    struct sp_why why = {0};
    int code = offline_open(call, OFFLINE_CONFIG, &o);
    sp_error e;

    if (code == EXIT_OK && (e = broker_config_check(&o.config, &why)) != SP_OK)
        code = offline_fail(call, e, "The configuration is not usable.", &why);
    offline_close(&o);
    return code != EXIT_OK ? code : say(call, "broker.check", "result", "ok");
}

int cmd_migrate(const struct command_call *call)
{
    struct offline o;
    char text[64];
    int code = offline_open(call, OFFLINE_WRITE, &o); /* opening migrates */

    offline_close(&o);
    if (code != EXIT_OK)
        return code;
    snprintf(text, sizeof text, "schema %d", STORE_SCHEMA);
    return say(call, "broker.migrate", "result", text);
}

int cmd_backup(const struct command_call *call)
{
    const char *to = command_value(call, "file");
    char from[512];
    struct offline o;
    struct sp_why why = {0};
    int code = offline_open(call, OFFLINE_CONFIG, &o);
    sp_error e;

    if (code == EXIT_OK && to == NULL) {
        sp_ignore(sp_why_say(&why, SP_ERR_INVALID, "say where: --file FILE")); /* only the text */
        code = offline_fail(call, SP_ERR_INVALID, "Nothing was backed up.", &why);
    }
    if (code == EXIT_OK) {
        snprintf(from, sizeof from, "%s/store.db", o.config.state);
        if ((e = store_backup(from, to, &why)) != SP_OK)
            code = offline_fail(call, e, "Nothing was backed up.", &why);
    }
    offline_close(&o);
    return code != EXIT_OK ? code : say(call, "broker.backup", "file", to);
}

int cmd_restore(const struct command_call *call)
{
    const char *from = command_value(call, "file");
    char to[512], lock[512];
    struct offline o;
    struct sp_why why = {0};
    int code = offline_open(call, OFFLINE_CONFIG, &o);
    sp_error e = SP_OK;

    if (code == EXIT_OK) {
        snprintf(to, sizeof to, "%s/store.db", o.config.state);
        snprintf(lock, sizeof lock, "%s/lock", o.config.state);
        if (from == NULL)
            e = sp_why_say(&why, SP_ERR_INVALID, "say from where: --file FILE");
        else if ((e = file_lock(lock, &o.lock, &why)) == SP_OK)
            e = store_restore(from, to, &why);
        else
            o.lock = -1;
        if (e != SP_OK)
            code = offline_fail(call, e, "Nothing was restored.", &why);
    }
    offline_close(&o);
    if (code == EXIT_OK && why.text[0] != '\0')
        fprintf(stderr, "%s\n", why.text); /* what a restore can't bring back (FLT-07) */
    return code != EXIT_OK ? code : say(call, "broker.restore", "file", from);
}
