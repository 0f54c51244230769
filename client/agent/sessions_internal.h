#ifndef SP_CLIENT_AGENT_SESSIONS_INTERNAL_H
#define SP_CLIENT_AGENT_SESSIONS_INTERNAL_H

/* sessions: what sessions.c (the list) and live.c (one session's life) share. */

#include "client/agent/place.h"
#include "client/agent/sessions.h"
#include "lib/os/loop.h"
#include "lib/trust/grant.h"

struct live;

/* The relay of the session before: the next one begins to connect while the broker decides, and
 * goes on with it if the grant names the same. A zeroed one is nobody. */
struct relay_seen {
    struct sp_id relay;
    uint8_t pin[TLS_PIN_BYTES];
    size_t address_count;
    char addresses[SESSION_ADDRESSES_MAX][PLACE_HOST_MAX + 8];
};

/* Where the last dial to a relay led, so that the next one asks no name server. */
struct relay_reached {
    char host[PLACE_HOST_MAX]; /* empty: nobody */
    struct address at;
};

struct opening {
    struct live *live;          /* the session that it waits for */
    struct opening *next, **at; /* the session's list */
    unsigned port;
    struct stream *stream; /* owned; opened in advance, NULL: not yet */
    opening_done *done;
    void *arg;
};

struct live {
    struct sessions *owner;
    struct live *next, **at; /* the owner's list */
    char app[PROTO_NAME_MAX + 1], type[32], relay_name[PROTO_NAME_MAX + 1];
    struct sp_id app_id, id;
    enum session_stage stage;
    int64_t ports[SESSION_PORTS_MAX];
    size_t port_count;
    int64_t opened, deadline, idle_ms;
    uint64_t up, down; /* of tunnels that ended */

    struct question *question; /* owned; NULL: not running */
    struct timer *again;       /* owned; the broker is asked again; NULL: not running */
    struct place *place;       /* owned; NULL: not running */
    struct tunnel_end *tunnel; /* owned; NULL: none */
    bool granted;              /* false: place and tunnel are ahead of the broker's answer */
    struct opening *openings;  /* owned by their callers */
    struct deferred deliver;

    /* The grant under way. */
    struct buf grant, identity;
    struct sp_id relay;
    uint8_t relay_pin[TLS_PIN_BYTES];
    struct key_public connector;
    bool cut_through; /* the broker lets this session's tunnels offer it */
    char host[PLACE_HOST_MAX];
    struct sp_id not_relays[SESSION_NOT_MAX];
    size_t not_count;
    unsigned tries;       /* placements that did not hold */
    int64_t waited;       /* ms for an edge that the broker misses */
    bool dropping;        /* the tunnel goes, the session stays */
    struct address local; /* where the tunnel was dialled from; all zero: not known */
    bool cutting;         /* we ended it: `cut_code` says why */
    bool ending;          /* killed; the administrator's words are waited for */
    char cut_code[32], cut_text[256];
    char step_up[128];      /* while paused */
    sp_boot_ms proof_until; /* a proof was given: the broker may resume it until then */
};

struct sessions {
    struct loop *loop; /* borrowed, as are the next four */
    struct pool *pool;
    struct tunnel_thread *thread;
    struct control *control;
    struct state *state;
    const struct sessions_events *events;
    void *arg;
    struct tls_context *outer, *inner, *named; /* named: front l7 only, made when first needed */
    struct relay_seen seen;
    struct relay_reached reached;
    struct live *all;
    size_t count;
    bool held; /* by the person */
};

void live_free(struct live *l);
struct session_view live_view(const struct live *l);
/* Serves the openings that wait: hands out streams, or starts what is missing. Deferred. */
void live_deliver(void *live);
void live_cut(struct live *l, struct view code);
void live_tell_broker(struct live *l);
/* Lets go of the place and tunnel that were begun before the broker's answer. */
void live_drop_ahead(struct live *l);
/* Keeps what an `allow` says.   SP_ERR_AUDIENCE  its grant is for something else;  those of
 * keyset_signer, grant_verify, key_parse and decode_base64url_exact;  SP_ERR_NOMEM */
SP_MUST sp_error live_take_answer(struct live *l, const struct session_open_answer *a);
/* Takes it off its session's list. */
void opening_unlink(struct opening *o);

#endif
