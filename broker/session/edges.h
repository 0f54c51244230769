#ifndef SP_SESSION_EDGES_H
#define SP_SESSION_EDGES_H

/*
 * edges: the connectors, relays and agents that hang on this broker right now, as sessions need
 * them: who is there, where connectors stand, and how to send an order.
 *
 * broker/control attaches each proven channel and reports what it hears; it gives a table of
 * functions that only hand the order to its loop and return. Any thread; locks inside; ops are
 * called without locks held.
 */

#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/crypto/key.h"

struct edges;

enum edge_kind { EDGE_NOBODY = 0, EDGE_AGENT, EDGE_CONNECTOR, EDGE_RELAY, EDGE_KINDS };

enum cut_why {
    CUT_NONE = 0,
    CUT_KILLED,
    CUT_POLICY,
    CUT_DEADLINE,
    CUT_IDLE,
    CUT_REVOKED,
    CUT_STEP_UP,
    CUT_GONE
};
const char *cut_word(enum cut_why w); /* "killed", "policy", … as PROTOCOL.md section 10 */

/* One session, or all that match the members that are not zero. */
struct cut_order {
    struct sp_id session;
    struct sp_id user, device, connector, app;
    enum cut_why why;
    const char *text;        /* for the person; NULL: none; valid during the call */
    uint64_t scope, version; /* of the change; 0: none */
};
struct limit_order {
    struct sp_id session;
    sp_unix_ms deadline; /* earlier than before, never later */
    int64_t idle_ms;
};
struct pause_order {
    struct sp_id session;
    bool paused; /* false: goes on */
    sp_unix_ms until;
    const char *text;
};

/* NULL members are not sent. All copy what they need before they return. */
struct edge_ops {
    void (*cut)(void *arg, const struct cut_order *order);
    void (*limit)(void *arg, const struct limit_order *order);
    void (*pause)(void *arg, const struct pause_order *order);
    void (*keys)(void *arg);                      /* the keys statement is new */
    void (*app_put)(void *arg, struct sp_id app); /* connector: its record is new */
    void (*app_drop)(void *arg, struct sp_id app);
    void (*relays)(void *arg); /* connector: stand anew */
    void (*drain)(void *arg, sp_unix_ms until);
    void (*close)(void *arg, int code, const char *reason); /* 4403: revoked, signed out */
};

struct edge_info {
    enum edge_kind kind;
    struct sp_id id;
    struct sp_id user;     /* agent: who is logged in; zero: nobody */
    struct sp_id boot;     /* relay: of this start */
    struct sp_id site;     /* connector */
    struct key_public key; /* connector: as the inner TLS shows it; agent: tunnel key */
    char address[64];      /* peer's, for people */
    char software[64];
    sp_unix_ms since;
};

SP_MUST sp_error edges_new(struct edges **out);
void edges_free(struct edges *e);

/*
 * One channel of a key: an older one of the same (kind, id) is closed with 4409 and detached.
 * `*handle` names this attachment. Borrows ops and arg until edges_detach() returned and, for
 * calls under way, until the channel's own loop has seen it: ops run no callbacks of the channel.
 */
SP_MUST sp_error edges_attach(struct edges *e, const struct edge_info *info,
                              const struct edge_ops *ops, void *arg, uint64_t *handle);
void edges_detach(struct edges *e, uint64_t handle);
/* An agent logged in or out. */
void edges_set_user(struct edges *e, uint64_t handle, struct sp_id user);
/* SP_ERR_NOT_FOUND */
SP_MUST sp_error edges_find(struct edges *e, enum edge_kind kind, struct sp_id id,
                            struct edge_info *out);
/* Walks a frozen list; each is called without locks held. */
void edges_each(struct edges *e, enum edge_kind kind,
                void (*each)(void *arg, const struct edge_info *info), void *arg);
size_t edges_count(const struct edges *e, enum edge_kind kind);

/* `stand.at` of a connector: all relays that it stands at now. What comes late from a channel that
 * was replaced is ignored; within one they come in their order. */
enum { EDGE_STANDS_MAX = 3 };
void edges_stand_at(struct edges *e, uint64_t handle, const struct sp_id *relays, size_t count);
size_t edges_stands(struct edges *e, struct sp_id connector, struct sp_id out[EDGE_STANDS_MAX]);
/* `relay.rtt` of an agent or connector, and `load` of a relay. */
void edges_rtt(struct edges *e, enum edge_kind kind, struct sp_id id, struct sp_id relay,
               uint32_t us);
struct relay_load {
    uint64_t tunnels, bytes_per_s, spare_descriptors;
};
void edges_load(struct edges *e, struct sp_id relay, const struct relay_load *load);
/* 0: never measured. */
uint32_t edges_rtt_us(struct edges *e, enum edge_kind kind, struct sp_id id, struct sp_id relay);
struct relay_load edges_relay_load(struct edges *e, struct sp_id relay);

/* Whether the edge sent its whole live list: before that nothing is granted through it. */
void edges_ready(struct edges *e, uint64_t handle);
bool edges_is_ready(struct edges *e, enum edge_kind kind, struct sp_id id);

/* Orders: to one edge, or to every one of a kind. False: it does not hang here. */
bool edges_send_cut(struct edges *e, enum edge_kind kind, struct sp_id id,
                    const struct cut_order *order);
void edges_send_cut_all(struct edges *e, const struct cut_order *order); /* connectors, relays */
bool edges_send_limit(struct edges *e, enum edge_kind kind, struct sp_id id,
                      const struct limit_order *order);
bool edges_send_pause(struct edges *e, enum edge_kind kind, struct sp_id id,
                      const struct pause_order *order);
void edges_close(struct edges *e, enum edge_kind kind, struct sp_id id, int code,
                 const char *reason);
void edges_app_changed(struct edges *e, struct sp_id site, struct sp_id app, bool dropped);
void edges_keys_changed(struct edges *e);
void edges_relays_changed(struct edges *e);

#endif
