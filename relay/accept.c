#include "relay/accept.h"

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/os/acceptor.h"
#include "lib/os/fdpass.h"
#include "lib/os/sock.h"
#include "lib/tls/peek.h"
#include "relay/pair.h"
#include "relay/stand.h"

#include <stdlib.h>
#include <unistd.h>

enum { ACCEPTS_A_TURN = 64, FRONT_AGAIN_MS = 100 };

/* How many of one address have proved nothing yet. */
struct source {
    struct sp_id key; /* of the address, without its port */
    unsigned count;
};

/* A socket that has proved nothing yet. */
struct arrival {
    struct accepts *accepts;
    struct arrival *next, **at;
    struct source *source; /* counted; NULL: not any more */
    struct peek *peek;     /* owned; NULL: over */
    struct leg *leg;       /* owned; NULL: not yet, or handed on */
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
    struct arrival *arrivals;   /* owned */
    size_t count;
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

static struct source *count_in(struct accepts *a, const struct address *peer)
{
    struct sp_id key = source_key(peer);
    struct source *s = map_get(&a->sources, key);

    if (a->count >= ACCEPT_UNPROVEN_MAX || (s != NULL && s->count >= ACCEPT_UNPROVEN_A_SOURCE))
        return NULL;
    if (s == NULL) {
        if ((s = calloc(1, sizeof *s)) == NULL)
            return NULL;
        s->key = key;
        if (map_put(&a->sources, key, s) != SP_OK) {
            free(s);
            return NULL;
        }
    }
    s->count++;
    a->count++;
    return s;
}

static void count_out(struct accepts *a, struct source *s)
{
    if (s == NULL)
        return;
    a->count--;
    if (--s->count == 0) {
        map_remove(&a->sources, s->key);
        free(s);
    }
}

static void arrival_free(struct arrival *v)
{
    count_out(v->accepts, v->source);
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
    if (r->path == UPGRADE_STAND)
        stands_channel(relay->stands, leg, r, v->address);
    else if (r->has_ticket)
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

static void on_peeked(void *arg, sp_error e, int fd, const struct hello *hello)
{
    struct arrival *v = arg;

    peek_free(v->peek);
    v->peek = NULL;
    if (e == SP_OK && hello->tunnel) {
        start_leg(v, fd);
        return;
    }
    if (e == SP_OK)
        close(fd); /* a browser has nothing to see here */
    arrival_free(v);
}

/* Takes `fd`. A passed socket was peeked by the front already. */
static void arrive(struct accepts *a, int fd, const struct address *peer, bool peeked)
{
    struct source *source = count_in(a, peer);
    struct arrival *v = source == NULL ? NULL : calloc(1, sizeof *v);

    if (v == NULL) {
        count_out(a, source);
        close(fd);
        log_event(LOG_WARN, "relay.too_many", "too many connections that have proved nothing",
                  "address", address_host_text(peer).s, NULL);
        return;
    }
    *v = (struct arrival){.accepts = a, .source = source, .next = a->arrivals, .at = &a->arrivals};
    if (v->next != NULL)
        v->next->at = &v->next;
    a->arrivals = v;
    memcpy(v->address, address_text(peer).s, sizeof v->address);
    if (peeked)
        start_leg(v, fd);
    else if (peek_new(a->relay->loop, fd, on_peeked, v, &v->peek) != SP_OK)
        arrival_free(v);
}

/* ---- our own port ------------------------------------------------------------------------- */

static void on_connection(void *arg, int fd, const struct address *peer)
{
    arrive(arg, fd, peer, false);
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

static void front_lost(struct accepts *a)
{
    watch_stop(a->front_watch);
    a->front_watch = NULL;
    if (a->front >= 0)
        close(a->front);
    a->front = -1;
    if (!a->stopped && a->front_again == NULL &&
        timer_start(a->relay->loop, clock_boot() + FRONT_AGAIN_MS, on_front_again, a,
                    &a->front_again) != SP_OK)
        log_event(LOG_ERROR, "relay.front", "no memory to try the front again", NULL);
}

/* "socket ADDRESS:PORT" with a descriptor, "enrol LINE" without one; else it is not for us. */
static void on_front_message(struct accepts *a, struct view m, int fd)
{
    static const char socket_word[] = "socket ", enrol_word[] = "enrol ";
    struct address peer;

    if (fd >= 0 && view_is(view_slice(m, 0, sizeof socket_word - 1), socket_word) &&
        address_parse(view_slice(m, sizeof socket_word - 1, m.len), &peer) == SP_OK) {
        arrive(a, fd, &peer, true);
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
        front_lost(a);
    }
}

/* Whoever owns the socket's other end hands us connections: it must be root or ourselves. */
static bool front_trusted(int fd)
{
    uid_t uid;

    return sock_peer_uid(fd, &uid) == SP_OK && (uid == 0 || uid == geteuid());
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
    if (!front_trusted(a->front) ||
        watch_start(a->relay->loop, a->front, WATCH_READ, on_front, a, &a->front_watch) != SP_OK) {
        log_event(LOG_ERROR, "relay.front_refused", "the front's socket is another user's", "path",
                  path, NULL);
        front_lost(a);
        return;
    }
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
    if (relay->config->listen != NULL)
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

size_t accepts_unproven(const struct accepts *a)
{
    return a->count;
}

bool accepts_front_up(const struct accepts *a)
{
    return a->front >= 0;
}
