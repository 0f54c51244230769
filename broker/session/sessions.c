#include "broker/session/sessions_internal.h"

#include "broker/session/cut.h"

#include <stdlib.h>
#include <time.h>

/* ---- what the room's own thread is told --------------------------------------------------- */

void sessions_touch(struct sessions *s, enum live_key by, struct sp_id id)
{
    bool known = false;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->touch_count && !known; i++)
        known = s->touches[i].by == by && id_equal(s->touches[i].id, id);
    if (by == LIVE_ALL || s->touch_count == TOUCHES_MAX)
        s->touch_all = true;
    else if (!known)
        s->touches[s->touch_count++] = (struct touch){by, id};
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->lock);
}

void sessions_look_at(struct sessions *s, sp_boot_ms at)
{
    pthread_mutex_lock(&s->lock);
    if (s->wake_at == 0 || at < s->wake_at) {
        s->wake_at = at;
        pthread_cond_signal(&s->more);
    }
    pthread_mutex_unlock(&s->lock);
}

static bool unheard(struct session *s, void *arg)
{
    (void)arg;
    if (s->unheard_since == 0)
        s->unheard_since = clock_boot();
    return false;
}

void sessions_connector_gone(struct sessions *s, struct sp_id connector)
{
    struct edge_info newer;
    struct session now;
    size_t count = 0;

    if (edges_find(s->c.edges, EDGE_CONNECTOR, connector, &newer) == SP_OK)
        return; /* another channel of it took the place: its list says what runs */
    struct session *all = live_snapshot(s->c.live, LIVE_CONNECTOR, connector, &count);
    for (size_t i = 0; i < count; i++)
        if (live_change(s->c.live, all[i].id, unheard, NULL, LIVE_EVENT_CHANGED, NULL, &now) ==
            SP_OK)
            sessions_look_at(s, session_unheard_until(&now));
    free(all);
}

/* What happened to a session is written down by the room's thread: a listener must not wait for
 * the store. A ring that overflows counts what it lost and says so. */
static void on_live(void *arg, enum live_event event, const struct session *session,
                    const char *why)
{
    struct sessions *s = arg;

    if (event != LIVE_EVENT_CUT && event != LIVE_EVENT_ENDED && event != LIVE_EVENT_UNKNOWN)
        return;
    pthread_mutex_lock(&s->lock);
    /* What an edge claims to carry leaves half of the ring to what happened to others (TM-03). */
    if (s->note_count >= (event == LIVE_EVENT_UNKNOWN ? NOTES_MAX / 2 : NOTES_MAX)) {
        s->notes_lost++;
    } else {
        struct note *n = &s->notes[(s->note_first + s->note_count++) % NOTES_MAX];
        *n = (struct note){.event = event, .s = *session};
        if (why != NULL)
            memcpy(n->why, why, strnlen(why, sizeof n->why - 1));
    }
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->lock);
}

/* ---- the change log ----------------------------------------------------------------------- */

/* A kill that another broker ordered, or our own that is being ordered now: "kind", a blank, and
 * the reason for people, which must not depend on who is first. */
static void on_kill(struct sessions *s, const struct change_row *row)
{
    static const struct {
        const char *kind;
        enum live_key by;
    } kinds[] = {{"session", LIVE_SESSION},
                 {"user", LIVE_USER},
                 {"device", LIVE_DEVICE},
                 {"connector", LIVE_CONNECTOR},
                 {"app", LIVE_APP}};

    const uint8_t *blank = row->body.len == 0 ? NULL : memchr(row->body.at, ' ', row->body.len);
    size_t len = blank == NULL ? row->body.len : (size_t)(blank - row->body.at);
    char text[ROW_TEXT_MAX + 1];

    view_copy(text, sizeof text, view_slice(row->body, len + 1, row->body.len));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!view_is(view_slice(row->body, 0, len), kinds[i].kind))
            continue;
        size_t count = 0;
        struct session *all = live_snapshot(s->c.live, kinds[i].by, row->subject, &count);
        for (size_t k = 0; k < count; k++)
            if (all[k].opened <= row->at) /* one that opened since then is another one */
                session_cut(s, all[k].id, CUT_KILLED,
                            text[0] != '\0' ? text : "killed by an administrator");
        free(all);
    }
}

static void on_row(void *arg, const struct change_row *row)
{
    struct sessions *s = arg;

    switch (row->kind) {
    case CHANGE_POLICY:
    case CHANGE_SITE:
        sessions_touch(s, LIVE_ALL, row->subject);
        break;
    case CHANGE_APP:
        sessions_touch(s, LIVE_APP, row->subject);
        break;
    case CHANGE_CONNECTOR:
        sessions_touch(s, LIVE_CONNECTOR, row->subject);
        break;
    case CHANGE_RELAY:
        sessions_touch(s, LIVE_RELAY, row->subject);
        break;
    case CHANGE_USER:
    case CHANGE_ACCESS:
        sessions_touch(s, LIVE_USER, row->subject);
        break;
    case CHANGE_DEVICE:
    case CHANGE_LOGIN:
    case CHANGE_POSTURE:
        sessions_touch(s, LIVE_DEVICE, row->subject);
        break;
    case CHANGE_KILL:
        on_kill(s, row);
        break;
    case CHANGE_NONE:
    case CHANGE_BROWSER_LOGIN:
    case CHANGE_KEYS:
    case CHANGE_KINDS:
        break;
    }
}

static void on_reload(void *arg)
{
    sessions_touch(arg, LIVE_ALL, (struct sp_id){{0}});
}

struct changes_listener sessions_listener(struct sessions *s)
{
    return (struct changes_listener){.row = on_row, .reload = on_reload, .arg = s};
}

/* ---- life --------------------------------------------------------------------------------- */

sp_error sessions_new(const struct sessions_config *config, struct sessions **out)
{
    struct sessions *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->c = *config;
    s->st = registry_store(config->registry);
    s->services = store_services(s->st);
    pthread_mutex_init(&s->lock, NULL); /* none of these can fail with these attributes */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->more, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->notes = calloc(NOTES_MAX, sizeof *s->notes);
    e = s->notes != NULL ? live_listen(config->live, on_live, s) : SP_ERR_NOMEM;
    if (e == SP_OK && pthread_create(&s->thread, NULL, sessions_main, s) != 0)
        e = SP_ERR_NOMEM;
    if (e != SP_OK) {
        sessions_free(s);
        return e;
    }
    s->started = true;
    *out = s;
    return SP_OK;
}

void sessions_free(struct sessions *s)
{
    if (s == NULL)
        return;
    if (s->started) {
        pthread_mutex_lock(&s->lock);
        s->ending = true;
        pthread_cond_signal(&s->more);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->lock);
    free(s->notes);
    free(s);
}

struct sessions_stats sessions_stats(const struct sessions *s)
{
    struct sessions *mine = (struct sessions *)(uintptr_t)s; /* the lock is no part of its value */

    pthread_mutex_lock(&mine->lock);
    struct sessions_stats stats = mine->stats;
    pthread_mutex_unlock(&mine->lock);
    return stats;
}
