/* One session's life: asked → placed → up → ended, and back to asked when a tunnel was lost. */
#include "client/agent/sessions_internal.h"
#include "lib/base/log.h"
#include "lib/proto/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_WAIT_MS = 400, REASON_WAIT_MS = 1000 };

static void start_asking(struct live *l);
static void on_no_resume(void *arg);

/* ---- ends -------------------------------------------------------------------------------- */

static void drop_streams(struct live *l)
{
    for (struct opening *o = l->openings; o != NULL; o = o->next) {
        stream_free(o->stream);
        o->stream = NULL;
    }
}

/* A proof was just given: the broker's word that the session goes on is under way. */
static bool resumes_soon(struct live *l)
{
    if (clock_boot() >= l->proof_until)
        return false;
    return l->again != NULL ||
           timer_start(l->owner->loop, l->proof_until, on_no_resume, l, &l->again) == SP_OK;
}

static void on_no_resume(void *arg)
{
    struct live *l = arg;

    l->again = NULL; /* no longer pending */
    live_deliver(l);
}

/* Whoever asks for a session alone can give the proof that it is paused for; streams wait. */
static void refuse_paused(struct live *l)
{
    struct refusal why = refusal_pause(l->step_up);
    struct session_view v = live_view(l);

    for (struct opening *o = l->openings, *next; o != NULL; o = next) {
        opening_done *done = o->done;
        void *arg = o->arg;

        next = o->next;
        if (o->port != OPENING_SESSION_ONLY)
            continue;
        opening_cancel(o);
        done(arg, NULL, &v, &why);
        next = l->openings; /* `done` may have changed the list */
    }
}

/* Ends every opening that waits now; those that their `done` starts are not touched. */
static void refuse_all(struct live *l, const struct refusal *why)
{
    struct opening *waiting = l->openings;
    struct session_view v = live_view(l);

    l->openings = NULL;
    if (waiting != NULL)
        waiting->at = &waiting;
    while (waiting != NULL) {
        struct opening *o = waiting;
        opening_done *done = o->done;
        void *arg = o->arg;

        opening_cancel(o);
        done(arg, NULL, &v, why);
    }
}

/* What was begun for the relay of the session before. */
void live_drop_ahead(struct live *l)
{
    place_free(l->place);
    l->place = NULL;
    tunnel_end_free(l->tunnel);
    l->tunnel = NULL;
}

/* Nothing is under way any more. The session stays when it has an id and may come back. */
static void settle(struct live *l, const struct refusal *why, bool over)
{
    if (!l->granted)
        live_drop_ahead(l);
    l->stage = SESSION_STAGE_NONE;
    l->not_count = 0;
    l->tries = 0;
    l->waited = 0;
    buf_wipe(&l->grant);
    buf_wipe(&l->identity);
    if (!l->ending) /* else they came behind it, and ask for a session of their own */
        refuse_all(l, why);
    l->ending = false;
    if (over || id_is_zero(l->id)) {
        struct session_view v = live_view(l);

        if (!id_is_zero(l->id))
            l->owner->events->ended(l->owner->arg, &v, why);
        if (l->openings == NULL) {
            live_free(l);
            return;
        }
        l->id = (struct sp_id){0}; /* somebody asked for a new one meanwhile */
        l->up = l->down = 0;
    }
    if (l->openings != NULL)
        deferred_queue(l->owner->loop, &l->deliver);
}

/* ---- the tunnel -------------------------------------------------------------------------- */

static void on_up(void *arg, const struct tunnel_limits *limits, const struct json *said)
{
    struct live *l = arg;
    struct session_view v;

    (void)said;
    l->stage = SESSION_STAGE_UP;
    l->not_count = 0;
    l->tries = 0;
    l->waited = 0;
    if (limits->deadline != 0 && (l->deadline == 0 || limits->deadline < l->deadline))
        l->deadline = limits->deadline;
    if (limits->idle_ms != 0)
        l->idle_ms = limits->idle_ms;
    v = live_view(l);
    log_event(LOG_INFO, "session.up", "tunnel is up", "session", LOG_ID(l->id), "app", l->app,
              NULL);
    l->owner->events->changed(l->owner->arg, &v, NULL);
    deferred_queue(l->owner->loop, &l->deliver);
}

static void on_again(void *arg)
{
    struct live *l = arg;

    l->again = NULL; /* no longer pending */
    start_asking(l);
}

/* A broker or relay that has just started, or a connector that is being replaced: what is missing
 * comes back within moments. Each question is a decision and an audit record: the waits double. */
static bool wait_for_edge(struct live *l)
{
    int64_t ms = l->waited == 0 ? FIRST_WAIT_MS : l->waited;

    if (l->waited >= SESSIONS_PATIENCE_MS ||
        timer_start(l->owner->loop, clock_boot() + ms, on_again, l, &l->again) != SP_OK)
        return false;
    l->waited += ms;
    l->not_count = 0; /* the relay that was no good may be the one that comes back */
    l->stage = SESSION_STAGE_ASKING;
    return true;
}

/* A placement that does not hold any more is asked for again: SESSIONS_TRIES times at once, then
 * after waits. The relay is named in `not` only where it said that another would do better. */
static bool place_again(struct live *l, const struct tunnel_report *r)
{
    bool wrong = r->why == TUNNEL_REFUSED && (r->status == 503 || r->status == 401);
    bool draining = r->why == TUNNEL_CLOSED_CODE && r->close == CLOSE_DRAINING;
    bool gone = r->why == TUNNEL_FAULT || r->why == TUNNEL_LATE || draining;

    if (r->was_up || (!wrong && !gone))
        return false;
    if (l->tries >= SESSIONS_TRIES)
        return r->status != 401 && wait_for_edge(l);
    l->tries++;
    if (draining || strcmp(r->code, "connector_absent") == 0 ||
        strcmp(r->code, "relay_draining") == 0)
        l->not_relays[l->not_count++] = l->relay;
    start_asking(l);
    return true;
}

/* The end in words: those that the broker sent with its cut, where it did. */
static struct refusal refusal_ended(const struct live *l, const struct tunnel_report *r)
{
    struct refusal why = refusal_tunnel(l->app, r);

    if (l->cut_text[0] != '\0' && strcmp(r->code, "killed") == 0)
        snprintf(why.why, sizeof why.why, "An administrator ended it: %s", l->cut_text);
    else if (l->cut_text[0] != '\0')
        snprintf(why.why, sizeof why.why, "%s", l->cut_text);
    return why;
}

static void on_no_reason(void *arg)
{
    struct live *l = arg;
    struct tunnel_report report = {.why = TUNNEL_CUT, .was_up = true, .code = "killed"};
    struct refusal why = refusal_ended(l, &report);

    l->again = NULL; /* no longer pending */
    settle(l, &why, true);
}

/* The relay may close a killed session's tunnel before the broker's words are here: session.cut
 * travels over another connection. live_cut ends the waiting. */
static bool reason_is_coming(struct live *l, const struct tunnel_report *r)
{
    if (l->cutting || r->why != TUNNEL_CUT || strcmp(r->code, "killed") != 0 ||
        !control_is_open(l->owner->control) ||
        timer_start(l->owner->loop, clock_boot() + REASON_WAIT_MS, on_no_reason, l, &l->again) !=
            SP_OK)
        return false;
    l->stage = SESSION_STAGE_ASKING;
    l->ending = true;
    return true;
}

static void on_ended(void *arg, const struct tunnel_report *r)
{
    struct live *l = arg;
    struct tunnel_report report = *r;
    struct refusal why;
    bool over;

    if (!r->was_up)
        l->owner->reached.host[0] = '\0'; /* its name may lead elsewhere by now */
    if (!l->granted) {                    /* the grant will find nothing, and dial */
        live_drop_ahead(l);
        return;
    }
    l->up += r->up;
    l->down += r->down;
    drop_streams(l);
    timer_cancel(l->again);
    l->again = NULL;
    tunnel_end_free(l->tunnel);
    l->tunnel = NULL;
    log_event(LOG_INFO, "session.tunnel_ended", tunnel_why_text(r->why), "session", LOG_ID(l->id),
              "app", l->app, "reason", report.code, "error", sp_error_text(report.error), NULL);
    if (l->dropping) {
        l->dropping = false;
        l->stage = SESSION_STAGE_NONE;
        if (l->openings != NULL)
            deferred_queue(l->owner->loop, &l->deliver);
        return;
    }
    if (place_again(l, &report))
        return;
    /* what the tunnel met may have met the channel, whose own pings would see it much later */
    if (report.was_up && !l->cutting && (r->why == TUNNEL_FAULT || r->why == TUNNEL_LOST) &&
        control_is_open(l->owner->control))
        control_doubt(l->owner->control);
    if (l->cutting) {
        report.why = TUNNEL_CUT;
        report.was_up = true;
        snprintf(report.code, sizeof report.code, "%s", l->cut_code);
    }
    over = report.why == TUNNEL_CUT || report.why == TUNNEL_IDLE || report.why == TUNNEL_DEADLINE ||
           !report.was_up;
    if (report.was_up && reason_is_coming(l, &report))
        return;
    why = refusal_ended(l, &report);
    settle(l, &why, over);
}

static const struct tunnel_end_events tunnel_events = {.up = on_up, .ended = on_ended};

/* Streams are opened before the tunnel is up: their CONNECT travels with our Finished. */
static void open_streams(struct live *l)
{
    for (struct opening *o = l->openings; o != NULL; o = o->next)
        if (o->stream == NULL && o->port != OPENING_SESSION_ONLY &&
            tunnel_end_stream(l->tunnel, o->port, &o->stream) != SP_OK)
            o->stream = NULL; /* told when it is up */
}

static sp_error outer_context(struct sessions *s, struct tls_context **out)
{
    struct tls_named named = {0};
    sp_error e = SP_OK;

    if (s->state->l7 && s->named == NULL) {
        if (s->state->ca[0] != '\0')
            named.ca_files[0] = s->state->ca;
        e = tls_named_client(&named, NULL, &s->named);
    }
    *out = s->state->l7 ? s->named : s->outer;
    return e;
}

static sp_error start_tunnel(struct live *l, int fd)
{
    struct sessions *s = l->owner;
    struct tls_context *outer;
    sp_error e = outer_context(s, &outer);

    if (e != SP_OK) {
        close(fd);
        return e;
    }
    struct tunnel_end_config config = {.loop = s->loop,
                                       .thread = s->thread,
                                       .outer = outer,
                                       .inner = s->inner,
                                       .host = l->host,
                                       .pin = s->state->l7 ? NULL : l->relay_pin,
                                       .events = &tunnel_events,
                                       .arg = l};
    return tunnel_end_agent(&config, fd, &l->tunnel);
}

/* The tunnel stands at the relay, or will: it asks with the grant. */
static sp_error begin_session(struct live *l)
{
    const struct state *state = l->owner->state;
    const struct tunnel_session session = {.grant = buf_view(&l->grant),
                                           .app = l->app_id,
                                           .device = *key_secret_public(state->tunnel),
                                           .connector = l->connector};
    const struct tunnel_agent_says says = {
        .device_sig = {state->tunnel_sig, sizeof state->tunnel_sig},
        .identity = buf_view(&l->identity)};
    sp_error e =
        tunnel_end_begin(l->tunnel, l->host, l->cut_through && !state->l7, &session, &says);

    if (e == SP_OK)
        open_streams(l);
    return e;
}

static void remember_reached(struct relay_reached *r, int fd, const char *host)
{
    r->host[0] = '\0';
    if (sock_peer(fd, &r->at) == SP_OK)
        snprintf(r->host, sizeof r->host, "%s", host);
}

static void on_placed(void *arg, int fd, const char *host, sp_error e)
{
    struct live *l = arg;
    struct refusal why;

    snprintf(l->host, sizeof l->host, "%s", host);
    if (e == SP_OK)
        remember_reached(&l->owner->reached, fd, host);
    if (e != SP_OK || sock_local(fd, &l->local) != SP_OK)
        l->local = (struct address){0};
    place_free(l->place);
    l->place = NULL; /* no longer pending */
    if (e == SP_OK)
        e = start_tunnel(l, fd);
    if (!l->granted || (e == SP_OK && (e = begin_session(l)) == SP_OK))
        return;
    tunnel_end_free(l->tunnel);
    l->tunnel = NULL;
    if (place_again(l, &(struct tunnel_report){.why = TUNNEL_FAULT}))
        return;
    why = refusal_make(EXIT_UNREACHABLE, "unreachable", "The relay can't be reached.",
                       sp_error_text(e), "sallyport doctor");
    settle(l, &why, false);
}

static sp_error dial(struct live *l, const struct view addresses[], size_t count)
{
    const struct relay_reached *reached = &l->owner->reached;
    const struct place_spec spec = {.loop = l->owner->loop,
                                    .pool = l->owner->pool,
                                    .proxy = control_proxy(l->owner->control),
                                    .known_host = reached->host[0] == '\0' ? NULL : reached->host,
                                    .known = reached->at};

    return place_start(&spec, addresses, count, on_placed, l, &l->place);
}

/* A first try goes to the relay that the session before had: most often it is the same, and then
 * connecting and the outer TLS cost the person no time of their own. */
static void dial_ahead(struct live *l)
{
    const struct relay_seen *r = &l->owner->seen;
    struct view addresses[SESSION_ADDRESSES_MAX];

    if (r->address_count == 0 || l->tries > 0 || l->place != NULL || l->tunnel != NULL)
        return;
    for (size_t i = 0; i < r->address_count; i++)
        addresses[i] = view_str(r->addresses[i]);
    l->relay = r->relay;
    memcpy(l->relay_pin, r->pin, sizeof l->relay_pin);
    sp_ignore(dial(l, addresses, r->address_count)); /* then the grant dials */
}

/* ---- the grant --------------------------------------------------------------------------- */

/* The grant is ours: with the tunnel that was begun ahead, or with a new one. */
static sp_error use_grant(struct live *l, const struct session_open_answer *a)
{
    l->granted = true;
    l->stage = SESSION_STAGE_PLACING;
    if (l->place != NULL)
        return SP_OK; /* on_placed begins */
    if (l->tunnel != NULL && begin_session(l) == SP_OK)
        return SP_OK;
    tunnel_end_free(l->tunnel);
    l->tunnel = NULL;
    return dial(l, a->addresses, a->address_count);
}

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct live *l = arg;
    struct session_open_answer a;
    struct refusal why;
    struct sp_why field = {0};

    l->question = NULL; /* no longer pending */
    if (e != SP_OK) {
        why = control_refusal(l->owner->control, "No session.", e, m);
        if (((m != NULL && strcmp(why.code, "unreachable") == 0) || e == SP_ERR_CLOSED) &&
            wait_for_edge(l))
            return; /* no connector or relay is there, or the channel broke meanwhile */
    } else if (fields_read(m->members, session_open_answer_fields, &field, &a) != SP_OK)
        why = refusal_make(EXIT_ERROR, "protocol", "No session.", field.text, NULL);
    else if (a.decision != SESSION_ALLOW)
        why = refusal_decision(l->app, &a);
    else if ((e = live_take_answer(l, &a)) != SP_OK)
        why = refusal_make(EXIT_INTEGRITY, "integrity", "The broker's grant does not hold.",
                           sp_error_text(e), "sallyport doctor");
    else if ((e = use_grant(l, &a)) != SP_OK)
        why = refusal_make(EXIT_UNREACHABLE, "unreachable", "The relay can't be reached.",
                           sp_error_text(e), "sallyport doctor");
    else
        return;
    /* A broker that is away for a moment ends no session; a denial does. */
    settle(l, &why, why.exit != EXIT_UNREACHABLE && why.exit != EXIT_STEP_UP);
}

static void start_asking(struct live *l)
{
    struct session_open open = {
        .app = view_str(l->app), .session = l->id, .not_count = l->not_count};
    struct refusal why;
    sp_error e;

    memcpy(open.not_relays, l->not_relays, sizeof open.not_relays);
    l->stage = SESSION_STAGE_ASKING;
    l->granted = false;
    struct call_ask call = {"session.open", fields_write(session_open_fields, &open),
                            SESSIONS_OPEN_MS};
    if ((e = control_ask(l->owner->control, &call, on_answer, l, &l->question)) == SP_OK) {
        dial_ahead(l);
        return;
    }
    why = control_refusal(l->owner->control, "No session.", e, NULL);
    settle(l, &why, false);
}

/* ---- openings ---------------------------------------------------------------------------- */

static void give(struct live *l, struct opening *o)
{
    opening_done *done = o->done;
    void *arg = o->arg;
    struct stream *stream = o->stream;
    struct session_view v = live_view(l);
    struct refusal why;

    o->stream = NULL;
    if (stream == NULL && o->port != OPENING_SESSION_ONLY &&
        tunnel_end_stream(l->tunnel, o->port, &stream) != SP_OK) {
        why = refusal_make(EXIT_UNREACHABLE, "busy", "No further connection to this app.",
                           "The session has as many as it may have.", "sallyport sessions");
        opening_cancel(o);
        done(arg, NULL, &v, &why);
        return;
    }
    opening_cancel(o);
    done(arg, stream, &v, NULL);
}

/* The session itself was ended when the person paused; what comes in meanwhile is turned away. */
static void refuse_held(struct live *l)
{
    struct refusal why =
        refusal_make(EXIT_DENIED, "paused", "Sallyport is paused on this machine.",
                     "You closed all applications for now.", "sallyport pause --off");

    if (l->stage == SESSION_STAGE_NONE && l->tunnel == NULL)
        settle(l, &why, false);
    else
        refuse_all(l, &why);
}

void live_deliver(void *arg)
{
    struct live *l = arg;

    if (l->owner->held && l->openings != NULL) {
        refuse_held(l);
        return;
    }
    /* `done` may start or cancel openings, but the session itself goes from the loop only. */
    while (l->stage == SESSION_STAGE_UP && l->openings != NULL)
        give(l, l->openings);
    if (l->stage == SESSION_STAGE_PAUSED && l->openings != NULL && !resumes_soon(l))
        refuse_paused(l);
    if (l->stage == SESSION_STAGE_NONE && l->tunnel == NULL && l->openings != NULL)
        start_asking(l);
    else if (l->stage == SESSION_STAGE_PLACING && l->tunnel != NULL)
        open_streams(l);
}

void live_cut(struct live *l, struct view code)
{
    struct refusal why;

    snprintf(l->cut_code, sizeof l->cut_code, "%.*s", VIEW_ARG(code));
    if (!l->granted)
        live_drop_ahead(l);
    if (l->tunnel != NULL) {
        l->cutting = true;
        l->dropping = false;
        tunnel_end_cut(l->tunnel, l->cut_code);
        return;
    }
    control_cancel(l->owner->control, l->question);
    l->question = NULL;
    timer_cancel(l->again);
    l->again = NULL;
    place_free(l->place);
    l->place = NULL;
    struct tunnel_report report = {.why = TUNNEL_CUT, .was_up = true};
    memcpy(report.code, l->cut_code, sizeof report.code);
    why = refusal_ended(l, &report);
    settle(l, &why, true);
}

static void on_end_told(void *arg, sp_error e, const struct envelope *m)
{
    (void)arg, (void)e, (void)m; /* the connector tells the broker too (live.delta) */
}

void live_tell_broker(struct live *l)
{
    struct session_name name = {l->id};
    struct call_ask call = {"session.end", fields_write(session_name_fields, &name),
                            ENVELOPE_CALL_MS};
    struct question *question;

    sp_ignore(control_tell(l->owner->control, &call, on_end_told, NULL,
                           &question)); /* no channel: it sees the tunnel end */
}
