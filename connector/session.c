#include "connector/session_internal.h"

#include "lib/base/log.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/banned.h"

/* A look-up on a worker; outlives a session that ends meanwhile. */
struct lookup {
    struct session *session; /* NULL: nobody waits any more */
    char hosts[APPREC_HOSTS_MAX][APPREC_HOST_TEXT + 1];
    size_t host_count;
    struct found {
        size_t host;
        struct address address;
        bool own;
    } found[RESOLVE_ADDRESSES_MAX];
    size_t count;
};

/* The addresses of the record's hosts in the record's order, and which are this machine's. */
static void look_up(void *arg)
{
    struct lookup *l = arg;
    struct address addresses[RESOLVE_ADDRESSES_MAX];

    for (size_t h = 0; h < l->host_count; h++) {
        size_t n = 0;
        if (resolve_blocking(view_str(l->hosts[h]), 0, addresses, &n) != SP_OK)
            continue;
        for (size_t i = 0; i < n && l->count < RESOLVE_ADDRESSES_MAX; i++)
            l->found[l->count++] = (struct found){h, addresses[i], address_is_own(&addresses[i])};
    }
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

static void on_dial_ended(void *arg, struct dial *d, sp_error why, bool connected)
{
    struct joined *j = arg;
    struct session *s = j->session;

    if (!connected)
        log_event(LOG_WARN, "app.dial", "the app could not be reached", "session",
                  LOG_ID(s->admitted.session), "app", LOG_ID(s->admitted.grant.app), "address",
                  address_text(&s->address).s, "error", sp_error_text(why), NULL);
    dial_free(d);
    session_unjoin(s, j);
}

/* The port that the app's record has at the index; 0: none. */
static uint16_t record_port(const struct session *s, unsigned index)
{
    const struct record *r = records_get(s->set->o.records, s->admitted.grant.app);

    return r == NULL || index >= r->app.port_count ? 0 : r->app.ports[index];
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
        log_event(LOG_WARN, "floor.refuse", floor_why_text(v.why), "session",
                  LOG_ID(s->admitted.session), "host", s->host, "address", address_text(&to).s,
                  "line", LOG_INT(v.line), NULL);
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
    if (dial_new(s->set->o.loop, stream, &to, on_dial_ended, j, &j->dial) != SP_OK) {
        free(j);
        return;
    }
    j->next = s->joined;
    s->joined = j;
}

/* The first address that the floor allows for what was asked; all later streams use it too. */
static bool choose(struct session *s, const struct lookup *l, uint16_t port)
{
    for (size_t i = 0; i < l->count; i++) {
        struct address to = l->found[i].address;
        const char *host = l->hosts[l->found[i].host];

        address_set_port(&to, port);
        if (floor_judge(*s->set->o.floor, view_str(host), &to, l->found[i].own).why !=
            FLOOR_ALLOWED)
            continue;
        s->address = l->found[i].address;
        s->address_own = l->found[i].own;
        s->resolved = true;
        snprintf(s->host, sizeof s->host, "%s", host);
        return true;
    }
    return false;
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
    if (s->asked != NULL && !choose(s, l, s->asked->port)) {
        log_event(LOG_WARN, l->count == 0 ? "app.resolve" : "floor.refuse",
                  l->count == 0 ? "no name of the app has an address"
                                : "the floor allows no address of the app",
                  "session", LOG_ID(s->admitted.session), "app", LOG_ID(s->admitted.grant.app),
                  "host", l->hosts[0], NULL);
        refuse_all(s, l->count == 0 ? 502 : 403);
    }
    while (s->asked != NULL) {
        struct asked *a = s->asked;
        s->asked = a->next;
        join(s, a->tunnel, a->stream, a->port);
        free(a);
    }
    free(l);
}

static sp_error start_lookup(struct session *s, const struct record *r)
{
    struct lookup *l = calloc(1, sizeof *l);
    sp_error e;

    if (l == NULL)
        return SP_ERR_NOMEM;
    memcpy(l->hosts, r->app.hosts, sizeof l->hosts);
    l->host_count = r->app.host_count;
    if ((e = pool_submit(s->set->o.pool, POOL_PLAIN, look_up, on_looked_up, l)) != SP_OK) {
        free(l);
        return e;
    }
    l->session = s;
    s->lookup = l;
    return SP_OK;
}

/* Waits, in order, for the address. Takes the stream. */
static void wait_for_address(struct session *s, struct session_tunnel *tunnel,
                             struct stream *stream, uint16_t port)
{
    const struct record *r = records_get(s->set->o.records, s->admitted.grant.app);
    struct asked *a = calloc(1, sizeof *a), **last = &s->asked;

    if (a == NULL || (s->lookup == NULL && start_lookup(s, r) != SP_OK)) {
        free(a);
        stream_refuse(stream, 502);
        stream_free(stream);
        return;
    }
    *a = (struct asked){.stream = stream, .tunnel = tunnel, .port = port};
    while (*last != NULL)
        last = &(*last)->next;
    *last = a;
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
        session_unjoin(s, j);
    }
}

void session_forget_lookup(struct session *s)
{
    if (s->lookup != NULL)
        s->lookup->session = NULL;
    s->lookup = NULL;
}
