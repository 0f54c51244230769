#include "broker/session/edges.h"

#include "lib/base/map.h"

#include <pthread.h>
#include <stdlib.h>

enum { RTTS_MAX = 8 };

struct rtt {
    struct sp_id relay;
    uint32_t us;
};

struct attached {
    struct edge_info info;
    const struct edge_ops *ops; /* borrowed until nobody is inside */
    void *arg;
    uint64_t handle;
    bool ready, gone;
    unsigned inside; /* calls of ops under way */
    struct sp_id stands[EDGE_STANDS_MAX];
    size_t stand_count;
    struct rtt rtts[RTTS_MAX];
    size_t rtt_next, rtt_count;
    struct relay_load load;
};

struct edges {
    pthread_mutex_t lock;
    pthread_cond_t left;          /* someone left an attachment */
    struct map by_id[EDGE_KINDS]; /* to struct attached, owned */
    uint64_t last_handle;
};

sp_error edges_new(struct edges **out)
{
    struct edges *e = calloc(1, sizeof *e);

    if (e == NULL)
        return SP_ERR_NOMEM;
    pthread_mutex_init(&e->lock, NULL); /* neither fails with default attributes on Linux */
    pthread_cond_init(&e->left, NULL);
    *out = e;
    return SP_OK;
}

void edges_free(struct edges *e)
{
    if (e == NULL)
        return;
    for (size_t k = 0; k < EDGE_KINDS; k++) {
        struct attached *a;
        size_t at = 0;
        while ((a = map_next(&e->by_id[k], &at, NULL)) != NULL)
            free(a);
        map_deinit(&e->by_id[k]);
    }
    pthread_cond_destroy(&e->left);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static bool valid(enum edge_kind kind)
{
    return kind > EDGE_NOBODY && kind < EDGE_KINDS;
}

/* ---- calls of an edge's functions: entered with, left without the lock ---- */

static void enter(struct edges *e, struct attached *a)
{
    a->inside++;
    pthread_mutex_unlock(&e->lock);
}

static void leave(struct edges *e, struct attached *a)
{
    pthread_mutex_lock(&e->lock);
    a->inside--;
    pthread_cond_broadcast(&e->left);
    pthread_mutex_unlock(&e->lock);
}

/* Takes an attachment out and waits until nobody is inside; the lock is held. */
static void take_out(struct edges *e, struct attached *a)
{
    if (map_get(&e->by_id[a->info.kind], a->info.id) == a)
        (void)map_remove(&e->by_id[a->info.kind], a->info.id); /* a itself */
    a->gone = true;
    while (a->inside > 0)
        pthread_cond_wait(&e->left, &e->lock);
}

sp_error edges_attach(struct edges *e, const struct edge_info *info, const struct edge_ops *ops,
                      void *arg, uint64_t *handle)
{
    struct attached *a = calloc(1, sizeof *a);

    if (a == NULL)
        return SP_ERR_NOMEM;
    if (!valid(info->kind)) {
        free(a);
        return SP_ERR_INVALID;
    }
    *a = (struct attached){.info = *info, .ops = ops, .arg = arg};
    pthread_mutex_lock(&e->lock);
    struct attached *old = map_get(&e->by_id[info->kind], info->id);
    void (*close_old)(void *, int, const char *) = NULL;
    void *old_arg = NULL;
    if (old != NULL) { /* its own end detaches nothing any more: the handle is another one */
        close_old = old->ops->close;
        old_arg = old->arg;
        take_out(e, old);
        free(old);
    }
    a->handle = ++e->last_handle;
    sp_error err = map_put(&e->by_id[info->kind], info->id, a);
    if (err == SP_OK)
        *handle = a->handle;
    pthread_mutex_unlock(&e->lock);
    if (close_old != NULL)
        close_old(old_arg, 4409, "replaced");
    if (err != SP_OK)
        free(a);
    return err;
}

static struct attached *by_handle(struct edges *e, uint64_t handle)
{
    for (size_t k = 0; k < EDGE_KINDS; k++) {
        struct attached *a;
        size_t at = 0;
        while ((a = map_next(&e->by_id[k], &at, NULL)) != NULL)
            if (a->handle == handle)
                return a;
    }
    return NULL;
}

void edges_detach(struct edges *e, uint64_t handle)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = by_handle(e, handle);
    if (a != NULL)
        take_out(e, a);
    pthread_mutex_unlock(&e->lock);
    free(a);
}

void edges_set_user(struct edges *e, uint64_t handle, struct sp_id user)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = by_handle(e, handle);
    if (a != NULL)
        a->info.user = user;
    pthread_mutex_unlock(&e->lock);
}

static struct attached *find(struct edges *e, enum edge_kind kind, struct sp_id id)
{
    return valid(kind) ? map_get(&e->by_id[kind], id) : NULL;
}

sp_error edges_find(struct edges *e, enum edge_kind kind, struct sp_id id, struct edge_info *out)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = find(e, kind, id);
    if (a != NULL)
        *out = a->info;
    pthread_mutex_unlock(&e->lock);
    return a == NULL ? SP_ERR_NOT_FOUND : SP_OK;
}

/* A copy of all of a kind; NULL and 0 when memory is short. */
static struct edge_info *freeze(struct edges *e, enum edge_kind kind, size_t *count)
{
    struct attached *a;
    size_t at = 0;

    *count = 0;
    pthread_mutex_lock(&e->lock);
    struct edge_info *list = calloc(map_len(&e->by_id[kind]) + 1, sizeof *list);
    while (list != NULL && (a = map_next(&e->by_id[kind], &at, NULL)) != NULL)
        list[(*count)++] = a->info;
    pthread_mutex_unlock(&e->lock);
    return list;
}

void edges_each(struct edges *e, enum edge_kind kind,
                void (*each)(void *arg, const struct edge_info *info), void *arg)
{
    size_t count = 0;

    if (!valid(kind))
        return;
    struct edge_info *list = freeze(e, kind, &count);
    for (size_t i = 0; i < count; i++)
        each(arg, &list[i]);
    free(list);
}

size_t edges_count(const struct edges *e, enum edge_kind kind)
{
    struct edges *mine = (struct edges *)(uintptr_t)e; /* the lock is no part of its value */

    if (!valid(kind))
        return 0;
    pthread_mutex_lock(&mine->lock);
    size_t n = map_len(&mine->by_id[kind]);
    pthread_mutex_unlock(&mine->lock);
    return n;
}

/* ---- what edges tell ---- */

void edges_stand_at(struct edges *e, uint64_t handle, const struct sp_id *relays, size_t count)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = by_handle(e, handle);
    if (a != NULL && a->info.kind == EDGE_CONNECTOR) {
        a->stand_count = count < EDGE_STANDS_MAX ? count : EDGE_STANDS_MAX;
        if (a->stand_count > 0)
            memcpy(a->stands, relays, a->stand_count * sizeof *relays);
    }
    pthread_mutex_unlock(&e->lock);
}

size_t edges_stands(struct edges *e, struct sp_id connector, struct sp_id out[EDGE_STANDS_MAX])
{
    size_t n = 0;

    pthread_mutex_lock(&e->lock);
    struct attached *a = find(e, EDGE_CONNECTOR, connector);
    if (a != NULL) {
        n = a->stand_count;
        memcpy(out, a->stands, sizeof a->stands);
    }
    pthread_mutex_unlock(&e->lock);
    return n;
}

static struct rtt *find_rtt(struct attached *a, struct sp_id relay)
{
    for (size_t i = 0; i < a->rtt_count; i++)
        if (id_equal(a->rtts[i].relay, relay))
            return &a->rtts[i];
    return NULL;
}

void edges_rtt(struct edges *e, enum edge_kind kind, struct sp_id id, struct sp_id relay,
               uint32_t us)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = find(e, kind, id);
    struct rtt *r = a == NULL ? NULL : find_rtt(a, relay);
    if (a != NULL && r == NULL) {
        r = &a->rtts[a->rtt_next];
        a->rtt_next = (a->rtt_next + 1) % RTTS_MAX;
        a->rtt_count = a->rtt_count < RTTS_MAX ? a->rtt_count + 1 : RTTS_MAX;
    }
    if (r != NULL)
        *r = (struct rtt){relay, us};
    pthread_mutex_unlock(&e->lock);
}

uint32_t edges_rtt_us(struct edges *e, enum edge_kind kind, struct sp_id id, struct sp_id relay)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = find(e, kind, id);
    const struct rtt *r = a == NULL ? NULL : find_rtt(a, relay);
    uint32_t us = r == NULL ? 0 : r->us;
    pthread_mutex_unlock(&e->lock);
    return us;
}

void edges_load(struct edges *e, struct sp_id relay, const struct relay_load *load)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = find(e, EDGE_RELAY, relay);
    if (a != NULL)
        a->load = *load;
    pthread_mutex_unlock(&e->lock);
}

struct relay_load edges_relay_load(struct edges *e, struct sp_id relay)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = find(e, EDGE_RELAY, relay);
    struct relay_load load = a == NULL ? (struct relay_load){0} : a->load;
    pthread_mutex_unlock(&e->lock);
    return load;
}

void edges_ready(struct edges *e, uint64_t handle)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = by_handle(e, handle);
    if (a != NULL)
        a->ready = true;
    pthread_mutex_unlock(&e->lock);
}

bool edges_is_ready(struct edges *e, enum edge_kind kind, struct sp_id id)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = find(e, kind, id);
    bool ready = a != NULL && a->ready;
    pthread_mutex_unlock(&e->lock);
    return ready;
}

/* ---- orders ---- */

/* The edge, entered; NULL: it does not hang here. */
static struct attached *reach(struct edges *e, enum edge_kind kind, struct sp_id id)
{
    pthread_mutex_lock(&e->lock);
    struct attached *a = find(e, kind, id);
    if (a == NULL)
        pthread_mutex_unlock(&e->lock);
    else
        enter(e, a);
    return a;
}

bool edges_send_cut(struct edges *e, enum edge_kind kind, struct sp_id id,
                    const struct cut_order *order)
{
    struct attached *a = reach(e, kind, id);

    if (a == NULL)
        return false;
    if (a->ops->cut != NULL)
        a->ops->cut(a->arg, order);
    leave(e, a);
    return true;
}

bool edges_send_limit(struct edges *e, enum edge_kind kind, struct sp_id id,
                      const struct limit_order *order)
{
    struct attached *a = reach(e, kind, id);

    if (a == NULL)
        return false;
    if (a->ops->limit != NULL)
        a->ops->limit(a->arg, order);
    leave(e, a);
    return true;
}

bool edges_send_pause(struct edges *e, enum edge_kind kind, struct sp_id id,
                      const struct pause_order *order)
{
    struct attached *a = reach(e, kind, id);

    if (a == NULL)
        return false;
    if (a->ops->pause != NULL)
        a->ops->pause(a->arg, order);
    leave(e, a);
    return true;
}

void edges_close(struct edges *e, enum edge_kind kind, struct sp_id id, int code,
                 const char *reason)
{
    struct attached *a = reach(e, kind, id);

    if (a == NULL)
        return;
    if (a->ops->close != NULL)
        a->ops->close(a->arg, code, reason);
    leave(e, a);
}

struct broadcast {
    struct edges *e;
    const struct cut_order *cut;
    struct sp_id site, app;
    bool dropped;
};

static void cut_one(void *arg, const struct edge_info *info)
{
    struct broadcast *b = arg;
    (void)edges_send_cut(b->e, info->kind, info->id, b->cut); /* gone meanwhile: nothing to cut */
}

void edges_send_cut_all(struct edges *e, const struct cut_order *order)
{
    struct broadcast b = {.e = e, .cut = order};

    edges_each(e, EDGE_RELAY, cut_one, &b);
    edges_each(e, EDGE_CONNECTOR, cut_one, &b);
}

static void app_one(void *arg, const struct edge_info *info)
{
    struct broadcast *b = arg;
    struct attached *a =
        id_equal(info->site, b->site) ? reach(b->e, EDGE_CONNECTOR, info->id) : NULL;

    if (a == NULL)
        return;
    void (*tell)(void *, struct sp_id) = b->dropped ? a->ops->app_drop : a->ops->app_put;
    if (tell != NULL)
        tell(a->arg, b->app);
    leave(b->e, a);
}

void edges_app_changed(struct edges *e, struct sp_id site, struct sp_id app, bool dropped)
{
    struct broadcast b = {.e = e, .site = site, .app = app, .dropped = dropped};
    edges_each(e, EDGE_CONNECTOR, app_one, &b);
}

static void keys_one(void *arg, const struct edge_info *info)
{
    struct broadcast *b = arg;
    struct attached *a = reach(b->e, info->kind, info->id);

    if (a == NULL)
        return;
    if (a->ops->keys != NULL)
        a->ops->keys(a->arg);
    leave(b->e, a);
}

void edges_keys_changed(struct edges *e)
{
    struct broadcast b = {.e = e};

    for (int k = EDGE_AGENT; k < EDGE_KINDS; k++)
        edges_each(e, (enum edge_kind)k, keys_one, &b);
}

static void relays_one(void *arg, const struct edge_info *info)
{
    struct broadcast *b = arg;
    struct attached *a = reach(b->e, info->kind, info->id);

    if (a == NULL)
        return;
    if (a->ops->relays != NULL)
        a->ops->relays(a->arg);
    leave(b->e, a);
}

void edges_relays_changed(struct edges *e)
{
    struct broadcast b = {.e = e};
    edges_each(e, EDGE_CONNECTOR, relays_one, &b);
}

const char *cut_word(enum cut_why w)
{
    static const char *const words[] = {"none", "killed",  "policy",  "deadline",
                                        "idle", "revoked", "step_up", "end"};
    return (size_t)w < sizeof words / sizeof *words ? words[w] : "policy";
}
