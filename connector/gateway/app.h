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
#include "connector/gateway/renew.h"

struct document;
struct guard;
struct watch;
struct tls_context;
struct upstream_to;

/*
 * `before` is the version in force, or NULL: what is compiled of the same document, and what was
 * loaded of the same certificates, is shared. `why` names what is wrong.
 *   SP_ERR_INVALID, SP_ERR_LIMIT, SP_ERR_MALFORMED  as gwconf_parse
 *   SP_ERR_NOT_FOUND  introspection's secret_file is not there
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error app_new(struct gateway *gateway, const struct apprec *record,
                         const struct gw_app *before, struct sp_why *why, struct gw_app **out);
/* A worker loads its certificates, once, before it is in force; `loaded` as renew_ready, unless `a`
 * is freed before. Where it is loaded: not to be called.   SP_ERR_BUSY, SP_ERR_NOMEM */
bool app_is_loaded(const struct gw_app *a);
typedef renew_ready app_loaded;
SP_MUST sp_error app_load(struct gw_app *a, app_loaded *loaded, void *arg);
/* It is in force from now on: what is remembered of the app follows it. It is loaded, and its
 * document is ready. */
void app_begin(struct gw_app *a);
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

/* What it holds now; what outlives it (watch.h) is left as it is. Walks the table of limits. */
struct api_gauges;
void app_gauges(const struct gw_app *a, struct api_gauges *out);

/* Once a second: files that were replaced are read anew (renew.h), for connections that begin from
 * then on. True, once: app_ends() says something new. */
bool app_renew(struct gw_app *a);
struct renew_ends app_ends(const struct gw_app *a); /* zero for certificates that it has not */

/* The parts of `to` that are the app's. */
void app_upstream(const struct gw_app *a, struct upstream_to *to);

/* The exchange as far as it has come. */
struct trace app_trace(const struct gw_app *a, const struct gw_exchange *x);

/* A refusal, or hits of steps that only monitor: to the audit. */
void app_tell(struct gw_app *a, const struct gw_exchange *x);

#endif
