#ifndef SP_GATEWAY_RATE_H
#define SP_GATEWAY_RATE_H

/*
 * rate: the limits of one app: how many requests a key may make, and how many at once.
 *
 * GCRA: a key has one number, its theoretical arrival time (TAT) in integer nanoseconds of the
 * boot clock; a request of cost c may come while TAT + c·interval is at most burst·interval ahead
 * of now. Keys are any subset of enum gw_rate_key; a rule with `group` holds for each group of the
 * caller by itself.
 * The table has a fixed number of entries of 24 bytes, open addressing over keyed hashes (nobody
 * can choose a neighbour); an entry whose TAT has passed says nothing any more and is reused.
 * Where a new key finds no room, it shares one bucket a rule with all such keys: fail closed,
 * counted in `overflowed`.
 * A request is judged by all rules that match before any of them is charged, so a refused one
 * costs nothing. Time never goes back: an earlier `now` is taken as the latest one seen.
 * One thread. Knows no HTTP message: facts in, answer out.
 */

#include "connector/gateway/arena.h"
#include "lib/gateway/config.h"

enum {
    RATE_ENTRIES = 65536, /* 1.5 MiB */
    RATE_PROBES = 16,
    RATE_HITS_MAX = 8,
    RATE_WHOLE = 1000000, /* a share of all */
    RATE_SHARE_MIN = 1000
};

struct rate;

struct rate_options {
    const struct gwconf *conf; /* its rates; borrowed until rate_free */
    size_t entries;            /* a power of two; 0: RATE_ENTRIES */
};

/*   SP_ERR_NOMEM; SP_ERR_INVALID entries is no power of two of at least RATE_PROBES */
SP_MUST sp_error rate_new(const struct rate_options *o, struct rate **out);
void rate_free(struct rate *r); /* NULL is allowed */

/* Who and what a request is, for keys. Views may be empty: then all such requests are one key. */
struct rate_facts {
    struct gwmatch_subject target; /* method, segments, operationId */
    struct view operation;         /* template, or the path where nothing is known */
    struct view user, device, source, token_client;
    size_t group_count;
    const struct view *groups;
    int64_t weight; /* for `cost: weight`; at least 1 */
};

/* Two passes (GATEWAY section 4, steps 6 and 7): rules without and rules with token_client. */
enum rate_pass { RATE_SESSION_KEYS, RATE_TOKEN_KEYS };

struct rate_held; /* what a running request holds and owes; lives in its arena */

struct rate_answer {
    bool passed;
    const struct gwconf_rate *rule; /* refused: the one with the longest wait */
    int64_t retry_ns;               /* until one more may come; in_flight: 1 s */
    int64_t remaining;
    size_t hit_count; /* rules in monitor mode that would have refused */
    const struct gwconf_rate *hits[RATE_HITS_MAX];
};

/*
 * Judges and, when it passes, charges. `held` grows by what rate_release gives back; NULL at the
 * request's beginning. A matching rule that can't be judged for lack of memory refuses.
 */
struct rate_answer rate_check(struct rate *r, enum rate_pass pass, const struct rate_facts *f,
                              int64_t now_ns, struct arena *a, struct rate_held **held);

/* Once, when the request has ended: gives `in_flight` back and charges `response_mib`: each
 * begun MiB; the first was charged before. */
void rate_release(struct rate *r, struct rate_held *held, uint64_t response_bytes, int64_t now_ns);

/*
 * Leases: a rule whose key has neither user nor device is shared with the other connectors of the
 * site (a user's sessions on one app are all at one connector). `i` counts conf->rates.
 */
bool rate_is_shared(const struct gwconf_rate *rule);
/* Of RATE_WHOLE, at least RATE_SHARE_MIN; begins as a whole. A burst of one stays. */
void rate_set_share(struct rate *r, size_t i, int64_t share);
int64_t rate_share(const struct rate *r, size_t i);
/* What was asked for since the last call, refused or not, in units of cost. */
int64_t rate_take_demand(struct rate *r, size_t i);

struct rate_stats {
    size_t entries, live, bytes; /* live: walks the table */
    uint64_t checked, refused, overflowed;
};
struct rate_stats rate_stats(const struct rate *r);

#endif
