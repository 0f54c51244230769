#ifndef SP_RELAY_STAND_INTERNAL_H
#define SP_RELAY_STAND_INTERNAL_H

/* What stand.c (channels) and spare.c (tickets and spares) share. */

#include "lib/base/map.h"
#include "lib/channel/over.h"
#include "relay/stand.h"

/* A ticket that was given and is not used yet. */
struct slip {
    struct stander *stander;
    struct slip *next, **at;
    struct sp_id id;
    sp_boot_ms until;
};

/* A tunnel of a connector that waits for its session. */
struct spare {
    struct stander *stander;
    struct spare *next, **at;
    struct leg *leg; /* owned */
    struct sp_id ticket;
    bool opened, cut_through;
};

/* A session that found no spare: the next one that opens is its own, whichever ticket it shows. */
struct spare_wait {
    struct stander *stander;       /* NULL: gone */
    struct spare_wait *next, **at; /* in the order in which they came */
    spare_got *got;
    void *arg;
    struct timer *timer; /* owned; NULL: not running */
};

struct stander {
    struct stands *stands;
    struct stander *next, **at;
    struct over *over;        /* owned */
    struct arrival *unproven; /* owned; NULL: it is proven */
    struct channel *channel;  /* of over; NULL: not open */
    struct sp_id id;          /* the connector's; zero until proven */
    struct key_public key;
    int64_t generation;
    struct slip *slips;   /* owned */
    struct spare *spares; /* owned */
    struct spare_wait *waits, **last_wait;
    unsigned waiting, coming,
        wait_count; /* open spares; those that are opening; sessions that wait */
    unsigned opens; /* in the demand window */
    sp_boot_ms opens_since;
    struct timer *refill; /* owned; NULL: not running. A taken spare is replaced when it is over */
};

struct stands {
    struct relay *relay;
    struct stander *all; /* owned */
    struct map by_key;   /* proven ones, by the first 16 bytes of the key's hash */
    struct map tickets;  /* slips by ticket */
    struct timer *tick;  /* owned: old tickets go, demand falls */
    struct opening_server_config server;
    size_t spares;
};

void slip_free(struct slip *t);
/* With or without its leg, which else has another owner from here on. */
void spare_free(struct spare *s, bool with_leg);
/* As many tickets as are missing, for spares and for sessions that wait. */
void stander_send_tickets(struct stander *st);
/* It is going: who waits for a spare of it has waited long enough. */
void stander_drop_waits(struct stander *st);

#endif
