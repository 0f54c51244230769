#include "connector/gateway/app.h"
#include "connector/gateway/gateway_internal.h"
#include "connector/gateway/message2.h"
#include "connector/gateway/preflight_internal.h"

static const struct http2_events preflight2_events;

SP_MUST static sp_error ask(struct preflight *p)
{
    struct upstream_to to = {.address = *p->x->to, .user = p->x->caller->user};
    struct preflight2 *t = &p->two;
    sp_error e;

    app_upstream(p->x->app, &to);
    if ((e = link2_get(gateway_links(app_gateway(p->x->app)), &to, &t->fresh, &t->link)) != SP_OK ||
        (e = http2_request(link2_http2(t->link), t->fields, true, t, &t->s)) != SP_OK)
        return e;
    link2_flush(t->link);
    return SP_OK;
}

sp_error preflight2_start(struct preflight *p)
{
    p->two.user.events = &preflight2_events;
    p->two.p = p;
    return ask(p);
}

void preflight2_drop(struct preflight *p)
{
    struct preflight2 *t = &p->two;

    if (t->s == NULL)
        return;
    http2_use(t->s, NULL);
    http2_took(t->s, SIZE_MAX);
    if (!t->ended)
        http2_reset(t->s, HTTP2_CANCEL);
    link2_flush(t->link);
    t->s = NULL;
    t->link = NULL;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void broken(struct preflight2 *t)
{
    preflight_fail(t->p, GW_REASON_UPSTREAM_FRAMING, "its answer is not valid");
}

static void on_head(void *arg, void *user, struct http2_stream *s, bool at_end)
{
    struct preflight2 *t = user;
    struct gw_response *r = &t->p->asked.response;
    struct message2_head head = {.end = at_end};

    (void)arg;
    t->heard = true;
    if (http2_fields(s, t->p->arena, &head.fields, &head.n) != SP_OK ||
        message2_response(&head, GW_GET, t->p->arena, r) != SP_OK) {
        broken(t);
        return;
    }
    if (r->status < 200) {
        *r = (struct gw_response){0};
        if (at_end || ++t->interim > PREFLIGHT_INTERIM)
            broken(t);
        return;
    }
    t->ended = at_end;
    if (at_end)
        preflight_answered(t->p);
}

static void on_data(void *arg, void *user, struct view data)
{
    struct preflight2 *t = user;

    (void)arg;
    preflight_keep(t->p, data);
    http2_took(t->s, data.len);
    link2_flush(t->link);
}

/* Trailers say nothing about whose object it is. */
static void on_end(void *arg, void *user, struct http2_stream *s)
{
    struct preflight2 *t = user;

    (void)arg, (void)s;
    t->ended = true;
    preflight_answered(t->p);
}

static void on_drained(void *arg, void *user)
{
    (void)arg, (void)user; /* it has no body */
}

static void on_broken(void *arg, void *user)
{
    (void)arg;
    broken(user);
}

/* A GET may be asked twice: what the application says it has not looked at (RFC 9113 section 8.7),
 * or what met a connection that had waited and was given up just now. */
static bool again(struct preflight2 *t, uint32_t code)
{
    if (t->heard || t->retried || (code != HTTP2_REFUSED_STREAM && t->fresh))
        return false;
    t->retried = true;
    return ask(t->p) == SP_OK;
}

static void on_closed(void *arg, void *user, uint32_t code)
{
    struct link2 *link = arg;
    struct preflight2 *t = user;
    const char *text;
    sp_error e = link2_failed(link, &text);

    t->s = NULL;
    t->link = NULL;
    link2_rest(link);
    if (again(t, code))
        return;
    preflight_fail(t->p,
                   t->heard              ? GW_REASON_UPSTREAM_FRAMING
                   : e == SP_ERR_TLS     ? GW_REASON_UPSTREAM_TLS
                   : e == SP_ERR_TIMEOUT ? GW_REASON_UPSTREAM_TIMEOUT
                   : e == SP_ERR_LIMIT   ? GW_REASON_OVERLOAD
                                         : GW_REASON_UPSTREAM_DOWN,
                   e != SP_OK ? text : "it ended the stream");
}

static const struct http2_events preflight2_events = {.head = on_head,
                                                      .data = on_data,
                                                      .end = on_end,
                                                      .drained = on_drained,
                                                      .broken = on_broken,
                                                      .closed = on_closed};
