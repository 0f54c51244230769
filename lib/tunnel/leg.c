#include "lib/tunnel/leg.h"

#include "lib/base/clock.h"
#include "lib/tunnel/drive.h"
#include "lib/tunnel/idle.h"
#include "lib/tunnel/outer.h"
#include "lib/tunnel/thread_internal.h"

#include <stdlib.h>
#include <unistd.h>

struct leg {
    struct drive drive;
    struct outer *outer;             /* owned */
    const struct leg_events *events; /* borrowed, as arg */
    void *arg;
    const struct leg_raw *raw; /* borrowed; NULL: whole messages */
    void *raw_arg;
    struct idle idle;        /* once open */
    struct timer *timer;     /* owned; NULL: not running */
    struct deferred turn;    /* run from the loop what a call has set off */
    struct deferred telling; /* the end is told from the loop */
    struct buf message;      /* being joined */
    size_t unproven;         /* bytes that may still come before leg_proven */
    bool proven, told_asked, told_opened, goodbye, over;
    sp_boot_ms until; /* of the opening, or of the goodbye; 0: open */
    struct leg_report report;
};

/* ---- the end ------------------------------------------------------------------------------ */

static void finish(struct leg *l, sp_error e)
{
    if (l->over)
        return;
    l->over = true;
    l->report.error = e;
    if (l->outer != NULL) {
        const struct outer_end *o = outer_end(l->outer);
        l->report = (struct leg_report){.error = o->error != SP_OK ? o->error : e,
                                        .refusal = o->refusal,
                                        .status = o->status,
                                        .retry_after_s = o->retry_after_s,
                                        .close = o->close};
        memcpy(l->report.code, o->code, sizeof l->report.code);
    }
    timer_cancel(l->timer);
    l->timer = NULL;
    drive_reading(&l->drive, false);
    deferred_queue(l->drive.loop, &l->telling);
}

static void tell_end(void *arg)
{
    struct leg *l = arg;

    l->events->ended(l->arg, &l->report); /* l may be gone from here on */
}

static void on_timer(void *arg);

static void set_timer(struct leg *l, sp_boot_ms at)
{
    if (l->over)
        return;
    if (l->timer != NULL)
        timer_move(l->timer, at);
    else if (timer_start(l->drive.loop, at, on_timer, l, &l->timer) != SP_OK)
        finish(l, SP_ERR_NOMEM);
}

/* Our last words are written: they are sent, then the peer has a moment to hear them, since
 * closing with unread bytes would be a RST that overtakes them. */
static void say_goodbye(struct leg *l)
{
    if (l->goodbye || l->over)
        return;
    l->goodbye = true;
    l->until = clock_boot() + GOODBYE_MS;
    drive_send_now(&l->drive);
    drive_fin(&l->drive);
    set_timer(l, l->until);
}

/* ---- timers ------------------------------------------------------------------------------- */

static void on_timer(void *arg)
{
    struct leg *l = arg;
    sp_boot_ms now = clock_boot();

    l->timer = NULL;
    if (l->outer == NULL)
        return;
    if (l->until != 0) {
        finish(l, l->goodbye ? SP_ERR_CLOSED : SP_ERR_TIMEOUT);
        return;
    }
    /* A bare direction has no pongs: there TCP_USER_TIMEOUT and the ends' own PING watch. */
    if (outer_tx_bare(l->outer) || outer_rx_bare(l->outer))
        return;
    idle_heard(&l->idle, outer_heard(l->outer));
    switch (idle_due(&l->idle, now)) {
    case IDLE_PING:
        if (outer_ping(l->outer) == SP_OK)
            drive_output(&l->drive);
        break;
    case IDLE_LOST:
        finish(l, SP_ERR_TIMEOUT);
        return;
    default:
        break;
    }
    set_timer(l, idle_next(&l->idle));
}

/* ---- bytes -------------------------------------------------------------------------------- */

SP_MUST static sp_error take_message(struct leg *l, struct view piece, bool last)
{
    if (!l->proven) {
        if (piece.len > l->unproven)
            return SP_ERR_LIMIT;
        l->unproven -= piece.len;
    }
    if (buf_append(&l->message, piece) != SP_OK)
        return SP_ERR_LIMIT;
    if (!last)
        return SP_OK;
    l->events->message(l->arg, buf_view(&l->message));
    buf_deinit(&l->message);
    return SP_OK;
}

SP_MUST static sp_error read_messages(struct leg *l)
{
    uint8_t *to = l->drive.thread->plain;
    struct outer_bit bit;
    sp_error e;

    while (!l->over && l->raw == NULL) {
        if ((e = outer_read(l->outer, false, to, sizeof l->drive.thread->plain, &bit)) != SP_OK)
            return e;
        if (l->goodbye || outer_state(l->outer) != OUTER_OPEN)
            continue; /* we have closed: what still comes is not for anyone */
        if (take_message(l, (struct view){to, bit.len}, bit.last) != SP_OK) {
            leg_close(l, CLOSE_TOO_MUCH, NULL);
            return SP_ERR_AGAIN;
        }
    }
    return SP_OK;
}

static void opened(struct leg *l)
{
    l->until = 0;
    idle_up(&l->idle, clock_boot());
    set_timer(l, idle_next(&l->idle));
    if (!l->told_opened) {
        l->told_opened = true;
        l->events->opened(l->arg, outer_cut_through(l->outer));
    }
}

/* The state's work, until it needs more input. */
static void run(struct leg *l)
{
    sp_error e = SP_OK;

    if (l->over || l->outer == NULL)
        return;
    if (outer_state(l->outer) == OUTER_TLS || outer_state(l->outer) == OUTER_UPGRADE)
        e = outer_advance(l->outer);
    if (e == SP_OK && outer_state(l->outer) == OUTER_ASKED) {
        if (!l->told_asked) {
            l->told_asked = true;
            l->until = clock_boot() + OUTER_TLS_MS;
            set_timer(l, l->until);
            l->events->asked(l->arg, outer_request(l->outer));
        }
        drive_output(&l->drive);
        return;
    }
    if (e == SP_OK && outer_state(l->outer) == OUTER_OPEN && !l->told_opened)
        opened(l);
    if (e == SP_OK && !l->over && l->raw != NULL)
        l->raw->fed(l->raw_arg);
    else if (e == SP_OK && !l->over &&
             (outer_state(l->outer) == OUTER_OPEN || outer_state(l->outer) == OUTER_CLOSING))
        e = read_messages(l);
    if (!l->over && outer_state(l->outer) == OUTER_CLOSING)
        drive_reading(&l->drive,
                      true); /* a pair may have stopped it: the peer's close is awaited */
    drive_output(&l->drive);
    if (e != SP_OK && e != SP_ERR_AGAIN)
        say_goodbye(l);
}

static void on_fed(void *arg)
{
    struct leg *l = arg;

    if (l->goodbye || l->outer == NULL || outer_state(l->outer) == OUTER_CLOSED) {
        wire_drop(&l->drive.wire);
        return;
    }
    run(l);
}

static void on_fill(void *arg)
{
    struct leg *l = arg;

    if (l->raw != NULL && !l->goodbye)
        l->raw->drained(l->raw_arg);
}

static void on_socket_end(void *arg, sp_error e)
{
    struct leg *l = arg;

    finish(l, e == SP_OK ? SP_ERR_CLOSED : e);
}

static void on_turn(void *arg)
{
    run(arg);
}

static const struct drive_hooks hooks = {on_fed, on_fill, on_socket_end};

/* ---- life --------------------------------------------------------------------------------- */

SP_MUST static sp_error new_leg(const struct leg_config *c, int fd, struct leg **out)
{
    struct leg *l = calloc(1, sizeof *l);
    sp_error e;

    if (l == NULL) {
        close(fd);
        return SP_ERR_NOMEM;
    }
    l->events = c->events;
    l->arg = c->arg;
    l->unproven = MESSAGE_UNPROVEN_MAX;
    buf_init(&l->message, MESSAGE_MAX);
    deferred_init(&l->turn, on_turn, l);
    deferred_init(&l->telling, tell_end, l);
    l->until = clock_boot() + OUTER_TLS_MS + OUTER_UPGRADE_MS;
    if ((e = drive_start(&l->drive, c->loop, c->thread, fd, &hooks, l)) != SP_OK ||
        (e = timer_start(c->loop, l->until, on_timer, l, &l->timer)) != SP_OK) {
        leg_free(l);
        return e;
    }
    *out = l;
    return SP_OK;
}

sp_error leg_client(const struct leg_config *c, int fd, const struct tls_expect *expect,
                    const struct upgrade_request *ask, struct leg **out)
{
    struct leg *l;
    sp_error e;

    if ((e = new_leg(c, fd, &l)) != SP_OK)
        return e;
    if ((e = outer_client(&l->drive.wire, c->tls, expect, ask, &l->outer)) != SP_OK) {
        leg_free(l);
        return e;
    }
    deferred_queue(c->loop, &l->turn); /* the hello */
    *out = l;
    return SP_OK;
}

sp_error leg_server(const struct leg_config *c, int fd, struct leg **out)
{
    struct leg *l;
    sp_error e;

    if ((e = new_leg(c, fd, &l)) != SP_OK)
        return e;
    if ((e = outer_server(&l->drive.wire, c->tls, &l->outer)) != SP_OK) {
        leg_free(l);
        return e;
    }
    *out = l;
    return SP_OK;
}

void leg_shed(struct leg *l)
{
    if (l->outer == NULL || !outer_rx_bare(l->outer) || !outer_tx_bare(l->outer))
        return;
    outer_free(l->outer);
    l->outer = NULL;
    timer_cancel(l->timer);
    l->timer = NULL;
}

void leg_abort(struct leg *l, bool reset)
{
    l->over = true;
    timer_cancel(l->timer);
    l->timer = NULL;
    deferred_cancel(l->drive.loop, &l->turn);
    deferred_cancel(l->drive.loop, &l->telling);
    drive_stop(&l->drive, reset);
}

void leg_free(struct leg *l)
{
    if (l == NULL)
        return;
    if (l->drive.loop != NULL) {
        deferred_cancel(l->drive.loop, &l->turn);
        deferred_cancel(l->drive.loop, &l->telling);
    }
    timer_cancel(l->timer);
    outer_free(l->outer);
    drive_stop(&l->drive, false);
    buf_wipe(&l->message);
    free(l);
}

/* ---- calls of the owner ------------------------------------------------------------------- */

void leg_accept(struct leg *l, bool cut_through)
{
    if (l->over)
        return;
    if (outer_accept(l->outer, cut_through) == SP_OK)
        deferred_queue(l->drive.loop, &l->turn);
    else
        say_goodbye(l);
    drive_output(&l->drive);
}

void leg_refuse(struct leg *l, unsigned status, const char *code, unsigned retry_after_s)
{
    if (l->over)
        return;
    outer_refuse(l->outer, status, code, retry_after_s);
    say_goodbye(l);
}

void leg_events_set(struct leg *l, const struct leg_events *events, void *arg)
{
    l->events = events;
    l->arg = arg;
}

void leg_proven(struct leg *l)
{
    l->proven = true;
}

sp_error leg_send(struct leg *l, struct view message)
{
    struct tunnel_thread *t = l->drive.thread;
    sp_error e;

    if (message.len > MESSAGE_MAX)
        return SP_ERR_LIMIT;
    if (l->over || l->goodbye || outer_state(l->outer) != OUTER_OPEN)
        return SP_ERR_CLOSED;
    if (wire_unsent(&l->drive.wire) >= TUNNEL_BATCH_BYTES)
        return SP_ERR_BUSY;
    if (message.len > 0)
        memcpy(t->stage, message.at, message.len);
    e = outer_frame(l->outer, FRAME_BIN, t->stage, message.len);
    drive_output(&l->drive);
    if (e != SP_OK)
        say_goodbye(l);
    return e == SP_OK ? SP_OK : SP_ERR_CLOSED;
}

void leg_close(struct leg *l, unsigned code, const char *reason)
{
    if (l->over || l->goodbye)
        return;
    if (l->outer == NULL) {
        finish(l, SP_ERR_CLOSED);
        return;
    }
    outer_close(l->outer, code, reason);
    drive_output(&l->drive);
    l->until = clock_boot() + GOODBYE_MS;
    set_timer(l, l->until);
    if (outer_state(l->outer) != OUTER_CLOSING || outer_rx_bare(l->outer)) {
        drive_reading(&l->drive, true);
        say_goodbye(l); /* nothing could be said, or no frame can answer */
    } else {
        deferred_queue(l->drive.loop, &l->turn);
    }
}

sp_error leg_binding(struct leg *l, uint8_t out[TLS_EXPORT_BYTES])
{
    return outer_binding(l->outer, out);
}

void leg_raw(struct leg *l, const struct leg_raw *raw, void *arg)
{
    l->raw = raw;
    l->raw_arg = arg;
}

struct outer *leg_outer(struct leg *l)
{
    return l->outer;
}

struct drive *leg_drive(struct leg *l)
{
    return &l->drive;
}
