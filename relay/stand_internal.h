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
    struct spare_wait *wait; /* the session that waits for exactly this one; NULL: a spare */
};

/* A tunnel of a connector that waits for its session. */
struct spare {
    struct stander *stander;
    struct spare *next, **at;
    struct leg *leg; /* owned */
    struct sp_id ticket;
    struct spare_wait *wait; /* as in slip, from which it came */
    bool opened, cut_through;
};

struct spare_wait {
    struct stands *stands;
    spare_got *got;
    void *arg;
    struct timer *timer; /* owned; NULL: not running */
    struct slip *slip;   /* the ticket that was sent for it, until it is used */
    struct spare *spare; /* the tunnel that came with it, until it is open */
};

struct stander {
    struct stands *stands;
    struct stander *next, **at;
    struct over *over;       /* owned */
    struct channel *channel; /* of over; NULL: not open */
    struct sp_id id;         /* the connector's; zero until proven */
    struct key_public key;
    int64_t generation;
    struct slip *slips;           /* owned */
    struct spare *spares;         /* owned */
    unsigned waiting, slip_count; /* open spares that no session waits for; tickets out */
    unsigned opens;               /* in the demand window */
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
/* As many tickets as are missing, and `extra` ones, the first of them for `wait`. */
void stander_send_tickets(struct stander *st, unsigned extra, struct spare_wait *wait);

#endif
