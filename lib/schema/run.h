#ifndef SP_SCHEMA_RUN_H
#define SP_SCHEMA_RUN_H

/*
 * run: the walk of a value through a program; what schema_run() and the checks of openapi.h use.
 *
 * Bounds     steps and frames of schema.h; PATTERN_MS_MAX of processor time in regular expressions
 * a walk. Whatever is over them ends the walk with SCHEMA_COST. Branches   anyOf, oneOf, not and if
 * are tried silently; a discriminator picks the branch first, so that faults are of the right one.
 */

#include "lib/schema/program.h"

enum { PATTERN_MS_MAX = 50 };

enum direction { NO_DIRECTION = 0, IN_REQUEST, IN_RESPONSE };

/* What is walked and how. */
struct walk {
    const struct schema_program *program;
    uint32_t node;
    yyjson_val *value;
    enum direction direction; /* readOnly and writeOnly mean nothing without one */
    bool closed;              /* members that no part of the schema describes are refused */
    const char *in;           /* of the faults */
    struct view name;         /* of a parameter: the pointer begins with it; empty: a body */
    schema_text *text;        /* NULL: nobody asks for free texts */
    void *text_arg;
};

/* Adds its faults to `report`; the verdict is returned, and written there unless it is VALID. */
enum schema_verdict walk_run(const struct walk *w, struct scratch *scratch,
                             struct schema_report *report);

/* Tells the free texts of a value that was walked. Nothing when nobody asks. */
void walk_tell(const struct walk *w);

/* Adds a fault that is not of a schema. */
void report_fault(struct schema_report *report, enum schema_verdict v, const char *in,
                  struct view name, const char *keyword);

#endif
