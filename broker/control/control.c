#include "broker/control/control_internal.h"
#include "broker/control/leases.h"
#include "lib/base/log.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"

#include <stdio.h>
#include <stdlib.h>

static void on_proven(void *arg, uint64_t edge, const struct channel_peer *proven);
static void on_opened(void *arg, uint64_t edge, const struct channel_peer *proven,
                      struct channel *c);
static void on_message(void *arg, uint64_t edge, const struct channel_peer *proven,
                       struct channel *c, const struct envelope *m);
static void on_lost(void *arg, uint64_t edge, const struct channel_peer *proven);

static const struct listener_events events = {
    .proven = on_proven, .opened = on_opened, .message = on_message, .lost = on_lost};

static sp_error start(struct control *c)
{
    const struct listener_options listener = {
        .server = &c->server, .l7 = c->o.l7, .events = &events, .arg = c};
    sp_error e;

    if ((e = buf_append(&c->keys, c->o.keys)) != SP_OK)
        return e;
    c->server = (struct opening_server_config){.key = c->o.identity, .keys = buf_view(&c->keys)};
    return listener_new(c->o.engine, &listener, &c->listener);
}

sp_error control_new(const struct control_services *services, struct control **out)
{
    struct control *c = calloc(1, sizeof *c);
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->o = *services;
    c->loop = engine_loop(services->engine);
    buf_init(&c->keys, PROTO_STATEMENT_MAX);
    pthread_mutex_init(&c->lock, NULL);
    tally_init(&c->tally);
    pthread_mutex_init(&c->leases_lock, NULL);
    if ((e = leases_new(clock_boot(), &c->leases)) != SP_OK || (e = start(c)) != SP_OK) {
        control_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void control_keys(struct control *c, struct view statement)
{
    buf_reset(&c->keys);
    if (buf_append(&c->keys, statement) != SP_OK)
        return; /* no memory: edges hear of the new keys with their next channel */
    c->server.keys = buf_view(&c->keys);
    edges_keys_changed(c->o.edges);
}

static struct peer *peer_find(struct control *c, uint64_t edge)
{
    struct peer *p = c->peers;

    while (p != NULL && (p->edge != edge || p->gone))
        p = p->next;
    return p;
}

static void message_free(struct message *m)
{
    json_free(m->members);
    free(m);
}

static void peer_free(struct peer *p)
{
    while (p->first != NULL) {
        struct message *m = p->first;
        p->first = m->next;
        message_free(m);
    }
    *p->at = p->next;
    if (p->next != NULL)
        p->next->at = p->at;
    free(p);
}

const struct lws_protocols *control_endpoint(struct control *c)
{
    return listener_protocol(c->listener);
}

struct control_counts control_counts(const struct control *c)
{
    struct listener_counts n = listener_counts(c->listener);

    return (struct control_counts){.unproven = n.unproven, .open = n.open};
}

/* ---- links: retired for a while, since an order may hold one on another thread ---- */

static void sweep(void *arg)
{
    struct control *c = arg;
    struct link **at = &c->retired;
    sp_boot_ms now = clock_boot();

    c->sweep = NULL;
    while (*at != NULL) {
        struct link *l = *at;
        if (now - l->retired_at >= LINK_RETIRE_MS) {
            *at = l->next;
            free(l);
        } else {
            at = &l->next;
        }
    }
    if (c->retired != NULL &&
        timer_start(c->loop, now + LINK_RETIRE_MS, sweep, c, &c->sweep) != SP_OK)
        c->sweep = NULL; /* the next retirement tries again */
}

static void link_enter(struct control *c, struct link *l)
{
    pthread_mutex_lock(&c->lock);
    l->next = c->attached;
    c->attached = l;
    pthread_mutex_unlock(&c->lock);
}

static void link_leave(struct control *c, struct link *l)
{
    pthread_mutex_lock(&c->lock);
    struct link **at = &c->attached;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    pthread_mutex_unlock(&c->lock);
}

uint64_t edge_of(struct control *c, enum edge_kind kind, struct sp_id id)
{
    uint64_t edge = 0;

    pthread_mutex_lock(&c->lock);
    for (const struct link *l = c->attached; l != NULL && edge == 0; l = l->next)
        if (l->kind == kind && id_equal(l->id, id))
            edge = l->edge;
    pthread_mutex_unlock(&c->lock);
    return edge;
}

static void detach(struct peer *p)
{
    struct control *c = p->control;

    if (p->link == NULL)
        return;
    edges_detach(c->o.edges, p->attachment);
    if (p->kind == EDGE_CONNECTOR)
        sessions_connector_gone(c->o.sessions, p->id);
    link_leave(c, p->link);
    p->link->retired_at = clock_boot();
    p->link->next = c->retired;
    c->retired = p->link;
    p->link = NULL;
    if (c->sweep == NULL &&
        timer_start(c->loop, clock_boot() + LINK_RETIRE_MS, sweep, c, &c->sweep) != SP_OK)
        c->sweep = NULL;
}

void control_free(struct control *c)
{
    if (c == NULL)
        return;
    listener_free(c->listener);
    while (c->peers != NULL) {
        detach(c->peers);
        peer_free(c->peers);
    }
    timer_cancel(c->sweep);
    buf_deinit(&c->keys);
    pthread_mutex_destroy(&c->lock);
    tally_deinit(&c->tally);
    leases_free(c->leases);
    pthread_mutex_destroy(&c->leases_lock);
    while (c->retired != NULL) {
        struct link *l = c->retired;
        c->retired = l->next;
        free(l);
    }
    free(c);
}

/* ---- admission ---- */

static enum edge_kind edge_kind_of(enum prove_kind k)
{
    static const enum edge_kind kinds[PROVE_KINDS] = {[PROVE_DEVICE] = EDGE_AGENT,
                                                      [PROVE_CONNECTOR] = EDGE_CONNECTOR,
                                                      [PROVE_RELAY] = EDGE_RELAY};
    return kinds[k];
}

static void admit_on_worker(void *arg)
{
    struct admission *a = arg;

    admit(a->peer->control, a);
}

/* The worker is done: tell the listener, if the peer is still there. */
static void admitted(void *arg)
{
    struct admission *a = arg;
    struct peer *p = a->peer;
    struct control *c = p->control;

    p->busy = false;
    if (p->gone) {
        peer_free(p);
    } else if (a->refuse != 0) {
        p->gone = true;
        listener_refuse(c->listener, p->edge, a->refuse, a->reason);
        peer_free(p);
    } else {
        p->id = a->welcome.id;
        listener_welcome(c->listener, p->edge, &a->welcome);
    }
    free(a);
}

static void on_proven(void *arg, uint64_t edge, const struct channel_peer *proven)
{
    struct control *c = arg;
    struct peer *p = calloc(1, sizeof *p);
    struct admission *a = calloc(1, sizeof *a);

    if (p == NULL || a == NULL) {
        free(p);
        free(a);
        listener_refuse(c->listener, edge, CHANNEL_CLOSE_TOO_MUCH, "busy");
        return;
    }
    *p = (struct peer){.control = c,
                       .edge = edge,
                       .proven = *proven,
                       .kind = edge_kind_of(proven->kind),
                       .next = c->peers,
                       .at = &c->peers};
    if (p->next != NULL)
        p->next->at = &p->next;
    c->peers = p;
    a->peer = p;
    p->busy = true;
    if (pool_submit(c->o.pool, POOL_PLAIN, admit_on_worker, admitted, a) != SP_OK) {
        p->gone = true;
        peer_free(p);
        free(a);
        listener_refuse(c->listener, edge, CHANNEL_CLOSE_TOO_MUCH, "busy");
    }
}

/* ---- joining the edges ---- */

static const struct edge_ops *ops_of(enum edge_kind k)
{
    return k == EDGE_AGENT ? &agent_ops : k == EDGE_CONNECTOR ? &connector_ops : &relay_ops;
}

static void describe(const struct peer *p, struct edge_info *info)
{
    *info = (struct edge_info){
        .kind = p->kind,
        .id = p->id,
        .boot = p->proven.boot,
        .key = p->kind == EDGE_AGENT ? p->proven.tunnel_key : p->proven.key,
        .since = clock_unix(),
    };
    snprintf(info->address, sizeof info->address, "%s", p->proven.address);
    snprintf(info->software, sizeof info->software, "%.63s", p->proven.software);
    if (p->kind == EDGE_CONNECTOR) {
        const struct snapshot *s = registry_hold(p->control->o.registry);
        const struct connector_row *row = snapshot_connector(s, p->id);
        if (row != NULL)
            info->site = row->site;
        registry_release(p->control->o.registry, s);
    }
}

struct greeting {
    struct control *control;
    uint64_t edge;
    struct sp_id id;
};

static void greet(void *arg)
{
    struct greeting *g = arg;

    connector_greet(g->control, g->edge, g->id);
    free(g);
}

static void greet_later(struct peer *p)
{
    struct greeting *g = calloc(1, sizeof *g);

    if (g == NULL)
        return;
    *g = (struct greeting){.control = p->control, .edge = p->edge, .id = p->id};
    if (pool_submit(p->control->o.pool, POOL_PLAIN, greet, NULL, g) != SP_OK) {
        free(g);
        listener_close(p->control->listener, p->edge, CHANNEL_CLOSE_TOO_MUCH, "busy");
    }
}

void peer_attach(struct peer *p)
{
    struct edge_info info;
    struct link *l;

    if (p->link != NULL || id_is_zero(p->id))
        return;
    if ((l = calloc(1, sizeof *l)) == NULL) {
        listener_close(p->control->listener, p->edge, CHANNEL_CLOSE_TOO_MUCH, "busy");
        return;
    }
    *l = (struct link){.control = p->control, .edge = p->edge, .kind = p->kind, .id = p->id};
    describe(p, &info);
    if (edges_attach(p->control->o.edges, &info, ops_of(p->kind), l, &p->attachment) != SP_OK) {
        free(l);
        listener_close(p->control->listener, p->edge, CHANNEL_CLOSE_TOO_MUCH, "busy");
        return;
    }
    p->link = l;
    link_enter(p->control, l);
    if (p->kind == EDGE_CONNECTOR)
        greet_later(p);
    if (p->kind == EDGE_RELAY)
        edges_relays_changed(p->control->o.edges);
}

static void on_opened(void *arg, uint64_t edge, const struct channel_peer *proven,
                      struct channel *channel)
{
    struct control *c = arg;
    struct peer *p = peer_find(c, edge);

    (void)proven;
    (void)channel;
    if (p != NULL)
        peer_attach(p);
}

struct known {
    struct control *control;
    uint64_t edge;
    struct sp_id id, user;
};

static void known_on_loop(void *arg)
{
    struct known *k = arg;
    struct peer *p = peer_find(k->control, k->edge);

    if (p != NULL) {
        p->id = k->id;
        listener_peer_id(k->control->listener, k->edge, k->id);
        peer_attach(p);
        if (p->kind == EDGE_AGENT && p->link != NULL)
            edges_set_user(k->control->o.edges, p->attachment, k->user);
    }
    free(k);
}

void peer_known(struct control *c, uint64_t edge, struct sp_id id, struct sp_id user)
{
    struct known *k = calloc(1, sizeof *k);

    if (k == NULL)
        return; /* the edge finds nothing of its own and comes again */
    *k = (struct known){.control = c, .edge = edge, .id = id, .user = user};
    if (loop_post(c->loop, known_on_loop, k) != SP_OK)
        free(k);
}

/* ---- messages: one at a time and in order ---- */

static void next_message(struct peer *p);

struct job {
    struct peer *peer;
    struct message *message; /* owned */
    turn_handler *handler;
};

static void run_handler(void *arg)
{
    struct job *j = arg;
    struct turn t = {.control = j->peer->control, .peer = j->peer, .message = j->message};

    j->handler(&t);
}

static void handled(void *arg)
{
    struct job *j = arg;
    struct peer *p = j->peer;

    p->busy = false;
    message_free(j->message);
    free(j);
    if (p->gone)
        peer_free(p);
    else
        next_message(p);
}

static void run(struct peer *p, struct message *m, turn_handler *handler)
{
    struct job *j = calloc(1, sizeof *j);

    if (j != NULL) {
        *j = (struct job){.peer = p, .message = m, .handler = handler};
        p->busy = true;
        if (pool_submit(p->control->o.pool, POOL_PLAIN, run_handler, handled, j) == SP_OK)
            return;
        p->busy = false;
        free(j);
    }
    listener_answer_error(p->control->listener, p->edge, m->i, envelope_code_of(SP_ERR_BUSY),
                          sp_error_text(SP_ERR_BUSY), NULL);
    message_free(m);
}

static void next_message(struct peer *p)
{
    while (!p->busy && p->first != NULL) {
        struct message *m = p->first;
        turn_handler *handler = dispatch_find(p, m->type);

        p->first = m->next;
        if (p->first == NULL)
            p->last = NULL;
        p->queued--;
        if (handler != NULL) {
            run(p, m, handler);
        } else {
            if (m->i != 0)
                listener_answer_error(p->control->listener, p->edge, m->i, "unsupported",
                                      "this peer can't ask for that", NULL);
            else
                log_event(LOG_WARN, "control.refuse", "this peer may not report that", "type",
                          m->type, "peer", LOG_ID(p->id), NULL);
            message_free(m);
        }
    }
}

static void on_message(void *arg, uint64_t edge, const struct channel_peer *proven,
                       struct channel *channel, const struct envelope *e)
{
    struct control *c = arg;
    struct peer *p = peer_find(c, edge);
    struct message *m;

    (void)proven;
    if (p == NULL)
        return;
    if (p->queued >= PEER_QUEUE_MAX || (m = calloc(1, sizeof *m)) == NULL) {
        channel_close_with(channel, CHANNEL_CLOSE_TOO_MUCH, "too much");
        return;
    }
    snprintf(m->type, sizeof m->type, "%s", e->type);
    m->i = e->i;
    m->members = json_ref(e->members);
    if (p->last != NULL)
        p->last->next = m;
    else
        p->first = m;
    p->last = m;
    p->queued++;
    next_message(p);
}

static void on_lost(void *arg, uint64_t edge, const struct channel_peer *proven)
{
    struct control *c = arg;
    struct peer *p = peer_find(c, edge);

    (void)proven;
    if (p == NULL)
        return;
    detach(p);
    if (p->kind == EDGE_RELAY)
        edges_relays_changed(c->o.edges);
    p->gone = true;
    if (!p->busy)
        peer_free(p); /* else its job does */
}

bool control_ask_report(struct control *c, struct sp_id device)
{
    uint64_t edge = edge_of(c, EDGE_AGENT, device);

    if (edge != 0)
        listener_send(c->listener, edge, "posture.ask", json_object());
    return edge != 0;
}

/* ---- a device's login moves on in a browser ---- */

struct moved {
    struct control *control;
    struct key_public key;
    struct json *members;
};

static void moved_on_loop(void *arg)
{
    struct moved *m = arg;
    struct peer *p = m->control->peers;

    while (p != NULL && (p->gone || p->kind != EDGE_AGENT || !key_equal(&p->proven.key, &m->key)))
        p = p->next;
    if (p != NULL)
        listener_send(m->control->listener, p->edge, "login.state", json_ref(m->members));
    json_free(m->members);
    free(m);
}

void control_login_moved(void *control, const struct key_public *device, const char *state,
                         const char *text)
{
    struct control *c = control;
    struct moved *m = calloc(1, sizeof *m);

    if (m == NULL)
        return; /* a hint for people: the login itself goes on */
    *m = (struct moved){.control = c, .key = *device, .members = json_object()};
    json_set_cstr(m->members, "state", state);
    if (text != NULL && text[0] != '\0')
        json_set_cstr(m->members, "text", text);
    if (loop_post(c->loop, moved_on_loop, m) != SP_OK) {
        json_free(m->members);
        free(m);
    }
}
