#ifndef SP_GATEWAY_DOCUMENT_H
#define SP_GATEWAY_DOCUMENT_H

/*
 * document: the OpenAPI document of an app in force, and the steps that hold requests and answers
 * to it. An app without one has a document that knows nothing: its steps pass.
 *
 * Modes     openapi.request: parameters, bodies, media types (400 or 422, 415); openapi.response:
 *           answers with a JSON body (502; an answer whose status the document does not list
 *           passes); openapi.unknown_endpoint: 404, or 405 for a known path.
 * Not read  what is over limits.inspect, and types other than JSON, forms, and multipart (only
 *           where openapi.request blocks and the length is known). gzip and deflate are undone;
 *           where requests are held to a schema another coding is 415, a broken one 400, and one
 *           that holds more than limits.inspect 413.
 * Loop thread.
 */

#include "connector/gateway/pipeline.h"
#include "connector/gateway/schema/openapi.h"

struct document;

/*
 * Loads openapi.file from the folder `files`. `conf` is borrowed until document_free; `prefix` is
 * app_prefix(). `why` names the first fault with its JSON pointer.
 *   SP_ERR_NOT_FOUND, SP_ERR_PERMISSION, SP_ERR_IO, and what api_load says; SP_ERR_NOMEM
 */
SP_MUST sp_error document_new(const struct gwconf *conf, const char *files, struct view prefix,
                              struct sp_why *why, struct document **out);
void document_free(struct document *d); /* after its requests; NULL is allowed */

const struct api_document *document_api(const struct document *d); /* NULL: none */

struct gw_verdict document_route(struct document *d, struct gw_exchange *x);
struct gw_verdict document_parameters(struct document *d, struct gw_exchange *x);
struct gw_verdict document_request(struct document *d, struct gw_exchange *x);
struct gw_verdict document_answer(struct document *d, struct gw_exchange *x);

gw_step step_route;          /* 4: which operation; 404, 405 */
gw_step step_parameters;     /* 9: in the head; 400, 415. Asks for the body. */
gw_step step_request_schema; /* 9: with the body; 400, 422 */
gw_step step_want_answer;    /* 15: asks for the body of the answer */
gw_step step_answer_schema;  /* 15: 502 */

#endif
