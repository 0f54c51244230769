#include "lib/channel/socket.h"

#include "lib/base/failpoint.h"

#include <libwebsockets.h>
#include <stdlib.h>

struct socket_text {
    struct socket_text *next;
    size_t len;
    uint8_t room[]; /* LWS_PRE bytes for libwebsockets, then the text */
};

void socket_init(struct socket *s, struct lws *wsi)
{
    *s = (struct socket){.wsi = wsi, .limit = SIZE_MAX};
    s->last = &s->first;
    buf_init(&s->part, ENVELOPE_BYTES_MAX);
}

static void drop_first(struct socket *s)
{
    struct socket_text *t = s->first;

    s->first = t->next;
    if (s->first == NULL)
        s->last = &s->first;
    s->unsent -= t->len;
    explicit_bzero(t->room, LWS_PRE + t->len); /* grants, tickets, codes */
    free(t);
}

void socket_deinit(struct socket *s)
{
    while (s->first != NULL)
        drop_first(s);
    buf_wipe(&s->part);
    s->wsi = NULL;
}

sp_error socket_send(struct socket *s, struct view text)
{
    struct socket_text *t;

    if (s->wsi == NULL || s->close != 0)
        return SP_ERR_CLOSED;
    FAILPOINT("channel:send");
    if (text.len > SOCKET_UNSENT_MAX - s->unsent)
        return SP_ERR_BUSY;
    if ((t = malloc(sizeof *t + LWS_PRE + text.len)) == NULL)
        return SP_ERR_NOMEM;
    t->next = NULL;
    t->len = text.len;
    memcpy(t->room + LWS_PRE, text.at, text.len);
    *s->last = t;
    s->last = &t->next;
    s->unsent += t->len;
    lws_callback_on_writable(s->wsi);
    return SP_OK;
}

void socket_close(struct socket *s, enum channel_close code, const char *reason)
{
    if (s->wsi == NULL || s->close != 0)
        return;
    s->close = code;
    if (reason != NULL) {
        size_t n = strnlen(reason, SOCKET_REASON_MAX);
        memcpy(s->reason, reason, n);
        s->reason[n] = '\0';
    }
    lws_callback_on_writable(s->wsi);
}

sp_error socket_receive(struct socket *s, struct view piece, struct view *out)
{
    if (lws_frame_is_binary(s->wsi))
        return SP_ERR_PROTOCOL;
    if (lws_is_first_fragment(s->wsi))
        buf_reset(&s->part);
    if (piece.len > s->limit)
        return SP_ERR_LIMIT;
    if (s->limit != SIZE_MAX)
        s->limit -= piece.len;
    if (buf_append(&s->part, piece) != SP_OK)
        return SP_ERR_LIMIT;
    if (!lws_is_final_fragment(s->wsi) || lws_remaining_packet_payload(s->wsi) > 0)
        return SP_ERR_AGAIN;
    *out = buf_view(&s->part);
    return SP_OK;
}

int socket_writable(struct socket *s)
{
    struct socket_text *t = s->first;

    if (t != NULL) {
        if (lws_write(s->wsi, t->room + LWS_PRE, t->len, LWS_WRITE_TEXT) < (int)t->len)
            return -1;
        drop_first(s);
        if (s->first != NULL || s->close != 0)
            lws_callback_on_writable(s->wsi);
        return 0;
    }
    if (s->close == 0)
        return 0;
    lws_close_reason(s->wsi, (enum lws_close_status)s->close, (unsigned char *)s->reason,
                     strlen(s->reason));
    return -1;
}

void socket_peer_closed(struct socket *s, struct view v)
{
    size_t n = v.len > 2 ? v.len - 2 : 0;

    if (v.len < 2)
        return;
    s->peer_close = (enum channel_close)(v.at[0] << 8 | v.at[1]);
    if (n > SOCKET_REASON_MAX)
        n = SOCKET_REASON_MAX;
    memcpy(s->peer_reason, v.at + 2, n);
    s->peer_reason[n] = '\0';
}

sp_error socket_wire_send(void *arg, struct view text)
{
    return socket_send(arg, text);
}

void socket_wire_close(void *arg, enum channel_close code, const char *reason)
{
    socket_close(arg, code, reason);
}
