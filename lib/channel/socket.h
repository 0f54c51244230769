#ifndef SP_CHANNEL_SOCKET_H
#define SP_CHANNEL_SOCKET_H

/*
 * socket: one libwebsockets websocket as it carries a channel: whole text messages in, a bounded
 * queue of them out, one close code. A part of dialer.c and listener.c. Loop thread.
 */

#include "lib/base/buf.h"
#include "lib/channel/call.h"

struct lws;
struct socket_text;

enum {
    SOCKET_UNSENT_MAX = 1024 * 1024, /* bytes queued; then SP_ERR_BUSY */
    SOCKET_REASON_MAX = 100
};

struct socket {
    struct lws *wsi;                   /* borrowed; NULL: gone */
    struct buf part;                   /* of the message that is coming in */
    struct socket_text *first, **last; /* queue; owned */
    size_t unsent;
    size_t limit; /* bytes that the peer may still send in all; SIZE_MAX: no limit (WS-15) */
    enum channel_close close; /* ours, once the queue is empty; 0: none */
    char reason[SOCKET_REASON_MAX + 1];
    enum channel_close peer_close; /* the peer's; 0: none said */
    char peer_reason[SOCKET_REASON_MAX + 1];
};

void socket_init(struct socket *s, struct lws *wsi);
void socket_deinit(struct socket *s);

/* Copies.   SP_ERR_CLOSED, SP_ERR_BUSY, SP_ERR_NOMEM */
SP_MUST sp_error socket_send(struct socket *s, struct view text);
void socket_close(struct socket *s, enum channel_close code, const char *reason);

/*
 * A piece from LWS_CALLBACK_(CLIENT_)RECEIVE. SP_OK: a message is whole: *out, borrowed until the
 * next call. SP_ERR_AGAIN: more of it comes. SP_ERR_PROTOCOL: binary. SP_ERR_LIMIT: too long.
 */
SP_MUST sp_error socket_receive(struct socket *s, struct view piece, struct view *out);
/* From LWS_CALLBACK_(CLIENT/SERVER_)WRITEABLE; what it returns is the callback's result. */
int socket_writable(struct socket *s);
/* From LWS_CALLBACK_WS_PEER_INITIATED_CLOSE. */
void socket_peer_closed(struct socket *s, struct view code_and_reason);

/* As channel_wire functions, with the socket as `arg`. */
sp_error socket_wire_send(void *arg, struct view text);
void socket_wire_close(void *arg, enum channel_close code, const char *reason);

#endif
