#ifndef SP_GATEWAY_GATEWAY_H
#define SP_GATEWAY_GATEWAY_H

/*
 * gateway: what the rest of the connector knows of this room: apps whose record has a gateway
 * part are served here, stream by stream, in place of a plain connection (dial.h). Loop thread.
 */

#include "connector/gateway/request.h"
#include "lib/base/json.h"
#include "lib/gateway/trace.h"
#include "lib/os/sock.h"
#include "lib/proto/gateway.h"
#include "lib/trust/apprec.h"
#include "lib/trust/grant.h"
#include "lib/trust/person.h"
#include "lib/tunnel/streams.h"

struct client;
struct loop;
struct pool;
struct gateway;
struct gw_app;
struct gw_person;
struct gw_conn;

/* What was refused, or would have been: for the audit. Views are borrowed for the call. */
struct gw_told {
    const struct gw_caller *caller;
    struct sp_id app;
    bool blocked; /* false: a step in monitor */
    int status;
    const char *reason, *rule; /* "token_subject", "per-user"; rule "" for none */
    const char *detector;      /* "bola"; "" for none */
    const char *text;          /* one sentence for people */
    struct trace trace;
    struct view method, template;
};

struct gateway_options {
    struct loop *loop; /* borrowed until gateway_free, as all pointers here */
    struct pool *pool;
    const char *state; /* the connector's state folder: its own key lies there */
    const char *files; /* certificates, keys and documents that configurations name */
    /* Documents that configurations name by their SHA-256: files of the hex text of it, and who is
     * asked for one that is not there; gateway_document says that it came. NULL: nobody. */
    const char *documents;
    void (*fetch)(void *arg, const uint8_t sha256[32]);
    struct sp_id connector;
    sp_unix_ms (*broker_time)(void *arg);
    void (*tell)(void *arg, const struct gw_told *t);
    /* What an app's requests say together (detect/detect.h), new or changed. Borrowed. false:
     * not taken now, it is told again. */
    bool (*incident)(void *arg, struct sp_id app, const struct json *incident);
    /* What the inventory and the ledger have to say (lib/proto/gateway.h). Takes the message.
     * false: not sent, it is said again. */
    bool (*report)(void *arg, struct json *report);
    /* What was asked of limits that the connectors of a site share (api.demand). Takes it. NULL:
     * this connector is the only one, and every limit is wholly its own. */
    bool (*demand)(void *arg, struct json *demand);
    /* For the site's other connectors (siblings.h). Takes it. false: not sent. NULL: there is
     * nobody. */
    bool (*siblings)(void *arg, enum api_sealed_kind kind, struct json *told);
    /* For access tokens: who fetches keys and asks introspection, in the pool's jobs, so it lives
     * longer than the pool; and whether the floor lists a host as an issuer. */
    struct client *client;
    bool (*issuer_allowed)(void *arg, struct view host, uint16_t port);
    void *arg;
};

/*
 * Loads the gateway's own key, or makes it, and the site's if there is one.
 *   SP_ERR_INVALID    the site's key is none
 *   SP_ERR_PERMISSION, SP_ERR_CORRUPT, SP_ERR_IO, SP_ERR_NOMEM  `why` says what
 */
SP_MUST sp_error gateway_new(const struct gateway_options *o, struct sp_why *why,
                             struct gateway **out);
void gateway_free(struct gateway *g); /* after its streams; NULL is allowed */

/* The public half of the key that signs Sallyport-Assertion, as a JWKS text. */
struct view gateway_jwks(const struct gateway *g);

/* The record's app is to be served here. */
bool gateway_serves(const struct apprec *app);

/*
 * Who asks, for all streams of one session. `statement` is what the agent said of its person,
 * verified; its claims are kept.   SP_ERR_NOMEM
 */
SP_MUST sp_error gateway_person(const struct grant *grant, const struct person *statement,
                                sp_unix_ms opened, sp_unix_ms deadline, struct gw_person **out);
void gateway_person_limit(struct gw_person *p, sp_unix_ms deadline);
void gateway_person_free(struct gw_person *p); /* after its streams; NULL is allowed */

/* The one end, from the loop, never inside gateway_serve. Call gateway_leave in it. */
typedef void gateway_ended(void *arg, struct gw_conn *c);

/* `to` is the address that the session resolved and the floor allowed; it is copied. */
struct gateway_serving {
    struct address to;
    gateway_ended *ended;
    void *arg; /* borrowed until gateway_leave */
};

/*
 * Serves one stream. Takes `stream`, also when it fails. `person` NULL: nobody, and every request
 * is 401; else borrowed until gateway_leave.
 * A stream of an app whose document is still being read waits for it, some seconds at most.
 *   SP_ERR_INVALID  the configuration can't be in force here: it was logged
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error gateway_serve(struct gateway *g, const struct apprec *app,
                               const struct gw_person *person, struct stream *stream,
                               const struct gateway_serving *serving, struct gw_conn **out);
/* Ends it: both sides are reset, unless both had ended. NULL is allowed. */
void gateway_leave(struct gw_conn *c);

/* No byte moves while it is held: the session waits for a proof. */
void gateway_hold(struct gw_conn *c, bool held);

/* A record of an app that has sessions: its next request is judged by it. */
void gateway_put(struct gateway *g, const struct apprec *app);
/* A document that was asked for is in the folder now. */
void gateway_document(struct gateway *g, const uint8_t sha256[32]);
/* Files may have changed: every app reads its own anew at its next gateway_put or stream. */
void gateway_reload(struct gateway *g);

/* Incidents that somebody found right so: a whole list of one app, in place of the one before. */
void gateway_expect(struct gateway *g, const struct api_expect *e);

/* The broker is back: what it may have missed is told anew. */
void gateway_tell_again(struct gateway *g);

/* The broker's word on limits that are shared (api.share). */
void gateway_share(struct gateway *g, const struct api_rules *shares);

/* What another connector of the site told. An app that nobody asked for here learns nothing. */
void gateway_told(struct gateway *g, enum api_sealed_kind kind, const struct api_sealed *m);

/* The last session of a user on an app is over. */
void gateway_forget(struct gateway *g, struct sp_id app, struct sp_id user);

#endif
