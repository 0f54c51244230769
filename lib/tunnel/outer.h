#ifndef SP_TUNNEL_OUTER_H
#define SP_TUNNEL_OUTER_H

/*
 * outer: TLS, the websocket upgrade and frames over a wire; bytes in, bytes out, no socket.
 *
 * Used by leg.c (whole messages), end.c (an end of a tunnel) and forward.c (a relay's pair).
 * Reading is a pull: the reader asks for payload, and TLS is asked for no more than that, so that
 * bytes behind a SWITCH stay in the wire. Pings are answered, close codes kept. One thread.
 */

#include "lib/base/clock.h"
#include "lib/tls/conn.h"
#include "lib/tunnel/frame.h"
#include "lib/tunnel/lifecycle.h"
#include "lib/tunnel/switch.h"
#include "lib/tunnel/upgrade.h"
#include "lib/tunnel/wire.h"

struct outer;

/* What is known about how it ended; filled as it becomes known. */
struct outer_end {
    sp_error error; /* SP_OK while it lives; SP_ERR_CLOSED, _REFUSED, _TLS, _PROTOCOL… */
    enum tls_refusal refusal;
    unsigned status, retry_after_s; /* of a refused upgrade */
    unsigned close;                 /* the peer's close code; 0: none came */
    char code[32];                  /* Sallyport-Code, or the reason in the peer's close frame */
};

/* `wire` is borrowed until outer_free. `ask` is borrowed for the call; its key is made here. NULL:
 * TLS only, until outer_ask.   SP_ERR_INVALID, SP_ERR_NOMEM, SP_ERR_TLS */
SP_MUST sp_error outer_client(struct wire *wire, struct tls_context *tls,
                              const struct tls_expect *expect, const struct upgrade_request *ask,
                              struct outer **out);
/* Client that was made without `ask`: sent when TLS is up, or at once.
 *   SP_ERR_CLOSED  over, or asked already;  SP_ERR_INVALID, SP_ERR_TLS */
SP_MUST sp_error outer_ask(struct outer *o, const struct upgrade_request *ask);
SP_MUST sp_error outer_server(struct wire *wire, struct tls_context *tls, struct outer **out);
void outer_free(struct outer *o); /* sends nothing; NULL is allowed */

enum outer_state outer_state(const struct outer *o);
const struct outer_end *outer_end(const struct outer *o);

/*
 * Moves TLS and the upgrade on with what the wire holds.
 *   SP_OK         the state is ASKED or OPEN
 *   SP_ERR_AGAIN  more input is needed
 *   else          CLOSED; outer_end() says why
 */
SP_MUST sp_error outer_advance(struct outer *o);

/* Server, ASKED: the request, valid until outer_accept or outer_refuse. */
const struct upgrade_request *outer_request(const struct outer *o);
SP_MUST sp_error outer_accept(struct outer *o, bool cut_through);
void outer_refuse(struct outer *o, unsigned status, const char *code, unsigned retry_after_s);

/* The extension was agreed. A tunnel may still stay in frames: outer_mode. */
bool outer_cut_through(const struct outer *o);
/* Whether SWITCH may come and go at all on this tunnel; false until said. */
void outer_mode(struct outer *o, bool bare);

/* What outer_read found. */
enum outer_kind { OUTER_NOTHING = 0, OUTER_DATA, OUTER_SWITCHED };
struct outer_bit {
    enum outer_kind kind;
    size_t len; /* OUTER_DATA: bytes written to `to` */
    bool last;  /* OUTER_DATA: the message ends here */
};

/*
 * Payload of binary messages, up to `room` bytes of one frame.
 *   SP_OK            a bit; after OUTER_SWITCHED the wire's bytes are the reader's own
 *   SP_ERR_AGAIN     more input is needed
 *   SP_ERR_CLOSED    close frame: outer_end()
 *   SP_ERR_PROTOCOL  anything that RFC 6455 or the switch table forbids; a close frame was written
 *   SP_ERR_TLS
 * `first_only`: stops before the first data frame: a spare answers pings and reads no more.
 */
SP_MUST sp_error outer_read(struct outer *o, bool first_only, uint8_t *to, size_t room,
                            struct outer_bit *bit);

/* Writing needs room in the wire: payload + OUTER_FRAME_OVERHEAD(payload). */
#define OUTER_FRAME_OVERHEAD(n) \
    ((size_t)FRAME_HEADER_MAX + ((size_t)(n) / TLS_RECORD_PLAIN + 2) * TLS_RECORD_OVERHEAD)

/*
 * One final frame. `payload` has FRAME_HEADER_MAX writable bytes before it; header and mask are
 * applied in place.   SP_ERR_CLOSED not open, or the direction is bare;  SP_ERR_TLS
 */
SP_MUST sp_error outer_frame(struct outer *o, enum frame_op op, uint8_t *payload, size_t len);

/* The SWITCH frame as the last bytes of one TLS record; from here on the wire's output is the
 * writer's own, and the outer TLS sends nothing any more. `proved`: both binds are checked (at a
 * relay: true, with what it read).   SP_ERR_PROTOCOL, SP_ERR_TLS */
SP_MUST sp_error outer_switch(struct outer *o, bool proved);

/* Ends say that the peer's bind was checked; a SWITCH before that breaks the session. A relay
 * says it at once. */
void outer_proved(struct outer *o);

bool outer_rx_bare(const struct outer *o);
bool outer_tx_bare(const struct outer *o);
/* Both directions are bare: gives TLS back, 10 KiB. */
void outer_shed(struct outer *o);

/* Keep-alive.   SP_ERR_CLOSED in a bare direction or not open */
SP_MUST sp_error outer_ping(struct outer *o);
/* Boot clock of the last frame of any kind; 0: none yet. */
sp_boot_ms outer_heard(const struct outer *o);

/* A close frame (once; state CLOSING), when the direction still has frames. */
void outer_close(struct outer *o, unsigned code, const char *reason);

/* RFC 9266; while OPEN or ASKED, before outer_shed. */
SP_MUST sp_error outer_binding(struct outer *o, uint8_t out[TLS_EXPORT_BYTES]);

#endif
