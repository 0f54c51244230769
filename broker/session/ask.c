#include "broker/session/ask.h"

#include "broker/session/sessions_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* IPv4 is mapped into IPv6, as facts have it. */
static struct net_address address_of(const char *text)
{
    struct net_address a = {0};
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        a.bytes[10] = a.bytes[11] = 0xff;
        memcpy(a.bytes + 12, &v4, 4);
        a.known = true;
    } else if (inet_pton(AF_INET6, text, a.bytes) == 1) {
        a.known = true;
    }
    return a;
}

static sp_error file(struct sessions *s, const struct ask_for *q, const struct gathered *g,
                     const struct decision *d, struct asked_for *out)
{
    struct access_row *row = &out->row;
    struct buf line;

    *row = (struct access_row){
        .user = q->user, .device = q->device, .app = g->app->row->id, .for_ms = q->for_ms};
    (void)snprintf(row->ref, sizeof row->ref, "%s", q->ref);
    view_copy(row->reason, sizeof row->reason, q->reason);
    buf_init(&line, 4096);
    explain_words(g->rules->doc, &g->facts, d, &line);
    view_copy(row->denied, sizeof row->denied, buf_view(&line));
    buf_deinit(&line);
    return access_ask(s->c.registry, row, g->app->row->name, q->by);
}

static sp_error judge_it(struct sessions *s, const struct ask_for *q, const struct gathered *g,
                         struct asked_for *out)
{
    struct decision d = decide(g->rules->doc, g->app == NULL ? NULL : &g->app->limits, &g->facts);
    bool first = false;

    if (g->user.state != USER_ACTIVE)
        return SP_ERR_UNAUTHENTICATED;
    if (denied_too_often(s, q->user, false, &first))
        return SP_ERR_LIMIT;
    if (d.reason == REASON_NOT_VISIBLE || d.reason == REASON_GROUPS_UNKNOWN || g->app == NULL) {
        (void)denied_too_often(s, q->user, true, &first); /* guessing names has an end */
        return SP_ERR_NOT_FOUND;
    }
    if (d.no_allow && g->facts.access_until == 0)
        return file(s, q, g, &d, out);
    out->verdict = d.verdict;
    explain_sentences(g->rules->doc, &g->facts, &d, q->ref, &out->sentences);
    return SP_ERR_INVALID;
}

sp_error session_ask(struct sessions *s, const struct ask_for *q, struct asked_for *out)
{
    struct net_address peer = address_of(q->peer);
    struct gather_ask ask = {.device = q->device, .user = q->user, .app = q->app, .peer = &peer};
    struct gathered *g = calloc(1, sizeof *g);
    sp_error e = g == NULL ? SP_ERR_NOMEM : gather(s, &ask, g);

    memset(out, 0, sizeof *out);
    if (e == SP_OK) {
        e = judge_it(s, q, g, out);
        gathered_free(s, g);
    }
    free(g);
    return e;
}
