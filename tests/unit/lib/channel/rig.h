#ifndef SP_TEST_CHANNEL_RIG_H
#define SP_TEST_CHANNEL_RIG_H

/*
 * rig: the real thing on one loop: a server with the control endpoint on a loopback port, and a
 * dialer.
 *
 *   dialer ── wss, TLS 1.3, /control ──▶ accept ── server_adopt ── listener
 */

#include "lib/channel/dialer.h"
#include "lib/channel/listener.h"
#include "lib/http/server.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "tests/unit/check.h"

/* The broker's side. */
struct rig_side {
    struct listener *listener;
    struct server *server;
    struct watch *watch;
    int fd;
    uint16_t port;
    struct opening_server_config config;
    struct opening_welcome welcome;
    enum channel_close refuse; /* 0: welcome */
    /* what was heard */
    unsigned proven, opened, lost, messages;
    uint64_t edge;
    struct channel_peer peer;
    char type[40];
};

/* What the edge heard. */
struct rig_heard {
    unsigned opened, lost, messages, done;
    struct dialer_lost end;
    struct channel *channel;
    char type[40], state[20];
    sp_error answer;
    int64_t n;
};

struct rig {
    struct loop *loop;
    struct pool *pool;
    struct engine *engine;
    struct key_secret *identity, *stranger, *device, *tunnel;
    struct rig_side side;
    struct rig_heard heard;
    struct dialer *dialer; /* owned; NULL: none */
    struct opening_edge_config edge;
    struct tls_named trust;
    char ca[512]; /* of trust */
};

/* Of a group of tests: the loop and the keys; each test has the rig as its state. */
int rig_set_up(void **state);
int rig_tear_down(void **state);
/* Of one test: a side with a certificate for localhost; nobody has dialled yet. */
int rig_begin(void **state);
int rig_end(void **state);
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

const char *rig_data(const char *name); /* path of a file in tests/data/tls, static */

void rig_serve(struct rig *r, const char *stem); /* with the certificate of that name */
void rig_stop_serving(struct rig *r);
void rig_dial(struct rig *r, const char *host);

void rig_until(struct rig *r, const unsigned *what, unsigned n); /* fails after 8 s */
void rig_for(struct rig *r, int64_t ms);

#endif
