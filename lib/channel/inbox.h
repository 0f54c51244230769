#ifndef SP_CHANNEL_INBOX_H
#define SP_CHANNEL_INBOX_H

/*
 * inbox: messages that came in, in their order, until somebody takes them. A part of dialer.c,
 * which hands them over outside of libwebsockets' callbacks, so that a receiver may free it.
 *
 * A zeroed one is empty. Loop thread.
 */

#include "lib/base/error.h"
#include "lib/base/view.h"

struct inbox_message {
    struct inbox_message *next; /* the inbox's own */
    struct view text;           /* in bytes */
    uint8_t bytes[];
};

struct inbox {
    struct inbox_message *first, *last; /* owned */
};

/* Copies.   SP_ERR_NOMEM */
SP_MUST sp_error inbox_put(struct inbox *b, struct view text);
/* The oldest one, to be freed by the caller; NULL: empty. */
struct inbox_message *inbox_take(struct inbox *b);
void inbox_clear(struct inbox *b);

#endif
