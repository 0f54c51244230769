#ifndef SP_SESSION_SESSIONS_H
#define SP_SESSION_SESSIONS_H

/*
 * sessions: the room's services, filled once by broker/run.c, and its life.
 */

#include "broker/posture/judge.h"
#include "broker/session/edges.h"
#include "broker/session/live.h"
#include "broker/session/rules.h"

struct key_secret;
struct sessions;

struct sessions_config {
    struct registry *registry;
    struct rules *rules;
    struct judge *judge;
    struct edges *edges;
    struct live *live;
    const struct key_secret *grant_key;  /* purpose grant, of this broker */
    const struct key_secret *record_key; /* purpose record: signs who the user of a session is */
    const uint8_t *pairwise_key;         /* 32 bytes; user ids in grants are pairwise by site */
    bool country_known;                  /* later stage: false */
    bool cut_through_off;                /* `tunnel.cut_through: off`: for every app */
};

/* All borrowed until sessions_free. Starts the room's own thread (revise, schedule). */
SP_MUST sp_error sessions_new(const struct sessions_config *config, struct sessions **out);
void sessions_free(struct sessions *s);

/* Fed by store/changes, after the listeners of registry and rules: decides again the live
 * sessions that a change touches and cuts those that are no longer allowed. */
struct changes_listener sessions_listener(struct sessions *s);

/* A fact changed that is in no change row: an agent's address. */
void sessions_touch(struct sessions *s, enum live_key by, struct sp_id id);

/* A connector's channel is gone. Its sessions go on; when nothing was heard of it for as long as it
 * may keep them without a broker, they are cut here too, at the relay and for the agent. */
void sessions_connector_gone(struct sessions *s, struct sp_id connector);

/* For metrics: decisions by verdict and reason, cuts with their times. */
struct sessions_stats {
    uint64_t decisions[3][8]; /* verdict, reason */
    uint64_t grants, cuts;
    uint64_t decide_ns_sum;
    int64_t cut_ms_worst, cut_ms_last;
    uint64_t cut_ms_buckets[8]; /* <= 50, 100, 250, 500, 1000, 2000, 5000, more */
    double cut_seconds_sum;
};
struct sessions_stats sessions_stats(const struct sessions *s);

#endif
