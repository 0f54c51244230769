#ifndef SP_GATEWAY_WATCH_INTERNAL_H
#define SP_GATEWAY_WATCH_INTERNAL_H

#include "connector/gateway/ledger.h"
#include "connector/gateway/sketch/slots.h"
#include "connector/gateway/watch.h"
#include "lib/schema/value.h"

struct watch {
    struct watch_options o;
    struct inventory *inventory; /* owned */
    struct detect *detect;       /* owned */
    struct slots *subjects;      /* owned; struct subject by session and user */
    struct slots *objects;       /* owned; struct object by person, rule and path */
    struct slots *paces;         /* owned; struct minute by person and endpoint */
    struct scratch scratch;      /* of one step */
    sp_unix_ms swept, saved;
    struct saving *saving;   /* being written by a worker; NULL: none */
    struct reading *reading; /* the same the other way: nothing else is to be done meanwhile */
    struct json *expected;   /* owned: what is to be expected once it was read */
    bool keep_file;          /* what lies on the disk is worth more */
    void (*ready)(void *arg);
    void *ready_arg;
    bool full_told, documented;
    struct ledger ledger;
    /* Of watch_siblings.c. */
    int64_t hour; /* the one that runs, as this connector's hours begin */
    bool merging; /* its telling is not done yet */
    /* Of watch_report.c: the round of the inventory that is being told, and how far it is. */
    sp_unix_ms round, reported, gauged;
    struct api_gauges gauges; /* as they were told last */
    size_t round_at;
    uint64_t round_losses;
    bool round_ended;
};

struct subject {
    uint8_t len;
    char text[WATCH_SUBJECT_MAX];
};

/* What a preflight said. */
struct object {
    sp_boot_ms until;
    bool own;
};

/* How often a person called an endpoint in the minute that runs. */
struct minute {
    int64_t number; /* minutes of Unix time */
    uint32_t calls;
};

/* What one exchange carries from step to step; in its arena. */
struct watch_note {
    bool login, password, sensitive;
    bool blocked; /* a detector's block was met, in whatever mode */
    uint64_t account;
    uint16_t password_tag;
    uint64_t records;
    enum inventory_shape shape;
    size_t property_count;
    struct inventory_name *properties; /* room for INVENTORY_NAMES_MAX; NULL: none */
    uint32_t exposed;
    size_t preflights;          /* rules that are done */
    struct gw_verdict *preflit; /* of the next one, once it was asked; NULL: not yet */
    uint64_t object;            /* key of what this request writes itself; 0: nothing */
};

/* NULL: no memory. */
struct watch_note *watch_note(struct gw_exchange *x);

/* watch_steps.c */
/* The app's own id of this person in this session; empty: it has not said one. */
struct view watch_subject(struct watch *w, const struct gw_exchange *x);
/* An owner rule that did not hold: told as an incident, and refused where it blocks. */
struct gw_verdict watch_not_own(struct watch *w, struct gw_exchange *x,
                                const struct gwconf_owner *rule, const char *what);

/* observe.c: the facts of an exchange. `room` keeps its texts and group hashes. */
struct observed {
    char endpoint[DETECT_ENDPOINT_TEXT];
    char user[40];
    uint64_t groups[DETECT_GROUPS_MAX];
};
void observe(struct watch *w, const struct gw_exchange *x, struct observed *room,
             struct observation *out);
/* A login's account and password, from a whole JSON or form body. */
void observe_login(struct watch *w, struct gw_exchange *x);
/* Names, kinds and sensitive values of a JSON answer. */
void observe_answer(struct watch *w, struct gw_exchange *x, const struct value *root);
/* The sensitive values of a JSON answer, but what the document marks as meant to leave. */
struct exposure_seen;
void observe_exposure(const struct gw_exchange *x, const struct value *root,
                      struct scratch *scratch, struct exposure_seen *out);
/* watch_report.c: what is new goes to the broker, at most one report a call. */
void report_news(struct watch *w, sp_unix_ms now);

/* watch_siblings.c: what the site's other connectors are told, at most two messages a call. */
void siblings_begin(struct watch *w, sp_unix_ms now);
void siblings_news(struct watch *w, sp_unix_ms now);

/* watch_snapshot.c */
void snapshot_read(struct watch *w);  /* begins; where there is nothing to read it is done */
void snapshot_save(struct watch *w);  /* by a worker */
void snapshot_leave(struct watch *w); /* the end: saves, unless a worker is at it. Blocks. */

struct gwmatch_subject match_subject(const struct gw_exchange *x);
bool is_json(struct view content_type);

#endif
