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

#include "connector/gateway/paper.h"
#include "connector/gateway/pipeline.h"
#include "lib/schema/openapi.h"

struct document;

/*
 * `before` is the document of the version of the app that is in force (NULL: none): where both name
 * the same content, what is compiled is shared, and this one is ready at once. `conf` and `place`
 * are borrowed until document_free.
 *   SP_ERR_NOMEM
 */
struct document_place {
    const char *files;     /* of openapi.file */
    const char *documents; /* of openapi.document, by the hex text of their SHA-256 */
    struct view prefix;    /* app_prefix() */
    unsigned generation;   /* of `files` */
};
SP_MUST sp_error document_new(const struct gwconf *conf, const struct document_place *place,
                              const struct document *before, struct document **out);
void document_free(struct document *d); /* after its requests; NULL is allowed */

bool document_is_ready(const struct document *d);
/* Begins to read it, and again after a failure; `ready` as paper.h says it, unless the document is
 * freed before. Where it is ready already: not to be called.   SP_ERR_NOMEM, SP_ERR_BUSY */
SP_MUST sp_error document_load(struct document *d, struct pool *pool, paper_ready *ready,
                               void *arg);
/* Its SHA-256 where openapi.document names it; NULL: a file, or none. */
const uint8_t *document_sha256(const struct document *d);

/* The SHA-256 of what is in force, of either kind. NULL: none. */
const uint8_t *document_version(const struct document *d);

size_t document_bytes(const struct document *d);    /* compiled; 0: none */
int64_t document_load_us(const struct document *d); /* how long that took; 0: none */

/* The rest once it is ready. NULL: none. */
const struct api_document *document_api(const struct document *d);

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
