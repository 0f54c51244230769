#ifndef SP_SCHEMA_PROGRAM_H
#define SP_SCHEMA_PROGRAM_H

/*
 * program: the flat form that schemas are compiled into, and how it is built up.
 *
 * A node is one schema: a run of instructions, all of which must hold. Node ids are indexes; a $ref
 * is a node id, so circles are plain numbers. Lists and tables lie in one array of words, strings
 * and names once each in one text, constants in one JSON array. Nodes with the same instructions
 * are one node.
 *
 * Made by compile.c through builder_*; builder_seal() makes it what run.c reads. Not changed
 * after that: run.c and traits.c only read.
 */

#include "lib/schema/pattern.h"
#include "lib/schema/schema.h"
#include "lib/schema/value_internal.h"

#include "lib/base/buf.h"

enum { NODE_FALSE = 0, NODE_TRUE = 1, NODES_FIXED };
#define NONE UINT32_MAX /* no node, no text, no list */

enum { PROGRAM_NODES_MAX = 1 << 22, PROGRAM_WORDS_MAX = 1 << 26, PROGRAM_TEXT_MAX = 1 << 28 };

/* Bits of OP_TYPE and of what a parameter may become. */
enum {
    TYPE_NULL = 1,
    TYPE_BOOL = 2,
    TYPE_INTEGER = 4,
    TYPE_NUMBER = 8, /* any number; a schema's "number" has both bits */
    TYPE_STRING = 16,
    TYPE_ARRAY = 32,
    TYPE_OBJECT = 64,
    TYPE_ANY = 127
};

enum op {
    OP_NULLABLE,      /* null holds at once */
    OP_TYPE,          /* a: bits */
    OP_CONST,         /* a: constant */
    OP_ENUM,          /* a: words: count, mask, constants, cells of index + 1 */
    OP_MINIMUM,       /* a: constant; flags 1: exclusive */
    OP_MAXIMUM,       /* the same */
    OP_MULTIPLE,      /* a: constant */
    OP_LENGTH,        /* a: least, b: most characters */
    OP_PATTERN,       /* a: pattern */
    OP_FORMAT,        /* a: enum format */
    OP_ITEMS,         /* a: words: count, nodes; b: node of the rest, or NONE */
    OP_COUNT_ITEMS,   /* a: least, b: most */
    OP_UNIQUE,        /* all items differ */
    OP_CONTAINS,      /* a: node, b: least, c: most */
    OP_OBJECT,        /* a: words, see struct table */
    OP_COUNT_MEMBERS, /* a: least, b: most */
    OP_NAMES,         /* a: node for each name */
    OP_NEEDS,         /* dependentRequired; a: words: text, count, texts */
    OP_NEEDS_SCHEMA,  /* dependentSchemas; a: text, b: node */
    OP_READ_ONLY,     /* fails in requests */
    OP_WRITE_ONLY,    /* fails in responses */
    OP_SENSITIVE,     /* x-sallyport-sensitive: says something to traits.h, and holds always */
    OP_REF,           /* a: node */
    OP_DYNAMIC_REF,   /* a: node, b: text of the anchor */
    OP_ALL,           /* a: words: count, nodes */
    OP_ANY,           /* the same; b: words of a discriminator, or NONE */
    OP_ONE,
    OP_NOT,               /* a: node */
    OP_IF,                /* a: if, b: then, c: else; NODE_TRUE where absent */
    OP_UNEVALUATED_ITEMS, /* a: node; these two see what all above have marked */
    OP_UNEVALUATED,       /* a: node */
    OPS
};

struct instruction {
    uint16_t op, flags;
    uint32_t a, b, c;
};

enum {
    NODE_TRACKS = 1, /* has unevaluated* itself: needs marks of its own */
    NODE_NARROWS = 2 /* enum, const, format or a short pattern: its strings are no free text */
};

struct node {
    uint32_t from; /* instruction */
    uint16_t count;
    uint16_t flags;
    uint32_t resource;
};

struct text {
    uint32_t from, len;
};

/* OP_OBJECT: its words. `entries` follow, then `mask + 1` cells of entry index + 1 when mask is not
 * 0, then pairs of pattern and node. */
struct table {
    uint32_t count, mask;
    uint32_t required_in_request, required_in_response;
    uint32_t patterns;
    uint32_t additional; /* node for what nothing else described, or NONE */
};

enum { ENTRY_REQUIRED_IN_REQUEST = 1, ENTRY_REQUIRED_IN_RESPONSE = 2, ENTRY_DECLARED = 4 };

struct entry {
    struct text name;
    uint32_t node, bits; /* node is read when ENTRY_DECLARED */
};

/* OP_ANY and OP_ONE with a discriminator: text of the property, count, pairs of text and node. */

struct dynamic {
    uint32_t text, resource, node; /* $dynamicAnchor `text` of `resource` */
};

struct schema_program {
    struct node *nodes;
    struct instruction *code;
    uint32_t *words;
    struct text *texts;
    char *bytes; /* of the texts */
    struct pattern **patterns;
    struct dynamic *dynamics;
    yyjson_val **constants; /* into `constant_doc` once sealed */
    struct scratch constant_memory;
    size_t node_count, code_count, word_count, text_count, byte_count, pattern_count, dynamic_count,
        constant_count, unportable_count;
    uint32_t root;
    bool asserts_formats;
};

/* The one TYPE_… bit of a value. */
uint32_t program_type_of(yyjson_val *v);

/* Whether a value is of one of these types. Only for an integer that is written as 1.0 does it
 * depend on more than the tag. */
static inline bool program_is_type(yyjson_val *v, uint32_t bits)
{
    static const uint8_t by_type[] = {
        [YYJSON_TYPE_RAW] = TYPE_INTEGER, [YYJSON_TYPE_NULL] = TYPE_NULL,
        [YYJSON_TYPE_BOOL] = TYPE_BOOL,   [YYJSON_TYPE_NUM] = TYPE_INTEGER | TYPE_NUMBER,
        [YYJSON_TYPE_STR] = TYPE_STRING,  [YYJSON_TYPE_ARR] = TYPE_ARRAY,
        [YYJSON_TYPE_OBJ] = TYPE_OBJECT,
    };
    uint32_t own = by_type[unsafe_yyjson_get_type(v)];

    return (own & ~bits) == 0 || ((own & bits) != 0 && (program_type_of(v) & bits) != 0);
}

static inline struct view program_text(const struct schema_program *p, uint32_t text)
{
    return (struct view){(const uint8_t *)p->bytes + p->texts[text].from, p->texts[text].len};
}

static inline struct view entry_name(const struct schema_program *p, const struct entry *e)
{
    return (struct view){(const uint8_t *)p->bytes + e->name.from, e->name.len};
}

static inline const struct table *program_table(const struct schema_program *p, uint32_t words)
{
    return (const struct table *)(p->words + words);
}

enum { TABLE_WORDS = sizeof(struct table) / sizeof(uint32_t) };
enum { ENTRY_WORDS = sizeof(struct entry) / sizeof(uint32_t) };

static inline const struct entry *table_entries(const struct table *t)
{
    return (const struct entry *)(t + 1);
}

static inline const uint32_t *table_cells(const struct table *t)
{
    return (const uint32_t *)(table_entries(t) + t->count);
}

static inline const uint32_t *table_patterns(const struct table *t)
{
    return table_cells(t) + (t->mask == 0 ? 0 : t->mask + 1);
}

static inline uint64_t load_8(const uint8_t *at)
{
    uint64_t n;

    memcpy(&n, at, sizeof n);
    return n;
}

static inline uint32_t load_4(const uint8_t *at)
{
    uint32_t n;

    memcpy(&n, at, sizeof n);
    return n;
}

/* Names are short: two loads that may overlap say more quickly than a call whether they differ. */
static inline bool entry_is(const struct schema_program *p, const struct entry *e, struct view name)
{
    const uint8_t *a = (const uint8_t *)p->bytes + e->name.from, *b = name.at;
    size_t len = name.len;

    if (e->name.len != len)
        return false;
    if (len > 16)
        return memcmp(a, b, len) == 0;
    if (len >= 8)
        return ((load_8(a) ^ load_8(b)) | (load_8(a + len - 8) ^ load_8(b + len - 8))) == 0;
    if (len >= 4)
        return ((load_4(a) ^ load_4(b)) | (load_4(a + len - 4) ^ load_4(b + len - 4))) == 0;
    return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

/* NULL: the table does not name it. */
const struct entry *table_find(const struct schema_program *p, const struct table *t,
                               struct view name);

/* The same; looks first at the entry behind the last hit, which `*hint` remembers (0 at first):
 * most writers keep the order of the schema. */
static inline const struct entry *table_find_next(const struct schema_program *p,
                                                  const struct table *t, struct view name,
                                                  uint32_t *hint)
{
    const struct entry *entries = table_entries(t), *e = &entries[*hint];

    if (*hint >= t->count || !entry_is(p, e, name))
        e = table_find(p, t, name);
    if (e != NULL)
        *hint = (uint32_t)(e - entries) + 1;
    return e;
}

/* ---- building ---- */

struct index_cell;

/* A set of things that are already there, by hash: cells hold number + 1. */
struct index {
    struct index_cell *cells; /* owned */
    size_t count, room;
};

struct builder {
    struct schema_program *p; /* owned until sealed */
    struct index by_text, by_node, by_pattern, by_constant, by_words;
    struct buf constants;         /* "[…,…": their JSON texts */
    struct text *constant_spans;  /* owned; of each in `constants` */
    struct text *word_spans;      /* owned; of each list in p->words */
    struct text *pattern_sources; /* owned; text id in `from`, portable in `len` */
    size_t word_lists;
    size_t rooms[16]; /* of the arrays */
    sp_error err;     /* the first failure; all adders do nothing after it */
};

sp_error builder_init(struct builder *b); /* SP_ERR_NOMEM */
void builder_deinit(struct builder *b);   /* also the unsealed program */

uint32_t builder_text(struct builder *b, struct view v);
uint32_t builder_words(struct builder *b, const uint32_t *words, size_t count);
uint32_t builder_constant(struct builder *b, yyjson_val *v);
uint32_t builder_reserve(struct builder *b); /* a node id, to be filled later */

struct draft {
    struct instruction *code;
    size_t count;
    uint16_t flags;
    uint32_t resource;
};
/* A node with these instructions: an old one when there is one, else a new one. */
uint32_t builder_node(struct builder *b, const struct draft *d);
void builder_fill(struct builder *b, uint32_t id, const struct draft *d);

/* SP_ERR_INVALID, SP_ERR_UNSUPPORTED: `*what`; or b->err. */
sp_error builder_pattern(struct builder *b, struct view text, uint32_t *id, bool *portable,
                         const char **what);
void builder_dynamic(struct builder *b, struct dynamic d);

/* Hands the program over. */
SP_MUST sp_error builder_seal(struct builder *b, struct schema_program **out);

#endif
