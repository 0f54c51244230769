/* Which connector and which relay: SCALE.md "Relays", PROTOCOL.md section 3.1. */
#include "broker/session/sessions_internal.h"

#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { CANDIDATES_MAX = 64, NEAR_US = 10 * 1000 };

struct candidate {
    const struct connector_row *row;
    struct hash rank;
};

/* Rendezvous: each connector has its own rank for (user, app); the highest that is there wins, and
 * when it goes, only its own sessions move. */
static struct hash rank_of(struct sp_id user, struct sp_id app, struct sp_id connector)
{
    uint8_t all[3 * SP_ID_BYTES];

    memcpy(all, user.bytes, SP_ID_BYTES);
    memcpy(all + SP_ID_BYTES, app.bytes, SP_ID_BYTES);
    memcpy(all + 2 * SP_ID_BYTES, connector.bytes, SP_ID_BYTES);
    return hash_sha256((struct view){all, sizeof all});
}

static int highest_first(const void *a, const void *b)
{
    return memcmp(((const struct candidate *)b)->rank.bytes,
                  ((const struct candidate *)a)->rank.bytes, HASH_BYTES);
}

/* `keep`: that one alone; zero: all of the app's site. */
static size_t candidates(struct sessions *s, const struct rules_version *v,
                         const struct place_ask *q, struct sp_id keep,
                         struct candidate out[CANDIDATES_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < v->objects->connector_count && n < CANDIDATES_MAX; i++) {
        const struct connector_row *c = &v->objects->connectors[i];
        bool mine = id_is_zero(keep) ? c->state == EDGE_ACTIVE : id_equal(c->id, keep);
        if (!mine || c->state == EDGE_REVOKED || !id_equal(c->site, q->app->site) ||
            !edges_is_ready(s->c.edges, EDGE_CONNECTOR, c->id))
            continue;
        out[n++] = (struct candidate){c, rank_of(q->user, q->app->id, c->id)};
    }
    qsort(out, n, sizeof *out, highest_first);
    return n;
}

static bool refused(const struct place_ask *q, struct sp_id relay)
{
    for (size_t i = 0; i < q->not_count; i++)
        if (id_equal(relay, q->not_relays[i]))
            return true;
    return false;
}

struct scored {
    const struct relay_row *row;
    uint64_t us;
    uint64_t load;
};

/* Among those within 10 ms or 20 % of the best: two at random, the less loaded wins. */
static const struct relay_row *choose(const struct scored *at, size_t n)
{
    size_t near[EDGE_STANDS_MAX], count = 0;
    uint64_t best = UINT64_MAX;

    for (size_t i = 0; i < n; i++)
        best = at[i].us < best ? at[i].us : best;
    for (size_t i = 0; i < n; i++)
        if (at[i].us <= best + NEAR_US || at[i].us <= best + best / 5)
            near[count++] = i;
    if (count == 0)
        return NULL;
    const struct scored *a = &at[near[random_below(count)]], *b = &at[near[random_below(count)]];
    return a->load <= b->load ? a->row : b->row;
}

static const struct relay_row *relay_for(struct sessions *s, const struct rules_version *v,
                                         const struct place_ask *q, struct sp_id connector)
{
    struct sp_id stands[EDGE_STANDS_MAX];
    struct scored at[EDGE_STANDS_MAX];
    size_t n = 0, count = edges_stands(s->c.edges, connector, stands);

    for (size_t i = 0; i < count; i++) {
        const struct relay_row *r = snapshot_relay(v->objects, stands[i]);
        if (r == NULL || r->state != EDGE_ACTIVE || refused(q, r->id) ||
            !edges_is_ready(s->c.edges, EDGE_RELAY, r->id))
            continue;
        at[n++] = (struct scored){
            .row = r,
            .us = (uint64_t)edges_rtt_us(s->c.edges, EDGE_AGENT, q->device, r->id) +
                  edges_rtt_us(s->c.edges, EDGE_CONNECTOR, connector, r->id),
            .load = edges_relay_load(s->c.edges, r->id).tunnels,
        };
    }
    return choose(at, n);
}

sp_error place(struct sessions *s, const struct rules_version *v, const struct place_ask *q,
               struct placed *out)
{
    struct candidate list[CANDIDATES_MAX];
    size_t n = candidates(s, v, q, q->keep, list);

    if (n == 0 && !id_is_zero(q->keep)) /* gone: the next in the user's order takes it over */
        n = candidates(s, v, q, (struct sp_id){0}, list);
    const struct site_row *site = snapshot_site_by_id(v->objects, q->app->site);

    for (size_t i = 0; i < n; i++) {
        const struct relay_row *r = relay_for(s, v, q, list[i].row->id);
        struct edge_info info;
        if (r == NULL || edges_find(s->c.edges, EDGE_RELAY, r->id, &info) != SP_OK)
            continue;
        out->connector = *list[i].row;
        out->relay = *r;
        out->relay_boot = info.boot;
        return SP_OK;
    }
    (void)snprintf(out->missing, sizeof out->missing,
                   n == 0 ? "No connector of site %.100s is connected."
                          : "No relay is reachable for site %.100s.",
                   site == NULL ? "?" : site->name);
    return SP_ERR_UNREACHABLE;
}
