#ifndef SP_SCHEMA_KEYWORD_H
#define SP_SCHEMA_KEYWORD_H

/*
 * keyword: the words of JSON Schema 2020-12 and of OpenAPI's dialects that mean something to a
 * check, and which of them hold schemas. All others are remarks.
 */

#include "lib/base/view.h"

/* X(id, word, kind of children, also in OpenAPI 3.0). Sorted by word, as keyword_find needs it. */
#define KEYWORDS(X)                                                         \
    X(ANCHOR, "$anchor", CHILD_NONE, false)                                 \
    X(DEFS, "$defs", CHILD_MAP, false)                                      \
    X(DYNAMIC_ANCHOR, "$dynamicAnchor", CHILD_NONE, false)                  \
    X(DYNAMIC_REF, "$dynamicRef", CHILD_NONE, false)                        \
    X(ID, "$id", CHILD_NONE, false)                                         \
    X(REF, "$ref", CHILD_NONE, true)                                        \
    X(SCHEMA, "$schema", CHILD_NONE, false)                                 \
    X(ADDITIONAL, "additionalProperties", CHILD_SCHEMA, true)               \
    X(ALL_OF, "allOf", CHILD_LIST, true)                                    \
    X(ANY_OF, "anyOf", CHILD_LIST, true)                                    \
    X(CONST, "const", CHILD_NONE, false)                                    \
    X(CONTAINS, "contains", CHILD_SCHEMA, false)                            \
    X(CONTENT_SCHEMA, "contentSchema", CHILD_SCHEMA, false)                 \
    X(DEFINITIONS, "definitions", CHILD_MAP, false)                         \
    X(DEPENDENT_REQUIRED, "dependentRequired", CHILD_NONE, false)           \
    X(DEPENDENT_SCHEMAS, "dependentSchemas", CHILD_MAP, false)              \
    X(DISCRIMINATOR, "discriminator", CHILD_NONE, true)                     \
    X(ELSE, "else", CHILD_SCHEMA, false)                                    \
    X(ENUM, "enum", CHILD_NONE, true)                                       \
    X(EXCLUSIVE_MAXIMUM, "exclusiveMaximum", CHILD_NONE, true)              \
    X(EXCLUSIVE_MINIMUM, "exclusiveMinimum", CHILD_NONE, true)              \
    X(FORMAT, "format", CHILD_NONE, true)                                   \
    X(IF, "if", CHILD_SCHEMA, false)                                        \
    X(ITEMS, "items", CHILD_SCHEMA, true)                                   \
    X(MAX_CONTAINS, "maxContains", CHILD_NONE, false)                       \
    X(MAX_ITEMS, "maxItems", CHILD_NONE, true)                              \
    X(MAX_LENGTH, "maxLength", CHILD_NONE, true)                            \
    X(MAX_PROPERTIES, "maxProperties", CHILD_NONE, true)                    \
    X(MAXIMUM, "maximum", CHILD_NONE, true)                                 \
    X(MIN_CONTAINS, "minContains", CHILD_NONE, false)                       \
    X(MIN_ITEMS, "minItems", CHILD_NONE, true)                              \
    X(MIN_LENGTH, "minLength", CHILD_NONE, true)                            \
    X(MIN_PROPERTIES, "minProperties", CHILD_NONE, true)                    \
    X(MINIMUM, "minimum", CHILD_NONE, true)                                 \
    X(MULTIPLE_OF, "multipleOf", CHILD_NONE, true)                          \
    X(NOT, "not", CHILD_SCHEMA, true)                                       \
    X(NULLABLE, "nullable", CHILD_NONE, true)                               \
    X(ONE_OF, "oneOf", CHILD_LIST, true)                                    \
    X(PATTERN, "pattern", CHILD_NONE, true)                                 \
    X(PATTERN_PROPERTIES, "patternProperties", CHILD_MAP, false)            \
    X(PREFIX_ITEMS, "prefixItems", CHILD_LIST, false)                       \
    X(PROPERTIES, "properties", CHILD_MAP, true)                            \
    X(PROPERTY_NAMES, "propertyNames", CHILD_SCHEMA, false)                 \
    X(READ_ONLY, "readOnly", CHILD_NONE, true)                              \
    X(REQUIRED, "required", CHILD_NONE, true)                               \
    X(THEN, "then", CHILD_SCHEMA, false)                                    \
    X(TYPE, "type", CHILD_NONE, true)                                       \
    X(UNEVALUATED_ITEMS, "unevaluatedItems", CHILD_SCHEMA, false)           \
    X(UNEVALUATED_PROPERTIES, "unevaluatedProperties", CHILD_SCHEMA, false) \
    X(UNIQUE_ITEMS, "uniqueItems", CHILD_NONE, true)                        \
    X(WRITE_ONLY, "writeOnly", CHILD_NONE, true)                            \
    X(SENSITIVE, "x-sallyport-sensitive", CHILD_NONE, true)

enum children { CHILD_NONE = 0, CHILD_SCHEMA, CHILD_LIST, CHILD_MAP };

#define KEYWORD_ENUM(id, word, children, in_30) KEYWORD_##id,
enum keyword { KEYWORDS(KEYWORD_ENUM) KEYWORD_COUNT };

/* KEYWORD_COUNT: none of them. */
enum keyword keyword_find(struct view word);
const char *keyword_word(enum keyword k);
enum children keyword_children(enum keyword k);
bool keyword_in_openapi_30(enum keyword k);

#endif
