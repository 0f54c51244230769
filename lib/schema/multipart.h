#ifndef SP_SCHEMA_MULTIPART_H
#define SP_SCHEMA_MULTIPART_H

/*
 * multipart: multipart/form-data (RFC 7578) as the members of an object: names, types and sizes of
 * its parts, and the JSON ones read. Files are a text of no content: `required`, unknown names and
 * the part's media type are checked, its bytes are not.
 *
 * Read strictly, since applications differ in what they forgive: a boundary of RFC 2046, CRLF line
 * ends, one Content-Disposition with one name a part, nothing before the first part or after the
 * last, no transfer encoding.
 */

#include "lib/schema/openapi_internal.h"
#include "lib/schema/shape.h"

enum { MULTIPART_PARTS_MAX = 256, MULTIPART_HEAD_MAX = 4096 };

/* Adds each part to `root`. `type` is the value of Content-Type. Not VALID: refused, with a fault
 * in `report`. */
enum schema_verdict multipart_read(struct shape *s, const struct media *m, struct view type,
                                   struct view body, struct twig *root,
                                   struct schema_report *report);

/* bodies.c: a member of a form. */
enum schema_verdict form_collect(struct shape *s, const struct media *m, struct twig *root,
                                 struct view name, struct view text);

#endif
