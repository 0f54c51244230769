#include "broker/control/tally.h"

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

void tally_add(struct tally *t, const struct api_report *r)
{
    const struct api_coverage *c = &r->coverage[0];
    const int64_t unread[TALLY_CAUSES] = {c->unasked, c->oversize,   c->streaming,
                                          c->coding,  c->media_type, c->broken};

    pthread_mutex_lock(&t->lock);
    struct tally_app *a = app_of(t, r->app);
    if (a != NULL) {
        a->requests += (uint64_t)c->requests;
        a->read += (uint64_t)c->read;
        for (size_t i = 0; i < TALLY_CAUSES; i++)
            a->unread[i] += (uint64_t)unread[i];
        for (size_t i = 0; i < r->hit_count; i++) {
            a->blocked += (uint64_t)r->hits[i].blocked;
            a->monitor += (uint64_t)r->hits[i].monitor;
        }
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
