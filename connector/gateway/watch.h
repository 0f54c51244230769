#ifndef SP_GATEWAY_WATCH_H
#define SP_GATEWAY_WATCH_H

/*
 * watch: what the gateway remembers of one app over many requests: its inventory, its detectors,
 * what the app calls each person. It outlives a new version of the app's record and, in the state
 * folder, a restart ("watch-APP", 0600, every five minutes). Loop thread.
 */

#include "connector/gateway/detect/detect.h"
#include "connector/gateway/inventory/inventory.h"
#include "connector/gateway/pipeline.h"
#include "lib/proto/gateway.h"
#include "lib/schema/scratch.h"

struct pool;
struct secret;
struct watch;

enum {
    WATCH_SAVE_MS = 5 * 60 * 1000,
    WATCH_MERGE_MS = 60 * 60 * 1000, /* what is usual is told the site's connectors so often */
    WATCH_SUBJECT_MAX = 128,
    WATCH_OBJECT_MS = 30 * 1000
};

struct watch_options {
    struct sp_id app;
    const char *state; /* folder; borrowed */
    struct pool *pool; /* reads and writes the snapshot; borrowed */
    /* An incident that is new or has changed, as detect.h says it. Borrowed for the call.
     * false: not taken now, it is told again. */
    bool (*incident)(void *arg, struct sp_id app, const struct json *incident);
    /* An "api.report" (lib/proto/gateway.h), taken in every case. false: not sent, what is in it
     * is told again. */
    bool (*report)(void *arg, struct json *report);
    /* The key of the site's connectors, and where what they are told goes (siblings.h): taken in
     * every case. false: not sent. NULL: the site has none. */
    const struct secret *site; /* borrowed */
    bool (*siblings)(void *arg, enum api_sealed_kind kind, struct json *told);
    struct sp_id self; /* this connector, among them */
    /* What the app holds beside this: adds to `out`. NULL: nobody knows. */
    void (*gauges)(void *arg, struct sp_id app, struct api_gauges *out);
    void *arg, *gauges_arg;
    sp_unix_ms now;
};

/*   SP_ERR_NOMEM.  A snapshot is read by a worker; one that can't be is logged, and the app starts
 * clean. */
SP_MUST sp_error watch_new(const struct watch_options *o, struct watch **out);
void watch_free(struct watch *w); /* NULL is allowed; what is being written is finished */
/* The snapshot was read, or there is none: before, nothing learns from it and nothing is asked of
 * it. `ready` is called from the loop then, unless it was freed before; one waits, the last that
 * said so. */
bool watch_is_ready(const struct watch *w);
void watch_await(struct watch *w, void (*ready)(void *arg), void *arg);
/* Another configuration of the same app; what was learned stays. */
void watch_configure(struct watch *w, const struct gwconf *conf);
/* The operations of the app's document, with `prefix` as routes_base takes it. NULL: none. */
struct api_document;
void watch_document(struct watch *w, const struct api_document *d, struct view prefix);
/* Once a second: incidents out, sweeps, snapshots, what the site's connectors are told. */
void watch_tick(struct watch *w, sp_unix_ms now);

/* The list of what is expected, in place of the one before. */
void watch_expect(struct watch *w, const struct api_expect *e, sp_unix_ms now);
/* What another connector of the site told. */
void watch_learn(struct watch *w, enum api_sealed_kind kind, const struct api_sealed *m,
                 sp_unix_ms now);
/* The broker was away: the whole inventory and every incident are told anew. */
void watch_tell_again(struct watch *w);

struct inventory *watch_inventory(struct watch *w);
struct detect *watch_detect(struct watch *w);

/* The steps, in the order of pipeline.h. */
gw_step watch_route; /* 4: template and parameters from the inventory where no document has it */
gw_step watch_block; /* 11: open blocks; owner rules on path, query and body */
gw_step watch_copy;  /* the same of what a copied body says */
gw_step watch_preflight; /* 11: owner rules that ask the application first; parks */
gw_step watch_answer;    /* ANSWER: does anybody want to read the body? */
gw_step watch_content;   /* 15: owner, subject, exposure */
gw_step watch_account;   /* 16: inventory and detectors */

#endif
