/* Commands on the store as a whole: check, migrate, backup, restore. */

#include "broker/commands.h"
#include "broker/offline.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <unistd.h>

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

/* ---- the store as a whole ----------------------------------------------------------------- */

static void store_path(const struct offline *o, char path[512])
{
    snprintf(path, 512, "%s/store.db", o->config.state);
}

static int say_look(const struct command_call *call, const char *schema, const char *file,
                    const struct store_look *l)
{
    struct json *j;

    if (!call->json) {
        printf("%s: whole, schema %lld, %llu bytes, %llu users, %llu devices, %llu audit records\n",
               file, (long long)l->schema, (unsigned long long)l->bytes,
               (unsigned long long)l->users, (unsigned long long)l->devices,
               (unsigned long long)l->audit_records);
        return EXIT_OK;
    }
    j = json_object();
    json_set_cstr(j, "file", file);
    json_set_int(j, "schema_version", l->schema);
    json_set_int(j, "bytes", (int64_t)l->bytes);
    json_set_int(j, "users", (int64_t)l->users);
    json_set_int(j, "devices", (int64_t)l->devices);
    json_set_int(j, "audit_records", (int64_t)l->audit_records);
    return command_json(schema, j);
}

static int say_migration(const struct command_call *call, int64_t from, const char *backup,
                         bool done)
{
    struct json *j;

    if (!call->json) {
        if (from == STORE_SCHEMA)
            printf("schema %d: nothing to do\n", STORE_SCHEMA);
        else
            printf("schema %lld %s %d%s%s\n", (long long)from, done ? "is now" : "would become",
                   STORE_SCHEMA, backup[0] != '\0' ? "; as it was: " : "", backup);
        return EXIT_OK;
    }
    j = json_object();
    json_set_int(j, "from", from);
    json_set_int(j, "to", STORE_SCHEMA);
    json_set_bool(j, "done", done || from == STORE_SCHEMA);
    json_set_cstr(j, "backup", backup[0] != '\0' ? backup : NULL);
    return command_json("broker.migrate", j);
}

/* A copy of what is there before it is changed. */
static sp_error keep_copy(const char *path, int64_t schema, char *copy, size_t room,
                          struct sp_why *why)
{
    int n = snprintf(copy, room, "%s.schema-%lld-%lld", path, (long long)schema,
                     (long long)clock_unix());

    if (n < 0 || (size_t)n >= room)
        return sp_why_say(why, SP_ERR_LIMIT, "the path of the store is too long");
    return store_backup(path, copy, why);
}

int cmd_migrate(const struct command_call *call)
{
    bool dry = command_given(call, "dry-run");
    char path[512], copy[600] = "";
    struct store_look look = {.schema = STORE_SCHEMA};
    struct offline o;
    struct sp_why why = {0};
    int code = offline_open(call, OFFLINE_CONFIG, &o);
    sp_error e = SP_OK;

    if (code != EXIT_OK)
        return code;
    store_path(&o, path);
    e = store_look_at(path, &why, &look);
    if (e == SP_ERR_NOT_FOUND && !dry) { /* a first store is made with the newest schema */
        look.schema = STORE_SCHEMA;
        e = SP_OK;
    }
    if (e == SP_OK && !dry && look.schema < STORE_SCHEMA)
        e = keep_copy(path, look.schema, copy, sizeof copy, &why);
    offline_close(&o);
    if (e != SP_OK)
        return offline_fail(call, e, "Nothing was migrated.", &why);
    if (!dry) {
        code = offline_open(call, OFFLINE_WRITE, &o); /* opening migrates */
        offline_close(&o);
    }
    return code == EXIT_OK ? say_migration(call, look.schema, copy, !dry) : code;
}

/* --dry-run: would it work, and what would be copied? */
static sp_error try_backup(const char *from, const char *to, struct store_look *look,
                           struct sp_why *why)
{
    if (access(to, F_OK) == 0)
        return sp_why_say(why, SP_ERR_EXISTS, "%s is there already", to);
    return store_look_at(from, why, look);
}

int cmd_backup(const struct command_call *call)
{
    const char *to = command_value(call, "file");
    bool dry = command_given(call, "dry-run");
    struct store_look look = {0};
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
        store_path(&o, from);
        e = dry ? try_backup(from, to, &look, &why) : store_backup(from, to, &why);
        if (e == SP_OK && !dry) /* what was written is read again */
            e = store_look_at(to, &why, &look);
        if (e != SP_OK)
            code = offline_fail(call, e, "Nothing was backed up.", &why);
    }
    offline_close(&o);
    return code != EXIT_OK ? code : say_look(call, "broker.backup", dry ? from : to, &look);
}

int cmd_restore(const struct command_call *call)
{
    const char *from = command_value(call, "file");
    bool dry = command_given(call, "dry-run");
    struct store_look look = {0};
    char to[512], lock[512];
    struct offline o;
    struct sp_why why = {0};
    int code = offline_open(call, OFFLINE_CONFIG, &o);
    sp_error e = SP_OK;

    if (code == EXIT_OK) {
        store_path(&o, to);
        snprintf(lock, sizeof lock, "%s/lock", o.config.state);
        if (from == NULL)
            e = sp_why_say(&why, SP_ERR_INVALID, "say from where: --file FILE");
        else if ((e = store_look_at(from, &why, &look)) == SP_OK &&
                 (e = file_lock(lock, &o.lock, &why)) != SP_OK)
            o.lock = -1;
        if (e == SP_OK && !dry)
            e = store_restore(from, to, &why);
        if (e != SP_OK)
            code = offline_fail(call, e,
                                dry ? "It could not be restored." : "Nothing was restored.", &why);
    }
    offline_close(&o);
    if (code == EXIT_OK) /* what a restore can't bring back (FLT-07) */
        fprintf(stderr, "%s\n",
                dry ? "Everyone would sign in again; open enrolment tokens would be void; what was "
                      "locked, blocked or revoked since the backup would be open again."
                    : why.text);
    return code != EXIT_OK ? code : say_look(call, "broker.restore", from, &look);
}
