#ifndef SP_GATEWAY_APP_H
#define SP_GATEWAY_APP_H

/*
 * app: an http app in force: its configuration, what was loaded for it, and what its steps
 * remember. Made from an app record; a new version of the record makes a new one, and requests
 * under way keep the old one until they end. Loop thread.
 */

#include "connector/gateway/gateway.h"
#include "connector/gateway/http1.h"
#include "connector/gateway/pipeline.h"

struct document;
struct guard;
struct watch;
struct tls_context;
struct upstream_to;

/*
 * `files` is the connector's gateway folder. `why` names what is wrong.
 *   SP_ERR_INVALID, SP_ERR_LIMIT, SP_ERR_MALFORMED  as gwconf_parse
 *   SP_ERR_NOT_FOUND  a file of the configuration is not there
 *   SP_ERR_TLS, SP_ERR_NOMEM
 */
SP_MUST sp_error app_new(struct gateway *gateway, const struct apprec *record, struct sp_why *why,
                         struct gw_app **out);
struct gw_app *app_hold(struct gw_app *a); /* one more holder; returns `a` */
void app_free(struct gw_app *a);           /* gives back one share; NULL is allowed */

struct sp_id app_id(const struct gw_app *a);
int64_t app_version(const struct gw_app *a);
const char *app_name(const struct gw_app *a);
const struct gwconf *gw_app_conf(const struct gw_app *a); /* never NULL */
struct watch *gw_app_watch(const struct gw_app *a);       /* watch.h; never NULL */
struct guard *gw_app_guard(const struct gw_app *a);       /* guard.h; never NULL */
struct document *gw_app_document(const struct gw_app *a); /* document.h; never NULL */
const struct http1_limits *app_request_limits(const struct gw_app *a);
const struct http1_limits *app_answer_limits(const struct gw_app *a);
struct tls_context *app_front(const struct gw_app *a); /* `frontend: tls`; NULL: plain */
struct gateway *app_gateway(const struct gw_app *a);
struct view app_prefix(const struct gw_app *a); /* before each path; "" for none */
sp_unix_ms app_now(const struct gw_app *a);     /* broker time */

/* The parts of `to` that are the app's. */
void app_upstream(const struct gw_app *a, struct upstream_to *to);

/* A refusal, or hits of steps that only monitor: to the audit. */
void app_tell(struct gw_app *a, const struct gw_exchange *x);

#endif
