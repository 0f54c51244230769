#ifndef SP_TEST_CONNECTOR_HOUSE_H
#define SP_TEST_CONNECTOR_HOUSE_H

/*
 * house: a connector without its broker: sessions and stands, a fake relay, an app on loopback.
 * What the connector tells its broker is heard here.
 */

#include "connector/stand.h"
#include "connector/tell.h"
#include "tests/unit/connector/fake_relay.h"

struct house {
    struct scene scene;
    struct fake_relay relay;
    struct fake_stand stand;
    struct sessions *sessions;
    struct stands *stands;
    struct tell *tell;
    char audit[40];         /* its folder */
    struct channel *broker; /* hears what tell says */
    char heard[16 * 1024];
    int64_t asked, told, said; /* of audit.batch: number of the call, of the last record; ours */
    int app_listener, app;     /* the app's side of its connection; -1: none */
    bool reset;                /* the app has seen it */
    uint16_t app_port;
    struct sp_id app_id;
    unsigned opened, closed, changed;
    char why[32]; /* of the last closing */
    struct session_facts facts;
};

void house_init(struct house *h);
void house_stands(struct house *h); /* standing at the relay, with two spares waiting */
void house_deinit(struct house *h);

/* A session that is up, with a stream of so many bytes whose first have reached the app. */
struct fake_agent *house_begin_with(struct house *h, struct grant *g, size_t bytes);
/* The same with more than the app will read: the stream is in its middle when the test ends it. */
struct fake_agent *house_begin(struct house *h, struct grant *g);

bool house_app_came(struct house *h); /* its connection is there */
/* What the app reads, without waiting; 0: nothing now, -1: its connection was reset, -2: FIN. */
ssize_t house_app_reads(struct house *h, uint8_t *to, size_t room);

#endif
