#include "client/agent/reporter.h"

#include "client/posture/report.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/os/loop.h"
#include "lib/trust/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAITERS_MAX = 16 };

/* One run of the collectors; the worker owns it until it is done. */
struct collecting {
    struct reporter *reporter; /* NULL: nobody wants it any more */
    struct signals signals;
    atomic_bool stop; /* nobody waits for it any more */
};

struct reporter {
    struct loop *loop; /* borrowed, as are the next three */
    struct pool *pool;
    struct control *control;
    struct timer *timer;           /* owned; NULL: not running */
    struct collecting *collecting; /* the pool's; NULL: not running */
    struct question *question;     /* owned; NULL: not running */
    bool wanted;                   /* report even when nothing changed */
    struct signals signals, sent;
    struct reporter_verdict verdicts[POSTURE_ANSWER_MAX];
    size_t verdict_count;
    sp_unix_ms reported;
    sp_boot_ms due;               /* of the next report without a change */
    struct posture_signer signer; /* with the device key of the agent's state */
    struct {
        reporter_done *done;
        void *arg;
    } waiters[WAITERS_MAX];
    size_t waiter_count;
};

static void on_timer(void *arg);

static void wait_for(struct reporter *r, int64_t ms)
{
    if (r->timer != NULL)
        timer_move(r->timer, clock_boot() + ms);
    else if (timer_start(r->loop, clock_boot() + ms, on_timer, r, &r->timer) != SP_OK)
        log_event(LOG_ERROR, "posture.timer", "no memory for the next look", NULL);
}

static void finish(struct reporter *r, const struct refusal *refusal)
{
    size_t count = r->waiter_count;

    r->waiter_count = 0;
    for (size_t i = 0; i < count; i++)
        r->waiters[i].done(r->waiters[i].arg, refusal);
    wait_for(r, refusal->exit == EXIT_OK ? REPORTER_LOOK_MS : REPORTER_RETRY_MS);
}

static void fail(struct reporter *r, const struct refusal *refusal)
{
    log_event(LOG_WARN, "posture.report", refusal->why, "error_code", refusal->code, NULL);
    finish(r, refusal);
}

static void keep_verdicts(struct reporter *r, const struct posture_report_answer *a)
{
    r->verdict_count = 0;
    for (size_t i = 0; i < a->signal_count && i < POSTURE_ANSWER_MAX; i++) {
        struct reporter_verdict *v = &r->verdicts[r->verdict_count++];

        snprintf(v->signal, sizeof v->signal, "%.*s", VIEW_ARG(a->signals[i].signal));
        snprintf(v->text, sizeof v->text, "%.*s", VIEW_ARG(a->signals[i].text));
        v->verdict = (enum signal_verdict)a->signals[i].verdict;
    }
}

static void on_reported(void *arg, sp_error e, const struct envelope *m)
{
    struct reporter *r = arg;
    struct posture_report_answer *a = calloc(1, sizeof *a);
    struct refusal refusal = {0};

    r->question = NULL; /* no longer pending */
    if (a == NULL)
        refusal = refusal_make(EXIT_ERROR, "nomem", "Posture not sent.", "Out of memory.", NULL);
    else if (e != SP_OK)
        refusal = control_refusal(r->control, "Posture not accepted.", e, m);
    else if (fields_read(m->members, posture_report_answer_fields, NULL, a) != SP_OK)
        refusal = refusal_make(EXIT_ERROR, "protocol", "Posture not accepted.",
                               "The broker's answer is not understood.", NULL);
    if (refusal.exit != EXIT_OK) {
        free(a);
        fail(r, &refusal);
        return;
    }
    keep_verdicts(r, a);
    free(a);
    r->reported = clock_unix();
    r->due = clock_boot() + REPORTER_EVERY_MS;
    finish(r, &refusal);
}

static struct json *report_members(struct reporter *r, const struct posture_nonce_answer *nonce)
{
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct posture_report message;
    struct buf bytes, text, sig;
    struct json *members = NULL;

    buf_init(&bytes, REPORT_MAX);
    buf_init(&text, 2 * REPORT_MAX);
    buf_init(&sig, 128);
    if (posture_report_make(&r->signer, &r->sent, nonce->nonce, control_time(r->control), &bytes,
                            signature) == SP_OK) {
        encode_base64url(buf_view(&bytes), &text);
        encode_base64url((struct view){signature, sizeof signature}, &sig);
        message = (struct posture_report){.bytes = buf_view(&text), .sig = buf_view(&sig)};
        if (buf_error(&text) == SP_OK)
            members = fields_write(posture_report_fields, &message);
    }
    buf_deinit(&bytes);
    buf_deinit(&text);
    buf_deinit(&sig);
    return members;
}

static void on_nonce(void *arg, sp_error e, const struct envelope *m)
{
    struct reporter *r = arg;
    struct posture_nonce_answer nonce;
    struct json *members;
    struct refusal refusal;

    r->question = NULL; /* no longer pending */
    if (e != SP_OK) {
        refusal = control_refusal(r->control, "Posture not sent.", e, m);
        fail(r, &refusal);
        return;
    }
    r->sent = r->signals;
    if (fields_read(m->members, posture_nonce_answer_fields, NULL, &nonce) != SP_OK ||
        (members = report_members(r, &nonce)) == NULL ||
        control_tell(r->control, &(struct call_ask){"posture.report", members, ENVELOPE_CALL_MS},
                     on_reported, r, &r->question) != SP_OK) {
        refusal = refusal_make(EXIT_ERROR, "internal", "Posture not sent.",
                               "The report could not be made.", NULL);
        fail(r, &refusal);
    }
}

static void send_report(struct reporter *r)
{
    struct refusal refusal;

    /* A device that no login has bound yet may not report; the login's end asks again. */
    if (control_is_open(r->control) && strcmp(control_login(r->control)->device, "unknown") == 0) {
        refusal = refusal_make(EXIT_LOGIN, "login", "Not signed in.", NULL, "sallyport login");
        finish(r, &refusal);
        return;
    }
    struct call_ask call = {"posture.nonce", json_object(), ENVELOPE_CALL_MS};
    sp_error e = r->waiter_count > 0 ? control_ask(r->control, &call, on_nonce, r, &r->question)
                                     : control_tell(r->control, &call, on_nonce, r, &r->question);

    r->wanted = false;
    if (e != SP_OK) {
        refusal = control_offline(r->control);
        finish(r, &refusal);
    }
}

static void on_collected(void *arg)
{
    struct collecting *c = arg;
    struct reporter *r = c->reporter;
    bool changed;

    if (r == NULL) {
        free(c);
        return;
    }
    r->collecting = NULL; /* no longer pending */
    changed = posture_changed(&r->sent, &c->signals);
    r->signals = c->signals;
    free(c);
    if (r->question != NULL)
        return; /* a report is under way; its end looks again */
    if (r->wanted || changed || clock_boot() >= r->due)
        send_report(r);
    else
        wait_for(r, REPORTER_LOOK_MS);
}

static void collect_work(void *arg)
{
    struct collecting *c = arg;

    posture_collect(
        &(struct posture_ask){.version = SP_VERSION, .key = "software", .stop = &c->stop},
        &c->signals);
}

static void collect(struct reporter *r)
{
    struct collecting *c;

    if (r->collecting != NULL || r->question != NULL)
        return; /* its end serves this one too */
    if ((c = calloc(1, sizeof *c)) == NULL ||
        pool_submit(r->pool, POOL_PLAIN, collect_work, on_collected, c) != SP_OK) {
        free(c);
        wait_for(r, REPORTER_RETRY_MS);
        return;
    }
    c->reporter = r;
    r->collecting = c;
}

static void on_timer(void *arg)
{
    struct reporter *r = arg;

    r->timer = NULL; /* no longer pending */
    collect(r);
}

sp_error reporter_new(struct loop *loop, struct pool *pool, struct control *control,
                      struct state *state, struct reporter **out)
{
    struct reporter *r = calloc(1, sizeof *r);

    if (r == NULL)
        return SP_ERR_NOMEM;
    *r = (struct reporter){
        .loop = loop, .pool = pool, .control = control, .signer.device = state->device};
    r->wanted = true;
    wait_for(r, 0);
    *out = r;
    return SP_OK;
}

void reporter_free(struct reporter *r)
{
    if (r == NULL)
        return;
    if (r->collecting != NULL) {
        r->collecting->reporter = NULL;
        atomic_store(&r->collecting->stop, true);
    }
    control_cancel(r->control, r->question);
    timer_cancel(r->timer);
    free(r);
}

void reporter_now(struct reporter *r, reporter_done *done, void *arg)
{
    struct refusal refusal;

    if (done != NULL && r->waiter_count == WAITERS_MAX) {
        refusal =
            refusal_make(EXIT_ERROR, "busy", "Posture not sent.", "Too many ask at once.", NULL);
        done(arg, &refusal);
        return;
    }
    if (done != NULL) {
        r->waiters[r->waiter_count].done = done;
        r->waiters[r->waiter_count++].arg = arg;
    }
    r->wanted = true;
    collect(r);
}

void reporter_forget(struct reporter *r, void *arg)
{
    for (size_t i = 0; i < r->waiter_count;)
        if (r->waiters[i].arg == arg)
            r->waiters[i] = r->waiters[--r->waiter_count];
        else
            i++;
}

void reporter_opened(struct reporter *r)
{
    /* Facts of some seconds ago are fresh: the first report need not wait for a collection. */
    r->wanted = true;
    if (r->signals.count > 0 && r->question == NULL && r->collecting == NULL)
        send_report(r);
    else
        collect(r);
}

struct reporter_view reporter_view(const struct reporter *r)
{
    return (struct reporter_view){.signals = &r->signals,
                                  .verdicts = r->verdicts,
                                  .verdict_count = r->verdict_count,
                                  .reported = r->reported,
                                  .sequence = r->signer.sequence};
}
