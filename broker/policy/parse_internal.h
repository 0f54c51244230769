#ifndef SP_POLICY_PARSE_INTERNAL_H
#define SP_POLICY_PARSE_INTERNAL_H

/*
 * parse_internal: what the files of the parser share. A parser carries its first refusal; every
 * reader goes on with harmless values and the caller asks once (`p->err`).
 */

#include "broker/policy/arena.h"
#include "broker/policy/policy.h"
#include "lib/base/json.h"
#include "lib/config/tree.h"

struct parser {
    const struct tree *tree; /* NULL: facts of a test row that came as JSON */
    struct arena *arena;
    const char *zones;
    struct sp_why *why;
    sp_error err;
    const struct json *here;     /* the last mapping that was entered: the place of what it lacks */
    char path[SP_WHY_FIELD_MAX]; /* "policies[2].allow[0].when" */
};

/* Where the parser stands; given back after the member was read. */
struct parser_mark {
    size_t len;
};
struct parser_mark parser_enter(struct parser *p, const char *name);
struct parser_mark parser_enter_index(struct parser *p, size_t index);
void parser_leave(struct parser *p, struct parser_mark mark);

unsigned parser_line(const struct parser *p, const struct json *node);

/* The first refusal wins. */
void parser_refuse(struct parser *p, const struct json *node, sp_error e, const char *format, ...)
    SP_PRINTF(4, 5);

/* False and refused: not an object, or a key that is not in the NULL-ended list. */
bool parser_object(struct parser *p, const struct json *node, const char *const keys[]);

/* Each gives a harmless value on refusal. NULL node: missing, refused. */
const char *parser_text(struct parser *p, const struct json *node, size_t max);
int64_t parser_duration(struct parser *p, const struct json *node, int64_t least);
bool parser_bool(struct parser *p, const struct json *node);
/* A text or a list of texts, at least one. */
struct text_list parser_texts(struct parser *p, const struct json *node, size_t max);
/* Index into a NULL-ended list of words; 0 is never a word ("" there). */
unsigned parser_word(struct parser *p, const struct json *node, const char *const words[]);
/* A word or a list of words, as a bit set. */
unsigned parser_word_set(struct parser *p, const struct json *node, const char *const words[]);
sp_unix_ms parser_rfc3339(struct parser *p, const struct json *node);
const struct label *parser_labels(struct parser *p, const struct json *node, size_t *count);

extern const char *const parse_mfa_words[],
    *const parse_assurance_words[], *const parse_device_states[], *const parse_device_owners[],
                                                                      *const parse_device_keys[],
                                                                          *const parse_risk_words[];

/* parse_condition.c: all keys of a `when`. `in_not`: mfa is refused. `extra` keys are skipped. */
struct condition_list parse_when(struct parser *p, const struct json *node, bool in_not,
                                 const char *const extra[]);
/* parse_network.c: "198.18.0.0/15", "2001:db8::/32", or one address. False: no such thing. */
bool parse_cidr(struct view text, struct cidr *out);
/* parse_time.c */
void parse_time_condition(struct parser *p, const struct json *node, struct time_window *out);

struct limits parse_limits(struct parser *p, const struct json *node);

/* tests.c */
struct policy_test;
void parse_test(struct parser *p, const struct json *node, struct policy_test *out);

/* Facts that were read: they stand at the front of their own memory. facts_free() frees it. */
struct facts_memory {
    struct facts facts;
    struct arena *arena;
};

#endif
