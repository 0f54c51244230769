#include "lib/tunnel/streams_internal.h"

#include "lib/base/num.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what nghttp2 tells us ---------------------------------------------------------------- */

static struct stream *stream_of(nghttp2_session *h2, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h2, id);
}

/* 64 KiB frames: the library's own default of 16 KiB costs 16 % CPU. */
static ssize_t on_read_length(nghttp2_session *h2, uint8_t type, int32_t id, int32_t session_window,
                              int32_t stream_window, uint32_t frame_max, void *user)
{
    (void)h2, (void)type, (void)id, (void)session_window, (void)stream_window, (void)frame_max;
    (void)user;
    return DATA_PAYLOAD_MAX;
}

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    struct streams *s = user;

    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (s->live >= s->max)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct stream *st = stream_make(s, frame->hd.stream_id);
    if (st == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return nghttp2_session_set_stream_user_data(h2, frame->hd.stream_id, st) == 0
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* "APP:PORT" for our one app; port without leading zeros. */
static bool read_authority(const struct streams *s, struct view v, unsigned *port)
{
    uint64_t n;

    if (v.len < SP_ID_TEXT + 2 || !view_is(view_slice(v, 0, SP_ID_TEXT), s->app) ||
        v.at[SP_ID_TEXT] != ':' || num_uint(view_slice(v, SP_ID_TEXT + 1, v.len), 999, &n) != SP_OK)
        return false;
    *port = (unsigned)n;
    return true;
}

static void request_header(struct streams *s, struct stream *st, struct view name,
                           struct view value)
{
    if (view_is(name, ":method"))
        st->method_seen = view_is(value, "CONNECT");
    else if (view_is(name, ":authority"))
        st->authority_seen = read_authority(s, value, &st->port);
    else
        st->bad_request = true;
}

static void answer_header(struct stream *st, struct view name, struct view value)
{
    uint64_t status;

    if (view_is(name, ":status") && num_uint(value, 599, &status) == SP_OK)
        st->status = (int)status;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct streams *s = user;
    struct stream *st = stream_of(h2, frame->hd.stream_id);
    struct view n = {name, name_len}, v = {value, value_len};

    (void)flags;
    if (st == NULL)
        return 0;
    if (s->role == STREAMS_CONNECTOR)
        request_header(s, st, n, v);
    else
        answer_header(st, n, v);
    return 0;
}

static void headers_done(struct streams *s, struct stream *st)
{
    if (s->role == STREAMS_AGENT) {
        stream_note(st, NEWS_ANSWERED);
        return;
    }
    if (!st->method_seen || !st->authority_seen || st->bad_request)
        stream_reset(st, NGHTTP2_PROTOCOL_ERROR, SP_ERR_PROTOCOL);
    else if (s->draining)
        stream_reset(st, NGHTTP2_REFUSED_STREAM, SP_ERR_CLOSED);
    else {
        stream_begun(st);
        stream_note(st, NEWS_OPENED);
    }
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    struct streams *s = user;
    struct stream *st = frame->hd.stream_id == 0 ? NULL : stream_of(h2, frame->hd.stream_id);

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (st != NULL)
            headers_done(s, st);
        break;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
            s->ponged = true;
        break;
    case NGHTTP2_GOAWAY:
        s->draining = true;
        break;
    default:
        break;
    }
    if (st != NULL && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        st->peer_ended = true;
        stream_settle(st);
        stream_note(st, NEWS_FINISHED);
    }
    return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
                   void *user)
{
    struct stream *st = stream_of(h2, id);

    (void)flags, (void)user;
    if (st == NULL)
        return 0;
    return stream_deliver(st, (struct view){bytes, len}) == SP_OK ? 0
                                                                  : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* A refusal is complete: the peer need not end its side (RFC 9113 8.1). And where the library says
 * goodbye by itself, the peer broke HTTP/2: it reads nothing of this session any more. */
static int on_sent(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    struct streams *s = user;
    struct stream *st = stream_of(h2, frame->hd.stream_id);

    if (s->role == STREAMS_AGENT && frame->hd.type == NGHTTP2_HEADERS && st != NULL)
        stream_begun(st);
    if (s->role == STREAMS_CONNECTOR && frame->hd.type == NGHTTP2_HEADERS &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR) !=
            0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        s->broken = true;
    return 0;
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *user)
{
    struct stream *st = stream_of(h2, id);

    (void)user;
    if (st != NULL)
        stream_note_over(st, code == NGHTTP2_NO_ERROR && st->status < 300 ? SP_OK
                             : st->status >= 300                          ? SP_ERR_REFUSED
                                                                          : SP_ERR_RESET);
    return 0;
}

static int on_invalid_frame(nghttp2_session *h2, const nghttp2_frame *frame, int error, void *user)
{
    struct streams *s = user;

    (void)h2, (void)frame, (void)error;
    s->broken = true;
    return 0;
}

/* ---- life --------------------------------------------------------------------------------- */

SP_MUST static sp_error new_session(struct streams *s)
{
    nghttp2_session_callbacks *cb = NULL;
    nghttp2_option *opt = NULL;
    sp_error e = SP_ERR_NOMEM;

    if (nghttp2_session_callbacks_new(&cb) != 0 || nghttp2_option_new(&opt) != 0)
        goto out;
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid_frame);
    nghttp2_session_callbacks_set_data_source_read_length_callback(cb, on_read_length);
    nghttp2_option_set_no_auto_window_update(opt, 1);
    nghttp2_option_set_no_closed_streams(opt, 1);
    nghttp2_option_set_peer_max_concurrent_streams(opt, STREAMS_MAX);
    nghttp2_option_set_max_send_header_block_length(opt, 4096);
    int r = s->role == STREAMS_AGENT ? nghttp2_session_client_new2(&s->h2, cb, s, opt)
                                     : nghttp2_session_server_new2(&s->h2, cb, s, opt);
    if (r == 0)
        e = SP_OK;
out:
    nghttp2_session_callbacks_del(cb);
    nghttp2_option_del(opt);
    return e;
}

SP_MUST static sp_error introduce(struct streams *s)
{
    const nghttp2_settings_entry ours[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, s->max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_FIRST_BYTES},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, HTTP2_FRAME_MAX},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 4096},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, /* the client's word only, so it stands last */
    };
    size_t count = sizeof ours / sizeof ours[0] - (s->role == STREAMS_AGENT ? 0 : 1);

    if (nghttp2_submit_settings(s->h2, NGHTTP2_FLAG_NONE, ours, count) != 0 ||
        nghttp2_session_set_local_window_size(s->h2, NGHTTP2_FLAG_NONE, 0, SESSION_PILE_BYTES) != 0)
        return SP_ERR_NOMEM;
    return SP_OK;
}

sp_error streams_new(enum streams_role role, struct sp_id app, unsigned max,
                     const struct streams_hooks *hooks, void *arg, struct streams **out)
{
    struct streams *s = calloc(1, sizeof *s);
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->role = role;
    s->max = max == 0 || max > STREAMS_MAX ? STREAMS_MAX : max;
    s->hooks = *hooks;
    s->arg = arg;
    s->news_end = &s->news;
    memcpy(s->app, id_text(app).s, sizeof s->app);
    if ((e = new_session(s)) != SP_OK || (e = introduce(s)) != SP_OK) {
        streams_free(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

void streams_free(struct streams *s)
{
    if (s == NULL)
        return;
    s->hooks = (struct streams_hooks){0};
    for (struct stream *st = s->all; st != NULL; st = st->next)
        stream_note_over(st, SP_ERR_RESET);
    streams_tell(s);
    while (s->all != NULL) {
        struct stream *st = s->all;
        if (st->owned) { /* its owner frees it later */
            *st->at = st->next;
            if (st->next != NULL)
                st->next->at = st->at;
            st->streams = NULL;
        } else {
            stream_drop(st);
        }
    }
    nghttp2_session_del(s->h2);
    free(s);
}

sp_error streams_open(struct streams *s, unsigned port, struct stream **out)
{
    char authority[AUTHORITY_MAX + 1];
    struct stream *st;

    if (s->draining || s->broken)
        return SP_ERR_CLOSED;
    if (s->live >= s->max || port > 999)
        return SP_ERR_LIMIT;
    int len = snprintf(authority, sizeof authority, "%s:%u", s->app, port);
    if ((st = stream_make(s, 0)) == NULL)
        return SP_ERR_NOMEM;

    const nghttp2_nv request[] = {
        {(uint8_t *)(uintptr_t) ":method", (uint8_t *)(uintptr_t) "CONNECT", 7, 7,
         NGHTTP2_NV_FLAG_NONE},
        {(uint8_t *)(uintptr_t) ":authority", (uint8_t *)authority, 10, (size_t)len,
         NGHTTP2_NV_FLAG_NONE},
    };
    nghttp2_data_provider source = {.source = {.ptr = st}, .read_callback = stream_read_source};
    st->id = nghttp2_submit_request(s->h2, NULL, request, 2, &source, st);
    if (st->id < 0) {
        sp_error e = st->id == NGHTTP2_ERR_NOMEM ? SP_ERR_NOMEM : SP_ERR_CLOSED;
        stream_drop(st);
        return e;
    }
    st->port = port;
    st->sending = st->owned = true;
    streams_output(s);
    *out = st;
    return SP_OK;
}

void streams_drain(struct streams *s)
{
    if (s->draining)
        return;
    s->draining = true;
    if (nghttp2_submit_goaway(s->h2, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(s->h2), NGHTTP2_NO_ERROR,
                              NULL, 0) != 0)
        s->broken = true;
    streams_output(s);
}

void streams_allow_data(struct streams *s)
{
    s->data_allowed = true;
    for (struct stream *st = s->all; st != NULL; st = st->next)
        stream_readable(st);
    streams_output(s);
}

/* ---- bytes -------------------------------------------------------------------------------- */

/* Says what happened, now that nghttp2 is off the stack: the told may open and free streams. */
void streams_tell(struct streams *s)
{
    if (s->in_library || s->telling)
        return;
    s->telling = true;
    while (s->news != NULL) {
        struct stream *st = s->news;
        unsigned news = st->news;

        s->news = st->next_news;
        if (s->news == NULL)
            s->news_end = &s->news;
        st->queued = false;
        st->news = 0;
        if ((news & NEWS_OPENED) != 0 && s->hooks.opened != NULL) {
            st->owned = true;
            s->hooks.opened(s->arg, st, st->port);
            news = 0; /* st may be gone; what else there was is noted again by attach */
        }
        if ((news & NEWS_ANSWERED) != 0 && st->io != NULL)
            st->io->answered(st->arg, st->status);
        if ((news & NEWS_FINISHED) != 0 && st->io != NULL && st->peer_ended && !st->finished_told &&
            stream_piled(st) == 0 && st->why == SP_OK) {
            st->finished_told = true;
            st->io->finished(st->arg);
        }
        if ((news & NEWS_ENDED) == 0)
            continue;
        if (!st->owned)
            stream_drop(st);
        else if (st->io != NULL && !st->ended_told && (st->why != SP_OK || stream_piled(st) == 0)) {
            st->ended_told = true;
            st->io->ended(st->arg, st->why); /* st may be gone from here on */
        }
    }
    s->telling = false;
    if (s->ponged && s->hooks.ponged != NULL) {
        s->ponged = false;
        s->hooks.ponged(s->arg);
    }
}

void streams_output(struct streams *s)
{
    if (s->output_told || s->hooks.output == NULL)
        return;
    s->output_told = true;
    s->hooks.output(s->arg);
}

/*
 * The session's window: all that came and is not on a pile is given back, once it is half of what
 * the peer has left. nghttp2's own rule, half of the whole window, would never hold again while
 * piles have the other half.
 */
void streams_refill(struct streams *s)
{
    int64_t came = nghttp2_session_get_effective_recv_data_length(s->h2);
    int64_t owed = came - (int64_t)s->piled, left = SESSION_PILE_BYTES - came;

    if (owed <= 0 || owed < left / 2)
        return;
    if (nghttp2_submit_window_update(s->h2, NGHTTP2_FLAG_NONE, 0, (int32_t)owed) != 0)
        s->broken = true;
    streams_output(s);
}

sp_error streams_take(struct streams *s, struct view plain)
{
    if (s->broken)
        return SP_ERR_PROTOCOL;
    s->in_library = true;
    ssize_t r = nghttp2_session_mem_recv(s->h2, plain.at, plain.len);
    s->in_library = false;
    if (r >= 0)
        streams_refill(s);
    streams_tell(s);
    if (r == NGHTTP2_ERR_NOMEM)
        return SP_ERR_NOMEM;
    if (r < 0 || (size_t)r != plain.len || s->broken)
        return SP_ERR_PROTOCOL;
    if (nghttp2_session_want_write(s->h2))
        streams_output(s);
    return SP_OK;
}

sp_error streams_give(struct streams *s, struct view *out)
{
    const uint8_t *at = NULL;

    if (s->broken)
        return SP_ERR_PROTOCOL;
    s->output_told = false;
    s->in_library = true;
    ssize_t r = nghttp2_session_mem_send(s->h2, &at);
    s->in_library = false;
    streams_tell(s);
    if (r < 0 || s->broken)
        return r == NGHTTP2_ERR_NOMEM ? SP_ERR_NOMEM : SP_ERR_PROTOCOL;
    *out = (struct view){at, (size_t)r};
    return SP_OK;
}

sp_error streams_ping(struct streams *s)
{
    if (nghttp2_submit_ping(s->h2, NGHTTP2_FLAG_NONE, NULL) != 0)
        return SP_ERR_NOMEM;
    streams_output(s);
    return SP_OK;
}

unsigned streams_live(const struct streams *s)
{
    return s->live;
}

size_t streams_piled(const struct streams *s)
{
    return s->piled;
}

uint64_t streams_sent(const struct streams *s)
{
    return s->sent;
}

uint64_t streams_received(const struct streams *s)
{
    return s->received;
}
