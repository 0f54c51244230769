#include "broker/control/tally.h"

#include <string.h>

const char *const tally_causes[TALLY_CAUSES] = {"not_asked", "oversize",   "streaming",
                                                "coding",    "media_type", "broken"};

void tally_init(struct tally *t)
{
    pthread_mutex_init(&t->lock, NULL);
}

void tally_deinit(struct tally *t)
{
    pthread_mutex_destroy(&t->lock);
}

static struct tally_app *app_of(struct tally *t, struct sp_id app)
{
    for (size_t i = 0; i < t->count; i++)
        if (id_equal(t->apps[i].app, app))
            return &t->apps[i];
    if (t->count == TALLY_APPS)
        return NULL;
    t->apps[t->count] = (struct tally_app){.app = app};
    return &t->apps[t->count++];
}

/* A label of a metric, whoever said it. */
static bool is_word(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((v.at[i] < 'a' || v.at[i] > 'z') && v.at[i] != '_')
            return false;
    return v.len > 0 && v.len <= TALLY_REASON_MAX;
}

static struct tally_reason *reason_of(struct tally_app *a, struct view said)
{
    struct view word = is_word(said) ? said : view_str("other");

    for (;;) {
        for (size_t i = 0; i < a->reason_count; i++)
            if (view_is(word, a->reasons[i].word))
                return &a->reasons[i];
        if (a->reason_count < TALLY_REASONS - 1 || view_is(word, "other"))
            break;
        word = view_str("other"); /* the last place is its own */
    }
    struct tally_reason *r = &a->reasons[a->reason_count++];
    view_copy(r->word, sizeof r->word, word);
    return r;
}

static void add_times(struct tally_times *to, int64_t us, const int64_t *buckets, size_t count)
{
    to->us += (uint64_t)us;
    for (size_t i = 0; i < count; i++)
        to->buckets[i] += (uint64_t)buckets[i];
}

static void add_coverage(struct tally_app *a, const struct api_coverage *c)
{
    const int64_t unread[TALLY_CAUSES] = {c->unasked, c->oversize,   c->streaming,
                                          c->coding,  c->media_type, c->broken};

    for (size_t i = 0; i < c->class_count; i++)
        a->requests[i] += (uint64_t)c->classes[i];
    a->read += (uint64_t)c->read;
    a->read_bytes += (uint64_t)c->read_bytes;
    for (size_t i = 0; i < TALLY_CAUSES; i++)
        a->unread[i] += (uint64_t)unread[i];
    add_times(&a->own, c->own_us, c->own, c->own_count);
    add_times(&a->upstream, c->upstream_us, c->upstream, c->upstream_count);
}

/* In the place of what it said before. */
static void keep_gauges(struct tally_app *a, struct sp_id connector, const struct api_gauges *g)
{
    const struct tally_held now = {connector, *g};

    for (size_t i = 0; i < a->held_count; i++)
        if (id_equal(a->held[i].connector, connector)) {
            a->held[i] = now;
            return;
        }
    if (a->held_count < TALLY_CONNECTORS)
        a->held[a->held_count++] = now;
}

void tally_add(struct tally *t, struct sp_id connector, const struct api_report *r)
{
    pthread_mutex_lock(&t->lock);
    struct tally_app *a = app_of(t, r->app);
    if (a != NULL) {
        add_coverage(a, &r->coverage[0]);
        for (size_t i = 0; i < r->hit_count; i++) {
            struct tally_reason *reason = reason_of(a, r->hits[i].reason);
            reason->blocked += (uint64_t)r->hits[i].blocked;
            reason->monitor += (uint64_t)r->hits[i].monitor;
        }
        if (r->gauge_count > 0)
            keep_gauges(a, connector, &r->gauges[0]);
    }
    pthread_mutex_unlock(&t->lock);
}

bool tally_next(struct tally *t, size_t at, struct tally_app *out)
{
    pthread_mutex_lock(&t->lock);
    bool more = at < t->count;
    if (more)
        *out = t->apps[at];
    pthread_mutex_unlock(&t->lock);
    return more;
}

void tally_spool(struct tally *t, const struct tally_spool *said)
{
    size_t i = 0;

    pthread_mutex_lock(&t->lock);
    while (i < t->spool_count && !id_equal(t->spools[i].connector, said->connector))
        i++;
    if (i < TALLY_SPOOLS)
        t->spools[i] = *said;
    if (i == t->spool_count && i < TALLY_SPOOLS)
        t->spool_count++;
    pthread_mutex_unlock(&t->lock);
}

bool tally_next_spool(struct tally *t, size_t at, struct tally_spool *out)
{
    pthread_mutex_lock(&t->lock);
    bool more = at < t->spool_count;
    if (more)
        *out = t->spools[at];
    pthread_mutex_unlock(&t->lock);
    return more;
}
