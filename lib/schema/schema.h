#ifndef SP_SCHEMA_SCHEMA_H
#define SP_SCHEMA_SCHEMA_H

/*
 * schema: JSON Schema compiled once into a flat program, and the walk of a value through it.
 *
 * Dialects   2020-12, complete (unevaluated*, $dynamicRef, $id, $anchor, vocabularies), and that of
 *            OpenAPI 3.0 (nullable, boolean exclusive bounds, siblings of $ref ignored).
 * Made by    schema_compile() for one schema; openapi.h for an API document.
 * Used by    the pipeline, through openapi.h; the door here also serves the published test suite.
 * Not here   HTTP. The folder knows values, names and texts only.
 *
 * A program is not changed after it was made and may be used by several threads at a time, each
 * with an scratch of its own. A walk costs at most SCHEMA_STEPS_MAX steps and VALUE_DEPTH_MAX
 * levels of the value, whatever the schema says; regular expressions stop after PATTERN_MATCH_MAX
 * tries. A fault is a place and a keyword, never a value.
 */

#include "lib/schema/value.h"

#include "lib/base/why.h"

enum {
    SCHEMA_STEPS_MAX = 100000, /* schema nodes visited, members and items compared */
    SCHEMA_FRAMES_MAX = 512,   /* schemas within schemas on the way to one place */
    SCHEMA_FAULTS_MAX = 5,
    SCHEMA_POINTER_MAX = 256 /* bytes with the NUL; a longer one ends with "…" */
};

/* What became of a check. A zeroed verdict refuses. */
enum schema_verdict {
    SCHEMA_REFUSED = 0, /* breaks the schema; the report says where */
    SCHEMA_MALFORMED,   /* not JSON, or JSON that two readers may read differently (value.h) */
    SCHEMA_DUPLICATE,   /* a parameter or a member that stands there twice */
    SCHEMA_COST,        /* more steps, depth or tries than a message may cost */
    SCHEMA_NOMEM,       /* the scratch is full */
    SCHEMA_MEDIA_TYPE,  /* a body whose type the operation does not declare */
    SCHEMA_UNDECLARED,  /* a response whose status the operation does not declare */
    SCHEMA_UNCHECKED,   /* declared and not read: a type that is not inspected. Passes. */
    SCHEMA_VALID        /* passes */
};

struct schema_fault {
    const char *in;                   /* "body", "path", "query", "header", "cookie"; static */
    const char *keyword;              /* "required", "maxLength", …; static */
    char pointer[SCHEMA_POINTER_MAX]; /* RFC 6901 into the body; "/name" of a parameter */
};

struct schema_report {
    enum schema_verdict verdict;
    size_t count; /* faults that are named; there may be more */
    struct schema_fault faults[SCHEMA_FAULTS_MAX];
};

/*
 * Told of each string that the schema leaves free: one that no enum, const, format or pattern of at
 * most 64 characters has narrowed. `pointer` is as in a fault; both live for the call. All are
 * valid UTF-8 but those of query parameters that no operation declares.
 */
typedef void schema_text(void *arg, const char *in, struct view pointer, struct view text);

/* "schema", "schema_cost", …: the problem type's suffix (GATEWAY §12). Static. */
const char *schema_verdict_word(enum schema_verdict v);

static inline bool schema_passes(enum schema_verdict v)
{
    return v == SCHEMA_VALID || v == SCHEMA_UNCHECKED;
}

/* ---- one schema alone ---- */

struct schema_program;

/*
 * Gives the text of the document at `uri` (absolute, without fragment), or SP_ERR_NOT_FOUND. The
 * bytes stay the giver's and live until schema_compile returns.
 */
typedef sp_error schema_fetch(void *arg, struct view uri, struct view *out);

struct schema_options {
    struct view uri;     /* of the schema; empty: it has none */
    bool openapi_30;     /* the dialect of OpenAPI 3.0; else 2020-12 */
    bool assert_formats; /* else `format` is a remark only */
    schema_fetch *fetch; /* NULL: no other documents but the 2020-12 meta-schemas */
    void *fetch_arg;
};

/*
 * Compiles the schema in `text` (JSON). `why->field` is the JSON pointer of what is wrong.
 *   SP_ERR_MALFORMED  not JSON as value.h reads it
 *   SP_ERR_INVALID    a keyword of the wrong form, a $ref that leads nowhere or in a circle, a
 *                     pattern that is none
 *   SP_ERR_LIMIT      nested too deep, too large
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error schema_compile(struct view text, const struct schema_options *options,
                                struct sp_why *why, struct schema_program **out);
void schema_program_free(struct schema_program *p); /* NULL is allowed */

/* Bytes that the program holds. */
size_t schema_program_bytes(const struct schema_program *p);

/* Walks `value` through the program. `scratch` takes what the walk needs and is as before after it.
 * Fills `report` (faults of "body") and returns its verdict. */
enum schema_verdict schema_run(const struct schema_program *p, const struct value *value,
                               struct scratch *scratch, struct schema_report *report);

#endif
