#ifndef SP_INVENTORY_INVENTORY_H
#define SP_INVENTORY_INVENTORY_H

/*
 * inventory: which endpoints an application really has, learned from what it answered.
 *
 * A tree of path segments. Templates of the app's document come first and never change. Elsewhere a
 * segment that looks like a value (classify.h) is a parameter at once; words that behave alike
 * become one parameter when there are more than INVENTORY_GROUP of them. A child's signature is the
 * set of its next segments and of the top-level names in its answers; it joins a group when
 * |A n B| / min(|A|, |B|) is at least 0.7 with the group's union.
 *
 * Only answers of the application other than 400, 404, 405 and 429 make nodes, so that a scanner
 * adds nothing. Everything has a limit and nothing grows beyond it: single calls go first, then
 * `full` is set and new endpoints are only counted.
 *
 * Names and words in it come from requests and answers: escape them where they are shown. Values of
 * parameters are never kept. One thread. Snapshot fuzzed by tests/fuzz/fuzz_inventory.c.
 */

#include "connector/gateway/inventory/classify.h"
#include "connector/gateway/sketch/hll.h"
#include "connector/gateway/sketch/loghist.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/gateway/match.h"

enum {
    INVENTORY_ENDPOINTS_MAX = 4096,
    INVENTORY_NODES_MAX = 16384,
    INVENTORY_SEGMENTS_MAX = 20,
    INVENTORY_SEGMENT_BYTES_MAX = 256,
    INVENTORY_GROUP = 16,     /* words that behave alike, before they are one parameter */
    INVENTORY_NAMES_MAX = 48, /* top-level names of an answer; names in a query */
    INVENTORY_NAME_BYTES_MAX = 64,
    INVENTORY_SPLITS_MAX = 256,
    INVENTORY_TEMPLATE_MAX = 2048,
    INVENTORY_SWEEP_CALLS = 5000,
    INVENTORY_SWEEP_MS = 60 * 1000
};

struct inventory;

struct inventory_options {
    uint8_t key[16];  /* of hashes; this process' own */
    size_t bytes_max; /* of everything; 0: 8 MiB */
    sp_unix_ms began; /* "unused for 30 days" counts from here */
};

/*   SP_ERR_NOMEM */
SP_MUST sp_error inventory_new(const struct inventory_options *o, struct inventory **out);
void inventory_free(struct inventory *v); /* NULL is allowed */

/* An operation of the app's document; "{name}" segments are parameters.
 *   SP_ERR_INVALID  no path, or too many or too long segments;  SP_ERR_FULL  a limit is reached
 *   SP_ERR_NOMEM */
SP_MUST sp_error inventory_document(struct inventory *v, enum gw_method method, struct view path,
                                    bool deprecated);

/* One name with the kinds of values seen under it. */
struct inventory_name {
    struct view name;
    enum value_class value;
};
enum inventory_shape { SHAPE_NONE = 0, SHAPE_OBJECT, SHAPE_ARRAY };

/* What is learned of one call that the application answered. Views live for the call only. */
struct inventory_call {
    sp_unix_ms at;
    enum gw_method method;
    size_t segment_count;
    const struct view *segments; /* decoded */
    int status;                  /* the application's own */
    uint64_t user;               /* hash */
    size_t group_count;
    const struct view *groups;
    int64_t latency_us;
    uint64_t request_bytes, response_bytes;
    bool token, tls; /* an access token came with it; the upstream is TLS */
    size_t query_count;
    const struct inventory_name *query;
    enum inventory_shape shape; /* of a JSON answer; names: its own or its elements' */
    size_t property_count;
    const struct inventory_name *properties;
    uint32_t sensitive; /* 1u << enum of detect/exposure.h */
};

struct endpoint;

/* NULL: it made no node (status, or a limit). Otherwise the endpoint, valid until the next call. */
struct endpoint *inventory_see(struct inventory *v, const struct inventory_call *call);
/* Calls refused by us or answered as unknown: looks up, never makes. NULL: unknown. */
struct endpoint *inventory_find(const struct inventory *v, enum gw_method method,
                                size_t segment_count, const struct view *segments);
/* Which of the segments stand where the tree has a parameter, as bits: of a path whose endpoint is
 * not known, too. Beyond what the tree knows: none. */
uint32_t inventory_values(const struct inventory *v, size_t segment_count,
                          const struct view *segments);
/* Groups words that behave alike, drops what is old. inventory_see does so by itself every
 * INVENTORY_SWEEP_CALLS; call it each INVENTORY_SWEEP_MS too. */
void inventory_sweep(struct inventory *v, sp_unix_ms now);

/* "/users/{user_id}" into `out`; the length. Positions of its parameters into `parameters` (segment
 * numbers), at most `max`; their count. */
size_t endpoint_template(const struct inventory *v, const struct endpoint *e, char *out,
                         size_t room);
size_t endpoint_parameters(const struct inventory *v, const struct endpoint *e, size_t *parameters,
                           size_t max);
uint32_t endpoint_id(const struct endpoint *e); /* steady until the tree changes by a merge */
enum gw_method endpoint_method(const struct endpoint *e);
uint64_t endpoint_calls(const struct endpoint *e);
bool endpoint_documented(const struct endpoint *e);

/* States; several may hold. */
enum endpoint_state {
    ENDPOINT_DOCUMENTED = 1,
    ENDPOINT_SHADOW = 2,          /* answers, but is not in the document */
    ENDPOINT_ORPHAN = 4,          /* documented, unused for 30 days */
    ENDPOINT_ZOMBIE = 8,          /* deprecated, past its sunset or of an older version; answers */
    ENDPOINT_DRIFT = 16,          /* answers other names than the document */
    ENDPOINT_UNAUTHENTICATED = 32 /* answered 2xx without an access token, though others need one */
};
unsigned endpoint_states(const struct inventory *v, const struct endpoint *e, sp_unix_ms now);
const char *endpoint_state_name(enum endpoint_state s); /* "shadow" */

/* What the document says of an endpoint's answers: names beyond these are drift, which is looked
 * for anew. None (count 0): nothing is drift.
 *   SP_ERR_NOT_FOUND  no such endpoint;  SP_ERR_INVALID  too many;  SP_ERR_FULL, SP_ERR_NOMEM  and
 *   nothing is drift */
SP_MUST sp_error inventory_expect(struct inventory *v, enum gw_method method, struct view path,
                                  size_t count, const struct view *names);
/* A retire rule: deprecated and sunset as Unix ms, 0: none. Applies to every endpoint that
 * `match` holds for. */
void inventory_retire(struct inventory *v, const struct gwmatch *match, sp_unix_ms deprecated,
                      sp_unix_ms sunset);

/*
 * The admin's word, the whole list in place of the one before: below these paths ("/reports" of
 * "/reports/{report_id}") words stay words, also where the path is not known yet. A learned
 * parameter there is taken apart and its endpoints are learned anew; where a path is on the list no
 * more, words may become one again at the next sweep. Copies. Paths beyond INVENTORY_SPLITS_MAX are
 * left out.   SP_ERR_NOMEM  the list is empty then */
SP_MUST sp_error inventory_split(struct inventory *v, size_t count, const char *const *paths);

struct inventory_figures {
    size_t nodes, endpoints, bytes, merged; /* merged: words that became parameters */
    uint64_t calls, not_kept;               /* not_kept: new endpoints for which no room was left */
    bool full;
};
struct inventory_figures inventory_figures(const struct inventory *v);

/* All endpoints in no order: for (size_t at = 0; (e = inventory_next(v, &at)) != NULL;). */
struct endpoint *inventory_next(const struct inventory *v, size_t *at);

/* We refused a call of it, or would have; `violation`: the document does not allow it. Saturates.
 */
void endpoint_refused(struct endpoint *e, bool refused, bool violation);

/* A minute in which one person called it so often (pace.h). */
void endpoint_pace(struct endpoint *e, uint64_t calls);

/* The figures of one endpoint in a line. */
struct endpoint_line {
    unsigned states;
    sp_unix_ms first, last; /* 0: never */
    uint64_t calls, users, errors, p95_us, violations, refused;
};
struct endpoint_line endpoint_line(const struct inventory *v, const struct endpoint *e,
                                   sp_unix_ms now);

/*
 * What somebody else has to be told. It differs from what was told last in more than counts, or in
 * counts and INVENTORY_TELL_MS have passed; endpoint_told() makes it known.
 */
enum { INVENTORY_TELL_MS = 30 * 1000 };
bool endpoint_is_news(const struct endpoint *e, sp_unix_ms now);
void endpoint_told(struct endpoint *e, sp_unix_ms now);
/* Rises when an endpoint that was told may have gone. */
uint64_t inventory_losses(const struct inventory *v);

/* One endpoint as the console and the broker know it (PROTOCOL "api.report"). NULL: no memory. */
struct json *endpoint_json(const struct inventory *v, const struct endpoint *e, sp_unix_ms now);

/* An OpenAPI 3.1 document of what was seen: paths, parameters with their types, answers with their
 * top-level names. Owned by the caller. NULL: no memory. */
struct json *inventory_draft(const struct inventory *v, struct view title);

/*
 * State for the connector's folder; loading replaces everything but the document. The text has its
 * own length and hash, so a file cut at any byte is refused whole.
 *   SP_ERR_MALFORMED  not whole, or not of this version; `v` is empty then
 *   SP_ERR_LIMIT      does not fit `out`
 */
SP_MUST sp_error inventory_save(const struct inventory *v, struct buf *out);
SP_MUST sp_error inventory_load(struct inventory *v, struct view state);

#endif
