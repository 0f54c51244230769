#include "client/agent/control.h"

#include "client/settings/way.h"
#include "lib/base/log.h"
#include "lib/os/loop.h"
#include "lib/proto/opening.h"
#include "lib/proto/posture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* What this agent reads beyond version 1 of the messages: nothing yet. */
enum { PROBE_MS = 1500, SILENT_MS = 10 * 1000 };
static const char *const caps[] = {"grant/1", "identity/1", NULL};

struct control {
    struct engine *engine; /* borrowed, as are the next two */
    struct pool *pool;
    struct state *state;
    const struct control_events *events;
    void *arg;
    struct dialer *dialer; /* owned; NULL: no broker is known */
    struct tls_named tls;
    struct question *probe; /* of control_doubt; NULL: not running */
    sp_boot_ms heard;       /* when the broker said something last */
    struct proxy_env proxy;
    struct opening_edge_config edge;
    char software[PROTO_NAME_MAX + 1];
    struct keyset keys;
    struct control_login login;
    struct dialer_lost lost;
    int64_t rtt_ms;
    struct question *questions; /* under way */
    struct deferred later;      /* sends or refuses those that wait */
};

/* Stands between a call and its caller, from the question to the answer. */
struct question {
    struct control *control;
    struct question *next, **at; /* the control's list */
    struct call_ask call;        /* members: owned until it is sent */
    struct call *sent;           /* NULL: it waits for a channel, or for others' answers */
    sp_boot_ms sent_at;
    struct timer *late; /* owned; NULL: not running */
    call_done *done;
    void *arg;
};

static void look_at_waiting(void *arg);

/* ---- messages of the broker -------------------------------------------------------------- */

static void on_cut(struct control *c, const struct envelope *m)
{
    struct channel *ch = dialer_channel(c->dialer);
    struct session_cut_answer answer = {0};
    struct session_cut cut;

    if (fields_read(m->members, session_cut_fields, NULL, &cut) != SP_OK) {
        sp_ignore(channel_refuse(ch, m->i, "malformed", "this cut is not understood", NULL));
        return;
    }
    c->events->cut(c->arg, &cut, &answer);
    /* The relay and the connector answer for the session; ours is a courtesy. */
    sp_ignore(channel_answer(ch, m->i, fields_write(session_cut_answer_fields, &answer)));
}

static void on_pause(struct control *c, const struct envelope *m)
{
    struct session_limit pause;

    if (fields_read(m->members, session_limit_fields, NULL, &pause) == SP_OK)
        c->events->pause(c->arg, &pause);
}

static void on_limit(struct control *c, const struct envelope *m)
{
    struct session_limit limit;

    if (fields_read(m->members, session_limit_fields, NULL, &limit) == SP_OK)
        c->events->limit(c->arg, &limit);
}

static void on_resume(struct control *c, const struct envelope *m)
{
    struct session_name name;

    if (fields_read(m->members, session_name_fields, NULL, &name) == SP_OK)
        c->events->resume(c->arg, name.session);
}

static void on_login(struct control *c, const struct envelope *m)
{
    struct login_state state;

    if (fields_read(m->members, login_state_fields, NULL, &state) == SP_OK)
        c->events->login(c->arg, &state);
}

static void on_posture(struct control *c, const struct envelope *m)
{
    (void)m;
    c->events->posture(c->arg);
}

/* The broker revoked or ended the login elsewhere. */
static void on_login_end(struct control *c, const struct envelope *m)
{
    (void)m;
    control_signed_out(c);
}

static const struct {
    const char *type;
    void (*handle)(struct control *c, const struct envelope *m);
} messages[] = {
    {"session.cut", on_cut},       {"session.pause", on_pause}, {"session.limit", on_limit},
    {"session.resume", on_resume}, {"login.state", on_login},   {"login.end", on_login_end},
    {"posture.ask", on_posture},
};

static void on_message(void *arg, struct channel *ch, const struct envelope *m)
{
    struct control *c = arg;

    c->heard = clock_boot();
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (strcmp(m->type, messages[i].type) == 0) {
            messages[i].handle(c, m);
            return;
        }
    /* Unknown types change nothing (PROTOCOL section 4). */
    sp_ignore(channel_refuse(ch, m->i, "unsupported", "this agent does not know it", NULL));
}

/* ---- the channel ------------------------------------------------------------------------- */

static void text_of(struct view v, char *out, size_t size)
{
    snprintf(out, size, "%.*s", VIEW_ARG(v));
}

/* The pin of this broker; false: the channel must not be used. */
static bool pin(struct control *c, const struct opening_edge *o)
{
    struct state *s = c->state;
    struct sp_why why = {0};
    bool first = s->pin.kind == KEY_NONE;

    if (first && s->expected.s[0] != '\0' &&
        strcmp(key_fingerprint(&o->server).s, s->expected.s) != 0)
        return false;
    s->pin = o->server;
    if (keyset_read((struct view){(const uint8_t *)o->keys, o->keys_len}, &s->pin, s->epoch,
                    &c->keys) != SP_OK)
        return false;
    if (first || c->keys.epoch != s->epoch || !key_equal(&c->keys.identity, &s->pin)) {
        s->pin = c->keys.identity;
        s->epoch = c->keys.epoch;
        if (state_save(s, &why) != SP_OK)
            log_event(LOG_WARN, "agent.state", why.text, NULL);
    }
    return true;
}

static void read_welcome(struct control *c, const struct opening_welcome *w)
{
    struct control_login *l = &c->login;

    *l = (struct control_login){.until = w->until, .mfa_at = w->mfa_at, .groups_known = true};
    text_of(w->user, l->user, sizeof l->user);
    text_of(w->state, l->device, sizeof l->device);
    text_of(w->mfa_kind, l->mfa_kind, sizeof l->mfa_kind);
    if (!id_equal(w->id, c->state->device_id)) {
        c->state->device_id = w->id;
        c->edge.id = w->id;
        sp_ignore(state_save(c->state, NULL)); /* the broker says it again each time */
    }
}

static void on_opened(void *arg, struct channel *ch, const struct opening_welcome *w,
                      const struct opening_edge *o)
{
    struct control *c = arg;

    if (!pin(c, o)) {
        c->lost = (struct dialer_lost){.error = SP_ERR_AUDIENCE, .again_ms = -1};
        sp_ignore(sp_why_say(&c->lost.why, SP_ERR_AUDIENCE,
                             "%s proves another key (%s) than the one that was named. Nothing was "
                             "sent. Compare the address with your administrator.",
                             c->state->broker, key_fingerprint(&o->server).s));
        channel_close_with(ch, CHANNEL_CLOSE_NORMAL, "pin");
        deferred_queue(engine_loop(c->engine), &c->later);
        c->events->lost(c->arg);
        return;
    }
    c->edge.pin = &c->state->pin;
    c->lost = (struct dialer_lost){0};
    c->heard = clock_boot();
    read_welcome(c, w);
    channel_on_room(ch, &c->later);
    log_event(LOG_INFO, "control.open", "connected", "broker", c->state->broker, NULL);
    deferred_queue(engine_loop(c->engine), &c->later);
    c->events->opened(c->arg);
}

static void on_lost(void *arg, const struct dialer_lost *why)
{
    struct control *c = arg;

    if (c->lost.error != SP_ERR_AUDIENCE)
        c->lost = *why;
    log_event(LOG_INFO, "control.lost",
              why->why.text[0] != '\0' ? why->why.text : sp_error_text(why->error), "broker",
              c->state->broker, "again_ms", LOG_INT(why->again_ms), NULL);
    deferred_queue(engine_loop(c->engine), &c->later);
    c->events->lost(c->arg);
}

static const struct dialer_events dialer_events = {on_opened, on_message, on_lost};

static sp_error dial(struct control *c, struct sp_why *why)
{
    struct dialer_options o = {.host = c->state->host,
                               .port = c->state->port,
                               .pool = c->pool,
                               .tls = &c->tls,
                               .proxy = &c->proxy,
                               .l7 = c->state->l7,
                               .eager_ms = CONTROL_EAGER_MS,
                               .edge = &c->edge,
                               .events = &dialer_events,
                               .arg = c};

    c->tls = (struct tls_named){0};
    if (c->state->ca[0] != '\0')
        c->tls.ca_files[0] = c->state->ca;
    c->edge.id = c->state->device_id;
    c->edge.pin = c->state->pin.kind == KEY_NONE ? NULL : &c->state->pin;
    return dialer_new(c->engine, &o, why, &c->dialer);
}

/* A setting that can't be read ends nothing: doctor has to reach this agent to say so. */
static void find_way(struct control *c)
{
    struct sp_why why = {0};

    if (settings_way(&c->proxy, &why) != SP_OK)
        log_event(LOG_WARN, "agent.proxy", why.text, NULL);
    else
        proxy_login_warn(&c->proxy, "agent.proxy");
}

sp_error control_new(const struct control_options *o, struct sp_why *why, struct control **out)
{
    struct control *c = calloc(1, sizeof *c);
    struct utsname name;
    sp_error e = SP_OK;

    if (c == NULL)
        return SP_ERR_NOMEM;
    *c = (struct control){.engine = o->engine, .pool = o->pool, .state = o->state, .rtt_ms = -1};
    c->events = o->events;
    c->arg = o->arg;
    deferred_init(&c->later, look_at_waiting, c);
    if (uname(&name) != 0)
        memset(&name, 0, sizeof name);
    snprintf(c->software, sizeof c->software, "sallyport %s (linux %.32s)", SP_VERSION,
             name.machine);
    c->edge = (struct opening_edge_config){.kind = PROVE_DEVICE,
                                           .key = o->state->device,
                                           .tunnel_key = o->state->tunnel,
                                           .software = c->software,
                                           .caps = caps};
    find_way(c);
    if (o->state->broker[0] != '\0')
        e = dial(c, why);
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
    while (c->questions != NULL)
        control_cancel(c, c->questions);
    dialer_free(c->dialer);
    deferred_cancel(engine_loop(c->engine), &c->later);
    explicit_bzero(&c->proxy, sizeof c->proxy);
    free(c);
}

sp_error control_restart(struct control *c, struct sp_why *why)
{
    dialer_free(c->dialer);
    c->dialer = NULL;
    c->lost = (struct dialer_lost){0};
    c->login = (struct control_login){0};
    c->keys = (struct keyset){0};
    c->rtt_ms = -1;
    c->events->lost(c->arg);
    return dial(c, why);
}

void control_again(struct control *c)
{
    if (c->dialer != NULL)
        dialer_again(c->dialer);
}

static void on_probed(void *arg, sp_error e, const struct envelope *m)
{
    struct control *c = arg;

    (void)m;
    c->probe = NULL; /* no longer pending */
    if (e == SP_ERR_TIMEOUT) {
        log_event(LOG_INFO, "agent.network", "the broker does not answer on the old path", NULL);
        control_again(c);
    }
}

void control_doubt(struct control *c)
{
    if (!control_is_open(c))
        control_again(c);
    else if (c->probe == NULL)
        sp_ignore(control_tell(c, &(struct call_ask){"posture.nonce", json_object(), PROBE_MS},
                               on_probed, c, &c->probe)); /* it closes now: the dialer knows */
}

/* ---- what is known ----------------------------------------------------------------------- */

bool control_is_open(const struct control *c)
{
    return c->dialer != NULL && dialer_channel(c->dialer) != NULL && c->lost.error == SP_OK;
}

const struct control_login *control_login(const struct control *c)
{
    return &c->login;
}

void control_signed_in(struct control *c, const struct login_finish_answer *a)
{
    struct control_login *l = &c->login;

    *l = (struct control_login){
        .until = a->until, .mfa_at = a->mfa_at, .groups_known = a->groups_known};
    text_of(a->user, l->user, sizeof l->user);
    text_of(a->state, l->device, sizeof l->device);
    text_of(a->mfa_kind, l->mfa_kind, sizeof l->mfa_kind);
    c->state->device_id = a->device;
    c->edge.id = a->device;
    sp_ignore(state_save(c->state, NULL)); /* the broker says it again each time */
}

void control_signed_out(struct control *c)
{
    char device[sizeof c->login.device];

    memcpy(device, c->login.device, sizeof device);
    c->login = (struct control_login){0};
    memcpy(c->login.device, device, sizeof device);
}

void control_proved(struct control *c, const struct login_factor_answer *a)
{
    c->login.mfa_at = a->mfa_at;
    text_of(a->kind, c->login.mfa_kind, sizeof c->login.mfa_kind);
}

int64_t control_rtt_ms(const struct control *c)
{
    return c->rtt_ms;
}

sp_unix_ms control_time(const struct control *c)
{
    sp_unix_ms t = c->dialer == NULL ? 0 : dialer_broker_time(c->dialer);

    return t != 0 ? t : clock_unix();
}

const struct keyset *control_keys(const struct control *c)
{
    return &c->keys;
}

const struct dialer_lost *control_lost(const struct control *c)
{
    return &c->lost;
}

struct refusal control_offline(const struct control *c)
{
    return refusal_offline(c->state->broker, &c->lost);
}

const struct proxy_env *control_proxy(const struct control *c)
{
    return &c->proxy;
}

const struct key_public *control_pin(const struct control *c)
{
    return &c->state->pin;
}

/* ---- questions --------------------------------------------------------------------------- */

static void question_free(struct question *q)
{
    timer_cancel(q->late);
    json_free(q->call.members);
    *q->at = q->next;
    if (q->next != NULL)
        q->next->at = q->at;
    free(q);
}

static void finish(struct question *q, sp_error e, const struct envelope *m)
{
    call_done *done = q->done;
    void *arg = q->arg;

    question_free(q);
    done(arg, e, m);
}

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct question *q = arg;

    if (m != NULL) {
        q->control->heard = clock_boot();
        q->control->rtt_ms = q->control->heard - q->sent_at;
    }
    finish(q, e, m);
}

static void on_late(void *arg)
{
    struct question *q = arg;

    q->late = NULL; /* no longer pending */
    finish(q, control_is_open(q->control) ? SP_ERR_TIMEOUT : SP_ERR_UNREACHABLE, NULL);
}

static sp_error send_question(struct question *q)
{
    const struct call_ask ask = q->call;

    timer_cancel(q->late);
    q->late = NULL;
    q->call.members = NULL;
    q->sent_at = clock_boot();
    return channel_call(dialer_channel(q->control->dialer), &ask, on_answer, q, &q->sent);
}

static struct question *question_new(struct control *c, const struct call_ask *call,
                                     call_done *done, void *arg)
{
    struct question *q = malloc(sizeof *q);

    if (q == NULL) {
        json_free(call->members);
        return NULL;
    }
    *q = (struct question){.control = c,
                           .next = c->questions,
                           .at = &c->questions,
                           .call = *call,
                           .done = done,
                           .arg = arg};
    if (c->questions != NULL)
        c->questions->at = &q->next;
    c->questions = q;
    return q;
}

static bool may_send(const struct control *c)
{
    return control_is_open(c) && channel_may_call(dialer_channel(c->dialer));
}

SP_MUST static sp_error put_question(struct control *c, const struct call_ask *call,
                                     call_done *done, void *arg, struct question **out)
{
    struct question *q = question_new(c, call, done, arg);
    sp_error e;

    if (q == NULL)
        return SP_ERR_NOMEM;
    e = may_send(c) ? send_question(q)
                    : timer_start(engine_loop(c->engine), clock_boot() + CONTROL_ASK_WAIT_MS,
                                  on_late, q, &q->late);
    if (e != SP_OK)
        question_free(q);
    else
        *out = q;
    return e;
}

sp_error control_tell(struct control *c, const struct call_ask *call, call_done *done, void *arg,
                      struct question **out)
{
    if (!control_is_open(c)) {
        json_free(call->members);
        return SP_ERR_CLOSED;
    }
    return put_question(c, call, done, arg, out);
}

/* Waiting for another broker than the one that we mean helps nobody. */
static bool hopeless(const struct control *c)
{
    sp_error e = c->lost.error;

    return c->dialer == NULL || e == SP_ERR_AUDIENCE || e == SP_ERR_SIGNATURE || e == SP_ERR_TLS ||
           e == SP_ERR_VERSION || c->lost.close == CHANNEL_CLOSE_PROOF;
}

sp_error control_ask(struct control *c, const struct call_ask *call, call_done *done, void *arg,
                     struct question **out)
{
    sp_error e;

    if (control_is_open(c) && clock_boot() - c->heard > SILENT_MS)
        control_doubt(c); /* a middle that forgot us says nothing */
    if ((e = put_question(c, call, done, arg, out)) != SP_OK || control_is_open(c))
        return e;
    if (c->dialer != NULL)
        dialer_hurry(c->dialer, clock_boot() + CONTROL_ASK_WAIT_MS);
    else
        deferred_queue(engine_loop(c->engine), &c->later);
    return SP_OK;
}

/* The oldest of those that wait, and how many there are. */
static struct question *waiting(const struct control *c, size_t *count)
{
    struct question *oldest = NULL;

    *count = 0;
    for (struct question *q = c->questions; q != NULL; q = q->next)
        if (q->sent == NULL) {
            oldest = q;
            ++*count;
        }
    return oldest;
}

/* A channel came, a try ended, or an answer made room. What a `done` asks anew waits for a turn of
 * its own. */
static void look_at_waiting(void *arg)
{
    struct control *c = arg;
    struct question *q;
    size_t left, count;

    for (q = waiting(c, &left); q != NULL && left > 0; q = waiting(c, &count), left--) {
        if (control_is_open(c) && !may_send(c))
            return;
        sp_error e = control_is_open(c) ? send_question(q) : SP_ERR_UNREACHABLE;

        if (e == SP_ERR_UNREACHABLE && !hopeless(c))
            return; /* the next try may come in time */
        if (e != SP_OK)
            finish(q, e, NULL);
    }
}

void control_cancel(struct control *c, struct question *q)
{
    (void)c;
    if (q == NULL)
        return;
    call_cancel(q->sent);
    question_free(q);
}

struct refusal control_refusal(const struct control *c, const char *what, sp_error e,
                               const struct envelope *m)
{
    return e == SP_ERR_UNREACHABLE && m == NULL ? control_offline(c) : refusal_call(what, e, m);
}
