#ifndef SP_CONTROL_INTERNAL_H
#define SP_CONTROL_INTERNAL_H

/* What the files of this room share: the peer, a message on its way to a handler, the orders. */

#include "broker/control/control.h"
#include "broker/control/minute.h"
#include "broker/control/tally.h"
#include "broker/registry/registry.h"
#include "broker/session/edges.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/proto/fields.h"

#include <pthread.h>

enum { PEER_QUEUE_MAX = ENVELOPE_UNANSWERED_MAX, LINK_RETIRE_MS = 10 * 1000 };

/* What an order needs of a peer; outlives the channel by LINK_RETIRE_MS, since an order may be
 * under way on another thread. */
struct link {
    struct control *control; /* borrowed */
    uint64_t edge;           /* the listener's number */
    enum edge_kind kind;
    struct sp_id id;
    struct link *next; /* of its list: attached or retired */
    sp_boot_ms retired_at;
};

struct message {
    char type[ENVELOPE_TYPE_MAX + 1];
    int64_t i;
    struct json *members; /* one share */
    struct message *next;
};

/* One open channel. Loop thread, but what a running handler reads: it is never freed meanwhile. */
struct peer {
    struct control *control; /* borrowed */
    uint64_t edge;
    struct channel_peer proven;
    enum edge_kind kind;
    struct sp_id id;     /* device, connector, relay; zero: an unknown key */
    uint64_t attachment; /* of edges; 0: not attached */
    struct link *link;   /* owned; NULL: not attached */
    struct message *first, *last;
    size_t queued;
    struct minute audit, reports, demands, objects, usual; /* the running handler's */
    bool busy, gone;
    bool listing; /* live.list began; the running handler's */
    struct peer *next, **at;
};

struct control {
    struct control_services o;
    struct changes *changes; /* borrowed */
    struct loop *loop;       /* borrowed: the engine's */
    struct buf keys;         /* the `keys` statement of today */
    struct opening_server_config server;
    struct listener *listener;
    struct peer *peers;   /* owned list */
    struct link *retired; /* owned list */
    pthread_mutex_t lock; /* guards attached */
    pthread_mutex_t leases_lock;
    struct leases *leases; /* owned */
    struct link *attached; /* the peers own them */
    struct timer *sweep;   /* owned; NULL: not running */
    struct tally tally;    /* of the gateways of connectors */
};

/* ---- handlers: run on a worker; answer with reply_* exactly once when it is a call ---- */

struct turn {
    struct control *control;
    struct peer *peer;
    const struct message *message;
};
typedef void turn_handler(struct turn *t);

/* Reads the members by `table`; on failure the call is refused and false comes back. */
bool turn_read(struct turn *t, const struct field *table, void *out);
void control_settle(struct control *c); /* a worker: until what it committed is known everywhere */
void turn_answer(struct turn *t, const struct field *table, const void *in);
void turn_answer_empty(struct turn *t);
void turn_refuse(struct turn *t, sp_error e, const char *text);
void turn_refuse_code(struct turn *t, const char *code, const char *text, const char *request);

/* NULL: no peer of this kind may send this type, or only one whose key is known. */
turn_handler *dispatch_find(const struct peer *p, const char *type);

turn_handler agent_login_start, agent_login_poll, agent_login_finish, agent_login_factor,
    agent_login_end;
turn_handler agent_api_ticket, agent_posture_nonce, agent_posture_report;
turn_handler agent_app_list, agent_session_open, agent_session_end, agent_why;
turn_handler connector_enrol, relay_enrol, relay_at_boot, relay_at_load;
turn_handler edge_live_list, edge_live_delta, edge_stand_at, edge_ignored;
turn_handler connector_audit, connector_audit_batch;
turn_handler connector_report, connector_keys, connector_blob_get, connector_demand,
    connector_objects, connector_usual;

/* Is the app one of the connector's site? */
bool connector_serves(struct turn *t, struct sp_id app);
/* Worker: what somebody expects of an http app; greeting and change. */
void connector_expect(struct control *c, uint64_t edge, const struct app_row *app);

/* ---- admission: worker; fills `w`, or says with which code the channel ends ---- */
struct admission {
    struct peer *peer;
    struct opening_welcome welcome;
    char user[ROW_NAME_MAX + 1];
    enum channel_close refuse; /* 0: admitted */
    const char *reason;
};
void admit(struct control *c, struct admission *a);

/* ---- loop: a peer whose key is known now (welcome, enrol, login) joins the edges ---- */
void peer_attach(struct peer *p);
/* Any thread: the same, and `user` for an agent (zero: signed out). */
void peer_known(struct control *c, uint64_t edge, struct sp_id id, struct sp_id user);

/* Any thread: the listener's number of an edge that is attached here; 0: it is not. */
uint64_t edge_of(struct control *c, enum edge_kind kind, struct sp_id id);

/* ---- orders: edge_ops of the three kinds; arg is a struct link ---- */
extern const struct edge_ops agent_ops, connector_ops, relay_ops;

/* Worker: sends a connector its app records and where to stand. */
void connector_greet(struct control *c, uint64_t edge, struct sp_id connector);

#endif
