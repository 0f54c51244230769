#include "client/agent/sessions.h"

#include "client/agent/place.h"
#include "client/agent/sessions_internal.h"
#include "lib/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session_short session_short(struct sp_id id)
{
    struct session_short t;

    snprintf(t.s, sizeof t.s, "S-%02X%02X", id.bytes[0], id.bytes[1]);
    return t;
}

sp_error sessions_new(const struct sessions_options *o, struct sessions **out)
{
    struct sessions *s = calloc(1, sizeof *s);
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    *s = (struct sessions){.loop = o->loop,
                           .pool = o->pool,
                           .thread = o->thread,
                           .control = o->control,
                           .state = o->state,
                           .events = o->events,
                           .arg = o->arg};
    if ((e = tls_pinned_client("sallyport-tunnel/1", &s->outer)) != SP_OK ||
        (e = tls_mutual_client(o->state->tunnel, &s->inner)) != SP_OK) {
        sessions_free(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

void sessions_free(struct sessions *s)
{
    if (s == NULL)
        return;
    while (s->all != NULL)
        live_free(s->all);
    tls_context_free(s->outer);
    tls_context_free(s->inner);
    tls_context_free(s->named);
    free(s);
}

/* ---- the list ---------------------------------------------------------------------------- */

static struct live *by_app(const struct sessions *s, const char *app)
{
    for (struct live *l = s->all; l != NULL; l = l->next)
        if (strcmp(l->app, app) == 0)
            return l;
    return NULL;
}

static struct live *by_id(const struct sessions *s, struct sp_id id)
{
    for (struct live *l = s->all; l != NULL; l = l->next)
        if (!id_is_zero(l->id) && id_equal(l->id, id))
            return l;
    return NULL;
}

static struct live *live_new(struct sessions *s, const char *app)
{
    struct live *l = s->count == SESSIONS_MAX ? NULL : calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    *l = (struct live){.owner = s, .next = s->all, .at = &s->all};
    snprintf(l->app, sizeof l->app, "%s", app);
    buf_init(&l->grant, GRANT_MAX);
    buf_init(&l->identity, PROTO_STATEMENT_MAX);
    deferred_init(&l->deliver, live_deliver, l);
    if (s->all != NULL)
        s->all->at = &l->next;
    s->all = l;
    s->count++;
    return l;
}

void live_free(struct live *l)
{
    struct sessions *s = l->owner;

    while (l->openings != NULL)
        opening_cancel(l->openings);
    control_cancel(s->control, l->question);
    timer_cancel(l->again);
    place_free(l->place);
    tunnel_end_free(l->tunnel);
    deferred_cancel(s->loop, &l->deliver);
    buf_wipe(&l->grant);
    buf_wipe(&l->identity);
    *l->at = l->next;
    if (l->next != NULL)
        l->next->at = l->at;
    s->count--;
    free(l);
}

struct session_view live_view(const struct live *l)
{
    struct session_view v = {.app = l->app,
                             .type = l->type,
                             .relay = l->relay_name,
                             .step_up = l->step_up,
                             .proving = clock_boot() < l->proof_until,
                             .app_id = l->app_id,
                             .id = l->id,
                             .stage = l->stage,
                             .port_count = l->port_count,
                             .opened = l->opened,
                             .deadline = l->deadline,
                             .idle_ms = l->idle_ms,
                             .idle_since_ms = -1,
                             .up = l->up,
                             .down = l->down};

    memcpy(v.ports, l->ports, sizeof v.ports);
    if (l->tunnel != NULL) {
        struct tunnel_figures f = tunnel_end_figures(l->tunnel);

        v.up += f.bytes_up;
        v.down += f.bytes_down;
        v.streams = f.streams;
        v.cut_through = f.bare_up && f.bare_down;
        if (f.last_byte != 0)
            v.idle_since_ms = clock_boot() - f.last_byte;
    }
    return v;
}

bool sessions_next(const struct sessions *s, size_t *at, struct session_view *out)
{
    size_t i = 0;

    for (struct live *l = s->all; l != NULL; l = l->next)
        if (!id_is_zero(l->id) && i++ == *at) {
            ++*at;
            *out = live_view(l);
            return true;
        }
    return false;
}

bool sessions_find(const struct sessions *s, const char *app, struct session_view *out)
{
    struct live *l = by_app(s, app);

    if (l == NULL || id_is_zero(l->id))
        return false;
    *out = live_view(l);
    return true;
}

/* ---- openings ---------------------------------------------------------------------------- */

sp_error opening_start(struct sessions *s, const char *app, unsigned port, opening_done *done,
                       void *arg, struct opening **out)
{
    struct live *l = by_app(s, app);
    struct opening *o;

    if (strlen(app) >= sizeof l->app)
        return SP_ERR_LIMIT;
    if (l == NULL && (l = live_new(s, app)) == NULL)
        return s->count == SESSIONS_MAX ? SP_ERR_LIMIT : SP_ERR_NOMEM;
    if ((o = calloc(1, sizeof *o)) == NULL)
        return SP_ERR_NOMEM;
    *o = (struct opening){
        .live = l, .next = l->openings, .at = &l->openings, .port = port, .done = done, .arg = arg};
    if (l->openings != NULL)
        l->openings->at = &o->next;
    l->openings = o;
    deferred_queue(s->loop, &l->deliver);
    *out = o;
    return SP_OK;
}

void opening_unlink(struct opening *o)
{
    *o->at = o->next;
    if (o->next != NULL)
        o->next->at = o->at;
    o->live = NULL;
}

void opening_cancel(struct opening *o)
{
    if (o == NULL)
        return;
    opening_unlink(o);
    stream_free(o->stream);
    free(o);
}

/* ---- what the broker and the person say --------------------------------------------------- */

static void tell(struct live *l, const struct refusal *why)
{
    struct session_view v = live_view(l);

    l->owner->events->changed(l->owner->arg, &v, why);
}

/* One session, or all: an agent's sessions are all of its own device and user. */
static bool selected(const struct live *l, const struct session_cut *cut)
{
    if (id_is_zero(l->id))
        return false;
    if (!id_is_zero(cut->session))
        return id_equal(l->id, cut->session);
    return id_is_zero(cut->app) || id_equal(l->app_id, cut->app);
}

void sessions_cut(struct sessions *s, const struct session_cut *cut,
                  struct session_cut_answer *answer)
{
    for (struct live *l = s->all, *next; l != NULL; l = next) {
        struct session_view v;

        next = l->next;
        if (!selected(l, cut))
            continue;
        v = live_view(l);
        if (v.idle_since_ms >= 0 && (answer->count == 0 || v.idle_since_ms < answer->ms))
            answer->ms = v.idle_since_ms;
        answer->count++;
        snprintf(l->cut_text, sizeof l->cut_text, "%.*s", VIEW_ARG(cut->text));
        live_cut(l, cut->why);
    }
}

void sessions_pause(struct sessions *s, const struct session_limit *pause)
{
    struct live *l = by_id(s, pause->session);
    struct refusal why;

    if (l == NULL || l->stage != SESSION_STAGE_UP)
        return;
    l->stage = SESSION_STAGE_PAUSED;
    l->proof_until = 0;
    snprintf(l->step_up, sizeof l->step_up, "%.*s", VIEW_ARG(pause->step_up));
    deferred_queue(s->loop, &l->deliver);
    why = refusal_pause(l->step_up);
    tell(l, &why);
}

void sessions_limit(struct sessions *s, const struct session_limit *limit)
{
    struct live *l = by_id(s, limit->session);

    /* A limit only ever comes earlier (I4); the connector keeps it, we show it. */
    if (l == NULL || (l->deadline != 0 && limit->until > l->deadline))
        return;
    l->deadline = limit->until;
    tell(l, NULL);
}

void sessions_resume(struct sessions *s, struct sp_id session)
{
    struct live *l = by_id(s, session);

    if (l == NULL || l->stage != SESSION_STAGE_PAUSED)
        return;
    l->stage = SESSION_STAGE_UP;
    l->proof_until = 0;
    timer_cancel(l->again);
    l->again = NULL;
    deferred_queue(s->loop, &l->deliver);
    tell(l, NULL);
}

void sessions_proved(struct sessions *s)
{
    for (struct live *l = s->all; l != NULL; l = l->next)
        if (l->stage == SESSION_STAGE_PAUSED)
            l->proof_until = clock_boot() + SESSIONS_RESUME_MS;
}

size_t sessions_end(struct sessions *s, struct sp_id session)
{
    struct live *l = by_id(s, session);

    if (l == NULL)
        return 0;
    live_tell_broker(l);
    live_cut(l, view_str("ended"));
    return 1;
}

size_t sessions_end_all(struct sessions *s, const char *code)
{
    size_t n = 0;

    for (struct live *l = s->all, *next; l != NULL; l = next) {
        next = l->next;
        if (id_is_zero(l->id))
            continue;
        live_tell_broker(l);
        live_cut(l, view_str(code));
        n++;
    }
    return n;
}

size_t sessions_relay(const struct sessions *s, const char *out[], size_t room)
{
    size_t n = s->seen.address_count < room ? s->seen.address_count : room;

    for (size_t i = 0; i < n; i++)
        out[i] = s->seen.addresses[i];
    return n;
}

void sessions_hold(struct sessions *s, bool on)
{
    s->held = on;
}

bool sessions_held(const struct sessions *s)
{
    return s->held;
}

void sessions_network(struct sessions *s)
{
    for (struct live *l = s->all; l != NULL; l = l->next)
        if (l->tunnel != NULL && l->granted && l->local.len > 0 && sock_address_gone(&l->local)) {
            log_event(LOG_INFO, "session.address_gone",
                      "the address that it was dialled from is gone", "session", LOG_ID(l->id),
                      "app", l->app, NULL);
            l->dropping = true;
            tunnel_end_cut(l->tunnel, "");
        }
}

void sessions_drop_tunnels(struct sessions *s)
{
    for (struct live *l = s->all; l != NULL; l = l->next)
        if (l->tunnel != NULL && l->granted) {
            l->dropping = true;
            tunnel_end_cut(l->tunnel, "");
        }
}
