#include "connector/gateway/http2_internal.h"

#include <stdlib.h>

enum {
    HELD_LOW = 16 * 1024, /* more may come, and what is gone makes room */
    NAMES_MAX = 320       /* fields of one message of ours */
};

/* ---- streams ------------------------------------------------------------------------------- */

struct http2_stream *http2_stream_of(const struct http2 *h, int32_t id)
{
    return id == 0 ? NULL : nghttp2_session_get_stream_user_data(h->session, id);
}

struct http2_stream *http2_stream_new(struct http2 *h, int32_t id)
{
    struct http2_stream *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->h2 = h;
    s->id = id;
    s->window = h->side == HTTP2_SERVER ? HTTP2_STREAM_WINDOW : HTTP2_APP_STREAM_WINDOW;
    buf_init(&s->text, h->limits->list);
    buf_init(&s->out, SIZE_MAX / 2); /* whoever writes asks http2_held() */
    s->next = h->streams;
    s->from = &h->streams;
    if (s->next != NULL)
        s->next->from = &s->next;
    h->streams = s;
    h->live++;
    return s;
}

void http2_block_forget(struct http2_stream *s)
{
    buf_deinit(&s->text);
    free(s->spans);
    s->spans = NULL;
    s->span_count = s->span_cap = s->list = 0;
    s->malformed = s->too_large = s->block_read = false;
}

void http2_stream_free(struct http2_stream *s)
{
    *s->from = s->next;
    if (s->next != NULL)
        s->next->from = s->from;
    s->h2->live--;
    http2_block_forget(s);
    buf_deinit(&s->out);
    free(s->trailers);
    free(s);
}

void http2_stream_close(struct http2_stream *s, uint32_t code)
{
    struct http2 *h = s->h2;

    s->reset = true; /* nothing is written to it any more */
    if (s->user != NULL)
        h->events->closed(h->arg, s->user, code);
    if (s->owed > 0 && !h->freeing)
        (void)nghttp2_session_consume_connection(h->session, s->owed);
    http2_stream_free(s);
}

void http2_use(struct http2_stream *s, void *user)
{
    s->user = user;
}

/* ---- header blocks ------------------------------------------------------------------------- */

sp_error http2_block_add(struct http2_stream *s, struct view name, struct view value)
{
    if (s->span_count == s->span_cap) {
        size_t cap = s->span_cap == 0 ? 24 : 2 * s->span_cap;
        struct span *more = realloc(s->spans, cap * sizeof *more);
        if (more == NULL)
            return SP_ERR_NOMEM;
        s->spans = more;
        s->span_cap = cap;
    }
    s->spans[s->span_count++] =
        (struct span){(uint32_t)s->text.len, (uint32_t)name.len, (uint32_t)value.len};
    buf_add(&s->text, name);
    buf_add(&s->text, value);
    return buf_error(&s->text);
}

sp_error http2_fields(const struct http2_stream *s, struct arena *a, struct gw_field **fields,
                      size_t *n)
{
    struct gw_field *f;
    uint8_t *text;

    if (s->too_large)
        return SP_ERR_LIMIT;
    if (s->malformed || !s->block_read)
        return SP_ERR_MALFORMED;
    text = arena_take(a, s->text.len + 1);
    f = arena_array(a, s->span_count + 1, sizeof *f);
    if (text == NULL || f == NULL)
        return arena_error(a);
    if (s->text.len > 0)
        memcpy(text, s->text.at, s->text.len);
    for (size_t i = 0; i < s->span_count; i++) {
        const struct span *p = &s->spans[i];
        f[i].name = (struct view){text + p->at, p->name};
        f[i].value = (struct view){text + p->at + p->name, p->value};
    }
    *fields = f;
    *n = s->span_count;
    return SP_OK;
}

static nghttp2_nv pair_of(struct view name, struct view value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.at, (uint8_t *)(uintptr_t)value.at, name.len,
                        value.len, NGHTTP2_NV_FLAG_NONE};
}

static size_t add_pairs(nghttp2_nv *nv, size_t n, struct write_fields fields)
{
    for (size_t i = 0; i < fields.n && n < NAMES_MAX; i++)
        nv[n++] = pair_of(fields.at[i].name, fields.at[i].value);
    return n;
}

/* The next piece of `out`. */
static ssize_t on_source(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct http2_stream *s = http2_stream_of(user, id);
    nghttp2_nv nv[NAMES_MAX];

    (void)source;
    if (s == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t held = http2_held(s), n = held < room ? held : room;
    if (n == 0 && !s->ended)
        return NGHTTP2_ERR_DEFERRED;
    if (n > 0)
        memcpy(to, s->out.at + s->out_at, n);
    s->out_at += n;
    if (s->out_at == s->out.len) {
        buf_reset(&s->out);
        s->out_at = 0;
    }
    if (s->ended && n == held) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailer_count > 0) {
            const struct write_fields trailers = {s->trailers, s->trailer_count};
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (nghttp2_submit_trailer(session, id, nv, add_pairs(nv, 0, trailers)) != 0)
                return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    if (!s->ended && held - n <= HELD_LOW && s->user != NULL)
        s->h2->events->drained(s->h2->arg, s->user);
    return (ssize_t)n;
}

sp_error http2_request(struct http2 *h, struct write_fields fields, bool end, void *user,
                       struct http2_stream **out)
{
    const nghttp2_data_provider source = {.read_callback = on_source};
    struct http2_stream *s = http2_stream_new(h, 0);
    nghttp2_nv nv[NAMES_MAX];

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->user = user;
    s->ended = end;
    s->id = nghttp2_submit_request(h->session, NULL, nv, add_pairs(nv, 0, fields),
                                   end ? NULL : &source, s);
    if (s->id < 0) {
        sp_error e = s->id == NGHTTP2_ERR_NOMEM ? SP_ERR_NOMEM : SP_ERR_CLOSED;
        http2_stream_free(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

sp_error http2_answer(struct http2_stream *s, int status, struct write_fields fields,
                      struct write_fields more, bool end)
{
    const nghttp2_data_provider source = {.read_callback = on_source};
    const uint8_t text[3] = {(uint8_t)('0' + status / 100), (uint8_t)('0' + status / 10 % 10),
                             (uint8_t)('0' + status % 10)};
    nghttp2_nv nv[NAMES_MAX];
    size_t n = 1;
    int r;

    if (s->reset || s->ended)
        return SP_OK;
    nv[0] = pair_of(view_str(":status"), (struct view){text, sizeof text});
    n = add_pairs(nv, n, fields);
    n = add_pairs(nv, n, more);
    if (status < 200)
        r = nghttp2_submit_headers(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NULL, nv, n, NULL);
    else
        r = nghttp2_submit_response(s->h2->session, s->id, nv, n, end ? NULL : &source);
    s->ended = end;
    return r == NGHTTP2_ERR_NOMEM ? SP_ERR_NOMEM : SP_OK;
}

/* ---- data ---------------------------------------------------------------------------------- */

SP_MUST static sp_error resume(struct http2_stream *s)
{
    int r = nghttp2_session_resume_data(s->h2->session, s->id);

    /* not deferred, or not begun: it is asked for anyway */
    return r == NGHTTP2_ERR_NOMEM ? SP_ERR_NOMEM : SP_OK;
}

sp_error http2_write(struct http2_stream *s, struct view data)
{
    if (s->reset || s->ended || data.len == 0)
        return SP_OK;
    /* what is gone makes room before the buffer grows for it */
    if (s->out_at > HELD_LOW || s->out.cap - s->out.len < data.len) {
        buf_consume(&s->out, s->out_at);
        s->out_at = 0;
    }
    if (buf_append(&s->out, data) != SP_OK || resume(s) != SP_OK) {
        http2_reset(s, HTTP2_INTERNAL_ERROR);
        return SP_ERR_NOMEM;
    }
    return SP_OK;
}

/* One piece for fields and their text. */
SP_MUST static sp_error keep_trailers(struct http2_stream *s, struct write_fields t)
{
    size_t bytes = t.n * sizeof *t.at;

    for (size_t i = 0; i < t.n; i++)
        bytes += t.at[i].name.len + t.at[i].value.len;
    if (t.n == 0)
        return SP_OK;
    if ((s->trailers = malloc(bytes)) == NULL)
        return SP_ERR_NOMEM;
    uint8_t *text = (uint8_t *)(s->trailers + t.n);
    for (size_t i = 0; i < t.n; i++) {
        struct view name = t.at[i].name, value = t.at[i].value;
        s->trailers[i] = (struct gw_field){{text, name.len}, {text + name.len, value.len}};
        memcpy(text, name.at, name.len);
        if (value.len > 0)
            memcpy(text + name.len, value.at, value.len);
        text += name.len + value.len;
    }
    s->trailer_count = t.n;
    return SP_OK;
}

sp_error http2_end(struct http2_stream *s, struct write_fields trailers)
{
    if (s->reset || s->ended)
        return SP_OK;
    s->ended = true;
    if (keep_trailers(s, trailers) != SP_OK || resume(s) != SP_OK) {
        http2_reset(s, HTTP2_INTERNAL_ERROR);
        return SP_ERR_NOMEM;
    }
    return SP_OK;
}

size_t http2_held(const struct http2_stream *s)
{
    return s->out.len - s->out_at;
}

/* A stream whose bytes never wait here has a window that fits its way, not its memory. */
static void grow_window(struct http2_stream *s, size_t n)
{
    s->since_growth += n;
    if (s->owed > 0 || s->since_growth < (size_t)s->window || s->peer_ended ||
        s->window >= HTTP2_STREAM_WINDOW_MAX || s->h2->side == HTTP2_CLIENT)
        return;
    s->since_growth = 0;
    s->window *= 2;
    (void)nghttp2_session_set_local_window_size(s->h2->session, NGHTTP2_FLAG_NONE, s->id,
                                                s->window);
}

void http2_took(struct http2_stream *s, size_t n)
{
    n = n < s->owed ? n : s->owed;
    s->owed -= n;
    if (n == 0)
        return;
    (void)nghttp2_session_consume(s->h2->session, s->id, n);
    grow_window(s, n);
}

void http2_reset(struct http2_stream *s, enum http2_code code)
{
    if (s->reset)
        return;
    s->reset = true;
    (void)nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, (uint32_t)code);
}
