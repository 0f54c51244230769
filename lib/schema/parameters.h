#ifndef SP_SCHEMA_PARAMETERS_H
#define SP_SCHEMA_PARAMETERS_H

/*
 * parameters: what forms in bodies share with the parameters of a request.
 */

#include "lib/schema/run.h"
#include "lib/schema/shape.h"

struct raw_pair {
    struct view name;  /* decoded */
    struct view value; /* as written */
    bool used;
};

struct raw_pairs {
    struct raw_pair *items;
    size_t count;
};

/* Splits at `between` and each at its first '='. False: shape_trouble() says why. */
bool pairs_split(struct shape *s, struct view raw, const char *between, struct raw_pairs *out);

/* Why there is no twig or no pair. */
enum schema_verdict shape_trouble(const struct shape *s);

/* Walks the twig as a value of w->node, once more as text where that is another reading, and tells
 * its free texts. */
enum schema_verdict shape_check(struct shape *s, const struct twig *t, struct walk *w,
                                struct schema_report *report);

#endif
