#ifndef SP_TERM_OUT_H
#define SP_TERM_OUT_H

/*
 * out: what people read in a terminal: lines, tables and KEY value blocks.
 *
 * Columns stand two blanks apart and line up by display width; the last column wraps, nothing is
 * cut; under OUT_NARROW columns a table becomes blocks of KEY value lines. Colour stands only on
 * state words, only on a terminal, and never with NO_COLOR or TERM=dumb. Foreign text is written
 * with control characters escaped (TM-22). Data goes to standard output, talk to standard error.
 * One thread.
 */

#include "lib/base/buf.h"

#include <stdio.h>

enum { OUT_NARROW = 60, OUT_COLUMNS_MAX = 16 };

enum out_tone { OUT_PLAIN = 0, OUT_GOOD, OUT_WARN, OUT_BAD };

struct out {
    FILE *file;     /* borrowed */
    unsigned width; /* columns; 0: not a terminal, nothing wraps */
    bool colour;
};

/* Asks the terminal behind `file`, COLUMNS, NO_COLOR and TERM. */
struct out out_on(FILE *file);

/* One line, escaped, wrapped at words. */
void out_line(const struct out *o, const char *text, ...) SP_PRINTF(2, 3);
/* The same without escape and wrap: for text of our own that has a form (QR, commands). */
void out_raw(const struct out *o, struct view text);

struct out_cell {
    const char *text; /* NULL: "–" */
    enum out_tone tone;
};

struct out_table;

/* `heads` in capitals, at most OUT_COLUMNS_MAX; NULL: a table without a head, whose first two cells
 * name the row. Copies. NULL: out of memory. */
struct out_table *out_table_new(const char *const heads[], size_t count);
void out_table_free(struct out_table *t); /* NULL is allowed */
/* `cells` has one for each head. Copies. */
void out_table_row(struct out_table *t, const struct out_cell cells[]);
/*   SP_ERR_NOMEM  a row was lost
 *   SP_ERR_IO     the file took no more */
SP_MUST sp_error out_table_print(struct out_table *t, const struct out *o);

struct out_pair {
    const char *key;
    struct out_cell value;
};
/* Keys in one column, values in the next. Rows with a NULL value text are left out. */
SP_MUST sp_error out_pairs(const struct out *o, const struct out_pair pairs[], size_t count);

/* A line for each member of an object: its name in words, and its value as text or compact JSON. */
struct json;
void out_members(const struct out *o, const struct json *object);

/* Columns that a text takes: 0 for combining marks, 2 for wide East Asian and emoji. */
size_t out_width(struct view text);

/* "3 min", "2 h", "5 d" of a duration in ms; "now" under 1 s. For the full expression. */
struct out_age {
    char s[32];
};
struct out_age out_age(int64_t ms);
/* "3 min ago"; "just now" under 1 s. */
struct out_age out_ago(int64_t ms);

#endif
