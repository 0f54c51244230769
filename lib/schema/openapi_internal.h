#ifndef SP_SCHEMA_OPENAPI_INTERNAL_H
#define SP_SCHEMA_OPENAPI_INTERNAL_H

/*
 * openapi_internal: a loaded document, between the loader (openapi.c, operations.c) and the checks
 * (parameters.c, bodies.c). All of it lies in the document's memory and is not changed after
 * loading.
 */

#include "lib/schema/compile.h"
#include "lib/schema/openapi.h"
#include "lib/schema/run.h"

enum location { IN_PATH = 0, IN_QUERY, IN_HEADER, IN_COOKIE, LOCATIONS };

enum style {
    STYLE_SIMPLE = 0,
    STYLE_LABEL,
    STYLE_MATRIX,
    STYLE_FORM,
    STYLE_SPACE,
    STYLE_PIPE,
    STYLE_DEEP,
    STYLES
};

struct parameter {
    struct view name;
    enum location in;
    enum style style;
    bool explode, required, allow_empty;
    bool json;     /* `content` of a JSON type: the text is JSON */
    bool unread;   /* `content` of another type: it may stand there, and is not looked into */
    uint32_t node; /* NODE_TRUE: no schema */
};

/* How one property of a form or of multipart is written. */
struct encoding {
    struct view name;
    struct view content_type; /* empty: the default of its schema */
    enum style style;
    bool explode;
};

enum media_kind { MEDIA_OTHER = 0, MEDIA_JSON, MEDIA_FORM, MEDIA_MULTIPART };

struct media {
    struct view type; /* lower case, without parameters: "application/json", "text/ *", "* / *" */
    uint32_t node;    /* NONE: no schema */
    struct encoding *encodings;
    size_t encoding_count;
};

struct content {
    struct media *items;
    size_t count;
};

struct answer {
    unsigned low, high; /* statuses; 0..999: default */
    struct content content;
};

struct operation {
    struct api_operation shown; /* the first member: what the callers hold */
    const struct api_document *document;
    struct parameter *parameters;
    size_t parameter_count;
    struct content body;
    struct answer *answers; /* exact ones first, then ranges, then default */
    size_t answer_count;
};

struct api_document {
    struct schema_program *program; /* owned */
    struct scratch memory;          /* of all below */
    struct operation **operations;
    size_t operation_count;
    struct api_strings bases;
    const char *title, *version;
};

static inline const struct operation *operation_of(const struct api_operation *op)
{
    return (const struct operation *)(const void *)op;
}

enum media_kind media_kind(struct view type);
/* A media type without its parameters and blanks, lower case, in `scratch`. .at NULL: it is full.
 */
struct view media_bare(struct view field, struct scratch *scratch);
/* The most exact entry for `type`; NULL: not declared. */
const struct media *content_find(const struct content *c, struct view type);

/* ---- between the two files of the loader ---- */

struct loader {
    struct compiler c;
    struct api_document *d;
    struct api_notes *notes;
    api_read_file *read;
    void *read_arg;
    struct file {
        struct view text;
        struct buf bytes; /* owned; holds `text` */
    } * files;            /* owned; those that $ref brought in */
    size_t file_count;
    struct target root; /* the document */
    size_t operation_room;
    bool nomem;
};

/* A note at `at`. */
void loader_say(struct loader *l, bool error, const struct trail *at, const char *text);
/* Follows $refs of objects that are no schemas. False: an error was told. */
bool loader_follow(struct loader *l, struct target *t, const struct trail *at);
yyjson_val *loader_get(const struct target *t, const char *name); /* NULL: no such member */
/* In the document's memory, NUL at the end. "" when it is full, and then the load fails. */
const char *loader_text(struct loader *l, struct view v);
struct view loader_view(struct loader *l, struct view v);
void *loader_take(struct loader *l, size_t count, size_t size); /* zeroed; NULL: fails the load */
uint32_t loader_schema(struct loader *l, const struct target *t, const char *member,
                       const struct trail *at); /* NONE: absent */

/* operations.c: all paths. */
void operations_load(struct loader *l);
/* parts.c: parameters and content of one operation. */
void parts_parameters(struct loader *l, struct operation *op, const struct target lists[2],
                      const struct trail *at);
struct content parts_content(struct loader *l, const struct target *holder, const struct trail *at);
void parts_answers(struct loader *l, struct operation *op, const struct target *responses,
                   const struct trail *at);

#endif
