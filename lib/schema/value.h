#ifndef SP_SCHEMA_VALUE_H
#define SP_SCHEMA_VALUE_H

/*
 * value: the JSON of bodies and API documents, read by yyjson so strictly that no two readers can
 * disagree about it.
 *
 * Refused besides what RFC 8259 refuses: a name twice in an object (after decoding escapes), lone
 * surrogates, a byte order mark, invalid UTF-8, bytes after the value, numbers outside the range of
 * a double, more than VALUE_DEPTH_MAX levels. Integers are exact at any length; other numbers are
 * what a double makes of them.
 * A value lives in the scratch that it was read into. Nothing here changes it; any thread may read.
 * Fuzzed by tests/fuzz/fuzz_schema_run.c.
 */

#include "lib/schema/scratch.h"

#include "lib/base/view.h"

enum { VALUE_DEPTH_MAX = 64, VALUE_DOCUMENT_DEPTH_MAX = 256 };

struct value; /* one JSON value; in fact yyjson's */

enum value_kind {
    VALUE_MISSING = 0, /* a NULL pointer */
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT
};

/* What was wrong with a text, for a report or a log. */
struct value_fault {
    const char *what; /* static; never bytes of the text */
    size_t at;        /* offset in bytes where it is known */
    bool duplicate;   /* a name stands twice */
};

/*
 * Reads one whole text of at most `depth` levels into the scratch. Costs up to 12 bytes of scratch
 * a byte of text. `fault` may be NULL. SP_ERR_MALFORMED  not JSON, or refused above SP_ERR_LIMIT
 * deeper than `depth` SP_ERR_NOMEM      the scratch is full
 */
SP_MUST sp_error value_read(struct view text, size_t depth, struct scratch *scratch,
                            struct value_fault *fault, const struct value **out);

/* Lenders: NULL, zero or empty when missing or of another kind. */
enum value_kind value_kind(const struct value *v);
struct view value_string(const struct value *v);
bool value_bool(const struct value *v, bool *out);     /* false: no boolean */
bool value_number(const struct value *v, double *out); /* false: no number */
size_t value_count(const struct value *v);             /* members or items */
const struct value *value_member(const struct value *object, struct view name);
const struct value *value_item(const struct value *array, size_t index); /* walks: O(index) */

/* The text of a scalar as it would stand in a URL: a string's bytes, a number's digits, true. Takes
 * room from the scratch for numbers. Empty for null, containers and a full scratch. */
struct view value_text(const struct value *v, struct scratch *scratch);

/* Walks: for (struct value_iter i = value_iter(v); value_next(&i);). Arrays have no names. */
struct value_iter {
    const struct value *container, *name, *value;
    size_t index, count;
};
struct value_iter value_iter(const struct value *container);
bool value_next(struct value_iter *i);

/* RFC 6901; "" is the value itself. NULL: nothing there, or no pointer. */
const struct value *value_at(const struct value *v, struct view pointer);

#endif
