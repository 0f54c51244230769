#include "connector/gateway/http2_internal.h"

#include <stdlib.h>

enum {
    BLOCK_SPARE = 64 * 1024, /* beyond the limits: it is read on for HPACK's sake, and not kept */
    FRAME_DATA_MAX = 16 * 1024
};

/* ---- what nghttp2 tells -------------------------------------------------------------------- */

static int spend(struct http2 *h, int64_t price)
{
    if (calm_spend(&h->calm, clock_boot(), price))
        return 0;
    h->restless = true;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int64_t price_of(const nghttp2_frame_hd *hd)
{
    switch (hd->type) {
    case NGHTTP2_RST_STREAM:
        return CALM_PRICE_RESET;
    case NGHTTP2_CONTINUATION:
        return CALM_PRICE_CONTROL;
    case NGHTTP2_SETTINGS:
        return (hd->flags & NGHTTP2_FLAG_ACK) != 0 ? 0 : CALM_PRICE_CONTROL;
    case NGHTTP2_PING:
        return (hd->flags & NGHTTP2_FLAG_ACK) != 0 ? 0 : CALM_PRICE_EMPTY;
    case NGHTTP2_DATA:
        return hd->length == 0 && (hd->flags & NGHTTP2_FLAG_END_STREAM) == 0 ? CALM_PRICE_EMPTY : 0;
    default:
        return CALM_PRICE_SMALL;
    }
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
    struct http2 *h = user;

    (void)session;
    return spend(h, price_of(hd));
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2 *h = user;
    struct http2_stream *s = http2_stream_of(h, frame->hd.stream_id);

    if (s != NULL) {
        http2_block_forget(s);
        return 0;
    }
    if (h->side == HTTP2_CLIENT || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if ((s = http2_stream_new(h, frame->hd.stream_id)) == NULL ||
        nghttp2_session_set_stream_user_data(session, s->id, s) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return h->events->begins(h->arg, s) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct http2 *h = user;
    struct http2_stream *s = http2_stream_of(h, frame->hd.stream_id);

    (void)session, (void)flags;
    if (s == NULL)
        return 0;
    s->list += name_len + value_len + 32;
    if (s->list > h->limits->list + BLOCK_SPARE) { /* small on the wire, large here: HPACK bomb */
        h->restless = true;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    s->too_large = s->too_large || s->list > h->limits->list ||
                   s->span_count >= h->limits->fields + 4; /* four pseudo fields */
    if (s->too_large)
        return 0;
    return http2_block_add(s, (struct view){name, name_len}, (struct view){value, value_len}) ==
                   SP_OK
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* What nghttp2 would leave out silently is no less wrong for that. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_len, const uint8_t *value,
                             size_t value_len, uint8_t flags, void *user)
{
    struct http2_stream *s = http2_stream_of(user, frame->hd.stream_id);

    (void)session, (void)name, (void)name_len, (void)value, (void)value_len, (void)flags;
    if (s != NULL)
        s->malformed = true;
    return 0;
}

static bool is_interim(const struct http2_stream *s)
{
    if (s->span_count == 0 || s->h2->side == HTTP2_SERVER)
        return false;
    const uint8_t *at = s->text.at + s->spans[0].at;
    return s->spans[0].name == 7 && memcmp(at, ":status", 7) == 0 && s->spans[0].value == 3 &&
           at[7] == '1';
}

static void head_is_whole(struct http2_stream *s, bool end)
{
    struct http2 *h = s->h2;

    s->block_read = true;
    s->peer_ended = end;
    if (s->user == NULL)
        return;
    if (s->head_told) {
        if (end) /* trailers; nghttp2 refuses others */
            h->events->end(h->arg, s->user, s);
        return;
    }
    s->head_told = !is_interim(s);
    h->events->head(h->arg, s->user, s, end);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2 *h = user;
    struct http2_stream *s = http2_stream_of(h, frame->hd.stream_id);
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        h->leaving = true;
    if (s == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        head_is_whole(s, end);
    } else if (frame->hd.type == NGHTTP2_DATA && end) {
        http2_block_forget(s);
        s->block_read = true;
        s->peer_ended = true;
        if (s->user != NULL)
            h->events->end(h->arg, s->user, s);
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t len, void *user)
{
    struct http2 *h = user;
    struct http2_stream *s = http2_stream_of(h, id);

    (void)flags;
    calm_earn(&h->calm, CALM_POINTS_A_DATA);
    if (s == NULL)
        return nghttp2_session_consume_connection(session, len) == 0 ? 0
                                                                     : NGHTTP2_ERR_CALLBACK_FAILURE;
    s->owed += len;
    if (s->user == NULL)
        http2_took(s, len);
    else
        h->events->data(h->arg, s->user, (struct view){bytes, len});
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *user)
{
    struct http2 *h = user;
    struct http2_stream *s = http2_stream_of(h, frame->hd.stream_id);

    (void)session, (void)error;
    if (s != NULL && s->user != NULL)
        h->events->broken(h->arg, s->user);
    return 0;
}

/* An answer that ends before its request: what follows of it has no reader (section 8.1). */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2 *h = user;
    struct http2_stream *s = http2_stream_of(h, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_HEADERS ||
        (frame->hd.type == NGHTTP2_DATA && frame->hd.length > 0))
        calm_earn(&h->calm, CALM_POINTS_A_DATA);
    if (s != NULL && h->side == HTTP2_SERVER && !s->peer_ended &&
        (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct http2_stream *s = http2_stream_of(user, id);

    (void)session;
    if (s != NULL)
        http2_stream_close(s, code);
    return 0;
}

static ssize_t on_read_length(nghttp2_session *session, uint8_t type, int32_t id, int32_t whole,
                              int32_t window, uint32_t frame_max, void *user)
{
    (void)session, (void)type, (void)id, (void)whole, (void)window, (void)frame_max, (void)user;
    return FRAME_DATA_MAX;
}

/* ---- life ---------------------------------------------------------------------------------- */

SP_MUST static sp_error new_session(struct http2 *h)
{
    nghttp2_session_callbacks *cb = NULL;
    nghttp2_option *option = NULL;
    sp_error e = SP_ERR_NOMEM;

    if (nghttp2_session_callbacks_new(&cb) != 0 || nghttp2_option_new(&option) != 0)
        goto out;
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_data_source_read_length_callback(cb, on_read_length);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, 256 * 1024);
    int r = h->side == HTTP2_CLIENT ? nghttp2_session_client_new2(&h->session, cb, h, option)
                                    : nghttp2_session_server_new2(&h->session, cb, h, option);
    if (r == 0)
        e = SP_OK;
out:
    nghttp2_session_callbacks_del(cb);
    nghttp2_option_del(option);
    return e;
}

SP_MUST static sp_error introduce(struct http2 *h)
{
    bool client = h->side == HTTP2_CLIENT;
    const nghttp2_settings_entry ours[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, client ? 0 : HTTP2_STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
         client ? HTTP2_APP_STREAM_WINDOW : HTTP2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)h->limits->list},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, /* the client's word only, so it stands last */
    };
    size_t count = sizeof ours / sizeof ours[0] - (client ? 0 : 1);
    int32_t window = client ? HTTP2_APP_CONNECTION_WINDOW : HTTP2_CONNECTION_WINDOW;

    if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, ours, count) != 0 ||
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, window) != 0)
        return SP_ERR_NOMEM;
    return SP_OK;
}

sp_error http2_new(enum http2_side side, const struct http2_limits *limits,
                   const struct http2_events *events, void *arg, struct http2 **out)
{
    struct http2 *h = calloc(1, sizeof *h);
    sp_error e;

    if (h == NULL)
        return SP_ERR_NOMEM;
    *h = (struct http2){.side = side, .limits = limits, .events = events, .arg = arg};
    calm_init(&h->calm, clock_boot());
    if ((e = new_session(h)) != SP_OK || (e = introduce(h)) != SP_OK) {
        http2_free(h);
        return e;
    }
    *out = h;
    return SP_OK;
}

void http2_free(struct http2 *h)
{
    if (h == NULL)
        return;
    h->freeing = true;
    while (h->streams != NULL)
        http2_stream_close(h->streams, NGHTTP2_CANCEL);
    nghttp2_session_del(h->session);
    free(h);
}

/* ---- bytes --------------------------------------------------------------------------------- */

sp_error http2_take(struct http2 *h, struct view in)
{
    ssize_t n = nghttp2_session_mem_recv(h->session, in.at, in.len);

    if (h->restless) {
        http2_goaway(h, HTTP2_ENHANCE_YOUR_CALM);
        return SP_ERR_PROTOCOL;
    }
    if (n == NGHTTP2_ERR_NOMEM)
        return SP_ERR_NOMEM;
    if (n < 0) /* of these errors nghttp2 tells us alone; a flood of CONTINUATION is one */
        http2_goaway(h, n == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? HTTP2_PROTOCOL_ERROR
                                                          : HTTP2_ENHANCE_YOUR_CALM);
    /* of the others it has said GOAWAY itself, and reads nothing more after it */
    return n >= 0 && (size_t)n == in.len && nghttp2_session_want_read(h->session) != 0
               ? SP_OK
               : SP_ERR_PROTOCOL;
}

sp_error http2_give(struct http2 *h, struct view *out)
{
    const uint8_t *at = NULL;
    ssize_t n = nghttp2_session_mem_send(h->session, &at);

    *out = (struct view){at, n > 0 ? (size_t)n : 0};
    return n >= 0 ? SP_OK : SP_ERR_NOMEM;
}

bool http2_wants_to_give(const struct http2 *h)
{
    return nghttp2_session_want_write(h->session) != 0;
}

size_t http2_live(const struct http2 *h)
{
    return h->live;
}

bool http2_accepts(const struct http2 *h)
{
    uint32_t max =
        nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

    return !h->leaving && h->live < max && h->live < HTTP2_STREAMS_MAX &&
           nghttp2_session_check_request_allowed(h->session) != 0;
}

bool http2_leaving(const struct http2 *h)
{
    return h->leaving;
}

void http2_goaway(struct http2 *h, enum http2_code code)
{
    if (h->leaving && code == HTTP2_NO_ERROR)
        return;
    h->leaving = true;
    (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h->session), (uint32_t)code,
                                NULL, 0);
}
