/* How a program is built up; see program.h. */
#include "lib/schema/program.h"

#include <stdlib.h>

#include "lib/base/banned.h"

struct index_cell {
    uint64_t hash;
    uint32_t number; /* + 1; 0: free */
};

typedef bool same_thing(const struct schema_program *p, uint32_t number, const void *thing);

static bool index_grow(struct index *x)
{
    size_t room = x->room == 0 ? 256 : x->room * 2;
    struct index_cell *cells = calloc(room, sizeof *cells);

    if (cells == NULL)
        return false;
    for (size_t i = 0; i < x->room; i++) {
        if (x->cells[i].number == 0)
            continue;
        size_t c = x->cells[i].hash & (room - 1);
        while (cells[c].number != 0)
            c = (c + 1) & (room - 1);
        cells[c] = x->cells[i];
    }
    free(x->cells);
    x->cells = cells;
    x->room = room;
    return true;
}

/* The cell of the thing, or the free one where it belongs. NULL: no memory. */
static struct index_cell *index_find(struct index *x, uint64_t hash, same_thing *same,
                                     const struct schema_program *p, const void *thing)
{
    if (x->count * 2 >= x->room && !index_grow(x))
        return NULL;
    size_t c = hash & (x->room - 1);
    while (x->cells[c].number != 0 &&
           !(x->cells[c].hash == hash && same(p, x->cells[c].number - 1, thing)))
        c = (c + 1) & (x->room - 1);
    x->cells[c].hash = hash;
    return &x->cells[c];
}

static void index_put(struct index *x, struct index_cell *c, size_t number)
{
    c->number = (uint32_t)number + 1;
    x->count++;
}

static void failed(struct builder *b, sp_error e)
{
    if (b->err == SP_OK)
        b->err = e;
}

enum room {
    ROOM_NODES,
    ROOM_CODE,
    ROOM_WORDS,
    ROOM_WORD_SPANS,
    ROOM_TEXTS,
    ROOM_BYTES,
    ROOM_PATTERNS,
    ROOM_SOURCES,
    ROOM_DYNAMICS,
    ROOM_CONSTANTS
};

/* An array of `size` with place for `more` behind `count`. Returns it, or NULL with b->err. */
static void *room_for(struct builder *b, enum room which, void *array, size_t size,
                      const size_t count[2])
{
    size_t need = count[0] + count[1], room = b->rooms[which];

    if (b->err != SP_OK)
        return NULL;
    if (need <= room)
        return array;
    room = room * 2 > need ? room * 2 : need + 64;
    if (need > PROGRAM_TEXT_MAX) {
        failed(b, SP_ERR_LIMIT);
        return NULL;
    }
    void *grown = realloc(array, room * size);
    if (grown == NULL)
        failed(b, SP_ERR_NOMEM);
    else
        b->rooms[which] = room;
    return grown;
}

#define ROOM(b, which, array, count, more) \
    room_for(b, which, (b)->p->array, sizeof *(b)->p->array, (const size_t[2]){(b)->p->count, more})
#define ROOM_BESIDE(b, which, array, count)            \
    room_for(b, which, (b)->array, sizeof *(b)->array, \
             (const size_t[2]){count, 1}) /* the builder's own arrays */

sp_error builder_init(struct builder *b)
{
    static const struct draft nothing = {0};

    *b = (struct builder){.p = calloc(1, sizeof *b->p)};
    buf_init(&b->constants, PROGRAM_TEXT_MAX);
    if (b->p == NULL)
        return SP_ERR_NOMEM;
    scratch_init(&b->p->constant_memory, (size_t)PROGRAM_TEXT_MAX * 16);
    for (int i = 0; i < NODES_FIXED; i++) /* run.c knows NODE_FALSE and NODE_TRUE by their ids */
        builder_fill(b, builder_reserve(b), &nothing);
    return b->err;
}

void builder_deinit(struct builder *b)
{
    schema_program_free(b->p);
    free(b->by_text.cells);
    free(b->by_node.cells);
    free(b->by_pattern.cells);
    free(b->by_constant.cells);
    free(b->by_words.cells);
    free(b->constant_spans);
    free(b->word_spans);
    free(b->pattern_sources);
    buf_deinit(&b->constants);
    *b = (struct builder){.err = SP_ERR_INTERNAL};
}

static bool same_text(const struct schema_program *p, uint32_t number, const void *thing)
{
    return view_equal(program_text(p, number), *(const struct view *)thing);
}

uint32_t builder_text(struct builder *b, struct view v)
{
    struct schema_program *p = b->p;
    struct index_cell *c =
        b->err != SP_OK ? NULL : index_find(&b->by_text, hash_bytes(v, 0), same_text, p, &v);

    if (c == NULL) {
        failed(b, SP_ERR_NOMEM);
        return 0;
    }
    if (c->number != 0)
        return c->number - 1;
    struct text *texts = ROOM(b, ROOM_TEXTS, texts, text_count, 1);
    if (texts == NULL)
        return 0;
    p->texts = texts;
    char *bytes = ROOM(b, ROOM_BYTES, bytes, byte_count, v.len + 1);
    if (bytes == NULL)
        return 0;
    p->bytes = bytes;
    if (v.len > 0)
        memcpy(bytes + p->byte_count, v.at, v.len);
    bytes[p->byte_count + v.len] = '\0';
    texts[p->text_count] = (struct text){(uint32_t)p->byte_count, (uint32_t)v.len};
    p->byte_count += v.len + 1;
    index_put(&b->by_text, c, p->text_count);
    return (uint32_t)p->text_count++;
}

/* What same_words and same_constant compare with. */
struct wanted {
    const struct builder *b;
    struct view bytes;
};

static bool same_words(const struct schema_program *p, uint32_t number, const void *thing)
{
    const struct wanted *w = thing;
    struct text span = w->b->word_spans[number];

    return view_equal(
        (struct view){(const uint8_t *)(p->words + span.from), span.len * sizeof(uint32_t)},
        w->bytes);
}

uint32_t builder_words(struct builder *b, const uint32_t *words, size_t count)
{
    struct schema_program *p = b->p;
    struct wanted w = {b, {(const uint8_t *)words, count * sizeof *words}};
    struct index_cell *c =
        b->err != SP_OK ? NULL
                        : index_find(&b->by_words, hash_bytes(w.bytes, 0), same_words, p, &w);

    if (c == NULL) {
        failed(b, SP_ERR_NOMEM);
        return 0;
    }
    if (c->number != 0)
        return b->word_spans[c->number - 1].from;
    uint32_t *room = ROOM(b, ROOM_WORDS, words, word_count, count);
    if (room == NULL)
        return 0;
    p->words = room;
    struct text *spans = ROOM_BESIDE(b, ROOM_WORD_SPANS, word_spans, b->word_lists);
    if (spans == NULL)
        return 0;
    b->word_spans = spans;
    if (count > 0)
        memcpy(room + p->word_count, words, count * sizeof *words);
    spans[b->word_lists] = (struct text){(uint32_t)p->word_count, (uint32_t)count};
    index_put(&b->by_words, c, b->word_lists++);
    p->word_count += count;
    return (uint32_t)(p->word_count - count);
}

uint32_t builder_reserve(struct builder *b)
{
    struct schema_program *p = b->p;
    struct node *nodes = ROOM(b, ROOM_NODES, nodes, node_count, 1);

    if (nodes == NULL)
        return 0;
    p->nodes = nodes;
    if (p->node_count >= PROGRAM_NODES_MAX) {
        failed(b, SP_ERR_LIMIT);
        return 0;
    }
    nodes[p->node_count] = (struct node){0};
    return (uint32_t)p->node_count++;
}

static bool same_node(const struct schema_program *p, uint32_t number, const void *thing)
{
    const struct draft *d = thing;
    const struct node *n = &p->nodes[number];

    return n->count == d->count && n->flags == d->flags && n->resource == d->resource &&
           (d->count == 0 || memcmp(p->code + n->from, d->code, d->count * sizeof *d->code) == 0);
}

static struct index_cell *find_node(struct builder *b, const struct draft *d)
{
    struct view bytes = {(const uint8_t *)d->code, d->count * sizeof *d->code};
    uint64_t hash = hash_bytes(bytes, d->flags + ((uint64_t)d->resource << 16));
    struct index_cell *c =
        b->err != SP_OK ? NULL : index_find(&b->by_node, hash, same_node, b->p, d);

    if (c == NULL)
        failed(b, SP_ERR_NOMEM);
    return c;
}

static void write_node(struct builder *b, uint32_t id, const struct draft *d)
{
    struct schema_program *p = b->p;
    struct instruction *code = ROOM(b, ROOM_CODE, code, code_count, d->count);

    if (code == NULL)
        return;
    p->code = code;
    if (d->count > 0)
        memcpy(code + p->code_count, d->code, d->count * sizeof *code);
    p->nodes[id] =
        (struct node){(uint32_t)p->code_count, (uint16_t)d->count, d->flags, d->resource};
    p->code_count += d->count;
}

uint32_t builder_node(struct builder *b, const struct draft *d)
{
    struct index_cell *c = find_node(b, d);

    if (c == NULL)
        return 0;
    if (c->number != 0)
        return c->number - 1;
    uint32_t id = builder_reserve(b);
    write_node(b, id, d);
    index_put(&b->by_node, c, id);
    return id;
}

void builder_fill(struct builder *b, uint32_t id, const struct draft *d)
{
    if (id < NODES_FIXED) { /* never shared: their ids mean something */
        write_node(b, id, d);
        return;
    }
    struct index_cell *c = find_node(b, d);
    if (c == NULL)
        return;
    if (c->number != 0) {
        b->p->nodes[id] = b->p->nodes[c->number - 1];
        return;
    }
    write_node(b, id, d);
    index_put(&b->by_node, c, id);
}

static bool same_constant(const struct schema_program *p, uint32_t number, const void *thing)
{
    const struct wanted *w = thing;
    struct text span = w->b->constant_spans[number];

    (void)p;
    return view_equal(view_slice(buf_view(&w->b->constants), span.from, span.len), w->bytes);
}

uint32_t builder_constant(struct builder *b, yyjson_val *v)
{
    struct schema_program *p = b->p;
    size_t len = 0;
    char *text = b->err != SP_OK ? NULL : yyjson_val_write(v, YYJSON_WRITE_NOFLAG, &len);
    struct wanted w = {b, {(const uint8_t *)text, len}};
    struct index_cell *c =
        text == NULL ? NULL
                     : index_find(&b->by_constant, hash_bytes(w.bytes, 0), same_constant, p, &w);
    uint32_t id = 0;

    if (c == NULL) {
        failed(b, SP_ERR_NOMEM);
    } else if (c->number != 0) {
        id = c->number - 1;
    } else {
        struct text *spans = ROOM_BESIDE(b, ROOM_CONSTANTS, constant_spans, p->constant_count);
        if (spans != NULL) {
            b->constant_spans = spans;
            buf_add_byte(&b->constants, p->constant_count == 0 ? '[' : ',');
            spans[p->constant_count] = (struct text){(uint32_t)b->constants.len, (uint32_t)len};
            buf_add(&b->constants, w.bytes);
            id = (uint32_t)p->constant_count;
            index_put(&b->by_constant, c, p->constant_count++);
            failed(b, buf_error(&b->constants));
        }
    }
    free(text);
    return id;
}

static bool same_pattern(const struct schema_program *p, uint32_t number, const void *thing)
{
    const struct wanted *w = thing;

    return view_equal(program_text(p, w->b->pattern_sources[number].from), w->bytes);
}

sp_error builder_pattern(struct builder *b, struct view text, uint32_t *id, bool *portable,
                         const char **what)
{
    struct schema_program *p = b->p;
    struct wanted w = {b, text};
    struct pattern *compiled = NULL;
    struct index_cell *c =
        b->err != SP_OK ? NULL
                        : index_find(&b->by_pattern, hash_bytes(text, 0), same_pattern, p, &w);

    if (c == NULL) {
        failed(b, SP_ERR_NOMEM);
        return b->err;
    }
    if (c->number != 0) {
        *id = c->number - 1;
        *portable = b->pattern_sources[*id].len != 0;
        return SP_OK;
    }
    enum pattern_error e = pattern_compile(text, &compiled, portable, what);
    if (e == PATTERN_INVALID || e == PATTERN_UNSUPPORTED)
        return e == PATTERN_INVALID ? SP_ERR_INVALID : SP_ERR_UNSUPPORTED;
    struct pattern **patterns =
        e != PATTERN_OK ? NULL : ROOM(b, ROOM_PATTERNS, patterns, pattern_count, 1);
    if (patterns != NULL)
        p->patterns = patterns;
    struct text *sources =
        patterns == NULL ? NULL : ROOM_BESIDE(b, ROOM_SOURCES, pattern_sources, p->pattern_count);
    if (sources == NULL) {
        pattern_free(compiled);
        failed(b, SP_ERR_NOMEM);
        return b->err;
    }
    b->pattern_sources = sources;
    sources[p->pattern_count] = (struct text){builder_text(b, text), *portable};
    patterns[p->pattern_count] = compiled;
    *id = (uint32_t)p->pattern_count;
    index_put(&b->by_pattern, c, p->pattern_count++);
    return b->err;
}

void builder_dynamic(struct builder *b, struct dynamic d)
{
    struct dynamic *room = ROOM(b, ROOM_DYNAMICS, dynamics, dynamic_count, 1);

    if (room == NULL)
        return;
    b->p->dynamics = room;
    room[b->p->dynamic_count++] = d;
}

/* Exactly as much as is used: a program lives long. */
static void *fitted(void *array, size_t count, size_t size)
{
    void *fit = count == 0 ? NULL : realloc(array, count * size);

    return fit != NULL ? fit : array;
}

static sp_error seal_constants(struct builder *b)
{
    struct schema_program *p = b->p;
    const struct value *all = NULL;
    sp_error e;

    if (p->constant_count == 0)
        return SP_OK;
    buf_add_byte(&b->constants, ']');
    if ((e = buf_error(&b->constants)) != SP_OK ||
        (e = value_read(buf_view(&b->constants), VALUE_DOCUMENT_DEPTH_MAX + 2, &p->constant_memory,
                        NULL, &all)) != SP_OK)
        return e;
    p->constants = calloc(p->constant_count, sizeof(yyjson_val *));
    if (p->constants == NULL)
        return SP_ERR_NOMEM;
    for (struct value_iter i = value_iter(all); value_next(&i);)
        p->constants[i.index] = value_yy(i.value);
    return SP_OK;
}

sp_error builder_seal(struct builder *b, struct schema_program **out)
{
    struct schema_program *p = b->p;

    if (b->err == SP_OK)
        failed(b, seal_constants(b));
    if (b->err != SP_OK)
        return b->err;
    p->nodes = fitted(p->nodes, p->node_count, sizeof *p->nodes);
    p->code = fitted(p->code, p->code_count, sizeof *p->code);
    p->words = fitted(p->words, p->word_count, sizeof *p->words);
    p->texts = fitted(p->texts, p->text_count, sizeof *p->texts);
    p->bytes = fitted(p->bytes, p->byte_count, 1);
    p->patterns = fitted(p->patterns, p->pattern_count, sizeof(struct pattern *));
    *out = p;
    b->p = NULL;
    return SP_OK;
}
