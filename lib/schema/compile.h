#ifndef SP_SCHEMA_COMPILE_H
#define SP_SCHEMA_COMPILE_H

/*
 * compile: schemas into nodes of a program.
 *
 * Where     A $ref gets a node id at once and is compiled later, so circles cost nothing. Every
 *           fault is told with its JSON pointer and compiling goes on, so that a person sees all.
 * Used by   schema_compile() and the loader of OpenAPI documents. One thread.
 */

#include "lib/schema/program.h"
#include "lib/schema/sources.h"

enum { COMPILE_DEPTH_MAX = 200, CODE_MAX = 40 };

/* Where something stands: links on the stack, the root's `name` is the beginning as text. */
struct trail {
    const struct trail *up;
    struct view name;
    size_t index; /* when name.at is NULL */
};

/* "/paths/~1pets/get": appended to `out`. */
void trail_write(const struct trail *at, struct buf *out);

/* A fault, or (`error` false) what stays unchecked or is not portable. */
typedef void compile_note(void *arg, bool error, const struct trail *at, const char *text);

struct pending;

struct compiler {
    struct builder builder;
    struct sources sources;
    struct scratch memory; /* of sources, and what else lives as long as the load */
    bool asserts_formats;
    bool messages; /* of an API: readOnly and writeOnly are asserted, discriminator picks */
    compile_note *note;
    void *arg;
    size_t errors;
    struct pending *pending; /* schemas that have an id and no code yet */
    uint32_t *dynamic_names; /* texts that a $dynamicRef asked for */
    size_t pending_count, pending_room, dynamic_count, dynamic_room;
};

SP_MUST sp_error compiler_init(struct compiler *c, size_t memory_max);
void compiler_deinit(struct compiler *c);

/* Tells; counts errors. `text` with `%s` for `detail`, which may be NULL. */
void compiler_say(struct compiler *c, bool error, const struct trail *at, const char *text,
                  struct view detail);

/* The node of the schema at `v`, which belongs to `resource`. Failures of memory are kept in the
 * builder. */
uint32_t compile_schema(struct compiler *c, yyjson_val *v, uint32_t resource,
                        const struct trail *at);
/* The node that a $ref leads to; NODE_FALSE with an error told when it leads nowhere. */
uint32_t compile_ref(struct compiler *c, struct view ref, uint32_t resource,
                     const struct trail *at);
/* Compiles all that is pending, and finds schemas that contain themselves in the same place. */
SP_MUST sp_error compile_finish(struct compiler *c);

/* ---- between compile.c and keywords.c ---- */

/* One schema that is being compiled. */
struct work {
    struct compiler *c;
    const struct trail *at;
    uint32_t resource;
    unsigned depth;
    bool old; /* OpenAPI 3.0 */
    yyjson_val *schema;
    yyjson_val *keywords[KEYWORD_COUNT]; /* NULL: absent */
    struct instruction code[CODE_MAX];
    size_t count;
    uint16_t flags;
};

/* Adds the instructions of all keywords, in the order in which they must run. */
void keywords_emit(struct work *w);
/* The same for those about the members of objects. */
void keywords_emit_object(struct work *w);

/* The compiled pattern; NONE: a fault or a warning was told. */
uint32_t keywords_pattern(struct work *w, struct view text, const struct trail *at);
/* A count such as minLength; `absent` when it is not there. */
uint32_t keywords_count(struct work *w, enum keyword k, uint32_t absent);

void work_emit(struct work *w, enum op op, uint16_t flags, const uint32_t args[3]);
/* A fault of a keyword. */
void work_wrong(struct work *w, enum keyword k, const char *text);
uint32_t work_child(struct work *w, yyjson_val *v, const struct trail *at);
uint32_t work_keyword_child(struct work *w, enum keyword k); /* NONE: absent */
/* A list of 32-bit words in the load's memory, which grows. */
struct list {
    uint32_t *words;
    size_t count, room;
};
void list_add(struct work *w, struct list *l, uint32_t word);

#endif
