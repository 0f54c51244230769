#ifndef SP_TUNNEL_THREAD_INTERNAL_H
#define SP_TUNNEL_THREAD_INTERNAL_H

#include "lib/tls/conn.h"
#include "lib/tunnel/limits.h"
#include "lib/tunnel/thread.h"

#include <stddef.h>
#include <stdint.h>

/* A block of TUNNEL_OUT_BYTES, handed around through a free list. */
struct block {
    struct block *next; /* in the free list */
    uint8_t at[TUNNEL_OUT_BYTES];
};

enum {
    BLOCKS_KEPT_MAX = 32, /* free blocks that a thread keeps: 6 MiB */
    STAGE_BYTES = FRAME_SEND_MAX + TLS_RECORD_MAX
};

struct tunnel_thread {
    uint8_t read[TUNNEL_READ_BYTES];      /* one recv(); valid until the next one */
    uint8_t plain[TUNNEL_BATCH_BYTES];    /* what the inner TLS decrypted */
    uint8_t stage_head[FRAME_HEADER_MAX]; /* room for the header before stage[] */
    uint8_t stage[STAGE_BYTES];           /* payload of the frame being gathered */
    struct block *free_blocks;            /* owned */
    unsigned free_count, live;            /* live: blocks in use, for tests */
};

/* NULL: out of memory. */
struct block *thread_block(struct tunnel_thread *t);
void thread_block_back(struct tunnel_thread *t, struct block *b); /* NULL is allowed */

#endif
