#include "broker/store/changes.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* A look that finds more than this loads everything anew. */
enum { BATCH_BODIES_MAX = 16 * 1024 * 1024 };

struct changes {
    struct store *st;
    bool ticking, started, ending;
    bool woken; /* something was committed since the last look */
    uint64_t seen[CHANGE_SCOPES];
    uint64_t rounds, done; /* looks begun and ended */
    struct sp_id epoch;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more, looked;
    struct changes_listener listeners[CHANGES_LISTENERS_MAX];
    size_t count;
};

/* The rows of one look, copied: listeners take turns over the whole of it. */
struct batch {
    struct change_row *rows; /* owned; their bodies are set when all are here */
    size_t count, cap;
    struct buf bodies; /* one after another, in the order of the rows */
};

struct round {
    struct batch *batch;
    uint64_t next; /* the version that must come */
    bool gap;      /* a version is missing, or no memory: everything is loaded anew */
};

static sp_error keep(struct batch *b, const struct change_row *row)
{
    if (b->count == b->cap) {
        size_t cap = b->cap == 0 ? 16 : 2 * b->cap;
        struct change_row *rows = reallocarray(b->rows, cap, sizeof *rows);
        if (rows == NULL)
            return SP_ERR_NOMEM;
        b->rows = rows;
        b->cap = cap;
    }
    sp_error e = buf_append(&b->bodies, row->body);
    if (e == SP_OK)
        b->rows[b->count++] = *row;
    return e;
}

static bool on_row(void *arg, const struct change_row *row)
{
    struct round *r = arg;

    r->gap = row->ver != r->next || keep(r->batch, row) != SP_OK;
    if (r->gap)
        return false;
    r->next++;
    return true;
}

/* Each listener has the whole batch, and has settled, before the next one sees its first row. */
static void give(struct changes *c, struct batch *b)
{
    size_t at = 0;

    for (size_t n = 0; n < b->count; n++) {
        b->rows[n].body = view_slice(buf_view(&b->bodies), at, b->rows[n].body.len);
        at += b->rows[n].body.len;
    }
    for (size_t i = 0; b->count > 0 && i < c->count; i++) {
        const struct changes_listener *l = &c->listeners[i];
        for (size_t n = 0; l->row != NULL && n < b->count; n++)
            l->row(l->arg, &b->rows[n]);
        if (l->settled != NULL)
            l->settled(l->arg);
    }
}

static void reload(struct changes *c, const uint64_t heads[CHANGE_SCOPES])
{
    log_event(LOG_WARN, "changes.reload", "the change log has a gap: everything is loaded anew",
              NULL);
    memcpy(c->seen, heads, sizeof c->seen);
    for (size_t i = 0; i < c->count; i++)
        if (c->listeners[i].reload != NULL)
            c->listeners[i].reload(c->listeners[i].arg);
}

/* Reads what is new in all scopes into `b`. False: rows are lost. */
static bool gather(struct changes *c, const uint64_t heads[CHANGE_SCOPES], struct batch *b)
{
    for (uint32_t s = 0; s < CHANGE_SCOPES; s++) {
        struct round r = {.batch = b, .next = c->seen[s] + 1};
        if (heads[s] < c->seen[s]) /* lost or restored data (SCALE.md, SQL rules) */
            return false;
        if (heads[s] > c->seen[s] &&
            store_services(c->st)->changes->since(c->st, s, c->seen[s], on_row, &r) == SP_OK) {
            if (r.gap)
                return false;
            c->seen[s] = r.next - 1;
        }
    }
    return true;
}

/* One look: all new rows of all scopes, to each listener in its turn. */
static void look(struct changes *c)
{
    uint64_t heads[CHANGE_SCOPES] = {0};
    struct sp_id epoch = {{0}};
    struct batch b = {0};
    sp_error e = store_services(c->st)->changes->heads(c->st, heads);

    if (e == SP_OK)
        e = store_epoch(c->st, &epoch);
    if (e != SP_OK) {
        log_event(LOG_WARN, "changes.read", sp_error_text(e), NULL);
        return;
    }
    bool same = id_equal(epoch, c->epoch);
    c->epoch = epoch;
    buf_init(&b.bodies, BATCH_BODIES_MAX);
    if (same && gather(c, heads, &b))
        give(c, &b);
    else
        reload(c, heads);
    buf_deinit(&b.bodies);
    free(b.rows);
}

static void tick_end(struct timespec *until)
{
    clock_gettime(CLOCK_MONOTONIC, until);
    until->tv_nsec += CHANGES_TICK_MS * 1000000L;
    until->tv_sec += until->tv_nsec / 1000000000L;
    until->tv_nsec %= 1000000000L;
}

static void *follow(void *arg)
{
    struct changes *c = arg;
    struct timespec until;

    pthread_mutex_lock(&c->lock);
    while (!c->ending) {
        tick_end(&until);
        while (!c->woken && !c->ending) {
            if (!c->ticking)
                pthread_cond_wait(&c->more, &c->lock);
            else if (pthread_cond_timedwait(&c->more, &c->lock, &until) == ETIMEDOUT)
                break;
        }
        c->woken = false;
        uint64_t round = ++c->rounds;
        pthread_mutex_unlock(&c->lock);
        if (!c->ending)
            look(c);
        pthread_mutex_lock(&c->lock);
        if (c->done < round)
            c->done = round; /* done: everything committed before it began was given out */
        pthread_cond_broadcast(&c->looked);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void wake(void *arg)
{
    struct changes *c = arg;

    pthread_mutex_lock(&c->lock);
    c->woken = true;
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->lock);
}

sp_error changes_new(struct store *st, bool ticking, struct changes **out)
{
    struct changes *c = calloc(1, sizeof *c);
    pthread_condattr_t attr;
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->st = st;
    c->ticking = ticking;
    pthread_mutex_init(&c->lock, NULL); /* none of these fails on Linux */
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->more, &attr);
    pthread_cond_init(&c->looked, &attr);
    pthread_condattr_destroy(&attr);
    if ((e = store_services(st)->changes->heads(st, c->seen)) != SP_OK ||
        (e = store_epoch(st, &c->epoch)) != SP_OK) {
        changes_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

sp_error changes_listen(struct changes *c, const struct changes_listener *l)
{
    if (c->started || c->count == CHANGES_LISTENERS_MAX)
        return SP_ERR_LIMIT;
    c->listeners[c->count++] = *l;
    return SP_OK;
}

sp_error changes_start(struct changes *c)
{
    c->woken = true; /* what came between changes_new and here */
    store_on_change(c->st, wake, c);
    if (pthread_create(&c->thread, NULL, follow, c) != 0) {
        store_on_change(c->st, NULL, NULL);
        return SP_ERR_NOMEM;
    }
    c->started = true;
    return SP_OK;
}

void changes_free(struct changes *c)
{
    if (c == NULL)
        return;
    if (c->started) {
        store_on_change(c->st, NULL, NULL);
        pthread_mutex_lock(&c->lock);
        c->ending = true;
        pthread_cond_signal(&c->more);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
    }
    pthread_cond_destroy(&c->more);
    pthread_cond_destroy(&c->looked);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

sp_error changes_wait(struct changes *c, int64_t ms)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&c->lock);
    uint64_t mine = c->rounds + 1; /* a look that begins from now on */
    c->woken = true;
    pthread_cond_signal(&c->more);
    while (c->done < mine && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&c->looked, &c->lock, &until);
    pthread_mutex_unlock(&c->lock);
    return rc == ETIMEDOUT ? SP_ERR_TIMEOUT : SP_OK;
}
