#include "connector/gateway/ledger.h"

#include "connector/gateway/app.h"
#include "connector/gateway/watch_internal.h"

#include <stdio.h>

/* FNV-1a: the key only makes the search short; what it finds is compared whole. */
static uint64_t mix(uint64_t h, struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        h = (h ^ v.at[i]) * 0x100000001b3u;
    return (h ^ 0xffu) * 0x100000001b3u;
}

static struct ledger_hit *hit_of(struct ledger *l, const struct ledger_hit *like)
{
    for (size_t i = 0; i < l->hit_count; i++) {
        struct ledger_hit *h = &l->hits[i];
        if (h->key == like->key && id_equal(h->session, like->session) &&
            h->reason == like->reason && strcmp(h->rule, like->rule) == 0 &&
            strcmp(h->endpoint, like->endpoint) == 0)
            return h;
    }
    if (l->hit_count == LEDGER_HITS)
        return NULL;
    l->hits[l->hit_count] = *like;
    return &l->hits[l->hit_count++];
}

static void count_hit(struct ledger *l, const struct gw_exchange *x, const struct gw_verdict *v,
                      bool blocked, sp_unix_ms now)
{
    struct ledger_hit like = {.session = x->caller->session, .reason = gw_reasons[v->reason].name};

    snprintf(like.rule, sizeof like.rule, "%s", v->rule);
    if (api_is_path(x->route.template))
        snprintf(like.endpoint, sizeof like.endpoint, "%s %.*s", gw_method_name(x->request.method),
                 VIEW_ARG(x->route.template));
    like.key = mix(mix(mix(mix(0xcbf29ce484222325u, id_view(&like.session)), view_str(like.reason)),
                       view_str(like.rule)),
                   view_str(like.endpoint));
    struct ledger_hit *h = hit_of(l, &like);
    if (h == NULL) {
        l->since.lost++;
        return;
    }
    h->blocked += blocked;
    h->monitor += !blocked;
    h->last = now;
}

static void count_body(struct api_coverage *c, const struct gw_message_body *b)
{
    int64_t *const counts[] = {[GW_NOT_INSPECTED] = &c->unasked, [GW_INSPECTED] = &c->read,
                               [GW_OVERSIZE] = &c->oversize,     [GW_STREAMING] = &c->streaming,
                               [GW_CODING] = &c->coding,         [GW_MEDIA_TYPE] = &c->media_type,
                               [GW_BROKEN] = &c->broken,         [GW_INFLATES] = &c->oversize};

    if (b->seen > 0 || b->inspected == GW_INSPECTED)
        ++*counts[b->inspected];
    if (b->inspected == GW_INSPECTED)
        c->read_bytes += (int64_t)b->bytes.len;
}

static void count_time(int64_t us, int64_t *sum, int64_t buckets[API_BUCKETS], size_t *count)
{
    size_t i = 0;

    while (i < API_BUCKETS - 1 && us > api_bounds_us[i])
        i++;
    buckets[i]++;
    *sum += us;
    *count = API_BUCKETS;
}

static void count_answer(struct api_coverage *c, const struct gw_exchange *x)
{
    int class = x->response.status / 100;

    if (class >= 1 && class <= API_CLASSES) {
        c->classes[class - 1]++;
        c->class_count = API_CLASSES;
    }
    count_time(x->own_us, &c->own_us, c->own, &c->own_count);
    if (x->upstream_us > 0)
        count_time(x->upstream_us, &c->upstream_us, c->upstream, &c->upstream_count);
}

static bool has_owner(const struct gw_exchange *x)
{
    const struct gwconf *conf = gw_app_conf(x->app);
    struct gwmatch_subject s = match_subject(x);

    for (size_t i = 0; i < conf->owners.count; i++) {
        const struct gwconf_owner *r = gwconf_owner_at(conf, i);
        if (r->mode != GW_OFF && gwmatch_holds(&r->match, &s))
            return true;
    }
    return false;
}

void ledger_account(struct ledger *l, const struct gw_exchange *x, sp_unix_ms now)
{
    struct api_coverage *c = &l->since;

    c->requests++;
    count_answer(c, x);
    c->documented += x->route.operation != NULL;
    c->token += x->token.present;
    c->owner += has_owner(x);
    count_body(c, &x->request.body);
    count_body(c, x->own_answer ? &x->withheld : &x->response.body);
    for (size_t i = 0; i < x->hit_count; i++)
        count_hit(l, x, &x->hits[i].verdict, false, now);
    if (x->refusal.outcome == GW_REFUSE && x->own_answer)
        count_hit(l, x, &x->refusal, true, now);
}

void ledger_write(const struct ledger *l, struct api_report *out)
{
    for (size_t i = 0; i < l->hit_count && out->hit_count < API_HITS_MAX; i++) {
        const struct ledger_hit *h = &l->hits[i];
        out->hits[out->hit_count++] = (struct api_hit){.session = h->session,
                                                       .reason = view_str(h->reason),
                                                       .rule = view_str(h->rule),
                                                       .endpoint = view_str(h->endpoint),
                                                       .blocked = h->blocked,
                                                       .monitor = h->monitor,
                                                       .last = h->last};
    }
    out->coverage_count = l->since.requests > 0 || l->since.lost > 0;
    out->coverage[0] = l->since;
}

void ledger_told(struct ledger *l, const struct api_report *r)
{
    l->hit_count -= r->hit_count;
    memmove(l->hits, l->hits + r->hit_count, l->hit_count * sizeof *l->hits);
    if (r->coverage_count > 0)
        l->since = (struct api_coverage){.requests = 0};
}
