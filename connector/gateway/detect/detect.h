#ifndef SP_DETECT_DETECT_H
#define SP_DETECT_DETECT_H

/*
 * detect: what the requests of one app say together that no single one says.
 *
 * Facts in, findings out: an observation is one request and its answer, reduced to hashes, counts
 * and a few words; no detector sees HTTP, a body or a clock. A finding becomes an incident that
 * names its numbers, and opens a block. Whether a block refuses or is only counted is the mode of
 * its detector: the same traffic gives the same findings in `monitor` and in `block`.
 *
 * Everything is bounded: tables of fixed size that forget what was not used for the longest time
 * (sketch/slots.h), at most DETECT_INCIDENTS open incidents. Hashes are hash_short under a key of
 * this process. One thread. State is fuzzed by tests/fuzz/fuzz_detect.c.
 */

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/gateway/config.h"
#include "lib/gateway/trace.h"

enum detector {
    DETECTOR_OWNER = 0, /* exact: connector/gateway/owner.c finds */
    DETECTOR_BOLA,
    DETECTOR_ENUMERATION,
    DETECTOR_CREDENTIAL,
    DETECTOR_EXFILTRATION,
    DETECTOR_EXPOSURE, /* exposure.h finds */
    DETECTOR_FUNCTION,
    DETECTOR_FLOW,
    DETECTOR_SCANNER,
    DETECTOR_INVENTORY, /* the inventory is full */
    DETECTOR_BUDGET,    /* detectors.budgets: a fixed sum, no learning */
    DETECTORS
};
const char *detector_name(enum detector d); /* "bola" */
/* DETECTORS for any other text. */
enum detector detector_parse(struct view name);

enum {
    DETECT_EVIDENCE_MAX = 8,
    DETECT_EVIDENCE_TEXT = 160,
    DETECT_ENDPOINT_TEXT = 200,
    DETECT_SUBJECT_TEXT = 64,
    DETECT_INCIDENTS = 512,
    DETECT_EXPECTED_MAX = 256,
    DETECT_EXPECTED_DAYS_MAX = 90,
    DETECT_GROUPS_MAX = 16,
    DETECT_TELL_MS = 30 * 1000,
    DETECT_INCIDENT_MS = 60 * 60 * 1000 /* one a detector, subject and endpoint in this time */
};

/* One request. Zero is "not known" everywhere. Views are borrowed for the call. */
struct observation {
    sp_unix_ms at;
    uint64_t user, source; /* source: the device, else the session */
    struct view user_text; /* who an incident is about: the user's pairwise id */
    struct sp_id session;  /* in which it was seen last; zero: none */
    struct trace trace;    /* for the record of what is found; detectors do not look at it */
    size_t group_count;    /* at most DETECT_GROUPS_MAX */
    const uint64_t *groups;

    enum gw_method method;
    uint64_t endpoint; /* method and template; 0: unknown path */
    struct view endpoint_text;
    uint64_t path;   /* the path itself: how many different ones were tried */
    uint64_t object; /* endpoint and value of its last path parameter; 0: none */
    bool numbered;   /* that value is the integer `number` */
    int64_t number;
    bool admin;     /* a segment of the path is "admin" */
    bool sensitive; /* operations[].sensitive */

    int status;
    uint64_t bytes, records; /* of the answer: length, elements of its top-level array */

    bool login;            /* operations[].login */
    bool password;         /* the body has a password */
    uint64_t account;      /* hash of the account that a login names */
    uint16_t password_tag; /* 16 bits of a keyed hash; never stored beside an account */
};

struct finding {
    enum detector detector;
    bool statistic; /* may block only after the learning time */
    double score, threshold;
    bool refuses;      /* this request itself, in block; an exact rule */
    enum gw_mode mode; /* of the rule that found it; GW_OFF: the detector's */
    int64_t block_ms;  /* for how long a block would stand; 0: this answer only */
    bool whole_source; /* the block is for the source on every endpoint, else user + endpoint */
    bool whole_user;   /* the block is for the user on every endpoint */
    size_t evidence_count;
    char evidence[DETECT_EVIDENCE_MAX][DETECT_EVIDENCE_TEXT];
};
/* Adds a line; further ones than DETECT_EVIDENCE_MAX are dropped. */
void finding_say(struct finding *f, const char *format, ...) SP_PRINTF(2, 3);

struct detect_options {
    uint8_t key[16];
    int modes[DETECTORS]; /* enum gw_mode */
    int64_t learning_ms;  /* before a statistic may block */
    sp_unix_ms began;     /* learning counts from here */
    bool shared;          /* others have this key, too: detect_fresh, usual.h */
    struct sp_id self;    /* who says so, where it is shared */
};

struct detect;

/*   SP_ERR_NOMEM */
SP_MUST sp_error detect_new(const struct detect_options *o, struct detect **out);
void detect_free(struct detect *d); /* NULL is allowed */
/* New modes of the same app; what was learned stays. */
void detect_set(struct detect *d, const int modes[DETECTORS], int64_t learning_ms);

/* Step 16: an answered request, refused ones left out. Gives the number of findings. */
size_t detect_see(struct detect *d, const struct observation *o);
/* A finding made elsewhere (owner, exposure, inventory, budgets): its incident and block. */
void detect_report(struct detect *d, const struct observation *o, const struct finding *f);

/* Counts an answer towards budget `number` of the configuration; over `bytes` or `records` (0: not
 * limited) within `window_ms` it is a finding of DETECTOR_BUDGET. */
struct detect_budget {
    size_t number;
    int64_t bytes, records, window_ms;
};
void detect_spend(struct detect *d, const struct observation *o, const struct detect_budget *b);

/*
 * Whose objects are whose, among detectors of one key that each see a part of an app's users. Where
 * options.shared: the objects that were used here for the first time since the last call, each as
 * 48 bits of its hash and the 16 of its user's tag, at most DETECT_FRESH_MAX, further ones are
 * not told. Gives their number. And those that another one was given so; what is known here stays.
 */
enum { DETECT_FRESH_MAX = 2000 };
size_t detect_fresh(struct detect *d, uint64_t out[DETECT_FRESH_MAX]);
void detect_learn(struct detect *d, size_t n, const uint64_t objects[]);

/* Step 11: is a block open for who asks this? Facts of the request only (status 0). */
struct detect_block {
    enum detector detector;
    enum gw_mode mode; /* monitor also where a statistic has not learned long enough */
    int64_t retry_ms;
};
bool detect_blocked(struct detect *d, const struct observation *o, struct detect_block *out);
/* Whether a block is open for anybody: the usual answer is no, and each request asks. */
bool detect_blocks(const struct detect *d);

/* Somebody looked at an incident and found it right so: no incident and no block of `detector` on
 * `endpoint` (text; empty: every endpoint) for this user or this group until `until`.
 *   SP_ERR_INVALID  neither or both of user and group, or beyond DETECT_EXPECTED_DAYS_MAX
 *   SP_ERR_FULL     DETECT_EXPECTED_MAX are in force */
struct detect_expected {
    enum detector detector;
    struct view user_text, group, endpoint;
    sp_unix_ms until;
};
SP_MUST sp_error detect_expect(struct detect *d, const struct detect_expected *e, sp_unix_ms now);
/* Nothing is expected any more. */
void detect_unexpect(struct detect *d);

/* The next incident that is new, or that changed and was told DETECT_TELL_MS ago, as JSON for the
 * broker (PROTOCOL section 5, "incident"); owned by the caller. It stays the next one until
 * detect_told. NULL: none, or no memory. */
struct json *detect_next_incident(struct detect *d, sp_unix_ms now);
void detect_told(struct detect *d, sp_unix_ms now);
/* All of them again, e.g. after the broker was lost. */
void detect_tell_again(struct detect *d);

uint64_t detect_hash(const struct detect *d, struct view v);
size_t detect_bytes(const struct detect *d);

/*
 * The state, and its seal: in two steps, since to copy takes a millisecond and to hash ten, and any
 * thread may do that. detect_write appends the one; detect_seal the other, of what lies in `state`
 * from `from` on. detect_save is both.
 *   SP_ERR_LIMIT      does not fit `out`
 *   SP_ERR_MALFORMED  not whole, of another version, or where options.shared under another key; `d`
 *                     is as new then */
SP_MUST sp_error detect_write(const struct detect *d, struct buf *out);
SP_MUST sp_error detect_seal(struct buf *state, size_t from);
SP_MUST sp_error detect_save(const struct detect *d, struct buf *out);
SP_MUST sp_error detect_load(struct detect *d, struct view state);
/* The same in two steps: any thread looks at the seal and takes it off; the loop reads the rest. */
SP_MUST sp_error detect_unseal(struct view *state);
SP_MUST sp_error detect_read(struct detect *d, struct view state);

#endif
