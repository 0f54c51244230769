#include "lib/config/tree.h"

#include "lib/config/events.h"
#include "lib/config/scalar.h"

#include <stdlib.h>

#include "lib/base/banned.h"

/* Where one value stands, and where the name or item that brought it begins. */
struct place {
    const struct json *node, *parent; /* borrowed from root; parent NULL: the root */
    size_t ordinal;                   /* among its parent's members or items, in the text's order */
    unsigned line, column;            /* of the member's name, or of the item */
    unsigned value_line, value_column;
};

struct tree {
    struct json *root; /* owned */
    struct place *places;
    size_t count, cap;
};

/* A container that is being filled. */
struct level {
    struct json *container; /* borrowed from the tree */
    bool object, have_name;
    struct buf name;
    yaml_mark_t name_mark;
    size_t ordinal;
};

struct reader {
    struct tree *tree;
    struct sp_why *why;
    struct level levels[TREE_DEPTH_MAX];
    size_t depth;
};

static sp_error remember(struct tree *t, struct place p)
{
    if (t->count == t->cap) {
        size_t cap = t->cap == 0 ? 64 : t->cap * 2;
        struct place *places = realloc(t->places, cap * sizeof *places);
        if (places == NULL)
            return SP_ERR_NOMEM;
        t->places = places;
        t->cap = cap;
    }
    t->places[t->count++] = p;
    return SP_OK;
}

/* Puts `value` where the text has it: root, next item, or the member whose name was read. Takes
 * `value`. */
static sp_error attach(struct reader *r, struct json *value, yaml_mark_t at)
{
    struct level *top = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
    yaml_mark_t begin = top != NULL && top->object ? top->name_mark : at;
    struct place p = {.node = value,
                      .line = (unsigned)begin.line + 1,
                      .column = (unsigned)begin.column + 1,
                      .value_line = (unsigned)at.line + 1,
                      .value_column = (unsigned)at.column + 1};

    if (value == NULL)
        return SP_ERR_NOMEM;
    if (r->tree->count >= TREE_NODES_MAX) {
        json_free(value);
        sp_ignore(events_refuse(r->why, at, "more values than a file may have"));
        return SP_ERR_LIMIT;
    }
    if (top == NULL) {
        r->tree->root = value;
        return remember(r->tree, p);
    }
    p.parent = top->container;
    p.ordinal = top->ordinal++;
    if (top->object) {
        const char *name = buf_cstr(&top->name);
        if (name == NULL) {
            json_free(value);
            return SP_ERR_NOMEM;
        }
        json_set(top->container, name, value);
        top->have_name = false;
        if (json_get(top->container, name) != value)
            return SP_ERR_NOMEM;
    } else {
        json_push(top->container, value);
        if (json_at(top->container, p.ordinal) != value)
            return SP_ERR_NOMEM;
    }
    return remember(r->tree, p);
}

static sp_error open_level(struct reader *r, struct json *container, bool object, yaml_mark_t at)
{
    sp_error e;

    if (r->depth == TREE_DEPTH_MAX) {
        json_free(container);
        sp_ignore(events_refuse(r->why, at, "nested deeper than 32 levels"));
        return SP_ERR_LIMIT;
    }
    if ((e = attach(r, container, at)) != SP_OK)
        return e;
    struct level *top = &r->levels[r->depth++];
    *top = (struct level){.container = container, .object = object};
    buf_init(&top->name, 1024);
    return SP_OK;
}

static void close_level(struct reader *r)
{
    buf_deinit(&r->levels[--r->depth].name);
}

/* True where the next node must be a member's name. */
static bool wants_name(const struct reader *r)
{
    return r->depth > 0 && r->levels[r->depth - 1].object && !r->levels[r->depth - 1].have_name;
}

static sp_error take_name(struct reader *r, const yaml_event_t *ev)
{
    struct level *top = &r->levels[r->depth - 1];
    struct view name = {ev->data.scalar.value, ev->data.scalar.length};

    if (name.len == 0)
        return events_refuse(r->why, ev->start_mark, "a name is missing before ':'");
    if (view_is(name, "<<") && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return events_refuse(r->why, ev->start_mark,
                             "merge keys are not supported: write the members out");
    if (memchr(name.at, 0, name.len) != NULL)
        return events_refuse(r->why, ev->start_mark, "a name may not contain NUL");
    buf_reset(&top->name);
    if (buf_append(&top->name, name) != SP_OK)
        return events_refuse(r->why, ev->start_mark, "a name is longer than 1024 bytes");
    const char *text = buf_cstr(&top->name);
    if (text == NULL)
        return SP_ERR_NOMEM;
    if (json_get(top->container, text) != NULL) {
        sp_why_place(r->why, (unsigned)ev->start_mark.line + 1,
                     (unsigned)ev->start_mark.column + 1);
        return sp_why_say(r->why, SP_ERR_MALFORMED, "\"%.100s\" stands here a second time", text);
    }
    top->name_mark = ev->start_mark;
    top->have_name = true;
    return SP_OK;
}

static sp_error take_scalar(struct reader *r, const yaml_event_t *ev)
{
    struct view text = {ev->data.scalar.value, ev->data.scalar.length};
    struct json *value = NULL;
    const char *wrong = NULL;

    if (wants_name(r))
        return take_name(r, ev);
    if (ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        wrong = scalar_plain(text, &value);
    else
        wrong = scalar_string(text, &value);
    if (wrong != NULL)
        return events_refuse(r->why, ev->start_mark, wrong);
    return attach(r, value, ev->start_mark);
}

static sp_error take_event(void *arg, const yaml_event_t *ev)
{
    struct reader *r = arg;

    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(r, ev);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (wants_name(r))
            return events_refuse(r->why, ev->start_mark, "a name must be plain text");
        if (ev->type == YAML_MAPPING_START_EVENT)
            return open_level(r, json_object(), true, ev->start_mark);
        return open_level(r, json_array(), false, ev->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_level(r);
        return SP_OK;
    default:
        return SP_OK;
    }
}

/* libyaml would say less exactly where, and would take UTF-16. */
static sp_error check_bytes(struct view text, size_t max, struct sp_why *why)
{
    unsigned line = 1;

    if (text.len > max)
        return sp_why_say(why, SP_ERR_LIMIT, "the text is longer than %zu bytes", max);
    for (size_t from = 0; from < text.len; line++) {
        const uint8_t *lf = memchr(text.at + from, '\n', text.len - from);
        size_t len = lf == NULL ? text.len - from : (size_t)(lf - (text.at + from)) + 1;
        if (!scalar_bytes_valid(view_slice(text, from, len))) {
            sp_why_place(why, line, 1);
            return sp_why_say(why, SP_ERR_MALFORMED,
                              "this line is not UTF-8 text or has a NUL byte");
        }
        from += len;
    }
    return SP_OK;
}

sp_error tree_parse(struct view text, size_t max, struct sp_why *why, struct tree **out)
{
    struct reader r = {.why = why};
    sp_error e;

    if ((e = check_bytes(text, max, why)) != SP_OK)
        return e;
    r.tree = calloc(1, sizeof *r.tree);
    if (r.tree == NULL)
        return SP_ERR_NOMEM;
    e = events_read(text, why, take_event, &r);
    if (e == SP_OK && r.tree->root == NULL)
        e = attach(&r, json_new_null(), (yaml_mark_t){0});
    while (r.depth > 0)
        close_level(&r);
    if (e != SP_OK) {
        tree_free(r.tree);
        return e;
    }
    *out = r.tree;
    return SP_OK;
}

void tree_free(struct tree *t)
{
    if (t == NULL)
        return;
    json_free(t->root);
    free(t->places);
    free(t);
}

struct json *tree_root(const struct tree *t)
{
    return t->root;
}

static const struct place *find(const struct tree *t, const struct json *node)
{
    enum json_kind kind = json_kind(node);

    if (kind == JSON_MISSING || kind == JSON_NULL || kind == JSON_BOOL)
        return NULL; /* jansson shares one value among all of them */
    for (size_t i = 0; i < t->count; i++) {
        if (t->places[i].node == node)
            return &t->places[i];
    }
    return NULL;
}

void tree_place(const struct tree *t, const struct json *node, unsigned *line, unsigned *column)
{
    const struct place *p = find(t, node);

    *line = p == NULL ? 0 : p->value_line;
    *column = p == NULL ? 0 : p->value_column;
}

void tree_place_item(const struct tree *t, const struct json *array, size_t index, unsigned *line,
                     unsigned *column)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->places[i].parent == array && array != NULL && t->places[i].ordinal == index) {
            *line = t->places[i].line;
            *column = t->places[i].column;
            return;
        }
    }
    tree_place(t, array, line, column);
}

void tree_place_member(const struct tree *t, const struct json *object, const char *name,
                       unsigned *line, unsigned *column)
{
    size_t ordinal = 0;

    for (void *i = json_iter(object); i != NULL; i = json_iter_next(object, i), ordinal++) {
        if (name != NULL && strcmp(json_iter_name(i), name) == 0) {
            tree_place_item(t, object, ordinal, line, column);
            return;
        }
    }
    tree_place(t, object, line, column);
}
