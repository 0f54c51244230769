#ifndef SP_TUNNEL_WIRE_H
#define SP_TUNNEL_WIRE_H

/*
 * wire: the two ends of one socket's byte stream, without the socket. What was received and is
 * not taken yet; what is to be sent and is not sent yet.
 *
 * Between wire_feed and wire_keep the received bytes are borrowed; wire_keep copies what is left
 * into a block of the thread. An idle wire holds no memory. One thread.
 */

#include "lib/base/view.h"
#include "lib/tunnel/limits.h"

struct tunnel_thread;
struct block;

struct wire {
    struct tunnel_thread *thread; /* borrowed */
    struct view fed;              /* borrowed until wire_keep */
    struct block *kept;           /* owned; NULL: none; holds kept_at..kept_end */
    size_t kept_at, kept_end;
    struct block *out; /* owned; NULL: nothing to send; holds out_at..out_end */
    size_t out_at, out_end;
};

void wire_init(struct wire *w, struct tunnel_thread *thread);
void wire_deinit(struct wire *w);

/* Input. At most TUNNEL_READ_BYTES a feed, and only when wire_waiting is below a record: then
 * what is left always fits. */
void wire_feed(struct wire *w, struct view received);
SP_MUST sp_error wire_keep(struct wire *w); /* SP_ERR_NOMEM */
size_t wire_waiting(const struct wire *w);  /* received, not taken */
void wire_drop(struct wire *w);             /* all of it */
/* Moves up to `n` bytes to `to`; struct tls_wire.take. */
size_t wire_take(void *wire, uint8_t *to, size_t n);

/* Output. */
size_t wire_unsent(const struct wire *w);
size_t wire_room(const struct wire *w); /* bytes that wire_put would take now */
/* All or nothing; struct tls_wire.give. false: no room, or out of memory. */
bool wire_put(void *wire, struct view bytes);
struct view wire_out(const struct wire *w); /* what to send next */
void wire_sent(struct wire *w, size_t n);   /* gives the block back when all is sent */

/* Moves received bytes of `from` straight to the output of `to`, as many as fit: cut-through's
 * read-ahead. Returns how many. */
size_t wire_pass(struct wire *from, struct wire *to);

#endif
