#include "broker/api/slice.h"

#include "lib/config/tree.h"

#include <stdlib.h>

/* Where things stand in a document, by lines from 0. */
struct lines {
    struct view text;
    size_t *at; /* owned: the offset of each line, and one past the last */
    size_t count;
};

static sp_error lines_of(struct view text, struct lines *out)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n' && i + 1 < text.len;
    out->at = calloc(count + 1, sizeof *out->at);
    if (out->at == NULL)
        return SP_ERR_NOMEM;
    out->text = text;
    out->count = text.len == 0 ? 0 : count;
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\n' && i + 1 < text.len)
            out->at[n++] = i + 1;
    out->at[out->count] = text.len;
    return SP_OK;
}

static struct view line_at(const struct lines *l, size_t i)
{
    return (struct view){l->text.at + l->at[i], l->at[i + 1] - l->at[i]};
}

static size_t indent_of(struct view line)
{
    size_t n = 0;

    while (n < line.len && line.at[n] == ' ')
        n++;
    return n;
}

static bool is_comment(struct view line)
{
    size_t n = indent_of(line);

    return n < line.len && line.at[n] == '#';
}

static bool is_blank(struct view line)
{
    size_t n = indent_of(line);

    return n == line.len || line.at[n] == '\n' || line.at[n] == '\r';
}

/* One document taken apart. */
struct parts {
    struct lines lines;
    struct tree *tree;
    struct json *policies; /* borrowed; NULL: none */
};

static void parts_deinit(struct parts *p)
{
    tree_free(p->tree);
    free(p->lines.at);
}

static sp_error parts_of(struct view document, struct parts *out)
{
    sp_error e;

    *out = (struct parts){0};
    if ((e = lines_of(document, &out->lines)) != SP_OK ||
        (e = tree_parse(document, TREE_BYTES_MAX, NULL, &out->tree)) != SP_OK) {
        parts_deinit(out);
        return e == SP_ERR_LIMIT ? SP_ERR_MALFORMED : e;
    }
    out->policies = json_get(tree_root(out->tree), "policies");
    return SP_OK;
}

/* The line of item `i`'s dash, from 0.
 *   SP_ERR_UNSUPPORTED  it stands in a line with something else */
static sp_error dash_line(const struct parts *p, size_t i, size_t *out)
{
    unsigned line, column;

    tree_place_item(p->tree, p->policies, i, &line, &column);
    if (line == 0 || line > p->lines.count)
        return SP_ERR_UNSUPPORTED;
    for (size_t at = line; at > 0; at--) { /* the dash may stand in a line above its mapping */
        struct view text = line_at(&p->lines, at - 1);
        size_t n = indent_of(text);
        if (n + 1 < text.len && text.at[n] == '-' &&
            (text.at[n + 1] == ' ' || text.at[n + 1] == '\n')) {
            *out = at - 1;
            return SP_OK;
        }
        if (!is_comment(text) && !is_blank(text) && at != line)
            break;
        if (at == line && column > 0 && n + 1 < column)
            break;
    }
    return SP_ERR_UNSUPPORTED;
}

/* The lines of item `i`: from its own comments to before what follows it. */
struct span {
    size_t from, dash, to;
};

/* Comment lines right above a line belong to it. */
static size_t with_comments(const struct lines *l, size_t line, size_t floor)
{
    while (line > floor && is_comment(line_at(l, line - 1)))
        line--;
    return line;
}

static sp_error span_of(const struct parts *p, size_t i, struct span *out)
{
    size_t end = p->lines.count, below = 0;
    sp_error e = dash_line(p, i, &out->dash);

    if (e != SP_OK)
        return e;
    if (i > 0 && (e = dash_line(p, i - 1, &below)) != SP_OK)
        return e;
    size_t indent = indent_of(line_at(&p->lines, out->dash));
    for (size_t n = out->dash + 1; n < end; n++) { /* ends where something is less indented */
        struct view line = line_at(&p->lines, n);
        if (!is_blank(line) && !is_comment(line) && indent_of(line) <= indent)
            end = n;
    }
    if (end < p->lines.count || i + 1 < json_len(p->policies))
        end = with_comments(&p->lines, end, out->dash + 1);
    while (end > out->dash + 1 && is_blank(line_at(&p->lines, end - 1)))
        end--;
    out->to = end;
    out->from = with_comments(&p->lines, out->dash, i > 0 ? below + 1 : 0);
    return i > 0 && below >= out->dash ? SP_ERR_UNSUPPORTED : SP_OK;
}

static sp_error find_item(const struct parts *p, struct view name, struct span *out)
{
    for (size_t i = 0; i < json_len(p->policies); i++)
        if (view_equal(json_str(json_get(json_at(p->policies, i), "name")), name))
            return span_of(p, i, out);
    return SP_ERR_NOT_FOUND;
}

static void add_lines(struct buf *out, const struct lines *l, size_t from, size_t to)
{
    buf_add(out, (struct view){l->text.at + l->at[from], l->at[to] - l->at[from]});
}

static void end_line(struct buf *out)
{
    if (out->len > 0 && out->at[out->len - 1] != '\n')
        buf_add_byte(out, '\n');
}

/* Drops `drop` leading blanks of a line (fewer where there are fewer). */
static struct view dedent(struct view line, size_t drop)
{
    size_t n = indent_of(line);

    if (n > drop)
        n = drop;
    return (struct view){line.at + n, line.len - n};
}

sp_error slice_read(struct view document, struct view name, struct buf *out, unsigned *line)
{
    struct parts p;
    struct span s;
    sp_error e = parts_of(document, &p);

    if (e != SP_OK)
        return e;
    if ((e = find_item(&p, name, &s)) == SP_OK) {
        struct view dash = line_at(&p.lines, s.dash);
        size_t indent = indent_of(dash), inner = indent + 1;
        while (inner < dash.len && dash.at[inner] == ' ')
            inner++;
        for (size_t n = s.from; n < s.to; n++) {
            struct view text = line_at(&p.lines, n);
            if (n == s.dash)
                buf_add(out, (struct view){text.at + inner, text.len - inner});
            else
                buf_add(out, dedent(text, n < s.dash ? indent : inner));
        }
        end_line(out);
        *line = (unsigned)s.from + 1;
        e = buf_error(out);
    }
    parts_deinit(&p);
    return e;
}

/* `text` as an item whose dash stands at `indent`: the dash before its first line of content. */
static void add_item(struct buf *out, struct view text, size_t indent)
{
    static const char blanks[] = "                                ";
    bool dashed = false;

    while (text.len > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) + 1 : text.len;
        struct view line = {text.at, len};
        bool content = !is_blank(line) && !is_comment(line);

        if (!is_blank(line)) {
            buf_add(out, (struct view){(const uint8_t *)blanks, indent});
            if (content && !dashed)
                buf_add_str(out, "- ");
            else if (dashed)
                buf_add_str(out, "  ");
        }
        buf_add(out, line);
        dashed = dashed || content;
        text = (struct view){text.at + len, text.len - len};
    }
    end_line(out);
}

/* Where a first or further item goes: after the last one, or after the line "policies:". */
static sp_error place_of_new(const struct parts *p, size_t *line, size_t *indent, bool *key)
{
    size_t count = json_len(p->policies);
    struct span last;
    unsigned at, column;

    *indent = 2;
    *key = p->policies == NULL;
    *line = p->lines.count;
    if (count > 0) {
        sp_error e = span_of(p, count - 1, &last);
        *line = last.to;
        *indent = indent_of(line_at(&p->lines, last.dash));
        return e;
    }
    if (p->policies != NULL) {
        tree_place_member(p->tree, tree_root(p->tree), "policies", &at, &column);
        struct view text = at > 0 ? line_at(&p->lines, at - 1) : (struct view){0};
        if (text.len == 0 || memchr(text.at, '[', text.len) != NULL)
            return SP_ERR_UNSUPPORTED;
        *line = at;
    }
    return SP_OK;
}

sp_error slice_replace(struct view document, struct view name, struct view text, struct buf *out,
                       unsigned *line)
{
    size_t indent = 0, to;
    bool key = false;
    struct parts p;
    struct span s;
    sp_error e = parts_of(document, &p);

    if (e != SP_OK)
        return e;
    e = find_item(&p, name, &s);
    to = s.to;
    if (e == SP_OK) {
        indent = indent_of(line_at(&p.lines, s.dash));
    } else if (e == SP_ERR_NOT_FOUND) {
        e = place_of_new(&p, &s.from, &indent, &key);
        to = s.from;
    }
    if (e == SP_OK && indent > 32)
        e = SP_ERR_UNSUPPORTED;
    if (e == SP_OK) {
        add_lines(out, &p.lines, 0, s.from);
        end_line(out);
        if (key)
            buf_add_str(out, p.lines.count == 0 ? "version: 1\npolicies:\n" : "policies:\n");
        *line = 1;
        for (size_t i = 0; i < out->len; i++)
            *line += out->at[i] == '\n';
        add_item(out, text, indent);
        add_lines(out, &p.lines, to, p.lines.count);
        e = buf_error(out);
    }
    parts_deinit(&p);
    return e;
}

sp_error slice_remove(struct view document, struct view name, struct buf *out)
{
    struct parts p;
    struct span s;
    sp_error e = parts_of(document, &p);

    if (e != SP_OK)
        return e;
    if ((e = find_item(&p, name, &s)) == SP_OK) {
        add_lines(out, &p.lines, 0, s.from);
        add_lines(out, &p.lines, s.to, p.lines.count);
        e = buf_error(out);
    }
    parts_deinit(&p);
    return e;
}

bool slice_names(struct view text, struct view name)
{
    struct tree *t;

    if (tree_parse(text, TREE_BYTES_MAX, NULL, &t) != SP_OK)
        return false;
    bool same = view_equal(json_str(json_get(tree_root(t), "name")), name);
    tree_free(t);
    return same;
}
