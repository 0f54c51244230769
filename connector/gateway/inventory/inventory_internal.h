#ifndef SP_INVENTORY_INTERNAL_H
#define SP_INVENTORY_INTERNAL_H

/*
 * The tree as its own files see it: tree.c (nodes, look-up), group.c (sweep), endpoint.c (figures,
 * states), draft.c (what is shown), keep.c (snapshot), names.c (interned texts).
 */

#include "connector/gateway/inventory/inventory.h"
#include "connector/gateway/inventory/pace.h"

enum {
    NONE = 0xffff, /* no node, no endpoint */
    ROOT = 0,
    NAMES_MAX = 32768,
    INDEX_SIZE = 65536, /* four times the nodes: short probes */
    GROUPS_KEPT = 8,
    QUERY_MAX = 32,
    DAY_MS = 24 * 60 * 60 * 1000,
    ORPHAN_DAYS = 30,
    SINGLE_DAYS = 7
};

enum node_flag {
    NODE_FIXED = 1, /* of the document */
    NODE_PARAM = 2,
    NODE_GROUP = 4, /* a parameter that took words in */
    NODE_SPLIT = 8  /* words below it stay words */
};

struct node {
    uint16_t parent, child, next; /* child: first of a list, newest first */
    uint16_t param;               /* the parameter among the children */
    uint16_t endpoint;            /* first of a list, one a method */
    uint16_t name;                /* interned; of a parameter: its documented name or 0 */
    uint8_t flags, depth;
    uint16_t classes; /* 1u << enum value_class, of a parameter */
    uint32_t calls;
    sp_unix_ms last;
    bool used;
};

struct seen {
    uint16_t name, classes; /* interned; 1u << enum value_class */
    uint32_t count;
};

/* What only endpoints with a second call have. */
struct figures {
    uint8_t users[HLL_LARGE];
    struct loghist latency_us, bytes;
    struct pace pace;
};

enum endpoint_flag { ENDPOINT_FIXED = 1, ENDPOINT_DEPRECATED = 2 };

struct endpoint {
    uint16_t id, node, next;
    uint8_t method, flags, shape;
    uint32_t sensitive;
    sp_unix_ms first, last, last_ok;
    sp_unix_ms deprecated, sunset; /* of retire rules; 0: none */
    uint64_t calls;
    uint32_t statuses[6]; /* by hundreds; [0] is unused */
    uint32_t with_token, ok_without_token, tls;
    uint64_t first_user, first_bytes; /* of the only call while figures is NULL */
    int64_t first_latency_us;
    struct figures *figures; /* owned */
    uint16_t groups[GROUPS_KEPT];
    uint8_t property_count, query_count;
    struct seen properties[INVENTORY_NAMES_MAX], query[QUERY_MAX];
    uint16_t expected_count;
    uint16_t *expected; /* owned; interned names of the document; NULL: it says none */
    uint16_t drift;     /* interned name; 0: none */
    sp_unix_ms drift_since;
    uint32_t violations, refused;
    /* As it was told last; told 0: never. */
    sp_unix_ms told;
    uint64_t told_counts;
    uint32_t told_kind;
};

struct name {
    uint32_t refs;
    uint16_t len;
    char *text; /* owned */
};

struct names {
    struct name *all; /* owned; [0] is the empty name */
    uint16_t *index;  /* owned; INDEX_SIZE, NONE: free */
    size_t count;
    uint8_t key[16];
};

_Static_assert(INVENTORY_NODES_MAX <= UINT16_MAX, "a node's number has 16 bits");

struct inventory {
    struct inventory_options options;
    struct names names;
    struct node *nodes;          /* owned; INVENTORY_NODES_MAX; [0] is the root */
    uint16_t *index;             /* owned; (parent, name) to node */
    struct endpoint **endpoints; /* owned; INVENTORY_ENDPOINTS_MAX */
    size_t node_count, endpoint_count, bytes, merged, splits;
    uint16_t node_hint, endpoint_hint;
    uint64_t calls, not_kept, with_token, losses;
    uint32_t since_sweep;
    sp_unix_ms swept, evicted;
    bool full;
    char **split; /* owned; split_count paths below which words stay words */
    size_t split_count;
};

/* names.c. 0: empty or no room. name_put counts one more owner, name_drop one fewer. */
SP_MUST sp_error names_init(struct names *n, const uint8_t key[16]);
void names_deinit(struct names *n);
uint16_t name_put(struct names *n, struct view text, size_t *bytes);
uint16_t name_find(const struct names *n, struct view text);
void name_drop(struct names *n, uint16_t id, size_t *bytes);
struct view name_text(const struct names *n, uint16_t id);

/* tree.c. Nodes by index; NONE: no room or not there. */
uint16_t node_child(const struct inventory *v, uint16_t parent, struct view segment);
uint16_t node_child_named(const struct inventory *v, uint16_t parent, uint16_t name);
uint16_t node_make(struct inventory *v, uint16_t parent, struct view segment, uint8_t flags);
void node_drop(struct inventory *v, uint16_t at); /* with all below */
void node_move(struct inventory *v, uint16_t at, uint16_t to);
bool inventory_has_room(const struct inventory *v);
void inventory_take_apart(struct inventory *v); /* what is on the list of splits */
void splits_free(struct inventory *v);

/* endpoint.c */
struct endpoint *endpoint_of(const struct inventory *v, uint16_t node, enum gw_method method);
struct endpoint *endpoint_make(struct inventory *v, uint16_t node, enum gw_method method);
void endpoint_drop(struct inventory *v, struct endpoint *e);
void endpoint_forget_expected(struct inventory *v, struct endpoint *e); /* and its drift */
void endpoint_merge(struct inventory *v, struct endpoint *to, struct endpoint *from);
void endpoint_count_call(struct inventory *v, struct endpoint *e,
                         const struct inventory_call *call);
bool endpoint_give_figures(struct inventory *v, struct endpoint *e);

/* group.c: may the words of `call` from segment `at` on live below the parameter `param`? */
bool group_takes(const struct inventory *v, uint16_t param, const struct inventory_call *call,
                 size_t at);

#endif
