#ifndef SP_CONTROL_CONTROL_H
#define SP_CONTROL_CONTROL_H

/*
 * control: what devices, connectors and relays may say to the broker over their proven channels
 * (PROTOCOL sections 4 and 5).
 *
 * agents.c, connectors.c and relays.c are tables: message, handler, and what the peer must be for
 * it. dispatch.c looks the peer's key up in the registry before anything is welcomed, runs each
 * handler on a worker (messages of one session in their order), answers, and turns orders of
 * broker/session (edges.h) into messages. Who asks is always the channel's proven key, never a
 * member of a message (INC-14).
 * Loop thread, unless said otherwise.
 */

#include "broker/identity/logins.h"
#include "broker/identity/tickets.h"
#include "broker/session/sessions.h"
#include "broker/store/changes.h"
#include "lib/channel/listener.h"
#include "lib/http/engine.h"

struct control;
struct pool;

/* Filled once by broker/run.c; all borrowed until control_free. */
struct control_services {
    struct engine *engine;
    struct pool *pool;
    struct registry *registry;
    struct sessions *sessions;
    struct edges *edges;
    struct live *live;
    struct judge *judge;
    struct logins *logins;
    struct tickets *tickets;
    const struct key_secret *identity; /* signs hello */
    const struct key_secret *record;   /* signs stands */
    struct view keys;                  /* keys statement; control_keys() replaces it */
    const char *public_address;        /* "access.example.org:443": where a relay behind the front
                                          is reached */
    bool l7;                           /* front: l7 */
};

SP_MUST sp_error control_new(const struct control_services *s, struct control **out);
/* After server_free of the server that carries it, and after the loop has stopped. */
void control_free(struct control *c);

/* For server_options.endpoints. */
const struct lws_protocols *control_endpoint(struct control *c);

/* After registry_listener() in the list of listeners: sends connectors the records that changed,
 * and closes the channels of edges and devices that were revoked. */
struct changes_listener control_listener(struct control *c);

/* The changes that carry that listener, borrowed; before the server runs. An enrolment is answered
 * when all of them know the new edge: it comes back at once, and who it is is read from the
 * registry's snapshot. */
void control_follows(struct control *c, struct changes *changes);

/* The keys statement is new: sent to all connectors and relays, and with each hello from now on.
 * Copies. */
void control_keys(struct control *c, struct view statement);

/* For logins_options.moved; `arg` is the control. Any thread. */
void control_login_moved(void *arg, const struct key_public *device, const char *state,
                         const char *text);

/* A worker: asks a connector to dial an app once.
 *   SP_ERR_UNREACHABLE  the connector does not hang here
 *   SP_ERR_TIMEOUT
 */
struct control_dial {
    char address[64]; /* resolved; "": not */
    char floor[256];  /* "ok", or the line of the floor file that refuses */
    char error[256];  /* "": connected */
    int64_t ms;
};
SP_MUST sp_error control_app_test(struct control *c, struct sp_id connector, struct sp_id app,
                                  struct control_dial *out);

/* A worker: the agent of a device is asked to report its posture now; false: it does not hang
 * here. */
SP_MUST bool control_ask_report(struct control *c, struct sp_id device);

/* A worker: the connectors of an http app hear which of its incidents are expected. */
void control_expect(struct control *c, struct sp_id app);

/* What the gateways of connectors counted, by app; `each` is called with the app's name. */
struct tally_app;
typedef void each_tally(void *arg, const char *app, const struct tally_app *counts);
void control_gateways(struct control *c, each_tally *each, void *arg);

/* What waits in the audit spools of connectors; `each` is called with the connector's name. */
struct tally_spool;
typedef void each_spool(void *arg, const char *connector, const struct tally_spool *s);
void control_spools(struct control *c, each_spool *each, void *arg);

struct control_counts {
    size_t unproven, open;
};
struct control_counts control_counts(const struct control *c);

#endif
