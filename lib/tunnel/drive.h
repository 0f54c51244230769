#ifndef SP_TUNNEL_DRIVE_H
#define SP_TUNNEL_DRIVE_H

/*
 * drive: joins a wire with a socket on the loop: reads when its owner wants input, sends what the
 * owner has put into the wire, one send() a batch, at the end of each turn. Knows no protocol.
 *
 * Used by leg.c, end.c and relay/pair.c. Loop thread. Embedded in its owner's struct.
 */

#include "lib/base/clock.h"
#include "lib/os/loop.h"
#include "lib/tunnel/wire.h"

struct drive_hooks {
    /* Received bytes are in the wire: take them. What is left stays in the wire. */
    void (*fed)(void *arg);
    /* Put more into the wire's output, up to a batch; called until nothing is added. */
    void (*fill)(void *arg);
    /* The socket ended: SP_OK for the peer's FIN, else SP_ERR_RESET, SP_ERR_IO. Once; nothing is
     * called afterwards. The owner may free itself only from the loop later. */
    void (*ended)(void *arg, sp_error e);
};

/* A direction that needs no wire any more (the relay splices it): readiness goes to these. */
struct drive_raw {
    void (*readable)(void *arg);
    void (*writable)(void *arg);
};

struct drive {
    struct loop *loop;
    struct tunnel_thread *thread;
    struct wire wire;
    struct watch *watch; /* owned; NULL: not started, or ended */
    struct deferred turn_end;
    const struct drive_hooks *hooks;
    void *arg;
    int fd; /* owned; -1: closed or given away */
    bool reading, want_write, over, fin;
    const struct drive_raw *raw; /* borrowed; NULL: all goes through the wire */
    void *raw_arg;
    bool raw_in, raw_out;
};

/* Takes `fd`, also when it fails; sets TCP_NODELAY and TCP_USER_TIMEOUT where it is TCP.
 *   SP_ERR_NOMEM, SP_ERR_IO */
SP_MUST sp_error drive_start(struct drive *d, struct loop *loop, struct tunnel_thread *thread,
                             int fd, const struct drive_hooks *hooks, void *arg);

/* Input is wanted, or not: a blocked leg's producer is not read. Starts wanted. */
void drive_reading(struct drive *d, bool wanted);
/* There is (or will be, from `fill`) output: sent at the end of this turn. */
void drive_output(struct drive *d);
/* Sends now what the socket takes, without `fill`: last words. */
void drive_send_now(struct drive *d);

/* Our direction ends: FIN, once all of the wire's output is sent. `fill` is called no more. */
void drive_fin(struct drive *d);

/* From here on input (`in`) or output (`out`, once the wire's is sent) is the raw owner's own, by
 * d->fd. `raw` is borrowed until drive_stop; `arg` may be NULL'd by setting it again. */
void drive_raw(struct drive *d, const struct drive_raw *raw, void *arg, bool in, bool out);
/* With raw output: call `writable`. */
void drive_want_write(struct drive *d, bool wanted);

/* Closes; with `reset` so that TCP sends RST. Safe twice, and on a zeroed drive. */
void drive_stop(struct drive *d, bool reset);

#endif
