#include "lib/tunnel/end.h"

#include "lib/tunnel/core.h"
#include "lib/tunnel/drive.h"
#include "lib/tunnel/idle.h"

#include <stdlib.h>
#include <unistd.h>

struct tunnel_end {
    struct drive drive;
    struct core *core;                      /* owned */
    const struct tunnel_end_events *events; /* borrowed, as arg */
    void *arg;
    bool draining, over, abandoned;
    struct idle idle;
    struct timer *timer; /* owned; NULL: not running */
    struct deferred turn, telling;
};

/* ---- the end ------------------------------------------------------------------------------ */

static void on_timer(void *arg);

/* A clean end: what is unsent must still arrive, and closing with unread bytes would be a RST
 * that overtakes it. */
static bool said_goodbye(const struct tunnel_end *t)
{
    struct tunnel_report r;

    core_report(t->core, &r);
    return r.why == TUNNEL_DONE && !t->drive.over;
}

static void finish(struct tunnel_end *t)
{
    if (t->over)
        return;
    t->over = true;
    timer_cancel(t->timer);
    t->timer = NULL;
    if (said_goodbye(t) &&
        timer_start(t->drive.loop, clock_boot() + GOODBYE_MS, on_timer, t, &t->timer) == SP_OK) {
        drive_fin(&t->drive);
        deferred_queue(t->drive.loop, &t->telling); /* the streams end now, the tunnel later */
        return;
    }
    drive_send_now(&t->drive); /* close frame, close_notify, alert */
    drive_reading(&t->drive, false);
    deferred_queue(t->drive.loop, &t->telling);
}

/* The peer has answered our FIN, or had its time to. */
static void leave(struct tunnel_end *t)
{
    timer_cancel(t->timer);
    t->timer = NULL;
    drive_reading(&t->drive, false);
    deferred_queue(t->drive.loop, &t->telling);
}

/* From the loop, in two steps: the streams end first, so that pumps report before the tunnel. */
static void tell_end(void *arg)
{
    struct tunnel_end *t = arg;
    struct tunnel_report r;

    if (!t->abandoned) {
        t->abandoned = true;
        core_abandon(t->core);
        if (t->timer == NULL)
            deferred_queue(t->drive.loop, &t->telling);
        return;
    }
    core_report(t->core, &r);
    t->events->ended(t->arg, &r); /* t may be gone from here on */
}

/* After anything that may have changed the state: is it over, and which timer is next? */
static void settle(struct tunnel_end *t)
{
    struct tunnel_figures f = core_figures(t->core);

    if (t->over)
        return;
    if (f.last_byte != 0)
        idle_bytes_moved(&t->idle, f.last_byte);
    if (t->draining && f.up && core_live(t->core) == 0)
        core_stop(t->core, TUNNEL_DONE, NULL);
    if (core_state(t->core) == CORE_ENDED)
        finish(t);
}

/* ---- timers ------------------------------------------------------------------------------- */

static void set_timer(struct tunnel_end *t)
{
    sp_boot_ms at = idle_next(&t->idle);

    if (t->over)
        return;
    if (t->timer != NULL)
        timer_move(t->timer, at);
    else if (timer_start(t->drive.loop, at, on_timer, t, &t->timer) != SP_OK)
        core_stop(t->core, TUNNEL_FAULT, NULL);
}

static void on_timer(void *arg)
{
    struct tunnel_end *t = arg;

    t->timer = NULL;
    if (t->over) {
        leave(t);
        return;
    }
    idle_heard(&t->idle, core_heard(t->core));
    switch (idle_due(&t->idle, clock_boot())) {
    case IDLE_NOTHING:
        break;
    case IDLE_PING:
        if (core_ping(t->core) != SP_OK)
            core_stop(t->core, TUNNEL_FAULT, NULL);
        drive_output(&t->drive);
        break;
    case IDLE_LATE:
        core_stop(t->core, TUNNEL_LATE, NULL);
        break;
    case IDLE_LOST:
        core_stop(t->core, TUNNEL_LOST, NULL);
        break;
    case IDLE_OVER:
        core_stop(t->core, TUNNEL_IDLE, "idle");
        break;
    }
    settle(t);
    set_timer(t);
}

/* ---- what the core says ------------------------------------------------------------------- */

static void on_waiting(void *arg)
{
    struct tunnel_end *t = arg;

    idle_waiting(&t->idle, clock_boot());
    set_timer(t);
    if (t->events->waiting != NULL)
        t->events->waiting(t->arg);
}

static void on_up(void *arg, const struct tunnel_limits *limits, const struct json *said)
{
    struct tunnel_end *t = arg;

    idle_up(&t->idle, clock_boot());
    set_timer(t);
    t->events->up(t->arg, limits, said);
}

static void on_stream(void *arg, struct stream *s, unsigned port)
{
    struct tunnel_end *t = arg;

    t->events->stream(t->arg, s, port);
}

static void on_output(void *arg)
{
    struct tunnel_end *t = arg;

    drive_output(&t->drive);
}

static const struct core_hooks core_hooks = {
    .waiting = on_waiting, .up = on_up, .stream = on_stream, .output = on_output};

/* ---- what the socket says ----------------------------------------------------------------- */

static void on_fed(void *arg)
{
    struct tunnel_end *t = arg;

    if (t->over) { /* our last words are out; what still comes is for nobody */
        wire_drop(&t->drive.wire);
        return;
    }
    sp_ignore(core_run(t->core)); /* its report says why */
    drive_output(&t->drive);
    settle(t);
}

static void on_fill(void *arg)
{
    struct tunnel_end *t = arg;

    sp_ignore(core_flush(t->core));
    settle(t);
}

static void on_socket_end(void *arg, sp_error e)
{
    struct tunnel_end *t = arg;

    if (t->over) {
        leave(t);
        return;
    }
    core_eof(t->core, e);
    settle(t);
}

static const struct drive_hooks drive_hooks = {on_fed, on_fill, on_socket_end};

/* The first flight of a client, and what core_serve found waiting. */
static void on_turn(void *arg)
{
    struct tunnel_end *t = arg;

    if (!t->over)
        on_fed(t);
}

/* ---- life --------------------------------------------------------------------------------- */

SP_MUST static sp_error new_end(const struct tunnel_end_config *c, int fd, struct tunnel_end **out)
{
    struct tunnel_end *t = calloc(1, sizeof *t);
    sp_error e;

    if (t == NULL || c->host == NULL || c->outer == NULL || c->inner == NULL || c->events == NULL) {
        close(fd);
        free(t);
        return t == NULL ? SP_ERR_NOMEM : SP_ERR_INVALID;
    }
    t->events = c->events;
    t->arg = c->arg;
    idle_begin(&t->idle, clock_boot());
    deferred_init(&t->turn, on_turn, t);
    deferred_init(&t->telling, tell_end, t);
    if ((e = drive_start(&t->drive, c->loop, c->thread, fd, &drive_hooks, t)) != SP_OK ||
        (e = timer_start(c->loop, idle_next(&t->idle), on_timer, t, &t->timer)) != SP_OK) {
        tunnel_end_free(t);
        return e;
    }
    *out = t;
    return SP_OK;
}

SP_MUST static sp_error start(const struct tunnel_end_config *c, int fd,
                              const struct upgrade_request *ask, struct tunnel_end **out)
{
    struct tunnel_end *t;
    sp_error e;

    if ((e = new_end(c, fd, &t)) != SP_OK)
        return e;
    const struct tls_expect relay = {.name = c->host, .pin = c->pin};
    const struct core_config core = {.agent = ask == NULL,
                                     .thread = c->thread,
                                     .wire = &t->drive.wire,
                                     .outer = c->outer,
                                     .inner = c->inner,
                                     .expect = &relay,
                                     .ask = ask,
                                     .hooks = &core_hooks,
                                     .arg = t};
    if ((e = core_new(&core, &t->core)) != SP_OK) {
        tunnel_end_free(t);
        return e;
    }
    deferred_queue(c->loop, &t->turn);
    *out = t;
    return SP_OK;
}

sp_error tunnel_end_agent(const struct tunnel_end_config *c, int fd, struct tunnel_end **out)
{
    return start(c, fd, NULL, out);
}

sp_error tunnel_end_begin(struct tunnel_end *t, const char *host, bool cut_through,
                          const struct tunnel_session *session,
                          const struct tunnel_agent_says *says)
{
    const struct upgrade_request ask = {.path = UPGRADE_TUNNEL,
                                        .host = view_str(host),
                                        .cut_through = cut_through,
                                        .grant = session->grant};
    sp_error e;

    if (t->over)
        return SP_ERR_CLOSED;
    if ((e = core_begin(t->core, &ask, session, says)) != SP_OK)
        return e;
    idle_begin(&t->idle, clock_boot());
    set_timer(t);
    deferred_queue(t->drive.loop, &t->turn);
    return SP_OK;
}

sp_error tunnel_end_spare(const struct tunnel_end_config *c, int fd, const uint8_t ticket[16],
                          struct tunnel_end **out)
{
    struct upgrade_request ask = {.path = UPGRADE_TUNNEL,
                                  .host = view_str(c->host),
                                  .cut_through = c->cut_through,
                                  .has_ticket = true};

    memcpy(ask.ticket, ticket, sizeof ask.ticket);
    return start(c, fd, &ask, out);
}

sp_error tunnel_end_serve(struct tunnel_end *t, const struct tunnel_session *session,
                          const struct tunnel_limits *limits, bool bare)
{
    sp_error e;

    if (t->over)
        return SP_ERR_INVALID;
    if ((e = core_serve(t->core, session, limits, bare)) != SP_OK)
        return e;
    idle_serving(&t->idle, clock_boot(), limits->idle_ms);
    set_timer(t);
    deferred_queue(t->drive.loop, &t->turn);
    return SP_OK;
}

sp_error tunnel_end_stream(struct tunnel_end *t, unsigned port, struct stream **out)
{
    if (t->over || t->draining)
        return SP_ERR_CLOSED;
    return core_stream(t->core, port, out);
}

void tunnel_end_drain(struct tunnel_end *t)
{
    t->draining = true;
    core_drain(t->core);
    drive_output(&t->drive);
}

void tunnel_end_cut(struct tunnel_end *t, const char *code)
{
    core_stop(t->core, TUNNEL_CUT, code);
    finish(t);
}

struct tunnel_figures tunnel_end_figures(const struct tunnel_end *t)
{
    return core_figures(t->core);
}

void tunnel_end_free(struct tunnel_end *t)
{
    if (t == NULL)
        return;
    if (t->drive.loop != NULL) {
        deferred_cancel(t->drive.loop, &t->turn);
        deferred_cancel(t->drive.loop, &t->telling);
    }
    timer_cancel(t->timer);
    core_free(t->core);
    drive_stop(&t->drive, false);
    free(t);
}

const char *tunnel_why_text(enum tunnel_why w)
{
    static const char *const texts[] = {
        [TUNNEL_FAULT] = "the connection broke",
        [TUNNEL_UNTRUSTED] = "the peer is not who the grant names",
        [TUNNEL_REFUSED] = "the relay refused",
        [TUNNEL_CUT] = "the session was cut",
        [TUNNEL_CLOSED_CODE] = "the relay closed the tunnel",
        [TUNNEL_DONE] = "ended",
        [TUNNEL_LOST] = "the peer no longer answers",
        [TUNNEL_LATE] = "opening took too long",
        [TUNNEL_IDLE] = "idle for too long",
        [TUNNEL_DEADLINE] = "the session's time is over",
    };
    return texts[w];
}
