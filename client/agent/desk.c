#include "client/agent/desk.h"

#include "client/agent/agent_internal.h"
#include "client/desktop/notify.h"
#include "client/posture/collect.h"
#include "client/settings/settings.h"
#include "lib/base/log.h"
#include "lib/os/child.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct desk {
    struct agent *agent;   /* borrowed */
    struct notify *notify; /* owned */
    struct timer *timer;   /* owned; NULL: not running */
    struct child *signin;  /* owned; NULL: not running */
    struct notices notices;
    bool told_revoked;
    bool silent; /* notify: off */
};

static void show(void *arg, const struct notice *n)
{
    struct desk *d = arg;

    if (!d->silent)
        notify_show(d->notify, n);
}

/* ---- signing in again -------------------------------------------------------------------- */

static void on_signin_ended(void *arg, int status, int signo)
{
    struct desk *d = arg;

    (void)signo;
    child_free(d->signin);
    d->signin = NULL; /* no longer pending */
    if (status != 0)
        notices_signin_failed(&d->notices);
}

/* The button of "Your login ends": `sallyport login --extend` by itself; it opens the browser. */
static void on_chosen(void *arg, const char *key)
{
    static const char *const argv[] = {"sallyport", "login", "--extend", NULL};
    struct desk *d = arg;
    char self[4096];
    ssize_t n;

    if (strcmp(key, "login/ends") != 0 || d->signin != NULL)
        return; /* twice is once */
    if ((n = readlink("/proc/self/exe", self, sizeof self - 1)) > 0) {
        self[n] = '\0';
        struct child_spec spec = {
            .path = self, .argv = argv, .quiet = true, .die_with_parent = true};
        if (child_start(d->agent->loop, &spec, on_signin_ended, d, &d->signin) == SP_OK)
            return;
    }
    d->signin = NULL;
    notices_signin_failed(&d->notices);
}

/* ---- looking ----------------------------------------------------------------------------- */

static bool fails(const struct reporter_view *r, const struct signal *s, const char **text)
{
    for (size_t i = 0; i < r->verdict_count; i++)
        if (strcmp(r->verdicts[i].signal, s->name) == 0) {
            *text = r->verdicts[i].text;
            return r->verdicts[i].verdict == SIGNAL_FAIL;
        }
    *text = s->reason;
    return s->state == SEEN_FAIL;
}

static void look_at_posture(struct desk *d)
{
    struct reporter_view r = reporter_view(d->agent->reporter);
    struct notices_signal failing[SIGNALS_MAX];
    const struct posture_field *f;
    size_t count = 0;

    for (size_t i = 0; (f = posture_field(i)) != NULL; i++) {
        const struct signal *s = signals_find(r.signals, f->name);
        const char *text;

        if (s != NULL && count < SIGNALS_MAX && fails(&r, s, &text))
            failing[count++] =
                (struct notices_signal){f->title, text, f->remedy == NULL ? "" : f->remedy};
    }
    notices_posture(&d->notices, failing, count);
}

static void look(void *arg)
{
    struct desk *d = arg;
    const struct agent *a = d->agent;
    struct notices_session all[NOTICES_SESSIONS_MAX];
    struct session_view v;
    size_t count = 0;

    d->timer = NULL; /* no longer pending */
    for (size_t at = 0; count < NOTICES_SESSIONS_MAX && sessions_next(a->sessions, &at, &v);)
        all[count++] = (struct notices_session){v.id, v.app, local_time(a, v.opened),
                                                local_time(a, v.deadline)};
    notices_time(&d->notices, all, count, local_time(a, control_login(a->control)->until),
                 clock_unix());
    look_at_posture(d);
    if (timer_start(a->loop, clock_boot() + DESK_LOOK_MS, look, d, &d->timer) != SP_OK)
        d->timer = NULL; /* no memory: what happens is still told */
}

sp_error desk_new(struct agent *agent, struct desk **out)
{
    struct desk *d = calloc(1, sizeof *d);
    struct settings settings;
    struct sp_why why = {0};
    sp_error e;

    if (d == NULL)
        return SP_ERR_NOMEM;
    d->agent = agent;
    if (settings_load(&settings, &why) == SP_OK)
        d->silent = strcmp(settings_value(&settings, SETTING_NOTIFY), "off") == 0;
    else /* commands refuse it; an agent that did not start could not say so */
        log_event(LOG_WARN, "settings", why.text, NULL);
    notices_init(&d->notices, show, d);
    if ((e = notify_new(agent->loop, on_chosen, d, &d->notify)) != SP_OK ||
        (e = timer_start(agent->loop, clock_boot() + DESK_LOOK_MS, look, d, &d->timer)) != SP_OK) {
        desk_free(d);
        return e;
    }
    *out = d;
    return SP_OK;
}

void desk_free(struct desk *d)
{
    if (d == NULL)
        return;
    timer_cancel(d->timer);
    child_free(d->signin); /* ends with us */
    notify_free(d->notify);
    free(d);
}

void desk_session(struct desk *d, const struct session_view *s, const struct refusal *why)
{
    if (why != NULL && why->exit == EXIT_STEP_UP)
        notices_step_up(&d->notices, s->app, why->why);
    else if (s->stage == SESSION_STAGE_UP)
        notices_step_up_over(&d->notices, s->app);
}

void desk_session_ended(struct desk *d, const struct session_view *s, const struct refusal *why)
{
    notices_ended(&d->notices, s->app, why->code, why->why);
}

void desk_refused(struct desk *d, const char *app, const struct refusal *why)
{
    if (why->exit == EXIT_STEP_UP)
        notices_step_up(&d->notices, app, why->why);
}

void desk_channel(struct desk *d, bool open)
{
    bool revoked = !open && control_lost(d->agent->control)->close == CHANNEL_CLOSE_CUT;

    if (revoked && !d->told_revoked)
        notices_revoked(&d->notices);
    if (open || revoked)
        d->told_revoked = revoked;
}

struct notify *desk_notify(struct desk *d)
{
    return d->notify;
}
