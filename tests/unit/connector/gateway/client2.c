#include "tests/unit/connector/gateway/client2.h"

static const struct http2_limits limits = {64 * 1024, 200};

static void note(struct client2 *c, struct http2_stream *s, struct buf *to)
{
    struct gw_field *f;
    struct arena *a;
    size_t n;

    check_ok(arena_new(&c->pool, 1 << 20, &a));
    check_ok(http2_fields(s, a, &f, &n));
    for (size_t i = 0; i < n; i++) {
        buf_add(to, f[i].name);
        buf_add_str(to, ": ");
        buf_add(to, f[i].value);
        buf_add_byte(to, '\n');
    }
    arena_free(a);
}

static bool on_begins(void *arg, struct http2_stream *s)
{
    (void)arg;
    (void)s;
    return false; /* nothing is pushed */
}

static void on_head(void *arg, void *user, struct http2_stream *s, bool end)
{
    struct client2_call *k = user;

    note(arg, s, &k->head);
    k->ended = end;
}

static void on_data(void *arg, void *user, struct view data)
{
    struct client2_call *k = user;

    (void)arg;
    check_ok(buf_append(&k->body, data));
    if (!k->holds)
        http2_took(k->s, data.len);
}

static void on_end(void *arg, void *user, struct http2_stream *s)
{
    struct client2_call *k = user;

    note(arg, s, &k->trailers);
    k->ended = true;
}

static void on_drained(void *arg, void *user)
{
    (void)arg;
    (void)user;
}

static void on_closed(void *arg, void *user, uint32_t code)
{
    struct client2_call *k = user;

    (void)arg;
    k->s = NULL;
    k->closed = true;
    k->code = code;
}

static const struct http2_events events = {.begins = on_begins,
                                           .head = on_head,
                                           .data = on_data,
                                           .end = on_end,
                                           .drained = on_drained,
                                           .broken = on_drained,
                                           .closed = on_closed};

void client2_init(struct client2 *c, struct rig *r, size_t user)
{
    *c = (struct client2){.rig = r, .user = user, .pool = {.max = 16 << 20}};
    check_ok(http2_new(HTTP2_CLIENT, &limits, &events, c, &c->h2));
}

void client2_deinit(struct client2 *c)
{
    http2_free(c->h2);
    for (size_t i = 0; i < c->count; i++) {
        buf_deinit(&c->calls[i].head);
        buf_deinit(&c->calls[i].body);
        buf_deinit(&c->calls[i].trailers);
    }
}

struct client2_call *client2_ask(struct client2 *c, const char *method, const char *path,
                                 const char *const *extra, bool end)
{
    struct client2_call *k = &c->calls[c->count++];
    struct gw_field f[32] = {{view_str(":method"), view_str(method)},
                             {view_str(":scheme"), view_str("http")},
                             {view_str(":authority"), view_str("h")},
                             {view_str(":path"), view_str(path)}};
    size_t n = 4;

    assert_in_range(c->count, 1, CLIENT2_CALLS);
    for (; extra != NULL && *extra != NULL; extra += 2)
        f[n++] = (struct gw_field){view_str(extra[0]), view_str(extra[1])};
    k->client = c;
    buf_init(&k->head, 1 << 20);
    buf_init(&k->body, 16 << 20);
    buf_init(&k->trailers, 1 << 20);
    check_ok(http2_request(c->h2, (struct write_fields){f, n}, end, k, &k->s));
    return k;
}

void client2_say(struct client2_call *k, const char *text, bool end)
{
    check_ok(http2_write(k->s, view_str(text)));
    if (end)
        check_ok(http2_end(k->s, (struct write_fields){0}));
}

void client2_turn(struct client2 *c)
{
    struct rig_user *u = &c->rig->users[c->user];
    struct view v;

    while (http2_give(c->h2, &v) == SP_OK && v.len > 0)
        rig_send_bytes(c->rig, c->user, v);
    rig_turn(c->rig);
    if (c->in_at < u->in.len) {
        v = view_slice(buf_view(&u->in), c->in_at, u->in.len);
        c->in_at = u->in.len;
        c->broken = http2_take(c->h2, v) != SP_OK || c->broken;
    }
}

bool client2_got(struct client2_call *k, const char *text)
{
    return strstr(buf_cstr(&k->head), text) != NULL || strstr(buf_cstr(&k->body), text) != NULL ||
           strstr(buf_cstr(&k->trailers), text) != NULL;
}
