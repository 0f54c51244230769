/* From workers to channels: what listener.h offers to any thread. Across the wait stands the
 * edge's number, not a pointer: an edge that left meanwhile is simply not found. */

#include "lib/channel/listener.h"

#include "lib/base/log.h"
#include "lib/os/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* One order on its way to the loop. */
struct order {
    struct listener *listener; /* borrowed */
    uint64_t edge;
    int64_t re; /* 0: an event */
    char type[ENVELOPE_TYPE_MAX + 1];
    struct json *members;             /* owned */
    char code[ENVELOPE_CODE_MAX + 1]; /* of a refusal; "": none */
    char text[512], request[64];
};

static void keep(char *to, size_t room, const char *from)
{
    size_t n = from != NULL ? strnlen(from, room - 1) : 0;

    if (n > 0)
        memcpy(to, from, n);
    to[n] = '\0';
}

static void run_order(void *arg)
{
    struct order *o = arg;
    struct channel *c = listener_channel(o->listener, o->edge);
    sp_error e = SP_OK;

    if (c == NULL)
        json_free(o->members);
    else if (o->code[0] != '\0')
        e = channel_refuse(c, o->re, o->code, o->text, o->request[0] != '\0' ? o->request : NULL);
    else if (o->re != 0)
        e = channel_answer(c, o->re, o->members);
    else
        e = channel_send(c, o->type, o->members);
    if (e != SP_OK && e != SP_ERR_CLOSED) {
        log_event(LOG_WARN, "control.send", sp_error_text(e), "type", o->type, NULL);
        if (e == SP_ERR_BUSY) /* it does not read: what it missed can't be told later */
            listener_close(o->listener, o->edge, CHANNEL_CLOSE_TOO_MUCH, "not reading");
    }
    free(o);
}

static void post(struct listener *l, const struct order *filled)
{
    struct order *o = malloc(sizeof *o);

    if (o != NULL) {
        *o = *filled;
        if (loop_post(engine_loop(listener_engine(l)), run_order, o) == SP_OK)
            return;
    }
    free(o);
    json_free(filled->members);
    log_event(LOG_ERROR, "control.send", sp_error_text(SP_ERR_NOMEM), NULL);
}

void listener_send(struct listener *l, uint64_t edge, const char *type, struct json *members)
{
    struct order o = {.listener = l, .edge = edge, .members = members};

    keep(o.type, sizeof o.type, type);
    post(l, &o);
}

void listener_answer(struct listener *l, uint64_t edge, int64_t re, struct json *members)
{
    post(l, &(struct order){.listener = l, .edge = edge, .re = re, .members = members});
}

void listener_answer_error(struct listener *l, uint64_t edge, int64_t re, const char *code,
                           const char *text, const char *request)
{
    struct order o = {.listener = l, .edge = edge, .re = re};

    keep(o.code, sizeof o.code, code);
    keep(o.text, sizeof o.text, text);
    keep(o.request, sizeof o.request, request);
    post(l, &o);
}

/* ---- a call that a worker waits for ------------------------------------------------------------
 */

/* Held by the worker and by the loop; the later one frees it. */
struct waiting {
    struct listener *listener; /* borrowed by the loop's half */
    uint64_t edge;
    char type[ENVELOPE_TYPE_MAX + 1];
    struct json *members; /* owned until sent */
    int64_t timeout_ms;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int holders; /* under lock, as all below */
    bool done;
    sp_error error;
    struct envelope answer; /* owned */
};

static void let_go(struct waiting *w)
{
    pthread_mutex_lock(&w->lock);
    bool last = --w->holders == 0;
    pthread_mutex_unlock(&w->lock);
    if (!last)
        return;
    pthread_cond_destroy(&w->ended);
    pthread_mutex_destroy(&w->lock);
    envelope_deinit(&w->answer);
    free(w);
}

static void finish(struct waiting *w, sp_error e, const struct envelope *m)
{
    pthread_mutex_lock(&w->lock);
    w->done = true;
    w->error = e;
    if (m != NULL) {
        w->answer = *m; /* its views lend from the members, which get one more owner */
        json_ref(w->answer.members);
    }
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
    let_go(w);
}

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    finish(arg, e, m);
}

static void run_call(void *arg)
{
    struct waiting *w = arg;
    struct channel *c = listener_channel(w->listener, w->edge);
    const struct call_ask ask = {w->type, w->members, w->timeout_ms};
    struct call *call;
    sp_error e;

    if (c == NULL) {
        json_free(w->members);
        finish(w, SP_ERR_NOT_FOUND, NULL);
        return;
    }
    if ((e = channel_call(c, &ask, on_answer, w, &call)) != SP_OK)
        finish(w, e, NULL);
}

static sp_error wait_for(struct waiting *w, struct envelope *answer)
{
    struct timespec until;
    sp_error e = SP_ERR_TIMEOUT;

    /* A little more than the call itself: a loop that has stopped answers nobody. */
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(w->timeout_ms / 1000) + 2;
    pthread_mutex_lock(&w->lock);
    while (!w->done && pthread_cond_timedwait(&w->ended, &w->lock, &until) == 0)
        ;
    if (w->done) {
        e = w->error;
        if (e == SP_OK || e == SP_ERR_REFUSED) {
            *answer = w->answer;
            w->answer = (struct envelope){0};
        }
    }
    pthread_mutex_unlock(&w->lock);
    let_go(w);
    return e;
}

sp_error listener_call_wait(struct listener *l, uint64_t edge, const char *type,
                            struct json *members, int64_t timeout_ms, struct envelope *answer)
{
    struct waiting *w = calloc(1, sizeof *w);

    if (w == NULL) {
        json_free(members);
        return SP_ERR_NOMEM;
    }
    *w = (struct waiting){
        .listener = l, .edge = edge, .members = members, .timeout_ms = timeout_ms, .holders = 2};
    keep(w->type, sizeof w->type, type);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->ended, NULL);
    if (loop_post(engine_loop(listener_engine(l)), run_call, w) != SP_OK) {
        json_free(members);
        finish(w, SP_ERR_NOMEM, NULL);
    }
    return wait_for(w, answer);
}
