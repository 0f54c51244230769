#include "broker/feeds/feeds_internal.h"

#include "lib/base/log.h"
#include "lib/base/num.h"

#include <stdlib.h>
#include <time.h>

enum { LOOK_MS = 30 * 1000 /* the wall clock may jump: so often it is read again */ };

const char *feed_state_word(enum feed_state s)
{
    static const char *const words[] = {"not_asked", "ok", "failing"};

    return words[s];
}

/* ---- turns -------------------------------------------------------------------------------- */

static void wait_ms(struct feeds *f, int64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&f->moved, &f->lock, &until); /* the callers look why */
}

sp_error turn_begin(struct feeds *f, enum feed_vendor v)
{
    sp_boot_ms end = clock_boot() + FEED_TURN_MS;

    while (f->slots[v].busy && !f->ending) {
        int64_t left = end - clock_boot();
        if (left <= 0)
            return SP_ERR_BUSY;
        wait_ms(f, left);
    }
    if (f->ending)
        return SP_ERR_BUSY;
    f->slots[v].busy = true;
    return SP_OK;
}

void turn_end(struct feeds *f, enum feed_vendor v)
{
    f->slots[v].busy = false;
    pthread_cond_broadcast(&f->moved);
}

bool feeds_ending(void *feeds)
{
    struct feeds *f = feeds;

    pthread_mutex_lock(&f->lock);
    bool ending = f->ending;
    pthread_mutex_unlock(&f->lock);
    return ending;
}

/* ---- the thread --------------------------------------------------------------------------- */

/* Whose turn it is; else how long until somebody's. */
static enum feed_vendor next_due(const struct feeds *f, int64_t *wait)
{
    sp_unix_ms now = clock_unix();

    *wait = LOOK_MS;
    for (enum feed_vendor v = FEED_NONE + 1; v < FEED_VENDORS; v++) {
        const struct slot *s = &f->slots[v];
        if (!s->there || s->busy)
            continue;
        if (s->row.next_at <= now)
            return v;
        *wait = num_min(*wait, s->row.next_at - now);
    }
    return FEED_NONE;
}

static void *feeds_main(void *arg)
{
    struct feeds *f = arg;

    pthread_mutex_lock(&f->lock);
    while (!f->ending) {
        int64_t wait = 0;
        enum feed_vendor v = next_due(f, &wait);
        if (v == FEED_NONE) {
            wait_ms(f, wait);
            continue;
        }
        f->slots[v].busy = true;
        pthread_mutex_unlock(&f->lock);
        sync_run(f, v);
        pthread_mutex_lock(&f->lock);
        turn_end(f, v);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

struct loading {
    struct feeds *f;
    sp_error e;
};

static bool on_row(void *arg, const struct feed_row *row)
{
    struct loading *l = arg;
    enum feed_vendor v = vendor_find(view_str(row->name));
    struct slot *s = &l->f->slots[v];
    sp_unix_ms now = clock_unix();

    if (v == FEED_NONE)
        return true; /* of a vendor that this program does not know */
    if ((l->e = account_open(l->f, row, &s->secret)) != SP_OK)
        return false;
    s->row = *row;
    s->row.secret = (struct view){0};
    s->there = true;
    if (s->row.next_at > now + (int64_t)FEED_INTERVAL_MS_MAX * 2)
        s->row.next_at = now; /* written by a clock that was wrong */
    s->not_before = s->row.failures > 0 ? s->row.next_at : 0;
    return true;
}

sp_error feeds_new(const struct feeds_options *o, struct sp_why *why, struct feeds **out)
{
    const struct client_options client = {.ca_file = o->ca_file, .proxy = o->proxy};
    struct feeds *f = calloc(1, sizeof *f);
    struct loading l = {f, SP_OK};
    pthread_condattr_t monotonic;
    sp_error e;

    if (f == NULL)
        return SP_ERR_NOMEM;
    f->store = o->store;
    f->services = store_services(o->store);
    f->judge = o->judge;
    pthread_mutex_init(&f->lock, NULL); /* none of these can fail with these attributes */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&f->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if ((e = aead_key_derive(o->master, "feed", &f->key)) == SP_OK &&
        (e = client_new(&client, why, &f->client)) == SP_OK &&
        (e = f->services->feeds->list(f->store, on_row, &l)) == SP_OK)
        e = l.e;
    if (e == SP_OK && pthread_create(&f->thread, NULL, feeds_main, f) != 0)
        e = SP_ERR_NOMEM;
    if (e != SP_OK) {
        feeds_free(f);
        return e;
    }
    f->started = true;
    *out = f;
    return SP_OK;
}

void feeds_free(struct feeds *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->ending = true;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
    if (f->started)
        pthread_join(f->thread, NULL);
    for (size_t v = 0; v < FEED_VENDORS; v++) {
        secret_free(f->slots[v].secret);
        free(f->slots[v].unjoined);
    }
    client_free(f->client);
    aead_key_free(f->key);
    pthread_cond_destroy(&f->moved);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* ---- views -------------------------------------------------------------------------------- */

void slot_account(const struct slot *s, enum feed_vendor v, struct feed_account *out)
{
    *out = (struct feed_account){.vendor = v,
                                 .base_url = s->row.base_url,
                                 .login_url = s->row.login_url,
                                 .tenant = s->row.tenant,
                                 .client_id = s->row.client_id,
                                 .secret = s->secret};
}

void slot_view(const struct slot *s, enum feed_vendor v, struct feed_view *out)
{
    *out = (struct feed_view){.vendor = v,
                              .state = s->row.tried_at == 0        ? FEED_NEW
                                       : s->row.failing_since != 0 ? FEED_FAILS
                                                                   : FEED_WORKS,
                              .row = s->row,
                              .busy = s->busy,
                              .not_joined = s->not_joined};
}

sp_error feeds_get(struct feeds *f, enum feed_vendor v, struct feed_view *out)
{
    sp_error e = SP_ERR_NOT_FOUND;

    pthread_mutex_lock(&f->lock);
    if (f->slots[v].there) {
        slot_view(&f->slots[v], v, out);
        e = SP_OK;
    }
    pthread_mutex_unlock(&f->lock);
    return e;
}

void feeds_each(struct feeds *f, each_feed_view *each, void *arg)
{
    for (enum feed_vendor v = FEED_NONE + 1; v < FEED_VENDORS; v++) {
        struct feed_view view;
        if (feeds_get(f, v, &view) == SP_OK)
            each(arg, &view);
    }
}

sp_error feeds_unjoined(struct feeds *f, enum feed_vendor v, struct feed_unjoined *out, size_t max,
                        size_t *count)
{
    const struct slot *s = &f->slots[v];
    sp_error e = SP_ERR_NOT_FOUND;

    pthread_mutex_lock(&f->lock);
    if (s->there) {
        *count = s->unjoined_count < max ? s->unjoined_count : max;
        if (*count > 0)
            memcpy(out, s->unjoined, *count * sizeof *out);
        e = SP_OK;
    }
    pthread_mutex_unlock(&f->lock);
    return e;
}

sp_error feeds_sync(struct feeds *f, enum feed_vendor v)
{
    struct slot *s = &f->slots[v];
    sp_error e = SP_ERR_NOT_FOUND;

    pthread_mutex_lock(&f->lock);
    if (s->there) {
        sp_unix_ms now = clock_unix();
        s->row.next_at = s->not_before > now ? s->not_before : now;
        s->again = s->busy;
        pthread_cond_broadcast(&f->moved);
        e = SP_OK;
    }
    pthread_mutex_unlock(&f->lock);
    return e;
}
