#ifndef SP_GATEWAY_GATEWAY_INTERNAL_H
#define SP_GATEWAY_GATEWAY_INTERNAL_H

/* What the parts of this room ask of the whole. */

#include "connector/gateway/gateway.h"
#include "connector/gateway/outside.h"

struct places;
struct upstream_pool;
struct link2_pool;
struct identity;
struct watch;

struct loop *gateway_loop(const struct gateway *g);
struct upstream_pool *gateway_upstreams(const struct gateway *g);
struct link2_pool *gateway_links(const struct gateway *g);
struct places *gateway_streams(struct gateway *g); /* of one user at one app */
struct arena_pool *gateway_arenas(struct gateway *g);
/* Room for one read of an application; what is in it lasts until the next turn of the loop. */
enum { GATEWAY_SCRATCH = 32 * 1024 };
uint8_t *gateway_scratch(const struct gateway *g);
/* What is in force of an app now; NULL: nothing. Borrowed until the next gateway_put. */
struct gw_app *gateway_app_now(const struct gateway *g, struct sp_id app);
const struct identity *gateway_identity(const struct gateway *g);
const char *gateway_files(const struct gateway *g);     /* the folder of files of configurations */
const char *gateway_documents(const struct gateway *g); /* of documents that the broker keeps */
unsigned gateway_generation(const struct gateway *g);   /* of files: rises with each reload */
struct pool *gateway_pool(const struct gateway *g);
/* Asks for the document of these 32 bytes; gateway_document says that it came. */
void gateway_fetch(const struct gateway *g, const uint8_t sha256[32]);
bool gateway_shares(const struct gateway *g); /* its limits, with other connectors of the site */
struct lease;
void gateway_tell_demand(const struct gateway *g, struct lease *l, struct gw_app *app);
/* What is remembered of an app, made when it is first asked for. NULL: no memory. */
struct watch *gateway_watch(struct gateway *g, struct sp_id app);
struct watch *gateway_watch_new(struct gateway *g, struct sp_id app); /* for slot.c */
sp_unix_ms gateway_now(const struct gateway *g);                      /* broker time */
struct outside gateway_outside(const struct gateway *g);              /* for sources of tokens */
void gateway_tell(const struct gateway *g, const struct gw_told *t);

#endif
