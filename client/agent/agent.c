#include "client/agent/agent.h"

#include "client/agent/agent_internal.h"
#include "lib/base/log.h"
#include "lib/http/engine.h"
#include "lib/os/service.h"
#include "lib/term/command.h"
#include "lib/tunnel/thread.h"

#include <stdlib.h>
#include <string.h>

enum { SLEPT_DEAD_MS = 30 * 1000, IDLE_LOOK_MS = 60 * 1000 };

/* ---- the broker's events ----------------------------------------------------------------- */

static void on_opened(void *arg)
{
    struct agent *a = arg;

    a->lost_at = 0;
    service_status(a->service, "connected");
    if (a->desk != NULL)
        desk_channel(a->desk, true);
    if (a->reporter != NULL)
        reporter_opened(a->reporter);
}

static void on_lost(void *arg)
{
    struct agent *a = arg;

    if (a->lost_at == 0)
        a->lost_at = clock_boot();
    service_status(a->service, "not connected");
    if (a->desk != NULL)
        desk_channel(a->desk, false);
}

static void on_login(void *arg, const struct login_state *state)
{
    local_login_state(arg, state);
}

static void on_cut(void *arg, const struct session_cut *cut, struct session_cut_answer *answer)
{
    sessions_cut(((struct agent *)arg)->sessions, cut, answer);
}

static void on_pause(void *arg, const struct session_limit *pause)
{
    sessions_pause(((struct agent *)arg)->sessions, pause);
}

static void on_limit(void *arg, const struct session_limit *limit)
{
    sessions_limit(((struct agent *)arg)->sessions, limit);
}

static void on_resume(void *arg, struct sp_id session)
{
    sessions_resume(((struct agent *)arg)->sessions, session);
}

static void on_posture(void *arg)
{
    struct agent *a = arg;

    if (a->reporter != NULL)
        reporter_now(a->reporter, NULL, NULL);
}

static const struct control_events control_events = {on_opened, on_lost,  on_login,  on_cut,
                                                     on_pause,  on_limit, on_resume, on_posture};

/* ---- sessions ---------------------------------------------------------------------------- */

static void on_changed(void *arg, const struct session_view *s, const struct refusal *why)
{
    struct agent *a = arg;

    desk_session(a->desk, s, why);
    local_session(a, why == NULL ? "changed" : "paused", s, why);
}

static void on_ended(void *arg, const struct session_view *s, const struct refusal *why)
{
    struct agent *a = arg;

    log_event(LOG_INFO, "session.ended", why->why, "app", s->app, "session", LOG_ID(s->id),
              "reason", why->code, NULL);
    ends_session(&a->ends, s->id, why);
    desk_session_ended(a->desk, s, why);
    local_session(a, "ended", s, why);
    local_ended(a, s->id);
}

static const struct sessions_events sessions_events = {on_changed, on_ended};

static void on_refused(void *arg, const char *app, const struct refusal *why)
{
    struct agent *a = arg;

    desk_refused(a->desk, app, why);
    local_refused(a, app, why);
}

/* ---- sleep and network ------------------------------------------------------------------- */

static void on_slept(void *arg, int64_t ms)
{
    struct agent *a = arg;

    log_event(LOG_INFO, "agent.slept", "the machine slept", "ms", LOG_INT(ms), NULL);
    /* Peers have given a silent connection up by then: don't wait for our own pings to see it. */
    if (ms >= SLEPT_DEAD_MS)
        sessions_drop_tunnels(a->sessions);
    control_again(a->control);
}

/* A route that changed says nothing about our connections, unless their address is gone; one
 * question to the broker does. */
static void on_network(void *arg)
{
    struct agent *a = arg;

    sessions_network(a->sessions);
    control_doubt(a->control);
}

static const struct wake_events wake_events = {on_slept, on_network};

/* ---- the end ----------------------------------------------------------------------------- */

static void on_drain(void *arg)
{
    struct agent *a = arg;

    service_done(a->service);
}

static void on_idle(void *arg)
{
    struct agent *a = arg;
    bool used = control_login(a->control)->user[0] != '\0' || a->asks != NULL ||
                clock_boot() - a->needed < AGENT_IDLE_MS;

    a->idle = NULL; /* no longer pending */
    if (!used) {
        log_event(LOG_INFO, "agent.idle", "nobody is signed in and nobody asks: ending", NULL);
        service_done(a->service);
    } else if (timer_start(a->loop, clock_boot() + IDLE_LOOK_MS, on_idle, a, &a->idle) != SP_OK) {
        a->idle = NULL; /* no memory: it stays until it is ended */
    }
}

static void stop(struct agent *a)
{
    timer_cancel(a->idle);
    ipc_server_free(a->ipc); /* ends what the command line has under way */
    wake_free(a->wake);
    reporter_free(a->reporter);
    forwards_free(a->forwards);
    apps_free(a->apps);
    sessions_free(a->sessions);
    control_free(a->control);
    desk_free(a->desk);
    service_free(a->service);
    if (a->engine != NULL)
        engine_free(a->engine);
    pool_free(a->pool);
    tunnel_thread_free(a->thread);
    state_free(a->state);
    loop_free(a->loop);
}

/* ---- the start --------------------------------------------------------------------------- */

static sp_error start_ground(struct agent *a, struct sp_why *why)
{
    static const struct service_spec base = {.drain = on_drain};
    struct service_spec spec = base;
    char folder[STATE_PATH_MAX];
    sp_error e;

    spec.arg = a;
    if ((e = state_folder(folder)) != SP_OK)
        return sp_why_say(why, e, "no place for the agent's state: HOME is not set");
    if ((e = state_open(folder, why, &a->state)) != SP_OK || (e = loop_new(&a->loop)) != SP_OK ||
        (e = pool_new(a->loop, AGENT_WORKERS, &a->pool)) != SP_OK ||
        (e = engine_new(a->loop, &a->engine)) != SP_OK ||
        (e = tunnel_thread_new(&a->thread)) != SP_OK)
        return e;
    return service_start(a->loop, &spec, &a->service);
}

static sp_error start_control(struct agent *a, struct sp_why *why)
{
    const struct control_options o = {.engine = a->engine,
                                      .pool = a->pool,
                                      .state = a->state,
                                      .events = &control_events,
                                      .arg = a};

    return control_new(&o, why, &a->control);
}

static sp_error start_sessions(struct agent *a)
{
    const struct sessions_options o = {.loop = a->loop,
                                       .pool = a->pool,
                                       .thread = a->thread,
                                       .control = a->control,
                                       .state = a->state,
                                       .events = &sessions_events,
                                       .arg = a};

    return sessions_new(&o, &a->sessions);
}

static sp_error start_rooms(struct agent *a, struct sp_why *why)
{
    char path[IPC_PATH_MAX];
    sp_error e;

    if ((e = start_control(a, why)) != SP_OK || (e = start_sessions(a)) != SP_OK ||
        (e = apps_new(a->control, &a->apps)) != SP_OK ||
        (e = forwards_new(a->loop, a->sessions, a->state, on_refused, a, &a->forwards)) != SP_OK ||
        (e = reporter_new(a->loop, a->pool, a->control, a->state, &a->reporter)) != SP_OK ||
        (e = desk_new(a, &a->desk)) != SP_OK ||
        (e = wake_new(a->loop, &wake_events, a, &a->wake)) != SP_OK)
        return e;
    if ((e = ipc_path(path)) != SP_OK)
        return sp_why_say(why, e, "no place for the agent's socket");
    return ipc_server_new(a->loop, path, &local_handlers, a, why, &a->ipc);
}

int agent_run(const struct agent_options *o, struct sp_why *why)
{
    struct agent a = {.idle_exit = o->idle_exit, .started = clock_boot(), .needed = clock_boot()};
    sp_error e;

    ends_init(&a.ends, clock_unix());
    if ((e = start_ground(&a, why)) == SP_OK && (e = start_rooms(&a, why)) == SP_OK && o->idle_exit)
        e = timer_start(a.loop, clock_boot() + IDLE_LOOK_MS, on_idle, &a, &a.idle);
    if (e == SP_OK) {
        log_event(LOG_INFO, "agent.ready", "agent is ready", "version", SP_VERSION, NULL);
        service_ready(a.service, "ready");
        loop_run(a.loop);
        log_event(LOG_INFO, "agent.end", "agent ends", NULL);
    } else if (why->text[0] == '\0') {
        sp_ignore(sp_why_say(why, e, "%s", sp_error_text(e)));
    }
    stop(&a);
    return e == SP_OK ? EXIT_OK : EXIT_ERROR;
}
