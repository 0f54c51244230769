#include "broker/offline.h"

#include "lib/crypto/random.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <unistd.h>

int offline_fail(const struct command_call *call, sp_error e, const char *what,
                 const struct sp_why *why)
{
    char place[SP_WHY_TEXT_MAX + SP_WHY_FIELD_MAX + 64];
    struct command_failure f = {
        .exit = EXIT_ERROR, .code = sp_error_code(e), .what = what, .why = sp_error_text(e)};

    if (why != NULL && why->text[0] != '\0') {
        if (why->line > 0)
            snprintf(place, sizeof place, "line %u, column %u: %s", why->line, why->column,
                     why->text);
        else
            snprintf(place, sizeof place, "%s", why->text);
        f.why = place;
    }
    if (e == SP_ERR_INVALID || e == SP_ERR_MALFORMED || e == SP_ERR_NOT_FOUND ||
        e == SP_ERR_PERMISSION)
        f.exit = EXIT_USAGE;
    if (e == SP_ERR_CORRUPT || e == SP_ERR_INTEGRITY || e == SP_ERR_VERSION)
        f.exit = EXIT_INTEGRITY;
    if (e == SP_ERR_BUSY)
        f.next = "Stop the broker first; only one program may write its store.";
    return command_fail(call, &f);
}

static sp_error open_store(struct offline *o, const char *path, struct sp_why *why)
{
    struct store_config c = {.path = path, .holder = random_id()};

    return store_open(&c, why, &o->store);
}

static sp_error open_copy(struct offline *o, struct sp_why *why)
{
    sp_error e;

    snprintf(o->copy, sizeof o->copy, "%s.copy-%s", o->path, id_text(random_id()).s);
    if ((e = store_backup(o->path, o->copy, why)) != SP_OK)
        return e;
    return open_store(o, o->copy, why);
}

static sp_error open_it(struct offline *o, enum offline_need need, struct sp_why *why)
{
    char lock[512];
    sp_error e;

    snprintf(o->path, sizeof o->path, "%s/store.db", o->config.state);
    snprintf(lock, sizeof lock, "%s/lock", o->config.state);
    if (need == OFFLINE_WRITE && (e = file_make_dir(o->config.state, why)) != SP_OK)
        return e;
    if (need == OFFLINE_READ && access(o->path, F_OK) != 0)
        return sp_why_say(why, SP_ERR_NOT_FOUND, "there is no store at %s", o->path);
    if ((e = file_lock(lock, &o->lock, why)) == SP_OK)
        return open_store(o, o->path, why);
    o->lock = -1;
    return e == SP_ERR_BUSY && need == OFFLINE_READ ? open_copy(o, why) : e;
}

int offline_open(const struct command_call *call, enum offline_need need, struct offline *out)
{
    const char *path = command_value(call, "config");
    struct sp_why why = {0};
    sp_error e;

    *out = (struct offline){.lock = -1};
    if (path == NULL)
        path = "/etc/sallyport/broker.yaml";
    if ((e = broker_config_load(path, &out->config, &why)) != SP_OK)
        return offline_fail(call, e, path, &why);
    if (need == OFFLINE_CONFIG)
        return EXIT_OK;
    if ((e = open_it(out, need, &why)) != SP_OK)
        return offline_fail(call, e, "The store can't be opened.", &why);
    return EXIT_OK;
}

void offline_close(struct offline *o)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char path[sizeof o->copy + 8];

    store_close(o->store);
    for (size_t i = 0; o->copy[0] != '\0' && i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s", o->copy, parts[i]);
        unlink(path); /* the copy; its side files may not be there */
    }
    if (o->lock >= 0)
        close(o->lock);
    broker_config_free(&o->config);
}
