#ifndef SP_RELAY_SPLICE_H
#define SP_RELAY_SPLICE_H

/*
 * splice: bytes from one socket to another inside the kernel, one direction at a time.
 *
 * Pipes come from a pool of the thread and are held only while bytes are in flight, so that an
 * idle tunnel costs two sockets; when the pool has none, that direction is not read until one
 * comes back. Linux: splice_linux.c. Loop thread.
 */

#include "lib/tunnel/drive.h"

struct splices; /* the pool */

enum { SPLICE_PIPE_BYTES = 256 * 1024, SPLICE_PIPES_MAX = 128 };

SP_MUST sp_error splices_new(struct splices **out);
void splices_free(struct splices *s);

struct splice;
struct splice_pipe;

/* One direction. Zeroed: not begun. */
struct splice {
    struct splices *pool;
    struct drive *from, *to;                   /* borrowed */
    struct splice_pipe *pipe;                  /* from the pool; NULL: nothing in flight */
    struct splice *next_waiting, **waiting_at; /* in the pool's queue; waiting_at NULL: not */
    uint64_t bytes;
    bool eof; /* the reader's FIN was passed on */
};

void splice_begin(struct splice *s, struct splices *pool, struct drive *from, struct drive *to);
void splice_end(struct splice *s); /* gives the pipe back, emptied */

/*
 * `from` is readable, or `to` is writable: moves what goes.
 *   SP_OK          watch flags of both drives are set for what is next
 *   SP_ERR_CLOSED  FIN has been passed on: this direction is over
 *   SP_ERR_RESET, SP_ERR_IO  the pair is over
 */
SP_MUST sp_error splice_move(struct splice *s);

/* In flight, bytes. */
size_t splice_held(const struct splice *s);

#endif
