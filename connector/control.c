#include "connector/control.h"

#include "connector/documents.h"
#include "connector/gateway/gateway.h"
#include "connector/tell.h"
#include "connector/tests.h"

#include "lib/base/log.h"
#include "lib/gateway/config.h"
#include "lib/os/loop.h"
#include "lib/proto/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

/* EAGER: sessions wait for this edge when the broker comes back. */
enum { DELTA_MS = 50, BYTES_MS = 10 * 1000, EAGER_MS = 60 * 1000 };

struct control {
    struct control_options o;
    struct opening_edge_config edge;
    struct dialer *dialer;     /* owned */
    struct channel *channel;   /* NULL: not open */
    struct sessions *sessions; /* borrowed */
    struct stands *stands;     /* borrowed */
    struct tests *tests;       /* owned */
    struct timer *bytes;       /* owned; NULL: not running */
    struct timer *stand_at;    /* owned; NULL: not running */
};

static struct live_entry entry_of(const struct control *c, const struct session_facts *f,
                                  struct key_text *device)
{
    *device = key_text(&f->grant.device);
    return (struct live_entry){.session = f->grant.session,
                               .app = f->grant.app,
                               .connector = c->o.state->id,
                               .relay = f->grant.relay,
                               .device = view_str(device->s),
                               .policy = f->grant.policy_version,
                               .deadline = f->deadline,
                               .opened = f->opened,
                               .up = (int64_t)f->up,
                               .down = (int64_t)f->down};
}

static void tell(struct control *c, const char *type, const struct field *table, const void *in)
{
    sp_error e;

    if (c->channel == NULL)
        return;
    if ((e = channel_send(c->channel, type, fields_write(table, in))) != SP_OK)
        log_event(LOG_WARN, "control.send", sp_error_text(e), "kind", type, NULL);
}

static void on_session_opened(void *arg, const struct session_facts *f)
{
    struct live_delta *d = calloc(1, sizeof *d);
    struct key_text device;

    if (d == NULL)
        return;
    d->opened[0] = entry_of(arg, f, &device);
    d->opened_count = 1;
    tell(arg, "live.delta", live_delta_fields, d);
    free(d);
}

/* These the tunnel itself says, or nobody ordered them. */
static bool ends_by_itself(const char *why)
{
    return strcmp(why, "end") == 0 || strcmp(why, "lost") == 0 || strcmp(why, "idle") == 0;
}

static void on_session_closed(void *arg, const struct session_facts *f, const char *why)
{
    struct control *c = arg;
    struct live_delta *d = calloc(1, sizeof *d);

    if (!ends_by_itself(why))
        stands_cut(c->stands, f->grant.session, why);
    if (d == NULL)
        return;
    d->closed[0] = (struct live_closed){.session = f->grant.session,
                                        .why = view_str(why),
                                        .up = (int64_t)f->up,
                                        .down = (int64_t)f->down,
                                        .ms = f->last_byte > 0 ? clock_boot() - f->last_byte : 0};
    d->closed_count = 1;
    tell(arg, "live.delta", live_delta_fields, d);
    free(d);
}

const struct sessions_events control_sessions_events = {.opened = on_session_opened,
                                                        .closed = on_session_closed};

/* All live sessions, in pages; the broker grants nothing through us before the last one. */
static void send_list(struct control *c)
{
    struct live_list *l = calloc(1, sizeof *l);
    struct key_text *devices = calloc(LIVE_PAGE_MAX, sizeof *devices);
    struct session_facts f;
    size_t at = 0;

    while (l != NULL && devices != NULL && !l->last) {
        l->session_count = 0;
        while (l->session_count < LIVE_PAGE_MAX && sessions_next(c->sessions, &at, &f)) {
            l->sessions[l->session_count] = entry_of(c, &f, &devices[l->session_count]);
            l->session_count++;
        }
        l->last = l->session_count < LIVE_PAGE_MAX;
        tell(c, "live.list", live_list_fields, l);
    }
    free(devices);
    free(l);
}

static void on_bytes(void *arg)
{
    struct control *c = arg;
    struct live_delta *d = calloc(1, sizeof *d);
    struct session_facts f;
    size_t at = 0;

    c->bytes = NULL;
    while (d != NULL && d->bytes_count < LIVE_DELTA_MAX && sessions_next(c->sessions, &at, &f))
        d->bytes[d->bytes_count++] = (struct live_bytes){f.grant.session, (int64_t)f.up,
                                                         (int64_t)f.down, (int64_t)f.streams};
    if (d != NULL && d->bytes_count > 0)
        tell(c, "live.delta", live_delta_fields, d);
    free(d);
    if (timer_start(c->o.loop, clock_boot() + BYTES_MS, on_bytes, c, &c->bytes) != SP_OK)
        log_event(LOG_ERROR, "control.bytes", "out of memory: usage is reported no longer", NULL);
}

static void on_stand_at(void *arg)
{
    struct control *c = arg;
    struct stand_at *s = calloc(1, sizeof *s);

    c->stand_at = NULL;
    if (s == NULL)
        return;
    stands_report(c->stands, s);
    tell(c, "stand.at", stand_at_fields, s);
    free(s);
}

void control_stands_changed(void *control)
{
    struct control *c = control;

    if (c->channel != NULL && c->stand_at == NULL)
        sp_ignore(timer_start(c->o.loop, clock_boot() + DELTA_MS, on_stand_at, c,
                              &c->stand_at)); /* the next change tries again */
}

static void send_at(struct control *c, const char *kind, struct sp_id id, int64_t version)
{
    char scope[64];

    if (id_is_zero(id))
        snprintf(scope, sizeof scope, "%s", kind);
    else
        snprintf(scope, sizeof scope, "%s %s", kind, id_text(id).s);
    const struct at a = {view_str(scope), version};
    tell(c, "at", at_fields, &a);
}

/* The set is used only after pin and epoch are on disk: a restart must not go back. */
static sp_error take_keys(struct control *c, struct view statement)
{
    struct connector_state *state = c->o.state;
    struct sp_why why = {{0}, {0}, 0, 0};
    struct keyset *set = calloc(1, sizeof *set);
    sp_error e;

    if (set == NULL)
        return SP_ERR_NOMEM;
    e = keyset_read(statement, &state->identity, state->epoch, set);
    if (e == SP_OK &&
        (set->epoch != state->epoch || !key_equal(&set->identity, &state->identity))) {
        state->epoch = set->epoch;
        state->identity = set->identity;
        e = state_save(state, &why);
    }
    if (e == SP_OK)
        *c->o.keys = *set;
    else
        log_event(LOG_ERROR, "control.keys", why.text[0] != '\0' ? why.text : sp_error_text(e),
                  NULL);
    free(set);
    return e;
}

static void on_keys(struct control *c, const struct envelope *m)
{
    struct statement_put p = {0};

    if (fields_read(m->members, statement_put_fields, NULL, &p) == SP_OK &&
        take_keys(c, p.statement) == SP_OK)
        send_at(c, "keys", (struct sp_id){0}, c->o.state->epoch);
}

/* The first session of an app does not wait for its document. */
static void foresee(struct control *c, const struct apprec *app)
{
    struct gwconf *conf = NULL;

    if (!gateway_serves(app) || gwconf_parse(view_str(app->gateway), NULL, &conf) != SP_OK)
        return; /* who serves it says what is wrong */
    if (conf->openapi.document.named)
        documents_foresee(c->o.documents, conf->openapi.document.sha256);
    gwconf_free(conf);
}

static void on_app_put(struct control *c, const struct envelope *m)
{
    const struct record *record = NULL;
    struct statement_put p = {0};
    sp_error e;

    if ((e = fields_read(m->members, statement_put_fields, NULL, &p)) == SP_OK)
        e = records_put(c->o.records, p.statement,
                        &(struct record_judge){.keys = c->o.keys,
                                               .floor = *c->o.floor,
                                               .site = c->o.state->site,
                                               .now = control_broker_time(c)},
                        &record);
    if (e == SP_OK) {
        log_event(LOG_INFO, "app.put", "an app record is in use", "app", record->app.name, "id",
                  LOG_ID(record->app.id), "version", LOG_INT(record->app.version), NULL);
        sessions_rules_changed(c->sessions);
        foresee(c, &record->app);
        send_at(c, "app", record->app.id, record->app.version);
    } else if (e != SP_ERR_REPLAY) { /* the same record again after a reconnect is no news */
        log_event(LOG_WARN, "app.put", sp_error_text(e), NULL);
    }
}

static void on_app_drop(struct control *c, const struct envelope *m)
{
    struct app_drop d = {0};
    int64_t ms;

    if (fields_read(m->members, app_drop_fields, NULL, &d) != SP_OK ||
        records_drop(c->o.records, d.app, d.version) != SP_OK)
        return;
    if (records_get(c->o.records, d.app) == NULL) {
        const struct session_selector which = {.app = d.app};
        sessions_cut(c->sessions, &which, "record", &ms);
    }
    send_at(c, "app", d.app, d.version);
}

static void on_stand_put(struct control *c, const struct envelope *m)
{
    struct stand_put *p = calloc(1, sizeof *p);
    sp_error e = SP_ERR_NOMEM;

    if (p != NULL && (e = fields_read(m->members, stand_put_fields, NULL, p)) == SP_OK)
        e = stands_put(c->stands, p);
    if (e != SP_OK)
        log_event(LOG_WARN, "stand.put", sp_error_text(e), NULL);
    free(p);
}

static void on_stand_drop(struct control *c, const struct envelope *m)
{
    struct stand_drop d = {0};

    if (fields_read(m->members, stand_drop_fields, NULL, &d) == SP_OK)
        stands_drop(c->stands, d.relay);
}

static void on_cut(struct control *c, const struct envelope *m)
{
    struct session_selector which = {0};
    struct session_cut_answer answer = {0};
    struct session_cut cut = {0};
    sp_error e;

    e = fields_read(m->members, session_cut_fields, NULL, &cut);
    if (e == SP_OK && cut.device.len > 0)
        e = key_parse(cut.device, &which.device);
    if (e != SP_OK) {
        e = channel_refuse(c->channel, m->i, "malformed", "the cut names nothing we know", NULL);
    } else {
        which.session = cut.session;
        which.app = cut.app;
        which.user = cut.user;
        which.all = id_equal(cut.connector, c->o.state->id) && !id_is_zero(cut.connector);
        answer.count =
            (int64_t)sessions_cut(c->sessions, &which, session_word(cut.why), &answer.ms);
        e = channel_answer(c->channel, m->i, fields_write(session_cut_answer_fields, &answer));
    }
    if (e != SP_OK)
        log_event(LOG_WARN, "session.cut", sp_error_text(e), NULL);
}

static void on_limit(struct control *c, const struct envelope *m)
{
    struct session_limit l = {0};

    if (fields_read(m->members, session_limit_fields, NULL, &l) == SP_OK)
        sessions_limit(c->sessions, l.session, l.until);
}

static void on_pause(struct control *c, const struct envelope *m)
{
    struct session_limit l = {0};

    if (fields_read(m->members, session_limit_fields, NULL, &l) == SP_OK)
        sessions_pause(c->sessions, l.session, l.until);
}

static void on_resume(struct control *c, const struct envelope *m)
{
    struct session_name n = {0};

    if (fields_read(m->members, session_name_fields, NULL, &n) == SP_OK)
        sessions_resume(c->sessions, n.session);
}

static void on_app_test(struct control *c, const struct envelope *m)
{
    struct app_test ask = {0};
    sp_error e = fields_read(m->members, app_test_fields, NULL, &ask);

    if (e == SP_OK)
        e = tests_ask(c->tests, c->channel, m->i, ask.app, control_broker_time(c));
    if (e != SP_OK)
        sp_ignore(channel_refuse(c->channel, m->i, sp_error_code(e), sp_error_text(e),
                                 NULL)); /* a channel that takes no word is closing */
}

static void on_expect(struct control *c, const struct envelope *m)
{
    struct api_expect *e = calloc(1, sizeof *e);
    struct sp_why why = {{0}, {0}, 0, 0};

    if (e != NULL && fields_read(m->members, api_expect_fields, &why, e) == SP_OK)
        c->o.expect(c->o.arg, e);
    else
        log_event(LOG_WARN, "api.expect", why.text, NULL);
    free(e);
}

static void on_share(struct control *c, const struct envelope *m)
{
    struct api_rules *shares = calloc(1, sizeof *shares);
    struct sp_why why = {{0}, {0}, 0, 0};

    if (shares != NULL && fields_read(m->members, api_rules_fields, &why, shares) == SP_OK)
        c->o.share(c->o.arg, shares);
    else
        log_event(LOG_WARN, "api.share", why.text, NULL);
    free(shares);
}

static void take_told(struct control *c, enum api_sealed_kind kind, const struct envelope *m)
{
    struct api_sealed told;
    struct sp_why why = {{0}, {0}, 0, 0};

    if (fields_read(m->members, api_sealed_types[kind].fields, &why, &told) == SP_OK)
        c->o.told(c->o.arg, kind, &told);
    else
        log_event(LOG_WARN, m->type, why.text, NULL);
}

static void on_objects(struct control *c, const struct envelope *m)
{
    take_told(c, API_OBJECTS, m);
}

static void on_usual(struct control *c, const struct envelope *m)
{
    take_told(c, API_USUAL, m);
}

static void on_message(void *arg, struct channel *channel, const struct envelope *m)
{
    static const struct {
        const char *type;
        void (*take)(struct control *c, const struct envelope *m);
    } table[] = {
        {"keys", on_keys},           {"app.put", on_app_put},       {"app.drop", on_app_drop},
        {"stand.put", on_stand_put}, {"stand.drop", on_stand_drop}, {"session.cut", on_cut},
        {"session.limit", on_limit}, {"session.pause", on_pause},   {"session.resume", on_resume},
        {"app.test", on_app_test},   {"api.expect", on_expect},     {"api.share", on_share},
        {"api.objects", on_objects}, {"api.usual", on_usual},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(m->type, table[i].type) == 0) {
            table[i].take(arg, m);
            return;
        }
    }
    sp_ignore(channel_refuse(channel, m->i, "unsupported", "this connector does not know that",
                             NULL)); /* the channel's end says it too */
}

static void on_opened(void *arg, struct channel *channel, const struct opening_welcome *w,
                      const struct opening_edge *edge)
{
    struct control *c = arg;

    (void)w;
    c->channel = channel;
    if (take_keys(c, (struct view){(const uint8_t *)edge->keys, edge->keys_len}) != SP_OK)
        return;
    c->edge.pin = &c->o.state->identity;
    log_event(LOG_INFO, "control.open", "the broker is connected", "broker", c->o.state->host,
              NULL);
    sessions_broker_lost(c->sessions, 0);
    send_list(c);
    control_stands_changed(c);
    tell_channel(c->o.tell, channel);
    documents_channel(c->o.documents, channel);
    c->o.opened(c->o.arg);
}

static void on_lost(void *arg, const struct dialer_lost *why)
{
    struct control *c = arg;

    if (c->channel != NULL)
        sessions_broker_lost(c->sessions, clock_boot());
    tell_channel(c->o.tell, NULL);
    documents_channel(c->o.documents, NULL);
    tests_forget(c->tests); /* their answers are for the channel that asked */
    c->channel = NULL;
    log_event(LOG_WARN, "control.lost",
              why->why.text[0] != '\0' ? why->why.text : sp_error_text(why->error), "broker",
              c->o.state->host, "again_ms", LOG_INT(why->again_ms), NULL);
}

static const struct dialer_events events = {
    .opened = on_opened, .message = on_message, .lost = on_lost};

sp_error control_new(const struct control_options *o, struct sp_why *why, struct control **out)
{
    struct control *c = calloc(1, sizeof *c);
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->o = *o;
    c->edge = (struct opening_edge_config){.kind = PROVE_CONNECTOR,
                                           .key = o->state->key,
                                           .id = o->state->id,
                                           .pin = &o->state->identity,
                                           .software = "sallyport-connector " SP_VERSION};
    const struct dialer_options d = {.host = o->state->host,
                                     .port = o->state->port,
                                     .pool = o->pool,
                                     .tls = o->tls,
                                     .proxy = o->proxy,
                                     .l7 = o->state->front_l7,
                                     .eager_ms = EAGER_MS,
                                     .edge = &c->edge,
                                     .events = &events,
                                     .arg = c};
    const struct probe_room room = {o->loop, o->pool, o->records, o->floor};
    if ((e = tests_new(&room, &c->tests)) != SP_OK ||
        (e = timer_start(o->loop, clock_boot() + BYTES_MS, on_bytes, c, &c->bytes)) != SP_OK ||
        (e = dialer_new(o->engine, &d, why, &c->dialer)) != SP_OK) {
        control_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void control_join(struct control *c, struct sessions *sessions, struct stands *stands)
{
    c->sessions = sessions;
    c->stands = stands;
}

void control_free(struct control *c)
{
    if (c == NULL)
        return;
    tests_free(c->tests);
    dialer_free(c->dialer);
    timer_cancel(c->stand_at);
    timer_cancel(c->bytes);
    free(c);
}

sp_unix_ms control_broker_time(void *control)
{
    return dialer_broker_time(((struct control *)control)->dialer);
}

bool control_is_open(const struct control *c)
{
    return c->channel != NULL;
}

struct tests *control_tests(struct control *c)
{
    return c->tests;
}
