#include "relay/accept.h"

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/os/acceptor.h"
#include "lib/os/fdpass.h"
#include "lib/os/sock.h"
#include "lib/tls/peek.h"
#include "relay/pair.h"
#include "relay/stand.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCEPTS_A_TURN = 64, FRONT_AGAIN_MS = 100, FRONT_REFUSED_MAX_MS = 5000 };

/* How many of one address have proved nothing yet. */
struct source {
    struct sp_id key; /* of the address, without its port */
    unsigned count;
};

/* By which way a connection came. */
enum way {
    WAY_OWN = 0,  /* to our port */
    WAY_BROKER,   /* from the broker's front, which has peeked */
    WAY_BALANCER, /* to our port, from one of `proxies`: a PROXY header says who it is */
    WAY_HTTP /* the same with `front: l7`: the proxy speaks TLS for itself, so no ALPN of ours */
};

/* A socket that has proved nothing yet. */
struct arrival {
    struct accepts *accepts;
    struct arrival *next, **at;
    enum way way;
    struct source *source;   /* counted; NULL: nobody's, a proxy has not said whose it is */
    struct peek *peek;       /* owned; NULL: over */
    struct leg *leg;         /* owned; NULL: not yet, or handed on */
    struct arrival **keeper; /* borrowed; NULL: none */
    struct address peer;
    char address[64];
};

struct accepts {
    struct relay *relay;
    void (*enrol)(struct relay *r, struct view line);
    int listener;               /* -1: none */
    struct acceptor *listening; /* owned; NULL: none */
    int front;                  /* -1: not connected */
    struct watch *front_watch;  /* owned */
    struct timer *front_again;  /* owned; NULL: not running */
    sp_boot_ms front_since;     /* connected */
    int64_t front_wait;         /* ms until the next try after a refusal; 0: none was refused */
    struct arrival *arrivals;   /* owned */
    size_t count;
    uid_t front_uid; /* whose broker may hand us connections, besides root's */
    struct map sources;
    bool stopped;
};

/* ---- who has proved nothing --------------------------------------------------------------- */

/* One IPv4 address, or one /64 of IPv6: a household. */
static struct sp_id source_key(const struct address *a)
{
    struct view bytes = address_bytes(a);
    struct sp_id key = {{0}};

    key.bytes[15] = (uint8_t)bytes.len;
    memcpy(key.bytes, bytes.at, bytes.len == 16 ? 8 : bytes.len);
    return key;
}

static bool count_source(struct arrival *v)
{
    struct map *sources = &v->accepts->sources;
    struct sp_id key = source_key(&v->peer);
    struct source *s = map_get(sources, key);

    if (s != NULL && s->count >= ACCEPT_UNPROVEN_A_SOURCE)
        return false;
    if (s == NULL) {
        if ((s = calloc(1, sizeof *s)) == NULL)
            return false;
        s->key = key;
        if (map_put(sources, key, s) != SP_OK) {
            free(s);
            return false;
        }
    }
    s->count++;
    v->source = s;
    return true;
}

static void name_peer(struct arrival *v, const struct address *peer)
{
    v->peer = *peer;
    memcpy(v->address, address_text(peer).s, sizeof v->address);
}

/* NULL: no room, or too many of that source. */
static struct arrival *arrival_new(struct accepts *a, const struct address *peer, enum way way)
{
    struct arrival *v = a->count >= ACCEPT_UNPROVEN_MAX ? NULL : calloc(1, sizeof *v);

    if (v == NULL)
        return NULL;
    *v = (struct arrival){.accepts = a, .way = way, .next = a->arrivals, .at = &a->arrivals};
    name_peer(v, peer);
    if ((way == WAY_OWN || way == WAY_BROKER) && !count_source(v)) {
        free(v);
        return NULL;
    }
    if (v->next != NULL)
        v->next->at = &v->next;
    a->arrivals = v;
    a->count++;
    return v;
}

static void arrival_free(struct arrival *v)
{
    struct source *s = v->source;

    if (v->keeper != NULL)
        *v->keeper = NULL;
    v->accepts->count--;
    if (s != NULL && --s->count == 0) {
        map_remove(&v->accepts->sources, s->key);
        free(s);
    }
    *v->at = v->next;
    if (v->next != NULL)
        v->next->at = v->at;
    peek_free(v->peek);
    leg_free(v->leg);
    free(v);
}

/* ---- from socket to request --------------------------------------------------------------- */

/* The leg goes on to who it asked for; the arrival's work is done. */
static void on_asked(void *arg, const struct upgrade_request *r)
{
    struct arrival *v = arg;
    struct relay *relay = v->accepts->relay;
    struct leg *leg = v->leg;

    v->leg = NULL;
    if (r->path == UPGRADE_STAND) {
        stands_channel(relay->stands, leg, r, v->address, v);
        return;
    }
    if (r->has_ticket)
        stands_spare(relay->stands, leg, r);
    else
        pairs_open(relay->pairs, leg, r);
    arrival_free(v);
}

static void on_ended(void *arg, const struct leg_report *r)
{
    struct arrival *v = arg;

    if (r->error == SP_ERR_TLS)
        log_event(LOG_DEBUG, "relay.tls_failed", tls_refusal_text(r->refusal), "address",
                  v->address, NULL);
    arrival_free(v);
}

static const struct leg_events arrival_events = {.asked = on_asked, .ended = on_ended};

static void start_leg(struct arrival *v, int fd)
{
    struct relay *r = v->accepts->relay;
    const struct leg_config c = {
        .loop = r->loop, .thread = r->thread, .tls = r->tls, .events = &arrival_events, .arg = v};

    if (leg_server(&c, fd, &v->leg) != SP_OK)
        arrival_free(v);
}

static void too_many(const struct address *peer)
{
    log_event(LOG_WARN, "relay.too_many", "too many connections that have proved nothing",
              "address", address_host_text(peer).s, NULL);
}

/* The balancer says whose connection it is; its own, a health check, is counted as its own. */
static bool on_proxied(void *arg, const struct address *from)
{
    struct arrival *v = arg;

    if (from != NULL)
        name_peer(v, from);
    if (count_source(v))
        return true;
    too_many(&v->peer);
    return false;
}

static void on_peeked(void *arg, sp_error e, int fd, const struct hello *hello)
{
    struct arrival *v = arg;

    peek_free(v->peek);
    v->peek = NULL;
    if (e == SP_OK && (hello->tunnel || v->way == WAY_HTTP)) {
        start_leg(v, fd);
        return;
    }
    if (e == SP_OK)
        close(fd); /* a browser has nothing to see here */
    else
        log_event(LOG_DEBUG, "relay.refuse", sp_error_text(e), "address", v->address, NULL);
    arrival_free(v);
}

/* Takes `fd`. A passed socket was peeked by the front already. */
static void arrive(struct accepts *a, int fd, const struct address *peer, enum way way)
{
    struct arrival *v = arrival_new(a, peer, way);
    struct loop *loop = a->relay->loop;

    if (v == NULL) {
        close(fd);
        too_many(peer);
        return;
    }
    if (way == WAY_BROKER)
        start_leg(v, fd);
    else if ((way == WAY_BALANCER ? peek_proxied_new(loop, fd, on_proxied, on_peeked, v, &v->peek)
                                  : peek_new(loop, fd, on_peeked, v, &v->peek)) != SP_OK)
        arrival_free(v);
}

/* ---- our own port ------------------------------------------------------------------------- */

static void on_connection(void *arg, int fd, const struct address *peer)
{
    struct accepts *a = arg;
    const struct relay_config *c = a->relay->config;
    enum way way = !prefixes_hold(&c->proxied, peer) ? WAY_OWN
                   : c->front == RELAY_FRONT_L7      ? WAY_HTTP
                                                     : WAY_BALANCER;

    arrive(a, fd, peer, way);
}

SP_MUST static sp_error listen_on(struct accepts *a, const char *text, struct sp_why *why)
{
    struct address address;
    sp_error e;

    if ((e = address_parse(view_str(text), &address)) != SP_OK)
        return sp_why_say(why, e, "listen: %s is not ADDRESS:PORT", text);
    if ((e = sock_listen(&address, NULL, &a->listener)) != SP_OK)
        return sp_why_say(why, e, "listen: %s: %s", text, sp_error_text(e));
    return acceptor_start(a->relay->loop, a->listener, on_connection, a, &a->listening);
}

/* ---- the broker's front ------------------------------------------------------------------- */

static void connect_front(struct accepts *a);

static void on_front_again(void *arg)
{
    struct accepts *a = arg;

    a->front_again = NULL;
    connect_front(a);
}

/* Refused, by us or by the broker that closes at once: the next try waits longer each time. A front
 * that is not there at all costs a call, and is tried soon. */
static void front_refused(struct accepts *a)
{
    a->front_wait = a->front_wait == 0 ? FRONT_AGAIN_MS : 2 * a->front_wait;
    if (a->front_wait > FRONT_REFUSED_MAX_MS)
        a->front_wait = FRONT_REFUSED_MAX_MS;
}

static void front_lost(struct accepts *a)
{
    int64_t wait = a->front_wait == 0 ? FRONT_AGAIN_MS : a->front_wait;

    watch_stop(a->front_watch);
    a->front_watch = NULL;
    if (a->front >= 0)
        close(a->front);
    a->front = -1;
    if (!a->stopped && a->front_again == NULL &&
        timer_start(a->relay->loop, clock_boot() + wait, on_front_again, a, &a->front_again) !=
            SP_OK)
        log_event(LOG_ERROR, "relay.front", "no memory to try the front again", NULL);
}

/* "socket ADDRESS:PORT" with a descriptor, "enrol LINE" without one; else it is not for us. */
static void on_front_message(struct accepts *a, struct view m, int fd)
{
    static const char socket_word[] = "socket ", enrol_word[] = "enrol ";
    struct address peer;

    if (fd >= 0 && view_is(view_slice(m, 0, sizeof socket_word - 1), socket_word) &&
        address_parse(view_slice(m, sizeof socket_word - 1, m.len), &peer) == SP_OK) {
        a->front_wait = 0;
        arrive(a, fd, &peer, WAY_BROKER);
        return;
    }
    if (fd >= 0)
        close(fd);
    else if (view_is(view_slice(m, 0, sizeof enrol_word - 1), enrol_word))
        a->enrol(a->relay, view_slice(m, sizeof enrol_word - 1, m.len));
}

static void on_front(void *arg, unsigned events)
{
    struct accepts *a = arg;
    uint8_t message[FDPASS_MESSAGE_MAX];
    size_t len;
    int fd;
    sp_error e = SP_OK;

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && e == SP_OK; i++)
        if ((e = fdpass_receive(a->front, message, &len, &fd)) == SP_OK)
            on_front_message(a, (struct view){message, len}, fd);
        else if (e == SP_ERR_MALFORMED)
            e = SP_OK;
    if (e != SP_OK && e != SP_ERR_AGAIN) {
        log_event(LOG_WARN, "relay.front_lost", "the broker's front is gone; tunnels stay", NULL);
        if (clock_boot() - a->front_since < FRONT_REFUSED_MAX_MS)
            front_refused(a);
        else
            a->front_wait = 0;
        front_lost(a);
    }
}

/* Whoever owns the socket's other end hands us connections: root, or the broker's user. */
static bool front_trusted(const struct accepts *a)
{
    uid_t uid;

    return sock_peer_uid(a->front, &uid) == SP_OK && (uid == 0 || uid == a->front_uid);
}

static sp_error find_front_user(struct accepts *a, struct sp_why *why)
{
    const char *name = a->relay->config->front_user;
    const struct passwd *found = name == NULL ? NULL : getpwnam(name);

    a->front_uid = found == NULL ? geteuid() : found->pw_uid;
    return name == NULL || found != NULL
               ? SP_OK
               : sp_why_say(why, SP_ERR_INVALID, "front_user: there is no user %s", name);
}

static void connect_front(struct accepts *a)
{
    const char *path = a->relay->config->front_socket;

    if (a->stopped)
        return;
    if (sock_connect_unix(path, SOCK_SEQPACKET, &a->front) != SP_OK) {
        a->front = -1;
        front_lost(a);
        return;
    }
    if (!front_trusted(a) ||
        watch_start(a->relay->loop, a->front, WATCH_READ, on_front, a, &a->front_watch) != SP_OK) {
        log_event(LOG_ERROR, "relay.front_refused",
                  "the front's socket is another user's: set front_user", "path", path, NULL);
        front_refused(a);
        front_lost(a);
        return;
    }
    a->front_since = clock_boot();
    log_event(LOG_INFO, "relay.front_up", "takes connections from the broker's front", NULL);
}

/* ---- life --------------------------------------------------------------------------------- */

sp_error accepts_new(struct relay *relay, void (*enrol)(struct relay *r, struct view line),
                     struct sp_why *why, struct accepts **out)
{
    struct accepts *a = calloc(1, sizeof *a);
    sp_error e = SP_OK;

    if (a == NULL)
        return SP_ERR_NOMEM;
    *a = (struct accepts){.relay = relay, .enrol = enrol, .listener = -1, .front = -1};
    e = find_front_user(a, why);
    if (e == SP_OK && relay->config->listen != NULL)
        e = listen_on(a, relay->config->listen, why);
    if (e != SP_OK) {
        accepts_free(a);
        return e;
    }
    if (relay->config->front_socket != NULL)
        connect_front(a);
    *out = a;
    return SP_OK;
}

void accepts_stop(struct accepts *a)
{
    a->stopped = true;
    acceptor_stop(a->listening);
    a->listening = NULL;
    if (a->listener >= 0)
        close(a->listener);
    a->listener = -1;
    timer_cancel(a->front_again);
    a->front_again = NULL;
    front_lost(a);
}

bool accepts_open(const struct accepts *a)
{
    return !a->stopped && (a->listening != NULL || a->front >= 0);
}

void accepts_free(struct accepts *a)
{
    if (a == NULL)
        return;
    accepts_stop(a);
    while (a->arrivals != NULL)
        arrival_free(a->arrivals);
    map_deinit(&a->sources);
    free(a);
}

void accepts_keep(struct arrival *v, struct arrival **by)
{
    v->keeper = by;
    *by = v;
}

void accepts_proved(struct arrival *v)
{
    if (v != NULL)
        arrival_free(v);
}

size_t accepts_unproven(const struct accepts *a)
{
    return a->count;
}

bool accepts_front_up(const struct accepts *a)
{
    return a->front >= 0;
}
