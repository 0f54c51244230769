#ifndef SP_SCHEMA_URI_H
#define SP_SCHEMA_URI_H

/*
 * uri: RFC 3986 as $id and $ref need it, and as the formats uri and uri-reference are checked.
 * Pure; any thread.
 */

#include "lib/schema/scratch.h"

#include "lib/base/view.h"

struct uri {
    struct view scheme, authority, path, query, fragment;
    bool has_authority, has_query, has_fragment;
};

/* Splits; never fails. Views into `text`. */
struct uri uri_split(struct view text);

/* `ref` seen from `base`, without the fragment (RFC 3986 section 5.2), in `scratch`.
 * .at NULL: the scratch is full. */
struct view uri_resolve(struct view base, struct view ref, struct scratch *scratch);

/* Whether all of `text` follows the grammar of a URI, or (`relative`) of a URI reference. */
bool uri_valid(struct view text, bool relative);

/* Percent-decodes once; '+' stays. Bad escapes stay as they are. .at NULL: the scratch is full. */
struct view uri_decode(struct view text, struct scratch *scratch);

#endif
