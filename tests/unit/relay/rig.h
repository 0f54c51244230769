#ifndef SP_TEST_RELAY_RIG_H
#define SP_TEST_RELAY_RIG_H

/*
 * rig: a whole relay in this process, but for its channel to a broker: sockets come in through a
 * front socket as the broker's would, connectors stand at it, agents open sessions with grants
 * that a key of the test signs. All on one loop, over real TCP on loopback.
 */

#include "lib/channel/over.h"
#include "lib/trust/mint.h"
#include "lib/tunnel/end.h"
#include "relay/accept.h"
#include "relay/orphan.h"
#include "relay/pair.h"
#include "relay/report.h"
#include "relay/stand.h"
#include "tests/unit/check.h"
#include "tests/unit/lib/tunnel/app.h"

struct rig;
struct rig_connector;

/* A tunnel of a connector: a spare, later the connector's end of a session. */
struct rig_spare {
    struct rig_connector *of;
    struct rig_spare *next;
    struct sp_id ticket;
    struct tunnel_end *end;
    bool waiting, ordered, served, bare, up, ended;
    struct grant grant;
    char token[GRANT_MAX + 1];
    struct tunnel_report report;
    struct app app;
};

struct rig_connector {
    struct rig *rig;
    struct key_secret *key;
    struct sp_id id;
    char statement[STAND_MAX + 1];
    struct opening_edge_config edge;
    struct over *over;
    struct channel *channel; /* NULL: not open */
    struct tls_context *inner;
    struct rig_spare *spares;
    const char *refuse;   /* answers every open with this code; NULL: takes it */
    bool silent;          /* never answers an open */
    bool dials_no_spares; /* ignores tickets */
    unsigned opened, tickets, opens, cuts, drains, ended;
    char cut_why[32];
    struct over_report report;
    size_t to_send; /* of its applications */
    bool stalled;
};

struct rig_agent {
    struct rig *rig;
    struct tls_context *inner;
    struct tunnel_end *end;
    bool up, ended;
    struct tunnel_report report;
    struct app app;
};

enum { RIG_AGENTS = 8, RIG_CONNECTORS = 3 };

struct rig {
    struct loop *loop;
    struct relay relay;
    struct relay_config config;
    struct relay_state state;
    struct key_secret *grant_key, *record_key, *device, *stranger;
    struct tls_context *outer; /* of agents and connectors */
    uint8_t pin[TLS_PIN_BYTES];
    char folder[32], front[64];
    int front_listener, front_relay;
    struct rig_connector connectors[RIG_CONNECTORS];
    struct rig_agent agents[RIG_AGENTS];
    struct channel *broker;
    struct buf told; /* all that the relay told its broker, message by message */
    unsigned enrol_lines;
    int64_t ahead;      /* of the real boot clock */
    struct timer *kick; /* owned; NULL: not running */
};

void rig_init(struct rig *r, int cut_through);
void rig_deinit(struct rig *r);
void rig_turn(struct rig *r);

/* Turns the loop until `cond` holds; a test fails after 5 s. */
#define rig_until(r, cond)                        \
    do {                                          \
        sp_boot_ms rig_end = clock_boot() + 5000; \
        while (!(cond) && clock_boot() < rig_end) \
            rig_turn(r);                          \
        check(cond);                              \
    } while (0)
void rig_for(struct rig *r, int64_t ms); /* turns so long */
/* The boot clock jumps: what was to happen meanwhile happens in the next turns. */
void rig_later(struct rig *r, int64_t ms);

/* A connection into the relay, past the front; the other end of it. */
int rig_connect(struct rig *r);

/* Connector `n` stands; with `waits` spares waiting before it returns. */
struct rig_connector *rig_stand(struct rig *r, int n, unsigned waits);
unsigned rig_waiting(const struct rig_connector *c);
struct rig_spare *rig_serving(const struct rig_connector *c); /* the spare that is up; or NULL */

/* A grant of this moment for this relay and connector `c`, to be changed and minted. */
struct grant rig_grant(struct rig *r, const struct rig_connector *c);
void rig_mint(const struct rig *r, const struct grant *g, const struct key_secret *k, char *out);
/* Agent `n` connects with the token. */
struct rig_agent *rig_ask(struct rig *r, int n, const struct grant *g, const char *token);
struct rig_agent *rig_ask_fresh(struct rig *r, int n, const struct rig_connector *c,
                                struct grant *out);
void rig_stream(struct rig_agent *a, size_t bytes);

/* A broker's channel is there: what the relay says goes to `told`. */
void rig_attach(struct rig *r);
bool rig_told(const struct rig *r, const char *type, const char *words);

#endif
