#include "connector/gateway/conn_internal.h"
#include "connector/gateway/grpc.h"
#include "connector/gateway/link2.h"
#include "connector/gateway/message2.h"

/* The way to an application that speaks HTTP/2: one stream of a connection that all requests of
 * its user share. */

struct leg2 {
    struct link2_user user;
    struct exchange *x;     /* borrowed: it lives as long */
    struct link2 *link;     /* borrowed; NULL: without a stream */
    struct http2_stream *s; /* NULL: none */
    struct write_fields fields;
    size_t owed;       /* bytes of the answer that the client has not taken */
    bool fresh, heard; /* heard: the application said something */
    bool retried;
    unsigned interim;
};

static struct leg2 *leg2_of(const struct exchange *x)
{
    return x->leg_state;
}

static const struct write_fields none;
static const struct http2_events leg2_events;

/* ---- to the application -------------------------------------------------------------------- */

static bool has_no_body(const struct exchange *x)
{
    return x->request_ended && x->x.request.body.kind == GW_BODY_NONE;
}

SP_MUST static sp_error ask(struct exchange *x)
{
    struct upstream_to to = {.address = x->conn->to, .user = x->x.caller->user};
    struct leg2 *l = leg2_of(x);
    sp_error e;

    app_upstream(x->x.app, &to);
    if ((e = link2_get(gateway_links(x->conn->gateway), &to, &l->fresh, &l->link)) != SP_OK ||
        (e = http2_request(link2_http2(l->link), l->fields, has_no_body(x), l, &l->s)) != SP_OK)
        return e;
    link2_flush(l->link);
    return SP_OK;
}

SP_MUST static sp_error start(struct exchange *x, struct view host, struct write_fields own,
                              struct view body)
{
    const struct write_to to = {.prefix = app_prefix(x->x.app),
                                .host = host,
                                .secure = gw_app_conf(x->x.app)->upstream.https};
    struct leg2 *l = arena_take(x->arena, sizeof *l);
    sp_error e;

    if (l == NULL)
        return arena_error(x->arena);
    *l = (struct leg2){.user = {&leg2_events}, .x = x};
    x->leg_state = l;
    if ((e = message2_write(&x->x.request, &to, own, x->arena, &l->fields)) != SP_OK ||
        (e = ask(x)) != SP_OK || (e = http2_write(l->s, body)) != SP_OK)
        return e;
    if (!x->request_ended)
        return SP_OK;
    if ((e = http2_end(l->s, none)) == SP_OK)
        exchange_sent(x);
    return e;
}

static size_t room(const struct exchange *x)
{
    const struct leg2 *l = leg2_of(x);
    size_t held = l->s == NULL ? 0 : http2_held(l->s);

    return held < LEG_OUT_MAX ? LEG_OUT_MAX - held : 0;
}

static size_t socket_room(const struct exchange *x)
{
    (void)x;
    return 0; /* it is shared */
}

static void pass_on(struct exchange *x, struct view data)
{
    struct leg2 *l = leg2_of(x);

    if (l->s == NULL)
        return;
    if (http2_write(l->s, data) != SP_OK)
        x->asker->io->abort(x->asker, SP_ERR_NOMEM);
    link2_flush(l->link);
}

static void end(struct exchange *x)
{
    struct leg2 *l = leg2_of(x);

    if (l->s != NULL && http2_end(l->s, none) != SP_OK)
        x->asker->io->abort(x->asker, SP_ERR_NOMEM);
    if (l->s != NULL)
        link2_flush(l->link);
    exchange_sent(x);
}

static void resume(struct exchange *x)
{
    struct leg2 *l = leg2_of(x);

    if (l->s == NULL || l->owed == 0 || x->asker->io->room(x->asker) == 0)
        return;
    http2_took(l->s, l->owed);
    l->owed = 0;
    link2_flush(l->link);
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void broken(struct exchange *x, enum gw_reason reason)
{
    sp_ignore(answer_broken(x, reason) ? SP_OK : SP_ERR_CLOSED);
}

static void over(struct exchange *x, struct write_fields trailers)
{
    sp_ignore(answer_ends(x, trailers) ? SP_OK : SP_ERR_CLOSED);
}

static void on_head(void *arg, void *user, struct http2_stream *s, bool at_end)
{
    struct leg2 *l = user;
    struct exchange *x = l->x;
    struct message2_head head = {.end = at_end};

    (void)arg;
    l->heard = true;
    if (http2_fields(s, x->arena, &head.fields, &head.n) != SP_OK ||
        message2_response(&head, x->x.request.method, x->arena, &x->x.response) != SP_OK) {
        broken(x, GW_REASON_UPSTREAM_FRAMING);
        return;
    }
    if (x->x.response.status < 200) {
        x->x.response = (struct gw_response){0}; /* what we promise we have promised ourselves */
        if (at_end || ++l->interim > EXCHANGE_INTERIM_MAX)
            broken(x, GW_REASON_UPSTREAM_FRAMING);
        return;
    }
    x->until_close = false;
    if (!answer_begins(x))
        return;
    if (at_end)
        over(x, none);
    else
        x->asker->io->flush(x->asker);
}

static void on_data(void *arg, void *user, struct view data)
{
    struct leg2 *l = user;
    struct exchange *x = l->x;

    (void)arg;
    l->owed += data.len;
    if (!answer_piece(x, data))
        return;
    resume(x);
    x->asker->io->flush(x->asker);
}

static void on_end(void *arg, void *user, struct http2_stream *s)
{
    struct leg2 *l = user;
    struct exchange *x = l->x;
    struct gw_field *fields;
    size_t n;

    (void)arg;
    if (http2_fields(s, x->arena, &fields, &n) != SP_OK || message2_trailers(fields, &n) != SP_OK) {
        broken(x, GW_REASON_UPSTREAM_FRAMING);
        return;
    }
    over(x, (struct write_fields){fields, n});
}

static void on_drained(void *arg, void *user)
{
    (void)arg;
    exchange_sent(((struct leg2 *)user)->x);
}

static void on_broken(void *arg, void *user)
{
    (void)arg;
    broken(((struct leg2 *)user)->x, GW_REASON_UPSTREAM_FRAMING);
}

/* Once more, on another connection, when nothing can have been done twice: a request that the
 * application says it has not looked at (RFC 9113 section 8.7), or one that changes nothing over a
 * connection that had waited. */
static bool again(struct exchange *x, uint32_t code)
{
    const struct gw_request *r = &x->x.request;
    struct leg2 *l = leg2_of(x);
    bool harmless = r->method == GW_GET || r->method == GW_HEAD || r->method == GW_OPTIONS;

    if (l->heard || l->retried || !has_no_body(x) ||
        !(code == HTTP2_REFUSED_STREAM || (harmless && !l->fresh)))
        return false;
    l->retried = true;
    return ask(x) == SP_OK;
}

static void on_closed(void *arg, void *user, uint32_t code)
{
    struct link2 *link = arg;
    struct leg2 *l = user;
    struct exchange *x = l->x;
    const char *text;
    sp_error e = link2_failed(link, &text);

    l->s = NULL;
    l->link = NULL;
    link2_rest(link);
    if (again(x, code))
        return;
    if (l->s == NULL && e != SP_OK && !l->heard)
        exchange_unreachable(x, e, text);
    else
        broken(x, l->heard ? GW_REASON_UPSTREAM_FRAMING : GW_REASON_UPSTREAM_DOWN);
}

static const struct http2_events leg2_events = {.head = on_head,
                                                .data = on_data,
                                                .end = on_end,
                                                .drained = on_drained,
                                                .broken = on_broken,
                                                .closed = on_closed};

/* ---- its end ------------------------------------------------------------------------------- */

static void let_go(struct exchange *x, bool whole)
{
    struct leg2 *l = leg2_of(x);

    if (l == NULL || l->s == NULL)
        return;
    http2_use(l->s, NULL);
    http2_took(l->s, SIZE_MAX);
    if (!whole)
        http2_reset(l->s, HTTP2_CANCEL);
    link2_flush(l->link);
    l->s = NULL;
    l->link = NULL;
}

static void done(struct exchange *x)
{
    const struct leg2 *l = leg2_of(x);

    let_go(x, l != NULL && l->s != NULL && x->request_ended && http2_held(l->s) == 0);
}

static void drop(struct exchange *x)
{
    let_go(x, false);
}

const struct leg_io leg2_io = {.start = start,
                               .body = pass_on,
                               .end = end,
                               .room = room,
                               .socket_room = socket_room,
                               .resume = resume,
                               .done = done,
                               .drop = drop};
