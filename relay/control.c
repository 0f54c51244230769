#include "relay/control.h"

#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/channel/dialer.h"
#include "lib/http/url.h"
#include "lib/proto/registry.h"
#include "lib/proto/session.h"
#include "relay/pair.h"
#include "relay/report.h"
#include "relay/stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Every session of this relay waits for it when the broker comes back. */
enum { EAGER_MS = 60 * 1000 };

struct control {
    struct relay *relay;
    struct dialer *dialer;   /* owned; NULL: no broker is known */
    struct channel *channel; /* of the dialer; NULL: not open */
    struct opening_edge_config edge;
    struct tls_named tls;
    struct buf ca; /* PEM of the broker's CA; empty: the system's */
    struct proxy_env proxy;
    struct call *enrolling; /* owned while running */
    char software[96];
    char trouble[SP_WHY_TEXT_MAX];
    bool renewing; /* the channel that enrolled us ends, by our own call */
};

sp_unix_ms relay_now(const struct relay *r)
{
    return r->control == NULL || r->control->dialer == NULL
               ? 0
               : dialer_broker_time(r->control->dialer);
}

static void say_trouble(struct control *c, const char *text)
{
    (void)snprintf(c->trouble, sizeof c->trouble, "%s", text);
}

static void save(struct control *c)
{
    struct sp_why why = {0};

    if (relay_state_save(c->relay->state, &why) != SP_OK)
        log_event(LOG_ERROR, "relay.state", why.text, NULL);
}

/* ---- key sets ----------------------------------------------------------------------------- */

/* Identity and epoch are durable before the set is used, so that an old one can't come back. */
static void take_keys(struct control *c, struct view statement)
{
    struct relay_state *s = c->relay->state;
    struct keyset keys;
    sp_error e = s->identity.kind == KEY_NONE
                     ? keyset_read_first(statement, &keys)
                     : keyset_read(statement, &s->identity, s->epoch, &keys);

    if (e == SP_OK && s->identity.kind == KEY_NONE && s->broker.fingerprint.s[0] != '\0' &&
        !enrol_address_names(&s->broker, &keys.identity))
        e = SP_ERR_AUDIENCE;
    if (e != SP_OK) {
        log_event(LOG_ERROR, "relay.keys_refused", sp_error_text(e), NULL);
        return;
    }
    bool news = keys.epoch != s->epoch || !key_equal(&keys.identity, &s->identity);
    s->identity = keys.identity;
    s->epoch = keys.epoch;
    c->edge.pin = &s->identity;
    if (news)
        save(c);
    c->relay->keys = keys;
    log_event(LOG_INFO, "relay.keys", "key set taken", "epoch", LOG_INT(keys.epoch), NULL);
}

/* ---- enrolment ---------------------------------------------------------------------------- */

static void attach(struct control *c)
{
    report_attach(c->relay->report, c->channel);
}

static void on_enrolled(void *arg, sp_error e, const struct envelope *m)
{
    struct control *c = arg;
    struct enrol_answer a;

    c->enrolling = NULL;
    if (e == SP_OK)
        e = fields_read(m->members, enrol_answer_fields, NULL, &a);
    if (e != SP_OK) {
        if (e == SP_ERR_REFUSED && m->text.len > 0)
            (void)snprintf(c->trouble, sizeof c->trouble, "the broker refused: %.*s",
                           VIEW_ARG(m->text));
        else
            say_trouble(c, sp_error_text(e));
        log_event(LOG_ERROR, "relay.enrol_refused", c->trouble, NULL);
        return;
    }
    c->relay->state->id = a.id;
    c->edge.id = a.id;
    secret_wipe(c->relay->state->broker.token, sizeof c->relay->state->broker.token);
    take_keys(c, a.keys);
    save(c);
    log_event(LOG_INFO, "relay.enrolled", "this relay is known to its broker", "relay",
              LOG_ID(a.id), NULL);
    c->renewing = true;
    dialer_again(c->dialer); /* as who we are now */
}

static void enrol(struct control *c)
{
    const struct relay_config *cfg = c->relay->config;
    char host[64] = "relay";
    struct enrol m = {.token = view_str(c->relay->state->broker.token)};

    if (gethostname(host, sizeof host) != 0)
        memcpy(host, "relay", sizeof "relay");
    host[sizeof host - 1] = '\0';
    m.name = view_str(cfg->name != NULL ? cfg->name : host);
    for (size_t i = 0; i < cfg->addresses.count && i < REGISTRY_ADDRESSES_MAX; i++)
        m.addresses[m.address_count++] = view_str(cfg->addresses.items[i]);
    const struct call_ask ask = {"enrol", fields_write(enrol_fields, &m), ENVELOPE_CALL_MS};
    if (channel_call(c->channel, &ask, on_enrolled, c, &c->enrolling) != SP_OK)
        say_trouble(c, "the broker takes no enrolment now");
}

/* ---- the channel -------------------------------------------------------------------------- */

static void on_opened(void *arg, struct channel *ch, const struct opening_welcome *w,
                      const struct opening_edge *o)
{
    struct control *c = arg;

    (void)w;
    c->channel = ch;
    c->trouble[0] = '\0';
    take_keys(c, (struct view){(const uint8_t *)o->keys, o->keys_len});
    if (id_is_zero(c->relay->state->id)) {
        if (c->relay->state->broker.token[0] != '\0')
            enrol(c);
        else
            say_trouble(c, "the broker does not know this relay; enrol it with a fresh token");
        return;
    }
    log_event(LOG_INFO, "relay.broker_up", "the broker's channel is open", NULL);
    attach(c);
}

static void on_lost(void *arg, const struct dialer_lost *why)
{
    struct control *c = arg;

    if (c->channel != NULL)
        report_attach(c->relay->report, NULL);
    c->channel = NULL;
    if (c->renewing) { /* our own doing: the next channel shows who we are now */
        c->renewing = false;
        return;
    }
    say_trouble(c, why->why.text);
    log_event(LOG_WARN, "relay.broker_lost", why->why.text, "error_code", sp_error_code(why->error),
              "again_ms", LOG_INT(why->again_ms), NULL);
}

/* ---- orders ------------------------------------------------------------------------------- */

typedef void order(struct control *c, struct channel *ch, const struct envelope *m);

static void order_keys(struct control *c, struct channel *ch, const struct envelope *m)
{
    struct statement_put put;
    char scope[] = "keys";
    struct at at = {.scope = view_str(scope)};

    if (fields_read(m->members, statement_put_fields, NULL, &put) != SP_OK)
        return;
    take_keys(c, put.statement);
    at.version = c->relay->state->epoch;
    sp_ignore(channel_send(ch, "at", fields_write(at_fields, &at)));
}

/* One word of PROTOCOL section 10. */
static void copy_word(struct view v, const char *otherwise, char out[32])
{
    bool fits = v.len > 0 && v.len < 32;

    (void)snprintf(out, 32, "%.*s", fits ? (int)v.len : (int)strlen(otherwise),
                   fits ? (const char *)v.at : otherwise);
}

static void order_cut(struct control *c, struct channel *ch, const struct envelope *m)
{
    struct pair_selector which = {.session = {{0}}};
    struct session_cut_answer a = {0};
    struct session_cut cut;
    char why[32];

    if (fields_read(m->members, session_cut_fields, NULL, &cut) != SP_OK ||
        (cut.device.len > 0 && key_parse(cut.device, &which.device) != SP_OK)) {
        sp_ignore(channel_refuse(ch, m->i, "malformed", "no session.cut", NULL));
        return;
    }
    which.session = cut.session;
    which.app = cut.app;
    which.user = cut.user;
    which.connector = cut.connector;
    bool any = !id_is_zero(cut.session) || !id_is_zero(cut.app) || !id_is_zero(cut.user) ||
               !id_is_zero(cut.connector) || cut.device.len > 0;
    copy_word(cut.why, "policy", why);
    if (any)
        a.count = pairs_cut(c->relay->pairs, &which, why, &a.ms);
    sp_ignore(channel_answer(ch, m->i, fields_write(session_cut_answer_fields, &a)));
}

static void order_limit(struct control *c, struct channel *ch, const struct envelope *m)
{
    struct session_limit l;

    (void)ch;
    if (fields_read(m->members, session_limit_fields, NULL, &l) == SP_OK)
        pairs_limit(c->relay->pairs, l.session, l.until);
}

static void order_drain(struct control *c, struct channel *ch, const struct envelope *m)
{
    struct drain d;

    (void)ch;
    if (fields_read(m->members, drain_fields, NULL, &d) != SP_OK)
        return;
    c->relay->draining = true;
    stands_drain(c->relay->stands, d.until);
    log_event(LOG_INFO, "relay.drain", "the broker drains this relay", NULL);
}

static const struct {
    const char *type;
    order *obey;
} orders[] = {
    {"keys", order_keys},
    {"session.cut", order_cut},
    {"session.limit", order_limit},
    {"drain", order_drain},
};

static void on_message(void *arg, struct channel *ch, const struct envelope *m)
{
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (strcmp(m->type, orders[i].type) == 0) {
            orders[i].obey(arg, ch, m);
            return;
        }
    sp_ignore(
        channel_refuse(ch, m->i, "unsupported", "this relay does not know that message", NULL));
}

static const struct dialer_events events = {
    .opened = on_opened, .message = on_message, .lost = on_lost};

/* ---- life --------------------------------------------------------------------------------- */

/* The CA of the enrolment line as PEM, for the trust store of this channel alone. */
SP_MUST static sp_error set_ca(struct control *c)
{
    const struct enrol_address *a = &c->relay->state->broker;
    struct buf text;

    buf_reset(&c->ca);
    if (a->ca_len == 0)
        return SP_OK;
    buf_init(&text, 2 * ENROL_CA_MAX);
    encode_base64((struct view){a->ca, a->ca_len}, &text);
    buf_add_str(&c->ca, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < text.len; at += 64) {
        buf_add(&c->ca, view_slice(buf_view(&text), at, 64));
        buf_add_byte(&c->ca, '\n');
    }
    buf_add_str(&c->ca, "-----END CERTIFICATE-----\n");
    sp_error e = buf_error(&text) != SP_OK ? buf_error(&text) : buf_error(&c->ca);
    buf_deinit(&text);
    c->tls.ca_pem = buf_view(&c->ca);
    return e;
}

SP_MUST static sp_error dial(struct control *c, struct sp_why *why)
{
    struct relay_state *s = c->relay->state;
    char host[URL_HOST_MAX + 1];
    struct url url;
    sp_error e;

    if ((e = url_parse(view_str(s->broker.url), &url)) != SP_OK || (e = set_ca(c)) != SP_OK)
        return sp_why_say(why, e, "the broker's address %s can't be used", s->broker.url);
    (void)snprintf(host, sizeof host, "%.*s", VIEW_ARG(url.host));
    c->edge =
        (struct opening_edge_config){.kind = PROVE_RELAY,
                                     .key = s->key,
                                     .id = s->id,
                                     .boot = s->boot,
                                     .pin = s->identity.kind == KEY_NONE ? NULL : &s->identity,
                                     .fingerprint = s->broker.fingerprint.s,
                                     .software = c->software};
    const struct dialer_options o = {.host = host,
                                     .port = url.port,
                                     .pool = c->relay->pool,
                                     .tls = &c->tls,
                                     .proxy = &c->proxy,
                                     .l7 = s->broker.front_l7,
                                     .eager_ms = EAGER_MS,
                                     .edge = &c->edge,
                                     .events = &events,
                                     .arg = c};
    return dialer_new(c->relay->engine, &o, why, &c->dialer);
}

sp_error control_new(struct relay *relay, struct sp_why *why, struct control **out)
{
    struct control *c = calloc(1, sizeof *c);
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->relay = relay;
    buf_init(&c->ca, 4 * ENROL_CA_MAX);
    (void)snprintf(c->software, sizeof c->software, "sallyport-relay %s", SP_VERSION);
    if ((e = relay_proxy(relay->config, &c->proxy, why)) == SP_OK &&
        relay_state_has_broker(relay->state)) {
        proxy_login_warn(&c->proxy, "relay.proxy");
        e = dial(c, why);
    }
    if (e != SP_OK) {
        control_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void control_free(struct control *c)
{
    if (c == NULL)
        return;
    call_cancel(c->enrolling);
    dialer_free(c->dialer);
    buf_deinit(&c->ca);
    secret_wipe(&c->proxy, sizeof c->proxy);
    free(c);
}

void control_enrol(struct relay *r, struct view line)
{
    struct control *c = r->control;
    struct relay_state *s = r->state;
    struct enrol_address a;
    struct sp_why why = {0};

    if (!id_is_zero(s->id))
        return; /* known already */
    if (enrol_address_parse(line, &why, &a) != SP_OK || a.token[0] == '\0') {
        log_event(LOG_WARN, "relay.enrol", "the front's enrolment line can't be read", NULL);
        return;
    }
    s->broker = a;
    enrol_address_wipe(&a);
    save(c);
    if (c->dialer != NULL) {
        dialer_free(c->dialer);
        c->dialer = NULL;
        c->channel = NULL;
    }
    if (dial(c, &why) != SP_OK)
        log_event(LOG_ERROR, "relay.enrol", why.text, NULL);
}

bool control_up(const struct control *c)
{
    return c->channel != NULL;
}

bool control_enrolled(const struct control *c)
{
    return !id_is_zero(c->relay->state->id);
}

const char *control_trouble(const struct control *c)
{
    return c->trouble;
}
