#ifndef SP_SCHEMA_PATTERN_H
#define SP_SCHEMA_PATTERN_H

/*
 * pattern: a regular expression of a schema, written for ECMA-262, run by PCRE2.
 *
 * Translated first, so that it means here what it means there: `$` is the very end, \d \w are
 * ASCII, \s is ECMA's white space, \p{Letter} has its long name, \uHHHH and \u{H} are characters.
 * What ECMA-262 doesn't have (\A, (?i), possessive quantifiers, …) keeps PCRE2's meaning and is
 * told apart as not portable: other validators of the same document may see it otherwise. \C,
 * callouts and (*VERBS) are refused.
 * A compiled pattern is not changed by matching: any thread, each with a match block of its own.
 * A match ends after PATTERN_MATCH_MAX tries.
 */

#include "lib/base/view.h"

enum { PATTERN_BYTES_MAX = 16 * 1024, PATTERN_MATCH_MAX = 10000 };

struct pattern;
struct pattern_block; /* what one walk needs to match: limits and room */

enum pattern_error {
    PATTERN_OK = 0,
    PATTERN_INVALID,     /* no regular expression */
    PATTERN_UNSUPPORTED, /* one that PCRE2 can't run: lookbehind without a fixed length, too large
                          */
    PATTERN_NOMEM
};

/* Compiles, with machine code where the system permits it. `*portable` is false when ECMA-262 does
 * not know all of it. `what` gets a static text of what is wrong. */
enum pattern_error pattern_compile(struct view text, struct pattern **out, bool *portable,
                                   const char **what);
void pattern_free(struct pattern *p); /* NULL is allowed */
size_t pattern_bytes(const struct pattern *p);

/* NULL: no memory. */
struct pattern_block *pattern_block_new(void);
void pattern_block_free(struct pattern_block *b);

enum pattern_answer { PATTERN_NO = 0, PATTERN_YES, PATTERN_TOO_COSTLY };
/* Whether the pattern is found anywhere in `text`, which is valid UTF-8. */
enum pattern_answer pattern_match(const struct pattern *p, struct pattern_block *b,
                                  struct view text);

/* Whether `text` is a regular expression of ECMA-262 that can be run here: the format `regex`. */
bool pattern_is_valid(struct view text);

#endif
