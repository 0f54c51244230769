#ifndef SP_SCHEMA_TRAITS_H
#define SP_SCHEMA_TRAITS_H

/*
 * traits: what a schema says about a value before there is one. A parameter is text: whether it may
 * become a number, and which part of a list it is, only the schema knows.
 *
 * Follows $ref, allOf, anyOf and oneOf of a sealed program, TRAITS_HOPS_MAX deep; what lies further
 * is answered as if nothing were said. Pure; any thread.
 */

#include "lib/schema/program.h"

enum { TRAITS_HOPS_MAX = 12 };

/* TYPE_… bits that may hold; TYPE_ANY when the schema does not say. */
uint32_t traits_types(const struct schema_program *p, uint32_t node);
/* The schema of item `index`, or of a member; NODE_TRUE when nothing is said of it. */
uint32_t traits_item(const struct schema_program *p, uint32_t node, size_t index);
uint32_t traits_member(const struct schema_program *p, uint32_t node, struct view name);
/* Whether the schema lists the member by its name. */
bool traits_declares(const struct schema_program *p, uint32_t node, struct view name);
/* The members that the schema lists by name, at most `max`; of its items where it is only a list.
 * 0: it lists none, lists more, or describes others besides (additionalProperties, patterns). The
 * names are the program's. */
size_t traits_names(const struct schema_program *p, uint32_t node, struct view *out, size_t max);
/* Whether it is marked x-sallyport-sensitive. */
bool traits_sensitive(const struct schema_program *p, uint32_t node);

#endif
