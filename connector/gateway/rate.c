#include "connector/gateway/rate.h"

#include "lib/base/num.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { MIB = 1 << 20, IN_FLIGHT_RETRY_NS = 1000000000, KEY_TEXT_MAX = 512 };

struct entry {
    uint64_t tag; /* keyed hash of rule and key; 0: never used */
    int64_t tat;
    uint32_t in_flight;
    uint32_t claim; /* the request that found or made it last: keeps it for that request */
};
_Static_assert(sizeof(struct entry) == 24, "three words an entry");

struct shared {
    struct entry overflow;
    int64_t share, demand;
    int64_t interval_ns, burst; /* of this connector's share */
};

struct rate {
    const struct gwconf *conf;
    struct entry *table;   /* owned */
    struct shared *shared; /* owned; one a rule */
    size_t mask;
    uint8_t key[HASH_SHORT_KEY_BYTES];
    uint32_t claim;
    int64_t latest_ns;
    uint64_t checked, refused, overflowed;
};

struct rate_held {
    struct rate_held *next;
    const struct gwconf_rate *rule;
    size_t index;
    struct entry *entry;
};

/* One rule and key of a request under judgement. */
struct asked {
    const struct gwconf_rate *rule;
    size_t index;
    struct entry *entry;
    int64_t tat; /* when it passes */
    bool charged;
};

sp_error rate_new(const struct rate_options *o, struct rate **out)
{
    size_t entries = o->entries > 0 ? o->entries : RATE_ENTRIES;
    struct rate *r;

    if ((entries & (entries - 1)) != 0 || entries < RATE_PROBES)
        return SP_ERR_INVALID;
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return SP_ERR_NOMEM;
    r->conf = o->conf;
    r->mask = entries - 1;
    random_bytes(r->key, sizeof r->key);
    r->table = calloc(entries, sizeof *r->table);
    r->shared = calloc(o->conf->rates.count + 1, sizeof *r->shared);
    if (r->table == NULL || r->shared == NULL) {
        rate_free(r);
        return SP_ERR_NOMEM;
    }
    for (size_t i = 0; i < o->conf->rates.count; i++)
        rate_set_share(r, i, RATE_WHOLE);
    *out = r;
    return SP_OK;
}

void rate_free(struct rate *r)
{
    if (r == NULL)
        return;
    free(r->table);
    free(r->shared);
    free(r);
}

/* Length before bytes, so that no two keys have one text; what is long goes in as its hash. */
static void key_part(struct rate *r, uint8_t *text, size_t *len, struct view part)
{
    uint64_t hashed;

    if (part.len > 64) {
        hashed = hash_short(r->key, part);
        part = (struct view){(const uint8_t *)&hashed, sizeof hashed};
    }
    text[(*len)++] = (uint8_t)part.len;
    if (part.len > 0)
        memcpy(text + *len, part.at, part.len);
    *len += part.len;
}

static uint64_t key_tag(struct rate *r, size_t index, unsigned key, const struct rate_facts *f,
                        size_t group)
{
    uint8_t text[KEY_TEXT_MAX]; /* 6 parts of at most 65 bytes, and the front */
    size_t len = 0;

    text[len++] = (uint8_t)index; /* GWCONF_RULES_MAX is below 256 */
    if ((key & GW_KEY_USER) != 0)
        key_part(r, text, &len, f->user);
    if ((key & GW_KEY_DEVICE) != 0)
        key_part(r, text, &len, f->device);
    if ((key & GW_KEY_SOURCE) != 0)
        key_part(r, text, &len, f->source);
    if ((key & GW_KEY_TOKEN_CLIENT) != 0)
        key_part(r, text, &len, f->token_client);
    if ((key & GW_KEY_GROUP) != 0)
        key_part(r, text, &len, group < f->group_count ? f->groups[group] : (struct view){0});
    if ((key & GW_KEY_OPERATION) != 0) {
        text[len++] = (uint8_t)f->target.method;
        key_part(r, text, &len, f->operation);
    }
    uint64_t tag = hash_short(r->key, (struct view){text, len});
    return tag != 0 ? tag : 1;
}

static bool reusable(const struct rate *r, const struct entry *e, int64_t now)
{
    return e->tat <= now && e->in_flight == 0 && e->claim != r->claim;
}

/* The key's entry, made where it has none. Entries never become unused again, so the first one
 * that never was used ends the search. */
static struct entry *find_entry(struct rate *r, size_t index, uint64_t tag, int64_t now)
{
    struct entry *room = NULL;

    for (size_t i = 0; i < RATE_PROBES; i++) {
        struct entry *e = &r->table[(tag + i) & r->mask];
        if (e->tag == tag) {
            e->claim = r->claim;
            return e;
        }
        if (room == NULL && (e->tag == 0 || reusable(r, e, now)))
            room = e;
        if (e->tag == 0)
            break;
    }
    if (room == NULL) {
        r->overflowed++;
        return &r->shared[index].overflow;
    }
    *room = (struct entry){.tag = tag, .claim = r->claim};
    return room;
}

static int64_t cost_of(const struct gwconf_rate *rule, const struct rate_facts *f)
{
    return rule->cost == GW_COST_WEIGHT && f->weight > 1 ? f->weight : 1;
}

/* GCRA. True: may come, and `a->tat` is the new TAT. */
static bool judge_pace(const struct shared *s, struct asked *a, int64_t cost, int64_t now,
                       int64_t *retry, int64_t *remaining)
{
    int64_t tat = a->entry->tat > now ? a->entry->tat : now, spent, limit, price;

    limit = s->burst * s->interval_ns; /* fits: config.c */
    if (__builtin_mul_overflow(cost, s->interval_ns, &price))
        price = INT64_MAX / 2;
    a->tat = num_add_sat(tat, price);
    spent = a->tat - now;
    *remaining = spent < limit ? (limit - spent) / s->interval_ns : 0;
    /* What costs more than the whole burst may come when nothing is owed; it owes the rest. */
    if (spent <= limit || (price > limit && tat == now))
        return true;
    *remaining = tat - now < limit ? (limit - (tat - now)) / s->interval_ns : 0;
    *retry = price > limit ? tat - now : spent - limit;
    return false;
}

static bool judge(struct rate *r, struct asked *a, const struct rate_facts *f, int64_t now,
                  int64_t *retry, int64_t *remaining)
{
    struct shared *s = &r->shared[a->index];
    int64_t cost = cost_of(a->rule, f);

    s->demand = num_add_sat(s->demand, cost);
    if (a->rule->in_flight == 0)
        return judge_pace(s, a, cost, now, retry, remaining);
    int64_t most = s->burst; /* in_flight rules keep their share of places there */
    *remaining = most > a->entry->in_flight ? most - a->entry->in_flight - 1 : 0;
    *retry = IN_FLIGHT_RETRY_NS;
    return a->entry->in_flight < most;
}

static void charge(struct asked *a, struct arena *arena, struct rate_held **held)
{
    bool owes = a->rule->cost == GW_COST_RESPONSE_MIB;

    if (a->rule->in_flight == 0)
        a->entry->tat = a->tat;
    if (a->rule->in_flight == 0 && !owes)
        return;
    struct rate_held *h = arena_take(arena, sizeof *h);
    if (h == NULL)
        return; /* charged as far as it is; nothing to give back */
    if (a->rule->in_flight > 0)
        a->entry->in_flight++;
    *h = (struct rate_held){.next = *held, .rule = a->rule, .index = a->index, .entry = a->entry};
    *held = h;
}

static bool speaks_of(const struct gwconf_rate *rule, enum rate_pass pass,
                      const struct rate_facts *f)
{
    bool token = (rule->key & GW_KEY_TOKEN_CLIENT) != 0;

    return rule->mode != GW_OFF && token == (pass == RATE_TOKEN_KEYS) &&
           gwmatch_holds(&rule->match, &f->target);
}

static size_t keys_of(const struct gwconf_rate *rule, const struct rate_facts *f)
{
    return (rule->key & GW_KEY_GROUP) != 0 && f->group_count > 1 ? f->group_count : 1;
}

/* All rules of the pass with all keys of this request. NULL: none matches, or no memory. */
static struct asked *gather(struct rate *r, enum rate_pass pass, const struct rate_facts *f,
                            int64_t now, struct arena *arena, size_t *count)
{
    size_t most = 0, n = 0;

    for (size_t i = 0; i < r->conf->rates.count; i++) {
        const struct gwconf_rate *rule = gwconf_rate_at(r->conf, i);
        most += speaks_of(rule, pass, f) ? keys_of(rule, f) : 0;
    }
    *count = most;
    struct asked *asked = most > 0 ? arena_array(arena, most, sizeof *asked) : NULL;
    if (asked == NULL)
        return NULL;
    for (size_t i = 0; i < r->conf->rates.count && n < most; i++) {
        const struct gwconf_rate *rule = gwconf_rate_at(r->conf, i);
        for (size_t k = 0; speaks_of(rule, pass, f) && k < keys_of(rule, f); k++) {
            uint64_t tag = key_tag(r, i, rule->key, f, k);
            asked[n++] =
                (struct asked){.rule = rule, .index = i, .entry = find_entry(r, i, tag, now)};
        }
    }
    return asked;
}

static void note_hit(struct rate_answer *answer, const struct gwconf_rate *rule)
{
    for (size_t i = 0; i < answer->hit_count; i++) {
        if (answer->hits[i] == rule)
            return;
    }
    if (answer->hit_count < RATE_HITS_MAX)
        answer->hits[answer->hit_count++] = rule;
}

struct rate_answer rate_check(struct rate *r, enum rate_pass pass, const struct rate_facts *f,
                              int64_t now_ns, struct arena *a, struct rate_held **held)
{
    struct rate_answer answer = {.passed = true};
    size_t count;

    r->latest_ns = now_ns > r->latest_ns ? now_ns : r->latest_ns;
    r->claim = r->claim == UINT32_MAX ? 1 : r->claim + 1;
    struct asked *asked = gather(r, pass, f, r->latest_ns, a, &count);
    if (asked == NULL && count > 0)
        return (struct rate_answer){.rule = NULL, .retry_ns = IN_FLIGHT_RETRY_NS};
    for (size_t i = 0; i < count; i++) {
        int64_t retry = 0, remaining = 0;
        asked[i].charged = judge(r, &asked[i], f, r->latest_ns, &retry, &remaining);
        if (asked[i].charged)
            continue;
        if (asked[i].rule->mode == GW_MONITOR) {
            note_hit(&answer, asked[i].rule);
        } else if (answer.passed || retry > answer.retry_ns) {
            answer.passed = false;
            answer.rule = asked[i].rule;
            answer.retry_ns = retry;
            answer.remaining = remaining;
        }
    }
    for (size_t i = 0; answer.passed && i < count; i++) {
        if (asked[i].charged)
            charge(&asked[i], a, held);
    }
    r->checked += count > 0;
    r->refused += !answer.passed;
    return answer;
}

void rate_release(struct rate *r, struct rate_held *held, uint64_t response_bytes, int64_t now_ns)
{
    r->latest_ns = now_ns > r->latest_ns ? now_ns : r->latest_ns;
    for (; held != NULL; held = held->next) {
        uint64_t mib = response_bytes / MIB + (response_bytes % MIB != 0);
        int64_t price;

        if (held->rule->in_flight > 0 && held->entry->in_flight > 0)
            held->entry->in_flight--;
        if (held->rule->cost != GW_COST_RESPONSE_MIB || mib < 2)
            continue;
        if (__builtin_mul_overflow((int64_t)(mib - 1), r->shared[held->index].interval_ns, &price))
            price = INT64_MAX / 2;
        struct entry *e = held->entry;
        e->tat = num_add_sat(e->tat > r->latest_ns ? e->tat : r->latest_ns, price);
    }
}

bool rate_is_shared(const struct gwconf_rate *rule)
{
    return (rule->key & (GW_KEY_USER | GW_KEY_DEVICE)) == 0;
}

void rate_set_share(struct rate *r, size_t i, int64_t share)
{
    const struct gwconf_rate *rule = gwconf_rate_at(r->conf, i);
    struct shared *s = &r->shared[i];
    int64_t whole = rule->in_flight > 0 ? rule->in_flight : rule->burst;

    s->share = share < RATE_SHARE_MIN ? RATE_SHARE_MIN : share > RATE_WHOLE ? RATE_WHOLE : share;
    /* A day in ns × 10^6 does not fit in 64 bits: the quotient first, then the rest. */
    s->interval_ns = rule->pace.interval_ns / s->share * RATE_WHOLE +
                     rule->pace.interval_ns % s->share * RATE_WHOLE / s->share;
    s->burst = whole * s->share / RATE_WHOLE; /* whole is at most 10^6 */
    if (s->burst < 1)
        s->burst = 1;
}

int64_t rate_share(const struct rate *r, size_t i)
{
    return r->shared[i].share;
}

int64_t rate_take_demand(struct rate *r, size_t i)
{
    int64_t demand = r->shared[i].demand;

    r->shared[i].demand = 0;
    return demand;
}

struct rate_stats rate_stats(const struct rate *r)
{
    struct rate_stats s = {.entries = r->mask + 1,
                           .bytes = (r->mask + 1) * sizeof *r->table,
                           .checked = r->checked,
                           .refused = r->refused,
                           .overflowed = r->overflowed};

    for (size_t i = 0; i <= r->mask; i++)
        s.live += r->table[i].tat > r->latest_ns || r->table[i].in_flight > 0;
    return s;
}
