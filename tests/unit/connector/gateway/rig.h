#ifndef SP_TEST_GATEWAY_RIG_H
#define SP_TEST_GATEWAY_RIG_H

/*
 * rig: a gateway between a client and an application that the test plays itself: an agent's
 * streams, the connector's streams, the gateway, and a TCP socket on loopback. One loop.
 */

#include "connector/gateway/gateway.h"
#include "lib/os/loop.h"
#include "tests/unit/check.h"

enum { RIG_APP_CONNECTIONS = 8, RIG_USERS = 2 };

struct rig_user {
    struct streams *agent, *connector;
    struct stream *stream; /* the agent's; owned */
    struct gw_conn *conn;
    struct gw_person *person;
    struct person statement;
    struct grant grant;
    struct buf out, in; /* to the gateway, from it */
    size_t out_at;
    bool finish; /* FIN after `out` */
    size_t pace; /* bytes that the client takes of one delivery; 0: all */
    bool ended, over;
    sp_error why;
    struct rig *rig;
};

struct rig {
    struct loop *loop;
    struct pool *pool;
    struct gateway *gateway;
    struct apprec app;
    struct address to;
    char dir[64];
    int listener;
    int app_fd[RIG_APP_CONNECTIONS]; /* -1: closed */
    size_t app_count;
    struct buf app_in[RIG_APP_CONNECTIONS];
    struct rig_user users[RIG_USERS];
    sp_unix_ms now;
    bool one_person; /* both streams are one user's */
    unsigned told, reports;
    struct json *report;           /* the last one; owned */
    char reason[64], found_by[32]; /* of what was told last */
    struct trace trace;
    unsigned incidents; /* that the gateway gave out, once a second */
    char detector[32];
    unsigned fetched; /* documents asked for by their hash */
    uint8_t sha256[32];
};

/* `gateway` is the app's configuration. Both users have a stream that is open. */
void rig_init(struct rig *r, const char *gateway);
/* The same with a file api.yaml that the configuration can name. */
void rig_init_documented(struct rig *r, const char *gateway, const char *document);
void rig_init_one_person(struct rig *r, const char *gateway);
void rig_deinit(struct rig *r);
void rig_open(struct rig *r, size_t user); /* a new stream in place of the one that ended */

void rig_send(struct rig *r, size_t user, const char *text);
void rig_send_bytes(struct rig *r, size_t user, struct view bytes);
void rig_turn(struct rig *r);

/* The application's connection `i` says, or closes. */
void rig_answer(struct rig *r, size_t i, const char *text);
void rig_answer_bytes(struct rig *r, size_t i, struct view bytes);
void rig_hang_up(struct rig *r, size_t i);

/* Turns until `cond` holds; fails after 5 s. */
#define rig_until(r, cond)                        \
    do {                                          \
        int64_t rig_end = clock_boot() + 5000;    \
        while (!(cond) && clock_boot() < rig_end) \
            rig_turn(r);                          \
        check(cond);                              \
    } while (0)

/* Whether what came to the client, or to the application on connection `i`, holds the text. */
bool rig_got(struct rig *r, size_t user, const char *text);
bool rig_app_got(struct rig *r, size_t i, const char *text);

#endif
