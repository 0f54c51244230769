#include "broker/registry/registry.h"

#include <pthread.h>
#include <stdlib.h>

/* A snapshot with what it owns. The newest one has a holder of its own: the registry. */
struct held {
    struct snapshot s; /* first: a snapshot's address is its holder's */
    size_t holders;    /* under the registry's lock */
    struct site_row *sites;
    struct connector_row *connectors;
    struct relay_row *relays;
    struct app_row *apps;
    size_t site_cap, connector_cap, relay_cap, app_cap;
    sp_error error; /* of a reader's copy */
};

struct registry {
    struct store *st;
    pthread_mutex_t lock;
    struct held *now; /* owned */
    uint64_t number;
    bool stale; /* follower's thread: a row changed something that a snapshot holds */
};

/* ---- loading ------------------------------------------------------------------------------ */

/* Room for one more element; NULL: no memory. */
static void *grown(void *at, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return at;
    size_t more = *cap == 0 ? 16 : *cap * 2;
    void *bigger = reallocarray(at, more, size);
    if (bigger != NULL)
        *cap = more;
    return bigger;
}

static struct view copied(struct view v, sp_error *error)
{
    uint8_t *copy = malloc(v.len + 1);

    if (copy == NULL) {
        *error = SP_ERR_NOMEM;
        return (struct view){0};
    }
    if (v.len > 0)
        memcpy(copy, v.at, v.len);
    return (struct view){copy, v.len};
}

static void drop_view(struct view v)
{
    free((void *)(uintptr_t)v.at);
}

/* One function a kind: the row goes to the end of its list. */
#define TAKE(function, row_type, list, count, cap)                                    \
    static bool function(void *arg, const struct row_type *row)                       \
    {                                                                                 \
        struct held *h = arg;                                                         \
        struct row_type *more = grown(h->list, h->s.count, &h->cap, sizeof *h->list); \
        if (more == NULL) {                                                           \
            h->error = SP_ERR_NOMEM;                                                  \
            return false;                                                             \
        }                                                                             \
        h->list = more;                                                               \
        h->list[h->s.count++] = *row;                                                 \
        return true;                                                                  \
    }
TAKE(take_site, site_row, sites, site_count, site_cap)
TAKE(take_connector, connector_row, connectors, connector_count, connector_cap)
TAKE(take_relay, relay_row, relays, relay_count, relay_cap)
TAKE(take_app_row, app_row, apps, app_count, app_cap)

static bool take_app(void *arg, const struct app_row *row)
{
    struct held *h = arg;
    struct app_row kept = *row;

    kept.spec = copied(row->spec, &h->error);
    kept.record = copied(row->record, &h->error);
    if (h->error == SP_OK && take_app_row(h, &kept))
        return true;
    drop_view(kept.spec);
    drop_view(kept.record);
    return false;
}

static bool take_policy(void *arg, const struct policy_row *row)
{
    struct held *h = arg;

    h->s.policy = *row;
    h->s.policy.text = copied(row->text, &h->error);
    return false;
}

static void held_free(struct held *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->s.app_count; i++) {
        drop_view(h->apps[i].spec);
        drop_view(h->apps[i].record);
    }
    drop_view(h->s.policy.text);
    free(h->sites);
    free(h->connectors);
    free(h->relays);
    free(h->apps);
    free(h);
}

static sp_error load(struct store *st, struct held **out)
{
    const struct store_registry *reg = store_services(st)->registry;
    struct held *h = calloc(1, sizeof *h);
    sp_error e;

    if (h == NULL)
        return SP_ERR_NOMEM;
    if ((e = reg->site_list(st, take_site, h)) == SP_OK &&
        (e = reg->connector_list(st, take_connector, h)) == SP_OK &&
        (e = reg->relay_list(st, take_relay, h)) == SP_OK &&
        (e = reg->app_list(st, take_app, h)) == SP_OK)
        e = reg->policy_newest(st, take_policy, h);
    if (e == SP_ERR_NOT_FOUND) /* no policy yet */
        e = SP_OK;
    if (e == SP_OK)
        e = h->error;
    if (e != SP_OK) {
        held_free(h);
        return e;
    }
    h->s.sites = h->sites;
    h->s.connectors = h->connectors;
    h->s.relays = h->relays;
    h->s.apps = h->apps;
    h->holders = 1;
    *out = h;
    return SP_OK;
}

/* ---- holding ------------------------------------------------------------------------------ */

/* Under the lock: gives one holding back; what nobody holds any more is returned to be freed. */
static struct held *give_back(struct held *h)
{
    return h != NULL && --h->holders == 0 ? h : NULL;
}

static sp_error swap(struct registry *r)
{
    struct held *fresh, *old;
    sp_error e = load(r->st, &fresh);

    if (e != SP_OK)
        return e;
    pthread_mutex_lock(&r->lock);
    fresh->s.number = ++r->number;
    old = give_back(r->now);
    r->now = fresh;
    pthread_mutex_unlock(&r->lock);
    held_free(old);
    return SP_OK;
}

sp_error registry_new(struct store *st, struct registry **out)
{
    struct registry *r = calloc(1, sizeof *r);
    sp_error e;

    if (r == NULL)
        return SP_ERR_NOMEM;
    r->st = st;
    pthread_mutex_init(&r->lock, NULL);
    if ((e = swap(r)) != SP_OK) {
        registry_free(r);
        return e;
    }
    *out = r;
    return SP_OK;
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    held_free(r->now);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

const struct snapshot *registry_hold(struct registry *r)
{
    pthread_mutex_lock(&r->lock);
    struct held *h = r->now;
    h->holders++;
    pthread_mutex_unlock(&r->lock);
    return &h->s;
}

void registry_release(struct registry *r, const struct snapshot *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    struct held *gone = give_back((struct held *)(uintptr_t)s);
    pthread_mutex_unlock(&r->lock);
    held_free(gone);
}

struct store *registry_store(struct registry *r)
{
    return r->st;
}

/* ---- following ---------------------------------------------------------------------------- */

static void on_row(void *arg, const struct change_row *row)
{
    struct registry *r = arg;

    switch (row->kind) {
    case CHANGE_POLICY:
    case CHANGE_APP:
    case CHANGE_SITE:
    case CHANGE_CONNECTOR:
    case CHANGE_RELAY:
        r->stale = true;
        break;
    case CHANGE_NONE:
    case CHANGE_USER:
    case CHANGE_DEVICE:
    case CHANGE_LOGIN:
    case CHANGE_POSTURE:
    case CHANGE_BROWSER_LOGIN:
    case CHANGE_KILL:
    case CHANGE_KEYS:
    case CHANGE_ACCESS:
    case CHANGE_KINDS:
        break;
    }
}

static void on_reload(void *arg)
{
    struct registry *r = arg;

    /* What can't be read now stays stale, and is read with the next change: until then decisions
     * rest on the state before, and the store's own fault stops all grants (FLT-06). */
    r->stale = swap(r) != SP_OK;
}

static void on_settled(void *arg)
{
    struct registry *r = arg;

    if (r->stale)
        on_reload(r);
}

struct changes_listener registry_listener(struct registry *r)
{
    return (struct changes_listener){
        .row = on_row, .settled = on_settled, .reload = on_reload, .arg = r};
}

/* ---- finding ------------------------------------------------------------------------------ */

const struct app_row *snapshot_app(const struct snapshot *s, struct view name)
{
    for (size_t i = 0; i < s->app_count; i++)
        if (view_is(name, s->apps[i].name))
            return &s->apps[i];
    return NULL;
}

const struct app_row *snapshot_app_by_id(const struct snapshot *s, struct sp_id id)
{
    for (size_t i = 0; i < s->app_count; i++)
        if (id_equal(s->apps[i].id, id))
            return &s->apps[i];
    return NULL;
}

const struct site_row *snapshot_site(const struct snapshot *s, struct view name)
{
    for (size_t i = 0; i < s->site_count; i++)
        if (view_is(name, s->sites[i].name))
            return &s->sites[i];
    return NULL;
}

const struct site_row *snapshot_site_by_id(const struct snapshot *s, struct sp_id id)
{
    for (size_t i = 0; i < s->site_count; i++)
        if (id_equal(s->sites[i].id, id))
            return &s->sites[i];
    return NULL;
}

const struct connector_row *snapshot_connector(const struct snapshot *s, struct sp_id id)
{
    for (size_t i = 0; i < s->connector_count; i++)
        if (id_equal(s->connectors[i].id, id))
            return &s->connectors[i];
    return NULL;
}

const struct connector_row *snapshot_connector_by_key(const struct snapshot *s,
                                                      const struct key_public *key)
{
    for (size_t i = 0; i < s->connector_count; i++)
        if (key_equal(&s->connectors[i].key, key))
            return &s->connectors[i];
    return NULL;
}

const struct relay_row *snapshot_relay(const struct snapshot *s, struct sp_id id)
{
    for (size_t i = 0; i < s->relay_count; i++)
        if (id_equal(s->relays[i].id, id))
            return &s->relays[i];
    return NULL;
}

const struct relay_row *snapshot_relay_by_key(const struct snapshot *s,
                                              const struct key_public *key)
{
    for (size_t i = 0; i < s->relay_count; i++)
        if (key_equal(&s->relays[i].key, key))
            return &s->relays[i];
    return NULL;
}

static bool lower_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

sp_error registry_name(struct view name, struct sp_why *why)
{
    bool good = name.len >= 1 && name.len <= 63 && lower_or_digit(name.at[0]) &&
                lower_or_digit(name.at[name.len - 1]);

    for (size_t i = 0; good && i < name.len; i++)
        good = lower_or_digit(name.at[i]) || (i > 0 && memchr("-._", name.at[i], 3) != NULL);
    if (good)
        return SP_OK;
    sp_why_field(why, "name");
    return sp_why_say(why, SP_ERR_INVALID,
                      "a name is 1 to 63 small letters, digits, '-', '.', '_', and begins and ends "
                      "with a letter or digit");
}
