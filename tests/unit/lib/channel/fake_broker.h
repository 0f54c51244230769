#ifndef SP_TEST_CHANNEL_FAKE_BROKER_H
#define SP_TEST_CHANNEL_FAKE_BROKER_H

/*
 * fake_broker: the broker's end of control channels, for tests of edges: a real TLS server with the
 * listener on it, an identity key and a key set of its own. Keeps what edges say, sends what the
 * test wants. All on one loop.
 */

#include "lib/channel/listener.h"
#include "lib/http/server.h"
#include "lib/trust/keyset.h"

struct acceptor;

struct fake_broker {
    struct loop *loop;
    struct engine *engine; /* borrowed */
    struct pool *pool;     /* borrowed */
    struct key_secret *identity, *grants, *records;
    struct keyset keys;
    struct buf statement; /* of keys */
    struct opening_server_config config;
    struct listener *listener;
    struct server *server;
    struct acceptor *acceptor;
    int fd;
    uint16_t port;
    uint64_t edge; /* the latest that opened; 0: none */
    struct channel_peer peer;
    struct opening_welcome welcome; /* for the next one */
    unsigned opened, lost;
    struct buf heard; /* "TYPE JSON #I\n" of every message */
    int64_t last_i;   /* of the last one: what listener_answer wants */
    /* The answer to the last fake_broker_call. */
    bool answered;
    sp_error answer;
    struct json *said; /* owned */
    /* Batches of audit records: what is new of them, and whether they are answered. */
    struct sp_id spool;
    int64_t told;
    unsigned batches;
    bool mute;          /* they are recorded, and the answer is lost */
    const char *refuse; /* the code of the answer; NULL: they are taken */
    struct buf audited; /* "NUMBER TEXT\n" of every new record */
};

/* Certificates of tests/data/tls: the edge trusts ca.pem and asks for "localhost". */
void fake_broker_init(struct fake_broker *b, struct loop *loop, struct engine *engine,
                      struct pool *pool);
void fake_broker_deinit(struct fake_broker *b);
const char *fake_broker_ca(void); /* path, static */

/* Another epoch, with `by` as its identity key and signer (NULL: the right one). */
void fake_broker_new_keys(struct fake_broker *b, int64_t epoch, const struct key_secret *by);
struct json *fake_broker_keys(const struct fake_broker *b); /* members of a `keys` event */

/* To the latest edge. Takes `members`. */
void fake_broker_send(struct fake_broker *b, const char *type, struct json *members);
void fake_broker_call(struct fake_broker *b, const char *type, struct json *members);
/* Some message of the type holds the words. */
bool fake_broker_heard(const struct fake_broker *b, const char *type, const char *words);

#endif
