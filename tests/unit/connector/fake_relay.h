#ifndef SP_TEST_CONNECTOR_FAKE_RELAY_H
#define SP_TEST_CONNECTOR_FAKE_RELAY_H

/*
 * fake_relay: as much of a relay as a connector sees, made of the library's parts: a standing
 * channel, tickets, spares, an agent's tunnel that is joined with the spare that took its grant,
 * in frames. Says and keeps what the test wants. (The relay itself has its own tests; its room and
 * the connector's have functions of one name and can't be in one program.)
 */

#include "lib/channel/over.h"
#include "lib/proto/registry.h"
#include "lib/tunnel/end.h"
#include "lib/tunnel/forward.h"
#include "tests/unit/connector/scene.h"
#include "tests/unit/lib/tunnel/app.h"

enum { FAKE_LEGS = 24, FAKE_AGENTS = 4 };

struct fake_relay;

/* A leg before it is known what for, or a waiting spare. */
struct fake_leg {
    struct fake_relay *relay;
    struct leg *leg; /* owned; NULL: free */
    bool spare, opened;
    struct sp_id ticket;
};

struct fake_pair {
    struct fake_relay *relay;
    struct leg *agent, *spare; /* owned */
    struct forward up, down;
    bool live;
};

struct fake_agent {
    struct tls_context *inner; /* owned */
    struct tunnel_end *end;    /* owned; NULL: over */
    bool up, ended;
    struct tunnel_report report;
    struct app app;
    struct fake_pair pair;
    char refused[32]; /* the connector's code; "" */
    bool answered;    /* the connector has answered `open` */
};

struct fake_relay {
    struct scene *scene;
    struct tunnel_thread *thread;
    struct key_secret *key;
    struct tls_context *tls, *outer;
    uint8_t pin[TLS_PIN_BYTES];
    struct sp_id id, boot;
    struct opening_server_config server;
    int listener;
    struct watch *watch;
    uint16_t port;
    struct fake_leg legs[FAKE_LEGS];
    struct fake_agent agents[FAKE_AGENTS];
    struct fake_agent *arriving; /* whose tunnel comes next with a grant */
    struct over *over;           /* owned; NULL: nobody stands */
    struct channel *channel;     /* NULL: not open */
    unsigned stood, cuts;
    char cut_why[32]; /* of the last `cut` that the connector sent */
    struct sp_id cut_session;
};

void fake_relay_init(struct fake_relay *r, struct scene *s);
void fake_relay_deinit(struct fake_relay *r);

/* What a broker tells a connector about this relay; views live as long as `r` and `text`. */
struct fake_stand {
    char statement[1025], address[32], key[64];
    struct stand_put put;
};
void fake_relay_stand(const struct fake_relay *r, struct fake_stand *out);

/* `n` tickets go down; returns when so many spares wait. */
void fake_relay_spares(struct fake_relay *r, unsigned n);
unsigned fake_relay_waiting(const struct fake_relay *r);

struct grant fake_relay_grant(const struct fake_relay *r, struct sp_id app);
/* An agent shows the grant, signed by `signer`; `open` goes to the connector with a waiting spare.
 * Returns when the connector has answered. */
struct fake_agent *fake_relay_ask(struct fake_relay *r, int n, const struct grant *g,
                                  const struct key_secret *signer);
/* A stream of the agent that sends `bytes` and expects pattern 99 back. */
void fake_relay_stream(struct fake_agent *a, size_t bytes);

void fake_relay_lose(struct fake_relay *r); /* the standing channel breaks */
void fake_relay_cut(struct fake_relay *r, struct sp_id session, const char *why);

#endif
