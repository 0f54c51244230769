/* A store of its own in a fresh folder, for one test. */
#include "broker/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct temp {
    char folder[64], path[96];
    struct store *st;
    const struct store_services *s;
};

static void temp_open(struct temp *t)
{
    struct store_config config = {.path = t->path, .audit_shard = 1, .holder = {{7}}};
    struct sp_why why = {0};
    sp_error e = store_open(&config, &why, &t->st);

    if (e != SP_OK)
        fail_msg("store_open: %s %s", sp_error_code(e), why.text);
    t->s = store_services(t->st);
}

static void temp_new(struct temp *t)
{
    (void)snprintf(t->folder, sizeof t->folder, "/tmp/sp-store-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    (void)snprintf(t->path, sizeof t->path, "%s/store.db", t->folder);
    temp_open(t);
}

static void temp_free(struct temp *t)
{
    char command[128];

    store_close(t->st);
    static const char *const names[] = {"store.db",      "store.db-wal", "store.db-shm",
                                        "store.db.lock", "copy.db",      "filler"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(command, sizeof command, "%s/%s", t->folder, names[i]);
        (void)unlink(command);
    }
    (void)rmdir(t->folder);
}
