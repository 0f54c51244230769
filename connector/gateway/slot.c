#include "connector/gateway/slot.h"

#include "connector/gateway/document.h"
#include "connector/gateway/expiry.h"
#include "connector/gateway/gateway_internal.h"
#include "connector/gateway/watch.h"
#include "lib/base/log.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/banned.h"

struct slot {
    struct gateway *gateway; /* borrowed */
    struct sp_id id;
    int64_t version;     /* of the record that was read last, usable or not; 0: none */
    struct gw_app *app;  /* one share: in force; NULL: nothing is */
    struct gw_app *next; /* owned: its files are being read, or its document fetched */
    bool stalled;        /* next waits for room among the workers */
    bool missing;        /* next's document is not on this machine yet */
    sp_boot_ms asked;    /* for it */
    struct watch *watch; /* owned; NULL: not yet asked for */
    struct waiter *parked;
    sp_boot_ms parked_at; /* the first of them */
    struct lease lease;
    sp_unix_ms looked; /* for certificates that end soon; 0: at the next second */
};

sp_error slot_new(struct gateway *g, struct sp_id app, struct slot **out)
{
    struct slot *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->gateway = g;
    s->id = app;
    *out = s;
    return SP_OK;
}

void slot_free(struct slot *s)
{
    if (s == NULL)
        return;
    app_free(s->next);
    app_free(s->app);
    watch_free(s->watch);
    free(s);
}

struct watch *slot_watch(struct slot *s, bool make)
{
    if (s->watch == NULL && make)
        s->watch = gateway_watch_new(s->gateway, s->id);
    return s->watch;
}

/* ---- one version after another ------------------------------------------------------------- */

static void drop_next(struct slot *s)
{
    app_free(s->next);
    s->next = NULL;
    s->missing = s->stalled = false;
}

/* `app` NULL: nothing is in force from now on. */
static void swap(struct slot *s, struct gw_app *app)
{
    if (app != NULL) {
        app_begin(app);
        if (gateway_shares(s->gateway))
            lease_begin(app, s->app);
        log_event(LOG_INFO, "gateway.load", "the app's gateway is in force", "app", app_name(app),
                  "version", LOG_INT(app_version(app)), NULL);
    }
    app_free(s->app);
    s->app = app;
    s->looked = 0;
    s->lease.asked = true; /* it is told within the second */
    waiter_wake(&s->parked);
}

static void fail(struct slot *s, const char *name, sp_error e, const struct sp_why *why)
{
    log_event(LOG_ERROR, "gateway.load", why->text[0] != '\0' ? why->text : sp_error_text(e), "app",
              name, "version", LOG_INT(s->version), NULL);
    swap(s, NULL);
}

static void ask(struct slot *s)
{
    s->asked = clock_boot();
    gateway_fetch(s->gateway, document_sha256(gw_app_document(s->next)));
}

static void give_up(struct slot *s, sp_error e, const struct sp_why *why)
{
    struct gw_app *app = s->next;

    s->next = NULL;
    fail(s, app_name(app), e, why);
    app_free(app);
}

static void go_on(struct slot *s);

static void on_loaded(void *arg, sp_error e, const struct sp_why *why)
{
    struct slot *s = arg;

    if (e == SP_OK)
        go_on(s);
    else
        give_up(s, e, why);
}

static void on_ready(void *arg, sp_error e, const struct sp_why *why)
{
    struct slot *s = arg;

    s->missing = e == SP_ERR_NOT_FOUND && document_sha256(gw_app_document(s->next)) != NULL;
    if (s->missing)
        ask(s);
    else
        on_loaded(s, e, why);
}

static void on_remembered(void *arg)
{
    struct slot *s = arg;

    if (s->next != NULL)
        go_on(s);
}

/* The next step towards being in force: what is remembered of the app, its certificates, its
 * document, each by a worker. */
static void go_on(struct slot *s)
{
    struct gw_app *app = s->next;
    struct document *d = gw_app_document(app);
    struct sp_why why = {{0}, {0}, 0, 0};
    sp_error e;

    s->missing = false;
    if (!watch_is_ready(s->watch)) {
        watch_await(s->watch, on_remembered, s);
        return;
    }
    if (!app_is_loaded(app)) {
        e = app_load(app, on_loaded, s);
    } else if (!document_is_ready(d)) {
        e = document_load(d, gateway_pool(s->gateway), on_ready, s);
    } else {
        s->next = NULL;
        swap(s, app);
        return;
    }
    s->stalled = e == SP_ERR_BUSY; /* workers: again in a second */
    if (e != SP_OK && !s->stalled)
        give_up(s, e, &why);
}

void slot_put(struct slot *s, const struct apprec *record)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct gw_app *app = NULL;

    if (s->version == record->version)
        return;
    s->version = record->version;
    drop_next(s);
    sp_error e = app_new(s->gateway, record, s->app, &why, &app);
    if (e != SP_OK) {
        fail(s, record->name, e, &why);
        return;
    }
    s->next = app;
    go_on(s);
}

void slot_reload(struct slot *s)
{
    s->version = 0;
}

void slot_document(struct slot *s, const uint8_t sha256[32])
{
    const uint8_t *wanted =
        s->next != NULL && s->missing ? document_sha256(gw_app_document(s->next)) : NULL;

    if (wanted != NULL && memcmp(wanted, sha256, 32) == 0)
        go_on(s);
}

/* ---- what asks it -------------------------------------------------------------------------- */

void slot_tick(struct slot *s, sp_unix_ms now)
{
    if (s->watch != NULL)
        watch_tick(s->watch, now);
    if (s->missing && clock_boot() - s->asked >= SLOT_ASK_MS)
        ask(s);
    if (s->stalled)
        go_on(s);
    if (s->parked != NULL && clock_boot() - s->parked_at >= SLOT_PATIENCE_MS)
        waiter_wake(&s->parked);
    if (s->app == NULL)
        return;
    gateway_tell_demand(s->gateway, &s->lease, s->app);
    if (app_renew(s->app))
        s->looked = 0; /* it may end soon */
    if (now - s->looked >= EXPIRY_EACH_MS) {
        s->looked = now;
        (void)expiry_warn(s->app, now);
    }
}

struct gw_app *slot_app(const struct slot *s)
{
    return s->app;
}

bool slot_park(struct slot *s, struct waiter *w)
{
    if (s->app != NULL || s->next == NULL)
        return false;
    if (s->parked == NULL)
        s->parked_at = clock_boot();
    waiter_add(&s->parked, w);
    return true;
}
