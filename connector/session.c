#include "connector/session_internal.h"
#include "connector/tell.h"

#include "lib/base/log.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/banned.h"

enum { EARLY_MS = 10 * 1000 /* as long as an opening may take */ };

/* A look-up on a worker; outlives a session that ends meanwhile. */
struct lookup {
    struct session *session; /* NULL: nobody waits any more */
    struct targets targets;
    sp_boot_ms at; /* done */
};

static void look_up(void *arg)
{
    targets_resolve(&((struct lookup *)arg)->targets);
}

static void refuse_all(struct session *s, int status)
{
    while (s->asked != NULL) {
        struct asked *a = s->asked;
        s->asked = a->next;
        stream_refuse(a->stream, status);
        stream_free(a->stream);
        free(a);
    }
}

/* What `status` says of the app's last dial; static text. */
static void note_dial(struct session *s, const char *what)
{
    struct record *r = records_get(s->set->o.records, s->admitted.grant.app);

    if (r == NULL)
        return;
    r->last = what;
    r->last_at = s->set->o.broker_time(s->set->o.arg);
}

static void on_dial_ended(void *arg, struct dial *d, sp_error why, bool connected)
{
    struct joined *j = arg;
    struct session *s = j->session;

    if (!connected) {
        log_event(LOG_WARN, "app.dial", "the app could not be reached", "session",
                  LOG_ID(s->admitted.session), "app", LOG_ID(s->admitted.grant.app), "address",
                  address_host_text(&s->address).s, "error", sp_error_text(why), NULL);
        note_dial(s, dial_word(why));
    }
    dial_free(d);
    session_unjoin(s, j);
}

static void on_dial_connected(void *arg)
{
    note_dial(((struct joined *)arg)->session, "connected");
}

static const struct dial_events dial_events = {on_dial_connected, on_dial_ended};

/* The port that the app's record has at the index; 0: none. */
static uint16_t record_port(const struct session *s, unsigned index)
{
    const struct record *r = records_get(s->set->o.records, s->admitted.grant.app);

    return r == NULL || index >= r->app.port_count ? 0 : r->app.ports[index];
}

/* For our own log, and the broker's audit log. */
static void floor_refused(const struct session *s, const char *host, const struct address *to,
                          struct floor_verdict v)
{
    const struct tell_refusal r = {.session = s->admitted.session,
                                   .app = s->admitted.grant.app,
                                   .why = "floor",
                                   .text = floor_why_text(v.why),
                                   .host = host,
                                   .address = to,
                                   .line = v.line};

    log_event(LOG_WARN, "floor.refuse", r.text, "session", LOG_ID(r.session), "host", host,
              "address", address_text(to).s, "line", LOG_INT(v.line), NULL);
    tell_refused(s->set->o.tell, &r);
}

static void on_served(void *arg, struct gw_conn *c)
{
    struct joined *j = arg;

    gateway_leave(c);
    session_unjoin(j->session, j);
}

/* An app with a gateway: each request is verified. Without one here, none is let through. */
SP_MUST static sp_error serve(struct session *s, const struct record *r, struct joined *j,
                              struct stream *stream, const struct address *to)
{
    const struct gateway_serving serving = {*to, on_served, j};

    if (s->set->o.gateway == NULL) {
        stream_refuse(stream, 502);
        stream_free(stream);
        return SP_ERR_UNSUPPORTED;
    }
    return gateway_serve(s->set->o.gateway, &r->app, s->person, stream, &serving, &j->conn);
}

void session_person(struct session *s, const struct json *said)
{
    const struct record *r = records_get(s->set->o.records, s->admitted.grant.app);
    struct view token = json_str(json_get(said, "identity"));
    sp_unix_ms now = s->set->o.broker_time(s->set->o.arg);
    const struct key_public *signer;
    struct person p;
    sp_error e;

    if (r == NULL || !gateway_serves(&r->app) || s->person != NULL)
        return;
    if ((e = keyset_signer(s->set->o.keys, token, KEYSET_RECORD, now, &signer)) != SP_OK ||
        (e = person_verify(token, signer, s->admitted.session, now, &p)) != SP_OK) {
        log_event(LOG_WARN, "gateway.person",
                  "no identity statement that holds: every request is "
                  "refused",
                  "session", LOG_ID(s->admitted.session), "error", sp_error_text(e), NULL);
        return;
    }
    e = gateway_person(&s->admitted.grant, &p, s->opened, s->admitted.deadline, &s->person);
    if (e != SP_OK)
        log_event(LOG_ERROR, "gateway.person", sp_error_text(e), NULL);
    person_deinit(&p);
}

/* Joins the stream with the resolved address; the floor has the last word at each dial. */
static void join(struct session *s, struct session_tunnel *tunnel, struct stream *stream,
                 uint16_t port)
{
    struct address to = s->address;
    struct joined *j;

    address_set_port(&to, port);
    struct floor_verdict v = floor_judge(*s->set->o.floor, view_str(s->host), &to, s->address_own);
    if (v.why != FLOOR_ALLOWED) {
        floor_refused(s, s->host, &to, v);
        stream_refuse(stream, 403);
        stream_free(stream);
        return;
    }
    j = calloc(1, sizeof *j);
    if (j == NULL) {
        stream_refuse(stream, 502);
        stream_free(stream);
        return;
    }
    *j = (struct joined){.session = s, .tunnel = tunnel};
    const struct record *r = records_get(s->set->o.records, s->admitted.grant.app);
    sp_error e = r != NULL && gateway_serves(&r->app)
                     ? serve(s, r, j, stream, &to)
                     : dial_new(s->set->o.loop, stream, &to, &dial_events, j, &j->dial);
    if (e != SP_OK) {
        free(j);
        return;
    }
    if (j->dial != NULL)
        dial_hold(j->dial, s->paused);
    else
        gateway_hold(j->conn, s->paused);
    j->next = s->joined;
    s->joined = j;
}

/* For the stream that asked first; all later ones use this address too, as long as any lives. */
static bool choose(struct session *s, const struct lookup *l)
{
    struct floor_verdict first;
    uint16_t port = s->asked->port;
    const struct target *to = targets_choose(&l->targets, *s->set->o.floor, port, &first);

    if (to != NULL) {
        s->address = to->address;
        s->address_own = to->own;
        s->resolved = true;
        snprintf(s->host, sizeof s->host, "%s", l->targets.hosts[to->host]);
        return true;
    }
    note_dial(s, l->targets.count == 0 ? "not_found" : "floor");
    if (l->targets.count == 0) {
        log_event(LOG_WARN, "app.resolve", "no name of the app has an address", "session",
                  LOG_ID(s->admitted.session), "app", LOG_ID(s->admitted.grant.app), "host",
                  l->targets.hosts[0], NULL);
    } else {
        struct address refused = l->targets.found[0].address;
        address_set_port(&refused, port);
        floor_refused(s, l->targets.hosts[l->targets.found[0].host], &refused, first);
    }
    return false;
}

/* Those who asked get what was found. Takes `l`. */
static void answer(struct session *s, struct lookup *l)
{
    if (!choose(s, l))
        refuse_all(s, l->targets.count == 0 ? 502 : 403);
    while (s->asked != NULL) {
        struct asked *a = s->asked;
        s->asked = a->next;
        join(s, a->tunnel, a->stream, a->port);
        free(a);
    }
    free(l);
}

static void on_looked_up(void *arg)
{
    struct lookup *l = arg;
    struct session *s = l->session;

    if (s == NULL) {
        free(l);
        return;
    }
    s->lookup = NULL;
    l->at = clock_boot();
    if (s->asked != NULL)
        answer(s, l);
    else
        s->early = l;
}

SP_MUST static struct lookup *new_lookup(const struct record *r)
{
    struct lookup *l = calloc(1, sizeof *l);

    if (l != NULL)
        targets_of(&r->app, &l->targets);
    return l;
}

/* Takes `l`. */
static sp_error start_lookup(struct session *s, struct lookup *l)
{
    sp_error e = pool_submit(s->set->o.pool, POOL_PLAIN, look_up, on_looked_up, l);

    if (e != SP_OK) {
        free(l);
        return e;
    }
    l->session = s;
    s->lookup = l;
    return SP_OK;
}

void session_foresee(struct session *s)
{
    const struct record *r = records_get(s->set->o.records, s->admitted.grant.app);
    struct lookup *l = r == NULL ? NULL : new_lookup(r);

    if (l == NULL)
        return;
    if (targets_known(&l->targets))
        free(l); /* whoever asks is answered at once */
    else
        sp_ignore(start_lookup(s, l)); /* then the first stream looks */
}

/* What was found before anyone asked, unless that was long ago. */
static struct lookup *take_early(struct session *s)
{
    struct lookup *l = s->early;

    s->early = NULL;
    if (l != NULL && clock_boot() - l->at > EARLY_MS) {
        free(l);
        l = NULL;
    }
    return l;
}

/* For who has just asked.   SP_ERR_NOMEM, SP_ERR_BUSY */
SP_MUST static sp_error resolve(struct session *s)
{
    const struct record *r = records_get(s->set->o.records, s->admitted.grant.app);
    struct lookup *l = take_early(s);

    if (l != NULL) {
        answer(s, l);
        return SP_OK;
    }
    if ((l = new_lookup(r)) == NULL)
        return SP_ERR_NOMEM;
    if (!targets_known(&l->targets))
        return start_lookup(s, l);
    targets_resolve(&l->targets);
    answer(s, l);
    return SP_OK;
}

static void refuse_last(struct session *s)
{
    struct asked **last = &s->asked, *a;

    while ((*last)->next != NULL)
        last = &(*last)->next;
    a = *last;
    *last = NULL;
    stream_refuse(a->stream, 502);
    stream_free(a->stream);
    free(a);
}

/* Waits, in order, for the address. Takes the stream. */
static void wait_for_address(struct session *s, struct session_tunnel *tunnel,
                             struct stream *stream, uint16_t port)
{
    struct asked *a = calloc(1, sizeof *a), **last = &s->asked;

    if (a == NULL) {
        stream_refuse(stream, 502);
        stream_free(stream);
        return;
    }
    *a = (struct asked){.stream = stream, .tunnel = tunnel, .port = port};
    while (*last != NULL)
        last = &(*last)->next;
    *last = a;
    if (s->lookup == NULL && resolve(s) != SP_OK)
        refuse_last(s);
}

void session_stream(struct session *s, struct session_tunnel *tunnel, struct stream *stream,
                    unsigned index)
{
    uint16_t port = record_port(s, index);

    if (port == 0) {
        stream_refuse(stream,
                      records_get(s->set->o.records, s->admitted.grant.app) == NULL ? 403 : 404);
        stream_free(stream);
        return;
    }
    /* an address is kept as long as any stream uses it: a second connection meets the same server
     */
    if (s->resolved && s->joined != NULL && s->lookup == NULL)
        join(s, tunnel, stream, port);
    else
        wait_for_address(s, tunnel, stream, port);
}

void session_unjoin(struct session *s, struct joined *j)
{
    struct joined **at = &s->joined;

    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    free(j);
}

void session_drop_streams(struct session *s, const struct session_tunnel *tunnel)
{
    struct asked **a = &s->asked;

    while (*a != NULL) {
        struct asked *gone = *a;
        if (tunnel != NULL && gone->tunnel != tunnel) {
            a = &gone->next;
            continue;
        }
        *a = gone->next;
        stream_free(gone->stream);
        free(gone);
    }
    for (struct joined *j = s->joined, *next; j != NULL; j = next) {
        next = j->next;
        if (tunnel != NULL && j->tunnel != tunnel)
            continue;
        dial_free(j->dial);
        gateway_leave(j->conn);
        session_unjoin(s, j);
    }
}

void session_hold(struct session *s, bool held)
{
    s->paused = held;
    for (struct joined *j = s->joined; j != NULL; j = j->next) {
        if (j->dial != NULL)
            dial_hold(j->dial, held);
        else
            gateway_hold(j->conn, held);
    }
}

void session_forget_early(struct session *s)
{
    if (s->asked == NULL)
        session_forget_lookup(s);
}

void session_forget_lookup(struct session *s)
{
    if (s->lookup != NULL)
        s->lookup->session = NULL;
    s->lookup = NULL;
    free(s->early);
    s->early = NULL;
}
