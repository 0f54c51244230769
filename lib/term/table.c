#include "lib/term/out_internal.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { CELL_BYTES_MAX = 64 * 1024, GAP = 2 };

struct cell {
    char *text; /* owned; escaped */
    enum out_tone tone;
};

struct out_table {
    size_t columns, rows, cap;
    struct cell *heads; /* owned; columns of them; NULL: no head */
    struct cell *cells; /* owned; rows * columns */
    bool lost;          /* a row did not fit into memory */
};

/* NULL: out of memory. */
static char *escaped(const char *text)
{
    struct buf visible;
    char *s = NULL;

    buf_init(&visible, CELL_BYTES_MAX);
    if (out_escape(text, &visible))
        s = buf_take_str(&visible);
    buf_deinit(&visible);
    return s;
}

struct out_table *out_table_new(const char *const heads[], size_t count)
{
    struct out_table *t = calloc(1, sizeof *t);

    if (t == NULL || count == 0 || count > OUT_COLUMNS_MAX) {
        free(t);
        return NULL;
    }
    t->columns = count;
    if (heads == NULL)
        return t;
    t->heads = calloc(count, sizeof *t->heads);
    for (size_t i = 0; t->heads != NULL && i < count; i++) {
        t->heads[i].text = escaped(heads[i]);
        if (t->heads[i].text == NULL)
            t->lost = true;
    }
    if (t->heads == NULL || t->lost) {
        out_table_free(t);
        return NULL;
    }
    return t;
}

void out_table_free(struct out_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->rows * t->columns; i++)
        free(t->cells[i].text);
    for (size_t i = 0; t->heads != NULL && i < t->columns; i++)
        free(t->heads[i].text);
    free(t->cells);
    free(t->heads);
    free(t);
}

static bool make_room(struct out_table *t)
{
    size_t cap = t->cap == 0 ? 16 : t->cap * 2;

    if (t->rows < t->cap)
        return true;
    struct cell *cells = reallocarray(t->cells, cap * t->columns, sizeof *cells);
    if (cells == NULL)
        return false;
    t->cells = cells;
    t->cap = cap;
    return true;
}

void out_table_row(struct out_table *t, const struct out_cell cells[])
{
    if (!make_room(t)) {
        t->lost = true;
        return;
    }
    struct cell *row = &t->cells[t->rows * t->columns];
    for (size_t i = 0; i < t->columns; i++) {
        row[i] = (struct cell){escaped(cells[i].text), cells[i].tone};
        t->lost = t->lost || row[i].text == NULL;
    }
    t->rows++;
}

static struct view cell_text(const struct cell *c)
{
    return view_str(c->text != NULL ? c->text : "");
}

static void print_row(const struct out *o, const struct cell *row, const size_t *widths,
                      size_t columns)
{
    size_t indent = 0;

    while (columns > 1 && cell_text(&row[columns - 1]).len == 0)
        columns--; /* no blanks at the end of a line */
    for (size_t i = 0; i + 1 < columns; i++) {
        struct view text = cell_text(&row[i]);
        out_tinted(o, text, row[i].tone);
        out_blanks(o, widths[i] - out_width(text) + GAP);
        indent += widths[i] + GAP;
    }
    out_wrapped(o, cell_text(&row[columns - 1]), indent, row[columns - 1].tone);
}

static void print_table(const struct out_table *t, const struct out *o, const size_t *widths)
{
    if (t->heads != NULL)
        print_row(o, t->heads, widths, t->columns);
    for (size_t r = 0; r < t->rows; r++)
        print_row(o, &t->cells[r * t->columns], widths, t->columns);
}

/* "KEY  value" lines, keys in one column. */
static void print_pair(const struct out *o, const struct cell *key, size_t width,
                       const struct cell *value)
{
    out_tinted(o, cell_text(key), OUT_PLAIN);
    if (cell_text(value).len > 0)
        out_blanks(o, width - out_width(cell_text(key)) + GAP);
    out_wrapped(o, cell_text(value), width + GAP, value->tone);
}

/* Without keys: the first cells in one line, each further one below, indented. */
static void print_paragraphs(const struct out_table *t, const struct out *o)
{
    enum { INDENT = 6 };

    for (size_t r = 0; r < t->rows; r++) {
        const struct cell *row = &t->cells[r * t->columns];

        if (cell_text(&row[0]).len > 0) {
            out_tinted(o, cell_text(&row[0]), row[0].tone);
            out_blanks(o, GAP);
            out_wrapped(o, cell_text(&row[1]), INDENT, row[1].tone);
        }
        for (size_t i = 2; i < t->columns; i++) {
            if (cell_text(&row[i]).len == 0)
                continue;
            out_blanks(o, INDENT);
            out_wrapped(o, cell_text(&row[i]), INDENT, row[i].tone);
        }
    }
}

static void print_blocks(const struct out_table *t, const struct out *o)
{
    size_t width = 0;

    if (t->rows == 0)
        fputs("none\n", o->file); /* where a table would show its heads */
    if (t->heads == NULL) {
        print_paragraphs(t, o);
        return;
    }

    for (size_t i = 0; i < t->columns; i++) {
        size_t w = out_width(cell_text(&t->heads[i]));
        width = w > width ? w : width;
    }
    for (size_t r = 0; r < t->rows; r++) {
        if (r > 0)
            fputc('\n', o->file);
        for (size_t i = 0; i < t->columns; i++)
            print_pair(o, &t->heads[i], width, &t->cells[r * t->columns + i]);
    }
}

sp_error out_table_print(struct out_table *t, const struct out *o)
{
    size_t widths[OUT_COLUMNS_MAX] = {0}, before_last = 0;

    if (t->lost)
        return SP_ERR_NOMEM;
    for (size_t i = 0; i < t->columns; i++) {
        widths[i] = t->heads == NULL ? 0 : out_width(cell_text(&t->heads[i]));
        for (size_t r = 0; r < t->rows; r++) {
            size_t w = out_width(cell_text(&t->cells[r * t->columns + i]));
            widths[i] = w > widths[i] ? w : widths[i];
        }
        if (i + 1 < t->columns)
            before_last += widths[i] + GAP;
    }
    /* blocks too when the last column would have no room left to wrap in */
    if (o->width > 0 && (o->width < OUT_NARROW || before_last + 12 > o->width))
        print_blocks(t, o);
    else
        print_table(t, o, widths);
    return fflush(o->file) == 0 && !ferror(o->file) ? SP_OK : SP_ERR_IO;
}

sp_error out_pairs(const struct out *o, const struct out_pair pairs[], size_t count)
{
    size_t width = 0;

    for (size_t i = 0; i < count; i++) {
        size_t w = out_width(view_str(pairs[i].key));
        width = w > width && pairs[i].value.text != NULL ? w : width;
    }
    for (size_t i = 0; i < count; i++) {
        struct cell key, value;

        if (pairs[i].value.text == NULL)
            continue;
        key = (struct cell){escaped(pairs[i].key), OUT_PLAIN};
        value = (struct cell){escaped(pairs[i].value.text), pairs[i].value.tone};
        bool lost = key.text == NULL || value.text == NULL;
        if (!lost)
            print_pair(o, &key, width, &value);
        free(key.text);
        free(value.text);
        if (lost)
            return SP_ERR_NOMEM;
    }
    return fflush(o->file) == 0 && !ferror(o->file) ? SP_OK : SP_ERR_IO;
}
