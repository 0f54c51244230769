#ifndef SP_GATEWAY_ROUTE_H
#define SP_GATEWAY_ROUTE_H

/*
 * route: from the segments of a request to the operation of a document.
 *
 * A trie of segments, made once at load. A literal beats a template (OpenAPI, path templating); a
 * template may be a part of a segment ("{id}.json", "{from}..{to}"). No regular expression. Paths
 * stand below each base of the document's servers, seen from the prefix of the app's upstream. A
 * slash at the end is not told apart. Immutable after routes_new; any thread.
 */

#include "connector/gateway/pipeline.h"
#include "lib/schema/openapi.h"

struct routes;

/* A base of the document as requests show it: without `prefix`, which the gateway adds itself. */
struct view routes_base(struct view base, struct view prefix);

/* `d` is borrowed until routes_free. `prefix`: what the gateway puts before each path itself.
 *   SP_ERR_LIMIT  a path of more segments than a request may have
 *   SP_ERR_NOMEM */
SP_MUST sp_error routes_new(const struct api_document *d, struct view prefix, struct routes **out);
void routes_free(struct routes *r); /* NULL is allowed */

/*
 * Fills `out` from the target and the method; its views live in the arena and in the document.
 * operation NULL: the path has no such method (`allowed` says which it has) or is unknown
 * (`allowed` 0). HEAD is what GET is where the document does not have it.
 *   SP_ERR_LIMIT, SP_ERR_NOMEM  from the arena
 */
SP_MUST sp_error routes_find(const struct routes *r, const struct gw_request *request,
                             struct gw_route *out);

#endif
