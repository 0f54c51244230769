#ifndef SP_SCHEMA_SOURCES_H
#define SP_SCHEMA_SOURCES_H

/*
 * sources: the documents of one load, the schemas that have names in them, and where a $ref leads.
 *
 * A resource is a schema with a URI: a document's root, or a subschema with $id. Each schema that
 * was walked knows its resource, since relative references in it are seen from there.
 * All memory is of one scratch and goes with it. One thread.
 */

#include "lib/schema/keyword.h"
#include "lib/schema/schema.h"
#include "lib/schema/value_internal.h"

enum { SOURCES_RESOURCES_MAX = 4096, SOURCES_DEPTH_MAX = VALUE_DOCUMENT_DEPTH_MAX };

struct resource {
    struct view uri;
    yyjson_val *root;
    bool openapi_30;         /* the dialect */
    bool without_validation; /* its meta-schema leaves the validation vocabulary out */
};

/* What is known of one schema, by its place in the document. */
struct known {
    yyjson_val *at;          /* NULL: a free cell */
    uint32_t resource, node; /* node: NONE until it is compiled or asked for */
};

struct anchor {
    struct view name;
    uint32_t resource;
    bool dynamic;
    bool registered; /* a dynamic one that is in the program already */
    yyjson_val *at;
};

struct sources {
    struct scratch *memory; /* borrowed */
    schema_fetch *fetch;
    void *fetch_arg;
    bool openapi_30;
    bool beside_only; /* documents are files of one folder: no reference goes up from it */
    struct resource *resources;
    struct anchor *anchors;
    struct known *cells;
    size_t resource_count, resource_room, anchor_count, anchor_room, known_count, known_room;
};

/* A place that a reference leads to. */
struct target {
    yyjson_val *at;
    uint32_t resource;
};

/* Reads `text` as the document at `uri` and walks its root as a schema. `*resource` is the root's.
 * Errors as value_read. */
SP_MUST sp_error sources_add(struct sources *s, struct view uri, struct view text,
                             struct value_fault *fault, uint32_t *resource);

/* A document that is no schema itself (OpenAPI): its root has the URI, and its schemas are walked
 * by sources_walk when they are met. SP_ERR_NOMEM, SP_ERR_LIMIT */
SP_MUST sp_error sources_add_root(struct sources *s, struct view uri, yyjson_val *root,
                                  uint32_t *resource);

/* Finds $id and anchors in the schema and below. SP_ERR_NOMEM, SP_ERR_LIMIT */
SP_MUST sp_error sources_walk(struct sources *s, yyjson_val *schema, uint32_t resource);

/* The cell of a schema; NULL: not walked. Valid until the next walk. */
struct known *sources_known(const struct sources *s, const yyjson_val *schema);

/*
 * Follows `ref`, as it stands in a schema of `from`.
 *   SP_ERR_DENIED     it goes up from the folder of the documents
 *   SP_ERR_NOT_FOUND  no such document, anchor or place
 *   SP_ERR_MALFORMED  the document there is no JSON
 *   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error sources_follow(struct sources *s, uint32_t from, struct view ref,
                                struct target *out);

/* The dynamic anchor `name` of a resource; NULL: it has none. */
struct anchor *sources_dynamic(const struct sources *s, uint32_t resource, struct view name);

#endif
