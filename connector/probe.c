#include "connector/probe.h"

#include "connector/dial.h"

#include "lib/os/loop.h"
#include "lib/os/pool.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

struct probe {
    struct probe_room room;
    struct sp_id app;
    sp_unix_ms now;
    probe_done *done; /* NULL: cancelled while a worker had it */
    void *arg;
    bool on_worker;
    struct targets targets; /* a worker's while on_worker */
    uint16_t port;          /* 0: there was no record */
    struct connecting *connecting;
    sp_boot_ms began;
    struct probe_result result;
};

static void finish(struct probe *p, const char *error)
{
    struct record *r = records_get(p->room.records, p->app);

    p->result.error = error;
    if (r != NULL) {
        r->last = error == NULL ? "connected" : error;
        r->last_at = p->now;
    }
    p->done(p->arg, &p->result);
    free(p);
}

static void on_connected(void *arg, int fd, sp_error e)
{
    struct probe *p = arg;

    p->connecting = NULL; /* no longer pending */
    p->result.ms = clock_boot() - p->began;
    if (fd >= 0)
        close(fd);
    finish(p, e == SP_OK ? NULL : dial_word(e));
}

static void on_resolved(void *arg)
{
    struct probe *p = arg;
    const struct target *to;

    p->on_worker = false;
    if (p->done == NULL) {
        free(p);
        return;
    }
    if (p->port == 0) {
        finish(p, "record");
        return;
    }
    if (p->targets.count == 0) {
        finish(p, "not_found");
        return;
    }
    to = targets_choose(&p->targets, *p->room.floor, p->port, &p->result.verdict);
    p->result.resolved = true;
    p->result.address = to != NULL ? to->address : p->targets.found[0].address;
    address_set_port(&p->result.address, p->port);
    if (to == NULL) {
        finish(p, "floor");
        return;
    }
    p->result.verdict = (struct floor_verdict){FLOOR_ALLOWED, 0};
    p->began = clock_boot();
    if (connect_start(p->room.loop, &p->result.address, p->began + PROBE_CONNECT_MS, on_connected,
                      p, &p->connecting) != SP_OK)
        finish(p, "unreachable");
}

static void resolve(void *arg)
{
    targets_resolve(&((struct probe *)arg)->targets);
}

sp_error probe_start(const struct probe_room *room, struct sp_id app, sp_unix_ms now,
                     probe_done *done, void *arg, struct probe **out)
{
    const struct record *r = records_get(room->records, app);
    struct probe *p = calloc(1, sizeof *p);
    sp_error e;

    if (p == NULL)
        return SP_ERR_NOMEM;
    *p = (struct probe){.room = *room, .app = app, .now = now, .done = done, .arg = arg};
    if (r != NULL && r->app.port_count > 0) {
        targets_of(&r->app, &p->targets);
        p->port = r->app.ports[0];
    }
    p->on_worker = true;
    /* without a record there is nothing to resolve; the answer still comes from the loop */
    if ((e = pool_submit(room->pool, POOL_PLAIN, resolve, on_resolved, p)) != SP_OK) {
        free(p);
        return e;
    }
    *out = p;
    return SP_OK;
}

void probe_cancel(struct probe *p)
{
    if (p == NULL)
        return;
    p->done = NULL;
    if (p->on_worker)
        return; /* on_resolved frees it */
    connect_cancel(p->connecting);
    free(p);
}
