#include "broker/session/live_internal.h"

#include "lib/base/map.h"

#include <pthread.h>
#include <stdlib.h>

enum { LINKS = 5, LISTENERS_MAX = 4, ENDED_KEPT = 4096 };

/* One session and its place in the list of each fact. */
struct entry {
    struct session s;
    struct {
        struct entry *next, **at;
    } link[LINKS];
};

struct fact_list {
    struct entry *first;
};

struct live {
    pthread_mutex_t lock;
    struct map by_id;               /* to struct entry, owned */
    struct map by_fact[LINKS];      /* to struct fact_list, owned */
    struct sp_id ended[ENDED_KEPT]; /* the last ones, a ring */
    size_t ended_next;
    struct {
        live_listener *call;
        void *arg;
    } listeners[LISTENERS_MAX];
    size_t listener_count;
};

static struct sp_id fact(const struct session *s, size_t i)
{
    const struct sp_id facts[LINKS] = {s->user, s->device, s->app, s->connector, s->relay};
    return facts[i];
}

sp_error live_new(struct live **out)
{
    struct live *l = calloc(1, sizeof *l);

    if (l == NULL)
        return SP_ERR_NOMEM;
    pthread_mutex_init(&l->lock, NULL); /* cannot fail with default attributes on Linux */
    *out = l;
    return SP_OK;
}

void live_free(struct live *l)
{
    void *v;
    size_t at = 0;

    if (l == NULL)
        return;
    while ((v = map_next(&l->by_id, &at, NULL)) != NULL)
        free(v);
    map_deinit(&l->by_id);
    for (size_t i = 0; i < LINKS; i++) {
        at = 0;
        while ((v = map_next(&l->by_fact[i], &at, NULL)) != NULL)
            free(v);
        map_deinit(&l->by_fact[i]);
    }
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* ---- the index; the lock is held ---- */

static sp_error join(struct live *l, struct entry *e, size_t i)
{
    struct sp_id key = fact(&e->s, i);
    struct fact_list *list = map_get(&l->by_fact[i], key);

    if (id_is_zero(key))
        return SP_OK;
    if (list == NULL) {
        if ((list = calloc(1, sizeof *list)) == NULL)
            return SP_ERR_NOMEM;
        sp_error err = map_put(&l->by_fact[i], key, list);
        if (err != SP_OK) {
            free(list);
            return err;
        }
    }
    e->link[i].next = list->first;
    e->link[i].at = &list->first;
    if (list->first != NULL)
        list->first->link[i].at = &e->link[i].next;
    list->first = e;
    return SP_OK;
}

static void part(struct live *l, struct entry *e, size_t i)
{
    struct fact_list *list = map_get(&l->by_fact[i], fact(&e->s, i));

    if (e->link[i].at == NULL)
        return;
    *e->link[i].at = e->link[i].next;
    if (e->link[i].next != NULL)
        e->link[i].next->link[i].at = e->link[i].at;
    e->link[i].at = NULL;
    e->link[i].next = NULL;
    if (list != NULL && list->first == NULL)
        free(map_remove(&l->by_fact[i], fact(&e->s, i)));
}

static sp_error join_all(struct live *l, struct entry *e)
{
    for (size_t i = 0; i < LINKS; i++) {
        sp_error err = join(l, e, i);
        if (err != SP_OK)
            return err;
    }
    return SP_OK;
}

static void part_all(struct live *l, struct entry *e)
{
    for (size_t i = 0; i < LINKS; i++)
        part(l, e, i);
}

static struct entry *find(struct live *l, struct sp_id id)
{
    return map_get(&l->by_id, id);
}

/* ---- listeners ---- */

sp_error live_listen(struct live *l, live_listener *listener, void *arg)
{
    sp_error e = SP_OK;

    pthread_mutex_lock(&l->lock);
    if (l->listener_count == LISTENERS_MAX) {
        e = SP_ERR_LIMIT;
    } else {
        l->listeners[l->listener_count].call = listener;
        l->listeners[l->listener_count++].arg = arg;
    }
    pthread_mutex_unlock(&l->lock);
    return e;
}

/* Listeners are added at the start only: the list is read without the lock. */
static void tell(struct live *l, enum live_event event, const struct session *s, const char *why)
{
    for (size_t i = 0; i < l->listener_count; i++)
        l->listeners[i].call(l->listeners[i].arg, event, s, why);
}

void live_tell_unknown(struct live *l, const struct session *s)
{
    tell(l, LIVE_EVENT_UNKNOWN, s, NULL);
}

/* ---- entries ---- */

static size_t of_user_and_app(struct live *l, const struct session *s)
{
    struct fact_list *list = map_get(&l->by_fact[0], s->user);
    size_t n = 0;

    for (struct entry *e = list == NULL ? NULL : list->first; e != NULL; e = e->link[0].next)
        n += id_equal(e->s.app, s->app) && e->s.state != SESSION_CUTTING;
    return n;
}

sp_error live_add(struct live *l, const struct session *s)
{
    struct entry *e = calloc(1, sizeof *e);
    sp_error err = SP_OK;

    if (e == NULL)
        return SP_ERR_NOMEM;
    e->s = *s;
    pthread_mutex_lock(&l->lock);
    if (find(l, s->id) != NULL)
        err = SP_ERR_EXISTS;
    else if (of_user_and_app(l, s) >= LIVE_PER_USER_AND_APP_MAX)
        err = SP_ERR_LIMIT;
    else if ((err = map_put(&l->by_id, s->id, e)) == SP_OK && (err = join_all(l, e)) != SP_OK) {
        part_all(l, e);
        (void)map_remove(&l->by_id, s->id); /* e itself */
    }
    pthread_mutex_unlock(&l->lock);
    if (err != SP_OK)
        free(e);
    else if (s->state != SESSION_NONE)
        tell(l, LIVE_EVENT_ADDED, s, NULL);
    return err;
}

sp_error live_change(struct live *l, struct sp_id id, live_changer *change, void *arg,
                     enum live_event event, const char *why, struct session *out)
{
    struct session copy = {0};
    bool changed = false;
    sp_error err = SP_ERR_NOT_FOUND;

    pthread_mutex_lock(&l->lock);
    struct entry *e = find(l, id);
    if (e != NULL) {
        part_all(l, e);
        changed = change(&e->s, arg);
        err = join_all(l, e); /* short of memory: still found by id, and re-decided by it */
        copy = e->s;
    }
    pthread_mutex_unlock(&l->lock);
    if (out != NULL && err == SP_OK)
        *out = copy;
    if (err == SP_OK && changed && copy.state != SESSION_NONE)
        tell(l, event, &copy, why);
    return err;
}

void live_remove(struct live *l, struct sp_id id, enum live_event event, const char *why)
{
    struct session copy = {0};

    pthread_mutex_lock(&l->lock);
    struct entry *e = map_remove(&l->by_id, id);
    if (e != NULL) {
        part_all(l, e);
        copy = e->s;
        l->ended[l->ended_next++ % ENDED_KEPT] = id;
    }
    pthread_mutex_unlock(&l->lock);
    free(e);
    if (e != NULL && copy.state != SESSION_NONE)
        tell(l, event, &copy, why);
}

bool live_ended(struct live *l, struct sp_id id)
{
    bool found = false;

    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < ENDED_KEPT && !found; i++)
        found = id_equal(l->ended[i], id);
    pthread_mutex_unlock(&l->lock);
    return found;
}

sp_error live_get(struct live *l, struct sp_id id, struct session *out)
{
    pthread_mutex_lock(&l->lock);
    struct entry *e = find(l, id);
    if (e != NULL)
        *out = e->s;
    pthread_mutex_unlock(&l->lock);
    return e == NULL ? SP_ERR_NOT_FOUND : SP_OK;
}

static bool regrant(struct session *s, void *arg)
{
    const struct session *fresh = arg;

    s->relay = fresh->relay;
    s->connector = fresh->connector;
    s->unheard_since = 0; /* it was chosen among those that are here */
    s->deadline = fresh->deadline < s->deadline ? fresh->deadline : s->deadline;
    s->policy_version = fresh->policy_version;
    return true;
}

sp_error live_regrant(struct live *l, const struct session *s)
{
    return live_change(l, s->id, regrant, (void *)(uintptr_t)s, LIVE_EVENT_CHANGED, NULL, NULL);
}

/* ---- finding ---- */

static size_t copy_all(struct live *l, struct session *out, size_t max, bool all)
{
    struct entry *e;
    size_t at = 0, n = 0;

    while ((e = map_next(&l->by_id, &at, NULL)) != NULL)
        if (all || e->s.state != SESSION_NONE) {
            if (n < max)
                out[n] = e->s;
            n++;
        }
    return n;
}

static const size_t links[] = {
    [LIVE_USER] = 0, [LIVE_DEVICE] = 1, [LIVE_APP] = 2, [LIVE_CONNECTOR] = 3, [LIVE_RELAY] = 4};

static size_t find_some(struct live *l, enum live_key by, struct sp_id id, struct session *out,
                        size_t max, bool all)
{
    size_t n = 0;

    if (by == LIVE_ALL)
        return copy_all(l, out, max, all);
    if (by == LIVE_SESSION) {
        struct entry *e = find(l, id);
        if (e == NULL || (!all && e->s.state == SESSION_NONE))
            return 0;
        if (max > 0)
            out[0] = e->s;
        return 1;
    }
    struct fact_list *list = map_get(&l->by_fact[links[by]], id);
    for (struct entry *e = list == NULL ? NULL : list->first; e != NULL;
         e = e->link[links[by]].next)
        if (all || e->s.state != SESSION_NONE) {
            if (n < max)
                out[n] = e->s;
            n++;
        }
    return n;
}

size_t live_find(struct live *l, enum live_key by, struct sp_id id, struct session *out, size_t max)
{
    pthread_mutex_lock(&l->lock);
    size_t n = find_some(l, by, id, out, max, false);
    pthread_mutex_unlock(&l->lock);
    return n;
}

struct session *live_snapshot(struct live *l, enum live_key by, struct sp_id id, size_t *count)
{
    pthread_mutex_lock(&l->lock);
    *count = find_some(l, by, id, NULL, 0, true);
    struct session *list = calloc(*count + 1, sizeof *list);
    if (list != NULL)
        *count = find_some(l, by, id, list, *count, true);
    else
        *count = 0;
    pthread_mutex_unlock(&l->lock);
    return list;
}

size_t live_count(const struct live *l)
{
    struct live *mine = (struct live *)(uintptr_t)l; /* the lock is no part of its value */
    struct entry *e;
    size_t at = 0, n = 0;

    pthread_mutex_lock(&mine->lock);
    while ((e = map_next(&mine->by_id, &at, NULL)) != NULL)
        n += e->s.state != SESSION_NONE;
    pthread_mutex_unlock(&mine->lock);
    return n;
}

/* The first ones so far, as a heap with the last of them on top. */
struct page_heap {
    const struct live_order *o;
    const struct session **at;
    size_t count, max, total;
};

static void sink(struct page_heap *h, size_t i)
{
    for (;;) {
        size_t top = i, left = 2 * i + 1;
        for (size_t k = left; k < left + 2 && k < h->count; k++)
            if (h->o->compare(h->at[k], h->at[top]) > 0)
                top = k;
        if (top == i)
            return;
        const struct session *swap = h->at[i];
        h->at[i] = h->at[top];
        h->at[top] = swap;
        i = top;
    }
}

static void offer(struct page_heap *h, const struct session *s)
{
    const struct live_order *o = h->o;

    if (s->state == SESSION_NONE || (o->fits != NULL && !o->fits(o->arg, s)))
        return;
    h->total++;
    if (o->edge != NULL && o->compare(s, o->edge) <= 0)
        return;
    if (h->count < h->max) {
        h->at[h->count++] = s;
        for (size_t i = h->count / 2; h->count == h->max && i-- > 0;)
            sink(h, i); /* full: from here on it is a heap */
    } else if (h->max > 0 && o->compare(s, h->at[0]) < 0) {
        h->at[0] = s;
        sink(h, 0);
    }
}

/* The lock is held. */
static void offer_all(struct live *l, struct page_heap *h)
{
    const struct live_order *o = h->o;
    struct entry *e;
    size_t at = 0;

    if (o->by == LIVE_ALL) {
        while ((e = map_next(&l->by_id, &at, NULL)) != NULL)
            offer(h, &e->s);
        return;
    }
    size_t link = links[o->by];
    struct fact_list *list = map_get(&l->by_fact[link], o->id);
    for (e = list == NULL ? NULL : list->first; e != NULL; e = e->link[link].next)
        offer(h, &e->s);
}

size_t live_page(struct live *l, const struct live_order *o, struct session *out, size_t max,
                 size_t *total)
{
    struct page_heap h = {.o = o, .at = calloc(max + 1, sizeof *h.at), .max = max};

    *total = 0;
    if (h.at == NULL)
        return 0;
    pthread_mutex_lock(&l->lock);
    offer_all(l, &h);
    for (size_t i = 0; i < h.count; i++)
        out[i] = *h.at[i];
    pthread_mutex_unlock(&l->lock);
    free(h.at);
    qsort(out, h.count, sizeof *out, o->compare);
    *total = h.total;
    return h.count;
}
