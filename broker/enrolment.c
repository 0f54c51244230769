/* Enrolment strings that the broker makes itself: for the relay of this machine, and for `dev`. */
#include "broker/run_internal.h"

#include "broker/registry/sites.h"
#include "lib/base/log.h"
#include "lib/os/pool.h"

#include <stdlib.h>

enum { RELAY_TOKEN_MS = 10 * 60 * 1000, SITE_TOKEN_MS = 60 * 60 * 1000 };

static sp_error site_id(struct broker *b, const char *name, struct sp_id *out)
{
    const struct audit_record by = {.text = "made for an enrolment"};
    const struct snapshot *s = registry_hold(b->registry);
    const struct site_row *found = snapshot_site(s, view_str(name));
    struct site_row made;
    sp_error e = SP_OK;

    if (found != NULL)
        *out = found->id;
    registry_release(b->registry, s);
    if (found == NULL && (e = sites_create(b->registry, view_str(name), &by, NULL, &made)) == SP_OK)
        *out = made.id;
    return e;
}

sp_error broker_enrolment(struct broker *b, const char *site, struct buf *out)
{
    const struct audit_record by = {.text = "made by the broker itself"};
    uint8_t secret[SITES_TOKEN_BYTES];
    struct token_ask ask = {.life_ms = site == NULL ? RELAY_TOKEN_MS : SITE_TOKEN_MS,
                            .note = site == NULL ? "relay of this machine" : site};
    struct enrol_row row;
    sp_error e;

    if (site != NULL && (e = site_id(b, site, &ask.site)) != SP_OK)
        return e;
    e = sites_token_new(b->registry, &ask, &by, secret, &row);
    if (e == SP_OK)
        sites_token_line(&b->enrol, secret, out);
    secret_wipe(secret, sizeof secret);
    return e;
}

/* The relay of this machine connected: a worker makes the line, the loop hands it over. */
struct offer {
    struct broker *broker;
    struct buf line;
    sp_error e;
};

static void make_offer(void *arg)
{
    struct offer *o = arg;

    o->e = broker_enrolment(o->broker, NULL, &o->line);
}

static void hand_offer(void *arg)
{
    struct offer *o = arg;

    if (o->e == SP_OK)
        o->e = handoff_enrol(o->broker->handoff, buf_view(&o->line));
    if (o->e != SP_OK)
        log_event(LOG_WARN, "handoff.enrol", sp_error_text(o->e), NULL);
    buf_wipe(&o->line);
    free(o);
}

void enrolment_offer(void *arg)
{
    struct broker *b = arg;
    struct offer *o = calloc(1, sizeof *o);

    if (o == NULL)
        return;
    o->broker = b;
    buf_init(&o->line, ENROL_LINE_MAX);
    if (pool_submit(b->pool, POOL_PLAIN, make_offer, hand_offer, o) != SP_OK)
        free(o);
}
