/* Enrolment of connectors, and what they are sent: app records, and where to stand. */
#include "broker/control/control_internal.h"
#include "broker/registry/sites.h"
#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/crypto/secret.h"
#include "lib/proto/registry.h"
#include "lib/trust/enrol.h"
#include "lib/trust/mint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The 32 bytes of "spe_…".   SP_ERR_DENIED  another form: one answer for all bad tokens */
static sp_error token_bytes(struct view text, uint8_t out[SITES_TOKEN_BYTES])
{
    if (text.len != ENROL_TOKEN_TEXT || memcmp(text.at, "spe_", 4) != 0 ||
        decode_base64url_exact(view_slice(text, 4, text.len), out, SITES_TOKEN_BYTES) != SP_OK)
        return SP_ERR_DENIED;
    return SP_OK;
}

static void refuse_token(struct turn *t, sp_error e)
{
    turn_refuse(t, e,
                e == SP_ERR_DENIED ? "This enrolment token is unknown, expired or used. Make a new "
                                     "one in the console."
                                   : NULL);
}

static struct newcomer newcomer_of(const struct turn *t, const char *name)
{
    const struct channel_peer *p = &t->peer->proven;

    return (struct newcomer){.key = p->key, .name = name, .address = p->address};
}

void connector_enrol(struct turn *t)
{
    struct control *c = t->control;
    char name[ROW_NAME_MAX + 1], site_name[ROW_NAME_MAX + 1] = "";
    uint8_t secret[SITES_TOKEN_BYTES];
    struct connector_row row;
    struct enrol m;

    if (!turn_read(t, enrol_fields, &m))
        return;
    view_copy(name, sizeof name, m.name);
    const struct newcomer who = newcomer_of(t, name);
    sp_error e = token_bytes(m.token, secret);
    if (e == SP_OK)
        e = connectors_enrol(c->o.registry, secret, &who, t->peer->proven.software, &row);
    secret_wipe(secret, sizeof secret);
    if (e != SP_OK) {
        refuse_token(t, e);
        return;
    }
    control_settle(c);
    const struct snapshot *s = registry_hold(c->o.registry);
    const struct site_row *site = snapshot_site_by_id(s, row.site);
    if (site != NULL)
        snprintf(site_name, sizeof site_name, "%s", site->name);
    registry_release(c->o.registry, s);

    const struct enrol_answer answer = {
        .id = row.id, .site = row.site, .site_name = view_str(site_name), .keys = c->server.keys};
    turn_answer(t, enrol_answer_fields, &answer);
    peer_known(c, t->peer->edge, row.id, (struct sp_id){0});
}

void relay_enrol(struct turn *t)
{
    struct control *c = t->control;
    char name[ROW_NAME_MAX + 1];
    uint8_t secret[SITES_TOKEN_BYTES];
    struct relay_row row;
    struct hash pin;
    struct buf addresses;
    struct enrol m;

    if (!turn_read(t, enrol_fields, &m))
        return;
    view_copy(name, sizeof name, m.name);
    buf_init(&addresses, ROW_TEXT_MAX);
    for (size_t a = 0; a < m.address_count; a++) {
        if (a > 0)
            buf_add_byte(&addresses, ' ');
        buf_add(&addresses, m.addresses[a]);
    }
    if (m.address_count == 0) /* behind the broker's own port */
        buf_add_str(&addresses, c->o.public_address);
    const char *text = buf_cstr(&addresses);
    const struct newcomer who = newcomer_of(t, name);
    sp_error e = text == NULL ? SP_ERR_NOMEM : buf_error(&addresses);
    if (e == SP_OK && (e = token_bytes(m.token, secret)) == SP_OK &&
        (e = key_spki_hash(&t->peer->proven.key, &pin)) == SP_OK)
        e = relays_enrol(c->o.registry, secret, &who, pin.bytes, text, &row);
    secret_wipe(secret, sizeof secret);
    buf_deinit(&addresses);
    if (e != SP_OK) {
        refuse_token(t, e);
        return;
    }
    control_settle(c);
    const struct enrol_answer answer = {.id = row.id, .keys = c->server.keys};
    turn_answer(t, enrol_answer_fields, &answer);
    peer_known(c, t->peer->edge, row.id, (struct sp_id){0});
}

/* ---- what a connector is sent ---- */

static void send_record(struct control *c, uint64_t edge, const struct app_row *app)
{
    const struct statement_put m = {.statement = app->record};
    struct json *members = fields_write(statement_put_fields, &m);

    if (members != NULL)
        listener_send(c->listener, edge, "app.put", members);
}

static void send_stand(struct control *c, uint64_t edge, const struct connector_row *connector,
                       const struct relay_row *relay)
{
    sp_unix_ms now = clock_unix();
    struct stand stand = {.connector = connector->id,
                          .site = connector->site,
                          .relay = relay->id,
                          .key = connector->key,
                          .generation = now, /* rises with each statement */
                          .issued = now,
                          .until = now + STAND_LIFE_MS};
    struct stand_put m = {.relay = relay->id, .name = view_str(relay->name)};
    struct json *members = NULL;
    struct buf token, pin;

    buf_init(&token, STAND_MAX);
    buf_init(&pin, 64);
    encode_base64url((struct view){relay->spki_hash, sizeof relay->spki_hash}, &pin);
    m.key = buf_view(&pin);
    struct view addresses = view_str(relay->addresses);
    while (m.address_count < REGISTRY_ADDRESSES_MAX &&
           ascii_word(&addresses, &m.addresses[m.address_count]))
        m.address_count++;
    if (stand_mint(&stand, c->o.record, &token) == SP_OK && buf_error(&pin) == SP_OK) {
        m.statement = buf_view(&token);
        members = fields_write(stand_put_fields, &m);
    }
    if (members != NULL)
        listener_send(c->listener, edge, "stand.put", members);
    else
        log_event(LOG_ERROR, "control.stand", "a stand could not be signed", "relay",
                  LOG_ID(relay->id), NULL);
    buf_deinit(&token);
    buf_deinit(&pin);
}

/* It may stand there from before; to one that does not it says nothing. */
static void drop_stand(struct control *c, uint64_t edge, struct sp_id relay)
{
    const struct stand_drop m = {.relay = relay};

    listener_send(c->listener, edge, "stand.drop", fields_write(stand_drop_fields, &m));
}

void connector_greet(struct control *c, uint64_t edge, struct sp_id id)
{
    const struct snapshot *s = registry_hold(c->o.registry);
    const struct connector_row *connector = snapshot_connector(s, id);
    size_t stands = 0;

    if (connector == NULL || connector->state == EDGE_REVOKED) {
        registry_release(c->o.registry, s);
        return;
    }
    for (size_t a = 0; a < s->app_count; a++)
        if (id_equal(s->apps[a].site, connector->site)) {
            send_record(c, edge, &s->apps[a]);
            connector_expect(c, edge, &s->apps[a]);
        }
    for (size_t r = 0; r < s->relay_count; r++)
        if (s->relays[r].state == EDGE_REVOKED) {
            drop_stand(c, edge, s->relays[r].id);
        } else if (s->relays[r].state == EDGE_ACTIVE && stands < EDGE_STANDS_MAX) {
            send_stand(c, edge, connector, &s->relays[r]);
            stands++;
        }
    registry_release(c->o.registry, s);
}

/* ---- testing an app ---- */

static void fill_dial(const struct app_test_answer *from, struct control_dial *to)
{
    view_copy(to->address, sizeof to->address, from->address);
    view_copy(to->floor, sizeof to->floor, from->floor);
    view_copy(to->error, sizeof to->error, from->failed);
    to->ms = from->ms;
}

enum { APP_TEST_MS = 8 * 1000 };

sp_error control_app_test(struct control *c, struct sp_id connector, struct sp_id app,
                          struct control_dial *out)
{
    const struct app_test ask = {.app = app};
    struct app_test_answer said = {0};
    struct envelope answer;
    uint64_t edge = edge_of(c, EDGE_CONNECTOR, connector);
    sp_error e;

    if (edge == 0)
        return SP_ERR_UNREACHABLE;
    e = listener_call_wait(c->listener, edge, "app.test", fields_write(app_test_fields, &ask),
                           APP_TEST_MS, &answer);
    if (e != SP_OK && e != SP_ERR_REFUSED)
        return e == SP_ERR_NOT_FOUND || e == SP_ERR_CLOSED ? SP_ERR_UNREACHABLE : e;
    if (e == SP_OK &&
        (e = fields_read(answer.members, app_test_answer_fields, NULL, &said)) == SP_OK)
        fill_dial(&said, out);
    envelope_deinit(&answer);
    return e;
}
