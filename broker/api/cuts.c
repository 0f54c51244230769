#include "broker/api/cuts.h"

#include "broker/api/call.h"
#include "broker/api/names.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { DAY_MS = 24 * 3600 * 1000 };

struct took {
    sp_unix_ms at;
    int64_t ms;
};

/* Under the lock of its owner. */
struct times {
    struct took kept[CUTS_TIMES_KEPT]; /* a ring */
    size_t next;
};

struct cuts {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct session kept[CUTS_KEPT]; /* a ring: the newest state of each cut session */
    bool over[CUTS_KEPT];           /* both edges confirmed, or it is gone */
    size_t next;
    struct times cut, open;
};

static void remember(struct times *t, int64_t ms)
{
    t->kept[t->next++ % CUTS_TIMES_KEPT] = (struct took){clock_unix(), ms};
}

/* The later of both edges; -1 while none has reported. */
static int64_t took_ms(const struct session *s)
{
    return s->cut_relay_ms > s->cut_connector_ms ? s->cut_relay_ms : s->cut_connector_ms;
}

/* Under the lock. CUTS_KEPT: not there. */
static size_t find(const struct cuts *c, struct sp_id id)
{
    for (size_t i = 0; i < CUTS_KEPT; i++)
        if (id_equal(c->kept[i].id, id))
            return i;
    return CUTS_KEPT;
}

static void on_live(void *arg, enum live_event event, const struct session *s, const char *why)
{
    struct cuts *c = arg;

    (void)why;
    if (event == LIVE_EVENT_RUNNING) {
        pthread_mutex_lock(&c->lock);
        remember(&c->open, clock_boot() - s->granted_at);
        pthread_mutex_unlock(&c->lock);
    }
    if (event != LIVE_EVENT_CUTTING && event != LIVE_EVENT_CUT && event != LIVE_EVENT_ENDED)
        return;
    pthread_mutex_lock(&c->lock);
    size_t i = find(c, s->id);
    if (i == CUTS_KEPT && s->cut_at == 0) { /* it ended by itself */
        pthread_mutex_unlock(&c->lock);
        return;
    }
    if (i == CUTS_KEPT) {
        i = c->next++ % CUTS_KEPT;
        c->over[i] = false;
    }
    c->kept[i] = *s;
    /* Both edges answered, or both said that it is gone. */
    bool over = event == LIVE_EVENT_ENDED || event == LIVE_EVENT_CUT ||
                (s->cut_relay_ms != -1 && s->cut_connector_ms != -1);
    if (over && !c->over[i] && took_ms(s) >= 0)
        remember(&c->cut, took_ms(s));
    c->over[i] = c->over[i] || over;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

sp_error cuts_new(struct live *live, struct cuts **out)
{
    struct cuts *c = calloc(1, sizeof *c);
    pthread_condattr_t monotonic;

    if (c == NULL)
        return SP_ERR_NOMEM;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sp_error e = live_listen(live, on_live, c);
    if (e != SP_OK) {
        cuts_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void cuts_free(struct cuts *c)
{
    if (c == NULL)
        return;
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- acts --------------------------------------------------------------------------------- */

void cuts_watch(struct live *live, enum live_key by, struct sp_id id, struct cut_watch *out)
{
    *out = (struct cut_watch){.began = clock_boot()};
    out->sessions = calloc(CUT_NAMED_MAX, sizeof *out->sessions);
    out->count = live_find(live, by, id, out->sessions, out->sessions ? CUT_NAMED_MAX : 0);
    if (out->sessions != NULL)
        out->named = out->count < CUT_NAMED_MAX ? out->count : CUT_NAMED_MAX;
}

void cut_watch_free(struct cut_watch *w)
{
    free(w->sessions);
    *w = (struct cut_watch){0};
}

/* Under the lock. */
static bool all_over(const struct cuts *c, const struct cut_watch *w)
{
    for (size_t i = 0; i < w->named; i++) {
        size_t at = find(c, w->sessions[i].id);
        if (at == CUTS_KEPT || !c->over[at])
            return false;
    }
    return true;
}

static void wait_for_edges(struct cuts *c, const struct cut_watch *w)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CUT_WAIT_MS / 1000;
    pthread_mutex_lock(&c->lock);
    while (!all_over(c, w))
        if (pthread_cond_timedwait(&c->changed, &c->lock, &until) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&c->lock);
}

static struct json *cut_object(const struct names *n, const struct session *s, bool over)
{
    struct json *o = json_object(), *silent = json_array();
    const struct relay_row *relay = snapshot_relay(n->s, s->relay);
    const struct connector_row *connector = snapshot_connector(n->s, s->connector);

    if (!over && s->cut_relay_ms == -1 && relay != NULL)
        json_push(silent, json_new_str(view_str(relay->name)));
    if (!over && s->cut_connector_ms == -1 && connector != NULL)
        json_push(silent, json_new_str(view_str(connector->name)));
    json_set_id(o, "id", s->id);
    set_ref(o, "user", s->user, s->user_name);
    set_ref(o, "app", s->app, s->app_name);
    json_set_bool(o, "confirmed", over);
    set_ms(o, "took_ms", took_ms(s));
    set_ms(o, "relay_ms", s->cut_relay_ms);
    set_ms(o, "connector_ms", s->cut_connector_ms);
    json_set(o, "silent", silent);
    return o;
}

/* The newest known state of a session; what was known before the act where nothing came since. */
static struct session newest(struct cuts *c, const struct session *before, bool *over)
{
    struct session s = *before;

    pthread_mutex_lock(&c->lock);
    size_t at = find(c, before->id);
    *over = at != CUTS_KEPT && c->over[at];
    if (at != CUTS_KEPT)
        s = c->kept[at];
    pthread_mutex_unlock(&c->lock);
    if (at == CUTS_KEPT)
        s.cut_relay_ms = s.cut_connector_ms = -1;
    return s;
}

struct json *cuts_answer(struct api *api, const struct cut_watch *w)
{
    struct json *o = json_object(), *list = json_array();
    int64_t worst = -1;

    wait_for_edges(api->cuts, w);
    struct names n = names_hold(api);
    for (size_t i = 0; i < w->named; i++) {
        bool over;
        struct session s = newest(api->cuts, &w->sessions[i], &over);
        if (took_ms(&s) > worst)
            worst = took_ms(&s);
        json_push(list, cut_object(&n, &s, over));
    }
    names_release(&n);
    json_set_int(o, "killed", (int64_t)w->count);
    set_ms(o, "took_ms", worst);
    json_set(o, "sessions", list);
    return o;
}

sp_error cuts_act(struct api *api, struct api_call *c, enum live_key key, cutting_act *act)
{
    char reason[CALL_TEXT_MAX + 1];
    struct cut_watch w;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = call_reason(c, reason)) != SP_OK)
        return e;
    c->by.text = reason;
    cuts_watch(api->live, key, id, &w);
    if ((e = act(api, id, &c->by)) == SP_OK)
        response_json(c->res, 200, cuts_answer(api, &w));
    cut_watch_free(&w);
    return e;
}

struct json *cut_of_session(struct api *api, const struct session *s)
{
    if (s->cut_at == 0)
        return json_new_null();
    struct names n = names_hold(api);
    struct json *o = cut_object(&n, s, s->cut_relay_ms != -1 && s->cut_connector_ms != -1);
    names_release(&n);
    return o;
}

/* ---- the last day ------------------------------------------------------------------------- */

static int by_ms(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The times of the last day, shortest first; NULL: none, or no memory. Owned by the caller. */
static int64_t *of_day(struct cuts *c, const struct times *t, sp_unix_ms now, size_t *count)
{
    int64_t *ms = calloc(CUTS_TIMES_KEPT, sizeof *ms);

    *count = 0;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; ms != NULL && i < CUTS_TIMES_KEPT; i++)
        if (t->kept[i].at != 0 && now - t->kept[i].at <= DAY_MS)
            ms[(*count)++] = t->kept[i].ms;
    pthread_mutex_unlock(&c->lock);
    if (*count > 0)
        qsort(ms, *count, sizeof *ms, by_ms);
    return ms;
}

struct json *cuts_day(struct cuts *c, sp_unix_ms now)
{
    struct json *o = json_object();
    size_t count;
    int64_t *ms = of_day(c, &c->cut, now, &count);

    json_set_int(o, "count", (int64_t)count);
    set_ms(o, "median_ms", count ? ms[count / 2] : -1);
    set_ms(o, "worst_ms", count ? ms[count - 1] : -1);
    free(ms);
    return o;
}

struct json *opens_day(struct cuts *c, sp_unix_ms now)
{
    struct json *o = json_object();
    size_t count;
    int64_t *ms = of_day(c, &c->open, now, &count);

    json_set_int(o, "count", (int64_t)count);
    set_ms(o, "median_ms", count ? ms[count / 2] : -1);
    set_ms(o, "p95_ms", count ? ms[count * 95 / 100] : -1);
    free(ms);
    return o;
}
