#include "connector/stand.h"
#include "connector/tell.h"

#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/channel/over.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/http/proxy_dial.h"
#include "lib/os/loop.h"
#include "lib/proto/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { WAIT_MS = 500, WAIT_MAX_MS = 30 * 1000, FAILURES_MAX = 6 };

/* A tunnel on its way to a relay, or waiting there. */
struct spare {
    struct stand_at_relay *stand;
    struct sp_id ticket;
    struct proxy_dial *dial;     /* owned; NULL: not running */
    struct tunnel_end *end;      /* owned; NULL: not connected yet */
    struct session_tunnel *slot; /* owned */
    bool waiting;
    /* An `open` that came before the spare stood. */
    bool ordered, bare;
    struct admitted admitted;
    char token[GRANT_MAX];
    size_t token_len;
    struct spare *next;
};

struct stand_at_relay {
    struct stands *set;
    struct sp_id relay;
    char hosts[REGISTRY_ADDRESSES_MAX][REGISTRY_ADDRESS_MAX];
    uint16_t ports[REGISTRY_ADDRESSES_MAX];
    size_t address_count, address;
    uint8_t pin[32];
    char statement[1025];
    struct opening_edge_config edge;
    struct proxy_dial *dial; /* owned; NULL: not running */
    struct over *over;       /* owned; NULL: not connected */
    struct timer *again;     /* owned; NULL: not running */
    unsigned failures;
    bool open;
    int64_t generation, dial_began_us, rtt_us;
    struct spare *spares; /* owned */
    struct stand_at_relay *next;
};

struct stands {
    struct stands_options o;
    struct tunnel_thread *thread; /* owned */
    struct tls_context *outer, *inner;
    struct once *spent;
    struct stand_at_relay *list; /* owned */
    size_t count;
    bool draining;
};

static void dial_relay(struct stand_at_relay *s);

static void free_spare(struct spare *p)
{
    struct spare **at = &p->stand->spares;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    proxy_dial_cancel(p->dial);
    tunnel_end_free(p->end);
    session_slot_free(p->slot);
    free(p);
}

static void free_spares(struct stand_at_relay *s)
{
    while (s->spares != NULL)
        free_spare(s->spares);
}

/* Hands the spare over to its session; the spare's own part is over. */
static void serve(struct spare *p)
{
    struct stands *set = p->stand->set;
    const struct session_spare spare = {.end = p->end, .slot = p->slot, .bare = p->bare};
    struct admitted admitted = p->admitted;
    sp_error e;

    p->end = NULL;
    p->slot = NULL;
    e = sessions_serve(set->o.sessions, &admitted,
                       (struct view){(const uint8_t *)p->token, p->token_len},
                       key_secret_public(set->o.key), &spare);
    if (e != SP_OK)
        log_event(LOG_WARN, "session.serve", "a session could not begin", "session",
                  LOG_ID(admitted.session), "error", sp_error_text(e), NULL);
    free_spare(p);
}

static void on_spare_waiting(void *arg)
{
    struct spare *p = arg;

    p->waiting = true;
    if (p->ordered)
        serve(p);
    else
        p->stand->set->o.changed(p->stand->set->o.arg);
}

static void on_spare_ended(void *arg, const struct tunnel_report *r)
{
    struct spare *p = arg;

    log_event(LOG_DEBUG, "spare.ended", tunnel_why_text(r->why), "relay", LOG_ID(p->stand->relay),
              NULL);
    free_spare(p);
}

static void on_spare_dialed(void *arg, int fd, sp_error e, const struct sp_why *why)
{
    struct spare *p = arg;
    struct stands *set = p->stand->set;

    p->dial = NULL;
    if (e == SP_OK) {
        const struct tunnel_end_config c = {
            .loop = set->o.loop,
            .thread = set->thread,
            .outer = set->outer,
            .inner = set->inner,
            .host = p->stand->hosts[p->stand->address],
            .pin = p->stand->pin,
            .cut_through = set->o.cut_through,
            .events = &session_tunnel_events,
            .arg = p->slot,
        };
        e = tunnel_end_spare(&c, fd, p->ticket.bytes, &p->end);
    }
    if (e != SP_OK) {
        log_event(LOG_WARN, "spare.dial", why != NULL ? why->text : sp_error_text(e), "relay",
                  LOG_ID(p->stand->relay), NULL);
        free_spare(p);
    }
}

/* Dials one spare with its ticket. NULL: it could not begin. */
static struct spare *add_spare(struct stand_at_relay *s, struct sp_id ticket)
{
    struct stands *set = s->set;
    struct spare *p = calloc(1, sizeof *p);
    const struct proxy_dial_spec spec = {.loop = set->o.loop,
                                         .pool = set->o.pool,
                                         .proxy = set->o.proxy,
                                         .host = s->hosts[s->address],
                                         .port = s->ports[s->address],
                                         .deadline = clock_boot() + STAND_DIAL_MS};

    if (p == NULL)
        return NULL;
    *p = (struct spare){.stand = s, .ticket = ticket, .next = s->spares};
    s->spares = p;
    p->slot = session_slot_new(on_spare_waiting, on_spare_ended, p);
    if (p->slot == NULL || proxy_dial_start(&spec, on_spare_dialed, p, NULL, &p->dial) != SP_OK) {
        free_spare(p);
        return NULL;
    }
    return p;
}

static struct spare *find_spare(struct stand_at_relay *s, struct sp_id ticket)
{
    struct spare *p = s->spares;

    while (p != NULL && !id_equal(p->ticket, ticket))
        p = p->next;
    return p;
}

static void on_ticket(struct stand_at_relay *s, const struct envelope *m)
{
    struct ticket t = {0};
    size_t have = 0;

    if (fields_read(m->members, ticket_fields, NULL, &t) != SP_OK)
        return;
    for (const struct spare *p = s->spares; p != NULL; p = p->next)
        have += !p->ordered; /* one with an order is a session already */
    for (size_t i = 0; i < t.ticket_count && have < STAND_SPARES_MAX; i++, have++) {
        if (!s->set->draining && find_spare(s, t.tickets[i]) == NULL)
            (void)add_spare(s, t.tickets[i]);
    }
}

/* What admit() said, for our own log and the broker's. A grant that does not hold names nobody. */
static void refused(const struct stands *set, struct sp_id relay, const char *code, sp_error why,
                    const struct admitted *a)
{
    const struct tell_refusal r = {
        .session = a->session, .app = a->grant.app, .why = code, .text = sp_error_text(why)};

    log_event(LOG_WARN, "session.refuse", r.text, "relay", LOG_ID(relay), "reason", code, NULL);
    if (strcmp(code, "draining") != 0) /* ours to say, and nobody's fault */
        tell_refused(set->o.tell, &r);
}

/* The connector's own answer to a grant; NULL: taken. */
static const char *take_order(struct stand_at_relay *s, const struct relay_open *o)
{
    struct stands *set = s->set;
    const struct admit_facts facts = {.keys = set->o.keys,
                                      .own = *key_secret_public(set->o.key),
                                      .relay = s->relay,
                                      .now = set->o.broker_time(set->o.arg),
                                      .records = set->o.records,
                                      .floor = *set->o.floor,
                                      .cut = sessions_cut_ids(set->o.sessions),
                                      .draining = set->draining,
                                      .audit_tight = tell_is_tight(set->o.tell)};
    struct admitted admitted = {0};
    sp_error why;
    const char *code = admit(o->grant, &facts, set->spent, &why, &admitted);

    if (code != NULL) {
        refused(set, s->relay, code, why, &admitted);
        return code;
    }
    struct spare *p = find_spare(s, o->ticket);
    if (p == NULL && (p = add_spare(s, o->ticket)) == NULL)
        return "lost";
    if (p->ordered || o->grant.len > sizeof p->token)
        return "policy";
    p->ordered = true;
    p->bare = o->mode == OPEN_CUT;
    p->admitted = admitted;
    memcpy(p->token, o->grant.at, o->grant.len);
    p->token_len = o->grant.len;
    return NULL;
}

static void on_open(struct stand_at_relay *s, struct channel *c, const struct envelope *m)
{
    struct relay_open o = {0};
    struct relay_open_answer answer = {.verdict = OPEN_REFUSE};
    const char *code = "policy";

    if (fields_read(m->members, relay_open_fields, NULL, &o) == SP_OK)
        code = take_order(s, &o);
    if (code == NULL)
        answer.verdict = OPEN_TAKE;
    else
        answer.code = view_str(code);
    sp_error e = channel_answer(c, m->i, fields_write(relay_open_answer_fields, &answer));
    if (e != SP_OK)
        log_event(LOG_WARN, "session.answer", sp_error_text(e), "relay", LOG_ID(s->relay), NULL);
    struct spare *p = code == NULL ? find_spare(s, o.ticket) : NULL;
    if (p != NULL && p->waiting)
        serve(p);
}

static void on_cut(struct stand_at_relay *s, const struct envelope *m)
{
    struct session_selector which = {0};
    struct session_cut cut = {0};
    int64_t ms;

    if (fields_read(m->members, session_cut_fields, NULL, &cut) != SP_OK)
        return;
    which.session = cut.session; /* a relay may end one session, never all of a user */
    sessions_cut(s->set->o.sessions, &which, session_word(cut.why), &ms);
}

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct stand_at_relay *s = arg;

    if (strcmp(m->type, "ticket") == 0)
        on_ticket(s, m);
    else if (strcmp(m->type, "open") == 0)
        on_open(s, c, m);
    else if (strcmp(m->type, "cut") == 0)
        on_cut(s, m);
    else if (strcmp(m->type, "drain") == 0)
        free_spares(s);
    else
        log_event(LOG_DEBUG, "stand.unknown", "a message of an unknown kind", "kind", m->type,
                  NULL);
}

static void on_again(void *arg)
{
    struct stand_at_relay *s = arg;

    s->again = NULL;
    dial_relay(s);
}

/* Full jitter: a relay that restarts must not see all its connectors at one moment. */
static void try_later(struct stand_at_relay *s)
{
    int64_t most = WAIT_MS << (s->failures < FAILURES_MAX ? s->failures : FAILURES_MAX);
    int64_t wait = 50 + (int64_t)random_below((uint64_t)num_min(most, WAIT_MAX_MS));

    s->failures++;
    s->address = (s->address + 1) % s->address_count;
    if (s->again == NULL &&
        timer_start(s->set->o.loop, clock_boot() + wait, on_again, s, &s->again) != SP_OK)
        log_event(LOG_ERROR, "stand.lost", "out of memory: this relay is given up", "relay",
                  LOG_ID(s->relay), NULL);
}

static void on_opened(void *arg, struct over *o, struct channel *c, const struct opening_welcome *w)
{
    struct stand_at_relay *s = arg;
    struct hash spki;

    (void)c;
    (void)w;
    /* TLS held the relay to the pinned key; its proof must be of that key too */
    if (key_spki_hash(&over_edge(o)->server, &spki) != SP_OK ||
        memcmp(spki.bytes, s->pin, sizeof s->pin) != 0) {
        log_event(LOG_ERROR, "stand.proof", "the relay proved another key than its TLS key",
                  "relay", LOG_ID(s->relay), NULL);
        channel_close_with(c, CHANNEL_CLOSE_PROOF, "proof");
        return;
    }
    s->open = true;
    s->failures = 0;
    s->generation++;
    log_event(LOG_INFO, "stand.open", "standing at a relay", "relay", LOG_ID(s->relay), NULL);
    s->set->o.changed(s->set->o.arg);
}

static void on_over_ended(void *arg, const struct over_report *r)
{
    struct stand_at_relay *s = arg;

    log_event(LOG_WARN, "stand.lost", sp_error_text(r->error), "relay", LOG_ID(s->relay), "close",
              LOG_INT((int)r->close), NULL);
    over_free(s->over);
    s->over = NULL;
    s->open = false;
    free_spares(s);
    s->set->o.changed(s->set->o.arg);
    try_later(s);
}

static const struct over_events events = {
    .opened = on_opened, .message = on_message, .ended = on_over_ended};

static void on_dialed(void *arg, int fd, sp_error e, const struct sp_why *why)
{
    struct stand_at_relay *s = arg;
    const struct tls_expect expect = {.name = s->hosts[s->address], .pin = s->pin};
    const struct over_dial_spec spec = {.loop = s->set->o.loop,
                                        .thread = s->set->thread,
                                        .tls = s->set->outer,
                                        .host = s->hosts[s->address],
                                        .expect = &expect,
                                        .edge = &s->edge,
                                        .events = &events,
                                        .arg = s};

    s->dial = NULL;
    s->rtt_us = clock_boot_us() - s->dial_began_us;
    if (e == SP_OK) {
        s->edge.id = *s->set->o.id;
        e = over_dial(&spec, fd, &s->over);
    }
    if (e != SP_OK) {
        log_event(LOG_WARN, "stand.dial", why != NULL ? why->text : sp_error_text(e), "relay",
                  LOG_ID(s->relay), NULL);
        try_later(s);
    }
}

static void dial_relay(struct stand_at_relay *s)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    const struct proxy_dial_spec spec = {.loop = s->set->o.loop,
                                         .pool = s->set->o.pool,
                                         .proxy = s->set->o.proxy,
                                         .host = s->hosts[s->address],
                                         .port = s->ports[s->address],
                                         .deadline = clock_boot() + STAND_DIAL_MS};

    s->dial_began_us = clock_boot_us();
    if (proxy_dial_start(&spec, on_dialed, s, &why, &s->dial) != SP_OK) {
        log_event(LOG_WARN, "stand.dial", why.text, "relay", LOG_ID(s->relay), NULL);
        try_later(s);
    }
}

sp_error stands_new(const struct stands_options *o, struct stands **out)
{
    struct stands *s = calloc(1, sizeof *s);
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->o = *o;
    if ((e = tunnel_thread_new(&s->thread)) != SP_OK ||
        (e = tls_pinned_client("sallyport-tunnel/1", &s->outer)) != SP_OK ||
        (e = tls_mutual_server(o->key, &s->inner)) != SP_OK ||
        (e = once_new(ONCE_MAX, &s->spent)) != SP_OK) {
        stands_free(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

static void free_stand(struct stand_at_relay *s)
{
    free_spares(s);
    timer_cancel(s->again);
    proxy_dial_cancel(s->dial);
    over_free(s->over);
    free(s);
}

void stands_free(struct stands *s)
{
    if (s == NULL)
        return;
    while (s->list != NULL) {
        struct stand_at_relay *gone = s->list;
        s->list = gone->next;
        free_stand(gone);
    }
    once_free(s->spent);
    tls_context_free(s->inner);
    tls_context_free(s->outer);
    tunnel_thread_free(s->thread);
    free(s);
}

/* "host:port" or "[v6]:port". */
static bool read_address(struct view v, char host[REGISTRY_ADDRESS_MAX], uint16_t *port)
{
    const uint8_t *colon = v.len == 0 ? NULL : memrchr(v.at, ':', v.len);
    uint64_t n;

    if (colon == NULL)
        return false;
    size_t at = (size_t)(colon - v.at);
    struct view name = view_slice(v, 0, at);
    if (name.len > 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
        name = view_slice(name, 1, name.len - 2);
    if (num_uint(view_slice(v, at + 1, v.len), UINT16_MAX, &n) != SP_OK || n == 0 ||
        name.len == 0 || name.len >= REGISTRY_ADDRESS_MAX)
        return false;
    snprintf(host, REGISTRY_ADDRESS_MAX, "%.*s", VIEW_ARG(name));
    *port = (uint16_t)n;
    return true;
}

static struct stand_at_relay *find_stand(const struct stands *set, struct sp_id relay)
{
    struct stand_at_relay *s = set->list;

    while (s != NULL && !id_equal(s->relay, relay))
        s = s->next;
    return s;
}

sp_error stands_put(struct stands *set, const struct stand_put *p)
{
    struct stand_at_relay *s = find_stand(set, p->relay);
    bool fresh = s == NULL;
    size_t n = 0;

    if (fresh && set->count >= STANDS_LIMIT)
        return SP_ERR_FULL;
    if (fresh && (s = calloc(1, sizeof *s)) == NULL)
        return SP_ERR_NOMEM;
    if (p->statement.len >= sizeof s->statement ||
        decode_base64url_exact(p->key, s->pin, sizeof s->pin) != SP_OK)
        p = NULL;
    for (size_t i = 0; p != NULL && i < p->address_count; i++)
        n += read_address(p->addresses[i], s->hosts[n], &s->ports[n]) ? 1 : 0;
    if (n == 0) {
        if (fresh)
            free(s);
        return SP_ERR_INVALID;
    }
    memcpy(s->statement, p->statement.at, p->statement.len);
    s->statement[p->statement.len] = '\0';
    s->address_count = n;
    s->address = fresh || s->address >= n ? 0 : s->address;
    s->edge = (struct opening_edge_config){.kind = PROVE_CONNECTOR,
                                           .key = set->o.key,
                                           .id = *set->o.id,
                                           .software = "sallyport-connector " SP_VERSION,
                                           .stand = view_str(s->statement)};
    if (!fresh)
        return SP_OK; /* the new statement is shown at the next opening */
    s->set = set;
    s->relay = p->relay;
    s->next = set->list;
    set->list = s;
    set->count++;
    dial_relay(s);
    return SP_OK;
}

void stands_drop(struct stands *set, struct sp_id relay)
{
    for (struct stand_at_relay **at = &set->list; *at != NULL; at = &(*at)->next) {
        struct stand_at_relay *gone = *at;
        if (!id_equal(gone->relay, relay))
            continue;
        *at = gone->next;
        set->count--;
        free_stand(gone);
        set->o.changed(set->o.arg);
        return;
    }
}

void stands_cut(struct stands *set, struct sp_id session, const char *why)
{
    const struct session_cut cut = {.session = session, .why = view_str(why)};

    for (struct stand_at_relay *s = set->list; s != NULL; s = s->next) {
        struct channel *c = s->open ? over_channel(s->over) : NULL;
        if (c != NULL)
            sp_ignore(channel_send(c, "cut", fields_write(session_cut_fields, &cut)));
        /* a relay that does not hear it sees the tunnel end all the same */
    }
}

void stands_drain(struct stands *set)
{
    set->draining = true;
    for (struct stand_at_relay *s = set->list; s != NULL; s = s->next)
        free_spares(s);
}

void stands_offer(struct stands *set, bool cut_through)
{
    set->o.cut_through = cut_through;
}

void stands_report(const struct stands *set, struct stand_at *out)
{
    *out = (struct stand_at){.last = true};
    for (const struct stand_at_relay *s = set->list; s != NULL && out->at_count < STANDS_MAX;
         s = s->next) {
        int64_t spares = 0;
        for (const struct spare *p = s->spares; p != NULL; p = p->next)
            spares += p->waiting && !p->ordered;
        if (s->open)
            out->at[out->at_count++] =
                (struct stand_at_entry){s->relay, s->generation, s->rtt_us, spares};
    }
}
