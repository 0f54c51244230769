/* The broker's answer to session.open: what of it the session keeps, and whether its grant holds.
 */
#include "client/agent/sessions_internal.h"
#include "lib/base/encode.h"

#include <stdio.h>
#include <string.h>

static void remember_relay(struct relay_seen *r, const struct live *l,
                           const struct session_open_answer *a)
{
    *r = (struct relay_seen){.relay = l->relay};
    memcpy(r->pin, l->relay_pin, sizeof r->pin);
    for (size_t i = 0; i < a->address_count; i++)
        if (a->addresses[i].len < sizeof r->addresses[0])
            view_copy(r->addresses[r->address_count++], sizeof r->addresses[0], a->addresses[i]);
}

/* The grant must say what the answer says, for this device and now; the relay and the connector
 * check the same again, but a wrong one should fail here with a sentence. */
static sp_error check_grant(struct live *l, const struct session_open_answer *a)
{
    const struct keyset *keys = control_keys(l->owner->control);
    struct grant_reader me = {.kind = GRANT_AGENT,
                              .key = *key_secret_public(l->owner->state->tunnel)};
    sp_unix_ms now = control_time(l->owner->control);
    const struct key_public *signer;
    struct key_public connector;
    struct grant g;
    sp_error e;

    if ((e = keyset_signer(keys, a->grant, KEYSET_GRANT, now, &signer)) != SP_OK ||
        (e = grant_verify(a->grant, signer, &me, now, &g)) != SP_OK ||
        (e = key_parse(a->connector, &connector)) != SP_OK)
        return e;
    if (!id_equal(g.session, a->session) || !id_equal(g.app, a->app) ||
        !id_equal(g.relay, a->relay) || !key_equal(&g.connector, &connector))
        return SP_ERR_AUDIENCE;
    l->connector = connector;
    return SP_OK;
}

static void copy(struct view v, char *out, size_t size)
{
    snprintf(out, size, "%.*s", VIEW_ARG(v));
}

sp_error live_take_answer(struct live *l, const struct session_open_answer *a)
{
    struct hash pin;
    sp_error e = check_grant(l, a);

    if (e != SP_OK)
        return e;
    if ((e = decode_base64url_exact(a->relay_key, pin.bytes, sizeof pin.bytes)) != SP_OK)
        return e;
    if (!id_equal(l->relay, a->relay) || memcmp(l->relay_pin, pin.bytes, sizeof l->relay_pin) != 0)
        live_drop_ahead(l);
    memcpy(l->relay_pin, pin.bytes, sizeof l->relay_pin);
    l->id = a->session;
    l->app_id = a->app;
    l->relay = a->relay;
    copy(a->type, l->type, sizeof l->type);
    copy(a->relay_name, l->relay_name, sizeof l->relay_name);
    memcpy(l->ports, a->ports, sizeof l->ports);
    l->port_count = a->port_count;
    l->deadline = a->deadline;
    l->cut_through = a->cut_through;
    l->idle_ms = a->idle;
    if (l->opened == 0)
        l->opened = control_time(l->owner->control);
    buf_reset(&l->grant);
    buf_reset(&l->identity);
    buf_add(&l->grant, a->grant);
    buf_add(&l->identity, a->identity);
    if ((e = buf_error(&l->grant)) != SP_OK || (e = buf_error(&l->identity)) != SP_OK)
        return e;
    remember_relay(&l->owner->seen, l, a);
    return SP_OK;
}
