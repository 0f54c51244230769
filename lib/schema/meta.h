#ifndef SP_SCHEMA_META_H
#define SP_SCHEMA_META_H

/*
 * meta: the nine documents of the JSON Schema 2020-12 meta-schema, by URI.
 *
 * Source     https://json-schema.org/draft/2020-12/schema and meta/… (Revised BSD or AFL 3.0), with
 *            titles, comments and defaults left out; the documents are normative and do not change.
 */

#include "lib/base/view.h"

/* The JSON text, or an empty view for any other URI. */
struct view meta_schema(struct view uri);

#endif
